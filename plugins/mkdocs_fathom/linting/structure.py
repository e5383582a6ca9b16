"""Rules about headings and regions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ..model import Cell, Heading, Region
from .page import Page
from .rule import Finding


def heading_skip(page: Page) -> Iterator[Finding]:
    """A heading more than one level below the one before it, for the readers of some depth."""
    depths = [depth.name for depth in page.chapter.depths]
    found: dict[Heading, list[tuple[str, Heading]]] = {}
    for depth in depths:
        for above, heading in pairwise(page.headings(depth)):
            if heading.level > above.level + 1:
                found.setdefault(heading, []).append((depth, above))
    for heading, readers in found.items():
        above = readers[0][1]
        some = [depth for depth, _ in readers]
        where = "" if len(some) == len(depths) or heading.depth else f" for a reader at {', '.join(some)}"
        what = f"this heading of level {heading.level} follows one of level {above.level}{where}: “{above.text}”"
        hint = f"Write `{'#' * (above.level + 1)} {heading.text}`, or give it the heading that is left out."
        yield Finding(page.span(heading.index), what, hint)


def empty_region(page: Page) -> Iterator[Finding]:
    """A region in which its reader sees nothing, or a heading with nothing below it."""
    for region in page.chapter.regions:
        shown = [(at, item) for at, item in page.visible() if region.first < at < region.last]
        headings = [each for each in page.chapter.headings if region.first < each.index < region.last]
        if not shown:
            hint = f"Write what a reader at {region.depth} sees, or take both markers out."
            yield Finding(region.span, f"a reader of the region of `<!-- {region.depth} -->` sees nothing", hint)
        elif len(shown) == len(headings) and _ends_there(page, region, headings[-1]):
            what = f"the region of `<!-- {region.depth} -->` has a heading and nothing below it"
            yield Finding(region.span, what, "Write what belongs below it, or take the region out.")


def _ends_there(page: Page, region: Region, heading: Heading) -> bool:
    """Whether the section that a region's heading begins ends with the region, for its reader."""
    own = {None, region.depth}
    lines = (at for at, item in page.visible() if at > region.last and _depth(page, at, item) in own)
    after = next(lines, None)
    following = next((each for each in page.chapter.headings if each.index == after), None)
    return after is None or (following is not None and following.level <= heading.level)


def _depth(page: Page, at: int, item: object) -> str | None:
    return item.depth if isinstance(item, Cell) else page.depth(at)
