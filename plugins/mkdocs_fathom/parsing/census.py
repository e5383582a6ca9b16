"""The census: an independent count of the fences, which must agree with what was run.

`count` shares no code with the parser, on purpose, and is short enough to be trusted by reading it. It knows one rule
for each way in which text is hidden: a fence ends at a bare run of its own character, at least as long and in the same
column; a comment that begins a line ends at `-->`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..errors import Problem
from ..model import Chapter, Run, Span

_PYTHON = ("python", "python3", "py", "py3")
_LEAD = re.compile(r"(?:[ \t>]|[-*+](?=[ \t])|[0-9]{1,9}[.)](?=[ \t]))*")


def count(lines: Iterable[str]) -> Counter[str]:
    """How many fences there are, by language in lower case; '' where a fence names none."""
    return Counter(language for _, language in _openings(lines))


def _openings(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Position and language of each fence."""
    fence: tuple[str, int, str] | None = None
    comment = False
    for index, line in enumerate(lines):
        lead = _LEAD.match(line)
        text = line[lead.end() if lead else 0 :]
        before = re.sub("[^ >]", " ", line[: len(line) - len(text)].expandtabs(4))
        if fence:
            char, length, column = fence
            bare = text.rstrip(" \t")
            if bare and set(bare) == {char} and len(bare) >= length and before == column:
                fence = None
        elif comment:
            comment = "-->" not in line
        elif text.startswith("<!--"):
            comment = "-->" not in text[2:]
        elif text.startswith(("```", "~~~")):
            info = text.lstrip(text[0])
            if text[0] == "~" or "`" not in info:
                fence = (text[0], len(text) - len(info), before)
                words = re.findall(r"[^\s{}]+", info.strip()[:1000])
                yield index, words[0].lstrip(".").lower() if words else ""
    # A fence that never closes is the parser's to report.


@dataclass(frozen=True, slots=True)
class Census:
    """What became of a chapter's fences."""

    counted: int
    """Fences of Python, as `count` finds them."""
    executed: int
    """Cells that ran on at least one path."""
    exempt: int
    """Fences of Python that do not run and say why: exempt cells, and declared outputs written as Python."""
    others: Mapping[str, int]
    """Fences of other languages, as `count` finds them."""
    blocked: int = 0
    """Cells that did not run because an earlier one failed."""


def take(chapter: Chapter, runs: Mapping[str, Run]) -> Census:
    """Count the fences of a chapter, and what its runs did with them."""
    counted = count(line.text for line in chapter.lines[chapter.body :])
    results = [result for run in runs.values() for result in run.results]
    executed = {result.number for result in results if result.blocked_by is None}
    blocked = {result.number for result in results} - executed
    declared = sum(fence.language in _PYTHON for fence in chapter.others)
    return Census(
        counted=sum(counted[name] for name in _PYTHON),
        executed=len(executed),
        exempt=sum(not cell.runs for cell in chapter.cells) + declared,
        others={name: number for name, number in sorted(counted.items()) if name not in _PYTHON},
        blocked=len(blocked),
    )


def problems(chapter: Chapter, runs: Mapping[str, Run]) -> tuple[Problem, ...]:
    """An error where a fence of Python was neither run nor exempt, nor blocked by a failure that is reported itself."""
    census = take(chapter, runs)
    if census.executed + census.blocked + census.exempt == census.counted:
        return ()
    done = {result.number for run in runs.values() for result in run.results}
    known = {cell.first for cell in chapter.cells if not cell.runs or cell.number in done}
    known |= {fence.first for fence in chapter.others}
    openings = _openings(line.text for line in chapter.lines[chapter.body :])
    python = (chapter.body + index for index, name in openings if name in _PYTHON)
    line = next((chapter.lines[index] for index in python if index not in known), None)
    span = Span(line.path, line.number) if line else Span(chapter.path, 1)
    what = f"of {census.counted} fences of Python, {census.executed} ran and {census.exempt} are exempt"
    hint = "This fence was passed over." if line else "More ran than there are."
    return (Problem(span, what, f"{hint} That is a fault of Fathom: please report it with this chapter."),)


def lost_in_notebook(text: str, chapter: Chapter) -> tuple[Problem, ...]:
    """An error where a notebook has other code cells than those of its chapter; cells without code do not count.

    Args:
        text: The notebook's text, which is read as plain JSON.
        chapter: What was made of it.
    """
    cells = json.loads(text)["cells"]
    counted = sum(cell["cell_type"] == "code" and bool("".join(cell["source"]).strip()) for cell in cells)
    written = text.split("\n")
    found = sum('"source"' in written[cell.span.line - 1] for cell in chapter.cells if cell.span.path == chapter.path)
    if found == counted:
        return ()
    what = f"of {counted} code cells, {found} were found"
    return (Problem(Span(chapter.path, 1), what, "That is a fault of Fathom: please report it with this notebook."),)
