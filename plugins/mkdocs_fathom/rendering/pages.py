"""The page that a host is converting → its chapter and its runs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import config as configuration
from .. import site_file
from ..config import Config
from ..errors import FathomError, Problem
from ..model import Cell, Chapter, Run, Span
from ..parsing import parse
from ..parsing.paths import reading_paths
from ..parsing.source import lines, unified
from ..scheduling.mistakes import Troubles

_log = logging.getLogger("mkdocs.plugins.fathom")


@dataclass(frozen=True, slots=True)
class PageSource:
    """Where a page comes from."""

    file: Path
    """The author's file."""
    runs: Callable[[Chapter], Mapping[str, Run]]
    """Gives what is stored for a chapter, by the name of the depth."""
    chapter: Chapter | None = None
    """The file as it was parsed before, to spare parsing it again if it has not changed."""
    troubles: Troubles | None = None
    """What the page shows of what is wrong with its cells; None: a page with such cells is refused."""


def load_config(options: Mapping[str, Any]) -> Config:
    """The options of `mkdocs.yml` in the working folder, if there is one, and over them those that a host handed on.

    Raises:
        FathomError: An option is wrong.
    """
    file = site_file.find(Path.cwd())
    given: dict[str, Any] = {}
    root, docs = Path.cwd(), Path.cwd() / "docs"
    if file.is_file():
        base = site_file.load(file)
        root, docs = base.root, base.docs
        given = {item.name: getattr(base, item.name) for item in configuration.option_fields()}
    return configuration.build(root, docs, given | dict(options), Span(file.name, 1))


def find_file(text: str, config: Config) -> Path | None:
    """The chapter that has this text, for a host that does not tell which page it converts."""
    from ..scheduling.chapters import chapter_files

    given = unified(text).strip("\n")
    for file in chapter_files(config):
        # A file that cannot be read is another page's trouble.
        with contextlib.suppress(FathomError):
            own = parse.read_text(file, config)
            if not own.rstrip("\n").endswith(given):
                continue  # parsing is what takes time
            if _is_text_of(given, own, parse.parse(own, config.relative(file), config).chapter):
                return file
    return None


def read_alone(text: str, config: Config) -> Chapter:
    """The chapter of a page that has no file: its text as it stands, from which nothing was run."""
    return parse.parse(text, "page", config).checked()


def read(text: str, source: PageSource, config: Config) -> tuple[Chapter, Mapping[str, Run]]:
    """The chapter that a page shows, and what its cells did.

    Args:
        text: The page's text as the host has it, without front matter.
        source: Where it comes from.
        config: The options.

    Raises:
        FathomError: The chapter is wrong, or results are missing, or they belong to other code.
    """
    now = parse.read_text(source.file, config)
    before = source.chapter
    shows = source.troubles is not None
    own = before if before and _is_made_of(before, now) else _parsed(now, source.file, config, wrong=shows)
    runs = source.runs(own) if any(cell.runs for cell in own.cells) else {}
    _require(own, runs, failures=not shows)
    if _is_text_of(text, now, own):
        return own, runs
    # Another extension or plugin wrote into the text: what it made of it is shown, if the code is still the same.
    shown = parse.parse(text, own.path, config, own.body + 1).checked()
    _compare(shown, own)
    return shown, runs


def find_stored(chapter: Chapter, config: Config) -> Mapping[str, Run]:
    """What the store holds for a chapter; empty where it is stale. Runs nothing."""
    from ..scheduling import lookup
    from ..scheduling.chapters import chapter_files
    from ..store import cache

    # The store is shared with builds that may write: a page being shown never does.
    store = cache.Store(config.cache_dir, readonly=True, size_limit=config.cache_size, say=_log.warning)
    others = chapter_files(config) if chapter.needs else []
    chapters = [parse.read(file, config).checked() for file in others] or [chapter]
    return lookup.stored(chapters, config, store).get(chapter.path, {})


def _parsed(text: str, file: Path, config: Config, *, wrong: bool) -> Chapter:
    parsed = parse.parse(text, config.relative(file), config)
    return parsed.chapter if wrong else parsed.checked()


def _is_made_of(chapter: Chapter, text: str) -> bool:
    """Whether a chapter is what a file's text says; False where it includes other files, which may have changed."""
    return lines(text) == [line.text if line.path == chapter.path else None for line in chapter.lines]


def _is_text_of(given: str, own: str, chapter: Chapter) -> bool:
    """Whether a text is the author's own, with the front matter or without it, includes not put in."""
    given = unified(given).strip("\n")
    return given in {own.strip("\n"), "\n".join(own.split("\n")[chapter.body :]).strip("\n")}


def _require(chapter: Chapter, runs: Mapping[str, Run], *, failures: bool) -> None:
    """Refuse to show a page of which not everything was run, and (`failures`) run well."""
    problems = []
    for depth, cells in reading_paths(chapter).items():
        run = runs.get(depth)
        done = {result.number: result for result in run.results} if run else {}
        missing = [cell for cell in cells if cell.number not in done]
        problems += [_missing(missing[0], depth)] if missing else []
        problems += [
            Problem(failure.span, failure.what, failure.hint, detail=failure.traceback)
            for cell in cells
            if failures and cell.number in done and (failure := done[cell.number].failure)
        ]
    if problems:
        raise FathomError(dict.fromkeys(problems))


def _missing(cell: Cell, depth: str) -> Problem:
    what = f"no result is stored for this cell on the `{depth}` path"
    return Problem(cell.span, what, "Run `fathom run`, then build the page again.")


def _compare(shown: Chapter, own: Chapter) -> None:
    """Refuse a text in which the cells are not those that were run."""
    for cell, theirs in zip(own.cells, shown.cells, strict=False):
        if (cell.source, cell.depth, cell.runs) != (theirs.source, theirs.depth, theirs.runs):
            raise FathomError([_changed(cell, "this cell is not the same")])
    if len(own.cells) > len(shown.cells):
        raise FathomError([_changed(own.cells[len(shown.cells)], "this cell is missing")])
    if len(shown.cells) > len(own.cells):
        raise FathomError([_changed(shown.cells[len(own.cells)], "there is a cell more")])


def _changed(cell: Cell, how: str) -> Problem:
    what = f"{how} in the text that another plugin or extension made of the page"
    hint = "Only what stands in the chapter's file is run. Keep the other plugin away from code, or from this page."
    return Problem(cell.span, what, hint)
