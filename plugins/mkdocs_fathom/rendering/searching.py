"""A page as a search should read it: every result says at which depth it was found, and opens there.

A search divides a page at its headings. So the text of a panel that stands before the panel's first heading would be
found under the shared heading above, in all depths at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape

from .mathematics import searchable

_TAG = re.compile(
    r"<(?P<end>/?)div\b(?P<attributes>[^>]*)>|<h(?P<level>[1-6])\b[^>]*>(?P<title>.*?)</h(?P=level)>", re.DOTALL
)
_PANEL = re.compile(r'class="tabbed-block" data-fathom-depth="(?P<depth>[^"]*)" data-fathom-label="(?P<label>[^"]*)"')
_SET = re.compile(r'<input (?:checked="checked" )?data-fathom-depth="[^"]*" id="(?P<id>[^"]*)"')
_MARKUP = re.compile(r'<a class="headerlink".*?</a>|<[^>]*>', re.DOTALL)
_TITLE_END = re.compile(r"(?=</h[1-6]>)")
_HEADING = re.compile(r"<h[1-6]\b")


@dataclass(slots=True)
class _Panel:
    """A panel that is being read."""

    depth: str
    label: str
    start: int
    title: str


def arranged(html: str) -> str:
    """The page with the panels of depths behind all that is shared, each under a title that names its depth."""
    # Folded code is imports and drawing: whoever looks for a word looks for where it is explained.
    html = html.replace('<details class="fathom-setup">', '<details class="fathom-setup" data-search-exclude="">')
    html = searchable(html)
    panels = list(_panels(html))
    shared, at = [], 0
    for start, end, _ in panels:
        shared.append(html[at:start])
        at = end
    return "".join([*shared, html[at:], *(text for _, _, text in panels)])


def _panels(html: str) -> Iterator[tuple[int, int, str]]:
    """First and last position of what each panel holds, and how a search should read it."""
    title, level = "", 0
    panel: _Panel | None = None
    for tag in _TAG.finditer(html):
        if tag["level"]:
            title = title if panel else unescape(_MARKUP.sub("", tag["title"])).strip()
        elif panel is None:
            found = _PANEL.search(tag["attributes"])
            panel = _Panel(found["depth"], unescape(found["label"]), tag.end(), title) if found else None
            level = 1
        else:
            level += -1 if tag["end"] else 1
            if level == 0:
                yield panel.start, tag.start(), _section(html, panel, tag.start())
                panel = None


def _section(html: str, panel: _Panel, end: int) -> str:
    body = html[panel.start : end]
    suffix = f" · {escape(panel.label)}"
    named = _TITLE_END.sub(suffix, body)
    before = _HEADING.split(body, maxsplit=1)[0]
    if not _MARKUP.sub("", re.sub(r"<p[^>]* data-search-exclude.*?</p>", "", before, flags=re.DOTALL)).strip():
        return named
    identity = [found["id"] for found in _SET.finditer(html, 0, panel.start) if found["id"].endswith(f"_{panel.depth}")]
    return f'<h2 id="{identity[-1]}">{escape(panel.title)}{suffix}</h2>{named}'
