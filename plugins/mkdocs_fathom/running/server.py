"""The server of workers: imports what chapters need, once, then forks, so that a worker starts in milliseconds.

    python -P -m mkdocs_fathom.running.server

It reads one JSON object a line: settings first, then a job for each chapter. It tells the ends of its children on its
standard output, and when its standard input ends, because its parent is gone, it kills them all.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from ..model import JSON
from .children import Children
from .preload import Prepared, Tell, prepare, private_output
from .processes import adopt_orphans, become_worker
from .worker import Worker


class Server:
    """Forks a worker for each job, and sees to it that none outlives its parent."""

    def __init__(self, settings: JSON, tell: Tell) -> None:
        """Import what is to be preloaded.

        Args:
            settings: As `Pool.settings` makes them.
            tell: Tells the parent something.
        """
        self._tell = tell
        self._folder = settings["folder"]
        self._workers = Children(Path(self._folder))
        with self._ended_with_parent():
            self._prepared: Prepared = prepare(settings, self._say)
        # A child's end wakes `select`.
        self._wake, self._alarm = os.pipe()
        os.set_blocking(self._alarm, False)
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> NoReturn:
        """Fork workers until the parent is gone."""
        inbox = b""
        with self._prepared.guard.off():
            while True:
                ready, _, _ = select.select([0, self._wake], [], [])
                if self._wake in ready:
                    os.read(self._wake, 4096)
                    for ended in self._workers.reap():
                        self._say(ended)
                if 0 in ready:
                    data = os.read(0, 1 << 16)
                    if not data:
                        self._end()
                    *orders, inbox = (inbox + data).split(b"\n")
                    for order in orders:
                        self._fork(json.loads(order))

    def _fork(self, order: JSON) -> None:
        own, pid = os.getpid(), os.fork()
        if pid:
            self._workers.orders[pid] = order["id"]
            return
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._wake)
        os.close(self._alarm)
        try:
            become_worker(own)
            job = json.loads(Path(order["job"]).read_text(encoding="utf-8"))
            Worker(job, self._prepared).run(order["node"])
        finally:
            os._exit(1)  # the job's folder is gone: nobody waits for it any more

    def _say(self, message: JSON) -> None:
        try:
            self._tell(message)
        except OSError:  # nobody listens
            self._end()

    def _end(self) -> NoReturn:
        self._workers.end()
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(0)

    @contextlib.contextmanager
    def _ended_with_parent(self) -> Iterator[None]:
        """Watch for the parent's end while an import, which may take for ever, keeps us from reading."""
        done, finish = os.pipe()

        def watch() -> None:
            poll = select.poll()
            poll.register(0, 0)  # hanging up is always told
            poll.register(done, select.POLLIN)
            if any(descriptor == 0 for descriptor, _ in poll.poll()):
                shutil.rmtree(self._folder, ignore_errors=True)
                os._exit(0)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            os.write(finish, b"\n")
            watcher.join()  # a fork and threads do not mix
            os.close(done)
            os.close(finish)


def main() -> NoReturn:
    """Read the settings, then serve."""
    adopt_orphans()
    tell = private_output()
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            os._exit(0)
        line += byte
    Server(json.loads(line), tell).serve()


if __name__ == "__main__":
    main()
