"""Watches what a chapter's code uses, and refuses what it must not do; works through Python's audit events.

This is a seat belt, not a sandbox: it keeps honest code from being wrong in silence. It sees what Python code opens
and imports, not what a child process or C code does on its own.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from ..store.keys import directory_state, file_state
from .processes import group_size

_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM = ("/dev", "/proc", "/sys", "/etc", "/run", "/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/zoneinfo")
_NETWORK = frozenset(
    {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
    | {"socket.sendto", "socket.sendmsg", "socket.bind"}
)
_SPAWN = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen", "os.system"})
# The positions, among an event's arguments, of a name that is changed and of the folder it is relative to.
_NAMES = MappingProxyType(
    {
        "os.remove": ((0, 1),),
        "os.rmdir": ((0, 1),),
        "os.mkdir": ((0, 2),),
        "os.symlink": ((1, 2),),
        "os.rename": ((0, 2), (1, 3)),
        "os.link": ((1, 3),),
    }
)
# The same of a file that is changed, wherever its name leads.
_CONTENTS = MappingProxyType(
    {
        "os.truncate": ((0, None),),
        "os.chmod": ((0, 2),),
        "os.chown": ((0, 3),),
        "os.utime": ((0, 3),),
        "os.link": ((0, 2),),
        "os.setxattr": ((0, None),),
        "os.removexattr": ((0, None),),
    }
)


class RefusedError(PermissionError):
    """The chapter's code tried what it must not do."""

    __module__ = "builtins"  # a traceback then names it without our package


class Guard:
    """The watch over one chapter. It cannot be taken off, only switched off while our own code runs."""

    def __init__(self, root: Path) -> None:
        """Nothing is watched until `install`, and nothing refused until `confine`.

        Args:
            root: The project's root; what is opened below it is named relative to it.
        """
        self.root = str(root)
        self.network = False
        self._confined = False
        self._writable: tuple[str, ...] = ()
        self._scratch = self._needs = ""
        self._processes = self._spawned = self._pid = 0
        # Of each thread by itself, so that a handler at work in one does not blind the watch over another.
        self._local = threading.local()
        self._installed = installed_folders(root)
        self._files: dict[str, str] = {}
        self._directories: dict[str, str] = {}
        self._artifacts: set[str] = set()
        self._handlers: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "open": self._on_open,
            "os.listdir": self._on_list,
            "os.scandir": self._on_list,
            "sqlite3.connect": self._on_database,
            "fathom.load": lambda arguments: self._artifacts.add(arguments[0]),
            "os.exec": self._on_exec,
            **dict.fromkeys(_NETWORK, self._on_network),
            **dict.fromkeys(_SPAWN, self._on_spawn),
            **{event: partial(self._on_change, event) for event in {*_NAMES, *_CONTENTS}},
        }

    def install(self) -> None:
        """Start to watch."""
        self._local.off = False
        sys.addaudithook(self._hook)
        # Asked last, so only for what no other finder has found. `importlib.import_module` raises no audit event.
        sys.meta_path.append(self)

    def confine(self, scratch: Path, writable: tuple[Path, ...], needs: Path, processes: int) -> None:
        """Start to refuse.

        Args:
            scratch: The folder of the whole chapter; what is read below it is no dependency.
            writable: Folders below which files may be written.
            needs: The folder of the artifacts that the chapter may load.
            processes: How many processes the chapter may have at once.
        """
        self._scratch, self._needs = str(scratch), str(needs)
        self._writable = tuple(map(str, writable))
        self._processes, self._spawned, self._pid = processes, 0, os.getpid()
        self._confined = True

    @contextlib.contextmanager
    def off(self, *, off: bool = True) -> Iterator[None]:
        """Our own code may do what it likes; with `off=False`, the author's code comes back under the watch."""
        before = getattr(self._local, "off", False)
        self._local.off = off
        try:
            yield
        finally:
            self._local.off = before

    def dependencies(self) -> list[tuple[str, str, str]]:
        """Kind, name and state of the files and folders that were used; artifacts and modules have no state."""
        with self.off():
            found = [("file", self._name(path), state) for path, state in self._files.items()]
            found += [("directory", self._name(path), state) for path, state in self._directories.items()]
            found += [("artifact", name, "") for name in self._artifacts]
            # Which distribution a module belongs to is looked up by the parent, once for all chapters.
            found += [("module", name, "") for name in {name.partition(".")[0] for name in list(sys.modules)}]
        return sorted(found)

    def find_spec(self, name: str, folders: Iterable[str] | None = None, _target: object = None) -> None:
        """Note where a module would have been found that is not there: an optional import, say."""
        if getattr(self._local, "off", False):
            return
        with self.off():
            for folder in list(sys.path if folders is None else folders):
                stem = os.path.join(os.path.realpath(folder), name.rpartition(".")[2])  # noqa: PTH118 - called often
                if self._matters(stem):
                    for path in (f"{stem}.py", os.path.join(stem, "__init__.py")):  # noqa: PTH118
                        self._files.setdefault(path, file_state(Path(path)))

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
        elif self._needs and full.startswith(self._needs + os.sep):
            self._artifacts.add(os.path.relpath(full, self._needs))
        else:
            for name in self._names(path, full):
                if name not in self._files and not Path(name).is_dir():
                    self._files[name] = file_state(Path(name))

    def _on_database(self, arguments: tuple[Any, ...]) -> None:
        """A database may be written unless its address says otherwise."""
        name = os.fsdecode(arguments[0])
        address = urlsplit(name)
        only_read = name.startswith("file:") and {"mode=ro", "immutable=1"} & set(address.query.split("&"))
        path = unquote(address.path) if name.startswith("file:") else name
        if name not in {"", ":memory:"}:
            self._on_open((path, None, 0 if only_read else os.O_RDWR))

    def _on_list(self, arguments: tuple[Any, ...]) -> None:
        path = arguments[0] if arguments[0] is not None else "."
        if not isinstance(path, int):
            full = os.path.realpath(os.fsdecode(path))
            # Importing lists the root and its packages: that is no use of them.
            if not (self._needs and full.startswith(self._needs)):
                for name in self._names(path, full):
                    if not _importing():
                        self._directories.setdefault(name, directory_state(Path(name)))

    def _on_change(self, event: str, arguments: tuple[Any, ...]) -> None:
        for position, folder in _CONTENTS.get(event, ()):
            self._check_write(os.path.realpath(_joined(arguments, position, folder)))
        for position, folder in _NAMES.get(event, ()):
            path = _joined(arguments, position, folder)
            place = Path(os.path.realpath(path.parent)) / path.name
            # Making a folder that is there is how programs see to it that it is.
            if event != "os.mkdir" or not place.is_dir():
                self._check_write(str(place))

    def _on_network(self, arguments: tuple[Any, ...]) -> None:
        address = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], tuple) else arguments
        local = len(arguments) > 1 and isinstance(arguments[1], str | bytes) and hasattr(arguments[0], "family")
        if self._confined and not self.network and not local:
            where = ":".join(str(part) for part in address[:2] if isinstance(part, str | bytes | int))
            raise RefusedError(f"this cell may not use the network ({where}); allow it with `network` on its fence")

    def _on_spawn(self, _arguments: tuple[Any, ...]) -> None:
        self._spawned += 1
        if self._spawned <= self._processes or not self._confined:
            return
        self._spawned = group_size(self._pid)
        if self._spawned >= self._processes:
            raise RefusedError(f"process limit: a chapter may have {self._processes} processes at once")

    def _on_exec(self, _arguments: tuple[Any, ...]) -> None:
        if self._confined and os.getpid() == self._pid:
            raise RefusedError("a cell may not replace the process it runs in; use `subprocess`")

    def _check_write(self, full: str) -> None:
        if not self._confined or below(full, self._writable) or full in {os.devnull, "/dev/tty"}:
            return
        if below(full, (self._scratch,)):
            raise RefusedError(
                f"the folder of `{Path(full).name}` belongs to the cells above, which several depths share; "
                "each depth has a copy of it: ask for the path again in this cell"
            )
        raise RefusedError(
            f"a cell may write in its working folder and through `artifacts.publish`, not to {self._name(full)}"
        )

    def _matters(self, full: str) -> bool:
        """Whether a file can change a result: not the interpreter's and packages' own, not our scratch folders."""
        scratch = (self._scratch,) if self._scratch else ()
        return not full.endswith(".pyc") and not below(full, (*scratch, *self._installed))

    def _names(self, path: str | bytes | os.PathLike[str], full: str) -> list[str]:
        """The names to watch of what was opened: where it really is and, as a link may change, what it was called."""
        called = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - a link is to stay one
        ours = bool(self._scratch) and below(full, (self._scratch,))
        return [name for name in dict.fromkeys((full, called)) if self._matters(name) and not ours]

    def _name(self, full: str) -> str:
        return os.path.relpath(full, self.root) if full.startswith(self.root + os.sep) else full


def installed_folders(root: Path) -> tuple[str, ...]:
    """The folders of the interpreter, of packages and of the system, as they are called and where they really are.

    One that holds the project, `/usr` say, is not among them unless it is one for packages.
    """
    # What programs keep in caches is what they could find out again.
    caches = [str(Path.home() / ".cache")] if "HOME" in os.environ else []
    own = Path(__file__).parents[1]  # part of every key, by its version
    ours = [] if own.is_relative_to(root) else [str(own)]
    packages, real = _both(_site_folders()), os.path.realpath(root)
    others = _both([sys.prefix, sys.base_prefix, str(Path(os.__file__).parent), *_SYSTEM, *caches, *ours])
    return (*packages, *(folder for folder in others if not below(real, (os.path.realpath(folder),))))


def _both(folders: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(call(path) for path in folders for call in (os.path.abspath, os.path.realpath)))


def below(full: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of some folders or below one."""
    return any(full == folder or full.startswith(folder + os.sep) for folder in folders)


def _joined(arguments: tuple[Any, ...], position: int, folder: int | None) -> Path:
    """A path among an event's arguments, absolute: relative to an open folder where the caller gave one."""
    path = arguments[position]
    if isinstance(path, int):
        return _path_of(path)
    number = arguments[folder] if folder is not None and folder < len(arguments) else -1
    start = _path_of(number) if isinstance(number, int) and number >= 0 else Path()
    return start / os.fsdecode(path)


def _path_of(descriptor: int) -> Path:
    """The path of an open file or folder (Linux only); elsewhere the working folder passes for it."""
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return Path("descriptor")


def _site_folders() -> list[str]:
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]


def _importing() -> bool:
    """Whether the import system is at work somewhere up the stack."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - `inspect.currentframe` is the same, and slow to import
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
