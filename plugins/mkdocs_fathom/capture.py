"""Captures what a cell writes, at the level of file descriptors, so that C code and child processes are captured too.

Descriptors 1 and 2 become two files that grow. Python's own `sys.stdout` and `sys.stderr` note where each of their
writes lies, so that the order between them is exact; what others wrote in between is found by the files' growth.
"""

from __future__ import annotations

import ctypes
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .model import JSON

_NAMES = ("stdout", "stderr")


class _Stream(io.RawIOBase):
    """The raw end of `sys.stdout` or `sys.stderr`."""

    def __init__(self, descriptor: int, wrote: Callable[[int], None]) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._wrote = wrote

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any, /) -> int:
        self._wrote(-self._descriptor)
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += os.write(self._descriptor, view[done:])
        self._wrote(self._descriptor)
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
        self._sizes = [0, 0]
        self._start = 0
        self._items: list[tuple[int, int, int] | JSON] = []

    def redirect(self, stem: Path) -> None:
        """Send descriptors 1 and 2 to the files `<stem>.out` and `<stem>.err`, and Python's streams with them."""
        for descriptor, ending in ((1, ".out"), (2, ".err")):
            file = os.open(stem.with_suffix(ending), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(file, descriptor)
            os.close(file)
        self._sizes = [0, 0]
        self._start = 0
        sys.stdout = sys.__stdout__ = self._text_stream(1)  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = self._text_stream(2)  # type: ignore[misc]

    def _text_stream(self, descriptor: int) -> io.TextIOWrapper:
        raw = _Stream(descriptor, self._wrote)
        # A raw stream has no buffer below it, so that a write is on its way when `print` returns.
        return io.TextIOWrapper(raw, encoding="utf-8", errors="surrogatepass", newline="", write_through=True)  # type: ignore[type-var]

    def _wrote(self, descriptor: int) -> None:
        """Note growth. Before a write of ours (a negative descriptor), all growth is that of others."""
        self._sync()
        if descriptor > 0 and sum(self._sizes) - self._start > self._limit:
            self._exceeded()

    def _sync(self) -> None:
        for i in (0, 1):
            size = os.fstat(i + 1).st_size
            if size > self._sizes[i]:
                self._extend(i, self._sizes[i], size)
                self._sizes[i] = size

    def _extend(self, stream: int, start: int, end: int) -> None:
        last = self._items[-1] if self._items else None
        if isinstance(last, tuple) and last[0] == stream and last[2] == start:
            self._items[-1] = (stream, last[1], end)
        else:
            self._items.append((stream, start, end))

    def begin(self) -> None:
        """Start a cell: forget what came before."""
        self._items = []
        self._start = sum(self._sizes)

    def display(self, output: JSON) -> None:
        """Put a displayed value after what has been written so far."""
        self._flush()
        self._items.append(output)

    def replace(self, position: int, output: JSON) -> None:
        """Put another value in the place of one displayed before."""
        self._items[position] = output

    def clear(self) -> None:
        """Drop what the cell has put out so far (`IPython.display.clear_output`)."""
        self._flush()
        self._items = []

    @property
    def count(self) -> int:
        """How many pieces there are; the next `display` lands at this position."""
        self._flush()
        return len(self._items)

    def outputs(self, clean: Callable[[str], str]) -> list[JSON]:
        """The cell's outputs as nbformat has them; `clean` is applied to streams."""
        self._flush()
        return [item if isinstance(item, dict) else self._stream(*item, clean) for item in self._items]

    def _stream(self, stream: int, start: int, end: int, clean: Callable[[str], str]) -> JSON:
        # Undecodable bytes and lone surrogates become visible replacements here.
        text = os.pread(stream + 1, end - start, start).decode("utf-8", errors="replace")
        return {"output_type": "stream", "name": _NAMES[stream], "text": clean(text)}

    def _flush(self) -> None:
        """Bring in what still sits in the C library's buffers."""
        ctypes.CDLL(None).fflush(None)
        self._sync()
