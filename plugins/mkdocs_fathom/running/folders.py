"""The folders of a worker: where its cells work, and where they find and leave artifacts."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .. import artifacts


class Folders:
    """The folders of one chapter's job, each node of its tree with its own."""

    def __init__(self, job: Path, root: str) -> None:
        """Make nothing yet.

        Args:
            job: The folder of the job.
            root: The project's root.
        """
        self.run = job / "run"
        self.needs = job / "needs"
        self.node = self.run
        self._root = root
        self._hidden: list[tuple[str, str]] = []

    @property
    def writable(self) -> tuple[Path, Path]:
        """The folders that the node's cells may write to."""
        return self.node / "work", self.node / "publish"

    def enter(self, node: Path, before: Path | None) -> None:
        """Make a node's folders and let this process work there.

        Args:
            node: The folder to make.
            before: A folder with the state to go on with, of which copies are made; None: begin with empty ones.
        """
        self.node = node
        self.node.mkdir()
        work, publish = self.writable
        if before is None:
            work.mkdir()
            publish.mkdir()
            os.chdir(work)
        else:
            here = _current()
            _copy(before / "work", work)
            _copy(before / "publish", publish)
            if here is None:
                os.chdir(work)
            elif here.is_relative_to(before / "work"):
                os.chdir(work / here.relative_to(before / "work"))
        self._hide(work, publish)
        os.environ[artifacts.PUBLISH_VARIABLE] = str(publish)
        os.environ[artifacts.NEEDS_VARIABLE] = str(self.needs)
        os.environ["TMPDIR"] = str(work)
        tempfile.tempdir = None  # it remembers the parent's

    def keep(self, target: Path) -> None:
        """Copy what the cells have written, and stand in the copy: the files go on changing where they are."""
        here = _current()
        target.mkdir(parents=True)
        for folder in self.writable:
            _copy(folder, target / folder.name)
        inside = here is not None and here.is_relative_to(self.node / "work")
        os.chdir(target / here.relative_to(self.node) if here and inside else target / "work")

    def _hide(self, work: Path, publish: Path) -> None:
        self._hidden += [(f"{work}{os.sep}", ""), (str(work), ".")]
        self._hidden += [(str(folder), "artifacts") for folder in (publish, self.needs)]

    def hide(self, text: str) -> str:
        """Take this machine's folders out of a text: the same output everywhere, and none told to readers."""
        for folder, short in (*self._hidden, (self._root + os.sep, "")):
            text = text.replace(folder, short)
        return text


def _current() -> Path | None:
    """The working folder; None if a cell has removed it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():  # a cell may have removed it
        shutil.copytree(source, target, symlinks=True, ignore=_special)
    else:
        target.mkdir()


def _special(folder: str, names: Iterable[str]) -> set[str]:
    """Sockets and pipes: they belong to the processes that made them."""
    plain = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)
    return {name for name in names if not any(kind(Path(folder, name).lstat().st_mode) for kind in plain)}
