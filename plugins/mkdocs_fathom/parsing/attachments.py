"""Pictures that a notebook's Markdown cells hold in themselves, and show as `![…](attachment:picture.png)`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote

_SHOWN = re.compile(r"""(?<=[("'<])attachment:([^\s)"'>]+)""")
_NUMBERED = re.compile(r"""(?<=[("'<])attachment:(\d+)/([^\s)"'>]+)""")
_KIND = re.compile(r"image/[a-z+.-]+")
_DATA = re.compile(r"[A-Za-z0-9+/=]+")


def numbered(text: str, number: int, names: Iterable[str]) -> str:
    """A line in which the attachments of a cell carry the cell's number: two cells may call theirs `image.png`."""
    known = set(names)

    def named(match: re.Match[str]) -> str:
        name = unquote(match[1])
        return f"attachment:{number}/{quote(name)}" if name in known else match[0]

    return _SHOWN.sub(named, text)


def missing(text: str) -> Iterator[tuple[int, str]]:
    """Column and name of the attachments in a line that no cell has, once the others were numbered."""
    for match in _SHOWN.finditer(text):
        if not re.match(r"\d+/", match[1]):
            yield match.start() + 1, unquote(match[1])


def put_in(html: str, text: str) -> str:
    """A page with its attachments, or its Markdown.

    Args:
        html: The page or the Markdown, made of what was numbered.
        text: The notebook's text.
    """
    if "attachment:" not in html:
        return html
    cells = json.loads(text)["cells"]

    def data(match: re.Match[str]) -> str:
        return _address(cells, int(match[1]) - 1, unquote(match[2])) or match[0]

    return _NUMBERED.sub(data, html)


def _address(cells: Any, number: int, name: str) -> str:
    """A picture of a cell as the address that holds it; empty where there is none."""
    try:
        held = cells[number]["attachments"][name]
        kind = next(kind for kind in held if kind.startswith("image/"))
        content = "".join("".join(held[kind]).split())
    except (IndexError, KeyError, TypeError, StopIteration):  # a file that was saved meanwhile, or by hand
        return ""
    return f"data:{kind};base64,{content}" if _DATA.fullmatch(content) and _KIND.fullmatch(kind) else ""
