"""Rules about how long the depths are."""

from __future__ import annotations

from collections.abc import Iterator

from ..parsing import minutes
from .page import Page
from .rule import Finding

RATIO = 8.0
"""How many times longer than another a depth may be."""
LEAST = 5.0
"""Minutes below which no depth is too long for another."""


def imbalance(page: Page) -> Iterator[Finding]:
    """A depth that takes much longer than another: the shorter one hardly tells the same story."""
    if not page.chapter.regions:
        return
    found = sorted((length, depth) for depth, length in minutes.by_depth(page.chapter).items())
    (short, brief), (long, lengthy) = found[0], found[-1]
    if long < LEAST or long < RATIO * short:
        return
    own = (region.span for region in page.chapter.regions if region.depth == lengthy)
    place = next(own, page.span(page.chapter.body))
    what = f"the {lengthy} reading takes {long:.0f} minutes and the {brief} one {_told(short)}"
    hint = f"Tell more at {brief}, cut at {lengthy}, or move to the shared text what both should meet."
    yield Finding(place, what, hint)


def _told(length: float) -> str:
    return "less than one" if length < 1 else f"{length:.0f}"
