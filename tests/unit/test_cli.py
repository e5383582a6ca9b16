"""The command `fathom`: what it prints, and how it ends."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable
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
    result = fathom("run --json", a=page("1 / 0", "2"))
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
    assert json.loads(fathom("check --json").stdout) == {"problems": []}
    assert [cell["state"] for cell in json.loads(fathom("explain --json").stdout)["cells"]] == [
        "would run",
        "would run",
    ]
    assert json.loads(fathom("clean --json").stdout) == {"files": 0, "bytes": 0}
    result = fathom("check --json", a="<!-- DEEP -->\n")
    assert (result.exit_code, json.loads(result.stdout)["problems"][0]["span"]["line"]) == (1, 1)


def test_check(fathom: Fathom) -> None:
    """On a clean site a check prints nothing, and runs nothing."""
    assert told(fathom("check", a=page("1 / 0"))) == (0, "", "")
    said = "docs/a.md:1:1: `<!-- DEEP -->` is never closed\n  Add `<!-- /DEEP -->` where that reading ends.\n"
    assert told(fathom("check", a="<!-- DEEP -->\n\n" + page("1"))) == (1, "", said)
    said = "docs/a.md:2:8: no chapter `b` to need\n  Name a chapter by its file, with or without `.md`.\n"
    assert told(fathom("check", a="---\nneeds: b\n---\n")) == (1, "", said)
    result = fathom("check", a="The cafÃ© is open.\n")
    assert result.exit_code == 0
    assert result.stderr.startswith("docs/a.md:1:5: warning: ")


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


def test_check_twice_of_a_failing_chapter(fathom: Fathom) -> None:
    """What fails is told as such."""
    result = fathom("check --twice", a=page("1 / 0"))
    assert (result.exit_code, result.stderr.count("ZeroDivisionError: division by zero\n")) == (1, 2)


def test_audit(fathom: Fathom) -> None:
    """An audit says what it could not compare, and nothing where all is as stored."""
    result = fathom("check --audit", a=page("1"), b=page("2"))
    missing = "2 chapters not compared: nothing that holds is stored; `fathom run` comes first"
    assert (result.exit_code, result.stderr.splitlines()[0]) == (0, missing)
    fathom("run")
    code, out, err = told(fathom("check --audit"))
    assert (code, out, sorted(err.splitlines())) == (0, "", ["docs/a.md: 1 cell in N s", "docs/b.md: 1 cell in N s"])


def test_explain(fathom: Fathom) -> None:
    """Each cell has its answer: stored, or would run and why, or exempt and why."""
    deep = "\n<!-- DEEP -->\n```python\n2\n```\n<!-- /DEEP -->\n"
    exempt = '\n```python exec="false" reason="shown only"\n3\n```\n'
    text = page("1") + deep + exempt
    new = "it has not run without failure yet"
    assert fathom("explain", a=text).stdout.splitlines() == [
        f"docs/a.md:3: [shallow, deep] would run: {new}",
        f"docs/a.md:8: [deep] would run: {new}",
        "docs/a.md:13: [shallow, deep] exempt: shown only",
    ]
    fathom("run")
    assert fathom("explain docs/a.md").stdout.splitlines() == [
        "docs/a.md:3: [shallow, deep] stored",
        "docs/a.md:8: [deep] stored",
        "docs/a.md:13: [shallow, deep] exempt: shown only",
    ]
    changed = text.replace("\n2\n", "\n22\n")
    assert fathom("explain", a=changed, b=page("1")).stdout.splitlines() == [
        "docs/a.md:3: [shallow] stored",
        "docs/a.md:3: [deep] would run: the code of cell 2 changed (line 8)",
        "docs/a.md:8: [deep] would run: the code of cell 2 changed (line 8)",
        "docs/a.md:13: [shallow, deep] exempt: shown only",
        f"docs/b.md:3: [shallow, deep] would run: {new}",
    ]
    assert "docs/b.md" not in fathom("explain docs/a.md").stdout


def test_explain_needs(fathom: Fathom) -> None:
    """A chapter that needs a stale one may run: what it loads may turn out to be the same."""
    pages = {"a": page("1"), "b": "---\nneeds: a\n---\n" + page("2")}
    fathom("run", **pages)
    assert fathom("explain docs/b.md", a=page("11")).stdout == (
        "docs/b.md:6: [shallow, deep] may run: `docs/a.md`, which it needs, would run\n"
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("explain docs/none.md", "File 'docs/none.md' does not exist."),
        ("explain mkdocs.yml", "Error: not among the site's chapters: mkdocs.yml"),
        ("run --frsh", "Error: No such option"),
        ("rnu", "Error: No such command"),
        ("--verbose", "Error: `--verbose` goes with `--version`"),
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
    assert result.exit_code == 1
    assert result.stderr == (
        "mkdocs.yml:1:1: cannot read it: No such file or directory\n"
        "  Run this in the folder of `mkdocs.yml`, or name it with `-f`.\n"
    )


def test_named_site(fathom: Fathom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site elsewhere is named by its file; chapters by their path from here."""
    fathom("check", a=page("1"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "docs/a.md:3: " in CliRunner().invoke(cli.main, "explain -f ../mkdocs.yml ../docs/a.md".split()).stdout


def test_clean(fathom: Fathom) -> None:
    """Results are removed without a word; a folder that is not ours is left alone."""
    assert told(fathom("clean")) == (0, "", "")
    fathom("run", a=page("1"))
    assert Path(".cache/fathom").is_dir()
    assert told(fathom("clean")) == (0, "", "")
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
    for word in ("run", "check", "explain", "clean", "Ends with 0 if all is well"):
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
