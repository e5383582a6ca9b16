"""What the web server of a preview does for us: it notes what is on screen, and makes notebooks when asked for them.

A site has up to three notebooks a page, and MkDocs empties the folder that it serves before each build: to write all of
them again would take longer than the page that an author waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.livereload import LiveReloadServer
from mkdocs.structure.files import File

from .scheduling.screen import Screen

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Unwritten(File):
    """A file that pages may link to, and that is made when a browser asks for it."""

    def copy_file(self, dirty: bool = False) -> None:  # noqa: FBT001, FBT002 - as MkDocs has it
        """Write nothing."""


class Lent:
    """The files of the last build that are made when they are asked for; asked from several threads."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._made: dict[str, Callable[[], str]] = {}

    def file(self, config: MkDocsConfig, address: str, make: Callable[[], str]) -> File:
        """A file at an address of the site, whose text is made by a function."""
        self._made[address] = make
        return Unwritten.generated(config, address, content="")

    def forget(self) -> None:
        """Begin another build."""
        self._made = {}

    def serve(self, server: LiveReloadServer, screen: Screen) -> None:
        """Answer for a server what we know, and let it answer the rest."""
        others = screen.watch(server.serve_request, server.mount_path)
        server.set_app(self._before(others, server.mount_path))

    def _before(self, others: WSGIApplication, mount: str) -> WSGIApplication:
        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "ignore")
            make = self._made.get(path.removeprefix(mount)) if path.startswith(mount) else None
            if make is None:
                return others(environ, start_response)
            content = make().encode()
            headers = [("Content-Type", "application/x-ipynb+json"), ("Content-Length", str(len(content)))]
            start_response("200 OK", headers)
            return [content]

        return answer
