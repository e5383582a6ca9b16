"""Compares two runs of the same cells: a stored one with a fresh one, or two fresh ones."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from .cache import Store
from .config import Config
from .errors import Problem
from .model import Cell, CellResult, Chapter
from .schedule import Report, Runs, stored


def audit(chapters: Sequence[Chapter], store: Store, fresh: Report, config: Config) -> list[Problem]:
    """Cells whose stored results are not what they yield now; chapters of which nothing is stored are left out."""
    kept = stored(chapters, config, store)
    return differences(chapters, kept, fresh.runs, "is stored with another output than it has when run anew")


def differences(
    chapters: Sequence[Chapter], before: Mapping[str, Runs], after: Mapping[str, Runs], how: str
) -> list[Problem]:
    """A problem for each cell whose outputs differ.

    Args:
        chapters: The chapters.
        before: Runs by chapter and depth; those that are missing are not compared.
        after: Runs to compare them with.
        how: Completes the sentence that begins with "this cell".
    """
    found: dict[Problem, None] = {}
    for chapter in chapters:
        for depth, run in before.get(chapter.path, {}).items():
            other = {result.number: result for result in after[chapter.path][depth].results}
            for result in run.results:
                cell = chapter.cells[result.number]
                for problem in _difference(cell, result, other[result.number], how):
                    found[problem] = None
    return list(found)


def _difference(cell: Cell, before: CellResult, after: CellResult, how: str) -> Iterator[Problem]:
    if before.outputs != after.outputs:
        lines = difflib.unified_diff(_lines(before), _lines(after), "before", "after", lineterm="", n=1)
        detail = "\n".join(line[:200] for line in list(lines)[:20])
        hint = "Seed what is random, sort what is a set, and print no addresses or times; or run `fathom run --fresh`."
        yield Problem(cell.span, f"this cell {how}", hint, detail=detail)


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
