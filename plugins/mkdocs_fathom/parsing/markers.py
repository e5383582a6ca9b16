"""Comments → depth markers, and markers → regions and tab sets.

A marker is `<!-- DEEP -->` or `<!-- /DEEP -->`, alone on its line behind its container's prefix. White space inside
the comment does not matter; the name does, in capitals as the configuration has it. A comment that nearly is a
marker is an error, because the region it means would be shown to the wrong reader without a word.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..errors import Problem
from ..model import Depth, Line, Region, Span
from .containers import indent_of, strip_prefix
from .scan import Prose, RawFence

_DASHES = r"[ \t]*[-–—]{1,4}[ \t]*"
_LOOSE = re.compile(rf"[ \t>]*(<[ \t]*!?{_DASHES}[/\\]?[ \t]*[A-Za-z_]+{_DASHES}!?[ \t]*>)[ \t]*$")
_LONGEST = 80
"""No marker gone wrong is longer, and comparing long texts takes long."""
_SPACES = frozenset({"Zs", "Zl", "Zp"})
_OPENING_WORDS = frozenset({"BEGIN", "START", "OPEN"})
_CLOSING_WORDS = frozenset({"END", "CLOSE", "STOP"})


@dataclass(frozen=True, slots=True)
class Marker:
    """A depth marker."""

    depth: str
    """The depth's name."""
    closing: bool
    """Whether it closes a region."""

    def __str__(self) -> str:
        return f"<!-- {'/' if self.closing else ''}{self.depth} -->"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A comment that is no marker and means one."""

    what: str
    """What happened."""
    hint: str
    """What to do."""
    marker: Marker
    """The marker that it means."""


def read_comment(text: str, names: Sequence[str]) -> Marker | Suspect | None:
    """What a comment's inner text means: a marker, a marker gone wrong, or nothing to us."""
    exact = re.fullmatch(r"[ \t]*(/?)[ \t]*([A-Za-z0-9_]+)[ \t]*", text)
    if exact and exact[2] in names:
        return Marker(exact[2], bool(exact[1]))
    if len(text) > _LONGEST:
        return None
    kinds = {char: unicodedata.category(char) for char in text}
    odd = next((char for char in text if char != " " and kinds[char] in _SPACES | {"Cf"}), "")
    plain = "".join(" " if kinds[char] in _SPACES else char for char in text if kinds[char] != "Cf")
    near = _nearest(plain, names)
    if near is None:
        return None
    if odd:
        name = unicodedata.name(odd, "UNNAMED CHARACTER")
        return Suspect(f"U+{ord(odd):04X} {name} in a marker", f"Write `{near}` with plain blanks.", near)
    return Suspect(f"`<!--{text}-->` is no marker", f"Did you mean `{near}`?", near)


def _nearest(text: str, names: Sequence[str]) -> Marker | None:
    """The marker that a comment nearly is."""
    words = re.findall(r"[^\W\d_][^\W\d]*", text)
    if not words or re.search(r"[^\W]", re.sub(r"[^\W\d_][^\W\d]*", "", text)):
        return None
    helpers = _OPENING_WORDS | _CLOSING_WORDS
    named = [word for word in words if word.upper() not in helpers] or words
    closing = "/" in text or "\\" in text or any(word.upper() in _CLOSING_WORDS for word in words if word not in named)
    if len(named) != 1 or (len(words) > 1 and not named[0].isupper()):
        return None
    word = named[0]
    if word.upper() in names:
        return Marker(word.upper(), closing)
    # `DEAP` means DEEP, `KEEP` does not: the farther of two misspellings must at least begin alike.
    near = difflib.get_close_matches(word, names, 1, 0.8) or difflib.get_close_matches(word, names, 1, 0.75)
    if not near or not word.isupper():
        return None
    close = bool(difflib.get_close_matches(word, near, 1, 0.8))
    return Marker(near[0], closing) if close or near[0][0] == word[0] else None


@dataclass(frozen=True, slots=True)
class _Open:
    """An opening marker that waits for its twin."""

    marker: Marker
    span: Span
    index: int
    prefix: str
    guessed: bool = False


@dataclass(slots=True)
class Regions:
    """Pairs markers while the events of a chapter pass by, in order."""

    lines: Sequence[Line]
    """The chapter's lines."""
    depths: Sequence[Depth]
    """The site's depths."""
    found: list[Region] = field(default_factory=list)
    """The regions so far."""
    problems: list[Problem] = field(default_factory=list)
    """What is wrong so far."""
    _open: _Open | None = None
    _nested: list[_Open] = field(default_factory=list)
    _seen: bool = False
    _left: bool = False

    @property
    def depth(self) -> str | None:
        """The depth of the region that is open."""
        return self._open.marker.depth if self._open else None

    def take(self, event: Prose | RawFence) -> bool:
        """Take the next event in; whether a marker stood on it."""
        if isinstance(event, RawFence):
            self._check_inside(event.first, event.last)
            self._seen = True
            return False
        names = [depth.name for depth in self.depths]
        marked = False
        for comment in event.comments:
            match read_comment(comment.text, names):
                case Suspect(what, hint, meant):
                    self._problem(event.index, comment.start + 1, what, hint)
                    marked = marked or self._guess(event, comment.start, comment.end, meant)
                case Marker() as marker if not marked:
                    marked = True
                    self._marker(event, comment.start, comment.end, marker)
        marked = marked or self._check_loose(event, names)
        if not marked:
            self._check_inside(event.index, event.index)
            self._seen = self._seen or not event.blank
        return marked

    def finish(self, cut_at: int | None) -> None:
        """Report what is still open, unless a fence or comment without end hides the rest of the file."""
        if self._open and not self._open.guessed and (cut_at is None or cut_at < self._open.index):
            what = f"`{self._open.marker}` is never closed"
            hint = f"Add `{Marker(self._open.marker.depth, closing=True)}` where that reading ends."
            self.problems.append(Problem(self._open.span, what, hint))

    def _problem(self, index: int, column: int, what: str, hint: str) -> None:
        line = self.lines[index]
        self.problems.append(Problem(Span(line.path, line.number, column), what, hint))

    def _guess(self, event: Prose, start: int, end: int, meant: Marker) -> bool:
        """Take a marker gone wrong, which was reported, for what it means: its twin has no fault. Says if it did."""
        text = self.lines[event.index].text
        alone = not text[len(event.prefix) : start].strip() and not text[end:].strip()
        fits = self.depth == meant.depth if meant.closing else self._open is None
        if alone and fits and not event.html and not event.literal:
            if meant.closing:
                self._close(event, start, meant)
            else:
                self._opening(event, start, meant)
                self._open = self._open and replace(self._open, guessed=True)
            return True
        return False

    def _marker(self, event: Prose, start: int, end: int, marker: Marker) -> None:
        """Take a marker in, whatever is wrong with where it stands."""
        self._check_place(event, start, end, marker)
        self._seen = self._seen or not event.blank
        if self._open and self._open.guessed and (not marker.closing or marker.depth != self.depth):
            self._open = None
        if marker.closing:
            self._close(event, start, marker)
        else:
            self._opening(event, start, marker)

    def _check_place(self, event: Prose, start: int, end: int, marker: Marker) -> None:
        """Report a marker that cannot begin or end a tab where it stands."""
        text, column = self.lines[event.index].text, start + 1
        if text[len(event.prefix) : start].strip() or text[end:].strip():
            hint = "Put the marker on a line of its own, or in inline code to show it."
            self._problem(event.index, column, f"`{marker}` does not stand alone on its line", hint)
        elif event.html:
            tag, number = event.html
            hint = f"Close `<{tag}>` before the marker."
            self._problem(event.index, column, f"`{marker}` stands in the raw HTML of `<{tag}>` of line {number}", hint)
        elif event.literal:
            hint = "Indent it less, or show it in a fence."
            self._problem(event.index, column, f"`{marker}` stands in indented code, which is shown as it is", hint)
        elif any(len(part) % 4 for part in _indents(event.prefix)):
            hint = "Indent it and its region by 4 blanks for each list, admonition or tab around it, else not at all."
            self._problem(event.index, column, f"`{marker}` is indented by {indent_of(event.prefix)} blanks", hint)

    def _opening(self, event: Prose, start: int, marker: Marker) -> None:
        line = self.lines[event.index]
        opened = _Open(marker, Span(line.path, line.number, start + 1), event.index, _wide(event.prefix))
        if self._open is None:
            self._open, self._seen, self._left = opened, not event.blank, False
            return
        self._nested.append(opened)
        outer = self._open
        what = f"`{marker}` stands inside the `{outer.marker}` of line {outer.span.line}"
        hint = f"Close that one first with `{Marker(outer.marker.depth, closing=True)}`: depths do not nest."
        self._problem(event.index, start + 1, what, hint)

    def _close(self, event: Prose, start: int, marker: Marker) -> None:
        if self._nested and (self._nested[-1].marker.depth == marker.depth):
            self._nested.pop()
            return
        if self._open is None:
            hint = f"Add `{Marker(marker.depth, closing=False)}` where that reading begins, or take this line out."
            self._problem(event.index, start + 1, f"`{marker}` closes nothing", hint)
            return
        opened, self._open = self._open, None
        self._nested.clear()
        if opened.marker.depth != marker.depth:
            what = f"`{marker}` closes the `{opened.marker}` of line {opened.span.line}"
            self._problem(event.index, start + 1, what, f"Write `{Marker(opened.marker.depth, closing=True)}`.")
        elif _indents(opened.prefix) != _indents(event.prefix) or opened.prefix.count(">") != event.prefix.count(">"):
            what = f"`{marker}` is not indented as the `{opened.marker}` of line {opened.span.line} is"
            self._problem(event.index, start + 1, what, "Put both in the same column, behind the same quote signs.")
        if not self._seen and not opened.guessed:  # one report for a marker gone wrong
            hint = f"Write what a reader at {opened.marker.depth} sees, or take both markers out."
            self.problems.append(Problem(opened.span, f"the region of `{opened.marker}` is empty", hint))
        prefix = self.lines[opened.index].text[: opened.span.column - 1]
        self.found.append(Region(opened.marker.depth, opened.span, opened.index, event.index, prefix))

    def _check_loose(self, event: Prose, names: Sequence[str]) -> bool:
        """Report a line that is a marker but for its dashes: `<! -- DEEP -->`, `<!– DEEP –>`."""
        loose = _LOOSE.match(event.text) if "<" in event.text and len(event.text) < _LONGEST else None
        near = _nearest(loose[1], names) if loose else None
        if loose and near:
            self._problem(event.index, loose.start(1) + 1, f"`{loose[1]}` is no marker", f"Did you mean `{near}`?")
            return self._guess(event, loose.start(1), loose.end(1), near)
        return False

    def _check_inside(self, first: int, last: int) -> None:
        """Report the first line of a region that stands left of its marker, where the tab would end early."""
        if self._open is None or self._left or not self._open.prefix:
            return
        for index in range(first, last + 1):
            text = self.lines[index].text
            if strip_prefix(text, self._open.prefix) is None and (text.strip() or ">" in self._open.prefix):
                begun = f"`{self._open.marker}` of line {self._open.span.line}"
                what = f"this line stands left of the region that {begun} begins"
                hint = "Give it the indentation and quote signs of the marker, or close the region before it."
                self._problem(index, 1, what, hint)
                # One report for each region: the lines behind it share the fault.
                self._left = True
                return


def _wide(prefix: str) -> str:
    return prefix.expandtabs(4)


def _indents(prefix: str) -> list[str]:
    """The indentation before the first quote sign and behind the last one, without the blank that belongs to it."""
    before, sign, after = _wide(prefix).partition(">")
    return [before, " " * indent_of(prefix)] if sign else [before + after]


def tab_sets(lines: Sequence[Line], regions: Sequence[Region]) -> tuple[tuple[Region, ...], ...]:
    """The regions, grouped: different depths behind the same prefix with only blank lines between share their tabs."""
    sets: list[list[Region]] = []
    for region in regions:
        last = sets[-1][-1] if sets else None
        signs = " \t>" if ">" in region.prefix else " \t"
        if (
            last
            and _wide(last.prefix) == _wide(region.prefix)
            and all(not lines[index].text.strip(signs) for index in range(last.last + 1, region.first))
            and region.depth not in {each.depth for each in sets[-1]}
        ):
            sets[-1].append(region)
        else:
            sets.append([region])
    return tuple(map(tuple, sets))
