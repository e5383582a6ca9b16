"""Markdown text → `Chapter`, with every problem of the file in one go, each at the author's line and column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..config import Config
from ..errors import FathomError, Problem
from ..model import Cell, Chapter, Fence, Heading, Line, Span
from . import census, mojibake, notebook
from .directives import Directives
from .fences import read_info
from .frontmatter import Front, read_front
from .include import expand
from .markers import Regions, tab_sets
from .scan import Prose, RawFence, scan
from .source import decode, lines

__all__ = ["Parsed", "decode", "parse", "read", "read_text"]

_HEADING = re.compile(r"(#{1,6})(?:[ \t]+(.*))?$")
_HASHES = re.compile(r"(?:(?<=[ \t])|^)#+[ \t]*$")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_TEXT = re.compile(r"[ \t>]*[^ \t>#\-*+=`~|<:!?/]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A chapter and what is wrong with it."""

    chapter: Chapter
    """The chapter, as far as it could be read."""
    problems: tuple[Problem, ...]
    """Errors and warnings, sorted by file and line."""

    def checked(self) -> Chapter:
        """The chapter.

        Raises:
            FathomError: It has errors; warnings do not count.
        """
        errors = [problem for problem in self.problems if problem.severity == "error"]
        if errors:
            raise FathomError(errors)
        return self.chapter


def read(file: Path, config: Config) -> Parsed:
    """Parse a file.

    Raises:
        FathomError: It cannot be read, is no UTF-8, or is a notebook that is no chapter.
    """
    text, path = _raw_text(file, config), config.relative(file)
    if not notebook.is_notebook(file):
        return parse(text, path, config)
    parsed = parse(notebook.to_markdown(text, path), path, config)
    problems = notebook.with_cells(parsed.problems, text, path)
    return replace(parsed, problems=(*problems, *census.lost_in_notebook(text, parsed.chapter)))


def read_text(file: Path, config: Config) -> str:
    """The text of a file; of a notebook, the Markdown that it stands for.

    Raises:
        FathomError: It cannot be read, is no UTF-8, or is a notebook that is no chapter.
    """
    text = _raw_text(file, config)
    return notebook.to_markdown(text, config.relative(file)) if notebook.is_notebook(file) else text


def _raw_text(file: Path, config: Config) -> str:
    path = config.relative(file)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise FathomError.at(Span(path, 1), f"cannot read it: {error.strerror}", "Mend the file.") from error
    return decode(data, path)


def parse(text: str, path: str, config: Config, first_line: int = 1) -> Parsed:
    """Parse a chapter's text.

    Args:
        text: The text, front matter included.
        path: The file it stands in, relative to the root.
        config: The site's options.
        first_line: The number of its first line in that file.
    """
    own = lines(text)
    front = read_front(own, path, first_line)
    head = tuple(Line(line, path, number) for number, line in enumerate(own[: front.length], first_line))
    rest, problems = expand("\n".join(own[front.length :]), path, config, first_line + front.length)
    builder = _Builder(head + rest, front, config)
    builder.problems += [*front.problems, *problems]
    return builder.build(path)


@dataclass(slots=True)
class _Builder:
    """A chapter being put together."""

    lines: tuple[Line, ...]
    front: Front
    config: Config
    problems: list[Problem] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    others: list[Fence] = field(default_factory=list)
    ids: dict[str, Span] = field(default_factory=dict)

    def build(self, path: str) -> Parsed:
        """Read the lines."""
        scanned = scan(self.lines, self.front.length)
        regions = Regions(self.lines, self.config.depths)
        directives = Directives(self.lines, self.front.length, self.config)
        for mark in self.front.marks:
            directives.mark_all(mark, self.front.marks_place or Span(path, 1))
        for event in scanned.events:
            marker = regions.take(event)
            if isinstance(event, RawFence):
                self.fence(event, regions.depth, directives)
            elif not marker:
                directives.take(event)
                self.heading(event, regions.depth)
                self.problems += mojibake.problems(self.lines[event.index], event.text)
        regions.finish(scanned.cut_at)
        directives.finish()
        self.problems += [*scanned.problems, *regions.problems, *directives.problems]
        chapter = Chapter(
            path=path,
            lines=self.lines,
            body=self.front.length,
            meta=self.front.meta,
            needs=self.front.needs,
            depths=self.config.depths,
            regions=tuple(regions.found),
            tab_sets=tab_sets(self.lines, regions.found),
            headings=tuple(self.headings),
            cells=tuple(self.cells),
            others=tuple(self.others),
        )
        return Parsed(chapter, tuple(sorted(self.problems)))

    def problem(self, span: Span, what: str, hint: str) -> None:
        self.problems.append(Problem(span, what, hint))

    def fence(self, raw: RawFence, depth: str | None, directives: Directives) -> None:
        """Take a fence in: as a cell, as the declared output of the cell before it, or as another language."""
        line = self.lines[raw.first]
        span = Span(line.path, line.number, len(raw.prefix) + 1)
        info = read_info(raw.info)
        if expected := directives.expected(span, raw.content):
            number, declared = expected
            self.cells[number] = replace(self.cells[number], expected=declared)
        if expected or not info.python:
            self.others.append(Fence(info.language, span, raw.first, raw.last))
            if not expected:
                directives.passed(None, info.language)
            shown = [fault for fault in info.faults if not info.python]
        else:
            self.cell(raw, depth, span, info.display, directives.applied(info.options, span))
            directives.passed(len(self.cells) - 1)
            shown = list(info.faults)
            if raw.literal:
                hint = "Indent it less to run it. To show a fence as text, put it in a longer fence."
                self.problem(span, "a fence of Python in indented code is shown as text and does not run", hint)
        for fault in shown:
            column = span.column + len(raw.run) + fault.at
            self.problem(Span(line.path, line.number, column), fault.what, fault.hint)

    def cell(self, raw: RawFence, depth: str | None, span: Span, display: Mapping[str, str], asked: Any) -> None:
        """Take a fence of Python in."""
        options, marks = asked
        if options.timeout is None:
            options = replace(options, timeout=self.front.timeout)
        if options.id is not None:
            if first := self.ids.get(options.id):
                what = f"the id `{options.id}` is taken by the cell of line {first.line}"
                self.problem(span, what, "Choose another.")
            self.ids.setdefault(options.id, span)
        inside = self.lines[raw.first + 1 : raw.first + 1 + len(raw.content)]
        self.cells.append(
            Cell(
                number=len(self.cells),
                span=span,
                source="".join(text + "\n" for text in raw.content),
                origins=tuple((line.path, line.number) for line in inside),
                depth=depth,
                first=raw.first,
                last=raw.last,
                prefix=raw.prefix,
                options=options,
                display=display,
                marks=marks,
            )
        )

    def heading(self, event: Prose, depth: str | None) -> None:
        """Take a heading in, if the line is one or underlines one."""
        if event.literal or event.html or event.blank:
            return
        index, start = event.index, len(event.prefix)
        match = _HEADING.match(event.text, start)
        if match:
            text = _HASHES.sub("", self.lines[index].text[match.end(1) :])
            self.headings.append(Heading(len(match[1]), _title(text), index, depth))
        elif _UNDERLINE.match(event.text, start) and index > self.front.length and self.begins_block(index - 1):
            level = 1 if event.text[start] == "=" else 2
            text = self.lines[index - 1].text[start:]
            self.headings.append(Heading(level, _title(text), index - 1, depth))

    def begins_block(self, index: int) -> bool:
        """Whether a line is text behind a blank line, which an underline makes a heading."""
        before = self.lines[index - 1].text if index > self.front.length else ""
        return not before.strip(" \t>") and bool(_TEXT.match(self.lines[index].text))


def _title(text: str) -> str:
    """A heading's text without its attribute list."""
    text = text.strip(" \t")
    at = text.rfind("{") if text.endswith("}") else -1
    return text[:at].rstrip(" \t") if at > 0 and text[at - 1] in " \t" else text
