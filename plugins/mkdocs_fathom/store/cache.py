"""The store of results: content-addressed in two levels, as ccache does it.

Behind the key of a path lie a few manifests, each a successful `Run` with the dependencies that it was seen to use. A
hit is a manifest all of whose dependencies still hold. The folder:

    runs/ab/<key>/<digest of the dependencies>.json
    latest/<digest of chapter and depth>.json             the components of the last run, to explain the next one
    blobs/ab/<digest>                                     what chapters published

Files are renamed into place, so that builds can share the folder. Nothing is synced: after a power cut, checksums fail.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

from ..errors import FathomError
from ..model import JSON, Run, Span
from . import codec
from .codec import TEMPORARY, DamagedError, OtherFormatError
from .keys import ABSENT, Current, Reason, changes, differences, file_state

MANIFESTS = 8
"""How many manifests lie behind a key; those used longest ago make room."""
GRACE = 3600.0
"""Seconds for which `trim` leaves a file alone: another build may be about to use it."""
_TAG = "CACHEDIR.TAG"
_MARKS = {
    _TAG: "Signature: 8a477f597d28d172789f06886806bc55\n# Results of Fathom (mkdocs-fathom). It can be deleted.\n",
    ".gitignore": "*\n",
}
_TOPS = ("runs", "latest", "blobs")
_OURS = re.compile(rf"[0-9a-f]{{64}}(\.json)?|{TEMPORARY}[0-9a-f]{{16}}")

T = TypeVar("T")


class Store:
    """A folder of results. Whatever goes wrong with it is said once, and the build goes on without."""

    def __init__(self, folder: Path, *, readonly: bool, size_limit: int, say: Callable[[str], None]) -> None:
        """Nothing is made until something is saved. `trim` heeds `size_limit`; `say` takes in words what goes wrong."""
        self._folder = folder
        self._readonly, self._writing = readonly, not readonly
        self._size_limit = size_limit
        self._say = say
        self._said: set[Path] = set()
        self._verified: set[Path] = set()
        self._spare: Path | None = None

    def find(self, key: str, current: Current) -> Run | None:
        """The results behind a key, if everything that they depend on is as it was."""
        for path in codec.newest_first(self._manifests(key)):
            run = self._entry(path, key, codec.decode)
            holds = run and not any(changes(run.dependencies, current))
            if run and holds and all(self.blob(artifact.digest) for artifact in run.artifacts):
                self._touch(path)
                self._touch(self._latest(run.chapter, run.depth))
                return dataclasses.replace(run, cached=True)
        return None

    def save(self, key: str, components: Mapping[str, str], run: Run) -> None:
        """Keep a successful run, whose artifacts were given to `put_blob`, and what its key was made of.

        Raises:
            ValueError: The run failed.
        """
        if run.failed or any(result.blocked_by is not None for result in run.results):
            raise ValueError("a failed run cannot be stored")
        if not self._writing:
            return
        try:
            payload = codec.encode(run)
        except DamagedError as error:
            self._say(f"{run.chapter}: its results at depth {run.depth} cannot be cached: {error}")
            return
        seen = json.dumps(payload["dependencies"]).encode()
        path = self._manifests(key) / f"{hashlib.sha256(seen).hexdigest()}.json"
        latest = self._latest(run.chapter, run.depth)
        made_of = {"key": key, "manifest": path.stem, "components": dict(components), "ran": time.time()}
        with self._guarded():
            self._prepare()
            codec.write(path, [codec.seal(payload, key)])
            codec.write(latest, [codec.seal(made_of, latest.stem)])
            for old in codec.newest_first(path.parent)[MANIFESTS:]:
                old.unlink(missing_ok=True)

    def put_blob(self, path: Path) -> str:
        """Keep a file's bytes and return their SHA-256.

        Where the store cannot be written, they are kept elsewhere for as long as this object lives, so that later
        chapters of the same build can load them.

        Raises:
            OSError: The file cannot be read, or there is no room anywhere.
        """
        with path.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
            if self._writing and not self.blob(digest):
                with self._guarded():
                    self._prepare()
                    codec.write(self._blob(digest), _chunks(source))
            if not self.blob(digest):
                codec.write(self._spare_folder() / digest, _chunks(source))
        return digest

    def blob(self, digest: str) -> Path | None:
        """The file with these bytes, verified once; None if there is none. To be copied, never linked or changed."""
        if not codec.DIGEST.fullmatch(digest):
            return None
        for path in filter(None, (self._blob(digest), self._spare and self._spare / digest)):
            state = digest if path in self._verified and path.is_file() else file_state(path)
            if state == digest:
                self._verified.add(path)
                self._touch(path)
                return path
            if state != ABSENT:
                self._damaged(path)
        return None

    def explain(
        self, chapter: str, depth: str, key: str, components: Mapping[str, str], current: Current
    ) -> tuple[Reason, ...]:
        """Why a path must run: what changed since its last successful run; empty where its results can be had."""
        if self.find(key, current):
            return ()
        before, run, _ = self.latest(chapter, depth) or (None, None, 0.0)
        if before is None:
            return (Reason("never", ""),)
        reasons = (*differences(before, components), *(changes(run.dependencies, current) if run else ()))
        return reasons or (Reason("lost", ""),)

    def latest(self, chapter: str, depth: str) -> tuple[Mapping[str, str], Run | None, float] | None:
        """What a path's last successful run was made of, that run if it is there, and its time; None: there is none."""
        path = self._latest(chapter, depth)
        if not (found := self._entry(path, path.stem, codec.decode_latest)):
            return None
        key, manifest, parts, ran = found
        return parts, self._entry(self._manifests(key) / f"{manifest}.json", key, codec.decode), ran

    def trim(self) -> tuple[int, int]:
        """Remove needless files and, above the size limit, those used longest ago: how many files, how many bytes."""
        if not self._writing or _owner(self._folder) != "fathom":
            return 0, 0
        files = list(_owned(self._folder))
        entries = [path for path, _ in files if path.suffix and path.parent.name != "latest"]
        runs = [self._entry(path, path.parent.name, codec.decode) for path in entries]
        used = {artifact.digest for run in runs if run for artifact in run.artifacts}
        excess = sum(stat.st_size for _, stat in files) - self._size_limit
        removed = []
        for path, stat in sorted(
            files, key=lambda file: (bool(file[0].suffix) or file[0].name in used, file[1].st_mtime)
        ):
            needless = not path.suffix and path.name not in used
            if (needless or excess > 0) and _remove_old(path):
                removed.append(stat.st_size)
                excess -= stat.st_size
        return len(removed), sum(removed)

    def clear(self) -> tuple[int, int]:
        """Remove everything that is the store's, and nothing else: how many files, how many bytes.

        Raises:
            FathomError: The folder is not a store, or cannot be written.
        """
        place = Span(self._folder.as_posix(), 1)
        if self._readonly:
            raise FathomError.at(place, "the cache is read-only", "Set `cache_readonly: false` to clear it.")
        if _owner(self._folder) == "others":
            raise FathomError.at(
                place, f"not a cache of Fathom: it has no `{_TAG}` of ours", "Check the option `cache`."
            )
        files = list(_owned(self._folder))
        try:
            _remove_all(self._folder)
        except OSError as error:
            why = f"cannot be cleared: {error.strerror or error}"
            raise FathomError.at(place, why, "Check who may write there.") from error
        return len(files), sum(stat.st_size for _, stat in files)

    def _entry(self, path: Path, name: str, decode: Callable[[JSON], T]) -> T | None:
        """What an entry holds; None, once said, if anything is wrong with it."""
        try:
            return decode(codec.unseal(path.read_bytes(), name))
        except (OSError, OtherFormatError):  # what cannot be read now may be readable later: it is left alone
            return None
        except DamagedError:
            self._damaged(path)
            return None

    def _damaged(self, path: Path) -> None:
        """Say that a file is not what was written, and take it away where that is allowed."""
        if path not in self._said:
            self._said.add(path)
            self._say(f"{path} is damaged; its cells run again")
        if self._writing:
            with suppress(OSError):
                path.unlink()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Write no more once writing has failed, and say so."""
        try:
            yield
        except OSError as error:
            if self._writing:
                self._say(f"cannot write to the cache `{self._folder}`: {error.strerror}; nothing more is cached")
            self._writing = False

    def _prepare(self) -> None:
        """Mark the folder as ours. One with other files in it is left alone."""
        if (owner := _owner(self._folder)) == "others":
            raise OSError(errno.EEXIST, f"it has other files and no `{_TAG}`")
        for name, text in _MARKS.items() if owner == "nobody" else ():
            codec.write(self._folder / name, [text.encode()])

    def _touch(self, path: Path) -> None:
        """Renew the age by which `trim` goes."""
        if self._writing:
            with suppress(OSError):
                os.utime(path)

    def _spare_folder(self) -> Path:
        """A folder for blobs that lives as long as this object."""
        if self._spare is None:
            self._spare = Path(tempfile.mkdtemp(prefix="fathom-"))
            weakref.finalize(self, shutil.rmtree, self._spare, ignore_errors=True)
        return self._spare

    def _manifests(self, key: str) -> Path:
        return self._folder / "runs" / codec.digest(key)[:2] / key

    def _latest(self, chapter: str, depth: str) -> Path:
        name = hashlib.sha256(f"{chapter}\0{depth}".encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / "latest" / f"{name}.json"

    def _blob(self, digest: str) -> Path:
        return self._folder / "blobs" / digest[:2] / digest


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    yield from iter(lambda: file.read(2**20), b"")


def _owner(folder: Path) -> Literal["fathom", "nobody", "others"]:
    """Whose folder it is; nobody's where it does not exist, or a build was killed that had just made it."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError as error:
        return "nobody" if isinstance(error, FileNotFoundError) else "others"
    # Names come first, because another build may mark the folder in between.
    with suppress(OSError):
        if (folder / _TAG).read_bytes() == _MARKS[_TAG].encode():
            return "fathom"
    return "nobody" if all(name.startswith(TEMPORARY) for name in names) else "others"


def _owned(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Our files but for the marks. Links are not followed."""
    for place, folders, names in os.walk(folder):
        if Path(place) == folder:
            folders[:] = [name for name in folders if name in _TOPS]
            names[:] = [name for name in names if name.startswith(TEMPORARY)]
        for path in (Path(place, name) for name in names if _OURS.fullmatch(name)):
            with suppress(FileNotFoundError):
                yield path, path.lstat()


def _remove_old(path: Path) -> bool:
    """Remove a file unless it was used lately; it is looked at anew, since another build may just have used it."""
    with suppress(OSError):
        if path.lstat().st_mtime < time.time() - GRACE:
            path.unlink()
            return True
    return False


def _remove_all(folder: Path) -> None:
    """Remove our folders, our marks, and the folder itself unless it holds files of others."""
    for top in (folder / name for name in _TOPS):
        if top.is_dir():
            shutil.rmtree(top)
    for path in (*folder.glob(f"{TEMPORARY}*"), *(folder / mark for mark in reversed(_MARKS))):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
