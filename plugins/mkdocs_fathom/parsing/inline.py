"""The inline things that hide a marker: code spans and comments of one line, found in linear time."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass

_INTERESTING = re.compile(r"\\[\\`<]|`+|<!--")


@dataclass(frozen=True, slots=True)
class Comment:
    """An HTML comment that begins and ends on one line."""

    start: int
    """Where `<` stands in the line, counted from 0."""
    end: int
    """Behind its `>`."""
    text: str
    """What stands between `<!--` and `-->`."""


@dataclass(frozen=True, slots=True)
class Inline:
    """A line with its code spans and comments taken out."""

    text: str
    """The line; comments are blanks and code spans are backticks, column by column."""
    comments: tuple[Comment, ...] = ()
    """The comments."""
    unclosed: int | None = None
    """Where a comment begins that does not end on this line."""


def read_inline(text: str, start: int = 0) -> Inline:
    """Find the code spans and comments of a line, from `start` on."""
    if "`" not in text and "<!--" not in text:
        return Inline(text)
    runs: defaultdict[int, deque[int]] = defaultdict(deque)
    for run in re.finditer("`+", text[start:]):
        runs[len(run[0])].append(start + run.start())
    pieces = [text[:start]]
    comments: list[Comment] = []
    unclosed: int | None = None
    at = start
    while match := _INTERESTING.search(text, at):
        pieces.append(text[at : match.start()])
        at, found = match.end(), match[0]
        if found[0] == "`":
            end = _closing(runs[len(found)], match.end(), len(found))
            at = end or at
            pieces.append("`" * (at - match.start()))
        elif found[0] == "\\":
            pieces.append(found)
        elif (end := _comment_end(text, match.start())) is not None:
            comments.append(Comment(match.start(), end, text[match.start() + 4 : max(end - 3, match.start() + 4)]))
            pieces.append(" " * (end - match.start()))
            at = end
        else:
            unclosed = match.start()
            at = match.start()
            break
    pieces.append(text[at:])
    return Inline("".join(pieces), tuple(comments), unclosed)


def _closing(starts: deque[int], after: int, length: int) -> int | None:
    """Behind the next run of backticks of the same length, or None."""
    while starts and starts[0] < after:
        starts.popleft()
    return starts.popleft() + length if starts else None


def _comment_end(text: str, start: int) -> int | None:
    """Behind the comment that begins at `start`, or None; `<!-->` and `<!--->` are whole comments."""
    for short in ("<!-->", "<!--->"):
        if text.startswith(short, start):
            return start + len(short)
    end = text.find("-->", start + 4)
    return end + 3 if end >= 0 else None
