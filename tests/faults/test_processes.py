"""Faults 55 to 57: processes that die, or are told to, while chapters run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from mkdocs_fathom.parsing.parse import parse
from mkdocs_fathom.running.execute import execute
from tests.conftest import MINIMAL_SITE
from tests.running import Runner, cells

WAIT = "import time\nprint('begun')\ntime.sleep(1000)"


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition, and fail if it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def test_55_sigkill_of_a_worker(run: Runner) -> None:
    """The cell that it ran fails, those after it are blocked, and another chapter does not notice."""
    other = parse(cells("import time\nprint('a')\ntime.sleep(1)", "print('b')"), "docs/b.md", run.pool.config).chapter
    results = {}
    thread = threading.Thread(
        target=lambda: results.update(execute(run.pool, other, ["DEEP"], {}, lambda _cell, _depths: None))
    )
    thread.start()
    shallow = run.shallow(cells("1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "3"))
    thread.join()
    failure = shallow[1].failure
    assert failure is not None
    assert (failure.what, str(failure.span)) == ("the cell's process was killed by SIGKILL (Killed)", "docs/a.md:5:1")
    assert [(result.failure, result.blocked_by) for result in (shallow[0], shallow[2])] == [(None, None), (None, 1)]
    assert not results["DEEP"][0].failed


class Command:
    """A build that runs, with a folder of its own for temporary files."""

    def __init__(self, root: Path, command: str, preload: str = "") -> None:
        self.temporary = root / "tmp"
        self.temporary.mkdir()
        (root / "docs").mkdir()
        (root / "docs" / "index.md").write_text(cells(WAIT))
        (root / "mkdocs.yml").write_text(MINIMAL_SITE.replace("[fathom]", f"[{{fathom: {{preload: [{preload}]}}}}]"))
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command.split()],
            cwd=root,
            env={**os.environ, "TMPDIR": str(self.temporary), "NO_MKDOCS_2_WARNING": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def begun(self) -> bool:
        """Whether the cell runs."""
        assert self.process.poll() is None
        return any(file.read_bytes() == b"begun\n" for file in self.temporary.glob("*/*/run/*/capture.out"))

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it wrote."""
        stdout, stderr = self.process.communicate(timeout=20)
        return self.process.returncode, stdout + stderr


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Command]]:
    """Starts a command in a site whose only cell never ends, and waits for that cell."""
    started: list[Command] = []

    def begin(command: str) -> Command:
        started.append(Command(tmp_path, command))
        until(started[0].begun)
        return started[0]

    yield begin
    for command in started:
        with contextlib.suppress(OSError):
            os.killpg(command.process.pid, signal.SIGKILL)
        command.process.communicate()


def test_56_sigkill_of_the_parent(start: Callable[[str], Command]) -> None:
    """Neither a worker nor a folder outlives it by five seconds."""
    command = start("mkdocs_fathom.cli run")
    processes = command.descendants()
    assert len(processes) == 2  # the server and one worker
    os.kill(command.process.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []
    until(lambda: not list(command.temporary.iterdir()), 5)


def test_56_while_an_import_hangs(tmp_path: Path) -> None:
    """Even while the server imports what never ends, and reads nothing."""
    (tmp_path / "endless.py").write_text("import time\nopen('imports', 'w').close()\ntime.sleep(1000)\n")
    command = Command(tmp_path, "mkdocs_fathom.cli run", preload="endless")
    until((tmp_path / "imports").exists)
    (server,) = command.descendants()
    command.process.kill()
    command.end()
    server.wait(timeout=5)
    assert not list(command.temporary.iterdir())


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("program", ["mkdocs_fathom.cli run", "mkdocs build"])
def test_57_told_to_end(start: Callable[[str], Command], program: str, name: str, times: int) -> None:
    """One line, no traceback, and nothing is left: no process, no folder."""
    command = start(program)
    processes = command.descendants()
    for _ in range(times):
        with contextlib.suppress(ProcessLookupError):
            command.process.send_signal(signal.Signals[name])
        time.sleep(0.05)
    code, written = command.end()
    words, expected = {
        ("mkdocs_fathom.cli run", "SIGINT"): ("Interrupted.", 130),
        ("mkdocs_fathom.cli run", "SIGTERM"): ("", 143),
        ("mkdocs build", "SIGINT"): ("Aborted!", 1),
        ("mkdocs build", "SIGTERM"): ("", -signal.SIGTERM),
    }[program, name]
    # A second one may find Python on its way out already.
    assert code in ({expected} if times == 1 else {expected, -signal.Signals[name]}), written
    assert "Traceback" not in written
    assert words in written
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []
    until(lambda: not list(command.temporary.iterdir()), 5)
