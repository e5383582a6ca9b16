"""Problems for a person, for GitHub, or for a machine.

A person's text has colours: whoever prints it takes them out where they cannot be shown.
"""

from __future__ import annotations

import dataclasses
import json
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from ..errors import FathomError, Problem
from ..model import Span
from ..parsing.notebook import is_notebook, to_markdown
from ..parsing.source import decode, lines
from ..scheduling.report import counted

Format = Literal["text", "github", "json"]
FORMATS = ("text", "github", "json")
"""How problems can be printed."""
_BOLD, _RED, _YELLOW, _BLUE = "1", "1;31", "1;33", "34"
_WIDTH = 100
"""Columns of a source line that are shown: a paragraph may be one line of a thousand."""
_BEFORE = 60
"""Columns of them that may stand before the place."""


def text(problems: Iterable[Problem], root: Path) -> str:
    """Problems as a person reads them, each with the author's line and a caret below its place."""
    files: dict[str, list[str]] = {}

    def line(span: Span) -> str:
        if span.path not in files:
            files[span.path] = _lines(root / span.path)
        return next(iter(files[span.path][span.line - 1 : span.line]), "")

    return "".join(part + "\n" for problem in sorted(problems) for part in _parts(problem, line))


def _parts(problem: Problem, line: Callable[[Span], str]) -> Iterator[str]:
    mark = _paint("warning: ", _YELLOW) if problem.severity == "warning" else ""
    rule = _paint(f" [{problem.rule}]", _BLUE) if problem.rule else ""
    yield f"{_paint(str(problem.span), _BOLD)}: {mark}{problem.what}{rule}"
    source = line(problem.span)
    # A traceback shows the line itself.
    if source.strip() and not problem.detail:
        yield from _pointed(source, problem)
    if problem.hint:
        yield f"  {problem.hint}"
    yield from (f"    {each}".rstrip() for each in problem.detail.splitlines())


def _pointed(source: str, problem: Problem) -> Iterator[str]:
    """A source line, cut to what fits, and a caret for each character that is meant."""
    at = min(problem.span.column - 1, len(source))
    first = max(at - _BEFORE, 0) if len(source) > _WIDTH else 0
    shown = source[first : first + _WIDTH]
    start, end = "…" if first else "", "…" if first + len(shown) < len(source) else ""
    number = f"{problem.span.line} |"
    margin = f"{'|':>{len(number)}}"
    length = max(len(problem.fix.old), 1) if problem.fix else 1
    blanks = "".join(map(_blank, start + shown[: at - first]))
    carets = "^" * max(sum(len(_blank(char)) for char in shown[at - first : at - first + length]), 1)
    yield f"  {_paint(number, _BLUE)} {start}{''.join(map(_printable, shown))}{end}"
    yield f"  {_paint(margin, _BLUE)} {blanks}{_paint(carets, _RED)}"


def _blank(char: str) -> str:
    """What stands below a character: as wide as a terminal shows it."""
    if char == "\t":
        return char
    if unicodedata.combining(char) or unicodedata.category(char) in {"Cf", "Me", "Mn"}:
        return ""
    return "  " if unicodedata.east_asian_width(char) in {"W", "F"} else " "


def _printable(char: str) -> str:
    return char if char == "\t" or unicodedata.category(char) not in {"Cc", "Cs"} else "\ufffd"


def _paint(words: str, colour: str) -> str:
    return f"\x1b[{colour}m{words}\x1b[0m"


def _lines(file: Path) -> list[str]:
    """A file's lines; none where it cannot be read, which is a problem of its own."""
    try:
        text = decode(file.read_bytes(), str(file))
        if is_notebook(file):
            # Where it cannot be read as one, columns are those of the file.
            with suppress(FathomError):
                text = to_markdown(text, str(file))
        return lines(text)
    except (OSError, FathomError, ValueError):
        return []


def github(problems: Iterable[Problem], root: Path) -> str:
    """Problems as workflow commands, which GitHub shows beside the lines of a pull request.

    Args:
        problems: The problems.
        root: The folder that their paths are relative to; GitHub wants them relative to the repository's.
    """
    base = os.environ.get("GITHUB_WORKSPACE") or os.getcwd()  # noqa: PTH109 - a text, as the variable is
    return "".join(
        _annotation(problem, os.path.relpath(root / problem.span.path, base)) for problem in sorted(problems)
    )


def _annotation(problem: Problem, path: str) -> str:
    title = f"Fathom: {problem.rule}" if problem.rule else "Fathom"
    where = {"file": path.replace(os.sep, "/"), "line": problem.span.line, "col": problem.span.column, "title": title}
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in where.items())
    message = "\n".join(filter(None, (problem.what, problem.hint, problem.detail)))
    return f"::{problem.severity} {properties}::{_escaped(message)}\n"


def _escaped(words: str, more: str = "") -> str:
    """What would end a workflow command, or one of its properties, as GitHub decodes it."""
    for char in "%\r\n" + more:
        words = words.replace(char, f"%{ord(char):02X}")
    return words


def data(problems: Iterable[Problem], **others: object) -> str:
    """Problems, and whatever else a command has to say, as a JSON object."""
    return json.dumps({**others, "problems": [dataclasses.asdict(problem) for problem in sorted(problems)]})


def summary(problems: Sequence[Problem], chapters: int, cells: int) -> str:
    """One line for all: how much was looked at, and how much is to be mended."""
    errors = sum(problem.severity == "error" for problem in problems)
    # How many cells a chapter with an error has, nobody knows.
    seen = counted(chapters, "chapter") + ("" if errors else f", {counted(cells, 'cell')}")
    if not problems:
        return f"{seen}: nothing to mend"
    fixes = sum(problem.fix is not None for problem in problems)
    kinds = [
        counted(number, noun) for number, noun in ((errors, "error"), (len(problems) - errors, "warning")) if number
    ]
    mending = f"; `fathom check --fix` mends {fixes} of them" if fixes else ""
    return f"{seen}: {' and '.join(kinds)}{mending}"
