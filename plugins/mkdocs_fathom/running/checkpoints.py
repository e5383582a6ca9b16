"""Sleeping copies of workers, as their parent knows them: what each has behind it, and whether that still holds.

A run that comes to a copy's place again, with nothing changed before it, goes on from there. Copies are few, and those
used longest ago end first; one that no run can come to any more ends at once.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Config
from ..model import Cell, CellResult, Chapter, Dependency
from ..store.keys import Current, changes, components
from .children import ASLEEP
from .launcher import Ended
from .processes import kill_group

MOST = 4
"""How many copies there may be."""
WORTH = 0.5
"""Seconds of running that make a copy worth its memory."""
_MEMORY = 2 * 2**30
"""Bytes that copies may hold together; what they share counts for each."""
Step = tuple[int, str, str]
"""A cell as a copy has run it: its number, digests of its code and options, and how its lines lie to each other."""


def steps(chapter: Chapter, depth: str, cells: Sequence[Cell], config: Config) -> tuple[Step, ...]:
    """What a copy must have run to be of use for a path."""
    parts = components(chapter, depth, config)
    return tuple((cell.number, parts[f"cell {cell.number + 1}"], _shape(cell)) for cell in cells)


def _shape(cell: Cell) -> str:
    """How a cell's lines lie to each other in each of their files: they may only move together (see `moving`)."""
    first: dict[str, int] = {}
    return json.dumps([(path, line - first.setdefault(path, line)) for path, line in cell.origins])


@dataclass(frozen=True, slots=True)
class Past:
    """What a copy has behind it."""

    chapter: str
    """The chapter's path."""
    config: Config
    """The options it ran with."""
    made_of: Mapping[str, str]
    """What else its results depend on and was known before."""
    steps: tuple[Step, ...]
    """The cells, in order."""
    results: Mapping[int, CellResult]
    """What they did, by number."""
    dependencies: tuple[Dependency, ...]
    """What they used."""


class Sleeper:
    """A sleeping copy: takes orders for workers that go on from it, as a server does."""

    def __init__(self, connection: socket.socket, pid: int, job: Path, place: Path) -> None:
        """Listen to it.

        Args:
            connection: Where it listens.
            pid: Its number.
            job: The folder of its job, in which its workers go on.
            place: The folder of its node, which its cells know by name.
        """
        self.job = job
        self.place = place
        self.pid = pid
        self.alive = True
        self._connection = connection
        self._waiting: dict[int, Ended] = {}
        self._orders = 0
        self._lock = threading.Lock()
        connection.settimeout(None)
        threading.Thread(target=self._listen, daemon=True, name="fathom-sleeper").start()

    @property
    def state(self) -> Path:
        """The folder with what its cells had written."""
        return self.job / ASLEEP / str(self.pid)

    def order(self, job: Path, node: int, ended: Ended) -> None:
        """Have a worker forked; arguments as `Launcher.order` has them."""
        with self._lock:
            self._orders += 1
            number, alive = self._orders, self.alive
            if alive:
                self._waiting[number] = ended
        message = {"id": number, "job": str(job), "node": node}
        try:
            self._connection.sendall(json.dumps(message).encode("utf-8", "surrogatepass") + b"\n")
        except OSError:
            alive = False
        if not alive:
            self._end(number, None)
            ended(None)

    def close(self) -> None:
        """End it, and leave nothing of it."""
        self.alive = False
        kill_group(self.pid)
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        (self.job.parent / ASLEEP / str(self.pid)).unlink(missing_ok=True)
        shutil.rmtree(self.state, ignore_errors=True)

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._connection.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                self._end(message["job"], message["status"])
        with self._lock:
            self.alive = False
            left = list(self._waiting)
        for number in left:
            self._end(number, None)

    def _end(self, number: int, status: int | None) -> None:
        with self._lock:
            ended = self._waiting.pop(number, None)
        if ended:
            ended(status)


class Checkpoints:
    """All copies of a pool, those used last at the end."""

    def __init__(self) -> None:
        """There are none yet."""
        self._past: dict[Sleeper, Past] = {}
        self._lock = threading.Lock()
        self._closed = False

    def add(self, sleeper: Sleeper, past: Past) -> None:
        """Keep a copy; those used longest ago make room."""
        with self._lock:
            self._past[sleeper] = past
            while len(self._past) > (0 if self._closed else MOST) or sum(map(_memory, self._past)) > _MEMORY:
                oldest = next(iter(self._past))
                del self._past[oldest]
                oldest.close()

    def find(
        self, chapter: Chapter, paths: Mapping[str, Sequence[Cell]], config: Config, current: Current
    ) -> dict[str, tuple[Sleeper, Past]]:
        """The copy that each path of a chapter can go on from; those of no more use to the chapter end.

        Args:
            chapter: The chapter.
            paths: The cells of all its paths, by depth.
            config: The site's options.
            current: The present states of dependencies.
        """
        found: dict[str, tuple[Sleeper, Past]] = {}
        with self._lock:
            for sleeper, past in list(self._past.items()):
                if past.chapter != chapter.path:
                    continue
                depths = [depth for depth, cells in paths.items() if _leads(past, chapter, depth, cells, config)]
                if not depths or not sleeper.alive or any(changes(past.dependencies, current)):
                    del self._past[sleeper]
                    sleeper.close()
                for depth in depths if sleeper in self._past else ():
                    if depth not in found or len(found[depth][1].steps) < len(past.steps):
                        found[depth] = sleeper, past
            for sleeper, past in found.values():
                self._past[sleeper] = self._past.pop(sleeper, past)
        return found

    def jobs(self) -> set[Path]:
        """The folders in which copies stand."""
        with self._lock:
            return {sleeper.job for sleeper in self._past}

    def close(self) -> None:
        """End all copies."""
        with self._lock:
            self._closed = True
            sleepers = list(self._past)
            self._past.clear()
        for sleeper in sleepers:
            sleeper.close()


def made_of(chapter: Chapter, depth: str, config: Config) -> dict[str, str]:
    """What all paths of a chapter depend on and is known before they run."""
    parts = components(chapter, depth, config)
    return {name: state for name, state in parts.items() if name != "depth" and not name.startswith("cell ")}


def _leads(past: Past, chapter: Chapter, depth: str, cells: Sequence[Cell], config: Config) -> bool:
    """Whether a path begins with what a copy has behind it."""
    same = past.config == config and past.made_of == made_of(chapter, depth, config)
    return same and steps(chapter, depth, cells, config)[: len(past.steps)] == past.steps


def _memory(sleeper: Sleeper) -> int:
    import psutil

    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(sleeper.pid).memory_info().rss)
    return 0
