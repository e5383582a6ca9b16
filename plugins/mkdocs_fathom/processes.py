"""How many processes a process group has: what the parent and the worker both bound."""

from __future__ import annotations

import contextlib
import os


def group_size(group: int) -> int:
    """The number of processes in a group, those that left their parent included."""
    import psutil  # noqa: PLC0415 - slow to import, and of no use where nothing runs

    count = 0
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            count += os.getpgid(pid) == group
    return count
