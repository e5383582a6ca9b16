"""Capturing, without a worker: what was written where, in which order, and what happens at the limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PREAMBLE = """
import os, sys
from pathlib import Path
from mkdocs_fathom.running.capture import Capture

tell = os.fdopen(os.dup(1), "w")
def exceeded():
    print("exceeded", file=tell, flush=True)
    os._exit(0)
capture = Capture(100, exceeded)
capture.redirect(Path(sys.argv[1]))
def outputs():
    return capture.outputs(str.upper)
"""


def capture(code: str, folder: Path) -> Any:
    """What a program prints that captures its own output: capturing takes the whole process."""
    command = [
        sys.executable,
        "-c",
        f"{PREAMBLE}\n{code}\nprint(repr(result), file=tell, flush=True)",
        str(folder / "c"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def stream(name: str, text: str) -> dict[str, str]:
    """An output as nbformat has it."""
    return {"output_type": "stream", "name": name, "text": text}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", []),
        ("print('a'); print('b')", [stream("stdout", "A\nB\n")]),
        (
            "print('a'); print('b', file=sys.stderr); print('c')",
            [stream("stdout", "A\n"), stream("stderr", "B\n"), stream("stdout", "C\n")],
        ),
        ("print('a', end=''); os.write(1, b'b'); print('c')", [stream("stdout", "ABC\n")]),
        (
            "print('a'); x = capture.display({'d': 1}); print('b')",
            [stream("stdout", "A\n"), {"d": 1}, stream("stdout", "B\n")],
        ),
        (
            "x = capture.display({'d': 1}); capture.display({'d': 2}); capture.replace(x, {'d': 3})",
            [{"d": 3}, {"d": 2}],
        ),
        ("print('a'); capture.clear(wait=False)", []),
        ("print('a'); capture.clear(wait=True)", [stream("stdout", "A\n")]),
        ("print('a'); capture.clear(wait=True); print('b')", [stream("stdout", "B\n")]),
        ("print('a'); capture.begin(); print('b')", [stream("stdout", "B\n")]),
        ("os.close(1); capture.begin(); print('b')", [stream("stdout", "B\n")]),
        (
            "os.dup2(os.open(os.devnull, os.O_WRONLY), 1); print('a'); capture.begin(); print('b')",
            [stream("stdout", "B\n")],
        ),
        ("open('/dev/stdout', 'w').close(); print('a')", [stream("stdout", "A\n")]),
        ("print('a'); open('/dev/stdout', 'w').close(); capture.begin(); print('b')", [stream("stdout", "B\n")]),
        ("sys.stdout.buffer.write(b'\\xff|')", [stream("stdout", "\ufffd|")]),
        ("print('a'); capture.discard(); print('b')", [stream("stdout", "A\n")]),
        ("print('x' * 99)", [stream("stdout", "X" * 99 + "\n")]),
    ],
)
def test_outputs(code: str, expected: list[Any], tmp_path: Path) -> None:
    assert capture(f"{code}\nresult = outputs()", tmp_path) == repr(expected)


@pytest.mark.parametrize("code", ["print('x' * 100)", "print('x' * 60, file=sys.stderr); print('y' * 60)"])
def test_the_limit(code: str, tmp_path: Path) -> None:
    """Both streams count together."""
    assert capture(f"{code}\nresult = outputs()", tmp_path) == "exceeded"


def test_the_limit_is_for_each_cell(tmp_path: Path) -> None:
    code = "print('x' * 80); capture.begin(); print('y' * 80)"
    assert capture(f"{code}\nresult = outputs()", tmp_path) == repr([stream("stdout", "Y" * 80 + "\n")])


def test_a_forked_child_is_not_blocked_by_a_lock(tmp_path: Path) -> None:
    """Another thread may hold it at the time of the fork."""
    code = """
with capture._lock:
    import threading
    held = threading.Thread(target=lambda: None)
locked, go = threading.Event(), threading.Event()
def hold():
    with capture._lock:
        locked.set()
        go.wait()
thread = threading.Thread(target=hold)
thread.start()
locked.wait()
pid = os.fork()
if not pid:
    print("child")
    os._exit(0)
os.waitpid(pid, 0)
go.set()
thread.join()
result = outputs()
"""
    assert capture(code, tmp_path) == repr([stream("stdout", "CHILD\n")])
