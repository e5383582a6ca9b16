"""What an author sees while chapters run: a live line for each on a terminal, a plain line for each elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from .model import Cell, Chapter
from .schedule import Runs

_REPAINT = 0.1
"""Seconds between two pictures of the live lines."""


@dataclass(slots=True)
class _Row:
    """A chapter that runs now."""

    total: int
    begun: float
    done: int = 0
    line: int = 0
    since: float = 0.0
    slowest: tuple[float, int] = (0.0, 0)

    def next_cell(self, line: int, now: float) -> None:
        if self.line:
            self.done += 1
            self.slowest = max(self.slowest, (now - self.since, self.line))
        self.line, self.since = line, now

    def text(self, name: str, now: float) -> str:
        text = f"{name}  {self.done}/{self.total} cells"
        if self.line:
            text += f", line {self.line} for {now - self.since:.1f} s"
        if self.slowest[1]:
            text += f", slowest line {self.slowest[1]} ({self.slowest[0]:.1f} s)"
        return text


class PlainProgress:
    """One line for each chapter that was run, when it is done; nothing for those that the store had."""

    def __init__(self, write: Callable[[str], None], say: Callable[[str], None] | None = None) -> None:
        """Write nothing yet.

        Args:
            write: Takes a line.
            say: Takes a sentence about something that went wrong outside the chapters; `write` if None.
        """
        self._write = write
        self.say = say or write

    def started(self, chapter: Chapter, cells: int) -> None:
        """Say nothing: the line comes when it is done."""

    def cell(self, chapter: Chapter, cell: Cell, depths: tuple[str, ...]) -> None:
        """Say nothing."""

    def finished(self, chapter: Chapter, runs: Runs) -> None:
        """Tell how long it took."""
        line = summary(chapter, runs)
        if line:
            self._write(line)


class LiveProgress:
    """A line for each chapter that runs now, repainted in place. Use it as a context manager."""

    def __init__(self, stream: TextIO, width: int) -> None:
        """Paint nothing yet.

        Args:
            stream: A terminal.
            width: Its columns.
        """
        self._stream = stream
        self._width = width
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()
        self._painted = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._paint_until_stopped, daemon=True, name="fathom-progress")

    def __enter__(self) -> LiveProgress:  # noqa: PYI034 - `Self` would say no more: nobody inherits from it
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        with self._lock:
            self._erase()

    def started(self, chapter: Chapter, cells: int) -> None:
        """Give the chapter a line."""
        with self._lock:
            self._rows[chapter.path] = _Row(cells, time.monotonic())

    def cell(self, chapter: Chapter, cell: Cell, depths: tuple[str, ...]) -> None:  # noqa: ARG002 - the protocol's
        """Show which cell runs."""
        with self._lock:
            self._rows[chapter.path].next_cell(cell.span.line, time.monotonic())

    def finished(self, chapter: Chapter, runs: Runs) -> None:
        """Take the chapter's line away and leave a summary above the others."""
        with self._lock:
            self._rows.pop(chapter.path, None)
        line = summary(chapter, runs)
        if line:
            self.say(line)

    def say(self, sentence: str) -> None:
        """Write a line above the live ones."""
        with self._lock:
            self._erase()
            self._stream.write(sentence + "\n")
            self._paint()

    def _paint_until_stopped(self) -> None:
        while not self._stop.wait(_REPAINT):
            with self._lock:
                self._erase()
                self._paint()

    def _erase(self) -> None:
        if self._painted:
            self._stream.write(f"\x1b[{self._painted}F\x1b[J")
            self._painted = 0

    def _paint(self) -> None:
        now = time.monotonic()
        for name, row in self._rows.items():
            self._stream.write(row.text(name, now)[: self._width - 1] + "\n")
        self._painted = len(self._rows)
        self._stream.flush()


def summary(chapter: Chapter, runs: Runs) -> str:
    """What is left on the screen of a chapter that was run: cells and seconds; empty if the store had it all."""
    run = [item for item in runs.values() if not item.cached]
    cells = {result.number for item in run for result in item.results if result.blocked_by is None}
    if not cells:
        return ""
    failed = any(item.failed for item in run)
    seconds = max(item.seconds for item in run)
    return f"{chapter.path}: {len(cells)} cells in {seconds:.1f} s" + (", failed" if failed else "")
