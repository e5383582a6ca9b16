"""Copies of workers that sleep between two runs of a chapter: what is run again, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mkdocs_fathom.model import Run
from mkdocs_fathom.parsing.parse import parse
from mkdocs_fathom.parsing.paths import reading_paths
from mkdocs_fathom.running.checkpoints import MOST
from mkdocs_fathom.running.execute import execute
from mkdocs_fathom.running.pool import Pool
from mkdocs_fathom.store.keys import Observer, places
from tests.running import cells, printed, region, site
from tests.serving import until

SLOW = "import random, time\nimport numpy as np\ntime.sleep(0.6)\nx = [random.random(), np.random.rand()]\nprint(x)"


class Preview:
    """Runs chapters one after the other, as the builds of a preview do."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pool = Pool(site(root), lambda _sentence: None, keeps=True)
        self.started: list[int] = []

    def __call__(self, text: str, path: str = "docs/a.md") -> dict[str, Run]:
        """The runs of a chapter by depth; `started` says which cells ran for it."""
        self.started = []
        chapter = parse(text, path, self.pool.config).checked()
        results = execute(
            self.pool,
            chapter,
            list(reading_paths(chapter)),
            {},
            lambda cell, _depths: self.started.append(cell.number),
            current=Observer(self.root, {}, {str(cell.number): places(cell) for cell in chapter.cells}).state,
        )
        self.published = {depth: folder for depth, (_, folder) in results.items()}
        return {depth: run for depth, (run, _) in results.items()}

    def lines(self, text: str) -> list[str]:
        """What the cells of a chapter print, the same at every depth."""
        runs = self(text)
        assert [result.failure for run in runs.values() for result in run.results if result.failure] == []
        shallow, deep = ([printed(result) for result in run.results] for run in runs.values())
        assert shallow == deep
        return shallow

    @property
    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.pool.launchers[-1].pid).children(recursive=True)


@pytest.fixture
def preview(tmp_path: Path) -> Iterator[Preview]:
    """Runs chapters with workers of its own; at the end none of them is left."""
    running = Preview(tmp_path)
    yield running
    processes = running.processes
    running.pool.close()
    assert psutil.wait_procs(processes, timeout=5)[1] == []


def test_only_what_is_new_runs(preview: Preview) -> None:
    """Behind a slow cell a run goes on where it was, the state of random numbers included; as often as one likes."""
    draw = "print(random.random(), np.random.rand(), *x)"
    whole = preview.lines(cells(SLOW, draw))
    assert preview.started == [0, 1]
    for text in ("print(len(x))", "print(len(x) + 1)"):
        assert preview.lines(cells(SLOW, text))[1] == f"{eval(text[6:-1], {'x': [0, 0]})}\n"  # noqa: S307 - ours
        assert preview.started == [1]
    assert preview.lines(cells(SLOW, draw)) == whole
    assert preview.started == [1]


def test_a_chain(preview: Preview) -> None:
    """Each slow cell leaves a copy, those that run in copies too; an edit goes on from the last one before it."""
    texts = [SLOW, "time.sleep(0.6)\ny = 1", "time.sleep(0.6)\nz = 2", "print(y + z)"]
    assert preview.lines(cells(*texts))[-1] == "3\n"
    texts[2] = "time.sleep(0.6)\nz = 3"
    assert preview.lines(cells(*texts))[-1] == "4\n"
    assert preview.started == [2, 3]
    texts[3] = "print(y - z)"
    assert preview.lines(cells(*texts))[-1] == "-2\n"
    assert preview.started == [3]
    texts[0] += "\ny = 0"
    preview.lines(cells(*texts))
    assert preview.started == [0, 1, 2, 3]


def test_depths(preview: Preview) -> None:
    """Paths part behind a copy, and in front of one."""
    slow = cells(SLOW) + region("DEEP", "time.sleep(0.6)\nx = 'deep'")
    preview(slow + cells("print(1)"))
    runs = preview(slow + cells("print(x)"))
    assert preview.started == [2, 2]
    assert printed(runs["DEEP"].results[-1]) == "deep\n"
    assert printed(runs["SHALLOW"].results[-1]) == printed(runs["SHALLOW"].results[0])
    assert [result.number for result in runs["DEEP"].results] == [0, 1, 2]


def test_files(preview: Preview) -> None:
    """A run that goes on finds its files as they were, under the names it knows, and what it published."""
    write = (
        "import time\nfrom pathlib import Path\nfrom mkdocs_fathom import artifacts\ntime.sleep(0.6)\n"
        "Path('inside').mkdir()\nplace = Path('inside/a.txt').absolute()\nplace.write_text('one')\n"
        "artifacts.publish('b.txt').write_text('two')\nimport os\nos.chdir('inside')"
    )
    change = "place.write_text(place.read_text() + '!')\nprint(place.read_text(), Path('a.txt').read_text())"
    for number in range(3):
        runs = preview(cells(write, change + f"\nartifacts.publish('c.txt').write_text('{number}')"))
        assert printed(runs["DEEP"].results[-1]) == "one! one!\n"
        assert preview.started == ([0, 1] if number == 0 else [1])
        assert [artifact.name for artifact in runs["DEEP"].artifacts] == ["b.txt", "c.txt"]
        assert (preview.published["DEEP"] / "c.txt").read_text() == str(number)


@pytest.mark.parametrize(
    "change",
    [
        lambda preview, text: (preview.root / "helper.py").write_text("x = 2\n") and text,
        lambda _preview, text: "A line more.\n\n" + text,
        lambda _preview, text: text.replace("0.6", "0.61"),
    ],
    ids=["file", "lines", "code"],
)
def test_what_ends_a_copy(preview: Preview, change: object) -> None:
    """A change of what its cells used, of lines that their outputs show, or of their code."""
    assert callable(change)
    (preview.root / "helper.py").write_text("x = 1\n")
    text = cells("import helper, time\nfrom warnings import warn\nwarn('w')\ntime.sleep(0.6)", "print(1, helper.x)")
    preview.lines(text)
    preview.lines(change(preview, text).replace("print(1", "print(2"))
    assert preview.started == [0, 1]
    until(lambda: len(preview.processes) == 1, 5)


MOVES = """\
import inspect, time, traceback
def plain():
    def inner(): raise ValueError
    return inner
class Thing:
    def __call__(self): return [1 / 0 for _ in range(1)]
short = lambda: {}["x"]
time.sleep(0.6)
"""
LOOK = """\
for function in (plain(), Thing(), short):
    try:
        function()
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        print(frame.lineno, frame.line)
print(inspect.getsource(plain), inspect.getsource(Thing.__call__))
"""


def test_lines_that_move(preview: Preview) -> None:
    """Text above a cell that a copy has behind it may be edited: its functions know where they stand now."""
    for above, others in (("", "1"), ("A line.\n\n", "2"), ("A line.\n\nAnd more.\n\n", "3"), ("", "4")):
        text = above + cells(MOVES, f"{LOOK}print({others})")
        first, *lines = text.split("\n"), *preview.lines(text)[1].split("\n")
        assert preview.started == ([0, 1] if others == "1" else [1])
        places = [int(line.split(" ", 1)[0]) for line in lines[:3]]
        assert [first[place - 1].strip() for place in places] == [line.split(" ", 1)[1] for line in lines[:3]]
        assert places[0] == above.count("\n") + 4
        shown = [line.strip() for line in lines[3:7]]
        assert shown == [line.strip() for line in [*MOVES.split("\n")[1:4], MOVES.split("\n")[5]]]


@pytest.mark.parametrize(
    "state",
    ["import threading\nthreading.Thread(target=time.sleep, args=(60,)).start()", "f = open('a.txt', 'w')"],
    ids=["thread", "file"],
)
def test_what_cannot_be_copied(preview: Preview, state: str) -> None:
    """A thread would not live in a copy, and a file that is being written would be written twice."""
    text = cells("import time\ntime.sleep(0.6)\n" + state, "print(1)\nimport os\nos._exit(0)")
    preview(text)
    preview(text.replace("print(1)", "print(2)"))
    assert preview.started == [0, 1]


def test_they_are_few(preview: Preview) -> None:
    """Those used longest ago make room."""
    for number in range(MOST + 2):
        preview(cells("import time\ntime.sleep(0.6)", "print(1)"), f"docs/{number}.md")
    until(lambda: len(preview.processes) == MOST, 5)
    preview(cells("import time\ntime.sleep(0.6)", "print(2)"), "docs/0.md")
    assert preview.started == [0, 1]
    preview(cells("import time\ntime.sleep(0.6)", "print(2)"), f"docs/{MOST + 1}.md")
    assert preview.started == [1]


def test_a_failure_behind_a_copy(preview: Preview) -> None:
    """What failed behind a copy is run again from there; a cell that failed leaves none."""
    for name in ("a", "b"):
        runs = preview(cells(SLOW, f"{name}", "time.sleep(1)"))
        failure = runs["DEEP"].results[1].failure
        assert failure is not None
        assert failure.what == f"NameError: name '{name}' is not defined"
        assert str(failure.span) == "docs/a.md:10:1"
    assert preview.started == [1]
    assert runs["DEEP"].results[2].blocked_by == 1


def test_a_failure_in_front_of_a_copy(preview: Preview) -> None:
    """A slow cell that did not raise what it declares is told as often as its chapter runs."""
    for _ in range(2):
        runs = preview(cells("import time\ntime.sleep(0.6)", fence='python raises="ValueError"') + cells("print(1)"))
        failure = runs["DEEP"].results[0].failure
        assert failure is not None
        assert failure.what == 'the fence declares raises="ValueError", but the cell raised nothing'


def test_a_copy_that_died(preview: Preview) -> None:
    """A chapter whose copy somebody killed runs from its beginning."""
    preview(cells(SLOW, "print(1)"))
    for process in preview.processes:
        process.kill()
        process.wait()
    until(lambda: not preview.processes)
    assert preview.lines(cells(SLOW, "print(2)"))[1] == "2\n"
    assert preview.started == [0, 1]
