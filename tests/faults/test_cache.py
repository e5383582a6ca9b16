"""Faults 44 to 54: whatever happens to the store, no result that it gives is wrong or stale."""

from __future__ import annotations

import ast
import json
import os
import pickle
import py_compile
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mkdocs_fathom import cli
from mkdocs_fathom.store import codec, keys

SITE = """\
site_name: Test
plugins:
  - fathom:
      preload: [IPython]
"""
DAMAGED = re.compile(r".*/[0-9a-f]{64}(\.json)? is damaged; its cells run again")


@dataclass(frozen=True, slots=True)
class Site:
    """A site's folder, and the command `fathom` in it."""

    root: Path

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def change(self, name: str, before: str, after: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert before in text
        self.write(name, text.replace(before, after))

    def fathom(self, command: str) -> Any:
        """The result of a command, run in this process."""
        words = command.split()
        arguments = [words[0], "-f", str(self.root / "mkdocs.yml"), *words[1:]]
        return CliRunner().invoke(cli.main, arguments, catch_exceptions=False)

    def run(self) -> tuple[int, int]:
        """Run what is stale without a word of trouble: how many cells ran, how many were stored."""
        result = self.fathom("run --format json")
        assert (result.exit_code, result.stderr) == (0, ""), result.stdout
        report = json.loads(result.stdout)
        return report["executed"], report["cached"]

    def reasons(self) -> set[str]:
        """Why cells would run."""
        result = self.fathom("explain --format json")
        assert result.exit_code == 0
        return {reason for cell in json.loads(result.stdout)["cells"] for reason in cell["reasons"]}

    def start(self) -> subprocess.Popen[str]:
        """Begin to run in a process of its own."""
        command = [sys.executable, "-m", "mkdocs_fathom.cli", "run"]
        return subprocess.Popen(
            command, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    @property
    def store(self) -> Path:
        return self.root / ".cache" / "fathom"

    def entry(self, pattern: str = "runs/*/*/*.json") -> Path:
        """The one file of the store at that place."""
        (file,) = self.store.glob(pattern)
        return file

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Everything in the store, and when it was written."""
        files = (file for file in self.store.rglob("*") if file.is_file())
        return {str(file.relative_to(self.store)): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


Make = Callable[..., Site]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A function that lays out a site of some pages, given by name without `.md`."""

    def lay_out(config: str = SITE, **pages: str) -> Site:
        site = Site(tmp_path / "site")
        site.write("mkdocs.yml", config)
        for name, text in pages.items():
            site.write(f"docs/{name}.md", text)
        return site

    return lay_out


def cells(*sources: str) -> str:
    """A page whose cells stand at one depth, so that there is one path."""
    fences = "\n".join(f"```python\n{source}\n```\n" for source in sources)
    return f"# Page\n\n<!-- SHALLOW -->\n{fences}<!-- /SHALLOW -->\n"


def said(result: Any) -> list[str]:
    """What a command said of damage."""
    return [line for line in result.stderr.splitlines() if "damaged" in line]


PUBLISH = "from mkdocs_fathom import artifacts\nartifacts.publish('a.txt').write_text('abc' * 100)"
LOAD = "from mkdocs_fathom import artifacts\nprint(artifacts.load('a.txt').read_text())"


def test_44_truncated_entry(make: Make) -> None:
    """An entry that ends too early is said once, and its cells run again."""
    site = make(index=cells("print(1)"))
    site.run()
    entry = site.entry()
    entry.write_bytes(entry.read_bytes()[:-20])
    result = site.fathom("run")
    assert result.exit_code == 0
    assert len(said(result)) == 1
    assert DAMAGED.fullmatch(said(result)[0])
    assert "1 chapter: 1 cell run, 0 cached" in result.stderr
    assert site.run() == (0, 1)


@pytest.mark.parametrize("place", ["runs/*/*/*.json", "blobs/*/*"])
def test_45_flipped_bit(make: Make, place: str) -> None:
    """One wrong bit, in results or in an artifact, is said once, and the cells run again."""
    site = make(index=cells(PUBLISH))
    site.run()
    entry = site.entry(place)
    before = entry.read_bytes()
    middle = len(before) // 2
    entry.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
    result = site.fathom("run")
    assert result.exit_code == 0
    assert len(said(result)) == 1
    assert DAMAGED.fullmatch(said(result)[0])
    assert "1 cell run, 0 cached" in result.stderr
    assert site.entry("blobs/*/*").read_bytes() == b"abc" * 100
    assert site.run() == (0, 1)


def test_46_wrong_result_in_a_sound_entry(make: Make) -> None:
    """Nothing shows that a well-formed entry is wrong but running it again, which is what an audit does."""
    site = make(index=cells("print(6 * 7)"))
    site.run()
    entry = site.entry()
    payload = codec.unseal(entry.read_bytes(), entry.parent.name)
    payload["results"][0]["outputs"][0]["text"] = "43\n"
    entry.write_bytes(codec.seal(payload, entry.parent.name))
    assert site.run() == (0, 1)
    result = site.fathom("check --audit")
    assert result.exit_code == 1
    assert "docs/index.md:4:1: this cell is stored with another output than it has when run anew" in result.stderr
    assert "    -43\n    +42\n" in result.stderr
    site.fathom("run --fresh")
    assert site.fathom("check --audit").exit_code == 0


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_47_code_in_an_entry(make: Make, tmp_path: Path) -> None:
    """An entry is data: nothing in it is ever run, however it is written."""
    site = make(index=cells("print(1)"))
    site.run()
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    header = site.entry().read_bytes().partition(b"\n")[0]
    call = {"py/reduce": ["os.mkdir", [str(tmp_path / "exploded")]]}
    for data in (bomb, header + b"\n" + bomb, codec.seal(call, site.entry().parent.name)):
        site.entry().write_bytes(data)
        result = site.fathom("run")
        assert result.exit_code == 0
        assert len(said(result)) == 1
    assert not (tmp_path / "exploded").exists()
    folder = Path(codec.__file__).parent
    for name in ("cache.py", "codec.py"):
        tree = ast.parse((folder / name).read_text(encoding="utf-8"))
        words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not {"eval", "exec", "compile", "__import__"} & words
        assert not {"pickle", "marshal", "shelve", "importlib"} & imported


@pytest.mark.parametrize(
    "how",
    [
        "a file in its place",
        pytest.param(
            "a folder without leave",
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="modes do not bind the superuser"),
        ),
    ],
)
def test_48_folder_that_cannot_be_written(make: Make, how: str) -> None:
    """The build goes on without a store, says so once, and hands artifacts on all the same."""
    site = make(one=cells(PUBLISH), two=f"---\nneeds: one\n---\n{cells(LOAD)}")
    cache = site.root / ".cache"
    if how == "a file in its place":
        cache.write_text("in the way")
    else:
        cache.mkdir(mode=0o555)
    for _ in range(2):
        result = site.fathom("run")
        assert result.exit_code == 0
        assert result.stderr.count("cannot write to the cache") == 1
        assert result.stderr.count("nothing more is cached") == 1
        assert "2 chapters: 2 cells run, 0 cached" in result.stderr


def test_49_disk_full(make: Make) -> None:
    """Where there is no room for an entry, the build goes on without it, says so once, and leaves nothing half written.

    A limit on the size of files makes writing fail halfway, as a full disk does.
    """
    site = make(index=cells("'x' * 100_000"))
    command = [sys.executable, "-m", "mkdocs_fathom.cli", "run"]
    done = subprocess.run(
        command,
        cwd=site.root,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("cannot write to the cache") == 1
    assert "File too large; nothing more is cached" in done.stderr
    assert set(site.files()) <= {"CACHEDIR.TAG", ".gitignore"}
    assert site.run() == (1, 0)


def test_50_two_builds_at_once(make: Make) -> None:
    """Builds that share a store do not disturb each other."""
    site = make(**{f"page{number}": cells(f"print({number})") for number in range(4)})
    builds = [site.start() for _ in range(2)]
    for build in builds:
        _, stderr = build.communicate(timeout=60)
        assert build.returncode == 0, stderr
        assert "damaged" not in stderr
        assert "cannot" not in stderr
    assert site.run() == (0, 4)
    assert site.fathom("check --audit").exit_code == 0


def test_51_killed_while_writing(make: Make) -> None:
    """What a killed build leaves behind is a whole entry or none, and no later build stumbles over it."""
    site = make(**{f"page{number}": cells(f"print({number})") for number in range(6)})
    build = site.start()
    deadline = time.monotonic() + 60
    while not list(site.store.glob("runs/*")) and time.monotonic() < deadline:
        assert build.poll() is None
    os.killpg(build.pid, signal.SIGKILL)
    build.communicate()
    executed, cached = site.run()
    assert executed + cached == 6
    assert executed > 0
    assert site.run() == (0, 6)
    assert site.fathom("check --audit").exit_code == 0


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a site of which a page uses one of each kind of thing, run; and a library that it uses."""
    folder = tmp_path_factory.mktemp("ready")
    libraries, site = Site(folder / "libraries"), Site(folder / "site")
    libraries.write("packaged.py", "")
    libraries.write("packaged-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: packaged\nVersion: 1.0\n")
    libraries.write("packaged-1.0.dist-info/top_level.txt", "packaged\n")
    site.write("mkdocs.yml", f"{SITE}      pythonpath: [., ../libraries]\n")
    site.write("helper.py", "x = 1\n")
    site.write("data.csv", "1,2\n")
    site.write("snippets/part.py", "print('part')\n")
    site.write("docs/first.md", cells(PUBLISH))
    read = "from pathlib import Path\nprint(Path(helper.__file__).with_name('data.csv').read_text())"
    code = cells("import helper, packaged", read, '--8<-- "part.py"', LOAD, "print(1)")
    site.write("docs/page.md", f"---\nneeds: first\n---\n\nProse.\n\n{code}")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(libraries.root)
        assert site.run() == (6, 0)
    return folder


@pytest.fixture
def everything(ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A copy of what is ready."""
    shutil.copytree(ready, tmp_path, dirs_exist_ok=True)
    monkeypatch.syspath_prepend(tmp_path / "libraries")
    return Site(tmp_path / "site")


Change = Callable[[Site, pytest.MonkeyPatch], None]


def edit(name: str, before: str, after: str) -> Change:
    return lambda site, _: site.change(name, before, after)


def upgrade(site: Site, _: pytest.MonkeyPatch) -> None:
    metadata = site.root.parent / "libraries" / "packaged-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "1.1"))


def move_to_other_python(_: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "python_version", lambda: "3.99.0 (test)")


def change_engine(_: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "engine_version", lambda _folder: "99")


PAGE, FIRST = "docs/page.md", "docs/first.md"
UPSTREAM = "`docs/first.md`, which it needs, would run"


@pytest.mark.parametrize(
    ("change", "stale", "reasons"),
    [
        pytest.param(edit(PAGE, "Prose.", "Other\n\nprose."), 0, set(), id="prose"),
        pytest.param(edit("mkdocs.yml", "[IPython]", "[IPython]\n      timeout: 9"), 0, set(), id="deadline"),
        pytest.param(edit(PAGE, "(1)", "(2)"), 5, {"the code of cell 5 changed (line 28)"}, id="cell"),
        pytest.param(edit(PAGE, "helper,", "helper, json,"), 5, {"the code of cell 1 changed (line 10)"}, id="earlier"),
        pytest.param(
            edit("snippets/part.py", "'part'", "6"), 5, {"the code of cell 3 changed (line 19)"}, id="include"
        ),
        pytest.param(edit("helper.py", "1", "2"), 5, {"`helper.py` changed"}, id="snippet"),
        pytest.param(edit("data.csv", "1", "2"), 5, {"`data.csv` changed"}, id="data"),
        pytest.param(upgrade, 5, {"packaged 1.0 -> 1.1"}, id="package"),
        pytest.param(edit(FIRST, "abc", "abd"), 6, {"the code of cell 1 changed (line 4)", UPSTREAM}, id="artifact"),
        pytest.param(
            edit(FIRST, "100)", "100);"), 1, {"the code of cell 1 changed (line 4)", UPSTREAM}, id="same artifact"
        ),
        pytest.param(move_to_other_python, 6, None, id="python"),
        pytest.param(change_engine, 6, None, id="engine"),
        pytest.param(
            edit("mkdocs.yml", "[IPython]", "[IPython]\n      seed: 1"),
            6,
            {"the option `seed` 0 -> 1", UPSTREAM},
            id="option",
        ),
    ],
)
def test_52_changes(
    everything: Site, monkeypatch: pytest.MonkeyPatch, change: Change, stale: int, reasons: set[str] | None
) -> None:
    """A change of anything that a result depends on runs its chapter again, and says why; one of prose does not."""
    change(everything, monkeypatch)
    found = everything.reasons()
    if reasons is None:
        assert UPSTREAM in found
        (reason,) = found - {UPSTREAM}
        assert re.fullmatch(r"(Python .* -> 3\.99\.0 \(test\))|(Fathom .* -> 99)", reason)
    else:
        assert found == reasons
    assert everything.run() == (stale, 6 - stale)
    assert everything.run() == (0, 6)
    assert everything.reasons() == set()


def test_52_module_outside_the_project_with_byte_code(make: Make, tmp_path: Path) -> None:
    """Its source counts although Python need not open it."""
    site = make(index=cells("import beside\nprint(beside.x)"))
    site.change("mkdocs.yml", "      preload", f"      pythonpath: [{tmp_path}/libraries]\n      preload")
    beside = tmp_path / "libraries" / "beside.py"
    beside.parent.mkdir()
    beside.write_text("x = 1\n")
    py_compile.compile(str(beside))
    assert site.run() == (1, 0)
    beside.write_text("x = 2\n")
    assert site.run() == (1, 0)
    assert site.run() == (0, 1)


def test_52_artifacts_that_are_not_opened(make: Make) -> None:
    """An artifact counts where a cell only asks for its size, or whether it is there."""
    ask = "from mkdocs_fathom import artifacts\n"
    size = f"{ask}print(artifacts.load('a.txt').stat().st_size)"
    optional = f"{ask}try:\n    print(artifacts.load('v.txt'))\nexcept FileNotFoundError:\n    print('none')"
    needs = "---\nneeds: one\n---\n"
    site = make(one=cells(PUBLISH), two=needs + cells(size), three=needs + cells(optional))
    assert site.run() == (3, 0)
    site.change("docs/one.md", "100", "101")
    assert site.run() == (2, 1)
    site.write("docs/one.md", cells(PUBLISH, PUBLISH.replace("a.txt", "v.txt")))
    assert site.run() == (3, 1)
    assert site.run() == (0, 4)


def test_52_module_that_was_not_there(make: Make) -> None:
    """An import that failed and was caught counts: the module may come."""
    site = make(index=cells("try:\n    import optional\nexcept ImportError:\n    print('none')"))
    site.change("mkdocs.yml", "      preload", "      pythonpath: [.]\n      preload")
    assert site.run() == (1, 0)
    assert site.run() == (0, 1)
    site.write("optional.py", "print('here')\n")
    assert site.run() == (1, 0)
    assert site.run() == (0, 1)


def test_53_other_format(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that another version of Fathom wrote are passed over without a word, and both versions can go on."""
    site = make(index=cells("print(1)"))
    assert site.run() == (1, 0)
    with monkeypatch.context() as newer:
        newer.setattr(codec, "FORMAT", codec.FORMAT + 1)
        assert site.run() == (1, 0)
        assert site.run() == (0, 1)
    assert site.run() == (1, 0)


def test_54_untrusted_build(make: Make) -> None:
    """A build that is not to be trusted uses the store and changes nothing in it."""
    site = make(one=cells("print(1)"), two=cells("print(2)"))
    site.run()
    before = site.files()
    site.change("mkdocs.yml", "      preload", "      cache_readonly: true\n      preload")
    site.change("docs/two.md", "print(2)", "print(22)")
    for _ in range(2):
        assert site.run() == (1, 1)
    assert site.files() == before
    result = site.fathom("clean")
    assert result.exit_code == 1
    assert "the cache is read-only" in result.stderr
    assert site.files() == before
