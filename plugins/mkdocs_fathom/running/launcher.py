"""A process of ours that makes workers, or is one: starts it, hears when it is ready, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import FathomError
from ..model import JSON, Span
from .processes import kill_group

Ended = Callable[[int | None], None]
"""Called once, from another thread, when a worker has ended: its exit status, a negative signal number, or None."""
_PATIENCE = 3.0
"""Seconds that a process may take to end once its input is closed."""


class Launcher:
    """The server, or the process of a single reading path."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        patience: float,
    ) -> None:
        """Start it.

        Args:
            command: One of our modules, and its arguments.
            environment: What it sees.
            say: Takes a sentence for the author.
            patience: Seconds that one import may take before it is ready.

        Raises:
            FathomError: It cannot be started.
        """
        self._say = say
        self._patience = patience
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise _not_ready(f"Python does not start: {error}", "Free some memory or processes.") from error
        self._lock = threading.Lock()
        self._waiting: dict[int, Ended] = {}
        self._whole: Ended | None = None
        self._orders = 0
        self._ready = self._closed = self._over = False
        self._seen: list[list[str]] = []
        self._doing, self._since = "Python", time.monotonic()
        self._listener = threading.Thread(target=self._listen, daemon=True, name="fathom-workers")
        self._listener.start()

    @property
    def alive(self) -> bool:
        """Whether it still listens."""
        return not self._over and self._process.poll() is None

    @property
    def seen(self) -> list[list[str]]:
        """What it had used when it was ready: kind, name and state, as a worker tells its dependencies."""
        return self._seen

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def order(self, job: Path, node: int, ended: Ended) -> None:
        """Have a worker forked.

        Args:
            job: The file that describes its job.
            node: What it runs of it.
            ended: Told of its end.
        """
        with self._lock:
            self._orders += 1
            number, over = self._orders, self._over
            if not over:
                self._waiting[number] = ended
        if over:
            ended(None)
        else:
            self.write({"id": number, "job": str(job), "node": node})

    def when_over(self, ended: Ended) -> None:
        """Ask to be told of the end of the process itself."""
        with self._lock:
            over = self._over
            if not over:
                self._whole = ended
        if over:
            ended(self._process.returncode)

    def write(self, message: JSON) -> None:
        """Send a line; short, so that it never waits for the reader."""
        assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
        with suppress(OSError, ValueError):  # its death is told to whoever waits
            self._process.stdin.write(json.dumps(message).encode("utf-8", "surrogatepass") + b"\n")
            self._process.stdin.flush()

    def check(self) -> None:
        """Look whether it is on its way to be ready.

        Raises:
            FathomError: An import takes for ever, or has ended the process.
        """
        if self._ready or self._closed:
            return
        late = time.monotonic() - self._since > self._patience
        if late:
            kill_group(self._process.pid)
        elif not self._over:
            return
        status = self._process.wait()
        how = signal.Signals(-status).name if -status in set(signal.Signals) else f"status {status}"
        what = f"takes more than {self._patience:g} s" if late else f"ended the process ({how})"
        raise _not_ready(f"{self._doing} {what}", "Mend the module, or take it out of fathom's `preload`.")

    def close(self) -> None:
        """End it and its workers."""
        self._closed = True
        assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            kill_group(self._process.pid)
            self._process.wait()
        self._listener.join(timeout=_PATIENCE)

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        with self._process.stdout as lines:
            for line in lines:
                self._handle(json.loads(line))
        self._process.wait()
        with self._lock:
            self._over = True
            waiting, self._waiting = list(self._waiting.values()), {}
            whole, self._whole = self._whole, None
        kill_group(self._process.pid)
        for ended in waiting:
            ended(None)
        if whole:
            whole(self._process.returncode)

    def _handle(self, message: JSON) -> None:
        match message["event"]:
            case "importing":
                self._doing, self._since = f"importing `{message['module']}`", time.monotonic()
            case "ready":
                self._ready, self._seen = True, message["dependencies"]
            case "say":
                self._say(message["text"])
            case "exit":
                with self._lock:
                    ended = self._waiting.pop(message["job"])
                ended(message["status"])


def _not_ready(what: str, hint: str) -> FathomError:
    return FathomError.at(Span("mkdocs.yml", 1), f"workers cannot be made ready: {what}", hint)
