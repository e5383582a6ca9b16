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
from ..parsing.paths import Node, reading_paths, tree
from . import job
from .branch import Branch, CellEvent
from .collect import Need, collect
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

    Returns:
        Each depth's run, and the folder of the artifacts it published, which is there until the pool is closed.

    Raises:
        FathomError: No worker can be made ready.
    """
    begun = time.monotonic()
    every = reading_paths(chapter)
    paths = {depth: every[depth][: until[depth] if until else None] for depth in depths}
    # Where processes cannot fork, each path runs its own copy of what they have in common.
    roots = [tree(paths)] if pool.fork else [Node(cells, (depth,)) for depth, cells in paths.items()]
    execution = _Execution(pool, chapter, roots, started, unwanted)
    execution.run(needs)
    runs = {depth: execution.collect(depth, needs) for depth in depths}
    shutil.rmtree(execution.folder / "run", ignore_errors=True)
    return {depth: (replace(run, seconds=time.monotonic() - begun), folder) for depth, (run, folder) in runs.items()}


class _Execution:
    """One chapter while it runs."""

    def __init__(
        self, pool: Pool, chapter: Chapter, roots: Sequence[Node], started: CellEvent, unwanted: Callable[[], bool]
    ) -> None:
        self._pool = pool
        self._unwanted = unwanted
        self._chapter = chapter
        self._nodes = [node for root in roots for node in root.walk()]
        self._roots = [number for number, node in enumerate(self._nodes) if any(node is root for root in roots)]
        self.folder = pool.scratch()
        self.branches = [
            Branch(node, self.folder / "run" / str(number), chapter, pool.config, started)
            for number, node in enumerate(self._nodes)
        ]
        for branch in self.branches:
            branch.children = [
                self.branches[number]
                for number, node in enumerate(self._nodes)
                if any(node is child for child in branch.node.children)
            ]
        self._token = secrets.token_hex(16)
        self._ended: dict[int, int | None] = {}
        self._selector = selectors.DefaultSelector()

    def run(self, needs: Mapping[str, Need]) -> None:
        """Run everything; what came of it is in the branches."""
        _lay_out(self.folder, needs)
        with contextlib.ExitStack() as stack:
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

    def collect(self, depth: str, needs: Mapping[str, Need]) -> tuple[Run, Path]:
        """The run of a path, and the folder of what it published."""
        path = [branch for branch in self.branches if depth in branch.node.depths]
        folder = self.folder / f"artifacts-{depth}"
        return collect(self._chapter, depth, path, needs=needs, owners=self._pool.owners, published=folder), folder

    def _start(self, listener: socket.socket) -> None:
        file = self.folder / "job.json"
        told = job.describe(self._chapter, self._nodes, self._pool.config, self.folder)
        told |= {"address": listener.getsockname(), "token": self._token, "settings": self._pool.settings()}
        file.write_text(json.dumps(told), encoding="utf-8", errors="surrogatepass")
        for root in self._roots:
            self._pool.start(file, root, partial(self._on_end, root))

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
    (folder / "run").mkdir()
    (folder / "needs").mkdir()
    for name, need in needs.items():
        target = folder / "needs" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(need.file, target)


def _listener(folder: Path) -> socket.socket:
    """A socket for the workers of one job: in its folder, else, where that cannot be, on this machine only."""
    path = str(folder / "s")
    if hasattr(socket, "AF_UNIX") and len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
    else:
        listener = socket.socket(socket.AF_INET)
        listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener
