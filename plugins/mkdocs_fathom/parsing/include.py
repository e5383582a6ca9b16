"""`--8<--` includes: a chapter's text → its lines, each with the file and number it really comes from.

The notation is that of `pymdownx.snippets`: `--8<-- "file.py"`, `"file.py:section"`, `"file.py:3:9"`, a block of
paths between two bare `--8<--`, and `;--8<--` for the text itself. It differs from it where that one is silent:
what cannot be included is an error, and a file's final line feed is no blank line. A section or a range of lines
loses the white space that all its lines share, so that the body of a method can be shown and run by itself.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..config import Config
from ..errors import FathomError, Problem
from ..model import Line, Span
from .source import decode, lines

MOST_LINES = 200_000
"""A chapter longer than this is a mistake: files that include one another twice grow without end."""
_LONGEST = 4096
"""No path is longer, on any system."""

_MARK = re.compile(r"(?P<prefix>[ \t>]*)(?P<escape>;*)-+8<-+[ \t]*(?P<rest>[^ \t].*)?$")
_QUOTED = re.compile(r"\"([^\"]+)\"[ \t]*$|'([^']+)'[ \t]*$")
_SECTION = re.compile(
    r"(?<![-;])(?P<escape>;*)-+8<-+[ \t]+"
    r"\[[ \t]*(?P<kind>start|end)[ \t]*:[ \t]*(?P<name>[A-Za-z][\w-]*)[ \t]*\]"
)
_RANGE = re.compile(r"(-?\d*)(?::(-?\d*))?")
_TARGET = re.compile(r"(?P<path>[^:]+)(?::(?:(?P<section>[A-Za-z][\w-]*)|(?P<ranges>[-\d:,]+)))?")


def expand(text: str, path: str, config: Config, first_line: int = 1) -> tuple[tuple[Line, ...], tuple[Problem, ...]]:
    """The lines of a text with its includes put in.

    Args:
        text: The text, or the part of a file behind its front matter.
        path: The file it stands in, relative to the root.
        config: Where to look for files.
        first_line: The number of its first line in that file.

    Returns:
        The lines, and what was wrong with the includes, each at the line that asks for it.
    """
    work = _Expansion(config)
    own = [Line(line, path, number) for number, line in enumerate(lines(text), first_line)]
    result = work.expanded(own, ((config.root / path).resolve(),))
    return tuple(result), tuple(work.problems)


@dataclass(slots=True)
class _Expansion:
    """One chapter being put together."""

    config: Config
    """Where to look for files."""
    problems: list[Problem] = field(default_factory=list)
    """What was wrong so far."""
    count: int = 0
    """Lines taken from other files so far."""

    def expanded(self, source: list[Line], stack: tuple[Path, ...]) -> list[Line]:
        """The lines of one file with its includes put in."""
        result: list[Line] = []
        block: Line | None = None
        for line in source:
            if "8<-" not in line.text and block is None:
                result.append(line)
                continue
            mark = _MARK.match(line.text)
            if section := _section(line.text):
                if section["escape"]:
                    result.append(_unescaped(line, section))
            elif mark and mark["escape"]:
                result.append(_unescaped(line, mark))
            elif mark and not mark["rest"]:
                block = None if block else line
            elif block is not None:
                result += self.block_entry(line, stack)
            elif mark:
                result += self.inline(line, mark, stack)
            else:
                result.append(line)
        if block is not None:
            self.problem(block, "the block of includes is never closed", "Add a line `--8<--` behind its last path.")
        return result

    def inline(self, line: Line, mark: re.Match[str], stack: tuple[Path, ...]) -> list[Line]:
        """The lines for `--8<-- "path"`."""
        quoted = _QUOTED.match(mark["rest"])
        if not quoted:
            hint = 'Write `--8<-- "file.py"`, or `;--8<--` to show the text itself.'
            return self.problem(line, "an include whose path is not in quotes", hint)
        return self.include(line, (quoted[1] or quoted[2]).strip(), mark["prefix"], stack)

    def block_entry(self, line: Line, stack: tuple[Path, ...]) -> list[Line]:
        """The lines for one line of a block of includes."""
        target = line.text.lstrip(" \t>")
        prefix = line.text[: len(line.text) - len(target)]
        target = target.strip()
        if not target:
            return [line]
        return [] if target.startswith(";") else self.include(line, target, prefix, stack)

    def include(self, line: Line, target: str, prefix: str, stack: tuple[Path, ...]) -> list[Line]:
        """The lines of the file, section or range that `target` names, behind `prefix`."""
        file = self.find(line, target) if self.count <= MOST_LINES else None
        if file is None:
            return []
        if file in stack:
            cycle = " → ".join(f"`{self.config.relative(each)}`" for each in (*stack[stack.index(file) :], file))
            self.problem(line, f"the include goes in a circle: {cycle}", "Take one of these includes out.")
            return []
        try:
            texts = lines(decode(file.read_bytes(), self.config.relative(file)))
        except OSError as error:
            return self.problem(line, f"cannot read `{target}`: {error.strerror}", "Mend the file.")
        except FathomError as error:
            self.problems += error.problems
            return []
        chosen = self.choose(line, target, texts)
        self.count += len(chosen)
        if self.count > MOST_LINES:
            return self.problem(line, f"the includes give more than {MOST_LINES} lines", "Include less.")
        name = self.config.relative(file)
        inner = self.expanded([Line(text, name, number) for number, text in chosen], (*stack, file))
        bare = prefix.rstrip(" \t")
        return [Line(prefix + each.text if each.text else bare, each.path, each.number) for each in inner]

    def find(self, line: Line, target: str) -> Path | None:
        """The file that `target` names, or None and a problem."""
        parts = _TARGET.fullmatch(target) if len(target) < _LONGEST else None
        name = parts["path"].strip() if parts else target
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", target):
            hint = "Copy it into the project and include the copy."
            self.problem(line, f"`{target}` is no file of this project", hint)
            return None
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", target):
            self.problem(line, f"the include `{target}` leaves the project's include folders", self.where())
            return None
        if parts is None:
            self.problem(line, f"cannot read the include `{target}`", "Write `file`, `file:section` or `file:3:9`.")
            return None
        for folder in self.folders():
            file = folder / name
            if not _is_file(file):
                continue
            real = file.resolve()
            if any(real.is_relative_to(each) for each in self.folders()):
                return real
            what = f"the include `{name}` is a link that leaves the project's include folders"
            self.problem(line, what, self.where())
            return None
        near = difflib.get_close_matches(name, self.names(), 1)
        self.problem(line, f"no file `{name}` to include", f"Did you mean `{near[0]}`?" if near else self.where())
        return None

    def choose(self, line: Line, target: str, texts: list[str]) -> list[tuple[int, str]]:
        """The numbered lines that `target` asks for."""
        parts = _TARGET.fullmatch(target)
        numbered = list(enumerate(texts, 1))
        if parts and parts["section"]:
            return _dedent(self.section(line, parts["path"], parts["section"], numbered))
        if parts and parts["ranges"]:
            return _dedent(self.ranges(line, target, parts["ranges"], numbered))
        return numbered

    def section(self, line: Line, path: str, name: str, numbered: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """The lines between `--8<-- [start:name]` and `--8<-- [end:name]`."""
        marks = [(number, mark) for number, text in numbered if (mark := _section(text)) and not mark["escape"]]
        start = next((number for number, mark in marks if mark["name"] == name and mark["kind"] == "start"), None)
        if start is None:
            names = sorted({mark["name"] for _, mark in marks if mark["kind"] == "start"})
            near = difflib.get_close_matches(name, names, 1)
            known = f"Its sections: {', '.join(f'`{each}`' for each in names)}." if names else "It has no sections."
            hint = f"Did you mean `{near[0]}`?" if near else known
            return self.problem(line, f"no section `{name}` in `{path}`", hint)
        end = next((n for n, mark in marks if n > start and mark["name"] == name and mark["kind"] == "end"), None)
        if end is None:
            hint = f"Add `--8<-- [end:{name}]` behind its last line."
            return self.problem(line, f"the section `{name}` of `{path}` has no end", hint)
        return numbered[start : end - 1]

    def ranges(self, line: Line, target: str, ranges: str, numbered: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """The lines of `3:9`, `3`, `:9` or several of these with commas; a number below 0 counts from the end."""
        chosen: list[tuple[int, str]] = []
        total = len(numbered)
        for item in ranges.split(","):
            match = _RANGE.fullmatch(item)
            if not match or not item.strip(":") or "-" in (match[1], match[2]):
                return self.problem(line, f"cannot read the lines of `{target}`", "Write them as `file:3:9`.")
            first = int(match[1]) if match[1] else 1
            last = int(match[2]) if match[2] else total
            first, last = (n + total + 1 if n < 0 else n for n in (first, last))
            if not 1 <= first <= last <= total:
                hint = f"The file has {total} lines."
                return self.problem(line, f"`{target}` asks for lines that are not there", hint)
            chosen += numbered[first - 1 : last]
        return chosen

    def folders(self) -> list[Path]:
        """The include folders that lie below the root, links resolved."""
        root = self.config.root.resolve()
        real = [(root / name).resolve() for name in self.config.include]
        return [folder for folder in real if folder.is_relative_to(root) and folder.is_dir()]

    def names(self) -> Iterator[str]:
        """The files that could be included, as an include names them."""
        for folder in self.folders():
            for file in folder.rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts:
                    yield file.relative_to(folder).as_posix()

    def where(self) -> str:
        """Where includes are looked for, as a sentence."""
        root = self.config.root.resolve()
        outside = {name for name in self.config.include if not (root / name).resolve().is_relative_to(root)}
        inside = [f"`{name}`" for name in self.config.include if name not in outside]
        more = "".join(f" The folder `{name}` is left out: it lies outside the project." for name in sorted(outside))
        return f"Includes are looked for below {', '.join(inside) or 'no folder'}.{more}"

    def problem(self, line: Line, what: str, hint: str) -> list[Any]:
        """Note a problem at an including line; an empty list, for the caller to return."""
        column = len(line.text) - len(line.text.lstrip(" \t>")) + 1
        self.problems.append(Problem(Span(line.path, line.number, column), what, hint))
        return []


def _section(text: str) -> re.Match[str] | None:
    """The section marker in a line: `# --8<-- [start:name]`."""
    return _SECTION.search(text) if "8<-" in text else None


def _unescaped(line: Line, mark: re.Match[str]) -> Line:
    """The line without the first semicolon before its `--8<--`."""
    at = mark.start("escape")
    return Line(line.text[:at] + line.text[at + 1 :], line.path, line.number)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A name that is too long for the file system names no file.
        return False


def _dedent(numbered: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines without the white space that they share."""
    texts = textwrap.dedent("\n".join(text for _, text in numbered)).split("\n")
    return [(number, text) for (number, _), text in zip(numbered, texts, strict=False)]
