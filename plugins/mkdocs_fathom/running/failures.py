"""Why a cell failed, in words for its author: what happened, at which line, and what to do."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..config import Config
from ..errors import Problem
from ..model import JSON, Cell, Chapter, Failure, Span
from . import advice

_SIGKILL = 9
_LONGEST = 300
"""Characters of an exception's message that a problem's first line shows."""

Bound = Literal["timeout", "output", "processes"]
"""What a worker can go beyond."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker came to its end before its cells did."""

    kind: Bound | Literal["died"]
    """The bound it went beyond; `died`: none, it ended by itself."""
    config: Config
    """The bounds."""
    status: int | None = None
    """Its exit status, or a negative signal number; None where it is not known."""


def explain_error(chapter: Chapter, cell: Cell, error: JSON, outputs: Sequence[JSON], config: Config) -> Failure:
    """An exception that left a cell."""
    span = Span(*error["place"]) if error["place"] else cell.span
    first = next((line for line in error["evalue"].splitlines() if line.strip()), "")
    what = f"{error['ename']}: {first[:_LONGEST]}".rstrip(": ")
    hint = advice.for_error(cell, error, config)
    if error["ename"] == "NameError" and error["name"]:
        what, hint = advice.for_name(chapter, cell, error["name"], span, what)
    elif error["ename"] == "SystemExit":
        what = "the cell ended the program: SystemExit" + (f"({error['evalue']})" if error["evalue"] else "")
    elif "MemoryError" in error["names"]:
        what = f"memory limit: the cell needs more than {_size(config.memory)} ({what})"
    return Failure(span, what, hint, error["traceback"], printed(outputs))


def explain_ending(cell: Cell, ending: Ending, dump: str, outputs: Sequence[JSON]) -> Failure:
    """A worker that ended, or had to be ended, in the middle of a cell.

    Args:
        cell: The cell.
        ending: How it came about.
        dump: What `faulthandler` wrote: the stack at the time, innermost call first.
        outputs: What the cell had put out.
    """
    files = {path for path, _ in cell.origins}
    frames = [Span(match[1], int(match[2])) for match in re.finditer(r'File "(.+)", line (\d+) in ', dump)]
    span = next((frame for frame in frames if frame.path in files), cell.span)
    what, hint = _words(cell, ending)
    return Failure(span, what, hint, "", printed(outputs))


def _words(cell: Cell, ending: Ending) -> tuple[str, str]:
    config = ending.config
    match ending.kind:
        case "timeout":
            seconds = cell.options.timeout or config.timeout
            return (
                f"time limit: the cell still ran after {seconds:g} s and was ended",
                f'Make it faster, or allow more: ```python timeout="{2 * seconds:g}".',
            )
        case "output":
            return (
                f"output limit: the cell printed more than {_size(config.output)} and was ended",
                "Print less, or raise fathom's `output` in `mkdocs.yml`.",
            )
        case "processes":
            return (
                f"process limit: the cell started more than {config.processes} processes and was ended",
                "Start fewer, or raise fathom's `processes` in `mkdocs.yml`.",
            )
    return _death(ending.status)


def _death(status: int | None) -> tuple[str, str]:
    """A worker that nobody ended for a reason that is known."""
    if status is None:
        return "the cell's process ended without a word", "Run it again; if it happens again, look at what it calls."
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        told = signal.strsignal(-status) or "unknown signal"
        hint = "Look at what it calls: compiled code, most likely."
        if -status == _SIGKILL:
            hint = (
                "Something outside did it; a system does so when memory runs out. Compute with less, or run it again."
            )
        return f"the cell's process was killed by {name} ({told})", hint
    return (
        f"the cell ended its process with status {status}",
        "Leave out `os._exit()`: the chapter goes on after this cell.",
    )


def explain_loss(cell: Cell, ending: Ending, broken: str) -> Failure:
    """A cell that never began.

    Args:
        cell: The cell.
        ending: How its worker ended.
        broken: What went wrong with the worker's own part; empty if nothing is known.
    """
    if broken:
        what, hint = f"the cell could not be run: {broken}", "Make room where temporary files go, or set `TMPDIR`."
    else:
        how = "was killed by a signal" if ending.status and ending.status < 0 else f"ended with status {ending.status}"
        how = "did not go on" if ending.kind == "timeout" else how
        what, hint = f"the cell's process {how} before the cell began", "Look at the cells above, and run it again."
    return Failure(cell.span, what, hint)


def not_raised(cell: Cell) -> Failure:
    """A declared exception that did not come."""
    return Failure(
        cell.span,
        f'the fence declares raises="{cell.options.raises}", but the cell raised nothing',
        "Take the declaration away, or let the code raise it.",
    )


def too_much(cell: Cell, size: int, config: Config) -> Failure:
    """Displayed values that are larger than the output limit."""
    return Failure(
        cell.span,
        f"output limit: what the cell displays is {_size(size)}; the limit is {_size(config.output)}",
        "Draw fewer points or use `rasterized=True`, or raise fathom's `output` in `mkdocs.yml`.",
    )


def printed(outputs: Sequence[JSON]) -> str:
    """The text that a cell wrote to its streams."""
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


def problem(failure: Failure, depths: Sequence[str], all_depths: int) -> Problem:
    """A failure as a problem of the chapter.

    Args:
        failure: What happened.
        depths: The depths on whose paths it happened.
        all_depths: How many depths the site has: where all are concerned, none is named.
    """
    detail = failure.traceback
    if failure.output.strip():
        tail = failure.output.rstrip().splitlines()[-10:]
        detail += "\nThe cell had printed:\n" + "\n".join(f"  {line[:200]}" for line in tail)
    return Problem(failure.span, failure.what + concerned(depths, all_depths), failure.hint, detail=detail.strip("\n"))


def concerned(depths: Sequence[str], all_depths: int) -> str:
    """The depths that something concerns, to be put behind what it is; nothing where it concerns all of them."""
    return f" [{', '.join(depth.lower() for depth in depths)}]" if len(depths) < all_depths else ""


def _size(size: int) -> str:
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"
