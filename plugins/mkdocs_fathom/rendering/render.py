"""A chapter → Markdown: markers become tabs, cells become fences that the host fills with what was run.

Text in, text out. Every line that is put in carries the prefix of the quote, list or admonition it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..model import Cell, Chapter, Region
from . import lists

BLOCK = "fathom-depth"
"""The name of the block (`/// fathom-depth | DEEP`) that stands for one tab."""
FENCE = "fathom-cell"
"""The language of the fence that stands for one cell."""

_SLASHES = re.compile(r"^[ \t>]*(/{3,})", re.MULTILINE)
_LEAD = re.compile(r"(?P<container>.*?)(?P<fence>`{3,}|~{3,})")
_NO_TEXT = " \t>"
_BULLET = re.compile(r"(?:[-+*]|\d{1,9}[.)])[ \t]+")


class _Gap(str):
    """A blank line of ours, with its quote signs: it goes where there is one already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Page:
    """A chapter, and what is looked up in it line by line."""

    chapter: Chapter
    """The chapter."""
    slashes: str
    """What opens and closes our blocks: longer than any such run of the author's, so that theirs nest in ours."""
    breaks: frozenset[int]
    """Positions of lines before which a blank line goes, so that Markdown sees the list."""
    fences: dict[int, int]
    """First and last position of each fence."""
    cells: dict[int, Cell]
    """The cells by the position of their first line."""
    dropped: frozenset[int]
    """First positions of fences that are not shown: declared outputs, in whose place the real one stands."""
    numbers: dict[int, int]
    """The regions' numbers by the position of their first line."""
    sets: dict[int, tuple[Region, ...]]
    """The tab sets by the position of their first line."""


def markdown(chapter: Chapter) -> str:
    """The chapter's body as Markdown for a host that knows our block and our fence."""
    return "\n".join(_tidy(_lines(_page(chapter), chapter.body, len(chapter.lines))))


def number(cell: Cell) -> str:
    """The option by which a fence names its cell."""
    return f'number="{cell.number}"'


def awaited(chapter: Chapter, tab_set: Sequence[Region], depth: str) -> Region:
    """The region that the tab of an absent depth points to: the next deeper one, else the deepest there is."""
    order = [item.name for item in chapter.depths]
    present = sorted(tab_set, key=lambda region: order.index(region.depth))
    return next((region for region in present if order.index(region.depth) > order.index(depth)), present[-1])


def _page(chapter: Chapter) -> _Page:
    fences = {cell.first: cell.last for cell in chapter.cells} | {item.first: item.last for item in chapter.others}
    fenced = frozenset(index for first, last in fences.items() for index in range(first, last + 1))
    texts = [line.text for line in chapter.lines]
    for region in chapter.regions:
        # A marker's line becomes a block's edge, with blank lines on both sides.
        texts[region.first] = texts[region.last] = ""
    longest = max((len(run) for run in _SLASHES.findall("\n".join(texts))), default=2)
    body = chapter.body
    breaks = lists.breaks(texts[body:], frozenset(index - body for index in fenced))
    replaced = {cell.expected.span for cell in chapter.cells if cell.expected and _shows_output(cell)}
    return _Page(
        chapter,
        "/" * (longest + 1),
        frozenset(index + body for index in breaks),
        fences,
        {cell.first: cell for cell in chapter.cells},
        frozenset(fence.first for fence in chapter.others if fence.span in replaced),
        {region.first: index for index, region in enumerate(chapter.regions)},
        {tab_set[0].first: tab_set for tab_set in chapter.tab_sets},
    )


def _shows_output(cell: Cell) -> bool:
    return cell.runs and cell.options.hide not in {"output", "all"}


def _lines(page: _Page, first: int, last: int) -> Iterator[str]:
    """The lines from one position up to another, translated."""
    index = first
    while index < last:
        line = page.chapter.lines[index].text
        if index in page.sets:
            tab_set = page.sets[index]
            yield from _tab_set(page, tab_set)
            index = max(region.last for region in tab_set)
        elif index in page.cells:
            yield from _cell(page.cells[index], line)
            index = page.fences[index]
        elif index in page.fences:
            if index not in page.dropped:
                yield from (item.text for item in page.chapter.lines[index : page.fences[index] + 1])
            index = page.fences[index]
        else:
            if index in page.breaks:
                yield _blank(line)
            yield line
        index += 1


def _tidy(lines: Iterable[str]) -> Iterator[str]:
    """The lines with our blank ones where they part two others.

    Inside quotes a blank line too many is not harmless: Python-Markdown puts it into the paragraph above.
    """
    gap: _Gap | None = None
    before = ""
    for line in lines:
        if isinstance(line, _Gap):
            gap = gap or line
            continue
        blank = not line.strip(_NO_TEXT)
        if gap is not None and not blank and before.strip(_NO_TEXT):
            yield gap if _blank(line).count(">") >= gap.count(">") else ""
        yield line
        gap, before = None, line


def _blank(line: str) -> _Gap:
    """A blank line in the same quotes as another one."""
    quotes = re.match(r"(?:[ \t]*>)*", line)
    return _Gap(quotes[0] if quotes else "")


def _tab_set(page: _Page, tab_set: tuple[Region, ...]) -> Iterator[str]:
    """A tab for every depth of the site, in the site's order whatever the author's."""
    regions = {region.depth: region for region in tab_set}
    prefix = tab_set[0].prefix
    for position, depth in enumerate(page.chapter.depths):
        region = regions.get(depth.name)
        target = region or awaited(page.chapter, tab_set, depth.name)
        yield _blank(prefix)
        # All in one line: pymdownx reads a block's options as YAML, which takes longer than the rest of the block.
        words = (depth.name, "holds" if region else "awaits", page.numbers[target.first], "" if position else "new")
        yield f"{prefix}{page.slashes} {BLOCK} | {' '.join(map(str, words)).rstrip()}"
        yield _blank(prefix)
        if region:
            yield from _lines(page, region.first + 1, region.last)
            yield _blank(prefix)
        yield f"{prefix}{page.slashes}"
    yield _blank(prefix)


def _cell(cell: Cell, line: str) -> Iterator[str]:
    """The fence that holds a cell's place; it also holds the code, for whoever reads the Markdown."""
    lead = _LEAD.match(line)
    container = lead["container"] if lead else cell.prefix
    prefix = container
    if bullet := _BULLET.search(container):
        # Python-Markdown knows no fence beside a bullet: the item begins empty, and the fence comes below.
        yield f"{container[: bullet.end()].rstrip()} "
        prefix = f"{container[: bullet.start()]}    "
    source = cell.source.removesuffix("\n").split("\n")
    runs = re.findall(r"`{3,}", cell.source)
    fence = "`" * max([3, *(len(run) + 1 for run in runs)])
    yield _blank(prefix)
    yield f"{prefix}{fence}{FENCE} {number(cell)}"
    yield from (f"{prefix}{text}" if text else str(_blank(prefix)) for text in source)
    yield f"{prefix}{fence}"
    yield _blank(prefix)
