"""Where a site has its pages, notebooks and artifacts: addresses as MkDocs makes them, without MkDocs."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

ASSETS = "assets/fathom"
"""Where the site serves our own files and the chapters' artifacts."""
_PAGES = frozenset({".md", ".markdown", ".mdown", ".mkdn", ".mkd", ".ipynb"})
_INDEX = frozenset({"index", "README"})
# Names that mean nobody's site, or the reader's own machine.
_PRIVATE = (".example", ".invalid", ".test", ".localhost", "localhost", "127.0.0.1", "[::1]", "0.0.0.0")  # noqa: S104


@dataclass(frozen=True, slots=True)
class Address:
    """How a site is addressed."""

    url: str
    """Where it is published, with a slash at its end; empty where nobody can say."""
    directories: bool
    """Whether pages are folders (`use_directory_urls`)."""

    def page(self, path: str) -> str:
        """A page's address below the site, for its file below the folder of pages; empty: the home page."""
        pure = PurePosixPath(path)
        folder = "" if str(pure.parent) == "." else f"{pure.parent}/"
        if not self.directories:
            return f"{folder}{'index' if pure.stem in _INDEX else pure.stem}.html"
        return folder if pure.stem in _INDEX else f"{folder}{pure.stem}/"

    def notebook(self, path: str, slug: str) -> str:
        """Where a page's notebook lies below the site; `slug` is a depth's, or empty for all of them."""
        folder = posixpath.dirname(self.page(path))
        name = ".".join(filter(None, (PurePosixPath(path).stem, slug, "ipynb")))
        return posixpath.join(folder, name)

    def artifact(self, path: str, name: str) -> str:
        """Where an artifact of a page lies below the site."""
        return f"{ASSETS}/artifacts/{PurePosixPath(path).with_suffix('')}/{name}"

    def link(self, target: str, path: str) -> str:
        """A link as a notebook of a page says it: absolute where the site is published, else from the notebook."""
        parts = urlsplit(target)
        if parts.scheme or parts.netloc or target.startswith(("/", "attachment:")):
            return target
        below = posixpath.normpath(posixpath.join(posixpath.dirname(path), parts.path)) if parts.path else path
        if below.startswith(".."):
            return target
        there = self.page(below) if PurePosixPath(below).suffix in _PAGES else below
        if not self.url and not parts.path:
            return target
        rest = f"#{parts.fragment}" if parts.fragment else ""
        return f"{self.url}{there}{rest}" if self.url else f"{self.relative(there, path)}{rest}"

    def relative(self, address: str, path: str) -> str:
        """An address below the site as seen from a page's notebook."""
        folder = posixpath.dirname(self.page(path)) or "."
        slash = "" if address and not address.endswith("/") else "/"
        return posixpath.relpath(address or ".", folder) + slash


def published(site_url: str | None, *, directories: bool) -> Address:
    """The address of a site whose settings say this; one that only its maker can reach counts as none."""
    host = urlsplit(site_url or "").netloc.rpartition("@")[2]
    name = (
        host if host.endswith("]") else host.partition(":")[0] if not host.startswith("[") else host.rpartition(":")[0]
    )
    public = bool(name) and not name.endswith(_PRIVATE)
    return Address(f"{(site_url or '').rstrip('/')}/" if public else "", directories)


def colab(repo_url: str | None, branch: str, notebook: str) -> str | None:
    """Where Google Colab opens a notebook that a branch on GitHub holds; None: the repository is not there.

    Args:
        repo_url: The site's repository.
        branch: The branch that the site is deployed to.
        notebook: The notebook's place in the site.
    """
    parts = urlsplit(repo_url or "")
    owner, _, name = parts.path.strip("/").removesuffix(".git").partition("/")
    if parts.netloc.lower() not in {"github.com", "www.github.com"} or not owner or not name or "/" in name:
        return None
    return f"https://colab.research.google.com/github/{owner}/{name}/blob/{quote(branch)}/{quote(notebook)}"
