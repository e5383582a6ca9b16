"""Chapters as notebooks, from what the store has. Nothing is run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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


def choose(
    chapters: Sequence[Chapter], config: Config, paths: Collection[str], depth: str | None
) -> dict[str, tuple[str, ...]]:
    """Which notebooks are wanted: slugs by the chapter's path.

    Args:
        chapters: The site's chapters.
        config: The site's options.
        paths: The paths of those that are wanted; empty: all that have cells.
        depth: The name of a depth in any case; None: each depth, and all in one file.

    Raises:
        ValueError: There is no such depth.
    """
    slugs = {item.slug for item in config.depths}
    if depth is not None and depth.lower() not in slugs:
        raise ValueError(f"no depth `{depth}`; depths: {', '.join(item.name for item in config.depths)}")
    wanted: dict[str, tuple[str, ...]] = {}
    for chapter in chapters:
        if chapter.path in paths or (not paths and any(cell.runs for cell in chapter.cells)):
            known = notebooks.slugs(chapter)
            # The same at every depth: one notebook, whichever is asked for.
            wanted[chapter.path] = (depth.lower(),) if depth and len(known) > 1 else known
    return wanted


def export(
    wanted: Mapping[str, Sequence[str]],
    chapters: Sequence[Chapter],
    site: SiteFile,
    config: Config,
    store: Store,
    *,
    folder: Path,
) -> Iterator[Path]:
    """Write notebooks; gives each file once it is there.

    Raises:
        FathomError: What the store has of a chapter is out of date, or it has no cells.
    """
    runs = lookup.stored(chapters, config, store)
    address = published(site.data.get("site_url"), directories=site.data.get("use_directory_urls") is not False)
    known = Sources(config, {chapter.path: chapter for chapter in chapters}, runs, address)
    for path in wanted:
        if not notebooks.has_notebooks(known.chapters[path], known):
            what = "there are no stored results for a notebook of this chapter, or they are out of date"
            raise FathomError.at(
                Span(path, 1), what, "Run `fathom run` first. A chapter without cells has no notebook."
            )
    for path, slugs in wanted.items():
        for slug in slugs:
            file = (
                folder / PurePosixPath(known.below_docs(path)).parent / PurePosixPath(address.notebook(path, slug)).name
            )
            file.parent.mkdir(parents=True, exist_ok=True)
            text = notebooks.notebook(known.chapters[path], slug, known)
            file.write_text(text, encoding="utf-8", newline="\n")
            yield file
