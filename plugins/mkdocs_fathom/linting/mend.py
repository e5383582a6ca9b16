"""Writes what findings know the repair of, and leaves every other byte of a file alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import Problem
from ..parsing.source import lines

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


@dataclass(frozen=True, slots=True)
class Mended:
    """A file, before and after."""

    path: str
    """Its path, relative to the root."""
    before: str
    """Its text, with the line endings and the byte-order mark that it has."""
    after: str
    """The same, mended."""
    problems: tuple[Problem, ...]
    """What is mended."""

    def diff(self) -> str:
        """The change, as `diff -u` and `git diff` show it."""
        before, after = lines(self.before), lines(self.after)
        changed = difflib.unified_diff(before, after, f"a/{self.path}", f"b/{self.path}", lineterm="", n=1)
        return "".join(f"{line}\n" for line in changed)

    def write(self, root: Path) -> None:
        """Put it where it came from.

        Raises:
            OSError: The file cannot be written.
        """
        (root / self.path).write_bytes(self.after.encode())


def mended(problems: Iterable[Problem], root: Path) -> Iterator[Mended]:
    """The files in which some of the problems can be mended; writes nothing."""
    files: dict[str, list[Problem]] = {}
    for problem in problems:
        if problem.fix:
            files.setdefault(problem.span.path, []).append(problem)
    for path, found in files.items():
        before = (root / path).read_bytes().decode()
        after, done = _mend(before, found)
        if done:
            yield Mended(path, before, after, tuple(done))


def split(text: str) -> tuple[str, list[str]]:
    """A file's byte-order mark, if it has one, and its lines with their endings."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    return mark, [line for line in _LINES.findall(text.removeprefix(mark)) if line]


def _mend(text: str, problems: Iterable[Problem]) -> tuple[str, list[Problem]]:
    """A text with its problems mended, and which of them were found where they should stand."""
    mark, own = split(text)
    done = []
    # From the end of a line to its beginning: a repair moves what stands behind it.
    for problem in sorted(problems, key=lambda each: each.span, reverse=True):
        line, at, fix = problem.span.line - 1, problem.span.column - 1, problem.fix
        if fix and line < len(own) and own[line].startswith(fix.old, at):
            own[line] = own[line][:at] + fix.new + own[line][at + len(fix.old) :]
            done.append(problem)
    return mark + "".join(own), done
