"""What other people's sites use of this repository: the hook for pre-commit, and the action for GitHub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from mkdocs_fathom import cli
from mkdocs_fathom.scheduling.chapters import PAGES

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
DEFAULTS = {name: given["default"] for name, given in ACTION["inputs"].items()}


def test_the_hook_is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pre-commit calls it, in the folder of a site."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("![](a.png)\n")
    (tmp_path / "mkdocs.yml").write_text("plugins: [fathom]\n")
    monkeypatch.chdir(tmp_path)
    program, *arguments = HOOK["entry"].split()
    assert program == "fathom"
    assert HOOK["pass_filenames"] is False
    assert CliRunner().invoke(cli.main, arguments).exit_code == 1


def test_the_hook_runs_when_a_page_changes() -> None:
    """Or the site's configuration; not when anything else does."""
    names = ["mkdocs.yml", "sub/mkdocs.yaml", *(f"docs/a{ending}" for ending in PAGES)]
    assert [name for name in names if not re.search(HOOK["files"], name)] == []
    assert [name for name in ("a.py", "amkdocs.yml", "docs/a.mdx") if re.search(HOOK["files"], name)] == []


def test_inputs_are_documented_and_used() -> None:
    """Each says what it is for, has a default, and is read by some step; no step reads another."""
    assert all(given["description"] and "default" in given for given in ACTION["inputs"].values())
    assert set(re.findall(r"inputs\.([a-z-]+)", str(STEPS))) == set(ACTION["inputs"])


@pytest.mark.parametrize("step", [step for step in STEPS if "run" in step], ids=lambda step: step["name"])
def test_scripts_take_inputs_as_variables(step: dict[str, Any]) -> None:
    """An input that is put into a script's text could run as a script."""
    assert "${{" not in step["run"]
    assert step["shell"] == "bash"


def test_the_same_versions_as_our_own_workflows() -> None:
    """What is brought up to date there is not forgotten here."""
    ours = "".join(file.read_text(encoding="utf-8") for file in (ROOT / ".github/workflows").glob("*.yml"))
    for step in STEPS:
        assert "uses" not in step or f"uses: {step['uses']}\n" in ours


@pytest.mark.parametrize(
    ("command", "page", "code", "said"),
    [
        ("check", "text\n", 0, ""),
        ("check", "![](a.png)\n", 1, "::warning file=docs/a.md,line=1,col=1,title=Fathom%3A missing-alt::"),
        ("chekc", "text\n", 2, "::error title=Fathom::the input `command` is check, run or build; not chekc\n"),
    ],
)
def test_the_check_step(command: str, page: str, code: int, said: str, tmp_path: Path) -> None:
    """As a runner runs it, with its inputs in the environment."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text(page)
    (tmp_path / "mkdocs.yml").write_text("plugins: [fathom]\n")
    (step,) = (step for step in STEPS if step.get("name") == "Check")
    inside = {"COMMAND": command, "CONFIG": DEFAULTS["config-file"], "GITHUB_WORKSPACE": str(tmp_path)}
    assert set(step["env"]) <= set(inside)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],  # noqa: S607 - as a runner finds it
        cwd=tmp_path,
        env={**os.environ, **inside, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout[: len(said) or None]) == (code, said)
