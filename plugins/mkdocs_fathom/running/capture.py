"""Captures what a cell writes, at the level of file descriptors, so that C code and child processes are captured too.

Descriptors 1 and 2 become two files that grow. Python's own `sys.stdout` and `sys.stderr` note where each of their
writes lies, so that the order between them is exact; what others wrote in between is found by the files' growth.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from ..model import JSON

_NAMES = ("stdout", "stderr")
_IOLBF = 1
_ENDINGS = (".out", ".err")


class _Stream(io.RawIOBase):
    """The raw end of `sys.stdout` or `sys.stderr`."""

    def __init__(self, descriptor: int, before: Callable[[], None], after: Callable[[], None]) -> None:
        super().__init__()
        self.name = f"<{_NAMES[descriptor - 1]}>"
        self._descriptor = descriptor
        self._before = before
        self._after = after

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any, /) -> int:
        self._before()
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += os.write(self._descriptor, view[done:])
        self._after()
        return done


class Capture:
    """The outputs of the cell that runs now, in order: pieces of the two files, and displayed data between them."""

    def __init__(self, limit: int, exceeded: Callable[[], None]) -> None:
        """Nothing is captured until `redirect`.

        Args:
            limit: Bytes that one cell may write.
            exceeded: Called once the cell wrote more; it does not return.
        """
        self._limit = limit
        self._exceeded = exceeded
        # Descriptors of our own for the two files: a cell may close or redirect 1 and 2.
        self._files: list[int] = []
        self._sizes = [0, 0]
        self._start = 0
        self._items: list[tuple[int, int, int] | JSON] = []
        self._clear_next = False
        self._lock = threading.RLock()
        self._flush_c = getattr(_c_library(), "fflush", None)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        """Another thread of the parent may hold the lock: it does not live on in the child, the lock would."""
        self._lock = threading.RLock()

    def redirect(self, stem: Path) -> None:
        """Send descriptors 1 and 2 to the files `<stem>.out` and `<stem>.err`, and Python's streams with them."""
        self._flush()
        for file in self._files:
            os.close(file)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._files = [os.open(stem.with_suffix(ending), flags, 0o600) for ending in _ENDINGS]
        self._sizes = [0, 0]
        self._attach()
        _buffer_lines()
        self.begin()
        sys.stdout = sys.__stdout__ = self._text_stream(1)  # type: ignore[misc]  # the original, for whoever restores it
        sys.stderr = sys.__stderr__ = self._text_stream(2)  # type: ignore[misc]  # likewise

    def discard(self) -> None:
        """From now on, what the process writes goes nowhere."""
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.close(null)

    def _attach(self) -> None:
        for descriptor, file in enumerate(self._files, 1):
            os.dup2(file, descriptor)

    def _text_stream(self, descriptor: int) -> io.TextIOWrapper:
        # A raw stream has no buffer below it, so that a write is on its way when `print` returns.
        raw = cast("io.BufferedWriter", _Stream(descriptor, self._flush, self._check))
        return io.TextIOWrapper(raw, encoding="utf-8", errors="surrogatepass", newline="", write_through=True)

    def _check(self) -> None:
        self._sync()
        if sum(self._sizes) - self._start > self._limit:
            self._exceeded()

    def _sync(self) -> None:
        with self._lock:
            for i, file in enumerate(self._files):
                size = os.fstat(file).st_size
                if size > self._sizes[i]:
                    self._extend(i, self._sizes[i], size)
                # A cell may have truncated the file by way of `/dev/stdout`.
                self._sizes[i] = size

    def _extend(self, stream: int, start: int, end: int) -> None:
        self._clear_if_due()
        last = self._items[-1] if self._items else None
        if isinstance(last, tuple) and last[0] == stream and last[2] == start:
            self._items[-1] = (stream, last[1], end)
        else:
            self._items.append((stream, start, end))

    def begin(self) -> list[int]:
        """Start a cell: forget what came before.

        Returns:
            The sizes of the two files.
        """
        self._flush()
        self._attach()
        self._items = []
        self._clear_next = False
        self._start = sum(self._sizes)
        return list(self._sizes)

    def display(self, output: JSON) -> int:
        """Put a displayed value after what has been written so far.

        Returns:
            Its position, for `replace`.
        """
        with self._lock:
            self._flush()
            self._clear_if_due()
            self._items.append(output)
            return len(self._items) - 1

    def replace(self, position: int, output: JSON) -> None:
        """Put another value in the place of one displayed before."""
        self._items[position] = output

    def clear(self, *, wait: bool) -> None:
        """Drop what the cell has put out so far (`IPython.display.clear_output`).

        Args:
            wait: Whether to do so only when the next output comes.
        """
        self._flush()
        self._clear_next = True
        if not wait:
            self._clear_if_due()

    def _clear_if_due(self) -> None:
        if self._clear_next:
            self._items, self._clear_next = [], False

    def outputs(self, clean: Callable[[str], str]) -> list[JSON]:
        """The cell's outputs as nbformat has them; `clean` is applied to streams."""
        self._flush()
        return [item if isinstance(item, dict) else self._stream(*item, clean) for item in self._items]

    def _stream(self, stream: int, start: int, end: int, clean: Callable[[str], str]) -> JSON:
        # Undecodable bytes and lone surrogates become visible replacements here.
        os.lseek(self._files[stream], start, os.SEEK_SET)
        text = os.read(self._files[stream], end - start).decode("utf-8", errors="replace")
        return {"output_type": "stream", "name": _NAMES[stream], "text": clean(text)}

    def _flush(self) -> None:
        """Bring in what others wrote so far, and what still sits in the C library's buffers."""
        if self._flush_c:
            self._flush_c(None)
        self._sync()


def _c_library() -> ctypes.CDLL | None:
    """The C library of this process; None where it cannot be found by itself."""
    return None if sys.platform == "win32" else ctypes.CDLL(None)


def _buffer_lines() -> None:
    """Let C code hand on each line as it ends it: what other processes write then comes in its place."""
    library = _c_library()
    if library is None:
        return
    for name in ("stdout", "__stdoutp"):  # as Linux and macOS call it
        with contextlib.suppress(ValueError):
            library.setvbuf(ctypes.c_void_p.in_dll(library, name), None, _IOLBF, 0)
