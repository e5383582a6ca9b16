"""The pytest adapter: `pytest --codeblocks docs` tests every cell of every reading path, through our own runner.

pytest-codeblocks brings the option and the directives. Below a `mkdocs.yml` that uses Fathom, our collector takes the
place of its own, which knows neither depths nor most spellings of a fence.
"""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from . import site_file
from .config import Config
from .errors import FathomError, Problem
from .model import Cell, CellResult, Chapter
from .parsing import parse, syntax
from .running.failures import problem
from .scheduling import needs
from .scheduling.chapters import PAGES, chapter_files
from .scheduling.expected import unexpected
from .scheduling.progress import PlainProgress
from .scheduling.report import Runs, problems_of_whole
from .scheduling.schedule import run
from .store.cache import Store

_SITES = pytest.StashKey[dict[Path, "_Site | None"]]()
_THEIRS = pytest.StashKey[Any]()
_CONTEXT = 2
"""Lines of source shown on each side of the one that failed."""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take pytest-codeblocks' collector out of the way; its option stays."""
    config.stash[_SITES] = {}
    if config.getoption("codeblocks", default=False):
        theirs = config.pluginmanager.get_plugin("codeblocks")
        config.stash[_THEIRS] = theirs
        if theirs:
            config.pluginmanager.unregister(theirs)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A chapter of a Fathom site is ours; any other Markdown file is left to pytest-codeblocks."""
    if file_path.suffix not in PAGES or not parent.config.getoption("codeblocks", default=False):
        return None
    try:
        site = _site(parent.config, file_path)
    except FathomError as error:
        raise pytest.Collector.CollectError(str(error)) from error
    if site and file_path.resolve() in site.files:
        return ChapterFile.from_parent(parent, path=file_path, site=site)
    theirs = parent.config.stash[_THEIRS]
    return theirs.pytest_collect_file(file_path, parent) if theirs else None


def _site(config: pytest.Config, file: Path) -> _Site | None:
    """The site that a file belongs to: the nearest `mkdocs.yml` above it, if it uses Fathom."""
    sites = config.stash[_SITES]
    folder = next((folder for folder in file.resolve().parents if site_file.find(folder).is_file()), None)
    if folder and folder not in sites:
        found = site_file.read(site_file.find(folder))
        sites[folder] = _Site(site_file.configure(found)) if found.uses_fathom else None
    return sites[folder] if folder else None


class _Site:
    """One `mkdocs.yml`: its chapters, and their runs once a test has asked for them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.files = {file.resolve(): file for file in chapter_files(config)}
        self._runs: dict[str, Runs] = {}

    def chapters(self, path: str) -> dict[str, Chapter]:
        """A chapter and all that it needs, checked.

        Raises:
            FathomError: Any of them is wrong.
        """
        found: dict[str, Chapter] = {}
        waiting = [path]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = self._chapter(name)
                waiting += [
                    other for need in found[name].needs for other in needs.candidates(need, self._paths, self.config)
                ]
        needs.resolve(list(found.values()), self.config)
        return found

    @functools.cached_property
    def _paths(self) -> list[str]:
        return [self.config.relative(file) for file in self.files.values()]

    @functools.cache  # noqa: B019 - it lives as long as the session
    def _chapter(self, path: str) -> Chapter:
        chapter = parse.read(self.config.root / path, self.config).checked()
        problems = syntax.syntax_problems(chapter)
        if problems:
            raise FathomError(problems)
        return chapter

    def runs(self, chapter: Chapter, session: pytest.Session) -> Runs:
        """The chapter's runs: anew in each session, all selected chapters at once."""
        if chapter.path not in self._runs:
            # Under pytest-xdist another worker runs the other chapters.
            wanted = {chapter.path} if hasattr(session.config, "workerinput") else self._selected(session)
            chosen = {path: found for name in wanted for path, found in self.chapters(name).items()}
            ordered = [chosen[path] for path in sorted(chosen)]
            self._runs.update(run(ordered, self.config, self._store(session), _QUIET).runs)
        return self._runs[chapter.path]

    def _selected(self, session: pytest.Session) -> set[str]:
        items = (item for item in session.items if isinstance(item, ChapterItem))
        return {item.chapter.path for item in items if item.site is self}

    def _store(self, session: pytest.Session) -> Store:
        """A store of this session's own, so that tests run the code, and workers of pytest-xdist share results."""
        factory = session.config._tmp_path_factory  # type: ignore[attr-defined]  # noqa: SLF001 - no fixture here
        base = factory.getbasetemp()
        folder = base.parent if hasattr(session.config, "workerinput") else base
        return Store(folder / "fathom", readonly=False, size_limit=self.config.cache_size, say=_warn)


def _warn(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


_QUIET = PlainProgress(lambda _line: None, _warn)


class ChapterFile(pytest.File):
    """A chapter: an item for each cell and path, and one for the census."""

    def __init__(self, *, site: _Site, **kwargs: Any) -> None:
        """Know the site."""
        super().__init__(**kwargs)
        self.site = site

    def collect(self) -> Iterator[pytest.Item]:
        """Parse the chapter; run nothing."""
        path = self.site.config.relative(self.site.files[self.path.resolve()])
        try:
            chapter = self.site.chapters(path)[path]
            yield from self._items(chapter)
        except FathomError as error:
            raise self.CollectError(str(error)) from error

    def _items(self, chapter: Chapter) -> Iterator[pytest.Item]:
        for cell in chapter.cells:
            for depth in [cell.depth] if cell.depth else [depth.name for depth in chapter.depths]:
                name = f"line {cell.span.line} [{depth.lower()}]"
                # The id is given because pytest, where it reads one back (`--lf`), takes brackets for parameters.
                names = {"name": name, "nodeid": f"{self.nodeid}::{name}"}
                item = CellItem.from_parent(self, **names, site=self.site, chapter=chapter, cell=cell, depth=depth)
                _mark(item, cell)
                yield item
        if chapter.cells:
            yield CensusItem.from_parent(self, name="census", site=self.site, chapter=chapter)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a skipped cell at its own place, not at the line of ours that skipped it."""
    report = yield
    if isinstance(item, CellItem) and report.skipped and isinstance(report.longrepr, tuple):
        report.longrepr = (str(item.path), item.line, report.longrepr[2])
    return report


def _mark(item: pytest.Item, cell: Cell) -> None:
    """Give the item the author's marks. Skipping, and being allowed to fail, is decided by the runner already."""
    for mark in cell.marks:
        if not mark.startswith(("pytest.mark.skip", "pytest.mark.xfail")):
            names = {"pytest": pytest, "sys": sys, "os": os, "platform": platform}
            try:
                item.add_marker(eval(mark, names))  # noqa: S307 - the author's own code, as pytest-codeblocks runs it
            except (Exception, pytest.fail.Exception) as error:
                what = f"the mark `{mark}` cannot be used: {error}"
                raise FathomError.at(cell.span, what, "Mend it, or register it with pytest's `markers`.") from error


class ChapterItem(pytest.Item):
    """A test of something in a chapter."""

    def __init__(self, *, site: _Site, chapter: Chapter, line: int = 1, **kwargs: Any) -> None:
        """Know the chapter and the line that a click leads to."""
        super().__init__(**kwargs)
        self.site = site
        self.chapter = chapter
        self.line = line

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our own problems as they are; anything else as pytest shows it."""
        if isinstance(excinfo.value, FathomError):
            return "\n\n".join(self._with_source(found) for found in excinfo.value.problems)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The chapter, the line (counted from 0) and the item's name."""
        return self.path, self.line - 1, self.name

    def _with_source(self, found: Problem) -> str:
        """A problem, and the author's lines around it."""
        lines = [line for line in self.chapter.lines if line.path == found.span.path]
        shown = [line for line in lines if abs(line.number - found.span.line) <= _CONTEXT]
        source = [f"{'>' if line.number == found.span.line else ' '} {line.number:4} | {line.text}" for line in shown]
        return "\n".join([str(found), "", *source])


class CellItem(ChapterItem):
    """One cell on one path."""

    def __init__(self, *, cell: Cell, depth: str, **kwargs: Any) -> None:
        """Know the cell and the path."""
        super().__init__(line=cell.span.line, **kwargs)
        self.cell = cell
        self.depth = depth

    def runtest(self) -> None:
        """Run the chapter, if no other item has, and tell of this cell."""
        if not self.cell.runs:
            pytest.skip(f"exempt: {self.cell.options.reason}")
        results = self.site.runs(self.chapter, self.session)[self.depth].results
        result = next(result for result in results if result.number == self.cell.number)
        if result.blocked_by is not None:
            self._blocked(result.blocked_by, results)
        found = self._problem(result, results)
        if found:
            raise FathomError([found])

    def _blocked(self, culprit: int, results: tuple[CellResult, ...]) -> NoReturn:
        """Skip, if the test of the culprit tells what is wrong; else tell it here: nothing fails in silence."""
        items = (item for item in self.session.items if isinstance(item, CellItem) and item.chapter is self.chapter)
        if any(item.depth == self.depth and item.cell.number == culprit for item in items):
            pytest.skip(f"blocked by line {self.chapter.cells[culprit].span.line}")
        found = next(
            found for result in results if result.number == culprit and (found := self._problem(result, results))
        )
        raise FathomError([found])

    def _problem(self, result: CellResult, results: tuple[CellResult, ...]) -> Problem | None:
        if result.failure:
            return problem(result.failure, [self.depth], len(self.chapter.depths))
        return unexpected(self.cell, results)


class CensusItem(ChapterItem):
    """Whether every fence of the chapter was run, or is exempt by name and reason, and its depths agree."""

    def runtest(self) -> None:
        """Count, and compare with what was run."""
        found = problems_of_whole(self.chapter, self.site.runs(self.chapter, self.session))
        if found:
            raise FathomError(found)
