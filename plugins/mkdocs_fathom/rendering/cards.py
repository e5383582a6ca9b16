"""Links that are cards: what a chapter asks of its reader, and the picture it draws, beside the link to it.

An author marks a link with `{ .fathom-card }`, and with `{ .fathom-card .fathom-pictured }` to have the picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape, unescape

from ..model import Chapter, Run
from ..parsing.paths import reading_paths
from . import ansi, figures
from .switch import facts

_LINK = re.compile(r"(?P<link><a\b[^>]*>)(?P<text>.*?)(?=</li>|</p>)", re.DOTALL)
_ADDRESS = re.compile(r'href="([^"]*)"')
_CLASSES = re.compile(r'class="([^"]*)"')
_SVG = "image/svg+xml"
_WORDS = re.compile(r"<text\b.*?</text>", re.DOTALL)

Found = tuple[Chapter, Mapping[str, Run]]
"""A chapter, and what its cells did, by the name of the depth."""


def put(html: str, chapter_at: Callable[[str], Found | None]) -> str:
    """A page with its cards filled.

    Args:
        html: The page.
        chapter_at: The chapter at an address as the page writes it; None where there is none.
    """

    def fill(match: re.Match[str]) -> str:
        link = match["link"]
        address, classes = _ADDRESS.search(link), _CLASSES.search(link)
        names = classes[1].split() if classes else []
        found = chapter_at(unescape(address[1])) if address and "fathom-card" in names else None
        if found is None:
            return match[0]
        drawing = _picture(*found) if "fathom-pictured" in names else ""
        return f"{link}{match['text']}{_facts(found[0])}{drawing}"

    return _LINK.sub(fill, html) if "fathom-card" in html else html


def _facts(chapter: Chapter) -> str:
    each = (f"{escape(depth.label)} {facts(chapter, depth).partition(' · ')[0]}" for depth in chapter.depths)
    said = " · ".join(each) if chapter.regions else next(each).partition(" ")[2]
    return f'<span class="fathom-facts" data-search-exclude="">{said}</span>'


def _picture(chapter: Chapter, runs: Mapping[str, Run]) -> str:
    """The chapter's first drawing, on the shallowest path that has one. It says nothing that the link does not say."""
    for depth, cells in reading_paths(chapter).items():
        shown = {cell.number for cell in cells if cell.options.hide not in {"output", "all"}}
        for result in runs[depth].results if depth in runs else ():
            for output in result.outputs if result.number in shown else ():
                if svg := "".join(output.get("data", {}).get(_SVG, "")):
                    return _drawing(svg, chapter.path)
    return ""


def _drawing(svg: str, path: str) -> str:
    try:
        drawn = figures.clean(ansi.visible(svg), "", f"card-{re.sub(r'[^A-Za-z0-9]+', '-', path)}-")
    except ValueError:
        return ""  # its own page says what is wrong with it
    # So small, words are specks.
    drawn = _WORDS.sub("", drawn)
    return f'<span class="fathom-drawing" aria-hidden="true" data-search-exclude="">{drawn}</span>'
