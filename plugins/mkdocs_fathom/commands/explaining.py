"""What would run, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..model import JSON, Cell, Chapter
from ..scheduling.report import counted
from ..store.keys import Reason

Reasons = Mapping[str, tuple[Reason, ...]]
"""Why the paths of a chapter would run, by depth."""
_STATES = ("would run", "may run", "stored", "exempt")
_MANY = 3
"""How many names or lines a sentence bears."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a cell, for some depths."""

    cell: Cell
    """The cell."""
    depths: tuple[str, ...]
    """The depths for which it is the same."""
    why: tuple[Reason, ...]
    """Why it would run; empty where it would not."""

    @property
    def state(self) -> str:
        """Whether it would run."""
        if not self.cell.runs:
            return "exempt"
        if self.why and all(reason.kind == "chapter" for reason in self.why):
            return "may run"  # what the other chapter publishes may turn out to be the same
        return "would run" if self.why else "stored"


def answers(chapter: Chapter, reasons: Reasons) -> list[Answer]:
    """What becomes of each cell: once for each group of depths for which it is the same."""
    found = []
    for cell in chapter.cells:
        groups: dict[tuple[Reason, ...], list[str]] = {}
        for depth, why in reasons.items():
            if cell.depth in {None, depth}:
                groups.setdefault(why if cell.runs else (), []).append(depth)
        found += [Answer(cell, tuple(depths), why) for why, depths in groups.items()]
    return found


def data(chapter: Chapter, answer: Answer) -> JSON:
    """An answer for a machine."""
    return {
        "path": answer.cell.span.path,
        "line": answer.cell.span.line,
        "depths": list(answer.depths),
        "state": answer.state,
        "reasons": [_words(chapter, reason) for reason in answer.why],
        "exempt": answer.cell.options.reason,
    }


def _words(chapter: Chapter, reason: Reason) -> str:
    """A reason with the line of the cell that it names, which is what an author looks for."""
    line = _line(chapter, reason)
    return f"{reason} (line {line})" if line else str(reason)


def _line(chapter: Chapter, reason: Reason) -> int | None:
    """The line of the cell that a reason names, if it is there."""
    if reason.kind == "cell" and reason.after and reason.name.isdecimal() and int(reason.name) <= len(chapter.cells):
        return chapter.cells[int(reason.name) - 1].span.line
    return None


def sentences(chapter: Chapter, found: Sequence[Answer]) -> Iterator[str]:
    """A line for the chapter, and one for each reason why some of its cells would run."""
    if not found:
        return
    states: dict[int, str] = {}
    for answer in found:
        # A cell that would run for one reader is not stored.
        before = states.get(answer.cell.number, "exempt")
        states[answer.cell.number] = min(before, answer.state, key=_STATES.index)
    counts = Counter(states.values())
    parts = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state])
    yield f"{chapter.path}: {counted(len(states), 'cell')}: {parts}"
    groups: dict[tuple[tuple[str, ...], tuple[Reason, ...]], list[int]] = {}
    for answer in found:
        if answer.why:
            groups.setdefault((answer.depths, answer.why), []).append(answer.cell.span.line)
    for (depths, why), lines in groups.items():
        readers = f" [{', '.join(depths).lower()}]" if len(depths) < len(chapter.depths) else ""
        yield f"  {_lines(lines)}{readers}: {'; '.join(_briefly(chapter, why))}"


def _lines(lines: Sequence[int]) -> str:
    """`line 3`, `lines 3, 8`, or how many from which line on."""
    if len(lines) <= _MANY:
        return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
    return f"{len(lines)} cells, lines {lines[0]} to {lines[-1]}"


def _briefly(chapter: Chapter, why: Sequence[Reason]) -> Iterator[str]:
    """The reasons, cells and files taken together where there are many."""
    for kind in dict.fromkeys(reason.kind for reason in why):
        same = [reason for reason in why if reason.kind == kind]
        if kind == "engine":
            yield "Fathom itself changed"
        elif len(same) <= _MANY or kind not in {"cell", "file"}:
            yield from (_words(chapter, reason) for reason in same)
        elif kind == "cell":
            places = filter(None, (_line(chapter, reason) for reason in same))
            yield f"{len(same)} cells changed (from line {min(places, default=1)} on)"
        else:
            named = ", ".join(f"`{reason.name}`" for reason in same[:2])
            yield f"{named} and {len(same) - 2} more files changed"
