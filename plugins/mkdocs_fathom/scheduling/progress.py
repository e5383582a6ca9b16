"""What an author sees while chapters run: a live line for each on a terminal, a plain line for each elsewhere."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Self, TextIO

from ..model import Cell, Chapter
from .report import Runs, counted

_REPAINT = 0.1
"""Seconds between two pictures of the live lines."""


def choose(stream: TextIO, progress: PlainProgress) -> AbstractContextManager[PlainProgress | LiveProgress]:
    """Live lines if the stream is a terminal that can go back to a line; else what was given."""
    if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return LiveProgress(stream)
    return nullcontext(progress)


@dataclass(slots=True)
class _Row:
    """A chapter that runs now."""

    total: int
    """Its cells."""
    started: set[int] = field(default_factory=set)
    """Those that have begun, by number."""
    running: dict[tuple[str, ...], tuple[int, float]] = field(default_factory=dict)
    """The line of the cell that runs for some depths, and since when; several where paths have parted."""
    slowest: tuple[float, int] = (0.0, 0)
    """The seconds and the line of the cell that took longest."""

    def begin(self, cell: Cell, depths: tuple[str, ...], now: float) -> None:
        """A cell begins, so the one before it on the same paths is done."""
        for before in [key for key in self.running if set(key) & set(depths)]:
            line, since = self.running.pop(before)
            self.slowest = max(self.slowest, (now - since, line))
        self.running[depths] = (cell.span.line, now)
        self.started.add(cell.number)

    def text(self, name: str, now: float) -> str:
        """The live line."""
        done = max(0, len(self.started) - len({line for line, _ in self.running.values()}))
        parts = [f"{name}  {done}/{self.total} cells"]
        parts += [f"line {line} for {now - since:.1f} s" for line, since in sorted(set(self.running.values()))]
        if self.slowest[1]:
            parts.append(f"slowest line {self.slowest[1]} ({self.slowest[0]:.1f} s)")
        return ", ".join(parts)


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
        self._write(summary(chapter, runs))


class LiveProgress:
    """A line for each chapter that runs now, repainted in place. Use it as a context manager."""

    def __init__(self, stream: TextIO) -> None:
        """Paint nothing yet; `stream` is a terminal."""
        self._stream = stream
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()
        self._painted = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._paint_until_stopped, daemon=True, name="fathom-progress")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        with self._lock:
            self._erase()
            self._stream.flush()

    def started(self, chapter: Chapter, cells: int) -> None:
        """Give the chapter a line."""
        with self._lock:
            self._rows[chapter.path] = _Row(cells)

    def cell(self, chapter: Chapter, cell: Cell, depths: tuple[str, ...]) -> None:
        """Show which cell runs."""
        with self._lock:
            self._rows[chapter.path].begin(cell, depths, time.monotonic())

    def finished(self, chapter: Chapter, runs: Runs) -> None:
        """Take the chapter's line away and leave a summary above the others."""
        with self._lock:
            self._rows.pop(chapter.path, None)
        self.say(summary(chapter, runs))

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
        size = shutil.get_terminal_size()
        # A line that wrapped, or one above the screen's top, could not be taken away again.
        rows = list(self._rows.items())[: size.lines - 1]
        for name, row in rows:
            self._stream.write(row.text(name, now)[: size.columns - 1] + "\n")
        self._painted = len(rows)
        self._stream.flush()


def summary(chapter: Chapter, runs: Runs) -> str:
    """What is left on the screen of a chapter that was run: cells and seconds."""
    run = [item for item in runs.values() if not item.cached]
    cells = {result.number for item in run for result in item.results if result.blocked_by is None}
    seconds = max((item.seconds for item in run), default=0.0)
    failed = ", failed" if any(item.failed for item in run) else ""
    return f"{chapter.path}: {counted(len(cells), 'cell')} in {seconds:.1f} s{failed}"
