"""What a process of ours has forked: the ends of workers, and of what they left behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ..model import JSON
from .processes import kill_group

ASLEEP = "asleep"
"""The folder, in that of all jobs, with a file for each process that may outlive the worker that it was forked from."""
_PATIENCE = 2.0
"""Seconds that what was killed may take to be gone."""


class Children:
    """The workers of a process, by their pids the numbers of the orders that they were forked for."""

    def __init__(self, folder: Path) -> None:
        """Know none yet.

        Args:
            folder: That of all jobs.
        """
        self.orders: dict[int, int] = {}
        self._asleep = folder / ASLEEP

    def reap(self) -> list[JSON]:
        """What there is to tell of workers that ended, once nothing that they started is left."""
        ended: list[JSON] = []
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid in self.orders:
                kill_group(pid)
                number = self.orders.pop(pid)
                ended.append({"event": "exit", "job": number, "status": os.waitstatus_to_exitcode(status)})
            elif not pid and not self._kill_orphans():
                break
        return ended

    def end(self) -> None:
        """Kill all workers, and wait until they are gone."""
        for pid in self.orders:
            kill_group(pid)
        deadline = time.monotonic() + _PATIENCE
        while self.orders and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.001)

    def _kill_orphans(self) -> bool:
        """Kill what left a dead worker's group: it has become a child of ours (Linux only). Was there any?"""
        try:
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        except OSError:
            return False
        strangers = [pid for pid in map(int, children) if pid not in self.orders]
        orphans = [pid for pid in strangers if not (self._asleep / str(pid)).exists()]
        for pid in orphans:
            kill_group(pid)
        if orphans:
            time.sleep(0.001)
        return bool(orphans)
