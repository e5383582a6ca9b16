"""The server by itself: it leaves nothing behind, whichever end of its pipes is closed first."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mkdocs_fathom.running.pool import Pool, worker_environment
from tests.running import site


class Server:
    """A server that is ready, with a folder to remove."""

    def __init__(self, root: Path) -> None:
        pool = Pool(site(root, preload=[]), lambda _sentence: None)
        self.folder = root / "folder"
        self.folder.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mkdocs_fathom.running.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=worker_environment(pool.config) | {"IPYTHONDIR": str(self.folder)},
            text=True,
        )
        self.write({**pool.settings(), "folder": str(self.folder)})
        ready = self.read()
        assert isinstance(ready, dict)
        assert ready["event"] == "ready"

    def write(self, message: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def read(self) -> object:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    with started.process:  # closes its pipes
        yield started
        started.process.kill()


def test_it_ends_with_its_input(server: Server) -> None:
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.process.wait(timeout=5) == 0
    assert not server.folder.exists()


def test_a_job_whose_folder_is_gone(server: Server) -> None:
    """Who interrupts a build takes its folders away: no word about it, and the server goes on."""
    for number in (1, 2):
        server.write({"id": number, "job": "nowhere/job.json", "node": 0})
        assert server.read() == {"event": "exit", "job": number, "status": 1}
    server.process.kill()
    assert server.process.communicate()[1] == ""


def test_it_ends_when_nobody_listens(server: Server) -> None:
    """A parent that is killed closes both ends, and a worker may end before the server has read anything."""
    assert server.process.stdout is not None
    server.process.stdout.close()
    server.write({"id": 1, "job": "nowhere/job.json", "node": 0})
    assert server.process.wait(timeout=5) == 0
    assert not server.folder.exists()
