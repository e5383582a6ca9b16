"""A chapter as rules see it: its lines of prose, and what each reader sees of them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Cell, Chapter, Fence, Heading, Span
from ..parsing.scan import Prose, scan


@dataclass(frozen=True, slots=True)
class Page:
    """A chapter, read once more for what parsing it did not keep."""

    chapter: Chapter
    """The chapter."""
    prose: tuple[Prose, ...]
    """Its lines outside fences, in order."""
    others: Mapping[str, Chapter]
    """All chapters of the site by path, this one too."""

    def span(self, index: int, column: int = 1) -> Span:
        """The place of a line."""
        line = self.chapter.lines[index]
        return Span(line.path, line.number, column)

    def place(self, cell: Cell, node: ast.expr | ast.stmt) -> Span:
        """Where a part of a cell's code stands in the author's file."""
        path, line = cell.origins[node.lineno - 1]
        source, own = cell.source.split("\n")[node.lineno - 1], self.chapter.lines[cell.first + node.lineno].text
        before = source.encode()[: node.col_offset].decode("utf-8", "ignore")
        return Span(path, line, len(before) + 1 + (max(len(own) - len(source), 0) if path == self.chapter.path else 0))

    def depth(self, index: int) -> str | None:
        """The depth whose region a line stands in, or whose marker stands on it; None where it is shared."""
        found = (region.depth for region in self.chapter.regions if region.first <= index <= region.last)
        return next(found, None)

    def headings(self, depth: str) -> list[Heading]:
        """The headings that a reader at a depth meets, in order, without those inside quotes and admonitions."""
        lines = self.chapter.lines
        own = [each for each in self.chapter.headings if each.depth in {None, depth}]
        return [each for each in own if not lines[each.index].text.startswith((" ", "\t", ">"))]

    def visible(self) -> list[tuple[int, Prose | Cell | Fence]]:
        """What a reader can see, in order, with its line: lines of prose that are not blank, and fences."""
        chapter = self.chapter
        cells = [(cell.first, cell) for cell in chapter.cells if cell.options.hide != "all"]
        fences = [(fence.first, fence) for fence in chapter.others]
        prose = [(event.index, event) for event in self.prose if not event.blank]
        return sorted([*cells, *fences, *prose], key=lambda item: item[0])


def read(chapter: Chapter, others: Mapping[str, Chapter]) -> Page:
    """A chapter as rules see it."""
    events = scan(chapter.lines, chapter.body).events
    return Page(chapter, tuple(event for event in events if isinstance(event, Prose)), others)
