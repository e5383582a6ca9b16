"""The two calls by which chapters hand on files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mkdocs_fathom import artifacts


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The folder to publish to and the one to load from, as a run sets them; the second holds two files."""
    to, of = tmp_path / "to", tmp_path / "of"
    (of / "sub").mkdir(parents=True)
    (of / "a.txt").write_text("a")
    (of / "sub" / "b.txt").write_text("b")
    monkeypatch.setenv(artifacts.PUBLISH_VARIABLE, str(to))
    monkeypatch.setenv(artifacts.NEEDS_VARIABLE, str(of))
    return to, of


def test_in_a_run(folders: tuple[Path, Path]) -> None:
    """Publishing gives a path that can be written at once, loading one that can be read."""
    to, of = folders
    artifacts.publish("deep/down/x.txt").write_text("x")
    assert (to / "deep" / "down" / "x.txt").read_text() == "x"
    assert artifacts.load("sub/b.txt") == of / "sub" / "b.txt"


def test_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a run, both mean the folder `artifacts` beside the notebook."""
    monkeypatch.delenv(artifacts.PUBLISH_VARIABLE, raising=False)
    monkeypatch.delenv(artifacts.NEEDS_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    artifacts.publish("x.txt").write_text("x")
    assert artifacts.load("x.txt").read_text() == "x"
    assert (tmp_path / "artifacts" / "x.txt").is_file()


@pytest.mark.parametrize("name", ["", "/x", "../x", "a/../../x", "a\\x"])
def test_name_that_leaves_the_folder(folders: tuple[Path, Path], name: str) -> None:
    """A name is a path below the folder, on any system."""
    assert folders
    for call in (artifacts.publish, artifacts.load):
        with pytest.raises(ValueError, match=r"the name is a relative path without `\.\.`, not "):
            call(name)


def test_missing(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was not published is not found; the message names what was."""
    assert folders
    for name in ("c.txt", "sub"):
        with pytest.raises(FileNotFoundError) as error:
            artifacts.load(name)
        assert str(error.value) == f"no artifact {name!r}: published by the chapters it needs: a.txt, sub/b.txt"
    monkeypatch.setenv(artifacts.NEEDS_VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError) as error:
        artifacts.load("c.txt")
    assert str(error.value) == "no artifact 'c.txt': no needed chapter published any"


def test_a_file_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found from a cell's own folder in a run, and from the project's folder in a notebook."""
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "letters.csv"
    file.write_text("a,b")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv(artifacts.ROOT_VARIABLE, str(tmp_path))
    assert artifacts.source("data/letters.csv") == file
    monkeypatch.delenv(artifacts.ROOT_VARIABLE)
    monkeypatch.chdir(tmp_path)
    assert artifacts.source("data/letters.csv") == file


def test_a_file_that_the_project_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(artifacts.ROOT_VARIABLE, str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"the project has no file 'letters\.csv'; the name counts from"):
        artifacts.source("letters.csv")
    with pytest.raises(ValueError, match="the name is a relative path"):
        artifacts.source("../letters.csv")


def test_loading_is_told(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch hears of each load, also of what is not there, by one name however it is written."""
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr(sys, "audit", lambda *event: told.append(event))
    artifacts.load("sub/./b.txt")
    with pytest.raises(FileNotFoundError):
        artifacts.load("c.txt")
    loads = [event for event in told if event[0] == "fathom.load"]
    assert loads == [("fathom.load", "sub/b.txt"), ("fathom.load", "c.txt")]
    assert folders
