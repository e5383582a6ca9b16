"""Runs the reading paths of a chapter: the parent's side, which keeps deadlines and limits.

`execute` gives the paths to workers of the pool, listens to what they tell, ends them when they go beyond a bound, and
returns a `Run` for each path. Nothing that a cell does, be it a crash, an endless loop or `os._exit`, costs more than
its own chapter.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import shutil
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..model import Chapter, Run
from ..parsing.paths import Node, reading_paths
from ..store.keys import Current
from . import job
from .branch import Branch, CellEvent
from .checkpoints import WORTH, Sleeper
from .collect import Need, collect
from .plan import Root, plan, recall
from .pool import Pool

_TICK = 0.1
"""Seconds between two looks at limits: a deadline is kept to within this."""
_HELLO = 10.0
"""Seconds in which who connects must say who it is."""
_LONGEST_ADDRESS = 100
"""Bytes that the path of a socket may have; systems differ between 104 and 108."""


def execute(
    pool: Pool,
    chapter: Chapter,
    depths: Sequence[str],
    needs: Mapping[str, Need],
    started: CellEvent,
    *,
    until: Mapping[str, int] | None = None,
    unwanted: Callable[[], bool] = lambda: False,
    current: Current | None = None,
) -> dict[str, tuple[Run, Path]]:
    """Run some of a chapter's reading paths.

    Args:
        pool: Where workers come from.
        chapter: The chapter; its cells have no syntax errors.
        depths: The depths whose paths are run.
        needs: The artifacts that it may load: their names and files.
        started: Told of each cell that starts.
        until: How many cells of each path are run; None: all.
        unwanted: Whether nobody waits for the runs any more, so that they may as well end.
        current: The present states of dependencies, where a run may go on from an earlier one.

    Returns:
        Each depth's run, and the folder of the artifacts it published, which is there until the pool is closed.

    Raises:
        FathomError: No worker can be made ready.
    """
    begun = time.monotonic()
    every = reading_paths(chapter)
    paths = {depth: every[depth][: until[depth] if until else None] for depth in depths}
    execution = _Execution(pool, chapter, plan(pool, chapter, paths, current), started, unwanted)
    execution.run(needs)
    runs = {depth: execution.collect(depth, needs) for depth in depths}
    execution.remember(needs)
    shutil.rmtree(execution.folder / "run", ignore_errors=True)
    return {depth: (replace(run, seconds=time.monotonic() - begun), folder) for depth, (run, folder) in runs.items()}


class _Execution:
    """One chapter while it runs."""

    def __init__(
        self, pool: Pool, chapter: Chapter, roots: Sequence[Root], started: CellEvent, unwanted: Callable[[], bool]
    ) -> None:
        self._pool = pool
        self._unwanted = unwanted
        self._chapter = chapter
        self._nodes = [node for root in roots for node in root.node.walk()]
        starts = {id(root.node): root for root in roots}
        self._roots = {number: starts[id(node)] for number, node in enumerate(self._nodes) if id(node) in starts}
        self.folder = next((root.origin.job for root in roots if root.origin), None) or pool.scratch()
        # The folder of a job may be used again; those of its nodes are new, unless cells know them by name already.
        self._mark = secrets.token_hex(4)
        self.branches = [
            Branch(node, self._place(number), chapter, pool.config, started) for number, node in enumerate(self._nodes)
        ]
        for branch in self.branches:
            branch.children = [
                self.branches[number]
                for number, node in enumerate(self._nodes)
                if any(node is child for child in branch.node.children)
            ]
        self._asleep: list[tuple[Sleeper, int, int]] = []
        self._token = secrets.token_hex(16)
        self._ended: dict[int, int | None] = {}
        self._selector = selectors.DefaultSelector()

    def _place(self, number: int) -> Path:
        """The folder of a node."""
        root = self._roots.get(number)
        return root.origin.place if root and root.origin else self.folder / "run" / f"{self._mark}-{number}"

    def run(self, needs: Mapping[str, Need]) -> None:
        """Run everything; what came of it is in the branches."""
        _lay_out(self.folder, needs)
        with contextlib.ExitStack() as stack:
            undo = stack.enter_context(contextlib.ExitStack())
            undo.callback(self._forget)
            stack.callback(self._selector.close)
            listener = stack.enter_context(_listener(self.folder))
            # Another thread tells when a worker has ended; this wakes us.
            woken, self._waker = (stack.enter_context(end) for end in socket.socketpair())
            self._waker.settimeout(0)
            stack.callback(self._close)
            self._selector.register(listener, selectors.EVENT_READ, partial(self._accept, listener))
            self._selector.register(woken, selectors.EVENT_READ, partial(woken.recv, 64))
            self._start(listener)
            self._serve()
            undo.pop_all()

    def collect(self, depth: str, needs: Mapping[str, Need]) -> tuple[Run, Path]:
        """The run of a path, and the folder of what it published."""
        folder = self.folder / f"artifacts-{self._mark}-{depth}"
        path = self._path(depth)
        return collect(self._chapter, depth, path, needs=needs, owners=self._pool.owners, published=folder), folder

    def _path(self, depth: str) -> list[Branch]:
        """The workers of a path, with one for what a copy had behind it."""
        past = next(root.past for root in self._roots.values() if depth in root.node.depths)
        before = []
        if past:
            cells = reading_paths(self._chapter)[depth][: len(past.steps)]
            node = Node(cells, (depth,))
            before = [Branch(node, self.folder / "past", self._chapter, self._pool.config, lambda *_: None)]
            before[0].results |= past.results
        return before + [branch for branch in self.branches if depth in branch.node.depths]

    def remember(self, needs: Mapping[str, Need]) -> None:
        """Keep the copies that the workers have left, for the runs to come."""
        for sleeper, number, last in self._asleep:
            past = None
            if self._pool.checkpoints:
                depth = self.branches[number].node.depths[0]
                past = recall(
                    self._chapter, depth, self._path(depth), last=last, needs=needs, pool=self._pool, sleeper=sleeper
                )
            if past and self._pool.checkpoints:
                self._pool.checkpoints.add(sleeper, past)
            else:
                sleeper.close()
        self._asleep = []

    def _forget(self) -> None:
        """End the copies that the workers have left."""
        for sleeper, _, _ in self._asleep:
            sleeper.close()

    def _start(self, listener: socket.socket) -> None:
        file = self.folder / "job.json"
        parents = {id(child): branch.folder for branch in self.branches for child in branch.node.children}
        origins = {number: root.origin.state for number, root in self._roots.items() if root.origin}
        places = [
            (branch.folder, origins.get(number, parents.get(id(branch.node))))
            for number, branch in enumerate(self.branches)
        ]
        told = job.describe(self._chapter, self._nodes, self._pool.config, self.folder, places)
        told |= {"asleep": WORTH if self._pool.checkpoints else None}
        told |= {"address": listener.getsockname(), "token": self._token, "settings": self._pool.settings()}
        file.write_text(json.dumps(told), encoding="utf-8", errors="surrogatepass")
        for number, root in self._roots.items():
            self._pool.start(file, number, partial(self._on_end, number), root.origin)

    def _on_end(self, root: int, status: int | None) -> None:
        """A root's worker has ended, and all that it started. Called from a thread of the pool."""
        self._ended[root] = status
        with contextlib.suppress(OSError):
            self._waker.send(b"\n")

    def _serve(self) -> None:
        """Listen until all workers have ended."""
        while len(self._ended) < len(self._roots):
            self._look()
            for branch in self.branches:
                branch.cancel() if self._unwanted() else branch.check()
            self._pool.check()
        self._pool.check()
        while self._look(0):  # what they said last
            pass
        for number, branch in enumerate(self.branches):
            branch.finish(self._ended[max(root for root in self._roots if root <= number)])

    def _look(self, patience: float = _TICK) -> bool:
        ready = self._selector.select(patience)
        for key, _ in ready:
            key.data()
        return bool(ready)

    def _accept(self, listener: socket.socket) -> None:
        """Get to know a worker: somebody else may connect, or one that dies at once."""
        connection, _ = listener.accept()
        branch = None
        try:
            connection.settimeout(_HELLO)
            hello = json.loads(connection.makefile("rb", buffering=0).readline())
            branch = self.branches[hello["node"]] if hello["token"] == self._token else None
            connection.sendall(b"\n")  # only now may the worker go on, and end
            if branch and "cell" in hello:
                sleeper = Sleeper(connection, hello["pid"], self.folder, branch.folder)
                self._asleep.append((sleeper, hello["node"], hello["cell"]))
                return
        except (OSError, ValueError, LookupError, TypeError):
            branch = None
        if branch and branch.connect(connection, hello["pid"]):
            self._selector.register(connection, selectors.EVENT_READ, partial(self._read, branch))
        else:
            connection.close()

    def _read(self, branch: Branch) -> None:
        assert branch.connection is not None  # noqa: S101 - it is registered with the selector
        messages = branch.receive()
        if messages is None:
            self._selector.unregister(branch.connection)
            return
        for message in messages:
            about = self.branches[message.get("node", 0)]
            match message["event"]:
                case "exit":
                    about.status = message["status"]
                case "broken":
                    about.broken = message["what"]
                case _:
                    branch.handle(message)

    def _close(self) -> None:
        for branch in self.branches:
            branch.close()


def _lay_out(folder: Path, needs: Mapping[str, Need]) -> None:
    """Make a job's folders, and put what the chapter needs where its cells find it."""
    for name in ("run", "needs"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    for name, need in needs.items():
        target = folder / "needs" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(need.file, target)


def _listener(folder: Path) -> socket.socket:
    """A socket for the workers of one job: in its folder, else, where that cannot be, on this machine only."""
    path = str(folder / "s")
    if hasattr(socket, "AF_UNIX") and len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        (folder / "s").unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
    else:
        listener = socket.socket(socket.AF_INET)
        listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener
