"""Where a site has what, without MkDocs: held against MkDocs' own answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from mkdocs.structure.files import File

from mkdocs_fathom.rendering.addresses import Address, colab, published

HERE = Address("", directories=True)
THERE = Address("https://site.org/course/", directories=True)


@pytest.mark.parametrize("directories", [True, False])
@pytest.mark.parametrize(
    "path", ["a.md", "index.md", "README.md", "b/a.md", "b/index.md", "b/c/a.b.md", "b/a.markdown"]
)
def test_pages_are_where_mkdocs_has_them(path: str, *, directories: bool) -> None:
    """The plugin needs no host to know a page's address."""
    theirs = File(path, str(Path()), str(Path()), use_directory_urls=directories).url
    assert Address("", directories=directories).page(path) == theirs.removeprefix("./")


@pytest.mark.parametrize(
    ("path", "directories", "slug", "place"),
    [
        ("b/a.md", True, "deep", "b/a/a.deep.ipynb"),
        ("b/a.md", True, "", "b/a/a.ipynb"),
        ("b/a.md", False, "deep", "b/a.deep.ipynb"),
        ("index.md", True, "", "index.ipynb"),
        ("labs/x.ipynb", True, "", "labs/x/x.ipynb"),
    ],
)
def test_a_notebook_lies_beside_its_page(path: str, *, directories: bool, slug: str, place: str) -> None:
    """So that the page's link is the file's name."""
    assert Address("", directories=directories).notebook(path, slug) == place


@pytest.mark.parametrize(
    ("target", "local", "public"),
    [
        ("a.md", "../a/", "https://site.org/course/b/a/"),
        ("../index.md#x", "../../#x", "https://site.org/course/#x"),
        ("#x", "#x", "https://site.org/course/b/page/#x"),
        ("../pic.png", "../../pic.png", "https://site.org/course/pic.png"),
        ("https://other.org/a.md", "https://other.org/a.md", "https://other.org/a.md"),
        ("/absolute", "/absolute", "/absolute"),
        ("mailto:a@b.org", "mailto:a@b.org", "mailto:a@b.org"),
        ("../../../outside.md", "../../../outside.md", "../../../outside.md"),
    ],
)
def test_links(target: str, local: str, public: str) -> None:
    """Absolute where the site has an address that others can reach, else as seen from the notebook."""
    assert HERE.link(target, "b/page.md") == local
    assert THERE.link(target, "b/page.md") == public


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://site.org/course", "https://site.org/course/"),
        ("https://site.org:8080/", "https://site.org:8080/"),
        ("https://fathom.example/", ""),
        ("http://127.0.0.1:8000/", ""),
        ("http://localhost:8000/", ""),
        ("http://[::1]:8000/", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_an_address_that_only_its_maker_reaches_is_none(url: str | None, address: str) -> None:
    """A placeholder, or a preview's."""
    assert published(url, directories=True).url == address


@pytest.mark.parametrize(
    ("repo_url", "opened"),
    [
        ("https://github.com/me/it", "https://colab.research.google.com/github/me/it/blob/gh-pages/b/a.ipynb"),
        ("https://github.com/me/it.git/", "https://colab.research.google.com/github/me/it/blob/gh-pages/b/a.ipynb"),
        ("https://gitlab.com/me/it", None),
        ("https://github.com/me", None),
        ("https://notgithub.com/me/it", None),
        (None, None),
    ],
)
def test_colab_opens_what_github_holds(repo_url: str | None, opened: str | None) -> None:
    """And nothing else."""
    assert colab(repo_url, "gh-pages", "b/a.ipynb") == opened
