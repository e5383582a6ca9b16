"""The rule about fences that were meant for a list's item and stand outside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Cell, Fence
from ..parsing.containers import RULE, indent_of, prefix_of
from ..parsing.scan import Prose
from .page import Page
from .rule import Finding

_ITEM = re.compile(r"(?:[-*+]|\d{1,9}\.)[ \t]")
_LEVEL = 4
"""Blanks by which Python-Markdown indents what an item holds."""
_SHORT = frozenset({2, 3})
"""Blanks beyond a level that put a fence below an item's text, where other dialects of Markdown have it."""


def fence_outside_list(page: Page) -> Iterator[Finding]:
    """A fence below the text of a list's item that is not indented far enough to be part of it."""
    lines = {event.index: event for event in page.prose}
    fences: dict[int, Cell | Fence] = {cell.last: cell for cell in page.chapter.cells}
    fences |= {fence.last: fence for fence in page.chapter.others}
    for fence in fences.values():
        prefix = page.chapter.lines[fence.first].text[: fence.span.column - 1]
        indent = indent_of(prefix)
        if prefix.strip(" \t>") or indent % _LEVEL not in _SHORT:
            continue
        item = _item(page, fence.first, prefix, lines, fences)
        if item is not None:
            what = f"this fence ends the list: it is not part of the item of line {page.chapter.lines[item].number}"
            hint = f"Indent it by {indent - indent % _LEVEL + _LEVEL} blanks to put it into the item, else not at all."
            yield Finding(fence.span, what, hint)


def _item(page: Page, first: int, prefix: str, lines: dict[int, Prose], fences: dict[int, Cell | Fence]) -> int | None:
    """The line of the item that a fence follows, with what the item holds between them; None where there is none."""
    indent, signs = indent_of(prefix), prefix.count(">")
    at = first - 1
    while at >= page.chapter.body:
        if fence := fences.get(at):
            at = fence.first
            if indent_of(_prefix(page, at)) < indent:
                return None
        elif (event := lines.get(at)) and not event.blank:
            own = indent_of(event.prefix)
            if event.prefix.count(">") != signs:
                return None
            if own < indent:
                text = event.text[len(event.prefix) :]
                if _ITEM.match(text) and not RULE.match(text):
                    return at if own // _LEVEL == indent // _LEVEL else None
                if not _goes_on(lines.get(at - 1)):
                    return None
        at -= 1
    return None


def _prefix(page: Page, at: int) -> str:
    return prefix_of(page.chapter.lines[at].text)


def _goes_on(above: Prose | None) -> bool:
    """Whether text goes on with what stands on the line above it, however far it is indented."""
    return above is not None and not above.blank
