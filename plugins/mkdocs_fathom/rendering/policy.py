"""A finished page → the same page with a Content Security Policy, and what in it this policy refuses.

What the theme writes into a page is known by its hash and runs. What stands in the page's content does not: a script
that got there through an output, by a fault of ours, would look like an author's own.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

# What a script element runs; any other type is data, which no policy looks at.
_SCRIPTS = frozenset({"", "module", "importmap", "speculationrules", "text/javascript", "application/javascript"})
_LOADING = frozenset({"audio", "embed", "iframe", "img", "input", "script", "source", "track", "video"})
_LOADING_LINKS = frozenset({"stylesheet", "icon", "preload", "modulepreload", "manifest"})
_ALIGNMENTS = tuple(f"text-align: {side};" for side in ("left", "center", "right"))
# The declaration of the encoding must stand in a page's first 1024 bytes: nothing long may push it out.
_HEAD = re.compile(r"<head(?:\s[^>]*)?>(?:\s*<meta\s+charset=[^>]*>)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a page that will not work."""

    what: str
    """What it is, for an error."""
    tag: str
    """Its tag as the page has it, which tells where it stands."""


@dataclass(frozen=True, slots=True)
class _Inline:
    """What a page says in itself that a policy has to name, each as often as it stands there."""

    scripts: Counter[str] = field(default_factory=Counter)
    """Hashes of its scripts."""
    styles: Counter[str] = field(default_factory=Counter)
    """Hashes of its style sheets."""
    attributes: Counter[str] = field(default_factory=Counter)
    """Hashes of its `style` attributes."""
    inline: Counter[Refused] = field(default_factory=Counter)
    """Its scripts and style sheets again, as what is refused where they are content."""
    refused: Counter[Refused] = field(default_factory=Counter)
    """What is refused wherever it stands."""


@dataclass(frozen=True, slots=True)
class Policed:
    """A page with its policy."""

    page: str
    """The page."""
    inside: list[Refused]
    """What the policy refuses of its content."""
    around: list[Refused]
    """What it refuses of what the theme has put around that."""


def put_in(page: str, content: str) -> Policed:
    """A page with its policy, as early in its head as can be; a page without a head stays as it is.

    Args:
        page: The finished page: nothing may change it afterwards, or hashes no longer hold.
        content: The part of it that the theme did not write.
    """
    # To read takes long: once each.
    found, inside = _read(page), _read(content)
    said = _policy(found.scripts - inside.scripts, found.styles - inside.styles, found.attributes)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{said}">'
    finished = _HEAD.sub(lambda match: match[0] + meta, page, count=1)
    return Policed(finished, [*inside.inline, *inside.refused], list(found.refused - inside.refused))


def _policy(scripts: Iterable[str], styles: Iterable[str], attributes: Iterable[str]) -> str:
    directives = {
        "default-src": ["'self'"],
        "script-src": ["'self'", *sorted(scripts)],
        "style-src": ["'self'", *sorted(styles)],
        # One by one, never all of them. On every page those by which Markdown aligns a table's columns: under
        # Material's instant navigation a page is under the policy of the one before.
        "style-src-attr": ["'unsafe-hashes'", *sorted({*map(_hash, _ALIGNMENTS), *attributes})],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
    }
    return "; ".join(" ".join([name, *values]) for name, values in directives.items())


def _read(html: str) -> _Inline:
    reader = _Reader()
    # As a browser reads lines: a hash is of what it reads.
    reader.feed(html.replace("\r\n", "\n").replace("\r", "\n"))
    reader.close()
    return reader.found


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = _Inline()
        self._open: Refused | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}  # of two of one name, the first counts
        written = self.get_starttag_text() or f"<{tag}>"
        if "style" in given:
            self.found.attributes[_hash(given["style"])] += 1
        for what in _refused(tag, given):
            self.found.refused[Refused(what, written)] += 1
        self._open, self._text = None, ""
        if tag == "style":
            self._open = Refused("a style sheet in the page's text", written)
        elif tag == "script" and "src" not in given and given.get("type", "").strip().lower() in _SCRIPTS:
            self._open = Refused("a script in the page's text", written)

    def handle_data(self, data: str) -> None:
        if self._open:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag in {"script", "style"}:
            hashes = self.found.scripts if tag == "script" else self.found.styles
            hashes[_hash(self._text)] += 1
            self.found.inline[self._open] += 1
            self._open = None


def _refused(tag: str, given: dict[str, str]) -> Iterator[str]:
    for name, value in given.items():
        # As a browser reads an address: without blanks and control characters.
        address = re.sub(r"[\x00-\x20]", "", value).lower()
        if name.startswith("on"):
            yield f"the handler `{name}`"
        elif name in {"href", "action", "formaction"} and address.startswith("javascript:"):
            yield "an address that is a script"
        elif _loads(tag, name, given) and (elsewhere := re.match(r"(?:https?:)?//[^/]*", address)):
            yield f"what is loaded from `{elsewhere[0]}`"


def _loads(tag: str, name: str, given: dict[str, str]) -> bool:
    if tag == "link":
        return name == "href" and bool(_LOADING_LINKS.intersection(given.get("rel", "").lower().split()))
    return (tag in _LOADING and name == "src") or (tag == "object" and name == "data")
