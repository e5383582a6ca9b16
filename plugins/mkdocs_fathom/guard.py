"""Watches what a chapter's code uses, and refuses what it must not do; works through Python's audit events.

This is a seat belt, not a sandbox: it keeps honest code from being wrong in silence. It sees what Python code opens
and imports, not what a child process or C code does on its own.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .keys import directory_state, file_state
from .processes import group_size

_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM = ("/dev", "/proc", "/sys", "/etc", "/run", "/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/zoneinfo")
_NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"}
_SPAWN = {"os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen", "os.system"}
_CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink", "os.chmod"}


class RefusedError(PermissionError):
    """The chapter's code tried what it must not do."""

    __module__ = "builtins"  # a traceback then names it without our package


class Guard:
    """The watch over one chapter. It cannot be taken off, only switched off while our own code runs."""

    def __init__(self, root: Path, writable: tuple[Path, ...], needs: Path, processes: int) -> None:
        """Nothing is watched until `install`.

        Args:
            root: The project's root; what is opened below it is named relative to it.
            writable: Folders below which files may be written.
            needs: The folder of the artifacts that the chapter may load.
            processes: How many processes the chapter may have at once.
        """
        self.root = str(root)
        self.writable = tuple(str(folder) for folder in writable)
        self.network = False
        self._needs = str(needs)
        self._processes = processes
        self._spawned = 0
        # Of each thread by itself, so that a handler at work in one does not blind the watch over another.
        self._local = threading.local()
        self._installed_below = tuple({os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, *_site_folders())})
        self._files: dict[str, str] = {}
        self._directories: dict[str, str] = {}
        self._artifacts: set[str] = set()
        self._handlers: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "open": self._on_open,
            "os.listdir": self._on_list,
            "os.scandir": self._on_list,
            "sqlite3.connect": lambda arguments: self._on_open((arguments[0], "r+", os.O_RDWR)),
            **dict.fromkeys(_NETWORK, self._on_network),
            **dict.fromkeys(_SPAWN, self._on_spawn),
            **dict.fromkeys(_CHANGES, self._on_change),
        }

    def install(self) -> None:
        """Start to watch."""
        self._local.off = False
        sys.addaudithook(self._hook)

    @contextlib.contextmanager
    def off(self) -> Iterator[None]:
        """Our own code may do what it likes."""
        before = getattr(self._local, "off", False)
        self._local.off = True
        try:
            yield
        finally:
            self._local.off = before

    def dependencies(self) -> list[tuple[str, str, str]]:
        """Kind, name and state of the files and folders that were used; artifacts and top-level modules without state."""
        with self.off():
            found = [("file", self._name(path), state) for path, state in self._files.items()]
            found += [("directory", self._name(path), state) for path, state in self._directories.items()]
            found += [("artifact", name, "") for name in self._artifacts]
            # Which distribution a module belongs to is looked up by the parent, once for all chapters.
            found += [("module", name, "") for name in {name.partition(".")[0] for name in list(sys.modules)}]
        return sorted(found)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        handler = self._handlers.get(event)
        if handler and not getattr(self._local, "off", False):
            # The handlers open and list files themselves.
            with self.off():
                handler(arguments)

    def _on_open(self, arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if isinstance(path, int) or path is None:
            return
        full = os.path.realpath(os.fsdecode(path))
        if isinstance(flags, int) and flags & _WRITE_FLAGS:
            self._check_write(full)
        elif full.startswith(self._needs + os.sep):
            self._artifacts.add(os.path.relpath(full, self._needs))
        elif self._matters(full) and full not in self._files and not os.path.isdir(full):
            self._files[full] = file_state(Path(full))

    def _on_list(self, arguments: tuple[Any, ...]) -> None:
        path = arguments[0] if arguments[0] is not None else "."
        if not isinstance(path, int):
            full = os.path.realpath(os.fsdecode(path))
            # Importing lists the root and its packages: that is no use of them.
            if self._matters(full) and not _importing() and not full.startswith(self._needs):
                self._directories.setdefault(full, directory_state(Path(full)))

    def _on_change(self, arguments: tuple[Any, ...]) -> None:
        for path in arguments[:2]:
            if isinstance(path, str | bytes | os.PathLike):
                self._check_write(os.path.realpath(os.fsdecode(path)))

    def _on_network(self, arguments: tuple[Any, ...]) -> None:
        address = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], tuple) else arguments
        local = len(arguments) > 1 and isinstance(arguments[1], str | bytes) and hasattr(arguments[0], "family")
        if not self.network and not local:
            where = ":".join(str(part) for part in address[:2] if part is not None)
            raise RefusedError(f"this cell may not use the network ({where}); allow it with `network` on its fence")

    def _on_spawn(self, _arguments: tuple[Any, ...]) -> None:
        self._spawned += 1
        if self._spawned <= self._processes:
            return
        self._spawned = group_size(os.getpgrp())
        if self._spawned >= self._processes:
            raise RefusedError(f"process limit: a chapter may have {self._processes} processes at once")

    def _check_write(self, full: str) -> None:
        allowed = (*self.writable, "/dev/null", "/dev/tty")
        if not any(full == folder or full.startswith(folder + os.sep) for folder in allowed):
            raise RefusedError(
                f"a cell may write in its working folder and through `artifacts.publish`, not to {self._name(full)}"
            )

    def _matters(self, full: str) -> bool:
        """Whether a file can change a result: not the interpreter's and packages' own, not our scratch folders."""
        if full.endswith(".pyc") or any(full.startswith(folder + os.sep) for folder in (*self.writable, *_SYSTEM)):
            return False
        return not any(full.startswith(folder + os.sep) or full == folder for folder in self._installed_below)

    def _name(self, full: str) -> str:
        return os.path.relpath(full, self.root) if full.startswith(self.root + os.sep) else full


def _site_folders() -> list[str]:
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]


def _importing() -> bool:
    """Whether the import system is at work somewhere up the stack."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
