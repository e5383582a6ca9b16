"""What a cell is declared to print, compared with what it printed; and the declaration, brought up to date.

Three ways to compare: exactly, without white space, and `close`. There numbers are compared as numbers and the rest as
text, line by line. How much white space stands somewhere does not count, as columns grow with their numbers. `…` stands
for anything within its line, behind digits for more digits; alone on a line, for any number of lines.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Sequence

from ..errors import Problem
from ..model import Cell, CellResult, Expected, Tolerance

_NUMBER = r"[-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]*)?|[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_TOKEN = re.compile(rf"(?P<number>{_NUMBER})|(?P<space>\s+)|(?P<other>.)")
_FENCE = re.compile(r"(.*?)(`{3,}|~{3,})")
_ANYTHING = "…"


def unexpected(cell: Cell, results: Sequence[CellResult]) -> Problem | None:
    """What is wrong where a cell did not print what it is declared to print.

    Args:
        cell: The cell.
        results: Those of its path.
    """
    joined = _joined(cell, results)
    if cell.expected is None or not joined:
        return None
    got = "".join(map(printed, joined))
    if agrees(cell.expected, got):
        return None
    where = f"the cell at line {cell.span.line} does" if len(joined) == 1 else f"the {len(joined)} cells up to here do"
    what = f"{where} not print what this block expects"
    return Problem(cell.expected.span, what, "Mend the code or the block.", detail=_difference(cell.expected, got))


def output(cell: Cell, results: Sequence[CellResult]) -> str | None:
    """What a cell's declaration should say, by the results of a path; None where that is not known."""
    joined = _joined(cell, results)
    return "".join(map(printed, joined)) if joined else None


def _joined(cell: Cell, results: Sequence[CellResult]) -> list[CellResult]:
    """The results of the cells whose output a cell declares; none where one of them failed or did not run."""
    since = cell.number if cell.expected is None or cell.expected.since is None else cell.expected.since
    joined = [result for result in results if since <= result.number <= cell.number]
    return [] if any(result.failure or result.blocked_by is not None for result in joined) else joined


def printed(result: CellResult) -> str:
    """What a cell wrote to standard output."""
    return "".join(output["text"] for output in result.outputs if output.get("name") == "stdout")


def agrees(expected: Expected, got: str) -> bool:
    """Whether a text is what a declaration says."""
    tolerance = expected.tolerance
    if tolerance:
        return _agree(_lines(expected.text), _lines(got), lambda want, line: _close(want, line, tolerance))
    if expected.ignore_whitespace:
        return "".join(expected.text.split()) == "".join(got.split())
    return expected.text == got


def rewritten(lines: Sequence[str], cell: Cell, got: str) -> list[str]:
    """The lines of a file with a cell's declared output brought up to date, and nothing else changed.

    Args:
        lines: The lines of the file in which the declaration stands, each with its line ending.
        cell: The cell; one without a declaration, or whose declaration another file is included for, changes nothing.
        got: What it printed.
    """
    expected = cell.expected
    if expected is None or agrees(expected, got):
        return list(lines)
    first = expected.span.line - 1
    last = first + 1 + expected.text.count("\n")
    opening, closing = (_FENCE.match(line) if (line := "".join(lines[at : at + 1])) else None for at in (first, last))
    if not opening or not closing:
        return list(lines)
    end = lines[first][len(lines[first].rstrip("\r\n")) :]
    prefix, run = closing[1], opening[2]
    # The output may hold what would end the fence.
    inner = (len(found) for found in re.findall(rf"^[ \t]*({run[0]}{{3,}})", got, re.MULTILINE))
    longer = run[0] * max(max(inner, default=0) + 1 - len(run), 0)
    return [
        *lines[:first],
        lines[first][: opening.end()] + longer + lines[first][opening.end() :],
        *((prefix + text if text else prefix.rstrip(" \t")) + end for text in _renewed(expected, got)),
        lines[last][: closing.end()] + longer + lines[last][closing.end() :],
        *lines[last + 1 :],
    ]


def _renewed(expected: Expected, got: str) -> list[str]:
    """The lines of a declaration that holds again; those that held stay, with their `…`."""
    want, new = _lines(expected.text), _lines(got)
    if expected.tolerance is None or len(want) != len(new):
        return new
    return [old if _close(old, line, expected.tolerance) else line for old, line in zip(want, new, strict=True)]


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _difference(expected: Expected, got: str) -> str:
    want, new = _lines(expected.text), _lines(got)
    if expected.tolerance and len(want) == len(new):
        # What agrees is no difference, though it reads otherwise.
        pairs = zip(want, new, strict=True)
        want = [line if _close(old, line, expected.tolerance) else old for old, line in pairs]
    if want == new:
        return "The end of the last line differs."
    return "\n".join(difflib.unified_diff(want, new, "expected", "printed", lineterm=""))


def _close(want: str, got: str, tolerance: Tolerance) -> bool:
    """Whether a line is what another says, which may hold `…`."""
    return _agree(_tokens(want), _tokens(got), lambda one, other: _same(one, other, tolerance))


def _tokens(line: str) -> list[str]:
    """A line's numbers, and the rest character by character; white space only where it parts words."""
    tokens: list[str] = []
    matches = list(_TOKEN.finditer(line.strip()))
    for at, match in enumerate(matches):
        around = [matches[near] for near in (at - 1, at + 1) if 0 <= near < len(matches)]
        if match["space"]:
            tokens += [] if any(near["number"] or near[0] == _ANYTHING for near in around) else [" "]
            continue
        if match[0] == _ANYTHING and at and matches[at - 1]["number"]:
            tokens[-1] += _ANYTHING
        tokens.append(match[0])
    return tokens


def _same(want: str, got: str, tolerance: Tolerance) -> bool:
    """Whether a token is what another says: a number, digits that go on, or a character."""
    if want.endswith(_ANYTHING):
        return got.startswith(want[:-1])
    if not re.fullmatch(_NUMBER, want) or not re.fullmatch(_NUMBER, got):
        return want == got
    one, other = (float(number.replace(",", "")) for number in (want, got))
    return math.isclose(one, other, rel_tol=tolerance.relative, abs_tol=tolerance.absolute)


def _agree(pattern: Sequence[str], items: Sequence[str], same: Callable[[str, str], bool]) -> bool:
    """Whether items are what a pattern says, in which `…` stands for any number of them."""
    at = done = 0
    again: tuple[int, int] | None = None
    while done < len(items):
        if at < len(pattern) and pattern[at].strip() == _ANYTHING:
            at, again = at + 1, (at + 1, done)
        elif at < len(pattern) and same(pattern[at], items[done]):
            at, done = at + 1, done + 1
        elif again:
            # The last `…` stands for one more.
            at, done = again[0], again[1] + 1
            again = (at, done)
        else:
            return False
    return all(rest.strip() == _ANYTHING for rest in pattern[at:])
