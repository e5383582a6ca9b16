"""The command `fathom`: what it prints, and how it ends."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mkdocs_fathom import __version__, cli
from mkdocs_fathom.scheduling import schedule

CONFIG = "site_name: Test\nplugins: [fathom: {preload: [IPython]}]\n"


def page(*sources: str) -> str:
    return "# Page\n" + "".join(f"\n```python\n{source}\n```\n" for source in sources)


@pytest.fixture
def fathom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A function that writes pages, given by name, and runs a command in the site's folder."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)

    def invoke(command: str, **pages: str) -> Any:
        for name, text in pages.items():
            Path("docs", f"{name}.md").write_text(text, encoding="utf-8")
        return CliRunner().invoke(cli.main, command.split())

    return invoke


Fathom = Callable[..., Any]


def told(result: Any) -> tuple[int, str, str]:
    """How a command ended, and what it printed, without its seconds."""
    return result.exit_code, re.sub(r"\d+\.\d+ s", "N s", result.stdout), re.sub(r"\d+\.\d+ s", "N s", result.stderr)


def test_run(fathom: Fathom) -> None:
    """What ran is told in a line for each chapter and one for all; what is stored, in one line."""
    result = fathom("run", a=page("1", "2"), b=page("3"))
    code, out, err = told(result)
    assert (code, out) == (0, "")
    assert sorted(err.splitlines()) == [
        "2 chapters: 3 cells run, 0 cached, 0 exempt, in N s",
        "docs/a.md: 2 cells in N s",
        "docs/b.md: 1 cell in N s",
    ]
    assert told(fathom("run")) == (0, "", "2 chapters: 0 cells run, 3 cached, 0 exempt, in N s\n")
    assert "3 cells run, 0 cached" in fathom("run --fresh").stderr


FAILURE = """\
docs/a.md: 1 cell in N s, failed
docs/a.md:4:1: ZeroDivisionError: division by zero
  If the error is what you want to show, declare it: ```python raises="ZeroDivisionError".
    Traceback (most recent call last):
      File "docs/a.md", line 4, in <module>
        1 / 0
        ~~^~~
    ZeroDivisionError: division by zero
1 chapter: 1 cell run, 0 cached, 0 exempt, in N s
"""


def test_run_fails(fathom: Fathom) -> None:
    """A failing cell ends the command with 1, and is shown with its place, its traceback and a remedy."""
    assert told(fathom("run", a=page("1 / 0"))) == (1, "", FAILURE)


def test_json(fathom: Fathom) -> None:
    """For a machine, each command prints one JSON document and nothing else."""
    result = fathom("run --format json", a=page("1 / 0", "2"))
    report = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (1, "")
    assert {name: report[name] for name in ("chapters", "executed", "cached", "exempt")} == {
        "chapters": 1,
        "executed": 1,
        "cached": 0,
        "exempt": 0,
    }
    (problem,) = report["problems"]
    assert problem["span"] == {"path": "docs/a.md", "line": 4, "column": 1}
    assert problem["severity"] == "error"
    assert fathom("check --format json").stdout == '{"chapters": 1, "cells": 2, "mended": [], "problems": []}\n'
    assert [cell["state"] for cell in json.loads(fathom("explain --format json").stdout)["cells"]] == [
        "would run",
        "would run",
    ]
    assert json.loads(fathom("clean --format json").stdout) == {"files": 0, "bytes": 0}
    result = fathom("check --format json", a="<!-- DEEP -->\n")
    assert (result.exit_code, json.loads(result.stdout)["problems"][0]["span"]["line"]) == (1, 1)


NEVER_CLOSED = """\
docs/a.md:1:1: `<!-- DEEP -->` is never closed
  1 | <!-- DEEP -->
    | ^
  Add `<!-- /DEEP -->` where that reading ends.
1 chapter: 1 error
"""
NEEDS = """\
docs/a.md:2:8: no chapter `b` to need
  2 | needs: b
    |        ^
  Name a chapter by its file, with or without `.md`.
1 chapter: 1 error
"""
DAMAGED = """\
docs/a.md:1:5: warning: the text `cafÃ©` was decoded wrongly [mojibake]
  1 | The cafÃ© is open, ![](a.png)
    |     ^^^^^
  Write `café`.
docs/a.md:1:20: warning: an image without a text alternative [missing-alt]
  1 | The cafÃ© is open, ![](a.png)
    |                    ^
  Say what it shows, for those who cannot see it: `![Text](…)`.
1 chapter, 0 cells: 2 warnings; `fathom check --fix` mends 1 of them
"""


def test_check(fathom: Fathom) -> None:
    """A clean site takes one line, a finding its place and line; nothing is run, and warnings count."""
    assert told(fathom("check", a=page("1 / 0"))) == (0, "", "1 chapter, 1 cell: nothing to mend\n")
    assert told(fathom("check", a="<!-- DEEP -->\n\n" + page("1"))) == (1, "", NEVER_CLOSED)
    assert told(fathom("check", a="---\nneeds: b\n---\n")) == (1, "", NEEDS)
    assert told(fathom("check", a="The cafÃ© is open, ![](a.png)\n")) == (1, "", DAMAGED)


NOTEBOOK = """\
{"cells": [
  {"cell_type": "code", "metadata": {}, "outputs": [],
   "source": [
    "1"
   ]
  }
 ],
 "metadata": {}, "nbformat": 4, "nbformat_minor": 5
}
"""
JUPYTER = "plugins:\n  - fathom:\n      chapters: ['*.md', '*.ipynb']\n"


def test_check_of_a_notebook_without_a_page(fathom: Fathom) -> None:
    """What a build refuses, because nothing makes a page of it, a check does not pass over."""
    Path("docs", "lab.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    Path("mkdocs.yml").write_text(JUPYTER, encoding="utf-8")
    result = fathom("check", a="# A\n")
    what = "nothing makes a page of the notebook `docs/lab.ipynb`, which this option names"
    assert result.stderr.splitlines()[0] == f"mkdocs.yml:3:7: {what}"
    assert "  Install `mkdocs-jupyter` and add it to `plugins`." in result.stderr
    assert result.exit_code == 1
    for entry in ("  - mkdocs-jupyter\n", "  - mkdocs-jupyter: {include: ['*.ipynb']}\n"):
        Path("mkdocs.yml").write_text(JUPYTER + entry, encoding="utf-8")
        assert told(fathom("check")) == (0, "", "2 chapters, 1 cell: nothing to mend\n")


def test_check_tells_all_at_once(fathom: Fathom) -> None:
    """Errors of one chapter do not hide the warnings of another."""
    result = fathom("check", a="<!-- DEEP -->\n", b="![](a.png)\n")
    assert "docs/a.md:1:1: `<!-- DEEP -->` is never closed" in result.stderr
    assert "docs/b.md:1:1: warning: " in result.stderr
    assert result.stderr.endswith("2 chapters: 1 error and 1 warning\n")


def test_check_fix(fathom: Fathom) -> None:
    """What can be mended is, with a difference to read; the rest is told; a second time there is nothing to do."""
    result = fathom("check --fix", a="The cafÃ©, ![](a.png)\nfine\n")
    assert result.stdout == (
        "--- a/docs/a.md\n+++ b/docs/a.md\n@@ -1,2 +1,2 @@\n-The cafÃ©, ![](a.png)\n+The café, ![](a.png)\n fine\n"
    )
    assert result.stderr.startswith("docs/a.md:1:11: warning: an image without a text alternative")
    assert result.exit_code == 1
    assert Path("docs/a.md").read_text(encoding="utf-8") == "The café, ![](a.png)\nfine\n"
    assert fathom("check --fix", a="The cafÃ©\n").exit_code == 0
    assert told(fathom("check --fix")) == (0, "", "1 chapter, 0 cells: nothing to mend\n")
    report = json.loads(fathom("check --fix --format json", a="The cafÃ©\n").stdout)
    assert report == {"chapters": 1, "cells": 0, "mended": ["docs/a.md"], "problems": []}


def declared(source: str, *printed: str, prefix: str = "") -> str:
    lines = ["```python", source, "```", "<!--pytest-codeblocks:expected-output-->", "```", *printed, "```"]
    return "".join(f"{prefix}{line}\n" for line in lines)


def test_check_fix_of_declared_outputs(fathom: Fathom) -> None:
    """What a block declares becomes what its cell prints, behind any prefix; the rest of the file stays."""
    old = "# Page\n\n" + declared("print(1)", "0") + "cafÃ©\n\n" + declared("for i in 'ab': print(i)", prefix="> ")
    new = (
        "# Page\n\n"
        + declared("print(1)", "1")
        + "café\n\n"
        + declared("for i in 'ab': print(i)", "a", "b", prefix="> ")
    )
    result = fathom("check --fix", a=old)
    assert (result.exit_code, Path("docs/a.md").read_text(encoding="utf-8")) == (0, new)
    assert "-0\n+1\n" in result.stdout
    assert "+> a\n+> b\n" in result.stdout
    assert fathom("run").exit_code == 0
    result = fathom("check --fix")
    assert (result.stdout, Path("docs/a.md").read_text(encoding="utf-8")) == ("", new)


def test_check_fix_of_declared_outputs_that_nothing_can_mend(fathom: Fathom) -> None:
    """A cell that fails, and one that prints different things for different readers."""
    text = declared("1 / 0", "0")
    result = fathom("check --fix", a=text)
    assert (result.exit_code, result.stdout, Path("docs/a.md").read_text()) == (1, "", text)
    assert "ZeroDivisionError" in result.stderr
    text = "<!-- DEEP -->\n```python\nx = 1\n```\n<!-- /DEEP -->\n" + declared("print('x' in globals())", "0")
    result = fathom("check --fix", a=text)
    assert (result.exit_code, result.stdout, Path("docs/a.md").read_text()) == (1, "", text)
    assert result.stderr.count("does not print what this block expects") == 2


def test_check_fix_of_what_cannot_be_written(fathom: Fathom, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, and no traceback is shown."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    result = fathom("check --fix", a="The cafÃ©\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("docs/a.md:1:5: it cannot be mended: Permission denied\n")


def test_check_without_the_plugin(fathom: Fathom) -> None:
    """Markers of a site that does not use us would be comments, and nobody would be told."""
    Path("mkdocs.yml").write_text("site_name: Test\nplugins: [search]\n")
    text = "<!-- DEEP -->\nx\n<!-- /DEEP -->\n"
    said = "`fathom` is not among the plugins, so the markers of 1 chapter make no tabs"
    result = fathom("check", a=text)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"mkdocs.yml:2:1: warning: {said}\n  2 | plugins: [search]\n")
    assert "Add `- fathom` to `plugins`." in result.stderr
    assert fathom("check", a="no markers\n").exit_code == 0
    Path("mkdocs.yml").write_text("site_name: Test\n")
    assert "Add `plugins: [search, fathom]`." in fathom("check", a=text).stderr
    assert said in fathom("run").stderr
    both = "make no tabs and the cells of 2 chapters are shown and not run"
    assert both in fathom("check", a=text, b=page("1"), c=page("2")).stderr
    assert (
        "plugins, so the cells of 1 chapter are shown and not run"
        in fathom("check", a="x\n", b=page("1"), c="x\n").stderr
    )


def test_check_ignores(fathom: Fathom) -> None:
    """What the site, a page or a place has switched off is not told."""
    assert fathom("check", a="cafÃ©\n").exit_code == 1
    assert fathom("check", a="<!-- fathom: ignore mojibake -->\ncafÃ©\n").exit_code == 0
    Path("mkdocs.yml").write_text("plugins: [fathom: {ignore: [mojibake, missing-alt]}]\n")
    assert fathom("check", a="cafÃ© ![](a.png)\n").exit_code == 0
    Path("mkdocs.yml").write_text("plugins:\n  - fathom:\n      ignore: [mojibak]\n")
    assert "mkdocs.yml:3:7: warning: no rule `mojibak` to ignore\n" in fathom("check").stderr


def test_github(fathom: Fathom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations, with paths as the repository has them, and what would end a command escaped."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    result = fathom("check --format github", a="100 % ![](a.png)\n\n<!-- DEEP -->\n", b="![](b.png)\n")
    assert result.stdout == (
        "::error file=docs/a.md,line=3,col=1,title=Fathom::"
        "`<!-- DEEP -->` is never closed%0AAdd `<!-- /DEEP -->` where that reading ends.\n"
        "::warning file=docs/b.md,line=1,col=1,title=Fathom%3A missing-alt::an image without a text alternative"
        "%0ASay what it shows, for those who cannot see it: `![Text](…)`.\n"
    )
    assert result.exit_code == 1
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path.parent))
    assert f"file={tmp_path.name}/docs/a.md," in fathom("check --format github").stdout
    failed = fathom("run --format github", a=page("print('50 %')\n1 / 0"), b="")
    assert "::error " in failed.stdout
    assert "%0A  50 %25" in failed.stdout


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("import time\nprint(time.time_ns())", "output"),
        ("print(object())", "output"),
        ("import uuid\nprint(uuid.uuid4())", "output"),
        ("import os\nprint(os.getpid())", "output"),
        ("print({'a', 'b', 'c'})", None),
        ("import random\nprint(random.random())", None),
        (
            "import os\nfrom mkdocs_fathom import artifacts\nartifacts.publish('x').write_bytes(os.urandom(9))",
            "x",
        ),
    ],
)
def test_check_twice(fathom: Fathom, source: str, output: str | None) -> None:
    """Whatever differs from run to run is named; what the runner makes the same each time is not."""
    result = fathom("check --twice", a=page("1", source))
    named = {
        "output": "docs/a.md:7:1: this cell has another output in each run\n",
        "x": "docs/a.md:1:1: the artifact `x` has another content in each run\n",
    }
    assert result.exit_code == int(output is not None), result.stderr
    assert (named[output] in result.stderr) if output else ("another" not in result.stderr)
    how = "1 difference" if output else "all outputs are the same"
    assert f"everything run twice and compared: {how}" in result.stderr.splitlines()


def test_check_twice_of_a_failing_chapter(fathom: Fathom) -> None:
    """What fails is told as such."""
    result = fathom("check --twice", a=page("1 / 0"))
    assert (result.exit_code, result.stderr.count("ZeroDivisionError: division by zero\n")) == (1, 2)


CHOSEN = {
    "a": page("1"),
    "b": "---\nneeds: a\n---\n" + page("2"),
    "c": "![](c.png)\n" + page("3"),
}


def test_chapters_by_name(fathom: Fathom) -> None:
    """A command takes chapters as `needs:` names them, or as files; what they need belongs to them."""
    assert fathom("explain b", **CHOSEN).stdout == fathom("explain docs/b.md").stdout != fathom("explain").stdout
    assert fathom("run b").stderr.splitlines()[-1].startswith("2 chapters: 2 cells run")
    assert fathom("run docs/a.md b.md").stderr.startswith("2 chapters: 0 cells run, 2 cached")
    assert told(fathom("check b")) == (0, "", "2 chapters, 2 cells: nothing to mend\n")
    assert told(fathom("check c"))[2].endswith("1 chapter, 1 cell: 1 warning\n")
    assert fathom("export b").stdout.splitlines() == ["b.ipynb"]
    Path("docs/d.md").write_text("<!-- DEEP -->\n", encoding="utf-8")
    assert fathom("check a").exit_code == 0
    assert told(fathom("check d"))[2].endswith("1 chapter: 1 error\n")


def test_check_with_a_wrong_option(fathom: Fathom) -> None:
    """Its last line counts, as that of every check."""
    Path("mkdocs.yml").write_text("plugins: [fathom: {timeot: 3}]\n")
    assert fathom("check", a=page("1")).stderr.splitlines()[-1] == "1 error"


def test_help_of_commands(fathom: Fathom) -> None:
    """It says what holds for the command, and is not cut."""
    assert "GitHub" in fathom("check --help").stdout
    assert "GitHub" not in fathom("explain --help").stdout + fathom("list --help").stdout
    assert "..." not in "".join(fathom(command).stdout.partition("Commands:")[2] for command in ("--help", "new -h"))
    assert "this folder if not given" in " ".join(fathom("export --help").stdout.split())


def test_audit(fathom: Fathom) -> None:
    """An audit says what it could not compare, and nothing where all is as stored."""
    result = fathom("check --audit", a=page("1"), b=page("2"))
    missing = "2 chapters not compared: nothing that holds is stored; `fathom run` comes first"
    assert result.exit_code == 0
    assert missing in result.stderr.splitlines()
    fathom("run")
    code, out, err = told(fathom("check --audit"))
    ran = ["docs/a.md: 1 cell in N s", "docs/b.md: 1 cell in N s"]
    same = "everything run anew and compared with what is stored: all outputs are the same"
    assert (code, out, sorted(err.splitlines())) == (0, "", ["2 chapters, 2 cells: nothing to mend", *ran, same])


def test_explain(fathom: Fathom) -> None:
    """A line for each chapter, and one for each reason that some of its cells share."""
    deep = "\n<!-- DEEP -->\n```python\n2\n```\n<!-- /DEEP -->\n"
    exempt = '\n```python exec="false" reason="shown only"\n3\n```\n'
    text = page("1") + deep + exempt
    new = "it has not run without failure yet"
    assert fathom("explain", a=text).stdout.splitlines() == [
        "docs/a.md: 3 cells: 2 would run, 1 exempt",
        f"  line 3: {new}",
        f"  line 8 [deep]: {new}",
    ]
    fathom("run")
    assert fathom("explain docs/a.md").stdout == "docs/a.md: 3 cells: 2 stored, 1 exempt\n"
    changed = text.replace("\n2\n", "\n22\n")
    assert fathom("explain", a=changed, b=page("1")).stdout.splitlines() == [
        "docs/a.md: 3 cells: 2 would run, 1 exempt",
        "  lines 3, 8 [deep]: the code of cell 2 changed (line 8)",
        "docs/b.md: 1 cell: 1 would run",
        f"  line 3: {new}",
    ]
    assert "docs/b.md" not in fathom("explain docs/a.md").stdout
    (row,) = [row for row in json.loads(fathom("explain --format json").stdout)["cells"] if row["line"] == 13]
    assert (row["state"], row["exempt"]) == ("exempt", "shown only")


def test_explain_briefly(fathom: Fathom) -> None:
    """Many cells and many files are told in numbers; JSON has each of them."""
    names = "abcde"
    for name in names:
        Path(f"helper_{name}.py").write_text("X = 1\n")
    sources = [f"import helper_{name}" for name in names]
    fathom("run", a=page(*sources))
    for name in names:
        Path(f"helper_{name}.py").write_text("X = 22\n")
    result = fathom("explain", a=page(*(f"{source} as h" for source in sources)))
    assert result.stdout.splitlines() == [
        "docs/a.md: 5 cells: 5 would run",
        (
            "  5 cells, lines 3 to 19: 5 cells changed (from line 3 on); "
            "`helper_a.py`, `helper_b.py` and 3 more files changed"
        ),
    ]
    rows = json.loads(fathom("explain --format json").stdout)["cells"]
    assert "the code of cell 5 changed (line 19)" in rows[0]["reasons"]
    assert "`helper_e.py` changed" in rows[0]["reasons"]


def test_explain_needs(fathom: Fathom) -> None:
    """A chapter that needs a stale one may run: what it loads may turn out to be the same."""
    pages = {"a": page("1"), "b": "---\nneeds: a\n---\n" + page("2")}
    fathom("run", **pages)
    assert fathom("explain docs/b.md", a=page("11")).stdout.splitlines() == [
        "docs/b.md: 1 cell: 1 may run",
        "  line 6: `docs/a.md`, which it needs, would run",
    ]


LIST = """\
Chapter    Shallow: cells, minutes  Deep: cells, minutes          Ran last  Ran in  Publishes
docs/a.md                     1, 1                  2, 2  {}
docs/b.md                     0, 1                  0, 1                 –       –
"""


def test_list(fathom: Fathom) -> None:
    """Cells and minutes for each reader, when they ran last, seconds as long as results hold, what is published."""
    words = "word " * 300
    publish = "from mkdocs_fathom import artifacts\nartifacts.publish('x.bin').write_bytes(bytes(2048))"
    deep = f"\n<!-- DEEP -->\n{words}\n\n```python\n2\n```\n<!-- /DEEP -->\n"
    never = re.sub(" {8}(Ran|  *–  )", r"\1", LIST.format("               –   stale"))
    assert told(fathom("list", a=page(publish) + deep, b="text\n")) == (0, never, "")
    before = datetime.now(UTC).replace(microsecond=0)
    fathom("run")
    code, listed, _ = told(fathom("list"))
    assert code == 0
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "WHEN", listed) == LIST.format("WHEN   N s  x.bin (2 KiB)")
    row, _ = json.loads(fathom("list --format json").stdout)["chapters"]
    assert row.pop("seconds") > 0
    assert before <= datetime.fromisoformat(row.pop("ran")) <= datetime.now(UTC)
    assert row == {
        "path": "docs/a.md",
        "title": "Page",
        "cells": {"SHALLOW": 1, "DEEP": 2},
        "exempt": 0,
        "minutes": {"SHALLOW": 0.1, "DEEP": 1.7},
        "stored": True,
        "artifacts": [{"name": "x.bin", "size": 2048}],
    }


NEW = """\
docs/chapters/01-a-cafes-song.md is written. Next:
  `mkdocs serve` shows it while you write
  `fathom check` says in a second what is wrong
"""


def new(*words: str) -> Any:
    return CliRunner().invoke(cli.main, ["new", "chapter", *words])


def test_new_chapter(fathom: Fathom) -> None:
    """It passes every check as it stands, and runs."""
    assert told(new(" A café’s  song ")) == (0, NEW, "")
    file = Path("docs/chapters/01-a-cafes-song.md")
    assert file.read_text(encoding="utf-8").startswith("# A café’s song\n")
    assert told(fathom("check")) == (0, "", "1 chapter, 2 cells: nothing to mend\n")
    assert fathom("run").exit_code == 0


def test_new_chapter_takes_the_next_number(fathom: Fathom) -> None:
    """Where most numbered chapters are, as they are written; nothing is ever overwritten."""
    for name in ("docs/course/007_a.md", "docs/course/009_b.md", "docs/01-c.md"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("text\n")
    assert new("Twice").stdout.startswith("docs/course/010_twice.md is written.")
    assert new("Größe & Maß, Øre").stdout.startswith("docs/course/011_grosse-mass-ore.md is written.")
    Path("mkdocs.yml").write_text("nav: [a.md]\n")
    advice = new("机器 学习").stdout
    assert advice.startswith("docs/course/012_机器-学习.md is written.")
    assert "add `- fathom` to `plugins` in mkdocs.yml" in advice
    assert "add `- course/012_机器-学习.md` to `nav` in mkdocs.yml" in advice


def test_new_chapter_of_a_title_that_is_there(fathom: Fathom) -> None:
    """It is refused: who asks twice seldom wants two."""
    assert new("The median").exit_code == 0
    result = new("The Median!")
    assert result.exit_code == 2
    assert "`docs/chapters/01-the-median.md` has this title already: choose another" in result.stderr
    assert len(list(Path("docs/chapters").iterdir())) == 1


@pytest.mark.parametrize(
    ("chapters", "place"),
    [("[guide/**/*.md]", "docs/guide/01-x.md"), ("[guide/*/a.md]", None), ("['*.md']", None)],
)
def test_new_chapter_is_one_of_the_site(fathom: Fathom, chapters: str, place: str | None) -> None:
    """The first of a site goes where its option looks; a page that would be no chapter is not written."""
    Path("mkdocs.yml").write_text(f"plugins: [fathom: {{chapters: {chapters}}}]\n")
    result = new("X")
    assert result.exit_code == int(place is None)
    assert [file.as_posix() for file in Path("docs").rglob("*.md")] == ([place] if place else [])


def test_new_chapter_of_three_depths(fathom: Fathom) -> None:
    """Each depth has its region."""
    Path("mkdocs.yml").write_text("plugins: [fathom: {depths: [A, B, C]}]\n")
    assert new("X").exit_code == 0
    assert told(fathom("check")) == (0, "", "1 chapter, 3 cells: nothing to mend\n")
    assert fathom("run").exit_code == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("explain docs/aa.md", "Error: no chapter `docs/aa.md`; did you mean `docs/a.md`?"),
        ("run mkdocs.yml", "Error: no chapter `mkdocs.yml`"),
        ("check xyz", "Error: no chapter `xyz`\n"),
        ("export b", "Error: no chapter `b`\n"),
        ("run --frsh", "Error: No such option"),
        ("rnu", "Error: No such command"),
        ("--verbose", "Error: `--verbose` goes with `--version`"),
        ("check --format xml", "'xml' is not one of 'text', 'github', 'json'"),
        ("explain --format github", "'github' is not one of 'text', 'json'"),
        ("new chapter ?!", "Error: no letter or digit in the title `?!`"),
    ],
)
def test_usage_errors(fathom: Fathom, command: str, said: str) -> None:
    """A wrong command ends with 2."""
    result = fathom(command, a=page("1"))
    assert result.exit_code == 2
    assert said in result.stderr


def test_no_site(fathom: Fathom) -> None:
    """Outside a site, the remedy is named."""
    Path("mkdocs.yml").unlink()
    result = fathom("run")
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: there is no `{Path.cwd() / 'mkdocs.yml'}`\n"
        "  Run this in the folder of `mkdocs.yml`, or name it with `-f`.\n"
    )
    Path("mkdocs.yml").write_text("plugins: [fathom: {jobbs: 2}]\n")
    assert fathom("run").exit_code == 1


def test_named_site(fathom: Fathom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site elsewhere is named by its file; chapters by their path from here."""
    fathom("check", a=page("1"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert (
        "docs/a.md: 1 cell: 1 would run"
        in CliRunner().invoke(cli.main, "explain -f ../mkdocs.yml ../docs/a.md".split()).stdout
    )


def test_clean(fathom: Fathom) -> None:
    """Results are removed; a folder that is not ours is left alone."""
    assert told(fathom("clean")) == (0, "", "nothing stored\n")
    fathom("run", a=page("1"))
    assert Path(".cache/fathom").is_dir()
    assert told(fathom("clean")) == (0, "", "4 stored files removed\n")
    assert not Path(".cache/fathom").exists()
    Path("mkdocs.yml").write_text("plugins: [fathom: {cache: docs}]")
    result = fathom("clean")
    assert result.exit_code == 1
    assert "not a cache of Fathom: it has no `CACHEDIR.TAG` of ours\n  Check the option `cache`." in result.stderr
    assert Path("docs/a.md").is_file()


def test_version(fathom: Fathom) -> None:
    """The version, and with it what a bug report needs."""
    assert told(fathom("--version")) == (0, f"fathom {__version__}\n", "")
    lines = fathom("--version --verbose").stdout.splitlines()
    assert lines[0] == f"fathom {__version__}"
    assert re.match(r"Python 3\.\d+\.\d+", lines[1])
    assert "mkdocs 1." in "\n".join(lines)


def test_help(fathom: Fathom) -> None:
    """Without a command, help; it names the exit codes and every command."""
    result = fathom("")
    assert result.exit_code == 0
    assert result.stdout == fathom("--help").stdout
    for word in ("run", "check", "explain", "list", "new", "clean", "Ends with 0 if all is well"):
        assert word in result.stdout


def test_fault_of_ours(fathom: Fathom, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw does not look like the author's."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(schedule, "run", fail)
    result = fathom("run", a=page("1"))
    assert result.exit_code == 3
    assert result.stderr.startswith("Traceback (most recent call last):")
    assert result.stderr.endswith(
        "RuntimeError: boom\n"
        "fathom: this is a fault of Fathom, not of the site.\n"
        "  Please report it with the lines above and what `fathom --version --verbose` prints.\n"
    )


def test_reader_that_stops_reading(fathom: Fathom, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fathom explain | head` ends in silence."""

    def fail(*_: object, **__: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(schedule, "run", fail)
    result = fathom("run", a=page("1"))
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "")
