"""Writes what findings know the repair of, and leaves every other byte of a file alone."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import Problem
from ..parsing.notebook import is_notebook, to_markdown
from ..parsing.source import lines, unified

_MARK = "\ufeff"
"""A byte-order mark."""
_WRITTEN = re.compile(r'([ \t]*)"(?:[^"\\]|\\.)*"(,?\s*)')
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
        after, done = _mend(opened(before, path), found)
        if done:
            yield Mended(path, before, closed(before, path, after), tuple(done))


def opened(text: str, path: str) -> list[str]:
    """A file's lines with their endings; of a notebook, the lines of the Markdown that it stands for."""
    if is_notebook(path):
        return _split(to_markdown(unified(text.removeprefix(_MARK)), path))
    return _split(text)


def closed(text: str, path: str, after: list[str]) -> str:
    """The text of a file whose lines, as `opened` gives them, were changed."""
    mark = _MARK if text.startswith(_MARK) else ""
    return mark + "".join(_in_notebook(_split(text), opened(text, path), after) if is_notebook(path) else after)


def _split(text: str) -> list[str]:
    return [line for line in _LINES.findall(text.removeprefix(_MARK)) if line]


def _in_notebook(own: list[str], before: list[str], after: list[str]) -> list[str]:
    """The lines of a notebook with what was changed within its cells, each line of them a text of JSON again."""
    new: list[str] = []
    for kind, i, i_end, j, j_end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        shape = _WRITTEN.fullmatch(own[i_end - 1])
        inner = _WRITTEN.fullmatch(own[i]) if kind == "replace" else shape
        if kind in {"equal", "delete"} or not shape or not inner:
            new += own[i:i_end] if kind != "delete" else []
            continue
        texts = [json.dumps(line, ensure_ascii=False) for line in after[j:j_end]]
        new += [f"{inner[1]}{text},{shape[2].removeprefix(',')}" for text in texts]
        if not shape[2].startswith(","):  # the cell's last line: no line feed in it, and no comma behind it
            new[-1] = f"{inner[1]}{json.dumps(after[j_end - 1][:-1], ensure_ascii=False)}{shape[2]}"
    return new


def _mend(own: list[str], problems: Iterable[Problem]) -> tuple[list[str], list[Problem]]:
    """Lines with their problems mended, and which of them were found where they should stand."""
    own, done = list(own), []
    # From the end of a line to its beginning: a repair moves what stands behind it.
    for problem in sorted(problems, key=lambda each: each.span, reverse=True):
        line, at, fix = problem.span.line - 1, problem.span.column - 1, problem.fix
        if fix and line < len(own) and own[line].startswith(fix.old, at):
            own[line] = own[line][:at] + fix.new + own[line][at + len(fix.old) :]
            done.append(problem)
    return own, done
