"""The server that forks workers (see `worker`), as the parent holds it: one for all chapters of a build."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from .config import Config
from .keys import distribution_state
from .model import JSON

_GRACE = 2.0
"""Seconds to wait for the news of a worker's end after its connection closed."""
_ENVIRONMENT = ("PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS")


class Pool:
    """The server of workers, started with the first chapter. Use it as a context manager."""

    def __init__(self, config: Config, say: Callable[[str], None]) -> None:
        """Start nothing yet.

        Args:
            config: The site's options.
            say: Takes a sentence for the author about something that is not wrong with a chapter.
        """
        self.config = config
        self._say = say
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._statuses: dict[int, int] = {}
        self._ended = threading.Condition()
        self._jobs = 0
        self._closed = False
        self._folder = ""

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server and all its workers."""
        with self._lock:
            self._closed = True
            if self._server is None:
                return
            server, self._server = self._server, None
        assert server.stdin is not None  # noqa: S101 - it was started with a pipe
        with suppress(OSError):
            server.stdin.close()
        try:
            server.wait(timeout=3)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start_job(self, job: JSON) -> int:
        """Hand a job to the server; returns the job's number, under which its end is told."""
        with self._lock:
            if self._closed:
                raise InterruptedError("the pool is closed")
            self._jobs += 1
            job["id"] = self._jobs
            self._write(job)
            return self._jobs

    def status(self, job: int) -> int | None:
        """How a job's worker ended: its exit status, a negative signal number, or None if that never became known."""
        with self._ended:
            self._ended.wait_for(lambda: job in self._statuses or self._server is None, _GRACE)
            return self._statuses.get(job)

    def owners(self, module: str) -> tuple[tuple[str, str], ...]:
        """Name and version of the distributions that a top-level module comes from; none for the standard library's."""
        with self._lock:
            names = sorted(set(self._distributions.get(module, ())))
        return tuple((name, distribution_state(name)) for name in names if name != "mkdocs-fathom")

    @cached_property
    def _distributions(self) -> Mapping[str, list[str]]:
        return importlib.metadata.packages_distributions()

    def scratch(self) -> Path:
        """A new folder for one job; the server removes it, should this process be killed."""
        with self._lock:
            if self._server is None and not self._closed:
                self._start_server()
        return Path(tempfile.mkdtemp(prefix="job-", dir=self._folder))

    def _start_server(self) -> None:
        self._folder = os.path.realpath(tempfile.mkdtemp(prefix="fathom-"))
        command = [sys.executable, "-P", "-m", f"{__package__}.worker"]
        self._server = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=worker_environment(self.config),
            start_new_session=True,
        )
        settings = {
            "root": str(self.config.root),
            "folder": self._folder,
            "pythonpath": [str((self.config.root / path).resolve()) for path in self.config.pythonpath],
            "preload": self.config.preload,
            "figure_format": self.config.figure_format,
        }
        self._write(settings)
        threading.Thread(target=self._listen, args=(self._server,), daemon=True, name="fathom-server").start()

    def _write(self, message: JSON) -> None:
        assert self._server is not None  # noqa: S101 - callers have started it
        assert self._server.stdin is not None  # noqa: S101 - it was started with a pipe
        with suppress(BrokenPipeError):  # its death is seen by the jobs' connections
            self._server.stdin.write(json.dumps(message).encode("utf-8", "surrogatepass") + b"\n")
            self._server.stdin.flush()

    def _listen(self, server: subprocess.Popen[bytes]) -> None:
        assert server.stdout is not None  # noqa: S101 - it was started with a pipe
        for line in server.stdout:
            message = json.loads(line)
            for problem in message.get("problems", ()):
                self._say(problem)
            if message["event"] == "exit":
                with self._ended:
                    self._statuses[message["job"]] = message["status"]
                    self._ended.notify_all()

    @property
    def alive(self) -> bool:
        """Whether the server can still start and watch workers."""
        return self._server is not None and self._server.poll() is None


def worker_environment(config: Config) -> dict[str, str]:
    """What the workers' processes see: an allow-list, and what makes results the same everywhere."""
    here = str(Path(__file__).resolve().parent.parent)
    allowed = {name: os.environ[name] for name in (*_ENVIRONMENT, *config.environment) if name in os.environ}
    return allowed | {
        "PYTHONPATH": here,
        "PYTHONHASHSEED": str(config.seed),
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "COLUMNS": "80",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": str(Path(__file__).resolve().parent / "assets" / "matplotlibrc"),
        # One thread each: chapters already share the processors, and a fork does not carry threads over.
        **{f"{name}_NUM_THREADS": "1" for name in _THREADS},
        # glibc would give large temporary arrays back to the kernel after each use, which costs more than computing.
        "MALLOC_MMAP_THRESHOLD_": str(2**30),
        "MALLOC_TRIM_THRESHOLD_": str(2**30),
        "MALLOC_TOP_PAD_": str(2**24),
    }
