"""A chapter's lines → its fences, comments and prose, by one pass over the lines.

A line scanner with CommonMark's fence rules, not a CommonMark parser: what stands inside admonitions, details and tabs
is indented in ways that CommonMark calls code. A fence opens behind any white space, quote signs and list bullets; it
must close in the column where it opens, as `pymdownx.superfences` requires. Where a reader of the page and a
reader of the source could see different things, the scanner reports a problem instead of choosing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import Problem
from ..model import Line, Span
from .containers import Containers, RawHtml, prefix_of, strip_prefix
from .fences import PYTHON
from .inline import Comment, Inline, read_inline

_BULLETS = re.compile(r"(?:[ \t>]|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))*")
_SHOW_FENCES = frozenset({"markdown", "md"})
"""Languages in which a fence is what an author may want to show."""
_HALF_CLOSED = re.compile(r"<!--[ \t]*(/?[ \t]*\w+)[ \t]*-?>[ \t]*")
_FENCE = re.compile(r"(?P<run>`{3,}|~{3,})(?P<info>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RawFence:
    """A fence as it stands, its info string not yet read."""

    first: int
    """Position of the opening line."""
    last: int
    """Position of the closing line; of the last line of its content where it is never closed."""
    prefix: str
    """What stands before the opening run, as written."""
    run: str
    """The opening run of backticks or tildes."""
    info: str
    """What follows the run."""
    content: tuple[str, ...]
    """The lines between, without the container's prefix."""
    literal: bool
    """Whether it stands in indented code, where the page shows it as text."""


@dataclass(frozen=True, slots=True)
class Prose:
    """A line outside fences, or what is left of it beside a comment over several lines."""

    index: int
    """Its position."""
    prefix: str
    """Indentation and quote signs before its text, as written."""
    text: str
    """The line; comments are blanks and inline code is backticks, column by column."""
    comments: tuple[Comment, ...]
    """The comments that begin and end on this line."""
    html: tuple[str, int] | None
    """Tag and line of the raw HTML block it stands in."""
    literal: bool
    """Whether it stands in indented code."""

    @property
    def blank(self) -> bool:
        """Whether a reader sees nothing of it."""
        return not self.text.strip(" \t>")


@dataclass(frozen=True, slots=True)
class Scanned:
    """A chapter's body, taken apart."""

    events: tuple[RawFence | Prose, ...]
    """In order of their lines."""
    problems: tuple[Problem, ...]
    """What is wrong with fences and comments."""
    cut_at: int | None
    """Where a fence or comment begins that runs to the end of the file and hides the rest; None: nowhere."""


def scan(lines: Sequence[Line], first: int = 0) -> Scanned:
    """Take the lines from position `first` on apart."""
    scanner = _Scanner(lines)
    at = first
    while at < len(lines):
        at = scanner.step(at)
    return Scanned(tuple(scanner.events), tuple(scanner.problems), scanner.cut_at)


@dataclass(slots=True)
class _Scanner:
    """The state between two lines."""

    lines: Sequence[Line]
    events: list[RawFence | Prose] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    containers: Containers = field(default_factory=Containers)
    html: RawHtml = field(default_factory=RawHtml)
    cut_at: int | None = None

    def step(self, at: int) -> int:
        """Read what begins at a line; the position of the line after it."""
        text = self.lines[at].text
        bullets = _BULLETS.match(text)
        start = bullets.end() if bullets else 0
        fence = _FENCE.match(text, start)
        if fence and not (fence["run"][0] == "`" and "`" in fence["info"]):
            return self.fence(at, text[:start], fence)
        if fence:
            self.check_inline_fence(at, start, fence)
        prefix = prefix_of(text)
        if text.startswith("<!--", len(prefix)) and "-->" not in text[len(prefix) + 2 :]:
            return self.long_comment(at, prefix)
        return self.prose(at, prefix, read_inline(text, len(prefix)))

    def problem(self, at: int, column: int, what: str, hint: str) -> None:
        line = self.lines[at]
        self.problems.append(Problem(Span(line.path, line.number, column), what, hint))

    def fence(self, at: int, prefix: str, match: re.Match[str]) -> int:
        """Read a fence to its closing line, or to where its container ends."""
        inner = re.sub(r"[^ >]", " ", prefix.expandtabs(4))
        literal = self.containers.literal(prefix_of(prefix), self.lines[at].text.lstrip(" \t>"))
        run, end = match["run"], at + 1
        content: list[str] = []
        while end < len(self.lines):
            rest = strip_prefix(self.lines[end].text, inner)
            if rest is None or _closes(rest, run):
                break
            content.append(rest)
            end += 1
        if (again := _opens_again(content, match)) is not None:
            return self.never_closed(at, prefix, match, content[:again], literal=literal)
        last, after = self.close(at, end, prefix, inner, match)
        self.events.append(RawFence(at, last, prefix, run, match["info"], tuple(content), literal))
        self.containers.after_blank = False
        return after

    def never_closed(self, at: int, prefix: str, match: re.Match[str], content: list[str], *, literal: bool) -> int:
        """Report a fence that another one follows before it is closed, and go on where it must have ended."""
        number, shown = self.lines[at + len(content) + 1].number, _quoted(match["run"] + match["info"].rstrip())
        what = f"the fence {shown} is never closed: line {number} opens another one"
        hint = f"Add a line {_quoted(match['run'])} where it ends; to show a fence as text, use a longer one."
        self.problem(at, len(prefix) + 1, what, hint)
        # A marker on the way is no code: its twin would be reported as well.
        cut = next((index for index, line in enumerate(content) if line.startswith("<!--")), len(content))
        self.events.append(RawFence(at, at + cut, prefix, match["run"], match["info"], tuple(content[:cut]), literal))
        self.containers.after_blank = False
        return at + cut + 1

    def close(self, at: int, end: int, prefix: str, inner: str, match: re.Match[str]) -> tuple[int, int]:
        """Judge how a fence ended: the position of its last line and of the line to go on with."""
        column, run = len(prefix) + 1, match["run"]
        shown = _quoted(run + match["info"].rstrip())
        if end == len(self.lines):
            self.cut_at = at if self.cut_at is None else self.cut_at
            hint = f"Add a line {_quoted(inner + run)} behind its last line."
            self.problem(at, column, f"the fence {shown} is never closed", hint)
            return end - 1, end
        rest = strip_prefix(self.lines[end].text, inner)
        if rest is not None:
            if rest.startswith(" "):
                self.misplaced(end, at, column)
            return end, end + 1
        number = self.lines[end].number
        if ">" not in inner:
            closing = self.next_closing(end, run)
            if closing == end:
                self.misplaced(end, at, column)
                return end, end + 1
            if closing is not None:
                what = f"line {number} stands left of the fence {shown} that it is part of"
                self.problem(at, column, what, f"Indent line {number} as far as the fence.")
                return closing, closing + 1
        what = f"the fence {shown} is never closed: line {number} stands outside its quote or list item"
        self.problem(at, column, what, f"Add a line {_quoted(inner + run)} before line {number}.")
        return end - 1, end

    def misplaced(self, end: int, at: int, column: int) -> None:
        """Report a closing fence in another column than its opening one."""
        text = self.lines[end].text
        own = len(text) - len(text.lstrip(" \t>")) + 1
        what = f"the closing fence of line {self.lines[at].number} stands in another column than its opening"
        self.problem(end, own, what, f"Put it in column {column}.")

    def next_closing(self, at: int, run: str) -> int | None:
        """The next line that looks like a fence, if it closes `run`."""
        for index in range(at, len(self.lines)):
            text = self.lines[index].text.lstrip(" \t>")
            if text.startswith(("```", "~~~")):
                return index if _closes(text, run) else None
        return None

    def check_inline_fence(self, at: int, start: int, match: re.Match[str]) -> None:
        """Refuse a fence of Python whose info string makes it inline code."""
        runs = re.findall(r"`+", match["info"])
        if match["run"] not in runs and re.match(r"[ \t]*\{?[ \t]*\.?py(?:thon)?3?\b", match["info"], re.IGNORECASE):
            what = "the info string of a fence of backticks holds a backtick"
            self.problem(at, start + 1, what, "Take the backtick out, or fence the code with `~~~`.")

    def long_comment(self, at: int, prefix: str) -> int:
        """Pass over a comment of several lines; what follows it on its last line is prose."""
        if meant := _HALF_CLOSED.fullmatch(self.lines[at].text, len(prefix)):
            # `<!-- DEEP>` before `<!-- /DEEP -->`: what stands between them would be gone without a word.
            what = f"`{meant[0].rstrip()}` does not end the comment that it begins"
            self.problem(at, len(prefix) + 1, what, f"Write `<!-- {meant[1]} -->`.")
        for end in range(at + 1, len(self.lines)):
            text = self.lines[end].text
            close = text.find("-->")
            if close >= 0:
                return self.prose(
                    end, prefix, read_inline(" " * (close + 3) + text[close + 3 :], close + 3), begun=True
                )
        self.problem(at, len(prefix) + 1, "the comment `<!--` is never closed", "Add `-->` where it ends.")
        self.cut_at = at if self.cut_at is None else self.cut_at
        return len(self.lines)

    def prose(self, at: int, prefix: str, inline: Inline, *, begun: bool = False) -> int:
        """Read a line of prose; `begun` where a comment ends on it that began at the start of a line."""
        if inline.unclosed is not None:
            hint = "Close it on this line, begin it at the start of a line, or write it as inline code."
            what = "the comment `<!--` begins within a line and is not closed on it"
            self.problem(at, inline.unclosed + 1, what, hint)
        comment = bool(inline.comments) and inline.comments[0].start == len(prefix)
        literal = self.containers.literal(prefix, "<!--" if begun or comment else inline.text[len(prefix) :])
        html = None if literal else self.html.take(self.lines[at].number, len(prefix), inline.text)
        self.events.append(Prose(at, prefix, inline.text, inline.comments, html, literal))
        return at + 1


def _opens_again(content: Sequence[str], match: re.Match[str]) -> int | None:
    """The line of a fence's content with which another fence begins, so that this one was meant to end before it."""
    run, language = match["run"], _language(match["info"])
    for at, line in enumerate(content):
        inner = _FENCE.match(line)
        if not inner or not inner["run"].startswith(run) or not inner["info"].strip() or run[0] in inner["info"]:
            continue
        # Python might hold such a line in a text. Any other language can, unless a cell would be lost with it.
        lost = not _compiles(content) if language in PYTHON else _language(inner["info"]) in PYTHON
        return at if lost and language not in _SHOW_FENCES else None
    return None


def _language(info: str) -> str:
    """The first word of an info string, whatever is around it."""
    word = re.match(r"[ \t]*\{?[ \t]*\.?([\w-]*)", info)
    return word[1].lower() if word else ""


def _compiles(content: Sequence[str]) -> bool:
    try:
        ast.parse("\n".join(content))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _closes(rest: str, run: str) -> bool:
    """Whether a line, without its container's prefix, closes a fence."""
    if rest[:4] == "    ":
        return False
    bare = rest.strip(" \t")
    return len(bare) >= len(run) and not bare.strip(run[0])


def _quoted(code: str) -> str:
    """The code between backticks, as CommonMark quotes backticks."""
    return f"`` {code} ``" if "`" in code else f"`{code}`"
