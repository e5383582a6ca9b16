"""What a notebook carries to get its artifacts: what it takes of the site's, and what it leaves."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mkdocs_fathom.assets import fathom_notebook


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a site serves `a.txt`; the working folder is another one."""
    site, work = tmp_path / "site", tmp_path / "work"
    site.mkdir()
    work.mkdir()
    (site / "a.txt").write_text("right")
    monkeypatch.chdir(work)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def known(*addresses: str, text: str = "right") -> dict[str, Any]:
    """What a notebook knows of `a.txt`."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"a.txt": {"chapter": "one.md", "sha256": digest, "addresses": list(addresses)}}


def test_an_artifact_is_downloaded(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """From the first address that has it; where it comes from is said."""
    fathom_notebook.provide(["a.txt"], known("../nowhere/a.txt", f"{address}/b.txt", f"{address}/a.txt"), {})
    assert Path("artifacts/a.txt").read_text() == "right"
    assert capsys.readouterr().out == f"artifacts/a.txt comes from {address}/a.txt\n"


def test_another_version_is_left(address: str) -> None:
    """A site that has been built since has other results than the notebook's: those are computed."""
    with pytest.raises(KeyError, match=r"one\.md"):  # whose cells would be run
        fathom_notebook.provide(["a.txt"], known(f"{address}/a.txt", text="older"), {})
    assert list(Path("artifacts").iterdir()) == []


def test_what_the_reader_has_is_used(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It may come from the notebook of the chapter before; that it is another file is said."""
    Path("artifacts").mkdir()
    Path("artifacts/a.txt").write_text("mine")
    fathom_notebook.provide(["a.txt"], known(f"{address}/a.txt"), {})
    assert Path("artifacts/a.txt").read_text() == "mine"
    assert "artifacts/a.txt differs from what made the outputs below" in capsys.readouterr().out
