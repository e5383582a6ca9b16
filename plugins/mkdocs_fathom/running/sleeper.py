"""A copy of a worker that sleeps between two builds: a server of its own, whose workers have some cells behind them."""

from __future__ import annotations

import json
import os
import select
import socket
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..model import JSON
from .children import ASLEEP, Children
from .processes import adopt_orphans, become_worker

DEPENDENCIES = "dependencies.json"
"""The file in which a copy writes down what the cells have used until then."""
_LOOK = 0.02
"""Seconds between two looks whether a worker has ended."""


def can_be_copied(writable: Sequence[Path], jobs: Path) -> bool:
    """Whether a fork would be all of this process: no other thread or process, and no file that is being written.

    Args:
        writable: The folders in which its cells write.
        jobs: The folder of all jobs.
    """
    own = tuple(f"{folder}{os.sep}" for folder in writable)
    if threading.active_count() > 1 or any(file.startswith(own) for file in _open_files()):
        return False
    with suppress(OSError):  # not Linux: nobody can tell
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        return all((jobs / ASLEEP / pid).exists() for pid in children)
    return True


def _open_files() -> Iterator[str]:
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are what is wanted
            with suppress(OSError):  # the one by which the folder was listed
                yield os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115 - a text is what is wanted


def leave(take_note: Callable[[], socket.socket], jobs: Path) -> JSON | None:
    """Fork a copy of this process, and wait until it has taken note of all that goes on changing here.

    Args:
        take_note: Does that in the copy; returns its connection.
        jobs: The folder of all jobs.

    Returns:
        None; and once more in each of the copy's children: what it is to do.
    """
    waiting, done = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as where reading paths part
        pid = os.fork()
    if pid:
        os.close(done)
        os.read(waiting, 1)
        os.close(waiting)
        return None
    order = None
    try:
        os.close(waiting)
        os.setpgid(0, 0)
        adopt_orphans()
        connection = take_note()
        if connection.recv(1):
            (jobs / ASLEEP / str(os.getpid())).touch()
            os.close(done)
            order = _sleep(connection, Children(jobs))
    finally:
        if order is None:
            os._exit(1)
    return order


def _sleep(connection: socket.socket, workers: Children) -> JSON | None:
    """Fork a worker for each order; None once the other end of the connection is closed, an order in a worker."""
    inbox = b""
    while True:
        ready, _, _ = select.select([connection], [], [], _LOOK if workers.orders else None)
        data = connection.recv(1 << 16) if ready else b""
        if ready and not data:
            workers.end()
            return None
        *orders, inbox = (inbox + data).split(b"\n")
        for line in orders:
            order: JSON = json.loads(line)
            own, pid = os.getpid(), os.fork()
            if not pid:
                connection.close()
                become_worker(own)
                return order
            workers.orders[pid] = order["id"]
        for ended in workers.reap():
            connection.sendall(json.dumps(ended).encode() + b"\n")


def connect(address: str | list[Any]) -> socket.socket:
    """A connection to who waits for a job."""
    if isinstance(address, str):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
        return connection
    return socket.create_connection((address[0], address[1]))
