"""What the key of a path is made of, the states of what a run may use, and what is said about changes."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mkdocs_fathom import __version__
from mkdocs_fathom.config import Config
from mkdocs_fathom.model import Cell, CellOptions, Chapter, Dependency, Depth, Expected, Span
from mkdocs_fathom.store import keys
from mkdocs_fathom.store.keys import (
    ABSENT,
    Observer,
    Reason,
    Surroundings,
    changes,
    components,
    differences,
    directory_state,
    distribution_state,
    engine_version,
    file_state,
    path_key,
)

DEPTHS = (Depth("SHALLOW", "Shallow"), Depth("DEEP", "Deep"))
CONFIG = Config(Path("/site"), Path("/site/docs"), environment=("FATHOM_TEST",))


def cell(number: int, depth: str | None = None, **changed: Any) -> Cell:
    """A cell that prints its number."""
    made = Cell(number, Span("docs/a.md", 10 * number), f"print({number})\n", (), depth, 0, 2, "")
    return dataclasses.replace(made, **changed)


# Shared, DEEP, SHALLOW, exempt, shared.
CELLS = (cell(0), cell(1, "DEEP"), cell(2, "SHALLOW"), cell(3, options=CellOptions(reason="slow")), cell(4))
CHAPTER = Chapter("docs/a.md", (), 0, {}, ("05",), DEPTHS, (), (), (), CELLS, ())


def with_cell(which: int, **changed: Any) -> Chapter:
    """The chapter with one cell changed."""
    made = [dataclasses.replace(old, **changed) if old.number == which else old for old in CELLS]
    return dataclasses.replace(CHAPTER, cells=tuple(made))


def with_options(**changed: Any) -> Chapter:
    """The chapter with options of its first cell changed."""
    return with_cell(0, options=CellOptions(**changed))


def key(chapter: Chapter = CHAPTER, config: Config = CONFIG, depth: str = "SHALLOW") -> str:
    """The key of a path of a chapter."""
    return path_key(components(chapter, depth, config))


@pytest.mark.parametrize(
    "chapter",
    [
        with_cell(0, source="print(1)\n"),
        with_cell(2, source="print(1)\n"),
        with_cell(0, source="print(0) \n"),
        with_cell(1, depth=None),
        with_cell(3, options=CellOptions()),
        with_cell(4, options=CellOptions(reason="slow")),
        with_cell(4, number=5),
        with_options(raises="ValueError"),
        with_options(may_raise=True),
        with_options(network=True),
        dataclasses.replace(CHAPTER, path="docs/b.md"),
        dataclasses.replace(CHAPTER, needs=("04",)),
        dataclasses.replace(CHAPTER, cells=(CELLS[2], CELLS[0], *CELLS[3:])),
    ],
)
def test_what_decides_results_changes_the_key(chapter: Chapter) -> None:
    assert key(chapter) != key()


@pytest.mark.parametrize(
    "chapter",
    [
        with_cell(0, span=Span("docs/a.md", 99), first=50, last=52, prefix="> ", origins=(("docs/a.md", 100),)),
        with_cell(0, expected=Expected("0", ignore_whitespace=False, span=Span("docs/a.md", 5))),
        with_cell(0, display={"title": "x"}, marks=("pytest.mark.slow",)),
        with_cell(1, source="print('another depth')\n"),
        with_cell(3, source="print('exempt')\n"),
        with_options(hide="code", setup=True, timeout=3.0, id="x", alt="A curve."),
        dataclasses.replace(CHAPTER, meta={"title": "x"}, body=7),
    ],
)
def test_prose_places_and_looks_do_not_change_the_key(chapter: Chapter) -> None:
    assert key(chapter) == key()


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1},
        {"figure_format": "png"},
        {"output": 10},
        {"preload": ("IPython",)},
        {"pythonpath": ("src",)},
        {"environment": ()},
    ],
)
def test_options_that_decide_results_change_the_key(changed: dict[str, Any]) -> None:
    assert key(config=dataclasses.replace(CONFIG, **changed)) != key()


@pytest.mark.parametrize(
    "changed",
    [
        {"timeout": 5.0},
        {"memory": 10},
        {"jobs": 3},
        {"processes": 3},
        {"cache": "elsewhere"},
        {"root": Path("/elsewhere")},
        {"environment": ("FATHOM_TEST", "FATHOM_TEST")},
    ],
)
def test_other_options_do_not_change_the_key(changed: dict[str, Any]) -> None:
    assert key(config=dataclasses.replace(CONFIG, **changed)) == key()


def test_the_environment_changes_the_key_and_stays_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FATHOM_TEST", raising=False)
    keys = [key()]
    for value in ("", "hunter2"):
        monkeypatch.setenv("FATHOM_TEST", value)
        keys.append(key())
    assert len(set(keys)) == 3
    assert "hunter2" not in str(components(CHAPTER, "SHALLOW", CONFIG))


def test_the_order_of_environment_names_does_not_change_the_key() -> None:
    keys = {key(config=dataclasses.replace(CONFIG, environment=names)) for names in (("A", "B"), ("B", "A"))}
    assert len(keys) == 1


def test_components_are_named_for_people() -> None:
    parts = components(CHAPTER, "SHALLOW", CONFIG)
    assert list(parts) == [
        *("chapter", "depth", "python", "engine"),
        *("option figure_format", "option output", "option preload", "option pythonpath", "option seed"),
        *("environment FATHOM_TEST", "needs", "cell 1", "cell 3", "cell 5"),
    ]
    assert parts["depth"] == "SHALLOW"
    assert parts["python"].startswith(platform.python_version())
    assert parts["engine"].startswith(f"{__version__}+")


def test_components_of_another_depth() -> None:
    assert key(depth="DEEP") != key()
    assert [name for name in components(CHAPTER, "DEEP", CONFIG) if "cell" in name] == ["cell 1", "cell 2", "cell 5"]


def test_python_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.0")
    assert key() != before


@pytest.fixture
def package(tmp_path: Path) -> Callable[[str, str], str]:
    """Writes a file of a small package and returns the engine's version."""

    def write(name: str, source: str) -> str:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
        return engine_version(tmp_path)

    write("running/worker.py", "import os\n")
    return write


@pytest.mark.parametrize("name", ["running/worker.py", "running/new.py", "artifacts.py", "assets/matplotlibrc"])
def test_the_engine_is_the_files_that_decide_results(package: Callable[[str, str], str], name: str) -> None:
    versions = [package(name, source) for source in ("x = 1\n", "x = 2\n", "x = 1\n")]
    assert versions[0] == versions[2] != versions[1]


@pytest.mark.parametrize("name", ["rendering/render.py", "cli.py", "assets/fathom.css"])
def test_what_only_shows_results_is_no_part_of_the_engine(package: Callable[[str, str], str], name: str) -> None:
    assert package(name, "x = 1\n") == package(name, "x = 2\n")


def test_every_file_of_the_engine_is_there() -> None:
    folder = Path(keys.__file__).parents[1]
    assert [pattern for pattern in keys._ENGINE if not list(folder.glob(pattern))] == []


def test_importing_keys_and_cache_is_light() -> None:
    heavy = ["numpy", "matplotlib", "IPython", "ftfy", "nh3", "psutil", "importlib.metadata", "mkdocs", "markdown"]
    code = (
        "import sys, mkdocs_fathom.store.keys, mkdocs_fathom.store.cache\n"
        f"print(sorted(set({heavy}) & set(sys.modules)))"
    )
    # -S: `site` itself may import importlib.metadata, for packages installed in place.
    env = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-S", "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def test_state_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    assert file_state(file) == ABSENT
    file.write_bytes(b"one")
    assert file_state(file) == sha256(b"one")
    assert file_state(file / "below") == ABSENT
    assert file_state(tmp_path) == "directory"


def test_a_directory_does_not_depend_on_the_order_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = []
    for names in (["a", "b"], ["b", "a"]):
        monkeypatch.setattr(os, "listdir", lambda _, names=names: names)
        states.append(directory_state(tmp_path))
    assert states[0] == states[1]


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert file_state(tmp_path / "pipe") == "special"


def test_a_file_that_cannot_be_read_is_not_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data.txt").write_bytes(b"one")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert file_state(tmp_path / "data.txt") == "unreadable"


@pytest.mark.parametrize("name", ["nul\0nul", "lone \ud800 surrogate"])
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_names_that_no_file_can_have_are_absent(tmp_path: Path, kind: str, name: str) -> None:
    assert Surroundings(tmp_path).state(kind, name) == ABSENT


def test_state_of_a_directory(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert directory_state(folder) == ABSENT
    folder.mkdir()
    states = [directory_state(folder)]
    for name in ("b", "a"):
        (folder / name).write_text("")
        states.append(directory_state(folder))
    assert len(set(states)) == 3
    (folder / "a").write_text("more")
    (folder / "__pycache__").mkdir()
    assert directory_state(folder) == states[-1]
    assert directory_state(folder / "a") == "file"
    assert directory_state(folder / "a" / "below") == ABSENT


@pytest.mark.parametrize(
    ("name", "state"),
    [("pytest", importlib.metadata.version("pytest")), ("no-such-distribution", ABSENT), ("", ABSENT)],
)
def test_state_of_a_distribution(name: str, state: str) -> None:
    assert distribution_state(name) == state


def test_an_observer_names_files_from_the_root(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    for place in ("root/in.txt", "out.txt"):
        (tmp_path / place).write_text(place)
    observer = Observer(tmp_path / "root", {}, {})
    assert observer.state("file", "in.txt") == sha256(b"root/in.txt")
    assert observer.state("file", (tmp_path / "out.txt").as_posix()) == sha256(b"out.txt")
    assert observer.state("file", "out.txt") == ABSENT
    assert observer.state("directory", ".") == directory_state(tmp_path / "root")
    assert observer.state("distribution", "pytest") == importlib.metadata.version("pytest")


def test_an_observer_knows_artifacts_and_lines(tmp_path: Path) -> None:
    observer = Observer(tmp_path, {"docs/05.md#w.npz": "d1"}, {"3": "docs/a.md:7"})
    asked = [("artifact", "docs/05.md#w.npz"), ("artifact", "3"), ("line", "3"), ("line", "4")]
    assert [observer.state(*each) for each in asked] == ["d1", ABSENT, "docs/a.md:7", ABSENT]


def test_surroundings_are_looked_at_once_and_shared(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_text("one")
    shared = Surroundings(tmp_path)
    first, second = (Observer(tmp_path, {"a#b": digest}, {}, shared) for digest in ("d1", "d2"))
    before = first.state("file", "data.txt")
    file.write_text("two")
    assert second.state("file", "data.txt") == before
    assert Observer(tmp_path, {}, {}).state("file", "data.txt") == sha256(b"two")
    assert [first.state("artifact", "a#b"), second.state("artifact", "a#b")] == ["d1", "d2"]


def test_changes_are_the_dependencies_that_no_longer_hold() -> None:
    seen = [Dependency("file", "a.py", "d1"), Dependency("file", "b.py", "d1"), Dependency("line", "3", "d1")]
    now = {("file", "a.py"): "d1", ("file", "b.py"): ABSENT, ("line", "3"): "d2"}
    found = list(changes(seen, lambda kind, name: now[kind, name]))
    assert found == [Reason("file", "b.py", "d1", ABSENT), Reason("line", "3", "d1", "d2")]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"cell 3": "aa-00"}, {"cell 3": "bb-00"}, ["the code of cell 3 changed"]),
        ({"cell 3": "aa-00"}, {"cell 3": "aa-11"}, ["the options of cell 3 changed"]),
        ({"cell 3": "aa-00"}, {"cell 4": "aa-00"}, ["cell 4 had another number"]),
        ({"cell 1": "aa-00", "cell 2": "bb-00"}, {"cell 2": "aa-00", "cell 3": "bb-00"}, ["cell 2 had another number"]),
        (
            {"cell 1": "aa-00", "cell 2": "bb-00"},
            {"cell 1": "cc-00", "cell 2": "aa-00", "cell 3": "bb-00"},
            ["cell 1 is new"],
        ),
        ({"cell 1": "aa-00", "cell 2": "bb-00"}, {"cell 1": "bb-00"}, ["cell 1 is gone"]),
        ({"cell 1": "aa-00"}, {"cell 1": "bb-00", "cell 2": "cc-00"}, ["the code of cell 1 changed", "cell 2 is new"]),
        (
            {"python": "3.11.7 (cpython, linux-x86_64)"},
            {"python": "3.12.1 (cpython, linux-x86_64)"},
            ["Python 3.11.7 (cpython, linux-x86_64) -> 3.12.1 (cpython, linux-x86_64)"],
        ),
        ({"engine": "0.1.0+ab"}, {"engine": "0.1.1+cd"}, ["Fathom 0.1.0+ab -> 0.1.1+cd"]),
        ({"option seed": "0"}, {"option seed": "1"}, ["the option `seed` 0 -> 1"]),
        ({}, {"option seed": "1"}, ["the option `seed` absent -> 1"]),
        ({"needs": '["04"]'}, {"needs": '["05"]'}, ['`needs:` ["04"] -> ["05"]']),
        ({"environment X": ABSENT}, {"environment X": "d1"}, ["the environment variable `X` is new"]),
        ({"environment X": "d1"}, {"environment X": "d2"}, ["the environment variable `X` changed"]),
        ({"python": "1", "cell 1": "aa-00"}, {"python": "1", "cell 1": "aa-00"}, []),
        ({"future": "1"}, {}, ["future 1 -> absent"]),
    ],
)
def test_differences_in_words(before: dict[str, str], after: dict[str, str], words: list[str]) -> None:
    assert [str(reason) for reason in differences(before, after)] == words


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason("never", ""), "it has not run without failure yet"),
        (Reason("lost", ""), "its stored results are gone"),
        (Reason("file", "snippets/gpt.py", "d1", "d2"), "`snippets/gpt.py` changed"),
        (Reason("file", "snippets/gpt.py", ABSENT, "d2"), "`snippets/gpt.py` is new"),
        (Reason("file", "snippets/gpt.py", "d1", ABSENT), "`snippets/gpt.py` is gone"),
        (Reason("directory", "data", "d1", "d2"), "the names in `data` changed"),
        (Reason("distribution", "numpy", "2.4.5", "2.4.6"), "numpy 2.4.5 -> 2.4.6"),
        (Reason("distribution", "numpy", "2.4.5", ABSENT), "numpy 2.4.5 -> absent"),
        (Reason("artifact", "docs/05.md#w.npz", "d1", "d2"), "the artifact `w.npz` of `docs/05.md` changed"),
        (Reason("line", "2", "docs/a.md:7", "docs/a.md:9"), "an output shows the line of cell 3, which moved"),
    ],
)
def test_reasons_in_words(reason: Reason, words: str) -> None:
    assert str(reason) == words
