"""Compares two runs of the same cells: a stored one with a fresh one, or two fresh ones."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import Problem
from ..model import Artifact, Cell, CellResult, Chapter, Run, Span
from .report import Runs

_FRACTION = re.compile(r"-?\d+\.\d+(?:[eE][-+]?\d+)?|-?\d+[eE][-+]?\d+")
_TOLERANCE = 1e-6
"""Relative difference that another processor may make in what is not rounded."""
_ARTIFACT = "the artifact "
_HINT = "Seed what is random, sort what is a set, and print no addresses or times"
Same = Callable[[Any, Any], bool]


def audit(chapters: Sequence[Chapter], stored: Mapping[str, Runs], fresh: Mapping[str, Runs]) -> list[Problem]:
    """Cells and artifacts whose stored results are not what they yield now.

    The store may come from another machine: numbers with a fraction may differ in their last digit, and an artifact,
    whose bytes say nothing about digits, that differs is but a warning.
    """
    found = _differences(chapters, stored, fresh, "is stored with another {} than it has when run anew", nearly)
    return [replace(item, severity="warning") if item.what.startswith(_ARTIFACT) else item for item in found]


def twice(chapters: Sequence[Chapter], first: Mapping[str, Runs], second: Mapping[str, Runs]) -> list[Problem]:
    """Cells and artifacts that differ from one run to the next."""
    return _differences(chapters, first, second, "has another {} in each run", lambda one, other: bool(one == other))


def nearly(one: Any, other: Any) -> bool:
    """Whether two outputs, or parts of them, differ in nothing but the last digits of numbers with a fraction."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(nearly(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(nearly, one, other))
    if isinstance(one, str) and isinstance(other, str):
        numbers = zip(_FRACTION.findall(one), _FRACTION.findall(other), strict=False)
        return _FRACTION.split(one) == _FRACTION.split(other) and all(_close(*pair) for pair in numbers)
    return bool(one == other)


def _close(one: str, other: str) -> bool:
    """Whether two numbers differ by one in the last digit shown, or by a rounding error."""
    if one == other:
        return True
    difference = abs(float(one) - float(other))
    if not math.isfinite(difference):
        return False
    largest = max(abs(float(one)), abs(float(other)))
    # A little more than one digit: the difference itself is rounded.
    return difference <= max(1.01 * min(map(_last_digit, (one, other))), _TOLERANCE * largest)


def _last_digit(number: str) -> float:
    """What one in the last digit of a number is worth."""
    mantissa, _, exponent = number.lower().partition("e")
    return float(f"1e{int(exponent or 0) - len(mantissa.partition('.')[2])}")


def _differences(
    chapters: Sequence[Chapter], before: Mapping[str, Runs], after: Mapping[str, Runs], how: str, same: Same
) -> list[Problem]:
    """A problem for each cell and each artifact that differs; what is missing in `before` is not compared."""
    found: dict[Problem, None] = {}
    for chapter in chapters:
        for depth, run in before.get(chapter.path, {}).items():
            other = after[chapter.path][depth]
            pairs = zip(run.results, other.results, strict=True)
            cells = [item for pair in pairs for item in _difference(chapter.cells[pair[0].number], *pair, how, same)]
            # Where outputs differ, it is no news that what was published does.
            found |= dict.fromkeys(cells or _artifacts(chapter, run, other, how))
    return list(found)


def _difference(cell: Cell, before: CellResult, after: CellResult, how: str, same: Same) -> Iterator[Problem]:
    if not same(before.outputs, after.outputs):
        lines = difflib.unified_diff(_lines(before), _lines(after), "before", "after", lineterm="", n=1)
        detail = "\n".join(line[:200] for line in list(lines)[:20])
        yield Problem(cell.span, f"this cell {how.format('output')}", _HINT + ".", detail=detail)


def _artifacts(chapter: Chapter, before: Run, after: Run, how: str) -> Iterator[Problem]:
    one, two = (_digests(run.artifacts) for run in (before, after))
    for name in sorted({**one, **two}):
        if one.get(name) != two.get(name):
            what = f"{_ARTIFACT}`{name}` {how.format('content')}"
            yield Problem(Span(chapter.path, 1), what, _HINT + ", in what leads to it.")


def _digests(artifacts: Sequence[Artifact]) -> dict[str, str]:
    return {artifact.name: artifact.digest for artifact in artifacts}


def _lines(result: CellResult) -> list[str]:
    """The outputs as lines that a person can compare."""
    lines = []
    for output in result.outputs:
        data = output.get("data", {})
        text = output.get("text") or data.get("text/plain") or json.dumps(output, sort_keys=True)
        lines += str(text).splitlines()
        lines += [f"{mime}: {_digest(value)}" for mime, value in data.items() if mime != "text/plain"]
    return lines


def _digest(value: object) -> str:
    """A short name for a value that is too long to print."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:12]
