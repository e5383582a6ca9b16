"""Text as a terminal would show it → escaped HTML: colours as classes, progress bars overwritten, nothing raw.

The classes are Jupyter's own (`ansi-red-fg`, `ansi-bold`), so that style sheets written for notebooks apply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape

_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_LEVELS = (0, 95, 135, 175, 215, 255)
_PALETTE = (
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)),
    *((127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255)),
    (255, 255, 255),
)
_ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_ENDS = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",), 29: ("strike",)}
# A control sequence, a terminated operating-system or device string, any other escape; and what moves the cursor. No
# alternative can be tried twice from one place, so that the time stays linear whatever a cell prints.
_CONTROL = re.compile(
    r"(?:\x1b\[|\x9b)(?P<args>[0-?]*)[ -/]*(?P<final>[@-~])?"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\r\b\n]"
)
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class _Style:
    """How a character looks."""

    foreground: str = ""
    """A colour's name; empty: the page's own."""
    background: str = ""
    """A colour's name; empty: none."""
    attributes: frozenset[str] = frozenset()
    """`bold`, `underline` and the like."""

    @property
    def classes(self) -> str:
        """The class attribute's value, the same for the same style; empty where the style is plain."""
        names = [f"{self.foreground}-fg"] * bool(self.foreground) + [f"{self.background}-bg"] * bool(self.background)
        return " ".join(f"ansi-{name}" for name in [*names, *sorted(self.attributes)])


_PLAIN = _Style()


def visible(text: str) -> str:
    """Text in which each character that HTML or a reader cannot bear is replaced by one that can be seen."""
    return _FORBIDDEN.sub(_replacement, text)


def plain(text: str) -> str:
    """What a terminal would show, without colours."""
    return "\n".join("".join(characters) for characters, _ in _screen(text))


def html(text: str) -> str:
    """What a terminal would show, escaped; takes time in proportion to the text."""
    if not _CONTROL.search(text.replace("\n", "")):
        return escape(visible(text))
    return "\n".join("".join(_spans(*line)) for line in _screen(text))


def _replacement(match: re.Match[str]) -> str:
    """The picture of a control character; the replacement character for the rest."""
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def _screen(text: str) -> Iterator[tuple[list[str], list[_Style]]]:
    """The lines that remain in view: their characters and the style of each."""
    characters: list[str] = []
    styles: list[_Style] = []
    cursor, style, start = 0, _PLAIN, 0
    for match in _CONTROL.finditer(text):
        cursor = _write(text[start : match.start()], style, cursor, characters, styles)
        start = match.end()
        if match[0] == "\n":
            yield characters, styles
            characters, styles, cursor = [], [], 0
        elif match[0] == "\r":
            cursor = 0
        elif match[0] == "\b":
            cursor = max(cursor - 1, 0)
        elif match["final"] == "m":
            style = _styled(style, match["args"])
        elif match["final"] == "K":
            _erase(match["args"], cursor, characters, styles)
    _write(text[start:], style, cursor, characters, styles)
    yield characters, styles


def _write(text: str, style: _Style, cursor: int, characters: list[str], styles: list[_Style]) -> int:
    """Put text at the cursor, over what stands there; returns where the cursor is then."""
    end = cursor + len(text)
    characters[cursor:end] = visible(text)
    styles[cursor:end] = [style] * len(text)
    return end


def _erase(which: str, cursor: int, characters: list[str], styles: list[_Style]) -> None:
    """Erase to the end of the line, or (1) its beginning, or (2) both; what is left of the cursor becomes blank."""
    if which in {"1", "2"}:
        count = min(cursor, len(characters))
        characters[:count], styles[:count] = [" "] * count, [_PLAIN] * count
    if which != "1":
        del characters[cursor:], styles[cursor:]


def _styled(style: _Style, arguments: str) -> _Style:
    """The style after a Select Graphic Rendition sequence; what it does not know it leaves."""
    codes = iter([int(part) if part.isdecimal() and len(part) < 4 else 0 for part in re.split("[;:]", arguments)])
    for code in codes:
        if code == 0:
            style = _PLAIN
        elif code in _ATTRIBUTES:
            style = replace(style, attributes=style.attributes | {_ATTRIBUTES[code]})
        elif code in _ENDS:
            style = replace(style, attributes=style.attributes - set(_ENDS[code]))
        elif code in (38, 48):
            name = _extended(codes)
            style = replace(style, foreground=name) if code == 38 else replace(style, background=name)
        elif 30 <= code <= 39 or 90 <= code <= 97:
            style = replace(style, foreground=_basic(code % 10, intense=code >= 90))
        elif 40 <= code <= 49 or 100 <= code <= 107:
            style = replace(style, background=_basic(code % 10, intense=code >= 100))
    return style


def _basic(index: int, *, intense: bool) -> str:
    return _NAMES[index] + ("-intense" if intense else "") if index < 8 else ""


def _extended(codes: Iterator[int]) -> str:
    """The nearest of the sixteen colours to one of 256 or of 16 million: classes have no more names."""
    kind = next(codes, 0)
    if kind == 5:
        number = next(codes, 0)
        if number < 16:
            return _basic(number % 8, intense=number >= 8)
        cube = number - 16
        grey = 8 + 10 * (number - 232)
        levels = (cube // 36 % 6, cube // 6 % 6, cube % 6)
        wanted = (grey, grey, grey) if number >= 232 else tuple(_LEVELS[level] for level in levels)
    elif kind == 2:
        wanted = (next(codes, 0), next(codes, 0), next(codes, 0))
    else:
        return ""
    distances = [sum((a - b) ** 2 for a, b in zip(wanted, colour, strict=True)) for colour in _PALETTE]
    nearest = distances.index(min(distances))
    return _basic(nearest % 8, intense=nearest >= 8)


def _spans(characters: list[str], styles: list[_Style]) -> Iterator[str]:
    """A line as HTML: one element for each run of characters of one style."""
    start = 0
    for end in range(1, len(characters) + 1):
        if end < len(characters) and styles[end] is styles[start]:
            continue
        text = escape("".join(characters[start:end]))
        classes = styles[start].classes
        yield f'<span class="{classes}">{text}</span>' if classes else text
        start = end
