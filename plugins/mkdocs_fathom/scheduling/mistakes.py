"""What is wrong with a chapter, sorted by the place on its page where it is to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from types import MappingProxyType

from ..config import Config
from ..errors import Problem
from ..model import Cell, CellResult, Chapter, Failure
from ..running.failures import problem
from ..store.cache import Store
from ..store.keys import components
from .report import Runs, problems_of

_CELL = "cell "
"""What the names of cells begin with, among the components of a key."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a cell on one path."""

    problems: tuple[Problem, ...] = ()
    """Problems of its own."""
    blocked: str = ""
    """Why it did not run though nothing is wrong with it; empty where it ran."""
    before: CellResult | None = None
    """What it gave when its chapter last ran well; None where it ran well now, or nothing is known."""
    changed: bool = False
    """Whether its code was other code then."""


Troubles = Mapping[int, Mapping[str, Trouble]]
"""What is wrong with cells, by number and depth."""
NONE: Troubles = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is wrong with a chapter."""

    page: tuple[Problem, ...]
    """What concerns none of its cells."""
    cells: Troubles = field(default_factory=dict)
    """What concerns its cells."""
    readable: bool = True
    """Whether its depths and cells are known, so that the page can have its form."""


def find(chapter: Chapter, runs: Runs, errors: Sequence[Problem], config: Config, store: Store) -> Mistakes:
    """Sort what is wrong with a chapter.

    Args:
        chapter: The chapter, as far as it could be read.
        runs: Its runs by depth.
        errors: Why it was not run; empty where it was.
        config: The site's options.
        store: Where earlier results are.
    """
    if errors:
        placed = _placed(chapter, errors)
        own = {number: dict.fromkeys(runs, found) for number, found in placed.items() if number is not None}
        reason = f"Not run: line {errors[0].span.line} of `{errors[0].span.path}` has an error."
    else:
        own, told = _failures(chapter, runs)
        placed = _placed(chapter, [each for each in problems_of(chapter, runs) if each not in told])
        for number, found in placed.items():
            if number is not None:
                for depth in runs:
                    own.setdefault(number, {}).setdefault(depth, []).extend(found)
        reason = ""
    cells: dict[int, dict[str, Trouble]] = {}
    for depth, run in runs.items():
        before = _before(chapter, depth, config, store)
        for result in run.results:
            problems = tuple(own.get(result.number, {}).get(depth, ()))
            blocked = "" if problems else reason or _blame(chapter, result)
            lost = bool(errors) or result.failure is not None or result.blocked_by is not None
            if problems or blocked:
                last, changed = before.get(result.number, (None, False)) if lost else (None, False)
                cells.setdefault(result.number, {})[depth] = Trouble(problems, blocked, last, changed)
    elsewhere = tuple(placed.get(None, ()))
    return Mistakes(elsewhere, cells, readable=not (errors and elsewhere))


def _blame(chapter: Chapter, result: CellResult) -> str:
    """Why a cell did not run; empty where it did."""
    if result.blocked_by is None:
        return ""
    return f"Not run: the cell at line {chapter.cells[result.blocked_by].span.line} failed."


def _failures(chapter: Chapter, runs: Runs) -> tuple[dict[int, dict[str, list[Problem]]], set[Problem]]:
    """The problems of cells that failed, by number and depth; an error may be raised far from its cell."""
    depths: dict[Failure, list[tuple[int, str]]] = {}
    for depth, run in runs.items():
        for result in run.results:
            if result.failure:
                depths.setdefault(result.failure, []).append((result.number, depth))
    found: dict[int, dict[str, list[Problem]]] = {}
    told = set()
    for failure, places in depths.items():
        one = problem(failure, [depth for _, depth in places], len(chapter.depths))
        told.add(one)
        for number, depth in places:
            found.setdefault(number, {}).setdefault(depth, []).append(one)
    return found, told


def _placed(chapter: Chapter, problems: Sequence[Problem]) -> dict[int | None, list[Problem]]:
    """Problems by the number of the cell that each stands in; None: in no cell that runs."""
    found: dict[int | None, list[Problem]] = {}
    for each in problems:
        place = (each.span.path, each.span.line)
        cells = (cell for cell in chapter.cells if cell.runs and place in _places(chapter, cell))
        found.setdefault(next((cell.number for cell in cells), None), []).append(each)
    return found


def _places(chapter: Chapter, cell: Cell) -> Iterator[tuple[str, int]]:
    """The places of a cell's lines, its fences and what it is declared to print included."""
    if cell.expected:
        yield cell.expected.span.path, cell.expected.span.line
    for line in chapter.lines[cell.first : cell.last + 1]:
        yield line.path, line.number


def _before(chapter: Chapter, depth: str, config: Config, store: Store) -> dict[int, tuple[CellResult, bool]]:
    """What the cells of a path gave when it last ran well, by the numbers that they have now; and if with other code.

    Cells are matched as `diff` matches lines: a changed one is the one that stood in its place.
    """
    latest = store.latest(chapter.path, depth)
    if latest is None or latest[1] is None:
        return {}
    then, now = (_cells(parts) for parts in (latest[0], components(chapter, depth, config)))
    results = {result.number: result for result in latest[1].results}
    matched: dict[int, tuple[CellResult, bool]] = {}
    matcher = SequenceMatcher(None, [state for _, state in then], [state for _, state in now], autojunk=False)
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        pairs = zip(then[i:i_end], now[j:j_end], strict=False)
        matched |= {
            # A state is a digest of the code and one of its options.
            new: (results[old], was.partition("-")[0] != state.partition("-")[0])
            for (old, was), (new, state) in pairs
            if old in results
        }
    return matched


def _cells(parts: Mapping[str, str]) -> list[tuple[int, str]]:
    """The numbers and states of a path's cells."""
    return [(int(name[len(_CELL) :]) - 1, state) for name, state in parts.items() if name.startswith(_CELL)]
