"""How long it takes to read a chapter at one of its depths.

Prose is read at 200 words a minute: adults read English texts silently at 238 on average (Brysbaert 2019, 190
studies), and prose with formulas and tables between it is read with more care than those. Code is read line by line, at
15 lines a minute: 4 seconds each, about what a line of prose takes twice. Both are round numbers, for a promise in
whole minutes. A formula counts as a word, however long its LaTeX is. What a reader does not see, or sees folded, counts
nothing, and neither do outputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Cell, Chapter
from .formulas import FORMULA

WORDS_A_MINUTE = 200
LINES_A_MINUTE = 15
_WORD = re.compile(r"\w[\w'’-]*")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FOLD = re.compile(r"\?\?\?(?!\+)")


def by_depth(chapter: Chapter) -> dict[str, float]:
    """The minutes that each depth takes, shared parts included."""
    return {depth.name: words(chapter, depth.name) / WORDS_A_MINUTE + lines(chapter, depth.name) / LINES_A_MINUTE
            for depth in chapter.depths}  # fmt: skip


def words(chapter: Chapter, depth: str) -> int:
    """The words of prose that a reader at a depth meets."""
    spans = [(cell.first, cell.last) for cell in chapter.cells] + [(each.first, each.last) for each in chapter.others]
    spans += [(region.first, region.last) for region in chapter.regions if region.depth != depth]
    hidden = {index for first, last in spans for index in range(first, last + 1)} | set(_folded(chapter))
    own = (chapter.lines[index].text for index in range(chapter.body, len(chapter.lines)) if index not in hidden)
    return len(_WORD.findall(FORMULA.sub(" x ", _COMMENT.sub("", "\n".join(own)))))


def lines(chapter: Chapter, depth: str) -> int:
    """The lines of code that a reader at a depth sees, blank ones left out."""
    folded = set(_folded(chapter))
    shown = (cell for cell in chapter.cells if cell.depth in {None, depth} and cell.first not in folded)
    return sum(1 for cell in shown if _seen(cell) for _ in _written(cell))


def _folded(chapter: Chapter) -> Iterator[int]:
    """The positions of lines inside `??? question` and the like: answers and solutions, for who asks for them."""
    inside = False
    for index in range(chapter.body, len(chapter.lines)):
        text = chapter.lines[index].text
        if _FOLD.match(text):
            inside = True
        elif inside and text.strip() and not text.startswith("    "):
            inside = False
        elif inside:
            yield index


def _seen(cell: Cell) -> bool:
    return not cell.options.setup and cell.options.hide not in {"code", "all"}


def _written(cell: Cell) -> Iterator[str]:
    return (line for line in cell.source.split("\n") if line.strip())
