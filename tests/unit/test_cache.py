"""The store: what is a hit, what is a miss, and that nothing which goes wrong with it stops a build."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import gc
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.model import Artifact, CellResult, Dependency, Failure, Run, Span
from mkdocs_fathom.store import codec
from mkdocs_fathom.store.cache import GRACE, MANIFESTS, Store
from mkdocs_fathom.store.keys import ABSENT, Reason

KEY = hashlib.sha256(b"key").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
PARTS = {"python": "3.11.7", "cell 1": "aa-00"}
States = dict[tuple[str, str], str]


def run_of(text: str = "hello\n", states: States | None = None, **changed: Any) -> Run:
    """A run that printed a text and used what it is told."""
    outputs = ({"output_type": "stream", "name": "stdout", "text": text},)
    used = tuple(Dependency(*item, state) for item, state in (states or {}).items())  # type: ignore[arg-type]
    return dataclasses.replace(Run("docs/a.md", "DEEP", (CellResult(0, outputs, 0.5),), (), used, 1.0), **changed)


def seeing(states: States | None = None) -> Callable[[str, str], str]:
    """The present states of dependencies."""
    return lambda kind, name: (states or {}).get((kind, name), ABSENT)


class Site:
    """A store's folder and what the store said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def store(self, *, readonly: bool = False, size_limit: int = 2**30) -> Store:
        """The store as a new build opens it."""
        return Store(self.folder, readonly=readonly, size_limit=size_limit, say=self.said.append)

    def files(self, pattern: str = "*") -> list[Path]:
        """What lies in the folder."""
        return sorted(path for path in self.folder.rglob(pattern) if path.is_file())

    def manifest(self) -> Path:
        """The only manifest."""
        (path,) = self.folder.glob("runs/*/*/*.json")
        return path

    def age(self, seconds: float = 2 * GRACE, pattern: str = "*") -> None:
        """Let files be used last a while ago."""
        for path in self.files(pattern):
            os.utime(path, (time.time() - seconds,) * 2)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site" / "cache")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "weights.npz"
    file.write_bytes(b"weights" * 1000)
    return file


def with_artifact(store: Store, file: Path) -> Run:
    """A run that published a file, which the store has."""
    return run_of(artifacts=(Artifact(file.name, store.put_blob(file), file.stat().st_size),))


def test_a_run_is_found_by_a_later_build(site: Site) -> None:
    site.store().save(KEY, PARTS, run_of())
    assert site.store().find(KEY, seeing()) == run_of(cached=True)
    assert site.store().find(OTHER, seeing()) is None
    assert site.said == []


def test_nothing_is_made_before_something_is_saved(site: Site) -> None:
    store = site.store()
    assert store.find(KEY, seeing()) is None
    assert store.blob(KEY) is None
    assert store.trim() == (0, 0)
    assert not site.folder.parent.exists()


@pytest.mark.parametrize(
    "result",
    [CellResult(0, (), 0.0, failure=Failure(Span("a", 1), "no", "")), CellResult(0, (), 0.0, blocked_by=1)],
)
def test_a_failed_run_is_refused(site: Site, result: CellResult) -> None:
    with pytest.raises(ValueError, match="a failed run cannot be stored"):
        site.store().save(KEY, PARTS, run_of(results=(result,)))


@pytest.mark.parametrize("key", ["", "../../x", KEY.upper(), KEY + "/../x"])
def test_a_key_cannot_leave_the_folder(site: Site, key: str) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        site.store().save(key, PARTS, run_of())
    with pytest.raises(ValueError, match="not a digest"):
        site.store().find(key, seeing())
    assert site.store().blob(key) is None


@pytest.mark.parametrize("kind", ["file", "directory", "distribution", "artifact", "line"])
def test_a_hit_needs_every_dependency_as_it_was(site: Site, kind: str) -> None:
    then = {("file", "a.py"): "d1", (kind, "x"): "d1"}
    site.store().save(KEY, PARTS, run_of(states=then))
    assert site.store().find(KEY, seeing(then))
    assert site.store().find(KEY, seeing({**then, (kind, "x"): "d2"})) is None
    assert site.store().find(KEY, seeing({("file", "a.py"): "d1"})) is None
    assert site.said == []


def test_several_manifests_lie_behind_a_key(site: Site) -> None:
    """Going back to an earlier state of a snippet, say in another branch, finds the earlier results."""
    for version in ("one", "two"):
        site.store().save(KEY, PARTS, run_of(version, {("file", "a.py"): version}))
    for version in ("one", "two"):
        found = site.store().find(KEY, seeing({("file", "a.py"): version}))
        assert found == run_of(version, {("file", "a.py"): version}, cached=True)


def test_the_same_dependencies_make_room_for_the_new_results(site: Site) -> None:
    for text in ("one", "two"):
        site.store().save(KEY, PARTS, run_of(text))
    assert site.store().find(KEY, seeing()) == run_of("two", cached=True)
    assert site.manifest()


def test_manifests_used_longest_ago_make_room(site: Site) -> None:
    for number in range(MANIFESTS):
        site.store().save(KEY, PARTS, run_of(states={("file", "a.py"): str(number)}))
        site.age(1000 - number, f"runs/*/*/{max(site.files('runs/*/*/*.json'), key=os.path.getmtime).name}")
    assert site.store().find(KEY, seeing({("file", "a.py"): "0"}))  # used now, so that 1 is the oldest
    site.store().save(KEY, PARTS, run_of(states={("file", "a.py"): "new"}))
    found = [n for n in (*map(str, range(MANIFESTS)), "new") if site.store().find(KEY, seeing({("file", "a.py"): n}))]
    assert found == ["0", *map(str, range(2, MANIFESTS)), "new"]


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)


def pickle_bomb(file: Path) -> None:
    file.write_bytes(b"cos\nsystem\n(S'touch /tmp/bomb'\ntR.")


def another_shape(file: Path) -> None:
    file.write_bytes(codec.seal({"results": "all of them"}, file.parent.name))


DAMAGE = pytest.mark.parametrize("damage", [truncate, empty, flip, pickle_bomb, another_shape])


@DAMAGE
@pytest.mark.parametrize("readonly", [False, True])
def test_a_damaged_entry_is_a_miss_said_once(site: Site, damage: Callable[[Path], None], *, readonly: bool) -> None:
    site.store().save(KEY, PARTS, run_of())
    manifest = site.manifest()
    damage(manifest)
    store = site.store(readonly=readonly)
    assert [store.find(KEY, seeing()) for _ in range(3)] == [None] * 3
    assert site.said == [f"{manifest} is damaged; its cells run again"]
    assert manifest.exists() == readonly
    site.store().save(KEY, PARTS, run_of())
    assert site.store().find(KEY, seeing()) == run_of(cached=True)


def test_a_damaged_entry_does_not_hide_another(site: Site) -> None:
    for version in ("one", "two"):
        site.store().save(KEY, PARTS, run_of(version, {("file", version): ABSENT}))
    truncate(max(site.files("runs/*/*/*.json"), key=os.path.getmtime))
    assert site.store().find(KEY, seeing())
    assert len(site.said) == 1


def test_an_entry_under_another_key_is_damaged(site: Site) -> None:
    site.store().save(KEY, PARTS, run_of())
    moved = site.folder / "runs" / OTHER[:2] / OTHER / site.manifest().name
    moved.parent.mkdir(parents=True)
    site.manifest().rename(moved)
    assert site.store().find(OTHER, seeing()) is None
    assert site.said == [f"{moved} is damaged; its cells run again"]


def test_an_entry_of_another_format_is_a_silent_miss(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "FORMAT", codec.FORMAT + 1)
    site.store().save(KEY, PARTS, run_of())
    monkeypatch.undo()
    assert site.store().find(KEY, seeing()) is None
    assert site.manifest().is_file()
    assert site.said == []


def test_what_is_in_the_way_of_an_entry_is_no_entry(site: Site) -> None:
    site.store().save(KEY, PARTS, run_of())
    manifest = site.manifest()
    manifest.unlink()
    manifest.mkdir()
    os.mkfifo(manifest.with_stem(OTHER))
    assert site.store().find(KEY, seeing()) is None


def test_results_that_cannot_be_stored_are_said(site: Site) -> None:
    site.store().save(KEY, PARTS, run_of("\ud800"))
    assert site.said == ["docs/a.md: its results at depth DEEP cannot be cached: not Unicode"]
    assert site.files() == []


def test_a_blob_is_kept_once_under_its_digest(site: Site, weights: Path) -> None:
    digests = {site.store().put_blob(weights)}
    inode = site.files("blobs/*/*")[0].stat().st_ino
    digests.add(site.store().put_blob(weights))
    assert digests == {hashlib.sha256(weights.read_bytes()).hexdigest()}
    (file,) = site.files("blobs/*/*")
    assert file == site.store().blob(*digests)
    assert file.read_bytes() == weights.read_bytes()
    assert file.stat().st_ino == inode
    assert site.store().blob(OTHER) is None


def test_the_name_of_a_blob_cannot_leave_the_folder(site: Site, weights: Path) -> None:
    """Nor is a file elsewhere taken for a damaged blob, and removed."""
    site.store().put_blob(weights)
    for name in (f"../../{weights.name}", weights.as_posix()):
        assert site.store().blob(name) is None
        assert weights.exists()
    assert site.said == []


def test_a_file_that_cannot_be_read_is_the_callers(site: Site, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        site.store().put_blob(tmp_path / "none")
    assert site.said == []


@pytest.mark.parametrize("damage", [truncate, empty, flip])
def test_a_damaged_blob_is_a_miss_and_mended(site: Site, weights: Path, damage: Callable[[Path], None]) -> None:
    site.store().save(KEY, PARTS, with_artifact(site.store(), weights))
    (blob,) = site.files("blobs/*/*")
    damage(blob)
    store = site.store()
    assert store.find(KEY, seeing()) is None
    assert store.blob(blob.name) is None
    assert site.said == [f"{blob} is damaged; its cells run again"]
    assert store.put_blob(weights) == blob.name
    assert store.find(KEY, seeing())


def test_a_damaged_blob_is_mended_by_publishing_it_again(site: Site, weights: Path) -> None:
    digest = site.store().put_blob(weights)
    flip(site.files("blobs/*/*")[0])
    store = site.store()
    assert store.put_blob(weights) == digest
    assert site.store().blob(digest)


def test_a_missing_blob_is_a_miss(site: Site, weights: Path) -> None:
    site.store().save(KEY, PARTS, with_artifact(site.store(), weights))
    assert site.store().find(KEY, seeing())
    store = site.store()
    assert store.find(KEY, seeing())
    site.files("blobs/*/*")[0].unlink()
    assert store.find(KEY, seeing()) is None
    assert site.said == []


def test_a_blob_is_verified_once(site: Site, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = site.store().put_blob(weights)
    reads: list[object] = []
    real = hashlib.file_digest

    def counted(*arguments: Any) -> Any:
        reads.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    store = site.store()
    assert store.blob(digest) == store.blob(digest)
    assert len(reads) == 1


def refuse(code: int) -> Callable[..., Any]:
    """A system call that fails."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("call", ["replace", "mkdir"])
def test_a_store_that_cannot_be_written_is_said_once(
    site: Site, weights: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    site.store().save(KEY, PARTS, run_of())
    before = site.files()
    store = site.store()
    with monkeypatch.context() as patch:
        patch.setattr(Path, call, refuse(code))
        store.save(OTHER, PARTS, run_of())
    store.save(OTHER, PARTS, run_of())
    assert site.said == [f"cannot write to the cache `{site.folder}`: {os.strerror(code)}; nothing more is cached"]
    assert site.files() == before
    assert store.find(KEY, seeing()) == run_of(cached=True)
    digest = store.put_blob(weights)
    assert store.trim() == (0, 0)
    assert (path := store.blob(digest)) is not None
    assert not path.is_relative_to(site.folder)


def test_two_threads_that_meet_a_full_disk_say_so_once(site: Site) -> None:
    store = site.store()
    with store._guarded(), store._guarded():
        refuse(errno.ENOSPC)()
    with store._guarded():
        refuse(errno.ENOSPC)()
    assert len(site.said) == 1


def test_a_disk_that_fills_while_a_blob_is_written(site: Site, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later chapters of the same build can load it all the same; what was made for that goes with the store."""
    store = site.store()
    real = codec.write

    def full(path: Path, chunks: Any) -> None:
        def half() -> Iterator[bytes]:
            yield next(iter(chunks))[:10]
            refuse(errno.ENOSPC)()

        real(path, half() if path.is_relative_to(site.folder / "blobs") else chunks)

    monkeypatch.setattr(codec, "write", full)
    digest = store.put_blob(weights)
    assert len(site.said) == 1
    assert site.files("blobs/*/*") == []
    spare = store.blob(digest)
    assert spare is not None
    assert spare.read_bytes() == weights.read_bytes()
    assert store.put_blob(weights) == digest
    assert len(site.said) == 1
    del store
    gc.collect()
    assert not spare.parent.exists()


def test_a_file_in_place_of_the_folder(site: Site, weights: Path) -> None:
    site.folder.parent.mkdir()
    site.folder.write_text("mine")
    store = site.store()
    store.save(KEY, PARTS, run_of())
    store.put_blob(weights)
    assert store.find(KEY, seeing()) is None
    assert len(site.said) == 1
    assert site.folder.read_text() == "mine"
    with pytest.raises(FathomError, match="not a cache of Fathom"):
        store.clear()


def test_a_folder_with_other_files_is_left_alone(site: Site) -> None:
    """As where `cache: docs` was written by mistake."""
    site.folder.mkdir(parents=True)
    (site.folder / "index.md").write_text("mine")
    store = site.store()
    store.save(KEY, PARTS, run_of())
    assert site.said == [
        f"cannot write to the cache `{site.folder}`: it has other files and no `CACHEDIR.TAG`; nothing more is cached"
    ]
    assert [path.name for path in site.files()] == ["index.md"]


def test_a_readonly_store_is_read_and_never_written(site: Site, weights: Path) -> None:
    site.store().save(KEY, PARTS, with_artifact(site.store(), weights))
    site.age()
    before = {path: path.stat().st_mtime_ns for path in site.files()}
    store = site.store(readonly=True, size_limit=0)
    found = store.find(KEY, seeing())
    assert found
    store.save(OTHER, PARTS, run_of())
    weights.write_bytes(b"others")
    digest = store.put_blob(weights)
    assert store.blob(digest)
    assert store.trim() == (0, 0)
    with pytest.raises(FathomError, match="the cache is read-only"):
        store.clear()
    assert {path: path.stat().st_mtime_ns for path in site.files()} == before
    assert site.said == []


def test_why_a_path_runs(site: Site) -> None:
    then = {("file", "snippets/gpt.py"): "d1", ("distribution", "numpy"): "2.4.5"}
    now = {("file", "snippets/gpt.py"): "d2", ("distribution", "numpy"): "2.4.6"}

    def explain(key: str, parts: dict[str, str], states: States, depth: str = "DEEP") -> tuple[Reason, ...]:
        return site.store().explain("docs/a.md", depth, key, parts, seeing(states))

    assert explain(KEY, PARTS, then) == (Reason("never", ""),)
    site.store().save(KEY, PARTS, run_of(states=then))
    assert explain(KEY, PARTS, then) == ()
    assert explain(KEY, PARTS, then, "SHALLOW") == ()  # the key alone decides
    assert explain(OTHER, PARTS, then, "SHALLOW") == (Reason("never", ""),)
    assert explain(KEY, PARTS, now) == (
        Reason("file", "snippets/gpt.py", "d1", "d2"),
        Reason("distribution", "numpy", "2.4.5", "2.4.6"),
    )
    parts = {"python": "3.12.1", "cell 1": "bb-00"}
    assert explain(OTHER, parts, {**then, ("distribution", "numpy"): "2.4.6"}) == (
        Reason("python", "", "3.11.7", "3.12.1"),
        Reason("cell", "1", "aa-00", "bb-00"),
        Reason("distribution", "numpy", "2.4.5", "2.4.6"),
    )
    site.manifest().unlink()
    assert explain(KEY, PARTS, then) == (Reason("lost", ""),)
    assert explain(OTHER, parts, then)[0] == Reason("python", "", "3.11.7", "3.12.1")
    assert site.said == []


def test_the_last_run_is_the_one_compared_with(site: Site) -> None:
    for version in ("one", "two"):
        site.store().save(KEY, PARTS, run_of(states={("file", "a.py"): version}))
    reasons = site.store().explain("docs/a.md", "DEEP", KEY, PARTS, seeing({("file", "a.py"): "three"}))
    assert reasons == (Reason("file", "a.py", "two", "three"),)


@DAMAGE
def test_a_damaged_account_of_the_last_run(site: Site, damage: Callable[[Path], None]) -> None:
    site.store().save(KEY, PARTS, run_of())
    (latest,) = site.files("latest/*.json")
    damage(latest)
    assert site.store().explain("docs/a.md", "DEEP", OTHER, PARTS, seeing()) == (Reason("never", ""),)
    assert site.said == [f"{latest} is damaged; its cells run again"]


def test_trim_keeps_what_is_used_within_the_limit(site: Site, weights: Path) -> None:
    site.store().save(KEY, PARTS, with_artifact(site.store(), weights))
    site.age()
    before = site.files()
    assert site.store().trim() == (0, 0)
    assert site.files() == before


def test_trim_removes_unused_blobs_and_what_killed_builds_left(site: Site, weights: Path) -> None:
    site.store().save(KEY, PARTS, with_artifact(site.store(), weights))
    weights.write_bytes(b"unused")
    unused = site.store().put_blob(weights)
    for place in (site.folder, site.folder / "runs", site.folder / "blobs" / unused[:2], site.manifest().parent):
        (place / "tmp-0123456789abcdef").write_text("half")
    assert site.store().trim() == (0, 0)  # another build may be about to use them
    site.age()
    assert site.store().trim() == (5, 4 * 4 + 6)
    assert site.files("tmp-*") == []
    assert site.store().blob(unused) is None
    assert site.store().find(KEY, seeing())


def test_trim_removes_what_was_used_longest_ago(site: Site) -> None:
    keys = [hashlib.sha256(bytes([number])).hexdigest() for number in range(5)]
    for number, key in enumerate(keys):
        site.store().save(key, PARTS, run_of("x" * 10_000, chapter=f"docs/{number}.md"))
        site.age(10 * GRACE - number, f"runs/*/{key}/*.json")
    site.age(10 * GRACE - 100, "latest/*.json")
    assert site.store().find(keys[0], seeing())  # used now: the second is the oldest
    files, size = site.store(size_limit=35_000).trim()
    assert files == 2
    assert size > 20_000
    assert [bool(site.store().find(key, seeing())) for key in keys] == [True, False, False, True, True]


def test_trim_takes_needless_files_before_old_entries(site: Site, weights: Path) -> None:
    site.store().save(KEY, PARTS, run_of())
    site.age(9 * GRACE)
    weights.write_bytes(b"x" * 50_000)
    site.store().put_blob(weights)
    site.age(2 * GRACE, "blobs/*/*")
    assert site.store(size_limit=40_000).trim() == (1, 50_000)
    assert site.store().find(KEY, seeing())


def test_trim_leaves_what_was_used_lately(site: Site, weights: Path) -> None:
    """A hit renews the manifest and its blobs, which another build may be about to load."""
    site.store().save(KEY, PARTS, with_artifact(site.store(), weights))
    site.age()
    assert site.store().find(KEY, seeing())
    assert site.store(size_limit=1).trim() == (0, 0)
    site.age()
    assert site.store().put_blob(weights)
    site.store(size_limit=1).trim()
    assert [path.parent.parent.name for path in site.files() if path.parent != site.folder] == ["blobs"]


def test_trim_goes_on_after_a_damaged_entry(site: Site) -> None:
    site.store().save(KEY, PARTS, run_of())
    flip(site.manifest())
    site.store().trim()
    assert len(site.said) == 1


def test_the_folder_is_marked(site: Site) -> None:
    site.store().save(KEY, PARTS, run_of())
    assert (site.folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert (site.folder / ".gitignore").read_text() == "*\n"


def test_clear_removes_everything(site: Site, weights: Path) -> None:
    store = site.store()
    store.save(KEY, PARTS, with_artifact(store, weights))
    (site.folder / "tmp-0123456789abcdef").write_text("half")
    sizes = [path.stat().st_size for path in site.files() if path.name not in {"CACHEDIR.TAG", ".gitignore"}]
    assert store.clear() == (4, sum(sizes))
    assert not site.folder.exists()
    assert store.clear() == (0, 0)
    store.save(KEY, PARTS, with_artifact(store, weights))
    assert store.find(KEY, seeing())


def test_trim_leaves_what_is_not_ours(site: Site) -> None:
    site.store().save(KEY, PARTS, run_of())
    (site.folder / "mine").mkdir()
    places = ["notes.txt", f"{KEY}.json", f"mine/{KEY}", "runs/notes.txt", "blobs.txt"]
    for place in places:
        (site.folder / place).write_text("mine")
    site.age()
    assert site.store(size_limit=1).trim()[0] == 2
    assert all((site.folder / place).read_text() == "mine" for place in places)


def test_a_folder_that_a_killed_build_had_just_made_is_taken_over(site: Site) -> None:
    site.folder.mkdir(parents=True)
    (site.folder / "tmp-0123456789abcdef").write_text("Signat")
    site.store().save(KEY, PARTS, run_of())
    assert site.store().find(KEY, seeing())


def test_clear_leaves_what_is_not_ours(site: Site) -> None:
    site.store().save(KEY, PARTS, run_of())
    (site.folder / "notes.txt").write_text("mine")
    (site.folder / "mine").mkdir()
    (site.folder / "mine" / KEY).write_text("mine")
    site.store().clear()
    assert [path.name for path in site.files()] == [KEY, "notes.txt"]


def test_clear_does_not_follow_links(site: Site, tmp_path: Path) -> None:
    site.store().save(KEY, PARTS, run_of())
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / KEY).write_text("mine")
    (site.folder / "latest" / "link").symlink_to(tmp_path / "elsewhere")
    (site.folder / "blobs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FathomError, match="cannot be cleared: Cannot call rmtree on a symbolic link"):
        site.store().clear()
    site.age()
    site.store(size_limit=1).trim()
    assert (tmp_path / "elsewhere" / KEY).read_text() == "mine"


@pytest.mark.parametrize("tag", [None, "Signature: 8a477f597d28d172789f06886806bc55\n# Some other program's.\n"])
def test_clear_refuses_a_folder_that_is_not_ours(site: Site, tag: str | None) -> None:
    (site.folder / "runs").mkdir(parents=True)
    (site.folder / "runs" / KEY).write_text("mine")
    if tag:
        (site.folder / "CACHEDIR.TAG").write_text(tag)
    with pytest.raises(FathomError) as caught:
        site.store().clear()
    assert str(caught.value) == (
        f"{site.folder}:1:1: not a cache of Fathom: it has no `CACHEDIR.TAG` of ours\n  Check the option `cache`."
    )
    site.age()
    assert site.store(size_limit=1).trim() == (0, 0)
    assert (site.folder / "runs" / KEY).read_text() == "mine"


def test_clear_that_cannot_remove_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.store().save(KEY, PARTS, run_of())
    monkeypatch.setattr(os, "unlink", refuse(errno.EROFS))
    with pytest.raises(FathomError) as caught:
        site.store().clear()
    assert str(caught.value) == (
        f"{site.folder}:1:1: cannot be cleared: Read-only file system\n  Check who may write there."
    )


SAVING = """
import sys
from pathlib import Path
from mkdocs_fathom.store.cache import Store
from mkdocs_fathom.model import Artifact, CellResult, Dependency, Run

folder, key, file, rounds, name = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
store = Store(folder, readonly=False, size_limit=2**30, say=lambda words: sys.exit("said: " + words))
for number in range(rounds):
    file.write_bytes(b"%d" % (number % 7) * 300_000)
    artifact = Artifact("w.npz", store.put_blob(file), 300_000)
    outputs = ({"output_type": "stream", "name": "stdout", "text": str(number) * 50_000},)
    used = (Dependency("file", "a.py", "d1"), *[Dependency("file", name, "absent")] * (number % 2))
    store.save(key, {"cell 1": "aa-00"}, Run("docs/a.md", "DEEP", (CellResult(0, outputs, 0.0),), (artifact,), used))
    if number == 0:
        print("begun", flush=True)
"""


@contextlib.contextmanager
def saving(folder: Path, file: Path, rounds: int, name: str = "x") -> Iterator[subprocess.Popen[str]]:
    """Another process that saves runs of one key over and over."""
    command = [sys.executable, "-c", SAVING, str(folder), KEY, str(file), str(rounds), name]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


NOW = seeing({("file", "a.py"): "d1"})


def test_two_builds_at_once_are_both_right(site: Site, tmp_path: Path) -> None:
    """Both make the folder, save the same key and the same blobs, and a third one reads meanwhile."""
    with (
        saving(site.folder, tmp_path / "one", 60, "one") as one,
        saving(site.folder, tmp_path / "two", 60, "two") as two,
    ):
        found = 0
        while one.poll() is None or two.poll() is None:
            found += site.store().find(KEY, NOW) is not None
        assert (one.returncode, two.returncode) == (0, 0), (one.communicate(), two.communicate())
    assert found
    assert site.store().find(KEY, NOW)
    assert site.said == []
    assert site.files("tmp-*") == []


def test_builds_killed_at_random(site: Site, tmp_path: Path) -> None:
    chance = random.Random(44)  # noqa: S311 - scatters the kills
    for _ in range(6):
        with saving(site.folder, tmp_path / "file", 10_000) as process:
            assert process.stdout
            assert process.stdout.readline() == "begun\n"
            time.sleep(chance.random() / 20)
            process.send_signal(signal.SIGKILL)
            process.wait()
        store = site.store()
        assert store.find(KEY, NOW)
        assert store.explain("docs/a.md", "DEEP", OTHER, {}, NOW) == (Reason("cell", "1", "aa-00", ""),)
        assert all(store.blob(file.name) for file in site.files("blobs/*/*") if not file.name.startswith("tmp-"))
    assert site.said == []


# Saves a run again and again, each time in a process that kills itself one line of the writing code later.
KILLING = """
import os, signal, sys
from itertools import count
from pathlib import Path
from mkdocs_fathom.store import cache, codec
from mkdocs_fathom.model import Artifact, CellResult, Run

folder, key, file = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
codes = (codec.write.__code__, cache._chunks.__code__)

def opened():
    return cache.Store(folder, readonly=False, size_limit=2**30, say=lambda words: sys.exit("said: " + words))

def save(point):
    store = opened()
    file.write_bytes(b"%d" % point * 3_000_000)
    digest = store.put_blob(file)
    outputs = ({"output_type": "stream", "name": "stdout", "text": str(point)},)
    results = (CellResult(0, outputs, 0.0),)
    store.save(key, {"cell 1": "aa-00"}, Run("docs/a.md", "DEEP", results, (Artifact("w", digest, 1),)))

def trace_until(point):
    lines = count(1)
    def trace(frame, event, argument):
        if frame.f_code in codes and event == "line" and next(lines) == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    return trace

save(0)
found = "0"
for point in count(1):
    child = os.fork()
    if not child:
        sys.settrace(trace_until(point))
        save(point)
        os._exit(0)
    killed = os.waitpid(child, 0)[1] != 0
    run = opened().find(key, lambda kind, name: "absent")
    text = run.results[0].outputs[0]["text"]
    assert text in ([found, str(point)] if killed else [str(point)]), (text, found, point)
    found = text
    if not killed:
        break
print(point)
"""


def test_a_build_killed_while_writing_leaves_the_old_entry_or_the_new(site: Site, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLING, str(site.folder), KEY, str(tmp_path / "file")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 15  # a blob in pieces, a manifest, the account of the last run
    sizes = {path.stat().st_size for path in site.files("tmp-*")}
    assert any(0 < size < 3_000_000 for size in sizes), "no kill met a write: the test shows nothing"
    site.age()
    site.store().trim()
    assert site.files("tmp-*") == []
    assert site.store().find(KEY, seeing())
    assert site.said == []
