"""The pytest adapter, as it is used: `pytest --codeblocks docs` in a process of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MKDOCS = "site_name: Test\nplugins: [fathom: {preload: [IPython]}]\n"
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that writes files, given by name, and returns what pytest says of them, without seconds.

    A name with `__` stands for a path; `docs__a` for `docs/a.md`.
    """
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")

    def pytest_(arguments: str | list[str], code: int = 0, **files: str) -> str:
        for name, text in {"mkdocs": MKDOCS, **files}.items():
            file = tmp_path / (name.replace("__", "/") + (".yml" if name == "mkdocs" else ".md"))
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        words = arguments.split() if isinstance(arguments, str) else arguments
        command = [sys.executable, "-m", "pytest", "-q", "--basetemp", str(tmp_path / "tmp"), *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return re.sub(r"\d+\.\d\ds", "N s", done.stdout)

    return pytest_


def fences(*sources: str) -> str:
    return "".join(f"\n```python\n{source}\n```\n" for source in sources)


CHAPTER = f"# Page\n{fences('x = 1')}\n<!-- DEEP -->{fences('assert x == 2')}<!-- /DEEP -->\n{fences('x')}"


def test_items(run: Run) -> None:
    """There is an item for each cell and path, named by line and depth, and the census; collecting runs nothing."""
    page = CHAPTER.replace("x = 1", "open('ran', 'w')")
    said = run("--codeblocks docs --collect-only", docs__a=page, docs__b="# No code\n")
    assert said.splitlines()[:6] == [
        "docs/a.md::line 3 [shallow]",
        "docs/a.md::line 3 [deep]",
        "docs/a.md::line 8 [deep]",
        "docs/a.md::line 13 [shallow]",
        "docs/a.md::line 13 [deep]",
        "docs/a.md::census",
    ]
    assert "6 tests collected" in said


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
    10 | ```
    11 | <!-- /DEEP -->
"""


def test_failure(run: Run) -> None:
    """A failure shows the chapter's own line and the source around it; later cells of the path are skipped."""
    said = run("--codeblocks docs -rs", 1, docs__a=CHAPTER)
    assert FAILURE in said
    assert "docs/a.md:13: blocked by line 8" in said
    assert "1 failed, 4 passed, 1 skipped" in said


def test_selection(run: Run) -> None:
    """`-k`, `-x` and a node's id choose items; a cell's chapter runs whole."""
    assert "2 passed, 4 deselected" in run("--codeblocks docs -k shallow", docs__a=CHAPTER)
    assert "1 failed, 2 passed" in run("--codeblocks docs -x", 1)
    assert "1 passed" in run(["--codeblocks", "docs/a.md::line 13 [shallow]"])


@pytest.mark.parametrize("arguments", ["--codeblocks docs -n 2", "--codeblocks docs -n 2 --dist loadfile"])
def test_workers(run: Run, arguments: str) -> None:
    """Under pytest-xdist the same items pass and fail."""
    said = run(arguments, 1, docs__a=CHAPTER, docs__b=CHAPTER.replace("x == 2", "x == 1"))
    assert "FAILED docs/a.md::line 8 [deep]" in said
    assert "1 failed, 10 passed, 1 skipped" in said


def test_last_failed(run: Run) -> None:
    """`--lf` finds the item that failed again."""
    run("--codeblocks docs", 1, docs__a=CHAPTER)
    assert "1 failed in" in run("--codeblocks docs --lf", 1)


def test_exempt_cells(run: Run) -> None:
    """An exempt cell is skipped with its reason; one that may fail passes; other marks select."""
    page = (
        '# Page\n\n```python exec="false" reason="shown only"\n1 / 0\n```\n'
        f"\n<!--pytest.mark.skip(reason='not now')-->\n{fences('1 / 0')}"
        f"\n<!--pytest.mark.xfail-->\n{fences('1 / 0')}"
        f"\n<!--pytest.mark.slow-->\n{fences('1')}"
    )
    said = run("--codeblocks docs -rs", docs__a=page)
    assert "docs/a.md:3: exempt: shown only" in said
    assert "docs/a.md:9: exempt: not now" in said
    assert "5 passed, 4 skipped" in said
    assert "2 passed, 7 deselected" in run("--codeblocks docs -m slow")


def test_unknown_mark(run: Run) -> None:
    """A mark that pytest refuses is an error of the chapter, at its line."""
    page = f"# Page\n\n<!--pytest.mark.fast-->\n{fences('1')}"
    said = run("--codeblocks docs --strict-markers", 2, docs__a=page)
    assert "docs/a.md:5:1: the mark `pytest.mark.fast` cannot be used: 'fast' not found in `markers`" in said


def test_wrong_chapter(run: Run) -> None:
    """A chapter that cannot be read is a collection error with its line; the other chapters are tested."""
    said = run("--codeblocks docs --continue-on-collection-errors", 1, docs__a=CHAPTER, docs__b="<!-- DEEP -->\n")
    assert "ERROR collecting docs/b.md" in said
    assert "docs/b.md:1:1: `<!-- DEEP -->` is never closed" in said
    assert "1 failed, 4 passed, 1 skipped, 1 error" in said
    said = run("--codeblocks docs", 2, docs__a=f"# Page\n{fences('1 +')}", docs__b="# Page\n")
    assert "docs/a.md:4:4: SyntaxError: invalid syntax" in said


def test_wrong_needs(run: Run) -> None:
    """What is wrong with a chapter's needs is a collection error of that chapter."""
    said = run("--codeblocks docs", 2, docs__a="---\nneeds: c\n---\n" + fences("1"), docs__b=fences("1"))
    assert "docs/a.md:2:8: no chapter `c` to need" in said
    said = run("--codeblocks docs", 2, docs__a="---\nneeds: b\n---\n" + fences("1"), docs__b="<!-- DEEP -->\n")
    assert "docs/b.md:1:1: `<!-- DEEP -->` is never closed" in said


def test_needs(run: Run) -> None:
    """A selected chapter brings those that it needs with it; if one fails, the first cell says so."""
    publish = fences("from mkdocs_fathom import artifacts\nartifacts.publish('x').write_text('abc')")
    load = "---\nneeds: a\n---\n" + fences("from mkdocs_fathom import artifacts\nartifacts.load('x')", "1")
    assert "5 passed, 3 deselected" in run("--codeblocks docs -k b.md", docs__a=publish, docs__b=load)
    said = run("--codeblocks docs -k b.md", 1, docs__a=fences("1 / 0"))
    assert "docs/b.md:2:8: not run: `docs/a.md`, which it needs, failed" in said
    assert "2 failed, 1 passed, 2 skipped, 3 deselected" in said


def test_wrong_site(run: Run) -> None:
    """A mistake in `mkdocs.yml` is shown with its line."""
    said = run("--codeblocks docs", 2, docs__a=CHAPTER, mkdocs="plugins:\n  - fathom:\n      tmeout: 3\n")
    assert "mkdocs.yml:3:7: unknown option `tmeout` of fathom" in said


def test_files_outside_the_site(run: Run) -> None:
    """Other Markdown files still go to pytest-codeblocks; so does a site that does not use Fathom."""
    said = run("--codeblocks -vv .", docs__a=fences("1"), README=fences("2"))
    assert "docs/a.md::line 2 [deep] PASSED" in said
    assert "README.md::line 2 PASSED" in said
    said = run("--codeblocks -vv .", mkdocs="site_name: fathom\n")
    assert "docs/a.md::line 2 PASSED" in said


def test_census(run: Run, tmp_path: Path) -> None:
    """A fence that was passed over fails the chapter's census."""
    (tmp_path / "conftest.py").write_text(
        "from collections import Counter\nfrom mkdocs_fathom.parsing import census\n"
        "census.count = lambda lines: Counter(python=2)\n"
    )
    said = run("--codeblocks docs", 1, docs__a=fences("1"))
    assert "of 2 fences of Python, 1 ran and 0 are exempt" in said
    assert "FAILED docs/a.md::census" in said


@pytest.mark.parametrize(("arguments", "code"), [("docs", 5), ("-p no:codeblocks docs", 5)])
def test_without_the_option(run: Run, arguments: str, code: int) -> None:
    """Without `--codeblocks`, or without the plugin that brings it, nothing is collected and nothing goes wrong."""
    assert "no tests ran" in run(arguments, code, docs__a=CHAPTER)


def test_three_depths(tmp_path: Path) -> None:
    """Each of a site's own depths is tested."""
    shutil.copytree(Path(__file__).parents[1] / "sites" / "three-depths", tmp_path, dirs_exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-vv", "--codeblocks", "docs", "--basetemp", str(tmp_path / "tmp")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
    passed = re.findall(r"docs/index\.md::(.+) PASSED", done.stdout)
    assert passed == [
        "line 3 [shallow]",
        "line 3 [deep]",
        "line 3 [expert]",
        "line 8 [shallow]",
        "line 14 [deep]",
        "line 20 [expert]",
        "line 25 [shallow]",
        "line 25 [deep]",
        "line 25 [expert]",
        "census",
    ]


def test_a_blocked_cell_alone_tells_why(run: Run) -> None:
    """Where the culprit's test was not chosen, nobody else would tell: the run must not pass."""
    said = run(["--codeblocks", "docs", "-k", "line and 6"], 1, docs__a=fences("1 / 0", "pass"))
    assert "docs/a.md:3:1: ZeroDivisionError: division by zero" in said
    assert "2 failed, 3 deselected" in said


def test_depths_that_disagree_about_an_artifact(run: Run) -> None:
    """What ends a build fails a test, too."""
    publish = "from mkdocs_fathom import artifacts\nartifacts.publish('w.txt').write_text({!r})"
    regions = "\n".join(f"<!-- {d} -->\n{fences(publish.format(d))}\n<!-- /{d} -->" for d in ("SHALLOW", "DEEP"))
    said = run("--codeblocks docs", 1, docs__a=regions)
    assert "the artifact `w.txt` is published with different contents at different depths" in said
    assert "1 failed, 2 passed" in said


def test_every_ending_of_a_page(run: Run, tmp_path: Path) -> None:
    """A chapter with another of MkDocs' endings is not left out."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "b.markdown").write_text(fences("1 / 0"), encoding="utf-8")
    config = "site_name: Test\nplugins: [fathom: {preload: [IPython], chapters: ['*.md', '*.markdown']}]\n"
    said = run("--codeblocks docs", 1, docs__a=fences("1"), mkdocs=config)
    assert "docs/b.markdown:3:1: ZeroDivisionError" in said
