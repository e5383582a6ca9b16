"""Text that was decoded wrongly on its way into the file: found, and repaired exactly.

Two ways of damage: UTF-8 read as Mac Roman, tried here, and the rest, for which `ftfy` has the heuristics. `ftfy` is
imported only for a line that could be damaged. What is legitimate in any language stays unsaid.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from ..errors import Fix, Problem
from ..model import Line, Span


def _roman(first: int, last: int) -> str:
    """A character class of the bytes from `first` to `last`, read as Mac Roman."""
    return "[" + re.escape(bytes(range(first, last + 1)).decode("mac_roman")) + "]"


# Sequences of three and four bytes only. A pair may be meant: `√π`, or a quotation mark before an accented letter.
_TAIL = _roman(0x80, 0xBF)
_MAC = re.compile(f"(?:{_roman(0xE1, 0xEF)}{_TAIL}{{2}}|{_roman(0xF0, 0xF4)}{_TAIL}{{3}})+")
# Pairs that are worth asking `ftfy`: a leading byte and a following one, read as Windows-1252, Latin-1 or Mac Roman.
_WINDOWS = re.escape(bytes(range(0x80, 0xC0)).decode("cp1252", "ignore"))
_TWO = re.compile(f"[\u00c2-\u00f4][\u0080-\u00bf{_WINDOWS}]|[√¬]{_TAIL}")
_WORD = re.compile(r"[^ \t]*[^\x00-\x7f][^ \t]*")
_SHOWN = frozenset({"So", "Sk", "Sm", "Sc", "Po", "Pd", "Pi", "Pf", "Ps", "Pe", "Lo", "Lu", "Ll", "Mn", "Cf", "Zs"})


def problems(line: Line, text: str) -> Iterator[Problem]:
    """A warning for each damaged place of a line.

    Args:
        line: The line.
        text: Its text without inline code and comments, column by column.
    """
    if text.isascii():
        return
    for column, damaged, repair in damages(text):
        what = f"the text `{damaged}` was decoded wrongly"
        span, fix = Span(line.path, line.number, column + 1), Fix(damaged, repair)
        yield Problem(span, what, f"Write `{repair}`.", severity="warning", rule="mojibake", fix=fix)


def damages(text: str) -> Sequence[tuple[int, str, str]]:
    """The damaged places of a text: where, what stands there, and what was meant."""
    found = [(match.start(), match[0], repair) for match in _MAC.finditer(text) if (repair := _unroman(match[0]))]
    masked = _MAC.sub(lambda match: "x" * len(match[0]) if _unroman(match[0]) else match[0], text)
    if _TWO.search(masked):
        import ftfy  # heavy, and hardly ever needed

        for match in _WORD.finditer(masked):
            repair = ftfy.fix_encoding(match[0])
            if repair != match[0] and not _mixed(repair):
                found.append((match.start(), match[0], repair))
    return sorted(found)


def _mixed(word: str) -> bool:
    """Whether a word mixes alphabets, so that the letters it was made from were meant."""
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in word if char.isalpha()}
    return "LATIN" in scripts and not scripts.isdisjoint({"CYRILLIC", "GREEK", "ARMENIAN", "HEBREW", "ARABIC"})


def _unroman(text: str) -> str:
    """What was meant by UTF-8 read as Mac Roman; empty where that gives no sensible text."""
    try:
        repair = text.encode("mac_roman").decode("utf-8")
    except UnicodeError:
        return ""
    # A single letter may be chance: `Ááá!` would be a Chinese one.
    sure = len(repair) > 1 or not repair.isalpha()
    return repair if sure and all(unicodedata.category(char) in _SHOWN for char in repair) else ""
