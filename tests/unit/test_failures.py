"""What an author is told of a failure, word for word, where no worker is needed to make one."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from mkdocs_fathom.config import Config
from mkdocs_fathom.model import Chapter, Failure, Span
from mkdocs_fathom.parsing.parse import parse
from mkdocs_fathom.running import failures
from mkdocs_fathom.running.failures import Ending
from tests.running import cells, region

CONFIG = Config(Path("/site"), Path("/site/docs"))


def chapter(text: str) -> Chapter:
    return parse(text, "docs/a.md", CONFIG).checked()


def error(name: str, value: str = "", *bases: str, missing: str | None = None) -> dict[str, Any]:
    """What a worker tells of an exception."""
    names = [name, *bases, "Exception"]
    return {"ename": name, "evalue": value, "names": names, "traceback": "…", "place": None, "name": missing}


@pytest.mark.parametrize(
    ("told", "what", "hint"),
    [
        (
            error("ValueError", "no"),
            "ValueError: no",
            'If the error is what you want to show, declare it: ```python raises="ValueError".',
        ),
        (
            error("SystemExit", "2"),
            "the cell ended the program: SystemExit(2)",
            "Leave out `exit()` and `sys.exit()`: the chapter goes on after this cell.",
        ),
        (
            error("ArrayMemoryError", "Unable to allocate 8. TiB", "MemoryError"),
            "memory limit: the cell needs more than 2 GiB (ArrayMemoryError: Unable to allocate 8. TiB)",
            "Compute with less, or raise fathom's `memory` in `mkdocs.yml`.",
        ),
        (
            error("FileNotFoundError", "[Errno 2] No such file or directory: 'data.csv'", "OSError"),
            "FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'",
            "A cell begins in an empty folder: `artifacts.source(…)` is the path of a file of the project.",
        ),
        (
            error("FileNotFoundError", "no artifact 'a.npz': no needed chapter published any", "OSError"),
            "FileNotFoundError: no artifact 'a.npz': no needed chapter published any",
            "Name the chapter that publishes it under `needs:` in the front matter, or load one that is there.",
        ),
        (
            error("URLError", "<urlopen error this cell may not use the network (a.org:443); allow it>", "OSError"),
            "URLError: <urlopen error this cell may not use the network (a.org:443); allow it>",
            "Keep what it fetches in the project, or declare it: ```python network.",
        ),
        (
            error("ModuleNotFoundError", "No module named 'x'"),
            "ModuleNotFoundError: No module named 'x'",
            "Install it where the site is built, or put the module below `.` (fathom's `pythonpath`).",
        ),
        (
            error("RefusedError", "no", "PermissionError"),
            "RefusedError: no",
            "See “What a cell may do” in the author's guide.",
        ),
        (
            error("EOFError", "nobody"),
            "EOFError: nobody",
            "Give the value in the code: a page is built without a person to ask.",
        ),
        (error("AttributeError", "no"), "AttributeError: no", ""),
        (error("ImportError", "no"), "ImportError: no", ""),
        (error("IndentationError", "no", "SyntaxError"), "IndentationError: no", ""),
        (
            error("AssertionError", "no"),
            "AssertionError: no",
            "What the cell claims does not hold: mend the code, or the claim.",
        ),
        (
            error("KeyError"),
            "KeyError",
            'If the error is what you want to show, declare it: ```python raises="KeyError".',
        ),
    ],
)
def test_exceptions(told: dict[str, Any], what: str, hint: str) -> None:
    text = chapter(cells("x"))
    failure = failures.explain_error(text, text.cells[0], told, [], CONFIG)
    assert (failure.what, failure.hint, str(failure.span)) == (what, hint, "docs/a.md:1:1")


def test_another_exception_than_the_declared() -> None:
    text = chapter(cells("x", fence='python raises="TypeError"'))
    failure = failures.explain_error(text, text.cells[0], error("ValueError", "no"), [], CONFIG)
    assert failure.hint == 'The fence declares raises="TypeError"; mend one of the two.'


SHOWN = 'python exec="false" reason="shown only"'


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        (
            region("DEEP", "x = 1") + cells("x"),
            "`x` is defined at DEEP only (line 4); a SHALLOW reader of line 10 never sees it",
            "Define `x` outside the DEEP region, or at SHALLOW too.",
        ),
        (
            cells("1") + region("SHALLOW", "x = 1") + region("DEEP", "x"),
            "`x` is defined at SHALLOW only (line 7); a DEEP reader of line 15 never sees it",
            "Define `x` outside the SHALLOW region, or at DEEP too.",
        ),
        (
            cells("1", fence=SHOWN).replace("1", "x = 1") + cells("x"),
            "`x` is not defined; line 1 names it, in a cell that does not run",
            "Let that cell run, or define `x` in one that does.",
        ),
        (cells("x", "x = 1"), "`x` is used before it is defined (line 6)", "Move the definition up."),
        (
            cells("y = 1", "x"),
            "NameError: name 'x' is not defined",
            "No cell before this one defines it for this reader, or imports it.",
        ),
    ],
)
def test_names(text: str, what: str, hint: str) -> None:
    """A name that is defined, but not where its reader is."""
    parsed = chapter(text)
    cell = next(cell for cell in reversed(parsed.cells) if cell.source.strip() == "x")
    told = error("NameError", "name 'x' is not defined", missing="x") | {"place": ("docs/a.md", cell.span.line + 1)}
    failure = failures.explain_error(parsed, cell, told, [], CONFIG)
    assert (failure.what, failure.hint) == (what, hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (cells("a = 1\nlosses = 1", "lossse"), "Did you mean `losses` (line 3)?"),
        (cells("1", "losses = 1\nlossse"), "Did you mean `losses` (line 6)?"),
        (region("DEEP", "losses = 1") + cells("lossse"), "Did you mean `losses` (line 4, at DEEP only)?"),
        (region("SHALLOW", "best = 1") + region("DEEP", "best = 2") + cells("bets"), "Did you mean `best` (line 4)?"),
        (region("SHALLOW", "best = 1") + region("DEEP", "best = 2\nbets"), "Did you mean `best` (line 12)?"),
        (cells("summ = 1", "sumn"), "Did you mean `summ` (line 2)?"),
        (cells("point = 1", "prnit"), "Did you mean `print`?"),
        (cells("1", "np"), "Import it first: `import numpy as np`."),
        (cells("1", "math"), "Import it first: `import math`."),
    ],
)
def test_names_that_were_meant(text: str, hint: str) -> None:
    """What is like it on this reader's path, or where it would come from; never that the error could be shown."""
    parsed = chapter(text)
    name = parsed.cells[-1].source.split()[-1]
    told = error("NameError", f"name '{name}' is not defined", missing=name)
    failure = failures.explain_error(parsed, parsed.cells[-1], told, [], CONFIG)
    assert (failure.what, failure.hint) == (f"NameError: name '{name}' is not defined", hint)


@pytest.mark.parametrize(
    ("ending", "what"),
    [
        (Ending("timeout", CONFIG), "time limit: the cell still ran after 60 s and was ended"),
        (Ending("output", CONFIG), "output limit: the cell printed more than 1 MiB and was ended"),
        (Ending("processes", CONFIG), "process limit: the cell started more than 32 processes and was ended"),
        (Ending("died", CONFIG, 3), "the cell ended its process with status 3"),
        (Ending("died", CONFIG, -signal.SIGBUS), "the cell's process was killed by SIGBUS (Bus error)"),
        (Ending("died", CONFIG, -63), "the cell's process was killed by signal 63 (Real-time signal 29)"),
        (Ending("died", CONFIG), "the cell's process ended without a word"),
    ],
)
def test_endings(ending: Ending, what: str) -> None:
    """The innermost line of the author's in the last dump is where it happened."""
    cell = chapter("\n\n" + cells("x\ny\nz")).cells[0]
    dump = (
        'Current thread 0x1 (most recent call first):\n  File "/lib/x.py", line 7 in f\n'
        '  File "docs/a.md", line 5 in <module>\n  File "docs/a.md", line 4 in <module>\n'
    )
    failure = failures.explain_ending(cell, ending, dump, [{"output_type": "stream", "text": "said"}])
    assert (failure.what, str(failure.span), failure.output) == (what, "docs/a.md:5:1", "said")
    assert str(failures.explain_ending(cell, ending, "", []).span) == "docs/a.md:3:1"


@pytest.mark.parametrize(
    ("ending", "broken", "what"),
    [
        (Ending("died", CONFIG, 1), "", "the cell's process ended with status 1 before the cell began"),
        (Ending("died", CONFIG, -9), "", "the cell's process was killed by a signal before the cell began"),
        (Ending("timeout", CONFIG), "", "the cell's process did not go on before the cell began"),
        (Ending("died", CONFIG, 1), "OSError: full", "the cell could not be run: OSError: full"),
    ],
)
def test_losses(ending: Ending, broken: str, what: str) -> None:
    assert failures.explain_loss(chapter(cells("x")).cells[0], ending, broken).what == what


def test_problems() -> None:
    """The depth is named where not all are concerned, and the end of what was printed is shown."""
    failure = Failure(
        Span("a.md", 3), "ValueError: no", "Mend it.", "Traceback\nValueError: no", "\n".join("abcdefghijklmn")
    )
    text = str(failures.problem(failure, ["DEEP"], 2))
    assert text == (
        "a.md:3:1: ValueError: no [deep]\n  Mend it.\n    Traceback\n    ValueError: no\n    The cell had printed:\n"
        + "\n".join(f"      {letter}" for letter in "efghijklmn")
    )
    assert "[" not in str(failures.problem(failure, ["DEEP", "SHALLOW"], 2)).splitlines()[0]
