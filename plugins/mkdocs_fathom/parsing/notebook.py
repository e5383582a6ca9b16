"""A notebook's text → Markdown whose line numbers are those of the `.ipynb` file, which the rest reads as a chapter.

Jupyter writes each line of a cell on a line of its own. So the lines of Markdown cells stand where the file has them,
those of code cells stand in a fence whose edges are the lines of `"source": [` and `]`, and every other line is blank.
What an author asks of a cell stands in its metadata, under `fathom`: what stands behind ```` ```python ```` elsewhere.
A first raw cell of YAML between `---` lines is the front matter. Outputs that the file holds are not looked at.
"""

from __future__ import annotations

import bisect
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ..errors import FathomError, Problem
from ..model import Line, Span
from . import attachments
from .fences import read_info
from .scan import RawFence, scan
from .source import lines

SUFFIX = ".ipynb"
"""How the names of notebooks end."""

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]|[^\s{}\[\]:,"]+|\n')
_SAVE = "Open it in Jupyter and save it: each line of a cell must stand on a line of its own."
_FRONT = re.compile(r"---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_TEXT_NOTEBOOK = re.compile(r"^(?:jupyter|jupytext|kernelspec)[ \t]*:", re.MULTILINE)

_DEEPEST = 4
"""The length of the longest path that is asked for; below it are outputs, which may be many."""

_Path = tuple[str | int, ...]
_Place = tuple[int, int]


def is_notebook(path: Path | str) -> bool:
    """Whether a file is a notebook, by its name."""
    return Path(path).suffix == SUFFIX


def is_text_notebook(file: Path) -> bool:
    """Whether a Markdown file is a notebook of Jupytext's or MyST's, which its front matter tells; False if unread."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            if stream.readline().rstrip() != "---":
                return False
            front = "".join(itertools.takewhile(lambda line: line.rstrip() not in {"---", "..."}, stream))
        # To read YAML takes time, and nearly every page is none of these.
        data = yaml.safe_load(front) if _TEXT_NOTEBOOK.search(front) else None
    except (OSError, yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return False  # what is wrong with a chapter is said where chapters are read
    return isinstance(data, dict) and any(_TEXT_NOTEBOOK.match(f"{key}:") for key in data)


def to_markdown(text: str, path: str) -> str:
    """A notebook as Markdown.

    Args:
        text: The file's text.
        path: The file, for errors.

    Raises:
        FathomError: It is no notebook of Python, or holds what would not run or not be shown.
    """
    book = _Reader(text, path)
    cells = book.read()
    for number, cell in enumerate(cells, 1):
        book.cell(number, cell)
    if book.problems:
        raise FathomError(book.problems)
    return "\n".join(book.out) + "\n"


def with_cells(problems: Iterable[Problem], text: str, path: str) -> Iterator[Problem]:
    """Problems with the numbers of the cells that they stand in, because Jupyter shows no lines of the file."""
    firsts = [line for where, (line, _) in _places(text) if where[:-1] == ("cells",) and where[-1] != "]"]
    for problem in problems:
        number = bisect.bisect(firsts, problem.span.line) if problem.span.path == path else 0
        yield replace(problem, what=f"{problem.what} (cell {number})") if number else problem


@dataclass(slots=True)
class _Reader:
    """One notebook being read."""

    text: str
    path: str
    places: dict[_Path, _Place] = field(default_factory=dict)
    out: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> Sequence[Any]:
        """The notebook's cells. Raises `FathomError` where it is none."""
        try:
            data = json.loads(self.text)
        except json.JSONDecodeError as error:
            hint = "Mend the file, or take it from before the change that broke it."
            raise FathomError.at(Span(self.path, error.lineno, error.colno), f"not JSON: {error.msg}", hint) from error
        except (ValueError, RecursionError) as error:
            raise FathomError.at(Span(self.path, 1), f"not JSON that can be read: {error}", "Mend the file.") from error
        cells = data.get("cells") if isinstance(data, dict) else None
        if not isinstance(cells, list) or data.get("nbformat") != 4:  # noqa: PLR2004 - the format's number
            hint = "Open it in Jupyter and save it, which writes that format."
            raise FathomError.at(Span(self.path, 1), "not a notebook of format 4", hint)
        self.places = dict(_places(self.text))
        self.language(data.get("metadata"))
        self.out = [""] * len(lines(self.text))
        return cells

    def problem(self, place: _Place, what: str, hint: str) -> None:
        self.problems.append(Problem(Span(self.path, *place), what, hint))

    def place(self, *path: str | int) -> _Place:
        """Where something stands, or what it stands in."""
        return self.places.get(path) or (self.place(*path[:-1]) if path else (1, 1))

    def language(self, metadata: Any) -> None:
        """Refuse a notebook of another language."""
        for key, name in (("kernelspec", "language"), ("language_info", "name")):
            entry = metadata.get(key) if isinstance(metadata, Mapping) else None
            told = entry.get(name) if isinstance(entry, Mapping) else None
            if isinstance(told, str) and told.lower() not in {"", "python", "ipython"}:
                what = f"the notebook's language is `{told}`, and cells are Python"
                hint = "Choose a kernel of Python, or leave the notebook out of fathom's option `chapters`."
                self.problem(self.place("metadata", key, name), what, hint)
                return

    def cell(self, number: int, cell: Any) -> None:
        """Take a cell in; `number` counts from 1, as readers do."""
        at = number - 1
        kind = cell.get("cell_type") if isinstance(cell, Mapping) else None
        if kind not in ("code", "markdown", "raw"):
            self.problem(self.place("cells", at), f"cell {number} is no code, Markdown or raw cell", "Take it out.")
            return
        metadata = cell.get("metadata")
        asked = metadata.get("fathom") if isinstance(metadata, Mapping) else None
        if asked is not None and (kind != "code" or not isinstance(asked, str)):
            what = f"`fathom` in the metadata of cell {number} is not the options of a code cell"
            hint = 'Write what stands behind ```python in a chapter, as a text: "fathom": "setup".'
            self.problem(self.place("cells", at, "metadata", "fathom"), what, hint)
            return
        source = self.source(number, cell.get("source"))
        if source is None or not "".join(text for _, text in source).strip():
            return
        if kind == "code":
            self.code(number, source, asked or "")
        elif kind == "markdown":
            held = cell.get("attachments")
            names = list(held) if isinstance(held, Mapping) else []
            self.markdown(number, [(line, attachments.numbered(text, number, names)) for line, text in source])
        else:
            self.raw(number, source)

    def source(self, number: int, source: Any) -> list[tuple[int, str]] | None:
        """A cell's lines, each with its number in the file; None where they do not stand on lines of their own."""
        if source in ("", []):
            return []
        base: _Path = ("cells", number - 1, "source")
        texts = source if isinstance(source, list) else [source]
        found = [(self.place(*base, at)[0], text) for at, text in enumerate(texts)]
        edges = [self.place(*base)[0], *(line for line, _ in found), self.place(*base, "]")[0]]
        apart = all(before < after for before, after in itertools.pairwise(edges))
        whole = all(isinstance(text, str) and text.find("\n") in {-1, len(text) - 1} for text in texts)
        if not apart or not whole or any(not text.endswith("\n") for text in texts[:-1]):
            what = f"the lines of cell {number} do not stand on lines of the file"
            self.problem(self.place(*base), what, _SAVE)
            return None
        return [(line, text.removesuffix("\n")) for line, text in found]

    def code(self, number: int, source: list[tuple[int, str]], options: str) -> None:
        """Put a code cell in as a fence; each line that the file leaves between its edges is one of its source."""
        self.write(source)
        base: _Path = ("cells", number - 1, "source")
        info = f"python {options}".rstrip()
        line, column = self.place("cells", number - 1, "metadata", "fathom")
        if "\n" in options:
            self.problem((line, column), f"the options of cell {number} are more than one line", "Write them in one.")
            return
        for fault in read_info(info).faults:
            # The text begins behind its quotation mark.
            inside = len(json.dumps(info[: fault.at], ensure_ascii=False)) - len('"python "')
            self.problem((line, column + 1 + max(inside, 0)), f"{fault.what} (cell {number})", fault.hint)
        sign = "~" if "`" in options else "`"
        runs = re.findall(sign + "{3,}", "\n".join(text for _, text in source))
        fence = sign * max([3, *(len(run) + 1 for run in runs)])
        self.out[self.place(*base)[0] - 1] = fence + info
        self.out[self.place(*base, "]")[0] - 1] = fence

    def markdown(self, number: int, source: list[tuple[int, str]]) -> None:
        """Put a Markdown cell in; what would run on into the next cell, or would not run, is an error."""
        self.write(source)
        own = [Line(text, self.path, line) for line, text in source]
        for line, text in source:
            for column, name in attachments.missing(text):
                what = f"cell {number} has no attachment `{name}`"
                self.problem((line, column), what, "Paste the picture into the cell again, or take its line out.")
        scanned = scan(own)
        if scanned.cut_at is not None:
            self.problems += [
                Problem(found.span, f"{found.what} (cell {number})", found.hint) for found in scanned.problems
            ]
        for event in scanned.events:
            if isinstance(event, RawFence):
                info = read_info(event.info)
                if info.python and info.options.reason is None and not info.faults:
                    what = f"a fence of Python in Markdown does not run (cell {number})"
                    hint = 'Make it a code cell, or say why it does not run: ```python exec="false" reason="…".'
                    self.problem((own[event.first].number, len(event.prefix) + 1), what, hint)

    def raw(self, number: int, source: list[tuple[int, str]]) -> None:
        """Put the front matter in; any other raw cell is refused, because no page would show it."""
        if number == 1 and _FRONT.fullmatch("\n".join(text for _, text in source).rstrip() + "\n"):
            self.write(source)
            self.out[source[0][0] - 1] = ""
            self.out[0] = "---"
            return
        what = f"cell {number} is raw, and a page does not show it"
        hint = "Make it a Markdown cell, or take it out; front matter is a raw cell in the first place, between `---`."
        self.problem((source[0][0], 1), what, hint)

    def write(self, source: list[tuple[int, str]]) -> None:
        for line, text in source:
            self.out[line - 1] = text


def _places(text: str) -> Iterator[tuple[_Path, _Place]]:
    """Line and column of each value, and of the `]` and `}` that end one, by its path: `("cells", 0, "source", 3)`."""
    stack: list[str | int] = []
    line, start, naming = 1, 0, False
    for token in _TOKEN.finditer(text):
        sign, place = token[0], (line, token.start() - start + 1)
        if sign == "\n":
            line, start = line + 1, token.end()
        elif sign == ",":
            at = stack[-1]
            naming = isinstance(at, str)
            if not isinstance(at, str):
                stack[-1] = at + 1
        elif sign in "]}":
            stack.pop()
            naming = False
            if len(stack) < _DEEPEST:
                yield (*stack, sign), place
        elif naming:
            stack[-1], naming = json.loads(sign), False
        else:
            if len(stack) <= _DEEPEST:
                yield tuple(stack), place
            if sign in "[{":
                stack.append(0 if sign == "[" else "")
                naming = sign == "{"
