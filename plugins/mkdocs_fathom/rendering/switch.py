"""The depths of a page under its title: how long each takes to read, and how many of its cells run.

Without JavaScript it is a line that tells; `assets/fathom.js` makes it the switch of the page and of the site.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable

from ..model import Chapter, Depth
from ..parsing import minutes
from .panels import DEPTH


def put(root: ET.Element, chapter: Chapter, text: Callable[[str], str]) -> None:
    """Put the line under a page's title, or first where it has none; a page without regions has no choice to offer.

    Args:
        root: The page.
        chapter: Its chapter.
        text: Makes a text one that the host prints as it stands.
    """
    if chapter.regions:
        title = next((index for index, child in enumerate(root) if child.tag == "h1"), -1)
        root.insert(title + 1, _line(chapter, text))


def facts(chapter: Chapter, depth: Depth) -> str:
    """`5 min · 12 cells`: what one depth asks of a reader, and what it runs."""
    taken = max(1, math.ceil(minutes.by_depth(chapter)[depth.name] - 0.5))
    count = sum(cell.runs and cell.depth in {None, depth.name} for cell in chapter.cells)
    cells = [f"{count} cell{'' if count == 1 else 's'}"] if count else []
    return " · ".join([f"{taken} min", *cells])


def _line(chapter: Chapter, text: Callable[[str], str]) -> ET.Element:
    line = ET.Element("div", {"class": "fathom-switch", "data-search-exclude": ""})
    for depth in chapter.depths:
        choice = ET.SubElement(line, "span", {"class": "fathom-choice", DEPTH: depth.slug})
        ET.SubElement(choice, "b").text = text(depth.label)
        ET.SubElement(choice, "span").text = text(facts(chapter, depth))
    return line
