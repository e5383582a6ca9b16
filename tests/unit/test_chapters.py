"""Which pages are chapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.model import Span
from mkdocs_fathom.scheduling import chapters

PAGES = ("index.md", "a/b.md", "a/b.markdown", "a/c/d.md", "a/image.png", ".hidden.md", ".git/e.md", "a/.f/g.md")


def site(root: Path, *patterns: str) -> config.Config:
    options = {"chapters": list(patterns)} if patterns else {}
    return config.build(root, root / "docs", options, Span("mkdocs.yml", 3))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A site with one page of each kind."""
    for name in PAGES:
        file = tmp_path / "docs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("# Page\n")
    return tmp_path


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ((), ["a/b.md", "a/c/d.md", "index.md"]),
        (("**/*.md",), ["a/b.md", "a/c/d.md", "index.md"]),
        (("*.md",), ["index.md"]),
        (("a/*",), ["a/b.markdown", "a/b.md"]),
        (("a/**",), ["a/b.markdown", "a/b.md", "a/c/d.md"]),
        (("**/d.md", "index.*"), ["a/c/d.md", "index.md"]),
        (("a/**/d.md",), ["a/c/d.md"]),
        (("?/[bc].md",), ["a/b.md"]),
    ],
)
def test_patterns(root: Path, patterns: tuple[str, ...], found: list[str]) -> None:
    """Patterns are matched folder by folder; `**` is any number of folders; only visible pages are chapters."""
    settings = site(root, *patterns)
    assert [str(file.relative_to(root / "docs")) for file in chapters.chapter_files(settings)] == found
    assert [name for name in sorted(PAGES) if chapters.is_chapter(root / "docs" / name, settings)] == found


def test_pages_elsewhere_are_no_chapters(root: Path) -> None:
    """Only what stands below `docs_dir` counts."""
    assert not chapters.is_chapter(root / "README.md", site(root))
    assert not chapters.is_chapter(root / "docs_other" / "a.md", site(root))


def test_linked_folder(root: Path) -> None:
    """A link to a folder is followed, as MkDocs follows it: its pages are on the site, so their code must run."""
    (root / "other").mkdir()
    (root / "other" / "h.md").write_text("# Page\n")
    (root / "docs" / "linked").symlink_to(root / "other", target_is_directory=True)
    assert root / "docs" / "linked" / "h.md" in chapters.chapter_files(site(root))


def test_pattern_without_pages(root: Path) -> None:
    """A pattern that matches nothing is a mistake; not so the default in a site without pages."""
    with pytest.raises(FathomError) as error:
        chapters.chapter_files(site(root, "*.md", "course/*.md"))
    assert str(error.value) == (
        "mkdocs.yml:3:1: option `chapters` of fathom: no page matches `course/*.md`\n"
        "  Patterns are below `docs_dir`: `course/**/*.md`."
    )
    (root / "docs").rename(root / "gone")
    (root / "docs").mkdir()
    assert chapters.chapter_files(site(root)) == []


def test_errors_of_all_chapters_at_once(root: Path) -> None:
    """Markers, syntax and encoding of all chapters are reported together, and warnings with them."""
    (root / "docs" / "index.md").write_text("<!-- DEEP -->\n")
    (root / "docs" / "a" / "b.md").write_text("# Page\n\n```python\n1 +\n```\n")
    (root / "docs" / "a" / "c" / "d.md").write_bytes(b"\xff")
    settings = site(root)
    with pytest.raises(FathomError) as error:
        chapters.read_chapters(chapters.chapter_files(settings), settings)
    found = [(problem.span.path, problem.span.line) for problem in error.value.problems]
    assert found == [("docs/a/b.md", 4), ("docs/a/c/d.md", 1), ("docs/index.md", 1)]


def test_warnings_are_returned(root: Path) -> None:
    """A chapter with nothing worse than damaged text is read."""
    (root / "docs" / "index.md").write_text("# Café\n\nThe cafÃ© is open.\n")
    settings = site(root)
    read, warnings = chapters.read_chapters([root / "docs" / "index.md"], settings)
    assert [chapter.path for chapter in read] == ["docs/index.md"]
    assert [(warning.severity, warning.span.line) for warning in warnings] == [("warning", 3)]
