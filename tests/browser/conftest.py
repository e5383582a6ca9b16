"""Sites as a browser meets them: built once, served from this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import SITES, Built
from tests.serving import serve as previewed

__all__ = ["Served", "previewed", "serve"]

SNIPPETS = Path(__file__).parents[2] / "snippets"


@dataclass(frozen=True, slots=True)
class Served:
    """A site that is built and can be visited."""

    built: Built
    """What the build did."""
    address: str
    """Where its home page is, with a slash at its end."""


class _Silent(SimpleHTTPRequestHandler):
    """Files, without a line in the terminal for each request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """A folder's address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def files(folder: Path, pattern: str = "**/*") -> dict[str, str]:
    """The texts below a folder by their names."""
    found = sorted(file for file in folder.glob(pattern) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in found}


@pytest.fixture(scope="session")
def seed_site(build_site: Callable[..., Built]) -> Iterator[Served]:
    """The site of the author's first chapter, whose setup imports the course's library."""
    library = {f"snippets/{name}": text for name, text in files(SNIPPETS, "**/*.py").items()}
    built = build_site({**files(SITES / "seed"), **library}, "mkdocs build")
    assert built.code == 0, built.stderr
    with serve(built.site) as address:
        yield Served(built, address)
