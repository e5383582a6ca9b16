"""Ctrl-C and its like: the first one unwinds what runs, those after it do not disturb that."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def once(*numbers: signal.Signals) -> Iterator[None]:
    """Within this, the first of some signals is handled as before, or ends the program; the next ones are ignored.

    Without it, a second Ctrl-C could strike where the first is being cleaned up after.
    """
    if threading.current_thread() is not threading.main_thread():  # signals come to the main thread
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        else:
            raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in numbers}
    # A shell lets what it runs in the background ignore Ctrl-C. None stands for a handler that is not Python's.
    before = {number: handler for number, handler in before.items() if handler not in {signal.SIG_IGN, None}}
    try:
        for number in before:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
