"""`mkdocs serve` in a process of its own: what its author edits, what it says, what a reader sees."""

from __future__ import annotations

import contextlib
import html
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

CONFIG = """\
site_name: Test
theme: {name: mkdocs, highlightjs: false}
plugins: [fathom: {preload: [IPython]}]
"""


class Served:
    """A site's folder, and its preview once it is started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.temporary = root / "tmp"
        self.temporary.mkdir(parents=True)
        self.process: subprocess.Popen[str] | None = None
        self._said: list[str] = []
        self._seen = 0
        self.write("mkdocs.yml", CONFIG)

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start the preview; it says `Serving on` when pages can be had."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", self.address],
            cwd=self.root,
            env={**os.environ, "TMPDIR": str(self.temporary), "NO_MKDOCS_2_WARNING": "1"},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, args=(self.process,))
        self._listener.start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr
        with process.stderr as said:
            self._said.extend(iter(said.readline, ""))

    @property
    def said(self) -> str:
        """All that it has said."""
        return "".join(self._said)

    def wait_for(self, text: str) -> str:
        """What it says until it says this, from where the last wait ended."""
        assert self.process
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for at in range(self._seen, len(self._said)):
                if text in self._said[at]:
                    said = "".join(self._said[self._seen : at + 1])
                    self._seen = at + 1
                    return said
            assert self.process.poll() is None, self.said
            time.sleep(0.02)
        raise AssertionError(self.said)

    def edit(self, name: str, text: str) -> str:
        """Save a file, and wait for the new pages; returns what was said until they were there."""
        self.write(name, text)
        return self.wait_for("Reloading browsers")

    def html(self, name: str = "") -> str:
        """A page as a browser gets it."""
        with urllib.request.urlopen(f"http://{self.address}/{name}", timeout=60) as answer:
            return str(answer.read().decode())

    def page(self, name: str = "") -> str:
        """The text of a page."""
        return html.unescape(re.sub(r"<[^>]+>", "", self.html(name)))

    def processes(self) -> list[psutil.Process]:
        """The preview and all that it has started."""
        assert self.process
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to the preview, and wait for its end; returns its exit code."""
        assert self.process
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        self._listener.join(timeout=20)
        return code

    def kill(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=20)
            self._listener.join(timeout=20)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """A function that serves some files, given as their texts by name; the server is ended with the test."""
    served: list[Served] = []

    def start(files: dict[str, str]) -> Served:
        served.append(Served(tmp_path / f"site{len(served)}"))
        for name, text in files.items():
            served[-1].write(name, text)
        served[-1].start()
        served[-1].wait_for("Serving on")
        return served[-1]

    yield start
    for each in served:
        each.kill()


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition, and fail if it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
