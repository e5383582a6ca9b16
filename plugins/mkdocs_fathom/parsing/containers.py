"""What a line stands in: quotes, list items, admonitions, tabs and raw HTML blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# Python-Markdown knows no list of `1)`.
_OPENER = re.compile(r"(?:[-*+]|\d{1,9}\.|:)(?:[ \t]|$)|!!! ?\w|\?\?\?\+? ?[\w\"]|===[!+]* ?[\"']|\[\^[^\]\n]+\]:")
RULE = re.compile(r"([-*_])(?:[ \t]*\1){2,}[ \t]*$")
"""A thematic break, `* * *`, which begins as a list's item does and is none."""
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*)(?=[\s/>]|$)(?P<rest>[^<>]*)")
_BLOCK_TAGS = frozenset(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption"
    " figure footer form h1 h2 h3 h4 h5 h6 header hgroup html iframe legend li main map math menu nav"
    " noscript object ol output p picture pre progress script section style summary svg table tbody td"
    " template textarea tfoot th thead tr ul video".split()
)


def prefix_of(text: str) -> str:
    """The indentation and quote signs before a line's text."""
    return text[: len(text) - len(text.lstrip(" \t>"))]


def indent_of(prefix: str) -> int:
    """The indentation behind the last quote sign, in columns; the blank after that sign belongs to it."""
    wide = prefix.expandtabs(4)
    after = wide[wide.rfind(">") + 1 :]
    return max(len(after) - 1, 0) if ">" in wide else len(after)


def strip_prefix(text: str, prefix: str) -> str | None:
    """The line without its container's prefix (blanks and quote signs); None where it stands outside.

    A tab that reaches beyond the prefix leaves blanks, so that every column keeps its place.
    """
    if not prefix:
        return text
    column = at = 0
    while column < len(prefix):
        if at == len(text):
            return None if ">" in prefix[column:] else ""
        size = 4 - column % 4 if text[at] == "\t" else 1
        wanted = prefix[column : column + size]
        if wanted.strip(" ") if text[at] in " \t" else text[at] != wanted:
            return "" if not text.strip(" \t") and ">" not in prefix else None
        column += size
        at += 1
    return " " * (column - len(prefix)) + text[at:]


@dataclass(slots=True)
class Containers:
    """Which list items, admonitions and tabs are open, for each depth of quotes."""

    levels: list[list[tuple[int, bool]]] = field(default_factory=list)
    """Indentation of each container's content, and whether text may follow it unindented (as in a list)."""
    after_blank: bool = True
    """Whether the line before was blank."""

    def literal(self, prefix: str, text: str) -> bool:
        """Take the next line in; whether it stands in indented code.

        Python-Markdown's rule: each level is indented by 4, and what a container holds by 4 more is code.
        """
        if not text.strip(" \t>"):
            self.after_blank = True
            return False
        indents = _indents(prefix)
        del self.levels[len(indents) :]
        self.levels += [[] for _ in range(len(indents) - len(self.levels))]
        for opened, indent in zip(self.levels[:-1], indents[:-1], strict=True):
            self._end(opened, indent, begins=True)
        opened, indent = self.levels[-1], indents[-1]
        opens = None if RULE.match(text) else _OPENER.match(text)
        self._end(opened, indent, begins=bool(opens) or _begins_block(text))
        literal = indent >= (opened[-1][0] if opened else 0) + 4
        if opens and not literal:
            opened.append((indent // 4 * 4 + 4, text[0] not in "!?="))
        self.after_blank = False
        return literal

    def _end(self, opened: list[tuple[int, bool]], indent: int, *, begins: bool) -> None:
        """Close the containers that a line stands left of; one that begins a block is no lazy continuation."""
        for position, (content, lazy) in enumerate(opened):
            if indent < content and (begins or self.after_blank or not lazy):
                del opened[position:]
                return


def _begins_block(text: str) -> bool:
    """Whether a line cannot go on with a list's text."""
    tag = _TAG.match(text)
    block_tag = tag is not None and tag["name"].lower() in _BLOCK_TAGS
    return block_tag or text.startswith(("#", "```", "~~~", "///", "<!--")) or bool(RULE.match(text))


def _indents(prefix: str) -> list[int]:
    """The indentation at each depth of quotes; the blank after a quote sign belongs to it."""
    first, *rest = prefix.expandtabs(4).split(">")
    return [len(first), *(max(len(part) - 1, 0) for part in rest)]


@dataclass(slots=True)
class RawHtml:
    """The raw HTML block that is open."""

    block: tuple[str, int] | None = None
    """Its tag and line."""
    depth: int = 0
    """How many of its tag are open."""

    def take(self, number: int, start: int, text: str) -> tuple[str, int] | None:
        """Take the next line in, whose text begins at `start`; the block that it stands in.

        As Python-Markdown does: from a tag that begins a line to its twin, over blank lines too.
        """
        if "<" not in text:
            return self.block
        if self.block is None:
            tag = _TAG.match(text, start)
            if not tag or tag["close"] or tag["name"].lower() not in _BLOCK_TAGS:
                return None
            self.block = (tag["name"].lower(), number)
        current = self.block
        for tag in _TAG.finditer(text):
            if tag["name"].lower() == current[0] and not tag["rest"].endswith("/"):
                self.depth += -1 if tag["close"] else 1
        if self.depth <= 0:
            self.block, self.depth = None, 0
        return current
