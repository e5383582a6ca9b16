"""The pytest adapter, as it is used: `pytest --codeblocks docs` in a process of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sessions import CHAPTER, Tester, fences


def test_items(tester: Tester) -> None:
    """There is an item for each cell and each way in which it runs, and the census; collecting runs nothing."""
    page = CHAPTER.replace("x = 1", "1 / 0")
    said = tester("--codeblocks docs --collect-only", docs__a=page, docs__b="# No code\n")
    assert said.splitlines()[:5] == [
        "docs/a.md::line 3",
        "docs/a.md::line 8 [deep]",
        "docs/a.md::line 13 [shallow]",
        "docs/a.md::line 13 [deep]",
        "docs/a.md::census",
    ]
    assert "5 tests collected" in said


FAILURE = """\
docs/a.md:9:1: AssertionError [deep]
  What the cell claims does not hold: mend the code, or the claim.
    Traceback (most recent call last):
      File "docs/a.md", line 9, in <module>
        assert x == 2
               ^^^^^^
    AssertionError

     7 | <!-- DEEP -->
     8 | ```python
>    9 | assert x == 2
       |        ^^^^^^
    10 | ```
    11 | <!-- /DEEP -->
"""


def test_failure(tester: Tester) -> None:
    """A failure shows the chapter's own line and the source around it; later cells of the path are skipped."""
    said = tester("--codeblocks docs -rs", 1, docs__a=CHAPTER)
    assert FAILURE in said
    assert "docs/a.md:13: blocked by line 8: AssertionError [deep]" in said
    assert "1 failed, 3 passed, 1 skipped" in said


def test_selection(tester: Tester) -> None:
    """`-k`, `-x` and a node's id choose items; a cell's chapter runs whole."""
    assert "2 passed, 3 deselected" in tester("--codeblocks docs -k shallow", docs__a=CHAPTER)
    assert "1 failed, 1 passed" in tester("--codeblocks docs -x", 1)
    assert "1 passed" in tester(["--codeblocks", "docs/a.md::line 13 [shallow]"])


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("line 12 [shallow]", "`line 13 [shallow]`, `line 13 [deep]`, `line 8 [deep]`"),
        ("line 4", "`line 3`, `line 8 [deep]`, `line 13 [shallow]`"),
        ("cencus", "`census`, "),
    ],
)
def test_a_name_that_is_not_there(tester: Tester, tmp_path: Path, name: str, near: str) -> None:
    """Lines move with every edit: the nearest tests are named."""
    tester("--codeblocks --collect-only", docs__a=CHAPTER)
    words = [sys.executable, "-m", "pytest", "-q", "--codeblocks", f"docs/a.md::{name}"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"Nearest in a.md: {near}" in done.stderr
    assert "`--collect-only -q` lists all." in done.stderr


@pytest.mark.parametrize("arguments", ["--codeblocks docs -n 2", "--codeblocks docs -n 2 --dist loadfile"])
def test_workers(tester: Tester, arguments: str) -> None:
    """Under pytest-xdist the same items pass and fail."""
    said = tester(arguments, 1, docs__a=CHAPTER, docs__b=CHAPTER.replace("x == 2", "x == 1"))
    assert "FAILED docs/a.md::line 8 [deep]" in said
    assert "1 failed, 8 passed, 1 skipped" in said


def test_last_failed(tester: Tester) -> None:
    """`--lf` finds the item that failed again."""
    tester("--codeblocks docs", 1, docs__a=CHAPTER)
    assert "1 failed in" in tester("--codeblocks docs --lf", 1)


def test_exempt_cells(tester: Tester) -> None:
    """An exempt cell is skipped with its reason; one that may fail passes; other marks select."""
    page = (
        '# Page\n\n```python exec="false" reason="shown only"\n1 / 0\n```\n'
        f"\n<!--pytest.mark.skip(reason='not now')-->\n{fences('1 / 0')}"
        f"\n<!--pytest.mark.xfail-->\n{fences('1 / 0')}"
        f"\n<!--pytest.mark.slow-->\n{fences('1')}"
    )
    said = tester("--codeblocks docs -rs", docs__a=page)
    assert "docs/a.md:3: exempt: shown only" in said
    assert "docs/a.md:9: exempt: not now" in said
    assert "2 passed, 2 skipped, 1 xfailed" in said
    assert "1 passed, 4 deselected" in tester("--codeblocks docs -m slow")


def test_unknown_mark(tester: Tester) -> None:
    """A mark that pytest refuses is an error of the chapter, at its line."""
    page = f"# Page\n\n<!--pytest.mark.fast-->\n{fences('1')}"
    said = tester("--codeblocks docs --strict-markers", 2, docs__a=page)
    assert "docs/a.md:5:1: the mark `pytest.mark.fast` cannot be used: 'fast' not found in `markers`" in said


def test_wrong_chapter(tester: Tester) -> None:
    """A chapter that cannot be read is a collection error with its line; the other chapters are tested."""
    said = tester("--codeblocks docs --continue-on-collection-errors", 1, docs__a=CHAPTER, docs__b="<!-- DEEP -->\n")
    assert "ERROR collecting docs/b.md" in said
    assert "docs/b.md:1:1: `<!-- DEEP -->` is never closed" in said
    assert "1 failed, 3 passed, 1 skipped, 1 error" in said
    said = tester("--codeblocks docs", 2, docs__a=f"# Page\n{fences('1 +')}", docs__b="# Page\n")
    assert "docs/a.md:4:4: SyntaxError: invalid syntax" in said


def test_wrong_needs(tester: Tester) -> None:
    """What is wrong with a chapter's needs is a collection error of that chapter."""
    said = tester("--codeblocks docs", 2, docs__a="---\nneeds: c\n---\n" + fences("1"), docs__b=fences("1"))
    assert "docs/a.md:2:8: no chapter `c` to need" in said
    said = tester("--codeblocks docs", 2, docs__a="---\nneeds: b\n---\n" + fences("1"), docs__b="<!-- DEEP -->\n")
    assert "docs/b.md:1:1: `<!-- DEEP -->` is never closed" in said
    assert "1 error" in said
    said = tester("--codeblocks docs --continue-on-collection-errors -rs", 1)
    assert "docs/a.md:5: blocked by docs/b.md:1: `<!-- DEEP -->` is never closed" in said
    assert "2 skipped, 1 error" in said
    said = tester("--codeblocks docs/a.md", 1)
    assert "docs/b.md:1:1: `<!-- DEEP -->` is never closed" in said
    assert "2 failed" in said


def test_a_need_that_is_misspelt(tester: Tester) -> None:
    """The hint knows all chapters, as the build's does."""
    page = "---\nneeds: chaptr-one\n---\n" + fences("1")
    said = tester("--codeblocks docs", 2, docs__b=page, **{"docs__chapter-one": fences("1")})
    assert "docs/b.md:2:8: no chapter `chaptr-one` to need\n  Did you mean `chapter-one`?" in said.replace("E   ", "")


def test_needs(tester: Tester) -> None:
    """A selected chapter brings those that it needs with it; if one fails, its dependents are blocked by it."""
    publish = fences("from mkdocs_fathom import artifacts\nartifacts.publish('x').write_text('abc')")
    load = "---\nneeds: a\n---\n" + fences("from mkdocs_fathom import artifacts\nartifacts.load('x')", "1")
    assert "3 passed, 2 deselected" in tester("--codeblocks docs -k b.md", docs__a=publish, docs__b=load)
    said = tester("--codeblocks docs -k b.md", 1, docs__a=fences("1 / 0"))
    assert "docs/a.md:3:1: ZeroDivisionError: division by zero" in said
    assert "3 failed, 2 deselected" in said
    said = tester("--codeblocks docs -rs", 1)
    assert "docs/b.md:5: blocked by docs/a.md:3: ZeroDivisionError: division by zero" in said
    assert "1 failed, 1 passed, 3 skipped" in said


def test_wrong_site(tester: Tester) -> None:
    """A mistake in `mkdocs.yml` is shown with its line."""
    said = tester("--codeblocks docs", 2, docs__a=CHAPTER, mkdocs="plugins:\n  - fathom:\n      tmeout: 3\n")
    assert "mkdocs.yml:3:7: unknown option `tmeout` of fathom" in said


def test_files_outside_the_site(tester: Tester) -> None:
    """Other Markdown files still go to pytest-codeblocks; so does a site that does not use Fathom."""
    said = tester("--codeblocks -vv .", docs__a=fences("1"), README=fences("2"))
    assert "docs/a.md::line 2 PASSED" in said
    assert "README.md::line 2 PASSED" in said
    said = tester("--codeblocks -vv .", mkdocs="site_name: fathom\n")
    assert "docs/a.md::line 2 PASSED" in said


def test_census(tester: Tester, tmp_path: Path) -> None:
    """A fence that was passed over fails the chapter's census."""
    (tmp_path / "conftest.py").write_text(
        "from collections import Counter\nfrom mkdocs_fathom.parsing import census\n"
        "census.count = lambda lines: Counter(python=2)\n"
    )
    said = tester("--codeblocks docs", 1, docs__a=fences("1"))
    assert "of 2 fences of Python, 1 ran and 0 are exempt" in said
    assert "FAILED docs/a.md::census" in said


@pytest.mark.parametrize(("arguments", "code"), [("docs", 5), ("-p no:codeblocks docs", 5)])
def test_without_the_option(tester: Tester, arguments: str, code: int) -> None:
    """Without `--codeblocks`, or without the plugin that brings it, nothing is collected and nothing goes wrong."""
    assert "no tests ran" in tester(arguments, code, docs__a=CHAPTER)


def test_three_depths(tmp_path: Path) -> None:
    """Each of a site's own depths is tested."""
    shutil.copytree(Path(__file__).parents[1] / "sites" / "three-depths", tmp_path, dirs_exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-vv", "--codeblocks", "docs", "--basetemp", str(tmp_path / "tmp")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
    passed = re.findall(r"docs/index\.md::(.+) PASSED", done.stdout)
    assert passed == [
        "line 3",
        "line 8 [shallow]",
        "line 14 [deep]",
        "line 20 [expert]",
        "line 25 [shallow]",
        "line 25 [deep]",
        "line 25 [expert]",
        "census",
    ]


def test_a_blocked_cell_alone_tells_why(tester: Tester) -> None:
    """Where the culprit's test was not chosen, nobody else would tell: the run must not pass."""
    said = tester(["--codeblocks", "docs", "-k", "line and 6"], 1, docs__a=fences("1 / 0", "pass"))
    assert "docs/a.md:3:1: ZeroDivisionError: division by zero" in said
    assert "1 failed, 2 deselected" in said


def test_depths_that_disagree_about_an_artifact(tester: Tester) -> None:
    """What ends a build fails a test, too."""
    publish = "from mkdocs_fathom import artifacts\nartifacts.publish('w.txt').write_text({!r})"
    regions = "\n".join(f"<!-- {d} -->\n{fences(publish.format(d))}\n<!-- /{d} -->" for d in ("SHALLOW", "DEEP"))
    said = tester("--codeblocks docs", 1, docs__a=regions)
    assert "the artifact `w.txt` is published with different contents at different depths" in said
    assert "1 failed, 2 passed" in said


def test_every_ending_of_a_page(tester: Tester, tmp_path: Path) -> None:
    """A chapter with another of MkDocs' endings is not left out."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "b.markdown").write_text(fences("1 / 0"), encoding="utf-8")
    config = "site_name: Test\nplugins: [fathom: {preload: [IPython], chapters: ['*.md', '*.markdown']}]\n"
    said = tester("--codeblocks docs", 1, docs__a=fences("1"), mkdocs=config)
    assert "docs/b.markdown:3:1: ZeroDivisionError" in said
