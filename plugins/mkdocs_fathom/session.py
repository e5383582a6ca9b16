"""One namespace in which the cells of a reading path run: IPython's shell, without its terminal.

A cell is plain Python, compiled under the author's file name and lines, so that every traceback, warning and
`inspect.getsource` shows the chapter's own text. What a cell displays becomes nbformat outputs.
"""

from __future__ import annotations

import ast
import base64
import builtins
import linecache
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config as Settings

from .capture import Capture
from .model import JSON


class Compiler(CachingCompiler):
    """Gives code the name and the lines that it has in the author's file."""

    name = "<cell>"
    lines: Sequence[int] = ()

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return self.name

    def cache(self, transformed_code: str, number: int = 0, raw_code: str | None = None) -> str:
        return self.name  # the whole chapter is in `linecache` already

    def ast_parse(self, source: str, filename: str = "<cell>", symbol: str = "exec") -> Any:
        tree = super().ast_parse(source, filename, symbol)
        for node in ast.walk(tree):
            if hasattr(node, "lineno"):
                node.lineno = self.lines[min(node.lineno, len(self.lines)) - 1]
            if getattr(node, "end_lineno", None):
                node.end_lineno = self.lines[min(node.end_lineno, len(self.lines)) - 1]
        return tree


class Hook(DisplayHook):
    """Turns the value of a cell's last expression into an `execute_result`."""

    def __call__(self, result: Any = None) -> None:
        if result is None or self.quiet():
            return
        data, metadata = self.compute_format_data(result)
        self.update_user_ns(result)
        self.fill_exec_result(result)
        if data:
            self.shell.capture.display(
                {
                    "output_type": "execute_result",
                    "execution_count": None,
                    "data": as_json(data),
                    "metadata": as_json(metadata),
                }
            )

    def quiet(self) -> bool:
        """Whether the last expression ends with a semicolon, as notebooks silence a value."""
        return bool(self.semicolon_at_end_of_expression(self.shell.source))


class Publisher(DisplayPublisher):
    """Turns what `display` shows into `display_data`."""

    def publish(
        self,
        data: JSON,
        metadata: JSON | None = None,
        source: object = None,
        *,
        transient: JSON | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        shown = {"output_type": "display_data", "data": as_json(data), "metadata": as_json(metadata or {})}
        name = (transient or {}).get("display_id")
        places = self.shell.places
        if update and name in places:
            self.shell.capture.replace(places[name], shown)
            return
        if name:
            places[name] = self.shell.capture.count
        self.shell.capture.display(shown)

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's signature
        self.shell.places.clear()
        self.shell.capture.clear()


class Shell(InteractiveShell):
    """IPython's shell with our compiler and our displays, and without magics, history and exit."""

    compiler_class = Type(Compiler)
    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)
    capture: Capture
    source: str
    places: dict[str, int]

    def transform_cell(self, raw_cell: str) -> str:
        """Leave the code as it is: a cell is plain Python."""
        return raw_cell

    def showtraceback(self, *_: object, **__: object) -> None:
        """Print nothing: the caller tells of errors."""

    def showsyntaxerror(self, *_: object, **__: object) -> None:
        """Print nothing: the caller tells of errors."""

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
    return shell  # type: ignore[no-any-return]  # traitlets' `instance` is untyped


def run_cell(shell: Shell, cell: JSON, clean: Callable[[str], str]) -> tuple[list[JSON], BaseException | None]:
    """Run one cell; `clean` is applied to the text of streams.

    Returns:
        What it put out, and the exception that ended it.
    """
    shell.source = cell["source"]
    shell.places = {}
    shell.compile.name = cell["file"]
    shell.compile.lines = cell["lines"]
    shell.capture.begin()
    result = shell.run_cell(shell.source, store_history=False)
    return shell.capture.outputs(clean), result.error_before_exec or result.error_in_exec


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
    cause: traceback.TracebackException | None = told
    while cause is not None:
        _trim(cause, files, root)
        cause = cause.__cause__ or cause.__context__
    return {
        "ename": type(error).__name__,
        "evalue": str(error),
        "names": [base.__name__ for base in type(error).__mro__],
        "traceback": "".join(told.format()).rstrip("\n"),
        "place": place,
        "name": error.name if isinstance(error, NameError) else None,
    }


def _trim(told: traceback.TracebackException, files: set[str], root: str) -> None:
    own = [
        frame
        for frame in told.stack
        if frame.filename in files or (frame.filename.startswith(root) and "site-packages" not in frame.filename)
    ]
    told.stack = traceback.StackSummary.from_list(own)


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
