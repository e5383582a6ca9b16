"""Runs the reading paths of a chapter: the parent's side, which keeps deadlines and limits.

`execute` gives the paths to a worker of the pool, listens to what it tells, ends it when it goes beyond a bound, and
returns a `Run` for each path. Nothing that a cell does, be it a crash, an endless loop or `os._exit`, costs more than
its own chapter.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import shutil
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .failures import Ending, explain_ending, explain_error, not_raised, too_much
from .keys import file_state
from .model import JSON, Artifact, Cell, CellResult, Chapter, Dependency, Failure, Line, Run
from .paths import Node, reading_paths, tree
from .pool import Pool
from .processes import group_size

_TICK = 0.1
"""Seconds between two looks at limits: a deadline is kept to within this."""
_GRACE = 2.0
"""Seconds to wait for the news of a worker's end after its connection closed."""



@dataclass(frozen=True, slots=True)
class Need:
    """An artifact that a chapter may load."""

    origin: str
    """`chapter path#name`: who published it, as a dependency names it."""
    digest: str
    """SHA-256 of its bytes."""
    file: Path
    """Where the bytes are."""


CellEvent = Callable[[Cell, tuple[str, ...]], None]
"""Called when a cell starts, with the depths whose paths run it."""


def execute(
    pool: Pool, chapter: Chapter, depths: Sequence[str], needs: Mapping[str, Need], started: CellEvent
) -> dict[str, tuple[Run, Path]]:
    """Run some of a chapter's reading paths.

    Args:
        pool: Where workers come from.
        chapter: The chapter; its cells have no syntax errors.
        depths: The depths whose paths are run.
        needs: The artifacts that it may load: their names and files.
        started: Told of each cell that starts.

    Returns:
        Each depth's run, and the folder of the artifacts it published, which is there until the pool is closed.
    """
    paths = reading_paths(chapter)
    root = tree({depth: paths[depth] for depth in depths})
    return _Job(pool, chapter, root, needs, started).run()


@dataclass(slots=True)
class _Branch:
    """What the parent knows of one node of a chapter's tree while it runs."""

    node: Node
    number: int
    connection: socket.socket
    pid: int
    inbox: bytes = b""
    cell: Cell | None = None
    deadline: float = 0.0
    sizes: tuple[int, int] = (0, 0)
    ending: Ending | None = None
    status: int | None = None
    complete: bool | None = None
    dependencies: list[list[str]] = field(default_factory=list)


class _Job:
    """One chapter while it runs."""

    def __init__(
        self, pool: Pool, chapter: Chapter, root: Node, needs: Mapping[str, Need], started: CellEvent
    ) -> None:
        self._pool = pool
        self._config = pool.config
        self._chapter = chapter
        self._nodes = list(root.walk())
        self._needs = needs
        self._started = started
        self._folder = pool.scratch()
        self._token = secrets.token_hex(16)
        self._number = 0
        self._branches: dict[int, _Branch] = {}
        self._results: dict[int, dict[int, CellResult]] = {number: {} for number in range(len(self._nodes))}
        self._begun = time.monotonic()
        self._statuses: dict[int, int] = {}

    def run(self) -> dict[str, tuple[Run, Path]]:
        listener = self._listener()
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        try:
            self._materialise_needs()
            self._number = self._pool.start_job(self._job(listener))
            self._serve(listener)
        finally:
            for branch in self._branches.values():
                self._kill(branch)
            self._selector.close()
            listener.close()
        runs = {depth: self._collect(depth) for depth in self._nodes[0].depths}
        shutil.rmtree(self._folder / "run", ignore_errors=True)
        return runs

    def _listener(self) -> socket.socket:
        if hasattr(socket, "AF_UNIX"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._folder / "s"))
        else:
            listener = socket.socket(socket.AF_INET)
            listener.bind(("127.0.0.1", 0))
        listener.listen()
        return listener

    def _materialise_needs(self) -> None:
        (self._folder / "run").mkdir()
        for name, need in self._needs.items():
            target = self._folder / "needs" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(need.file, target)
        (self._folder / "needs").mkdir(exist_ok=True)

    def _job(self, listener: socket.socket) -> JSON:
        numbers = {id(node): number for number, node in enumerate(self._nodes)}
        cells = {cell.number: cell for node in self._nodes for cell in node.cells}
        sources: dict[str, str] = {self._chapter.path: "\n".join(line.text for line in self._own_lines())}
        return {
            "address": listener.getsockname(),
            "token": self._token,
            "folder": str(self._folder),
            "root": str(self._config.root),
            "seed": self._config.seed,
            "memory": self._config.memory,
            "output": self._config.output,
            "processes": self._config.processes,
            "sources": sources | self._included_sources(),
            "cells": {number: self._job_cell(cell) for number, cell in cells.items()},
            "nodes": [
                {
                    "cells": [cell.number for cell in node.cells],
                    "children": [numbers[id(child)] for child in node.children],
                }
                for node in self._nodes
            ],
        }

    def _own_lines(self) -> list[Line]:
        return [line for line in self._chapter.lines if line.path == self._chapter.path]

    def _included_sources(self) -> dict[str, str]:
        names = {line.path for line in self._chapter.lines} - {self._chapter.path}
        return {name: (self._config.root / name).read_text(encoding="utf-8", errors="replace") for name in names}

    def _job_cell(self, cell: Cell) -> JSON:
        files = {path for path, _ in cell.origins}
        # Code has one file name: where a cell mixes its own lines with included ones, the latter count as the fence's.
        mixed = len(files) > 1
        file = self._chapter.path if mixed or not files else next(iter(files))
        return {
            "source": cell.source,
            "file": file,
            "lines": [line if path == file else cell.span.line for path, line in cell.origins] or [cell.span.line],
            "raises": cell.options.raises,
            "may_raise": cell.options.may_raise,
            "network": cell.options.network,
            "timeout": cell.options.timeout or self._config.timeout,
        }

    def _serve(self, listener: socket.socket) -> None:
        """Listen until the root's worker has ended and with it all branches."""
        patience = time.monotonic() + 60 + len(self._config.preload) * 10
        while not (self._branches and all(branch.complete is not None for branch in self._branches.values())):
            for key, _ in self._selector.select(_TICK):
                if key.fileobj is listener:
                    self._accept(listener)
                else:
                    self._read(key.data)
            self._check_limits()
            if not self._branches and (time.monotonic() > patience or not self._pool.alive):
                raise RuntimeError("the server of workers has ended or does not answer")

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(10)
        hello = connection.makefile("rb", buffering=0).readline()
        message = json.loads(hello)
        if message["token"] != self._token:
            connection.close()
            return
        number = message["node"]
        branch = _Branch(self._nodes[number], number, connection, message["pid"])
        self._branches[number] = branch
        self._selector.register(connection, selectors.EVENT_READ, branch)
        connection.sendall(b"\n")  # only now may the worker go on, and end

    def _read(self, branch: _Branch) -> None:
        try:
            data = branch.connection.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            self._ended(branch)
            return
        *lines, branch.inbox = (branch.inbox + data).split(b"\n")
        for line in lines:
            self._handle(branch, json.loads(line))

    def _handle(self, branch: _Branch, message: JSON) -> None:
        match message["event"]:
            case "start":
                branch.cell = self._chapter.cells[message["cell"]]
                branch.deadline = time.monotonic() + (branch.cell.options.timeout or self._config.timeout)
                branch.sizes = self._capture_sizes(branch)
                self._started(branch.cell, branch.node.depths)
            case "done":
                assert branch.cell is not None  # noqa: S101 - a worker tells `start` before `done`
                self._results[branch.number][branch.cell.number] = self._result(branch.cell, message)
                branch.cell = None
            case "limit":
                branch.ending = Ending("output", self._config)
            case "exit":
                self._statuses[message["node"]] = message["status"]
            case "end":
                branch.complete = message["complete"]
                branch.dependencies = message["dependencies"]

    def _result(self, cell: Cell, message: JSON) -> CellResult:
        outputs = tuple(message["outputs"])
        failure = None
        if not message["ok"]:
            failure = explain_error(self._chapter, cell, message["error"], outputs, self._config)
        elif cell.options.raises and message["error"] is None:
            failure = not_raised(cell)
        else:
            size = len(json.dumps(outputs))
            if size > 2 * self._config.output:
                failure, outputs = too_much(cell, size, self._config), ()
        return CellResult(cell.number, outputs, message["seconds"], failure)

    def _check_limits(self) -> None:
        now = time.monotonic()
        for branch in self._branches.values():
            if branch.cell is None or branch.complete is not None or branch.ending is not None:
                continue
            printed = sum(self._capture_sizes(branch)) - sum(branch.sizes)
            if now > branch.deadline:
                branch.ending = Ending("timeout", self._config)
            elif printed > self._config.output:
                branch.ending = Ending("output", self._config)
            elif group_size(branch.pid) > self._config.processes:
                branch.ending = Ending("processes", self._config)
            if branch.ending:
                self._kill(branch)

    def _capture_sizes(self, branch: _Branch) -> tuple[int, int]:
        stem = self._folder / "run" / f"capture{branch.number}"
        out, err = (stem.with_suffix(suffix) for suffix in (".out", ".err"))
        return out.stat().st_size, err.stat().st_size

    def _ended(self, branch: _Branch) -> None:
        """The connection has closed: the worker ended as it should, or in the middle of a cell."""
        self._selector.unregister(branch.connection)
        branch.connection.close()
        if branch.complete is None:
            branch.complete = False
            if branch.cell is not None:
                self._results[branch.number][branch.cell.number] = self._broken(branch, branch.cell)
        self._kill(branch)

    def _broken(self, branch: _Branch, cell: Cell) -> CellResult:
        stem = self._folder / "run" / f"capture{branch.number}"
        ending = branch.ending or Ending("died", self._config, self._status(branch))
        outputs = []
        for name, suffix, start in (("stdout", ".out", branch.sizes[0]), ("stderr", ".err", branch.sizes[1])):
            with suppress(OSError), stem.with_suffix(suffix).open("rb") as file:
                file.seek(start)
                text = file.read(min(self._config.output, 1 << 16)).decode("utf-8", "replace")
                outputs += [{"output_type": "stream", "name": name, "text": text}] if text else []
        crash = stem.with_suffix(".crash")
        dump = crash.read_text(encoding="utf-8", errors="replace") if crash.exists() else ""
        failure = explain_ending(cell, ending, dump, outputs)
        seconds = time.monotonic() - branch.deadline + (cell.options.timeout or self._config.timeout)
        return CellResult(cell.number, tuple(outputs), max(seconds, 0.0), failure)

    def _status(self, branch: _Branch) -> int | None:
        if branch.number == 0:
            return self._pool.status(self._number)
        parent = next(
            number for number, node in enumerate(self._nodes) if self._nodes[branch.number] in node.children
        )
        # The trunk tells how its branches ended; it may be a moment behind.
        deadline = time.monotonic() + _GRACE
        trunk = self._branches[parent]
        while branch.number not in self._statuses and trunk.complete is None and time.monotonic() < deadline:
            for key, _ in self._selector.select(_TICK):
                if key.data is trunk:
                    self._read(trunk)
        return self._statuses.get(branch.number)

    def _kill(self, branch: _Branch) -> None:
        with suppress(OSError):
            os.killpg(branch.pid, signal.SIGKILL)

    def _collect(self, depth: str) -> tuple[Run, Path]:
        """A path's run, put together from the nodes that it passes."""
        numbers = [number for number, node in enumerate(self._nodes) if depth in node.depths]
        known = {cell: result for number in numbers for cell, result in self._results[number].items()}
        results: list[CellResult] = []
        culprit: int | None = None
        for cell in (cell for number in numbers for cell in self._nodes[number].cells):
            result = known.get(cell.number) or self._missing(cell, culprit)
            culprit = cell.number if result.failure and culprit is None else culprit
            results.append(result)
        folder, artifacts = self._published(depth, numbers)
        last = self._branches.get(numbers[-1])
        run = Run(
            chapter=self._chapter.path,
            depth=depth,
            results=tuple(results),
            artifacts=artifacts,
            dependencies=self._dependencies(last.dependencies if last else [], results),
            seconds=time.monotonic() - self._begun,
        )
        return run, folder

    def _dependencies(self, seen: list[list[str]], results: Sequence[CellResult]) -> tuple[Dependency, ...]:
        found = set()
        for kind, name, state in seen:
            match kind:
                case "file" | "directory":
                    found.add(Dependency(kind, name, state))  # type: ignore[arg-type]  # one of the two
                case "artifact" if name in self._needs:
                    found.add(Dependency("artifact", self._needs[name].origin, self._needs[name].digest))
                case "module":
                    found |= {Dependency("distribution", *owner) for owner in self._pool.owners(name)}
        if any(self._chapter.path in json.dumps(result.outputs) for result in results):
            # A warning or a traceback shows where a line stands: should it move, the output would be wrong.
            cells = self._chapter.cells
            found |= {Dependency("line", str(cell.number), f"{cell.span.path}:{cell.span.line}") for cell in cells}
        return tuple(sorted(found, key=lambda item: (item.kind, item.name)))

    def _missing(self, cell: Cell, culprit: int | None) -> CellResult:
        if culprit is not None:
            return CellResult(cell.number, (), 0.0, blocked_by=culprit)
        failure = Failure(cell.span, "the cell's process ended before the cell began", "Run it again.")
        return CellResult(cell.number, (), 0.0, failure)

    def _published(self, depth: str, numbers: Sequence[int]) -> tuple[Path, tuple[Artifact, ...]]:
        """Move what the nodes of a path published into one folder; later nodes win."""
        target = self._folder / f"artifacts-{depth}"
        target.mkdir()
        for number in numbers:
            folder = self._folder / "run" / f"publish{number}"
            if folder.is_dir():
                shutil.copytree(folder, target, dirs_exist_ok=True)
        files = sorted(file for file in target.rglob("*") if file.is_file())
        artifacts = tuple(
            Artifact(file.relative_to(target).as_posix(), file_state(file), file.stat().st_size) for file in files
        )
        return target, artifacts
