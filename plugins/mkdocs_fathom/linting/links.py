"""Rules about links to headings that stand in a depth.

A heading in a region has the id of its text and its depth: `freezing-strategies--deep`. Only headings whose ids follow
from their text are judged here; anything else is the host's to check.
"""

from __future__ import annotations

import difflib
import posixpath
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from ..model import Chapter, Depth
from .page import Page
from .rule import Finding

_LINK = re.compile(r"\[(?P<text>[^\[\]\n]*)\]\((?P<target>[^\s()<>]+)(?:[ \t]+[\"'(][^\n]*?)?\)")
_TARGET = re.compile(r"\]\([^\s()]*")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*`]|(?<!\w)_|_(?!\w)")
_OWN_ID = re.compile(r"""[{\s]#([^\s}"'>]+)|\b(?:id|name)=["']?([^\s"'>}]+)""")


@dataclass(frozen=True, slots=True)
class _Target:
    """A heading's place in some depth."""

    depth: Depth
    """The depth."""
    slugs: frozenset[str]
    """The slugs of all headings at that depth."""


def into_depth(page: Page) -> Iterator[Finding]:
    """A link that leads nowhere because its heading stands in a depth, or that leads a reader into another depth."""
    for event in page.prose:
        if "](" not in event.text or event.literal:
            continue
        for match in _LINK.finditer(event.text):
            path, _, anchor = match["target"].partition("#")
            chapter = _chapter(page, path) if anchor and ":" not in path else None
            if chapter is None:
                continue
            span = page.span(event.index, match.start("target") + 1)
            words = _TARGET.sub("]", page.chapter.lines[event.index].text)
            for what, hint in _judge(chapter, unquote(anchor), page.depth(event.index), words):
                yield Finding(span, what, hint)


def _chapter(page: Page, path: str) -> Chapter | None:
    """The chapter that an address names, seen from this page."""
    if not path:
        return page.chapter
    return page.others.get(posixpath.normpath(posixpath.join(posixpath.dirname(page.chapter.path), unquote(path))))


def _judge(chapter: Chapter, anchor: str, depth: str | None, words: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a link to an anchor of a chapter, from a line of a depth."""
    if anchor in _own_ids(chapter):
        return
    slug, _, suffix = anchor.rpartition("--")
    target = next((each for each in chapter.depths if slug and each.slug == suffix), None)
    if target is None:
        yield from _without_depth(chapter, anchor)
    elif slug not in (there := _slugs(chapter, target.name)):
        near = difflib.get_close_matches(slug, sorted(there), 1)
        hint = f"Did you mean `#{near[0]}--{suffix}`?" if near else "Link to a heading that is there."
        yield f"`#{anchor}` leads nowhere: no heading at {target.name} has this text", hint
    elif depth != target.name and not re.search(
        rf"\b({target.name}|{re.escape(target.label)})\b", words, re.IGNORECASE
    ):
        reader = f"a reader at {depth}" if depth else "every reader"
        what = f"`#{anchor}` leads {reader} into the {target.name} reading without a word"
        yield what, f"Name it beside the link (“{target.label}”), or link to a heading that all readers have."


def _without_depth(chapter: Chapter, anchor: str) -> Iterator[tuple[str, str]]:
    """A link that was written as if its heading were shared."""
    if anchor in _slugs(chapter, None):
        return
    holding = [each for each in chapter.depths if anchor in _slugs(chapter, each.name)]
    if holding:
        names = " and ".join(each.name for each in holding)
        ids = " or ".join(f"`#{anchor}--{each.slug}`" for each in holding)
        labels = " or ".join(f"“{each.label}”" for each in holding)
        hint = f"Write {ids}, and name the depth beside the link ({labels})."
        yield f"`#{anchor}` leads nowhere: that heading stands at {names} only", hint


def _slugs(chapter: Chapter, depth: str | None) -> set[str]:
    """The ids that a depth's headings have by their text, as Python-Markdown and as pymdownx make them."""
    texts = [_MARKUP.sub(r"\1", each.text) for each in chapter.headings if each.depth == depth]
    return {slug for text in texts for slug in (_slug(text, ascii_only=True), _slug(text, ascii_only=False))}


def _slug(text: str, *, ascii_only: bool) -> str:
    if ascii_only:
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def _own_ids(chapter: Chapter) -> set[str]:
    """Ids that stand in the text, as attributes or in HTML."""
    found = (
        pair for line in chapter.lines if "#" in line.text or "=" in line.text for pair in _OWN_ID.findall(line.text)
    )
    return {name for pair in found for name in pair if name}
