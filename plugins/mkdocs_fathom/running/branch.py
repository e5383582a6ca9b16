"""A worker as its parent knows it: which cell it runs and since when, what came of those before, and its bounds."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from ..config import Config
from ..model import JSON, Cell, CellResult, Chapter
from ..parsing.paths import Node
from .failures import Bound, Ending, explain_ending, explain_error, explain_loss, not_raised, too_much
from .processes import DUMP_SIGNAL, group_size, kill_group

CellEvent = Callable[[Cell, tuple[str, ...]], None]
"""Called when a cell starts, with the depths whose paths run it."""
_LOOK = 0.1
"""Seconds between two looks at the limits."""
_DUMP = 0.05
"""Seconds that a worker has for writing down where it is."""
_OWN = 60.0
"""Seconds that a worker may take between two cells, for what is its own to do."""
_SHOWN = 2**16
"""Bytes of each stream that are kept of a cell that did not come to its end."""


class Branch:
    """A node of a chapter's tree, and the process that runs it."""

    def __init__(self, node: Node, folder: Path, chapter: Chapter, config: Config, started: CellEvent) -> None:
        """No process is known yet.

        Args:
            node: What it runs.
            folder: Where its process works, and writes down what the cells print.
            chapter: The chapter.
            config: The bounds.
            started: Told of each cell that starts.
        """
        self.node = node
        self.folder = folder
        self.results: dict[int, CellResult] = {}
        self.dependencies: list[list[str]] = []
        self.connection: socket.socket | None = None
        self.broken = ""
        self.status: int | None = None
        self._chapter = chapter
        self._config = config
        self._started = started
        self._pid = 0
        self._inbox = b""
        self._cell: Cell | None = None
        self._begun = 0.0
        self._sizes = [0, 0]
        self._ending: Ending | None = None
        # When the process goes beyond its time; when it is to be killed; when to look at it again.
        self._deadline = self._kill_at = float("inf")
        self._next_look = 0.0
        # When the processes of its branches must have said who they are.
        self._children_by = float("inf")
        self.children: list[Branch] = []

    def connect(self, connection: socket.socket, pid: int) -> bool:
        """The process has said who it is; False if there is one already."""
        if self._pid:
            return False
        self.connection, self._pid = connection, pid
        self._deadline = time.monotonic() + _OWN
        return True

    def receive(self) -> list[JSON] | None:
        """The messages that have come in; None at their end."""
        assert self.connection is not None  # noqa: S101 - callers wait for it
        try:
            data = self.connection.recv(1 << 20)
            self._inbox += data
            if data and b"\n" not in data:
                return []
            *lines, self._inbox = self._inbox.split(b"\n")
            return [json.loads(line) for line in lines] if data else None
        except (OSError, ValueError):
            return None

    def handle(self, message: JSON) -> None:
        """Take in what the process tells."""
        match message["event"]:
            case "start":
                self._start(self._chapter.cells[message["cell"]], message["sizes"])
            case "done":
                self._done(message)
            case "branch":  # it waits for its branches, as long as those take once they have begun
                self._deadline = float("inf")
                self._children_by = time.monotonic() + _OWN
            case "limit":
                self._end("output")
            case "end":
                self.dependencies = message["dependencies"]

    def _start(self, cell: Cell, sizes: list[int]) -> None:
        self._cell = cell
        self._begun = time.monotonic()
        self._deadline = self._begun + (cell.options.timeout or self._config.timeout)
        self._next_look = self._begun + _LOOK
        self._sizes = sizes
        self._started(cell, self.node.depths)

    def _done(self, message: JSON) -> None:
        cell, self._cell = self._cell, None
        assert cell is not None  # noqa: S101 - a worker tells `start` before `done`
        self._deadline = time.monotonic() + _OWN
        outputs = tuple(message["outputs"])
        failure = None
        if not message["ok"]:
            failure = explain_error(self._chapter, cell, message["error"], outputs, self._config)
        elif cell.options.raises and message["error"] is None:
            failure = not_raised(cell)
        elif message["size"] > 2 * self._config.output:
            failure, outputs = too_much(cell, message["size"], self._config), ()
        self.results[cell.number] = CellResult(cell.number, outputs, message["seconds"], failure)

    def check(self) -> None:
        """End the process if it goes beyond a bound."""
        now = time.monotonic()
        if not self._pid or self.status is not None or now < self._next_look:
            return
        self._next_look = now + _LOOK
        if now >= self._kill_at:
            self._kill_at = float("inf")
            kill_group(self._pid)
        elif self._ending is None and now > self._deadline:
            self._end("timeout")
        elif now > self._children_by:
            self._children_by = float("inf")
            if any(child.connection is None and child.status is None for child in self.children):
                self._fail(f"a process that it was to run in did not begin within {_OWN:g} s")
        elif self._ending is None and self._cell is not None:
            self._check_cell()

    def _check_cell(self) -> None:
        """End the process if what its cell prints or starts is too much, or nobody can tell any more."""
        try:
            printed = self._captured() - sum(self._sizes)
        except OSError as error:  # the cell has removed our folders
            self._fail(f"{type(error).__name__}: {error.strerror}: `{Path(error.filename or '').name}`")
            return
        if printed > self._config.output:
            self._end("output")
        elif group_size(self._pid) > self._config.processes:
            self._end("processes")

    def _fail(self, what: str) -> None:
        """End the process, and all below it, because our own part cannot go on."""
        self._break(what)
        self._next_look = float("inf")
        kill_group(self._pid)

    def _break(self, what: str) -> None:
        self.broken = self.broken or what
        for child in self.children:
            child._break(what)  # noqa: SLF001 - another of us

    def _end(self, bound: Bound) -> None:
        """End the process because it went beyond a bound."""
        self._ending = Ending(bound, self._config)
        if bound == "timeout" and DUMP_SIGNAL:
            # It writes down where it is, and is killed with the next look.
            with contextlib.suppress(OSError):
                os.kill(self._pid, DUMP_SIGNAL)
            self._kill_at = time.monotonic() + _DUMP
        else:
            kill_group(self._pid)

    def cancel(self) -> None:
        """End the process, because nobody waits for it any more."""
        if self._pid and self.status is None:
            kill_group(self._pid)

    def close(self) -> None:
        """See to it that neither the process nor the connection is left."""
        self.cancel()
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def finish(self, status: int | None) -> None:
        """The process has ended, in the middle of a cell or as it should.

        Args:
            status: How the chapter's first process ended, for a branch of which nobody said how it did.
        """
        self.status = status if self.status is None else self.status
        if self._cell:
            cell, ending, outputs = self._cell, self._how(), self._outputs()
            crash = self.folder / "capture.crash"
            dump = ""
            with contextlib.suppress(OSError):
                dump = crash.read_text(encoding="utf-8", errors="replace")
            if self.broken and self._ending is None:
                failure = explain_loss(cell, ending, self.broken)
            else:
                failure = explain_ending(cell, ending, dump, outputs)
            self.results[cell.number] = CellResult(cell.number, outputs, time.monotonic() - self._begun, failure)

    def _how(self) -> Ending:
        return self._ending or Ending("died", self._config, self.status)

    def lost(self, cell: Cell) -> CellResult:
        """The result of a cell that should have run and did not begin."""
        return CellResult(cell.number, (), 0.0, explain_loss(cell, self._how(), self.broken))

    def _captured(self) -> int:
        return sum((self.folder / f"capture{ending}").stat().st_size for ending in (".out", ".err"))

    def _outputs(self) -> tuple[JSON, ...]:
        """What a cell that did not come to its end had printed, each stream by itself."""
        outputs: list[JSON] = []
        for name, start in zip(("stdout", "stderr"), self._sizes, strict=True):
            with contextlib.suppress(OSError), (self.folder / f"capture.{name[3:]}").open("rb") as file:
                file.seek(start)
                text = file.read(min(self._config.output, _SHOWN)).decode("utf-8", "replace")
                outputs += [{"output_type": "stream", "name": name, "text": text}] if text else []
        return tuple(outputs)
