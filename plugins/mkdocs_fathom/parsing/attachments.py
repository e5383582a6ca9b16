"""Pictures that a notebook's Markdown cells hold in themselves, and show as `![…](attachment:picture.png)`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote

_SHOWN = re.compile(r"""(?<=[("'<])attachment:([^\s)"'>]+)""")
_NUMBERED = re.compile(r"""(?<=["'])attachment:(\d+)/([^"'>]+)""")
_DATA = re.compile(r"[A-Za-z0-9+/=\s]+")


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
    """A page with its attachments.

    Args:
        html: The page, made of what was numbered.
        text: The notebook's text.
    """
    if "attachment:" not in html:
        return html
    cells = json.loads(text)["cells"]

    def data(match: re.Match[str]) -> str:
        number, name = int(match[1]) - 1, unquote(match[2])
        held = cells[number].get("attachments", {}).get(name, {}) if number < len(cells) else {}
        kind, content = next(((kind, each) for kind, each in held.items() if kind.startswith("image/")), ("", ""))
        return f"data:{kind};base64,{''.join(content.split())}" if _DATA.fullmatch(content) else match[0]

    return _NUMBERED.sub(data, html)
