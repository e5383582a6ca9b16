r"""Where a list follows a line of text: Python-Markdown wants a blank line there, GitHub and the author do not.

The rule is CommonMark's: a bullet may interrupt a paragraph when its item is not empty, a number only when it is 1.

The extensions made for this are wrong where it matters here. `pymd_gadgets.compact_lists` sees lists at the left edge
only, not in quotes, admonitions and tabs; it breaks a formula of several lines of which one begins with `+` or `-`.
`mdx_breakless_lists` also writes into fences, and takes `2020. It was` and `* * *` for items.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence

from ..parsing.containers import RULE

_ITEM = re.compile(r"(?:[-+*]|(?P<number>\d{1,9})[.)])(?:[ \t]+\S|[ \t]*$)")
_INTERRUPTS = re.compile(r"(?:[-+*]|1\.)[ \t]+\S")
_PREFIX = re.compile(r"[ \t>]*")
# What holds the lines that are indented below it: a list's item, an admonition, a tab, a footnote, a definition.
_OPENS = re.compile(r"(?:[-+*]|\d{1,9}[.)]|:)[ \t]|!!!|\?\?\?|===|\[\^[^\]]+\]:")
_RAW_END = re.compile(r"</(?:pre|script|style|textarea)>", re.IGNORECASE)
_RAW_START = re.compile(r"<(pre|script|style|textarea)\b", re.IGNORECASE)
_HTML_START = re.compile(
    r"</?(?:address|article|aside|blockquote|center|details|dialog|dd|div|dl|dt|fieldset|figcaption|figure|footer|form"
    r"|h[1-6]|header|hr|iframe|li|link|main|menu|nav|ol|p|search|section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
    r"|video)(?:[\s/>]|$)",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"\$\$|\\\[|\\\]|\\begin\{|\\end\{")


def breaks(lines: Sequence[str], fenced: Container[int]) -> Iterator[int]:
    """Positions of lines that need a blank line before them.

    Args:
        lines: The text.
        fenced: Positions of the lines of fences.
    """
    scanner = _Scanner()
    for index, line in enumerate(lines):
        if index in fenced:
            scanner.pass_fence(line)
        elif scanner.needs_break(line):
            yield index


class _Scanner:
    """What has to be known of the lines before one."""

    def __init__(self) -> None:
        self.previous = ""
        """The prefix of the line before, if that is text which a list can follow."""
        self.text = False
        """Whether the line before is such text."""
        self.listed = False
        """Whether the block of lines without a blank one has an item already: then Markdown sees the next one too."""
        self.opened: list[int] = []
        """Indentation of what holds the present line, outermost first."""
        self.raw: re.Pattern[str] | None = None
        """What ends the comment, HTML or formula that is open."""

    def pass_fence(self, line: str) -> None:
        """Take in a line of a fence: a list can follow its last one."""
        self.previous, self.text = _PREFIX.match(line)[0], True  # type: ignore[index]  # it matches the empty string

    def needs_break(self, line: str) -> bool:
        """Whether a blank line must come before this line; takes the line in."""
        prefix = _PREFIX.match(line)[0]  # type: ignore[index]  # it matches the empty string
        content = line[len(prefix) :]
        if self._is_raw(content) or not content:
            self.text, self.listed = False, self.listed and bool(content)
            return False
        return self._text(prefix, content)

    def _text(self, prefix: str, content: str) -> bool:
        item = bool(_ITEM.match(content)) and not RULE.match(content)
        code = self._nest(prefix, content, fresh=not self.text and not self.listed)
        after_text = self.text and prefix == self.previous and not self.listed
        found = item and after_text and not code and bool(_INTERRUPTS.match(content))
        # An item that may not interrupt is text, as long as it has text before it.
        self.listed = self.listed or found or (item and not after_text and not code)
        self.text, self.previous = not code, prefix
        return found

    def _nest(self, prefix: str, content: str, *, fresh: bool) -> bool:
        """Take in what holds the line; whether it is indented so far that it is code."""
        indent = len(prefix.replace("\t", "    "))
        while self.opened and indent <= self.opened[-1]:
            self.opened.pop()
        base = next((opened + 4 for opened in reversed(self.opened) if opened + 4 <= indent), 0)
        quotes = prefix.rfind(">") + 1
        code = fresh and indent - max(base, quotes) >= (5 if quotes > base else 4)
        if _OPENS.match(content) and not code:
            self.opened.append(indent)
        return code

    def _is_raw(self, content: str) -> bool:
        """Whether the line belongs to a comment, to HTML or to a formula."""
        if self.raw is not None:
            if self.raw.search(content):
                self.raw = None
            return True
        if "<!--" in content and "-->" not in content.rpartition("<!--")[2]:
            self.raw = re.compile("-->")
        elif start := _RAW_START.match(content):
            self.raw = None if _RAW_END.search(content, start.end()) else _RAW_END
        elif _HTML_START.match(content):
            # Other HTML ends with a blank line.
            self.raw = re.compile(r"^\s*$")
        elif len(_FORMULA.findall(content)) % 2:
            self.raw = re.compile(_FORMULA.pattern + r"|^\s*$")
        return self.raw is not None
