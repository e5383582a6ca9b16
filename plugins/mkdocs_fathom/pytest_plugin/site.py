"""The chapters below one `mkdocs.yml`: what is wrong with them, and their runs once a test has asked for them."""

from __future__ import annotations

import functools
import hashlib
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Config
from ..errors import FathomError, Problem
from ..model import Chapter, Line
from ..parsing import parse, syntax
from ..parsing.paths import reading_paths
from ..running import measuring
from ..scheduling import compare, needs
from ..scheduling.chapters import chapter_files
from ..scheduling.progress import PlainProgress
from ..scheduling.report import Runs, complete, problems_of, torn
from ..scheduling.schedule import run
from ..store.cache import Store


@dataclass(frozen=True, slots=True)
class Manner:
    """How results come about."""

    folder: Path
    """A store of the session's own: tests run the code anew, and workers of pytest-xdist share what they have run."""
    reuse: bool
    """Whether the site's own store is used instead."""
    audit: float
    """The share of the chapters that run again and are compared."""
    seed: int
    """Which chapters these are."""
    alone: bool
    """Whether no other process tests chapters of the same session."""
    measured: str = ""
    """How coverage is measured; empty: it is not."""

    def sample(self, paths: Iterable[str]) -> set[str]:
        """The chapters that run again: the same for the same seed, whichever of them a process runs."""
        ranked = sorted(paths, key=lambda path: hashlib.sha256(f"{self.seed} {path}".encode()).digest())
        return set(ranked[: math.ceil(self.audit * len(ranked))])


@dataclass(frozen=True, slots=True)
class Want:
    """What one test wants to be run."""

    path: str
    """The chapter."""
    depths: tuple[str, ...] = ()
    """The paths."""
    cell: int | None = None
    """The number of the cell up to which they are to run; None: the whole chapter."""


class Site:
    """One `mkdocs.yml`.

    Attributes:
        config: Its options.
        files: Its chapters, by the file's real path.
        reported: The chapters whose mistakes have been reported.
        audited: What the audit has found, by chapter.
    """

    def __init__(self, config: Config, manner: Manner) -> None:
        """Read nothing yet."""
        self.config = config
        self.files = {file.resolve(): file for file in chapter_files(config)}
        self.reported: set[str] = set()
        self.audited: dict[str, list[Problem]] = {}
        self._manner = manner
        self._runs: dict[str, Runs] = {}
        self._failure: FathomError | None = None

    @property
    def reuses(self) -> bool:
        """Whether results may come from the site's store."""
        return self._manner.reuse

    @functools.cached_property
    def _paths(self) -> list[str]:
        return [self.config.relative(file) for file in self.files.values()]

    def collect(self, path: str) -> Chapter:
        """A chapter.

        Raises:
            FathomError: It is wrong, or needs what does not exist. What is wrong with those that it needs is theirs.
        """
        try:
            chapter = self.chapter(path)
            if path in {other for need in self.needs(path) for other in self._closure(need)[0]}:
                needs.resolve(list(self._closure(path)[0].values()), self.config, self._paths)
        except FathomError:
            self.reported.add(path)
            raise
        return chapter

    @functools.cache  # noqa: B019 - it lives as long as the session
    def chapter(self, path: str) -> Chapter:
        """A chapter. Raises `FathomError` if it is wrong."""
        chapter = parse.read(self.config.root / path, self.config).checked()
        problems = syntax.syntax_problems(chapter)
        if problems:
            raise FathomError(problems)
        return chapter

    def needs(self, path: str) -> tuple[str, ...]:
        """The paths of the chapters that one needs. Raises `FathomError` if it or what it names is wrong."""
        return needs.resolve([self.chapter(path)], self.config, self._paths)[path]

    def lines(self, path: str, chapter: Chapter) -> Sequence[Line]:
        """The lines of a chapter, or of a file that `chapter` includes."""
        try:
            return self.chapter(path).lines if path in self._paths else chapter.lines
        except FathomError:
            return ()

    @functools.cache  # noqa: B019 - it lives as long as the session
    def _closure(self, path: str) -> tuple[dict[str, Chapter], dict[str, tuple[Problem, ...]]]:
        """A chapter and all that it needs, as far as they can be read, and what is wrong with the others."""
        found: dict[str, Chapter] = {}
        wrong: dict[str, tuple[Problem, ...]] = {}
        waiting = [path]
        while waiting:
            name = waiting.pop()
            if name not in found and name not in wrong:
                try:
                    chapter = self.chapter(name)
                    waiting += self.needs(name)
                    found[name] = chapter
                except FathomError as error:
                    wrong[name] = error.problems
        if not wrong:
            try:
                needs.resolve(list(found.values()), self.config, self._paths)
            except FathomError as error:  # a circle
                wrong[error.problems[0].span.path] = error.problems
        return found, wrong

    def wrong(self, path: str) -> dict[str, tuple[Problem, ...]]:
        """What is wrong with the chapters that one needs, so that it cannot run."""
        return self._closure(path)[1]

    def culprit(self, path: str) -> str | None:
        """The chapter whose failure kept one from running; the chapter has its runs."""
        for need in self.needs(path):
            runs = self._runs[need]
            if not all(map(complete, runs.values())) or torn(runs):
                return self.culprit(need) or need
        return None

    def problems(self, path: str) -> tuple[Problem, ...]:
        """What is wrong with a chapter's runs."""
        return problems_of(self.chapter(path), self._runs[path])

    def runs(self, path: str, wants: Sequence[Want]) -> Runs:
        """A chapter's runs: all chapters at once that any test wants, as far as tests want them.

        Raises:
            FathomError: Nothing can be run.
        """
        if self._failure:
            raise self._failure
        if path not in self._runs:
            # Other processes run the other chapters.
            chosen = [want for want in wants if self._manner.alone or want.path == path]
            sample = self._manner.sample({want.path for want in wants})
            try:
                with measuring.asked(self._manner.measured):
                    self._run([want for want in chosen if not self.wrong(want.path)], sample)
            except FathomError as error:
                self._failure = error
                raise
        return self._runs[path]

    def _run(self, wants: Sequence[Want], sample: set[str]) -> None:
        chapters = {name: found for want in wants for name, found in self._closure(want.path)[0].items()}
        ordered = [chapters[path] for path in sorted(chapters)]
        runs = run(ordered, self.config, self._store(), _QUIET, parts=self._parts(wants, chapters)).runs
        self._runs.update(runs)
        again = {path for path in sample if path in runs and all(item.cached for item in runs[path].values())}
        if again:
            self._audit(again)

    def _store(self, *, readonly: bool = False) -> Store:
        config, reuse = self.config, self._manner.reuse
        folder = config.cache_dir if reuse else self._manner.folder
        readonly |= reuse and config.cache_readonly
        return Store(folder, readonly=readonly, size_limit=config.cache_size, say=_warn)

    def _parts(self, wants: Sequence[Want], chapters: Iterable[str]) -> dict[str, dict[str, int]]:
        """The chapters that need not run whole: how many cells of each path."""
        whole = {want.path for want in wants if want.cell is None}
        whole |= {need for path in chapters for need in self.needs(path)}
        parts: dict[str, dict[str, int]] = {}
        for want in wants:
            if want.path not in whole:
                paths = reading_paths(self.chapter(want.path))
                part = parts.setdefault(want.path, {})
                for depth in want.depths:
                    number = sum(cell.number <= (want.cell or 0) for cell in paths[depth])
                    part[depth] = max(part.get(depth, 0), number)
        return parts

    def _audit(self, again: set[str]) -> None:
        """Run chapters again and compare; what they need comes from the store, and nothing is kept."""
        chapters = {name: found for path in again for name, found in self._closure(path)[0].items()}
        ordered = [chapters[path] for path in sorted(chapters)]
        fresh = run(ordered, self.config, self._store(readonly=True), _QUIET, fresh=again).runs
        for path in again:
            if all(map(complete, fresh[path].values())):
                self.audited[path] = compare.audit([chapters[path]], self._runs, fresh)
            else:
                self.audited[path] = []
                self._runs[path] = fresh[path]


def _warn(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


_QUIET = PlainProgress(lambda _line: None, _warn)
