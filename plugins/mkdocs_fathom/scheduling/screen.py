"""What is on screen: the pages that browsers have asked a preview's web server for last."""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_MOST = 16
"""How many pages are remembered."""
_POLL = "/livereload/"
"""Where the script in a page asks for news, which it does as long as the page can be seen."""


class Screen:
    """Remembers pages by their addresses, those asked for last at the end; told from several threads."""

    def __init__(self) -> None:
        """Nothing has been asked for."""
        self._addresses: dict[str, None] = {}
        self._lock = threading.Lock()

    def watch(self, application: WSGIApplication, mount: str = "/") -> WSGIApplication:
        """An application that answers as another one does, while we take note of the pages.

        Args:
            application: Serves the site.
            mount: The path below which it does.
        """

        def watched(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "ignore")
            if path.startswith(_POLL):
                path = unquote(urlsplit(environ.get("HTTP_REFERER", "")).path)
            if path.startswith(mount) and path.endswith(("/", ".html")):
                self._note(_plain(path.removeprefix(mount)))
            return application(environ, start_response)

        return watched

    def first(self, pages: Mapping[str, str]) -> list[str]:
        """The pages that are on screen, the one asked for last first.

        Args:
            pages: What to call a page, by its address below the site's.
        """
        known = {_plain(unquote(address)): name for address, name in pages.items()}
        with self._lock:
            return [known[address] for address in reversed(self._addresses) if address in known]

    def _note(self, address: str) -> None:
        with self._lock:
            self._addresses.pop(address, None)
            self._addresses[address] = None
            while len(self._addresses) > _MOST:
                del self._addresses[next(iter(self._addresses))]


def _plain(address: str) -> str:
    """One spelling for each address: `` for `./`, `a` for `a/` and `a/index.html`."""
    return posixpath.normpath("/" + address.removesuffix("index.html"))[1:]
