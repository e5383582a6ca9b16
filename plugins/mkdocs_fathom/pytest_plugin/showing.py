"""How a failure reads: what happened, then the author's source around the line, and a caret below the place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Problem
from ..model import Line

_CONTEXT = 2
"""Lines of source shown on each side of the one that failed."""
_LONGEST = 200
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Crash:
    """Where it happened and what, as pytest's summary and `--tb=line` show it."""

    path: str
    """The file."""
    lineno: int
    """Its line."""
    message: str
    """What happened."""

    def __str__(self) -> str:
        return f"{self.path}:{self.lineno}: {self.message}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A failure, as pytest asks for it."""

    text: str
    """All of it."""
    reprcrash: Crash
    """The first of its problems."""

    def __str__(self) -> str:
        return self.text

    def toterminal(self, writer: Any) -> None:
        """Write it, the places in red."""
        for line in self.text.splitlines():
            place = re.match(r">|[^ ]+:\d+:\d+: |  +\| +\^", line)
            writer.line(line, red=bool(place), bold=bool(place))


def show(problems: Sequence[Problem], lines_of: Callable[[str], Sequence[Line]]) -> Shown:
    """Problems with the lines around each.

    Args:
        problems: At least one.
        lines_of: Gives the lines of a file, as far as they are known.
    """
    texts = ["\n".join([str(found), "", *excerpt(found, lines_of(found.span.path))]).rstrip() for found in problems]
    first = problems[0]
    return Shown("\n\n".join(texts), Crash(first.span.path, first.span.line, first.what))


def excerpt(found: Problem, lines: Sequence[Line]) -> Iterator[str]:
    """The lines around a problem, with a caret below its place."""
    shown = {line.number: line.text for line in lines if line.path == found.span.path}
    for number in range(found.span.line - _CONTEXT, found.span.line + _CONTEXT + 1):
        if number in shown:
            here = number == found.span.line
            yield f"{'>' if here else ' '} {number:4} | {shown[number][:_LONGEST]}".rstrip()
            if here and (caret := _caret(found, shown[number])):
                yield f"       | {caret}"


def _caret(found: Problem, text: str) -> str:
    """What stands below a line to show the place in it; nothing where it would lie beyond what is shown."""
    start, marks = _from_traceback(found, text) or (max(found.span.column - 1, _first(text)), "^")
    blanks = "".join(char if char == "\t" else " " for char in text[:start])
    return (blanks + marks)[:_LONGEST] if start < _LONGEST else ""


def _first(text: str) -> int:
    return len(text) - len(text.lstrip())


def _from_traceback(found: Problem, text: str) -> tuple[int, str] | None:
    """Column and marks of the place, if a traceback tells: Python leaves them out where they would mark all code."""
    frame = f'  File "{found.span.path}", line {found.span.line}, in '
    lines = found.detail.splitlines()
    at = max((index for index, line in enumerate(lines) if line.startswith(frame)), default=-1)
    code, marks = (*lines[at + 1 : at + 3], "", "")[:2] if at >= 0 else ("", "")
    start = text.find(code.strip()) if code.strip() else -1
    if start < 0:
        return None
    if re.fullmatch(r" {4} *[~^]+ *", marks):
        indent = len(code) - len(code.lstrip())
        inner = marks[indent:]
        return start + _first(inner), inner.strip()
    return start, "^" * len(code.strip())
