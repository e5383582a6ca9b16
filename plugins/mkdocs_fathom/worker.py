"""The child's side of running: a server that forks a worker for each chapter, and the worker.

    python -P -m mkdocs_fathom.worker

The server reads one JSON object a line: settings first, then a job for each chapter. It imports what chapters need
(the costly part), then forks a worker per job, so that a worker starts in milliseconds. It tells the ends of its
children on its standard output, and when its standard input ends, because its parent is gone, it kills them all.

A worker tells what happens over a socket of its job: `hello`, then `start` and `done` for each cell, `branch` where
reading paths part and the process forks, and `end`. It must not be trusted with deadlines or limits of its own:
those are kept by the parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import importlib
import importlib.machinery
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from . import artifacts
from .capture import Capture
from .guard import Guard
from .model import JSON

if TYPE_CHECKING:
    from .session import Shell

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_TICK = 0.25


class Server:
    """Forks a worker for each job, and sees to it that none outlives its parent."""

    def __init__(self) -> None:
        self._workers: dict[int, int] = {}
        self._inbox = b""
        self._shell: Shell | None = None
        self._settings: JSON = {}

    def serve(self) -> NoReturn:
        """Read settings and jobs until the parent is gone."""
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        while True:
            ready, _, _ = select.select([0], [], [], _TICK if self._workers else None)
            self._reap()
            if not ready:
                continue
            data = os.read(0, 1 << 20)
            if not data:
                self._kill_all()
            *lines, self._inbox = (self._inbox + data).split(b"\n")
            for line in lines:
                self._handle(json.loads(line))

    def _handle(self, message: JSON) -> None:
        if not self._settings:
            self._settings = message
            self._prepare()
        else:
            self._fork(message)

    def _prepare(self) -> None:
        """Import what is slow to import, once."""
        sys.path[:0] = self._settings["pythonpath"]
        _import_project_afresh(Path(self._settings["root"]))
        from .session import create_shell

        self._shell = create_shell(self._settings["figure_format"])
        problems = []
        for name in self._settings["preload"]:
            try:
                importlib.import_module(name)
            except ImportError as error:
                problems.append(f"cannot preload `{name}`: {error}")
        _tell({"event": "ready", "problems": problems})

    def _fork(self, job: JSON) -> None:
        pid = os.fork()
        if pid:
            self._workers[pid] = job["id"]
            return
        _become_worker()
        assert self._shell is not None  # noqa: S101 - settings come before jobs
        Worker(job, self._shell).run()

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                if pid in self._workers:
                    _tell({"event": "exit", "job": self._workers.pop(pid), "status": os.waitstatus_to_exitcode(status)})
                    self._kill_orphans()

    def _kill_orphans(self) -> None:
        """Kill what left its process group: it has become a child of ours (Linux only)."""
        with contextlib.suppress(OSError):
            for pid in map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()):
                if pid not in self._workers:
                    _kill_group(pid)

    def _kill_all(self) -> NoReturn:
        for pid in self._workers:
            _kill_group(pid)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            self._kill_orphans()
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                break
            time.sleep(0.01)
        shutil.rmtree(self._settings["folder"], ignore_errors=True)
        os._exit(0)


class Worker:
    """Runs one chapter: the cells of the tree's root, then a fork for each way on."""

    def __init__(self, job: JSON, shell: Shell) -> None:
        self._job = job
        self._shell = shell
        self._pid = os.getpid()
        self._folder = Path(job["folder"])
        self._run_folder = self._folder / "run"
        self._guard = Guard(Path(job["root"]), (self._run_folder,), self._folder / "needs", job["processes"])
        self._capture = shell.capture = Capture(job["output"], self._output_limit)
        self._files = {cell["file"] for cell in job["cells"].values()}
        self._nodes = job["nodes"]
        self._crash = open(os.devnull, "w")  # noqa: PTH123, SIM115 - reopened for each node

    def run(self) -> NoReturn:
        """Run all reading paths and end."""
        self._enter(0, None)
        for name, text in self._job["sources"].items():
            _session().remember_source(name, text)
        self._seed()
        _limit_memory(self._job["memory"])
        self._guard.install()
        self._run_node(0)

    def _run_node(self, number: int) -> NoReturn:
        node = self._nodes[number]
        for cell in node["cells"]:
            if not self._run_cell(str(cell)):
                self._end(complete=False)
        children = [self._branch(child, number) for child in node["children"]]
        for pid, child in children:
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            self._send({"event": "exit", "node": child, "status": status})
        self._end(complete=True)

    def _branch(self, child: int, parent: int) -> tuple[int, int]:
        """Fork where reading paths part. The parent waits, the child goes on."""
        with self._guard.off(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that threads and forks do not mix: authors know less
            pid = os.fork()
            if pid:
                return pid, child
            _become_worker()
            self._pid = os.getpid()
            self._enter(child, parent)
        self._run_node(child)

    def _enter(self, node: int, parent: int | None) -> None:
        """Give the process the folders, streams and connection of a node."""
        work, publish = self._run_folder / f"work{node}", self._run_folder / f"publish{node}"
        if parent is None:
            work.mkdir()
        else:
            # Each path goes on with what the common prefix left, and none sees the other's files.
            shutil.copytree(self._run_folder / f"work{parent}", work, symlinks=True)
        publish.mkdir()
        os.chdir(work)
        os.environ[artifacts.PUBLISH_VARIABLE] = str(publish)
        os.environ[artifacts.NEEDS_VARIABLE] = str(self._folder / "needs")
        os.environ["TMPDIR"] = os.environ["IPYTHONDIR"] = str(work)
        self._capture.redirect(self._run_folder / f"capture{node}")
        self._crash = open(self._run_folder / f"capture{node}.crash", "w")  # noqa: PTH123, SIM115 - open while the node lives
        faulthandler.enable(self._crash, all_threads=False)
        self._socket = _connect(self._job["address"])
        self._send({"event": "hello", "token": self._job["token"], "node": node, "pid": os.getpid()})
        self._socket.recv(1)

    def _run_cell(self, number: str) -> bool:
        cell = self._job["cells"][number]
        self._send({"event": "start", "cell": int(number)})
        self._guard.network = cell["network"]
        # Where it hangs is read from the dump when the parent ends it at the deadline.
        faulthandler.dump_traceback_later(max(cell["timeout"] - 0.05, 0.01), file=self._crash)
        started = time.perf_counter()
        session = _session()
        outputs, error = session.run_cell(self._shell, cell, self._clean)
        seconds = time.perf_counter() - started
        faulthandler.cancel_dump_traceback_later()
        if os.getpid() != self._pid:
            os._exit(0)  # a child that the cell forked and let run out of the cell
        with self._guard.off():
            told = session.describe_error(error, self._files, self._job["root"]) if error else None
            if told:
                told["traceback"], told["evalue"] = self._clean(told["traceback"]), self._clean(told["evalue"])
            ok = told is None or cell["may_raise"] or cell["raises"] in told["names"]
            if told and ok:
                outputs.append(
                    {
                        "output_type": "error",
                        "ename": told["ename"],
                        "evalue": told["evalue"],
                        "traceback": told["traceback"].splitlines(),
                    }
                )
            self._send(
                {"event": "done", "cell": int(number), "outputs": outputs, "seconds": seconds, "error": told, "ok": ok}
            )
        return ok

    def _clean(self, text: str) -> str:
        """Take this machine's folders out of a text: the same output everywhere, and none told to readers."""
        return text.replace(f"{os.getcwd()}/", "").replace(self._job["root"] + "/", "")

    def _end(self, *, complete: bool) -> NoReturn:
        with self._guard.off():
            self._send({"event": "end", "complete": complete, "dependencies": self._guard.dependencies()})
        os._exit(0)

    def _output_limit(self) -> NoReturn:
        self._send({"event": "limit", "limit": "output"})
        os._exit(1)

    def _send(self, message: JSON) -> None:
        with self._guard.off():
            if os.getpid() != self._pid:
                os._exit(0)
            self._socket.sendall(json.dumps(message).encode("utf-8", "surrogatepass") + b"\n")

    def _seed(self) -> None:
        random.seed(self._job["seed"])
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(self._job["seed"])


def _session() -> Any:
    """The module that needs IPython: imported by the server before the first job."""
    return sys.modules[f"{__package__}.session"]


def _become_worker() -> None:
    """Leave the server's streams and group, and die with it."""
    os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)


def _connect(address: str | list[Any]) -> socket.socket:
    if isinstance(address, str):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
        return connection
    return socket.create_connection((address[0], address[1]))


def _limit_memory(size: int) -> None:
    """Bound what the process may allocate; not addresses, of which libraries reserve more than they use."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _tell(message: JSON) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


class _FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles the project's own modules from their source each time.

    Byte code is matched to its source by whole seconds and size: two edits within a second could pass for one.
    """

    def path_stats(self, path: Any) -> Any:
        raise OSError(f"no byte code for {path}")


def _import_project_afresh(root: Path) -> None:
    extensions = (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES)

    def finder(path: str) -> importlib.machinery.FileFinder:
        full = Path(path).resolve()
        if not full.is_relative_to(root) or full.is_relative_to(Path(sys.prefix).resolve()):
            raise ImportError(f"not a module of the project: {path}")
        return importlib.machinery.FileFinder(path, extensions, (_FreshLoader, importlib.machinery.SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, finder)
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = True


if __name__ == "__main__":
    Server().serve()
