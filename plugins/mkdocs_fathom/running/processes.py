"""A worker's processes: how many there are, and the end of all of them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

DUMP_SIGNAL = getattr(signal, "SIGXCPU", None)
"""Makes a worker write down where it is; None where there is no such signal."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def group_size(group: int) -> int:
    """The number of living processes in a group, those that left their parent included.

    Args:
        group: The group's leader. Where there are no groups, it and its descendants count.
    """
    import psutil  # slow to import, and of no use where nothing runs

    if not hasattr(os, "getpgid"):
        with contextlib.suppress(psutil.Error):
            return 1 + len(psutil.Process(group).children(recursive=True))
        return 0
    count = 0
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            # What has ended stays in its group until somebody asks how it ended.
            count += os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return count


def kill_group(leader: int) -> None:
    """End a process and its group, or its descendants where there are no groups."""
    if hasattr(os, "killpg"):
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                kill(leader, signal.SIGKILL)
        return
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(leader)
        for one in (*process.children(recursive=True), process):
            with contextlib.suppress(psutil.Error):
                one.kill()


def become_worker(parent: int) -> None:
    """Leave the parent's group and input, and die with it."""
    os.setpgid(0, 0)
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    adopt_orphans()
    close_input()


def adopt_orphans() -> None:
    """Let what leaves our group become our child, so that it can be found and ended (Linux only)."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def prctl(option: int, value: int) -> None:
    """Call Linux's function of that name; elsewhere do nothing."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def close_input() -> None:
    """Let whoever reads standard input find its end."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
