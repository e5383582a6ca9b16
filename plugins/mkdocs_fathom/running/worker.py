"""The child's side of running: a process that runs a chapter's cells and tells what happens.

It tells over a socket of its job: `hello`, then `start` and `done` for each cell, `branch` and `exit` where reading
paths part and the process forks, and `end`. It is not trusted with deadlines and limits of its own: those are kept by
the parent. `server` forks workers; where processes cannot fork, each reading path gets a process that is started with

    python -P -m mkdocs_fathom.running.worker JOB NODE
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn

from ..model import JSON
from . import measuring, moving, seeding, session, sleeper
from .capture import Capture
from .children import ASLEEP
from .folders import Folders
from .preload import Prepared, prepare, private_output
from .processes import DUMP_SIGNAL, adopt_orphans, become_worker, close_input, kill_group

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]  # looked at before use

_SPARE = 256 * 2**20
"""Memory kept for our own part when a cell has used up its own."""


class Worker:
    """Runs a node of a chapter's tree, then forks for each way on."""

    def __init__(self, job: JSON, prepared: Prepared) -> None:
        """Enter nothing yet.

        Args:
            job: As `job.describe` makes it.
            prepared: The shell and the watch.
        """
        self._job = job
        self._shell = prepared.shell
        self._guard = prepared.guard
        self._pid = os.getpid()
        self._folders = Folders(Path(job["folder"]), job["root"])
        self._capture = self._shell.capture = Capture(job["output"], self._output_limit)
        self._files = {cell["file"] for cell in job["cells"].values()}
        self._sending = threading.Lock()
        self._socket: socket.socket | None = None
        self._node = 0
        self._awake = 0.0  # seconds that cells have taken since there is a copy to go on from
        self._crash: IO[str] | None = None
        self._stop_measuring = measuring.start()

    def run(self, node: int) -> NoReturn:
        """Run a node and all below it, and end."""
        try:
            with self._guard.off():
                self._enter(node)
            for name, text in self._job["sources"].items():
                session.remember_source(name, text)
            seeding.seed(self._job["seed"])
            self._limit_memory()
            with self._guard.off(off=False):
                self._run_node(node)
        except BaseException as error:  # noqa: BLE001 - nothing of ours may go on in the server's code
            self._give_up(error)

    def _run_node(self, number: int) -> NoReturn:
        node = self._job["nodes"][number]
        for cell in node["cells"]:
            if not self._run_cell(str(cell)):
                self._end(complete=False)
            if self._job["asleep"] is not None and self._awake >= self._job["asleep"]:
                self._leave_copy(cell)
        children = {}
        for child in node["children"]:
            with self._guard.off():
                pid = self._branch(child)
            if not pid:
                self._run_node(child)
            children[pid] = child
        with self._guard.off():
            self._wait(children)
        self._end(complete=True)

    def _branch(self, child: int) -> int:
        """Fork where reading paths part; 0 in the child."""
        own, state = os.getpid(), random.getstate()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that threads and forks do not mix: authors know less
            pid = os.fork()
        if not pid:
            random.setstate(state)  # Python gives a child another one
            become_worker(own)
            self._pid = os.getpid()
            self._enter(child)
        return pid

    def _leave_copy(self, cell: int) -> None:
        """Leave a copy of this process asleep. In the copy's children, which later builds ask for, go on from here."""
        self._awake = 0.0
        order = None
        with self._guard.off():
            jobs = Path(self._job["folder"]).parent
            if sleeper.can_be_copied(self._folders.writable, jobs):
                state = random.getstate()
                order = sleeper.leave(lambda: self._take_note(cell), jobs)
                random.setstate(state)
        if order:
            self._go_on(order)

    def _take_note(self, cell: int) -> socket.socket:
        """Become a copy: keep what goes on changing elsewhere, and get a connection of its own."""
        if self._socket:
            self._socket.close()
        self._capture.discard()
        folder = Path(self._job["folder"]) / ASLEEP / str(os.getpid())
        self._folders.keep(folder)
        seen = json.dumps(self._guard.dependencies())
        (folder / sleeper.DEPENDENCIES).write_text(seen, encoding="utf-8", errors="surrogatepass")
        connection = sleeper.connect(self._job["address"])
        hello = {"token": self._job["token"], "node": self._node, "pid": os.getpid(), "cell": cell}
        connection.sendall(json.dumps(hello).encode() + b"\n")
        return connection

    def _go_on(self, order: JSON) -> NoReturn:
        """Do what a child of a copy is told: run what comes after the cells that the copy has behind it."""
        try:
            with self._guard.off():
                before, self._job = self._job, json.loads(Path(order["job"]).read_text(encoding="utf-8"))
                moving.move(before["cells"], self._job["cells"])
                self._pid = os.getpid()
                self._files = {cell["file"] for cell in self._job["cells"].values()}
                self._enter(order["node"])
                for name, text in self._job["sources"].items():
                    session.remember_source(name, text)
            self._run_node(order["node"])
        except BaseException as error:  # noqa: BLE001 - as in `run`
            self._give_up(error)

    def _wait(self, children: dict[int, int]) -> None:
        """Wait for the branches, in whatever order they end, and tell how they did."""
        if children:
            # Threads of the cells may still print: from here on no cell is answerable for it.
            self._capture.discard()
            self._send({"event": "branch"})
        while children:
            pid, status = os.waitpid(-1, 0)
            if pid in children:
                kill_group(pid)
                self._send({"event": "exit", "node": children.pop(pid), "status": os.waitstatus_to_exitcode(status)})

    def _enter(self, node: int) -> None:
        """Give the process the folders, streams and connection of a node."""
        self._node = node
        place = self._job["nodes"][node]
        self._folders.enter(Path(place["folder"]), Path(place["before"]) if place["before"] else None)
        stem = self._folders.node / "capture"
        self._capture.redirect(stem)
        crash, self._crash = self._crash, open(stem.with_suffix(".crash"), "w")  # noqa: PTH123, SIM115 - as long as we live
        faulthandler.enable(self._crash, all_threads=False)
        if DUMP_SIGNAL:
            faulthandler.register(DUMP_SIGNAL, self._crash, all_threads=False)
        if crash:
            crash.close()
        self._guard.confine(self._folders.run, self._folders.writable, self._folders.needs, self._job["processes"])
        self._socket = sleeper.connect(self._job["address"])
        self._send({"event": "hello", "token": self._job["token"], "node": node, "pid": os.getpid()})
        self._socket.recv(1)  # until the parent knows us

    def _run_cell(self, number: str) -> bool:
        """Run a cell and tell what it did; returns whether the path goes on."""
        cell = self._job["cells"][number]
        self._send({"event": "start", "cell": int(number), "sizes": self._capture.begin()})
        self._guard.network = cell["network"]
        started = time.perf_counter()
        error = session.run_cell(self._shell, cell)
        seconds = time.perf_counter() - started
        self._awake += seconds
        with self._guard.off(), self._spare_memory():
            if os.getpid() != self._pid:
                self._leave(error)
            told = self._describe(error) if error else None
            ok = told is None or cell["may_raise"] or cell["raises"] in told["names"]
            outputs = self._outputs()
            if told and ok:
                lines = told["traceback"].splitlines()
                shown = {"ename": told["ename"], "evalue": told["evalue"], "traceback": lines}
                outputs.append({"output_type": "error", **shown})
            self._tell_done({"cell": int(number), "outputs": outputs, "seconds": seconds, "error": told, "ok": ok})
        return ok

    def _tell_done(self, message: JSON) -> None:
        size = len(json.dumps(message["outputs"]))
        # What is displayed has no bound here; of what is far too much, the size is all that the parent wants.
        outputs = message["outputs"] if size <= 2 * self._job["output"] else []
        self._send({**message, "event": "done", "outputs": outputs, "size": size})

    def _outputs(self) -> list[JSON]:
        """The cell's outputs, without this machine's folders."""
        outputs = self._capture.outputs(self._folders.hide)
        for output in outputs:
            data = output.get("data", {})
            data |= {mime: self._folders.hide(text) for mime, text in data.items() if _is_text(mime, text)}
        return outputs

    def _describe(self, error: BaseException) -> JSON:
        told = session.describe_error(error, self._files, self._job["root"])
        return told | {name: self._folders.hide(told[name]) for name in ("traceback", "evalue")}

    def _leave(self, error: BaseException | None) -> NoReturn:
        """End a child that the cell forked and let run out of the cell, as a script's child ends."""
        status = 0
        try:
            if isinstance(error, SystemExit):
                status = error.code if isinstance(error.code, int) else int(error.code is not None)
            elif error:
                status = 1
                os.write(2, self._describe(error)["traceback"].encode("utf-8", "surrogatepass") + b"\n")
        finally:
            os._exit(status & 0xFF)

    def _end(self, *, complete: bool) -> NoReturn:
        with self._guard.off():
            self._stop_measuring()
            self._send({"event": "end", "complete": complete, "dependencies": self._guard.dependencies()})
        os._exit(0)

    def _give_up(self, error: BaseException) -> NoReturn:
        """Something of ours failed: a full disk, most likely."""
        with contextlib.suppress(BaseException):
            # A branch that is not yet connected tells it over the connection of its parent.
            self._send({"event": "broken", "node": self._node, "what": f"{type(error).__name__}: {error}"})
        os._exit(1)

    def _output_limit(self) -> NoReturn:
        if os.getpid() == self._pid:
            self._send({"event": "limit", "limit": "output"})
        os._exit(1)

    def _send(self, message: JSON) -> None:
        data = json.dumps(message).encode("utf-8", "surrogatepass") + b"\n"
        with self._guard.off(), self._sending:
            assert self._socket is not None  # noqa: S101 - nothing is told before `hello`
            self._socket.sendall(data)

    def _limit_memory(self, spare: int = 0) -> None:
        """Bound what the process may allocate; not addresses, of which libraries reserve more than they use."""
        if resource:
            size = self._job["memory"]
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_DATA, (size + spare, size + _SPARE))

    @contextlib.contextmanager
    def _spare_memory(self) -> Iterator[None]:
        self._limit_memory(_SPARE)
        yield
        self._limit_memory()


def _is_text(mime: str, data: object) -> bool:
    return mime.startswith("text/") and isinstance(data, str)


def _end_with(descriptor: int) -> None:
    """End this process once the other end of a pipe is closed: its parent is gone, or has no more use for it."""
    while os.read(descriptor, 4096):
        pass
    kill_group(os.getpid())


def main(job_file: str, node: str) -> NoReturn:
    """Run one reading path in a process of its own."""
    lifeline = os.dup(0)
    close_input()
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    adopt_orphans()
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    prepared = prepare(job["settings"], private_output())
    with prepared.guard.off():
        Worker(job, prepared).run(int(node))


if __name__ == "__main__":
    main(*sys.argv[1:])
