"""One namespace in which the cells of a reading path run: IPython's shell, without its terminal.

A cell is plain Python, compiled under the author's file name and lines, so that every traceback, warning and
`inspect.getsource` shows the chapter's own text. What a cell displays becomes nbformat outputs.
"""

# IPython is typed in part; the methods that we inherit are not.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import ast
import base64
import builtins
import linecache
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config as Settings

from ..model import JSON
from .capture import Capture

_LONGEST = 20_000
"""Characters of an exception's message or traceback that are kept."""


class Compiler(CachingCompiler):
    """Gives code the name and the lines that it has in the author's file."""

    name = "<cell>"
    lines: Sequence[int] = (1,)

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:  # noqa: ARG002 - IPython's
        """The author's file."""
        return self.name

    def cache(self, transformed_code: str, number: int = 0, raw_code: str | None = None) -> str:  # noqa: ARG002 - IPython's
        """Keep nothing: the whole chapter is in `linecache` already."""
        return self.name

    def ast_parse(self, source: str, filename: str = "<cell>", symbol: str = "exec") -> Any:
        """The code's tree, with the author's line numbers."""
        tree = super().ast_parse(source, filename, symbol)
        for node in ast.walk(tree):
            if hasattr(node, "lineno"):
                self._place(node)
        return tree

    def _place(self, node: Any) -> None:
        """Give a node the author's lines."""
        line, end = node.lineno, node.end_lineno or node.lineno
        node.lineno, node.end_lineno = self._line(line), self._line(end)
        if line < end and node.end_lineno <= node.lineno:
            # Included lines count as the fence's, so that the end may come before the start; Python refuses that.
            node.end_lineno = node.lineno
            node.end_col_offset = max(node.col_offset, node.end_col_offset)

    def _line(self, line: int) -> int:
        return self.lines[min(line, len(self.lines)) - 1]


class Hook(DisplayHook):
    """Turns the value of a cell's last expression into an `execute_result`."""

    shell: Shell

    def __call__(self, result: Any = None) -> None:
        """Show a value, unless it is None or the cell ends with a semicolon."""
        if result is None or self.quiet():
            return
        data, metadata = self.compute_format_data(result)
        self.update_user_ns(result)
        self.fill_exec_result(result)
        if data:
            shown = {"data": as_json(data), "metadata": as_json(metadata)}
            self.shell.capture.display({"output_type": "execute_result", "execution_count": None, **shown})

    def quiet(self) -> bool:
        """Whether the last expression ends with a semicolon, as notebooks silence a value."""
        return bool(self.semicolon_at_end_of_expression(self.shell.source))


class Publisher(DisplayPublisher):
    """Turns what `display` shows into `display_data`."""

    shell: Shell

    def publish(
        self,
        data: JSON,
        metadata: JSON | None = None,
        source: object = None,  # noqa: ARG002 - IPython's signature
        *,
        transient: JSON | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        """Show a value, or put it in the place of one that the cell has shown under the same name."""
        shown = {"output_type": "display_data", "data": as_json(data), "metadata": as_json(metadata or {})}
        name = (transient or {}).get("display_id")
        places = self.shell.places
        if update and name in places:
            self.shell.capture.replace(places[name], shown)
            return
        position = self.shell.capture.display(shown)
        if name:
            places[name] = position

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's signature
        """Drop what the cell has put out; with `wait`, once there is something new."""
        self.shell.places.clear()
        self.shell.capture.clear(wait=wait)


class Shell(InteractiveShell):
    """IPython's shell with our compiler and our displays, and without magics, history and exit."""

    compiler_class = Type(Compiler)
    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)
    compile: Compiler
    capture: Capture
    source: str
    places: dict[str, int]
    failure: BaseException | None = None

    def transform_cell(self, raw_cell: str) -> str:
        """Leave the code as it is: a cell is plain Python."""
        return raw_cell

    def showtraceback(self, *_: object, **__: object) -> None:
        """Keep the error for the caller: IPython and Matplotlib call this for errors in displays and figures, too."""
        self.failure = self.failure or sys.exception()

    def showsyntaxerror(self, *_: object, **__: object) -> None:
        """Keep the error for the caller."""
        self.showtraceback()

    def ask_exit(self) -> None:
        """Make `exit()` and `quit()` what they are in a script."""
        raise SystemExit


def create_shell(figure_format: str) -> Shell:
    """The shell, to be made before workers are forked: it costs more than they do."""
    settings = Settings()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.cache_size = 0
    settings.InteractiveShell.colors = "nocolor"
    settings.InteractiveShell.xmode = "Plain"
    settings.InlineBackend.figure_formats = {figure_format}
    # No date: the same figure is the same bytes.
    metadata = {"Date": None} if figure_format == "svg" else {}
    settings.InlineBackend.print_figure_kwargs = {"bbox_inches": "tight", "metadata": metadata}
    settings.InlineBackend.rc = {}
    Shell.clear_instance()
    shell = Shell.instance(config=settings)
    warnings.filterwarnings("ignore", message="To exit: use")  # IPython's word on SystemExit; ours comes later
    shell.user_ns["__name__"] = "__main__"
    shell.places = {}
    builtins.input = _no_input
    return shell


def run_cell(shell: Shell, cell: JSON) -> BaseException | None:
    """Run one cell; its outputs are in the shell's capture, which has begun.

    Returns:
        The exception that ended it, or that showing its values and figures raised.
    """
    shell.source = cell["source"]
    shell.places = {}
    shell.failure = None
    shell.compile.name = cell["file"]
    shell.compile.lines = cell["lines"]
    result = shell.run_cell(shell.source, store_history=False)
    return result.error_before_exec or result.error_in_exec or shell.failure


def remember_source(name: str, text: str) -> None:
    """Let tracebacks and `inspect` find the author's text; without a time stamp it is never dropped."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)


def describe_error(error: BaseException, files: set[str], root: str) -> JSON:
    """An exception for its author: the traceback holds frames of the project's own files only.

    Args:
        error: What ended the cell.
        files: The names under which the chapter's cells were compiled.
        root: The project's root; files below it are the author's, too.
    """
    told = traceback.TracebackException.from_exception(error, compact=True, capture_locals=False)
    place = next(((frame.filename, frame.lineno) for frame in reversed(told.stack) if frame.filename in files), None)
    _trim(told, files, root + os.sep)
    return {
        "ename": type(error).__name__,
        "evalue": _shortened(_text(error)),
        "names": [base.__name__ for base in type(error).__mro__],
        "traceback": _shortened("".join(told.format()).rstrip("\n")),
        "place": place,
        "name": error.name if isinstance(error, NameError) and isinstance(error.name, str) else None,
    }


def _trim(told: traceback.TracebackException, files: set[str], root: str) -> None:
    """Leave the author's frames: of the exception, of what caused it, and of a group's members."""
    own = [
        frame
        for frame in told.stack
        if frame.filename in files or (frame.filename.startswith(root) and "site-packages" not in frame.filename)
    ]
    told.stack = traceback.StackSummary.from_list(own)
    for other in (told.__cause__, told.__context__, *(told.exceptions or ())):
        if other is not None:
            _trim(other, files, root)


def _text(error: BaseException) -> str:
    """What an exception says; its own code may fail at that."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever the author's `__str__` raises
        return "<exception str() failed>"


def _shortened(text: str) -> str:
    """A text that may be as long as an author's program makes it, in a length that a person reads."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}\n… {len(text) - _LONGEST} characters …\n{text[-half:]}"


def as_json(bundle: JSON) -> JSON:
    """A mime bundle as nbformat stores it: bytes in base64, anything that JSON cannot hold as its `repr`."""
    return {mime: _json_value(value) for mime, value in bundle.items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return value if isinstance(value, str | int | float | bool | type(None)) else repr(value)


def _no_input(prompt: object = "", /) -> str:
    sys.stdout.write(str(prompt))
    raise EOFError("`input()` has nobody to ask while a site is built")
