"""The pytest adapter and what runs: prefixes, seconds, other plugins, the site's store, coverage."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from mkdocs_fathom.config import build
from mkdocs_fathom.model import Span
from mkdocs_fathom.pytest_plugin.site import Manner, Site, Want
from tests.sessions import CHAPTER, Tester, fences

SHUFFLE = """\
import random

def pytest_collection_modifyitems(items):
    random.Random({seed}).shuffle(items)
"""


def stored(folder: Path) -> list[Path]:
    """The results that a store has kept."""
    return list(folder.glob("runs/*/*/*.json"))


def test_one_cell_runs_what_stands_before_it(tester: Tester, tmp_path: Path) -> None:
    """Not what stands behind it: the results are not those of a chapter, and not kept."""
    said = tester(["--codeblocks", "docs/a.md::line 6", "-rP"], docs__a=fences("x = 1", "print('x is', x)", "y = x"))
    assert "x is 1" in said
    assert "1 passed" in said
    assert stored(tmp_path / "tmp" / "fathom") == []
    tester("--codeblocks docs")
    assert len(stored(tmp_path / "tmp" / "fathom")) == 2


def test_what_tests_want_to_be_run(tmp_path: Path) -> None:
    """Each path up to the last cell that a test of it wants; chapters whole that are needed or wanted whole."""
    (tmp_path / "docs").mkdir()
    region = f"<!-- DEEP -->{fences('2')}<!-- /DEEP -->\n"
    for name, front in (("a", ""), ("b", ""), ("c", "---\nneeds: b\n---\n")):
        (tmp_path / "docs" / f"{name}.md").write_text(f"{front}{fences('1')}\n{region}{fences('3', '4')}")
    manner = Manner(tmp_path / "store", reuse=False, audit=0, seed=0, alone=True)
    site = Site(build(tmp_path, tmp_path / "docs", {}, Span("mkdocs.yml", 1)), manner)
    a, b, c = (f"docs/{name}.md" for name in "abc")
    wants = [Want(a, ("DEEP",), 2), Want(a, ("DEEP",), 1), Want(b, ("DEEP",), 0), Want(c, ("SHALLOW", "DEEP"), 0)]
    assert site._parts(wants, [a, b, c]) == {a: {"DEEP": 3}, c: {"SHALLOW": 1, "DEEP": 1}}
    assert site._parts([*wants, Want(c)], [a, b, c]) == {a: {"DEEP": 3}}
    assert site._parts([Want(a, ("SHALLOW",), 3), Want(a, (), 9)], [a]) == {a: {"SHALLOW": 3}}


def test_all_of_a_chapter_is_run_for_those_that_need_it(tester: Tester) -> None:
    """A part of it might publish nothing."""
    publish = fences("1", "from mkdocs_fathom import artifacts\nartifacts.publish('x').write_text('abc')")
    load = "---\nneeds: a\n---\n" + fences("from mkdocs_fathom import artifacts\nopen(artifacts.load('x')).read()")
    said = tester(["--codeblocks", "docs", "-k", "line and (2 or 5)"], docs__a=publish, docs__b=load)
    assert "2 passed, 3 deselected" in said


def test_report_of_each_cell(tester: Tester, tmp_path: Path) -> None:
    """Its own seconds, its file and line, and what it printed; whichever test comes first runs them all."""
    page = fences("import time; time.sleep(0.2); print('one')", "2", "time.sleep(0.4); print(1 / 0)")
    tester("--codeblocks docs --junitxml=j.xml -o junit_family=xunit1 -o junit_logging=all", 1, docs__a=page)
    cases = {case.get("name"): case for case in ET.parse(tmp_path / "j.xml").iter("testcase")}  # noqa: S314 - our own
    assert [(name, case.get("file"), case.get("line")) for name, case in cases.items()] == [
        ("line 2", "docs/a.md", "1"),
        ("line 6", "docs/a.md", "5"),
        ("line 10", "docs/a.md", "9"),
        ("census", "docs/a.md", "0"),
    ]
    seconds = {name: float(case.get("time") or 0) for name, case in cases.items()}
    assert seconds["line 2"] >= 0.2 > seconds["line 6"]
    assert seconds["line 10"] >= 0.4 > seconds["census"]
    assert "one" in (cases["line 2"].findtext("system-out") or "")
    failure = cases["line 10"].find("failure")
    assert failure is not None
    assert failure.get("message") == "ZeroDivisionError: division by zero"
    assert "docs/a.md:11:1: ZeroDivisionError: division by zero" in (failure.text or "")


def test_summary_and_short_tracebacks(tester: Tester) -> None:
    """A line each, with the author's line and what happened."""
    said = tester("--codeblocks docs --tb=line -rf", 1, docs__a=CHAPTER)
    assert "docs/a.md:9: AssertionError [deep]" in said
    assert "FAILED docs/a.md::line 8 [deep] - AssertionError [deep]" in said
    assert "Captured" not in said


def test_what_a_failed_cell_printed(tester: Tester) -> None:
    """It stands below, as pytest shows what any test prints, and can be left out."""
    page = fences("import sys\nprint('so far')\nprint('aside', file=sys.stderr)\n1 / 0")
    said = tester("--codeblocks docs", 1, docs__a=page)
    assert re.search(r"- Captured stdout call -+\nso far\n-+ Captured stderr call -+\naside\n", said)
    assert "Captured" not in tester("--codeblocks docs --show-capture=no", 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order(tester: Tester, tmp_path: Path, seed: int) -> None:
    """As pytest-randomly shuffles tests; the cache provider may be missing, too."""
    (tmp_path / "conftest.py").write_text(SHUFFLE.format(seed=seed))
    need = "---\nneeds: a\n---\n" + fences("1")
    said = tester("--codeblocks docs -p no:cacheprovider", 1, docs__a=CHAPTER, docs__b=need, docs__c=fences("1", "2"))
    assert "1 failed, 6 passed, 3 skipped" in said


@pytest.mark.parametrize("arguments", ["-n 2", "-n 2 --dist loadgroup", "-n 2 --dist worksteal"])
def test_spread_over_workers(tester: Tester, tmp_path: Path, arguments: str) -> None:
    """A chapter stays on one worker, other tests are dealt out; the same pass and fail in each way."""
    (tmp_path / "test_x.py").write_text("def test_1(): pass\ndef test_2(): pass\n")
    said = tester(f"--codeblocks {arguments} -vv docs test_x.py", 1, docs__a=CHAPTER, docs__b=fences("1", "2", "3"))
    assert "1 failed, 9 passed, 1 skipped" in said
    workers = {(worker, page) for worker, page in re.findall(r"\[(gw\d)\].* docs/(\w)\.md::", said)}
    assert len(workers) == 2, said


def test_an_included_cell_has_its_own_place(tester: Tester, tmp_path: Path) -> None:
    """Its file and line, each time that it is included."""
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets" / "part.md").write_text("\n```python\n1 / 0\n```\n")
    include = '--8<-- "part.md"\n'
    said = tester("--codeblocks docs -rf", 1, docs__a=f"# A\n\n{include}\n{include}")
    assert "FAILED docs/a.md::snippets/part.md line 2 - ZeroDivisionError: division by zero" in said
    assert ">    3 | 1 / 0" in said
    said = tester("--codeblocks docs --collect-only")
    assert said.splitlines()[1] == "docs/a.md::snippets/part.md line 2 #2"


def test_marks_of_the_front_matter(tester: Tester) -> None:
    """They select all cells of a chapter."""
    page = "---\npytestmark: pytest.mark.slow\n---\n" + fences("1", "2")
    assert "2 passed, 3 deselected" in tester("--codeblocks docs -m slow", docs__a=page, docs__b=fences("1"))


def test_site_store(tester: Tester, tmp_path: Path) -> None:
    """By default everything is run anew; `--fathom-cache` uses what is stored, says so, and adds what is not."""
    page = fences("import sys\nprint(sys.maxsize)")
    tester("--codeblocks docs", docs__a=page, docs__b=page)
    assert stored(tmp_path / ".cache" / "fathom") == []
    assert "fathom: 2 cells run\n" in tester("--codeblocks docs --fathom-cache")
    said = tester("--codeblocks docs --fathom-cache -n 2", docs__b=fences("2"))
    assert "fathom: 1 cell run, 1 cell cached\n" in said
    assert len(stored(tmp_path / ".cache" / "fathom")) == 6


FLIP = """\
import datetime
from mkdocs_fathom import artifacts
print("the same" if {what} else datetime.datetime.now().isoformat())
"""


@pytest.mark.parametrize("workers", ["", "-n 2"])
def test_audit(tester: Tester, workers: str) -> None:
    """A share of the chapters is run again: the same for the same seed. What then differs fails at its cell."""
    pages = {f"docs__{name}": fences("1", FLIP.format(what=name != "b")) for name in "abcdef"}
    tester("--codeblocks docs --fathom-cache", **pages)
    assert "12 cells cached" in tester(f"--codeblocks docs --fathom-cache {workers}")
    said = tester(f"--codeblocks docs --fathom-audit=100% --fathom-audit-seed=3 -v {workers}", 1)
    assert "100% of the chapters run again and are compared (--fathom-audit-seed=3)" in said
    assert "docs/b.md:6:1: this cell is stored with another output than it has when run anew" in said
    assert "1 failed, 17 passed" in said
    assert "12 cells audited (--fathom-audit-seed=3)" in said
    some = ["--codeblocks", "docs", "--fathom-audit=40%", "--fathom-audit-seed=5", "-k", "not b.md", *workers.split()]
    assert "6 cells cached, 4 cells audited" in tester(some)


def test_audit_of_what_fails_now(tester: Tester, tmp_path: Path) -> None:
    """It is shown as any failure."""
    flag = tmp_path / "flag"
    page = fences(f"import os\nassert os.stat({str(tmp_path)!r}) and not os.access({str(flag)!r}, os.F_OK)")
    tester("--codeblocks docs --fathom-cache", docs__a=page)
    flag.touch()
    assert "2 passed" in tester("--codeblocks docs --fathom-cache")
    said = tester("--codeblocks docs --fathom-audit=0.5", 1)
    assert "docs/a.md:4:1: AssertionError" in said


@pytest.mark.parametrize("share", ["0", "200%", "x"])
def test_share_that_is_none(tester: Tester, tmp_path: Path, share: str) -> None:
    """It is refused before anything is collected."""
    assert tester(f"--codeblocks . --fathom-audit={share}", 4) == ""


LIBRARY = """\
def f(x):
    if x:
        return 1
    return 2


def g():
    return 3
"""


@pytest.mark.parametrize("workers", ["", "-n 2"])
def test_coverage(tester: Tester, tmp_path: Path, workers: str) -> None:
    """Lines that cells run count, on every path, and in cells before one that fails."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "part.py").write_text(LIBRARY)
    page = fences("from lib.part import f\nf(0)") + f"\n<!-- DEEP -->{fences('f(1)', '1 / 0')}<!-- /DEEP -->\n"
    said = tester(
        f"--codeblocks docs --cov=lib --cov-report=term-missing {workers}", 1, docs__a=page, docs__b=fences("1")
    )
    assert re.search(r"lib/part\.py +6 +1 +83% +8\n", said)
    assert "1 failed, 5 passed" in said
    assert list(tmp_path.glob(".coverage.*")) == []


def test_coverage_of_stored_results(tester: Tester) -> None:
    """What does not run is not counted: that is said."""
    said = tester("--codeblocks docs --fathom-cache --cov=lib -v --cov-report=", docs__a=fences("1"))
    assert "fathom: results that the store has are used; coverage counts what runs now" in said
