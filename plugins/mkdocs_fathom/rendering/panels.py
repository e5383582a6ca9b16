"""What can be said of a page only once it is a tree: ids of headings, teasers, and whether anything was lost."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..errors import Problem
from ..model import Chapter, Region
from .render import BLOCK

DEPTH = "data-fathom-depth"
"""The attribute that names the depth of a tab, its label and its panel."""
_CELL = re.compile(r'<div class="fathom-cell"[^>]* data-fathom-cell="(\d+)"')
_BLOCK = re.compile(rf"/{{3,}} {BLOCK} \|")
_SWALLOWED = "Python-Markdown reads it as a part of what stands around it: raw HTML, or code by its indentation."
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel of one tab, as the page's tree has it."""

    element: ET.Element
    """What holds the tab's content."""
    input_id: str
    """The id of the input that chooses the tab."""
    label: str
    """What the tab says."""


@dataclass(slots=True)
class Panels:
    """The panels of a page, filled while it is parsed."""

    filled: dict[int, list[Panel]] = field(default_factory=dict)
    """Panels by the number of their region; each region must get exactly one."""
    waiting: list[tuple[Panel, int]] = field(default_factory=list)
    """Panels of absent depths, and the region to which each points."""
    closed: int = 0
    """How many blocks have found their end."""
    sets: int = 0
    """How many tab sets there are."""

    def lost(self, chapter: Chapter) -> list[Region]:
        """The regions that did not become exactly one panel."""
        return [region for number, region in enumerate(chapter.regions) if len(self.filled.get(number, ())) != 1]

    @property
    def complete(self) -> bool:
        """Whether each block has found its end."""
        return self.closed == sum(map(len, self.filled.values())) + len(self.waiting)


@dataclass(frozen=True, slots=True)
class Naming:
    """How this page's host names headings."""

    text: Callable[[ET.Element], str]
    """A heading's text, without markup."""
    slug: Callable[[str], str]
    """An id from a text."""


def name_headings(root: ET.Element, naming: Naming) -> None:
    """Give each heading in a depth's panel an id of its depth: `freezing-strategies--deep`.

    Such an id depends on its own depth only, so that a link to it holds when another depth is edited. Headings with
    an id of the author's keep it; shared headings get theirs from the host.
    """
    used: dict[str, set[str]] = {}
    found = [(heading, depth) for heading, depth in _headings(root, "") if depth]
    for heading, depth in found:
        used.setdefault(depth, set()).add(heading.get("id", ""))
    for heading, depth in found:
        if "id" not in heading.attrib:
            heading.set("id", _unique(f"{naming.slug(naming.text(heading)) or 'section'}--{depth}", used[depth]))


def take_over(root: ET.Element) -> None:
    """Keep the theme's script away from our tabs, which have their own; `data-tabs` is how it finds them.

    pymdownx counts tabs by that attribute, so it goes when all of them are there.
    """
    for element in root.iter("div"):
        if "data-fathom-tabs" in element.attrib:
            element.attrib.pop("data-tabs", None)


def write_teasers(panels: Panels, naming: Naming, escape: Callable[[str], str]) -> None:
    """Say in the tab of each absent depth what waits in another one.

    Args:
        panels: The page's panels.
        naming: How the host names headings.
        escape: Makes a text one that the host prints as it stands.
    """
    for panel, region in panels.waiting:
        (target, *_) = panels.filled[region]
        panel.element.append(_teaser(target, naming, escape))


def problems(chapter: Chapter, panels: Panels, html: str) -> Iterator[Problem]:
    """What went missing between a chapter and its page, or stands there twice."""
    counted = Counter(map(int, _CELL.findall(html)))
    for cell in chapter.cells:
        if counted[cell.number] != 1:
            what = f"this cell stands on the page {counted[cell.number]} times instead of once"
            yield Problem(cell.span, what, _SWALLOWED)
    lost = panels.lost(chapter)
    for region in lost:
        yield Problem(region.span, f"this marker did not become a tab: `<!-- {region.depth} -->`", _SWALLOWED)
    if not lost and (not panels.complete or _BLOCK.search(html)):
        for region in chapter.regions:
            what = f"this marker did not become a tab: the end of `<!-- {region.depth} -->` was not found on the page"
            yield Problem(region.span, what, _SWALLOWED)


def _headings(element: ET.Element, depth: str) -> Iterator[tuple[ET.Element, str]]:
    """The headings below an element in order, each with the depth in whose panel it stands."""
    if element.get("class") == "tabbed-block":
        depth = element.get(DEPTH, depth)
    for child in element:
        if child.tag in _HEADINGS:
            yield child, depth
        else:
            yield from _headings(child, depth)


def _unique(name: str, used: set[str]) -> str:
    """The name, with the first number that makes it new."""
    count, candidate = 0, name
    while candidate in used:
        count += 1
        candidate = f"{name}_{count}"
    used.add(candidate)
    return candidate


def _teaser(target: Panel, naming: Naming, escape: Callable[[str], str]) -> ET.Element:
    """`This part is for the Deep reading: Freezing Strategies, Training Details.` with a link to each."""
    # Search must not find a heading where it only is announced.
    paragraph = ET.Element("p", {"class": "fathom-teaser", "data-search-exclude": ""})
    paragraph.text = "This part is for the "
    depth = _link(paragraph, target.input_id, escape(target.label))
    headings = [heading for heading, _ in _headings(target.element, "")]
    highest = min((heading.tag for heading in headings), default="")
    named = [heading for heading in headings if heading.tag == highest]
    depth.tail = " reading: " if named else " reading."
    for position, heading in enumerate(named):
        link = _link(paragraph, heading.get("id", ""), escape(naming.text(heading)))
        link.tail = "." if position == len(named) - 1 else ", "
    return paragraph


def _link(parent: ET.Element, target: str, text: str) -> ET.Element:
    link = ET.SubElement(parent, "a", {"href": f"#{target}"})
    link.text = text
    return link
