"""The rule about keys of the front matter that are nearly ours: what they say is read by nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .page import Page
from .rule import Finding

_KEYS = ("needs", "pytestmark", "fathom")


def misspelt_key(page: Page) -> Iterator[Finding]:
    """A key of the front matter that is one slip away from one that Fathom reads."""
    meta = page.chapter.meta
    for key in filter(lambda key: isinstance(key, str), meta):
        meant = next((own for own in _KEYS if own not in meta and _nearly(key, own)), None)
        if meant:
            what = f"nobody reads the key `{key}` of the front matter"
            yield Finding(page.span(_line(page, key)), what, f"Did you mean `{meant}`?")


def _nearly(key: str, own: str) -> bool:
    """Whether a key begins as ours does and is at most one slip away: a letter too few, too many, wrong, or elsewhere.

    `feeds` may well be a site's own key, `need` is not.
    """
    key = key.lower()
    if key[:1] != own[0] or abs(len(key) - len(own)) > 1:
        return False
    same = next((at for at, (one, other) in enumerate(zip(key, own, strict=False)) if one != other), len(key))
    return sorted(key) == sorted(own) or any(
        key[same + more :] == own[same + less :] for more, less in ((0, 0), (1, 0), (0, 1), (1, 1))
    )


def _line(page: Page, key: str) -> int:
    """The position of the line on which a key stands."""
    named = re.compile(rf"[\"']?{re.escape(key)}[\"']?[ \t]*:")
    front = page.chapter.lines[: page.chapter.body]
    return next((at for at, line in enumerate(front) if named.match(line.text)), 0)
