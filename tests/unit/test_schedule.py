"""Running chapters: in order, several at once, and only those that are stale."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.model import Cell, CellResult, Chapter, Failure, Run, Span
from mkdocs_fathom.parsing import parse
from mkdocs_fathom.parsing.paths import reading_paths
from mkdocs_fathom.running import execute
from mkdocs_fathom.scheduling import lookup, schedule
from mkdocs_fathom.scheduling.report import Report, Runs
from mkdocs_fathom.scheduling.schedule import Results
from mkdocs_fathom.store.cache import Store


class Recorder:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, object]] = []

    def started(self, chapter: Chapter, cells: int) -> None:
        self.events.append(("started", chapter.path, cells))

    def cell(self, chapter: Chapter, cell: Cell, depths: tuple[str, ...]) -> None:
        self.events.append((f"line {cell.span.line}", chapter.path, depths))

    def finished(self, chapter: Chapter, runs: Runs) -> None:
        self.events.append(("finished", chapter.path, sorted(runs)))

    def say(self, sentence: str) -> None:
        self.events.append(("say", "", sentence))


class Site:
    """Chapters by name, and what they were seen to do."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.root = root
        (root / "docs").mkdir(exist_ok=True)
        self.config = config.build(root, root / "docs", {"preload": ["IPython"], **options}, Span("mkdocs.yml", 1))
        self.recorder = Recorder()

    def chapters(self, pages: Mapping[str, str]) -> list[Chapter]:
        return [
            parse.parse(textwrap.dedent(text), f"docs/{name}.md", self.config).checked() for name, text in pages.items()
        ]

    def store(self) -> Store:
        return Store(self.config.cache_dir, readonly=False, size_limit=2**30, say=self.recorder.say)

    def run(self, **pages: str) -> Report:
        return self._run(pages, fresh=False)

    def run_fresh(self, **pages: str) -> Report:
        return self._run(pages, fresh=True)

    def _run(self, pages: Mapping[str, str], *, fresh: bool) -> Report:
        self.recorder.events.clear()
        return schedule.run(self.chapters(pages), self.config, self.store(), self.recorder, fresh=fresh)

    def ran(self) -> list[str]:
        """The chapters that ran in the last run, in the order in which they ended."""
        return [
            path.removeprefix("docs/").removesuffix(".md")
            for event, path, _ in self.recorder.events
            if event == "finished"
        ]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site whose chapters really run."""
    return Site(tmp_path)


Behaviour = Callable[[Chapter, str], Run]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[Behaviour], None]:
    """A function that puts another in the place of running: no process is started."""

    def use(behaviour: Behaviour) -> None:
        def run(_pool: object, chapter: Chapter, depths: list[str], *_: object, **__: object) -> Results:
            return {depth: (behaviour(chapter, depth), Path()) for depth in depths}

        monkeypatch.setattr(execute, "execute", run)

    return use


def good(chapter: Chapter, depth: str) -> Run:
    return Run(chapter.path, depth, tuple(CellResult(cell.number, (), 0.1) for cell in reading_paths(chapter)[depth]))


def bad(chapter: Chapter, depth: str) -> Run:
    first, *rest = reading_paths(chapter)[depth]
    failed = CellResult(first.number, (), 0.1, Failure(first.span, "ValueError: no", "Mend it."))
    return Run(chapter.path, depth, (failed, *(CellResult(cell.number, (), 0.0, None, first.number) for cell in rest)))


def page(*sources: str, needs: str = "") -> str:
    front = f"---\nneeds: {needs}\n---\n" if needs else ""
    return front + "# Page\n" + "".join(f"\n```python\n{source}\n```\n" for source in sources)


def test_order_follows_needs(site: Site, pretend: Callable[[Behaviour], None]) -> None:
    """A chapter runs after those that it needs, whatever their order on the site."""
    pretend(good)
    site.run(a=page("1", needs="b"), b=page("2", needs="c"), c=page("3"))
    assert site.ran() == ["c", "b", "a"]


def test_what_others_wait_for_runs_first(tmp_path: Path, pretend: Callable[[Behaviour], None]) -> None:
    """Whoever holds up the most is begun first; the others keep the site's order."""
    site = Site(tmp_path, jobs=1)
    pretend(good)
    site.run(a=page("1"), b=page("2"), c=page("3"), d=page("4", needs="c"), e=page("5", needs="c"))
    begun = [path for event, path, _ in site.recorder.events if event == "started"]
    assert begun == [f"docs/{name}.md" for name in "cabde"]


def test_what_is_wanted_first_runs_first(tmp_path: Path, pretend: Callable[[Behaviour], None]) -> None:
    """With what it needs, which may need something itself; whatever comes from the store holds nobody up."""
    pretend(good)
    site = Site(tmp_path, jobs=1)
    pages = {name: page(name) for name in "abcd"} | {"e": page("5", needs="d"), "f": page("6", needs="e")}

    def begun(**changed: str) -> str:
        site.recorder.events.clear()
        chapters = site.chapters(pages | changed)
        schedule.run(chapters, site.config, site.store(), site.recorder, first=["docs/f.md", "docs/c.md"])
        return "".join(path[5] for event, path, _ in site.recorder.events if event == "started")

    assert begun() == "defcab"
    assert begun(a=page("7"), b=page("7"), c=page("7"), f=page("7", needs="e")) == "fcab"


def test_chapters_run_side_by_side(tmp_path: Path, pretend: Callable[[Behaviour], None]) -> None:
    """Chapters that do not need each other run at once, as many as there are jobs."""
    site = Site(tmp_path, jobs=2)
    meeting = threading.Barrier(2, timeout=30)

    def meet(chapter: Chapter, depth: str) -> Run:
        if depth == "DEEP":
            meeting.wait()
        return good(chapter, depth)

    pretend(meet)
    site.run(a=page("1"), b=page("2"), c=page("3"), d=page("4"))
    assert sorted(site.ran()) == ["a", "b", "c", "d"]


def test_no_more_at_once_than_jobs(tmp_path: Path, pretend: Callable[[Behaviour], None]) -> None:
    """With one job, one chapter runs at a time."""
    site = Site(tmp_path, jobs=1)
    alone = threading.Lock()

    def check(chapter: Chapter, depth: str) -> Run:
        assert alone.acquire(blocking=False)
        time.sleep(0.01)
        alone.release()
        return good(chapter, depth)

    pretend(check)
    site.run(a=page("1"), b=page("2"), c=page("3"))
    assert len(site.ran()) == 3


def test_needed_chapter_failed(site: Site, pretend: Callable[[Behaviour], None]) -> None:
    """A chapter whose need failed is reported as not run, and so is what needs it; others run."""
    pretend(lambda chapter, depth: (bad if chapter.path == "docs/a.md" else good)(chapter, depth))
    report = site.run(a=page("1", "2"), b=page("3", "4", needs="a"), c=page("5", needs="b"), d=page("6"))
    assert sorted(site.ran()) == ["a", "d"]
    assert [str(problem) for problem in report.problems] == [
        "docs/a.md:3:1: ValueError: no\n  Mend it.",
        "docs/b.md:2:8: not run: `docs/a.md`, which it needs, failed\n  Mend that chapter first.",
        "docs/c.md:2:8: not run: `docs/b.md`, which it needs, failed\n  Mend that chapter first.",
    ]
    assert (report.chapters, report.executed, report.cached) == (4, 2, 0)


def test_failures_are_not_kept(site: Site, pretend: Callable[[Behaviour], None]) -> None:
    """What failed runs again; what ran well at another depth does not."""
    text = page("1") + "\n<!-- DEEP -->\n```python\n2\n```\n<!-- /DEEP -->\n"
    pretend(lambda chapter, depth: (bad if depth == "DEEP" else good)(chapter, depth))
    for _ in range(2):
        report = site.run(a=text)
        assert [problem.what for problem in report.problems] == ["ValueError: no [deep]"]
    pretend(good)
    report = site.run(a=text)
    assert {depth: run.cached for depth, run in report.runs["docs/a.md"].items()} == {"SHALLOW": True, "DEEP": False}
    assert site.run(a=text).executed == 0


def test_a_declared_output_changes(site: Site, pretend: Callable[[Behaviour], None]) -> None:
    """What a cell printed is compared with what it is declared to print now; nothing runs for that."""
    printing = {"output_type": "stream", "name": "stdout", "text": "1\n"}
    pretend(lambda chapter, depth: replace(good(chapter, depth), results=(CellResult(0, (printing,), 0.1),)))
    for declared, executed in (("1", 1), ("2", 0), ("1", 0)):
        block = f"\n<!--pytest-codeblocks:expected-output-->\n\n```\n{declared}\n```\n"
        report = site.run(a=page("print(1)") + block)
        assert report.executed == executed
        assert len(report.problems) == (declared == "2")


def test_events(site: Site) -> None:
    """Who follows the progress is told of each chapter and cell that runs; of a hit, nothing."""
    text = page("1") + "\n<!-- DEEP -->\n```python\n2\n```\n<!-- /DEEP -->\n"
    site.run(a=text)
    both = ("SHALLOW", "DEEP")
    assert site.recorder.events == [
        ("started", "docs/a.md", 2),
        ("line 3", "docs/a.md", both),
        ("line 8", "docs/a.md", ("DEEP",)),
        ("finished", "docs/a.md", ["DEEP", "SHALLOW"]),
    ]
    site.run(a=text)
    assert site.recorder.events == []
    site.run_fresh(a=text)
    assert len(site.recorder.events) == 4


def test_a_part_of_a_chapter(site: Site) -> None:
    """Only the cells that are wanted run, and only on the paths on which they are; none of it is kept or missed."""
    text = page("1", "2") + "\n<!-- DEEP -->\n```python\n3\n```\n<!-- /DEEP -->\n" + page("4", "5")
    chapters = site.chapters({"a": text})
    parts = {"docs/a.md": {"DEEP": 4}}
    report = schedule.run(chapters, site.config, site.store(), site.recorder, parts=parts)
    assert [place for place, _, depths in site.recorder.events if depths == ("DEEP",)] == [
        "line 3", "line 7", "line 12", "line 18",
    ]  # fmt: skip
    assert site.recorder.events[0] == ("started", "docs/a.md", 4)
    assert report.problems == ()
    assert lookup.stored(chapters, site.config, site.store()) == {}


def test_some_chapters_afresh(site: Site, pretend: Callable[[Behaviour], None]) -> None:
    """The others come from the store."""
    pretend(good)
    pages = {"a": page("1"), "b": page("2"), "c": page("3")}
    site.run(**pages)
    site.recorder.events.clear()
    schedule.run(site.chapters(pages), site.config, site.store(), site.recorder, fresh={"docs/b.md"})
    assert site.ran() == ["b"]


def test_report(site: Site, pretend: Callable[[Behaviour], None]) -> None:
    """The last line counts in words that fit the numbers."""
    pretend(good)
    report = site.run(a=page("1"), b="# No code\n")
    assert str(report).startswith("1 chapter: 1 cell run, 0 cached, 0 exempt, in ")
    skipped = '\n```python exec="false" reason="shown only"\n2\n```\n'
    report = site.run(a=page("1"), c=page("3", "4") + skipped)
    assert str(report).startswith("2 chapters: 2 cells run, 1 cached, 1 exempt, in ")


PUBLISH = "from mkdocs_fathom import artifacts\nartifacts.publish({!r}).write_text({})"
LOAD = "from mkdocs_fathom import artifacts\nprint(artifacts.load({!r}).read_text())"


def text_of(report: Report, path: str) -> set[str]:
    """What the last cell of a chapter printed."""
    return {run.results[-1].outputs[0]["text"] for run in report.runs[path].values()}


def test_artifacts(site: Site) -> None:
    """A chapter loads what the chapter that it needs has published; both are stored, and the files with them."""
    pages = {"a": page(PUBLISH.format("sub/x.txt", "'abc'")), "b": page(LOAD.format("sub/x.txt"), needs="a")}
    for executed in (2, 0):
        report = site.run(**pages)
        assert report.executed == executed
        assert text_of(report, "docs/b.md") == {"abc\n"}
    pages["a"] = page(PUBLISH.format("sub/x.txt", "'abd'"))
    assert text_of(site.run(**pages), "docs/b.md") == {"abd\n"}


def test_artifact_of_a_chapter_not_needed(site: Site) -> None:
    """What is not needed by name cannot be loaded; the message says who publishes it, and what to do."""
    pages = {"a": page(PUBLISH.format("x.txt", "'abc'")), "b": page(LOAD.format("x.txt")), "c": page("1")}
    pages["d"] = page(LOAD.format("x.txt"), needs="c")
    for _ in range(2):  # what the other chapter publishes is as well known from the store
        one, other = site.run(**pages).problems
        assert one.what == "FileNotFoundError: no artifact 'x.txt': no needed chapter published any"
        assert one.hint == "`docs/a.md` publishes it: add `needs: a` to this chapter's front matter."
        assert other.hint == "`docs/a.md` publishes it: add `a` to `needs` in this chapter's front matter."


def test_artifact_that_nobody_publishes(site: Site) -> None:
    """The message does not guess."""
    (problem,) = site.run(a=page(PUBLISH.format("x.txt", "'abc'")), b=page(LOAD.format("y.txt"))).problems
    assert problem.hint.startswith("Name the chapter that publishes it under `needs:`")


def test_depths_that_disagree(site: Site) -> None:
    """An artifact has the same contents at every depth; what needs it is not run, and nothing of it is stored."""
    deep = "\n<!-- DEEP -->\n```python\nx = 'deep'\n```\n<!-- /DEEP -->\n"
    pages = {
        "a": page("x = 'abc'") + deep + page(PUBLISH.format("x.txt", "x")).removeprefix("# Page\n"),
        "b": page(LOAD.format("x.txt"), needs="a"),
    }
    for _ in range(2):
        report = site.run(**pages)
        assert "\n".join(map(str, report.problems)) == (
            "docs/a.md:1:1: the artifact `x.txt` is published with different contents at different depths\n"
            "  Publish it in a cell that all depths share, before the first that they do not, or under two names.\n"
            "docs/b.md:2:8: not run: the depths of `docs/a.md`, which it needs, disagree about `x.txt`\n"
            "  Mend that chapter first."
        )
        assert report.cached == 0


def test_artifacts_come_from_one_run(site: Site) -> None:
    """When a depth of a publishing chapter is stale, all of them run: two runs might differ in a last digit."""
    random = PUBLISH.format("x.txt", "str(__import__('time').time_ns())")
    pages = {"a": page(random) + "\n<!-- DEEP -->\n```python\n1\n```\n<!-- /DEEP -->\n"}
    site.run(**pages)
    pages["a"] = pages["a"].replace("\n1\n", "\n2\n")
    reasons = lookup.explain(site.chapters(pages), site.config, site.store())["docs/a.md"]
    assert [str(reason) for reason in reasons["DEEP"]] == ["the code of cell 2 changed"]
    assert [str(reason) for reason in reasons["SHALLOW"]] == [
        "the path of DEEP would run, and a chapter's artifacts come from one run"
    ]
    report = site.run(**pages)
    assert (report.problems, report.executed) == ((), 2)


@pytest.mark.parametrize(("one", "other"), [("x.txt", "x.txt"), ("x", "x/y"), ("x/y", "x")])
def test_two_chapters_publish_one_name(site: Site, one: str, other: str) -> None:
    """Where two needed chapters publish files that cannot lie side by side, both are named."""
    report = site.run(
        a=page(PUBLISH.format(one, "'abc'")),
        b=page(PUBLISH.format(other, "'abc'")),
        c=page("1", needs="[a, b]"),
    )
    (problem,) = report.problems
    assert str(problem) == (
        f"docs/c.md:2:12: not run: `docs/a.md` and `docs/b.md`, which it needs, both publish `{other}`\n"
        "  Give one of the two artifacts another name."
    )


def test_artifact_that_cannot_be_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room for an artifact anywhere, the build ends and says so."""

    def refuse(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "put_blob", refuse)
    with pytest.raises(FathomError) as error:
        site.run(a=page(PUBLISH.format("x.txt", "'abc'")))
    assert str(error.value) == (
        "docs/a.md:1:1: its artifact `x.txt` cannot be kept: No space left on device\n"
        "  Make room in `.cache/fathom` or in the folder of temporary files."
    )


def test_stored_runs_nothing(site: Site, pretend: Callable[[Behaviour], None]) -> None:
    """Looking up gives what holds, and nothing of a chapter that is stale, or that needs a stale one."""
    pretend(good)
    pages = {"a": page("1"), "b": page("2", needs="a"), "c": page("3")}
    site.run(**pages)
    pages["a"] = page("11")
    assert set(lookup.stored(site.chapters(pages), site.config, site.store())) == {"docs/c.md"}
    reasons = lookup.explain(site.chapters(pages), site.config, site.store())
    assert [str(reason) for reason in reasons["docs/a.md"]["DEEP"]] == ["the code of cell 1 changed"]
    assert [str(reason) for reason in reasons["docs/b.md"]["DEEP"]] == ["`docs/a.md`, which it needs, would run"]
    assert reasons["docs/c.md"] == {"SHALLOW": (), "DEEP": ()}


WARM = """\
import sys
started = []
starts = {"subprocess.Popen", "os.fork", "os.posix_spawn"}
sys.addaudithook(lambda event, _: started.append(event) if event in starts else None)
from mkdocs_fathom import cli
try:
    cli.main(["run"])
except SystemExit:
    print(started, *list(sys.modules))
"""
HEAVY = "numpy matplotlib IPython ftfy nh3 psutil concurrent.futures.thread markdown mkdocs".split()
WORKERS = "worker session capture guard pool execute".split()


def test_nothing_heavy_when_all_is_stored(tmp_path: Path) -> None:
    """With every result in the store, nothing that only running needs is imported, and no process is started."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("plugins: [fathom: {preload: [IPython]}]")
    draw = page("import matplotlib.pyplot as plt\nplt.plot([1, 2])", PUBLISH.format("x.txt", "'abc'"))
    (tmp_path / "docs" / "a.md").write_text(draw + "\nAn em dash — and a “quotation”.\n")
    (tmp_path / "docs" / "b.md").write_text(page(LOAD.format("x.txt"), needs="a"))
    command = [sys.executable, "-c", WARM]
    cold, warm = (
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout for _ in range(2)
    )
    assert cold.startswith("['subprocess.Popen'")
    assert "mkdocs_fathom.running.execute" in cold.split()
    assert warm.startswith("[] ")
    loaded = set(warm.split())
    assert "mkdocs_fathom.scheduling.lookup" in loaded
    assert not loaded & {*HEAVY, *(f"mkdocs_fathom.{name}" for name in WORKERS)}
