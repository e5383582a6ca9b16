"""Chapters as notebooks, from what the store has. Nothing is run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from ..config import Config
from ..errors import FathomError
from ..model import Chapter, Span
from ..rendering import notebooks
from ..rendering.addresses import published
from ..rendering.notebooks_needs import Sources
from ..scheduling import lookup
from ..site_file import SiteFile
from ..store.cache import Store


def sources(chapters: Sequence[Chapter], site: SiteFile, config: Config, store: Store) -> Sources:
    """What the site's notebooks are made of.

    Raises:
        FathomError: The chapters' needs are wrong.
    """
    runs = lookup.stored(chapters, config, store)
    address = published(site.data.get("site_url"), directories=site.data.get("use_directory_urls") is not False)
    return Sources(config, {chapter.path: chapter for chapter in chapters}, runs, address)


def export(chapter: Chapter, known: Sources, wanted: Collection[str], folder: Path) -> Iterator[Path]:
    """Write a chapter's notebooks.

    Args:
        chapter: The chapter.
        known: The site.
        wanted: The slugs of the depths that are wanted; the empty one stands for all depths in one file.
        folder: Where to write them.

    Raises:
        FathomError: What the store has of the chapter is out of date.
    """
    if not notebooks.has_notebooks(chapter, known):
        what = "nothing that holds is stored of this chapter's cells"
        raise FathomError.at(Span(chapter.path, 1), what, "Run `fathom run` first.")
    folder.mkdir(parents=True, exist_ok=True)
    every = notebooks.slugs(chapter)
    for slug in [slug for slug in every if slug in wanted] or every[-1:]:
        name = ".".join(filter(None, (PurePosixPath(chapter.path).stem, slug, "ipynb")))
        file = folder / name
        file.write_text(notebooks.notebook(chapter, slug, known), encoding="utf-8", newline="\n")
        yield file
