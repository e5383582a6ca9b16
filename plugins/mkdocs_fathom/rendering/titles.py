"""What a page says of itself, made safe for themes, which write it into pages as it stands.

Of a title in front matter or of the name of a file nobody expects that it is markup. MkDocs and Material for MkDocs
take it for that. And where Material takes the tags off a title, it resolves what was escaped: tags can come back.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from html import escape, unescape
from typing import Any

from markupsafe import Markup
from markupsafe import escape as safe

_TEXTS = ("title", "description", "author")


def mend(meta: MutableMapping[str, Any]) -> None:
    """Make the texts of a page's front matter that themes show what they are: texts, in which `&amp;` means `&`."""
    for name in _TEXTS:
        if isinstance(meta.get(name), str):
            meta[name] = _text(meta[name])


def of_file(name: str) -> tuple[str, str]:
    """The title that MkDocs gives a page without one, after its file's name; and the same, safe to be shown."""
    title = name.replace("-", " ").replace("_", " ")
    title = title.capitalize() if title.lower() == title else title
    return title, _text(title)


def stripped(html: str) -> Markup:
    """Jinja's filter `striptags`, whose result is a text again: escaped."""
    return safe(Markup(html).striptags())  # noqa: S704 - nothing is taken for safe: what has no tags left is escaped


def _text(given: str) -> str:
    return escape(unescape(given))
