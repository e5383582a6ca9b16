"""Decides which chapters are stale, and runs those: in the order of their `needs:`, several at once."""

from __future__ import annotations

import difflib
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Protocol

from . import census
from .cache import Store
from .config import Config
from .errors import FathomError, Problem
from .execute import Need, execute
from .failures import problem, unexpected
from .keys import Observer, Reason, Surroundings, components, path_key
from .model import Artifact, Cell, CellResult, Chapter, Failure, Run, Span
from .parse import Parsed, read
from .paths import reading_paths
from .pool import Pool
from .syntax import syntax_problems

Runs = Mapping[str, Run]
"""The runs of one chapter by depth."""


class Progress(Protocol):
    """Who is told of a run while it goes on; called from several threads."""

    def started(self, chapter: Chapter, cells: int) -> None:
        """A chapter begins to run."""

    def cell(self, chapter: Chapter, cell: Cell, depths: tuple[str, ...]) -> None:
        """A cell begins to run, for the paths of these depths."""

    def finished(self, chapter: Chapter, runs: Runs) -> None:
        """A chapter has run, or its results were found in the store."""

    def say(self, sentence: str) -> None:
        """Something that is no chapter's fault went wrong and is worth a word."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a build's runs."""

    runs: Mapping[str, Runs]
    """The runs, by chapter path and depth."""
    problems: tuple[Problem, ...]
    """Failures, unexpected output, and fences that the census misses."""
    chapters: int
    """How many chapters there are."""
    executed: int
    """Cells that were run now."""
    cached: int
    """Cells whose results came from the store."""
    exempt: int
    """Cells that do not run, by name and reason."""
    seconds: float
    """Wall time."""

    def __str__(self) -> str:
        return (
            f"{self.chapters} chapters: {self.executed} cells run, {self.cached} cached, {self.exempt} exempt, "
            f"in {self.seconds:.1f} s"
        )


def chapter_files(config: Config) -> list[Path]:
    """The files below `docs_dir` that are chapters, sorted."""
    found = {file for pattern in config.chapters for file in config.docs.glob(pattern) if file.is_file()}
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(config.docs).parts))


def read_chapters(files: Iterable[Path], config: Config) -> tuple[list[Chapter], tuple[Problem, ...]]:
    """Parse files and compile their cells.

    Returns:
        The chapters, and warnings.

    Raises:
        FathomError: Any of them has an error; the errors of all of them in one go.
    """
    parsed: list[Parsed] = []
    problems: list[Problem] = []
    for file in files:
        try:
            parsed.append(read(file, config))
        except FathomError as error:
            problems += error.problems
    for item in parsed:
        problems += item.problems
        if not any(found.severity == "error" for found in item.problems):
            problems += syntax_problems(item.chapter)
    errors = [found for found in problems if found.severity == "error"]
    if errors:
        raise FathomError(errors)
    return [item.chapter for item in parsed], tuple(sorted(problems))


def run(chapters: Sequence[Chapter], config: Config, store: Store, progress: Progress, *, fresh: bool = False) -> Report:
    """Bring the runs of all chapters up to date.

    Args:
        chapters: The chapters, without errors.
        config: The site's options.
        store: Where results are kept.
        progress: Who is told of it.
        fresh: Whether to run everything, whatever the store has.

    Raises:
        FathomError: A chapter needs one that does not exist, or chapters need each other in a circle.
    """
    begun = time.monotonic()
    needs = resolve_needs(chapters, config)
    with Pool(config, progress.say) as pool:
        runs = _Build(chapters, needs, config, store, progress, pool).run(fresh=fresh)
    if any(not item.cached for depths in runs.values() for item in depths.values()):
        store.trim()
    return _report(chapters, runs, time.monotonic() - begun)


def stored(chapters: Sequence[Chapter], config: Config, store: Store) -> dict[str, dict[str, Run]]:
    """What the store has of the chapters' runs, by path and depth; nothing of a chapter that is stale. Runs nothing."""
    build = _Build(chapters, resolve_needs(chapters, config), config, store, None, None)
    return {chapter.path: runs for chapter in chapters if (runs := build.stored(chapter.path)) is not None}


def explain(chapters: Sequence[Chapter], config: Config, store: Store) -> dict[str, dict[str, tuple[Reason, ...]]]:
    """Why each chapter's paths would run, by path and depth; empty where the store has the results. Runs nothing."""
    build = _Build(chapters, resolve_needs(chapters, config), config, store, None, None)
    return {chapter.path: build.explain(chapter.path) for chapter in chapters}


def resolve_needs(chapters: Sequence[Chapter], config: Config) -> dict[str, tuple[str, ...]]:
    """The paths of the chapters that each chapter needs.

    Raises:
        FathomError: A name is unknown, or the chapters need each other in a circle.
    """
    docs = config.relative(config.docs)
    names = {name: chapter.path for chapter in chapters for name in _names(chapter.path, docs)}
    graph: dict[str, tuple[str, ...]] = {}
    problems = []
    for chapter in chapters:
        for name in chapter.needs:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"Did you mean `{near[0]}`?" if near else "Name a chapter by its file, with or without `.md`."
                problems.append(Problem(_needs_span(chapter), f"no chapter `{name}` to need", hint))
        graph[chapter.path] = tuple(names[name] for name in chapter.needs if name in names)
    if problems:
        raise FathomError(problems)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " → ".join(f"`{PurePosixPath(path).stem}`" for path in reversed(error.args[1]))
        first = next(chapter for chapter in chapters if chapter.path == error.args[1][-1])
        raise FathomError.at(
            _needs_span(first), f"chapters need each other: {circle}", "Take one of these needs away."
        ) from error
    return graph


def _names(path: str, docs: str) -> set[str]:
    """What an author may call a chapter: its stem, its file, or its path below `docs_dir`."""
    pure = PurePosixPath(path)
    below = pure.relative_to(docs) if pure.is_relative_to(docs) else pure
    return {pure.stem, pure.name, below.as_posix(), below.with_suffix("").as_posix()}


def _needs_span(chapter: Chapter) -> Span:
    front = chapter.lines[: chapter.body]
    line = next((line.number for line in front if line.text.startswith("needs")), 1)
    return Span(chapter.path, line)


class _Build:
    """One pass over all chapters."""

    def __init__(
        self,
        chapters: Sequence[Chapter],
        needs: Mapping[str, tuple[str, ...]],
        config: Config,
        store: Store,
        progress: Progress | None,
        pool: Pool | None,
    ) -> None:
        self._chapters = {chapter.path: chapter for chapter in chapters}
        self._needs = needs
        self._config = config
        self._store = store
        self._progress = progress
        self._pool = pool
        self._surroundings = Surroundings(config.root)
        self._runs: dict[str, dict[str, Run]] = {}

    def run(self, *, fresh: bool) -> dict[str, dict[str, Run]]:
        assert self._pool is not None  # noqa: S101 - only `stored` goes without
        sorter = TopologicalSorter(self._needs)
        sorter.prepare()
        busy: dict[Future[dict[str, tuple[Run, Path]]], str] = {}
        with ThreadPoolExecutor(self._config.worker_count, thread_name_prefix="fathom") as threads:
            try:
                while sorter.is_active():
                    for path in sorter.get_ready():
                        future = self._begin(path, threads, fresh=fresh)
                        if future is None:
                            sorter.done(path)
                        else:
                            busy[future] = path
                    if busy:
                        for future in wait(busy, return_when=FIRST_COMPLETED).done:
                            path = busy.pop(future)
                            self._finish(path, future.result())
                            sorter.done(path)
            except BaseException:
                # Without workers the threads come to their end.
                self._pool.close()
                threads.shutdown(wait=True, cancel_futures=True)
                raise
        return self._runs

    def stored(self, path: str) -> dict[str, Run] | None:
        """The runs that the store has of a chapter, and of those it needs; None where any is stale."""
        if path not in self._runs:
            for need in self._needs[path]:
                if self.stored(need) is None:
                    return None
            found, stale = self._look_up(self._chapters[path])
            if stale:
                return None
            self._runs[path] = found
        return self._runs[path]

    def explain(self, path: str) -> dict[str, tuple[Reason, ...]]:
        """Why the paths of a chapter would run; the chapters that it needs come first."""
        chapter = self._chapters[path]
        waiting = next((need for need in self._needs[path] if self.stored(need) is None), None)
        if waiting:
            return {depth.name: (Reason("chapter", waiting),) for depth in chapter.depths}
        observer = self._observer(chapter)
        reasons: dict[str, tuple[Reason, ...]] = {}
        for depth, cells in reading_paths(chapter).items():
            parts = components(chapter, depth, self._config)
            reasons[depth] = (
                self._store.explain(path, depth, path_key(parts), parts, observer.state) if cells else ()
            )
        return reasons

    def _observer(self, chapter: Chapter) -> Observer:
        artifacts = {need.origin: need.digest for need in self._artifacts(chapter).values()}
        lines = {str(cell.number): f"{cell.span.path}:{cell.span.line}" for cell in chapter.cells}
        return Observer(self._config.root, artifacts, lines, self._surroundings)

    def _look_up(self, chapter: Chapter) -> tuple[dict[str, Run], list[str]]:
        """What the store has, and the depths that are stale."""
        observer = self._observer(chapter)
        found: dict[str, Run] = {}
        stale = []
        for depth, cells in reading_paths(chapter).items():
            if not cells:
                found[depth] = Run(chapter.path, depth, (), cached=True)
                continue
            run = self._store.find(path_key(components(chapter, depth, self._config)), observer.state)
            if run is None:
                stale.append(depth)
            else:
                found[depth] = run
        return found, stale

    def _begin(
        self, path: str, threads: ThreadPoolExecutor, *, fresh: bool
    ) -> Future[dict[str, tuple[Run, Path]]] | None:
        assert self._pool is not None  # noqa: S101 - see `run`
        assert self._progress is not None  # noqa: S101 - see `run`
        chapter, progress = self._chapters[path], self._progress
        culprit = next((need for need in self._needs[path] if _failed(self._runs[need]) or _torn(self._runs[need])), None)
        if culprit:
            self._runs[path] = {depth.name: _blocked(chapter, depth.name, culprit) for depth in chapter.depths}
            progress.finished(chapter, self._runs[path])
            return None
        found, stale = self._look_up(chapter)
        if fresh:
            stale = [depth for depth, cells in reading_paths(chapter).items() if cells]
        self._runs[path] = found
        if not stale:
            progress.finished(chapter, found)
            return None
        paths = reading_paths(chapter)
        progress.started(chapter, len({cell.number for depth in stale for cell in paths[depth]}))
        return threads.submit(
            execute,
            self._pool,
            chapter,
            stale,
            self._artifacts(chapter),
            lambda cell, depths: progress.cell(chapter, cell, depths),
        )

    def _finish(self, path: str, results: Mapping[str, tuple[Run, Path]]) -> None:
        assert self._progress is not None  # noqa: S101 - see `run`
        chapter = self._chapters[path]
        for depth, (run, folder) in results.items():
            self._runs[path][depth] = run
            if _failed({depth: run}):
                continue
            for artifact in run.artifacts:
                self._store.put_blob(folder / artifact.name)
            parts = components(chapter, depth, self._config)
            self._store.save(path_key(parts), parts, run)
        self._progress.finished(chapter, self._runs[path])

    def _artifacts(self, chapter: Chapter) -> dict[str, Need]:
        """What a chapter may load, by name: all that the chapters it needs have published."""
        needs = {}
        for path in self._needs[chapter.path]:
            for artifact in published(self._runs[path]):
                file = self._store.blob(artifact.digest)
                if file:
                    needs[artifact.name] = Need(f"{path}#{artifact.name}", artifact.digest, file)
        return needs


def published(runs: Runs) -> list[Artifact]:
    """What the paths of a chapter published, each name once."""
    return list({artifact.name: artifact for item in runs.values() for artifact in item.artifacts}.values())


def _failed(runs: Runs) -> bool:
    return any(item.failed or any(result.blocked_by is not None for result in item.results) for item in runs.values())


def _torn(runs: Runs) -> list[str]:
    """The artifacts that the paths of a chapter published with different contents."""
    contents = {(artifact.name, artifact.digest) for item in runs.values() for artifact in item.artifacts}
    return sorted(name for name, count in Counter(name for name, _ in contents).items() if count > 1)


def _blocked(chapter: Chapter, depth: str, culprit: str) -> Run:
    """A run that never began, because a chapter that it needs failed."""
    failure = Failure(_needs_span(chapter), f"not run: `{culprit}`, which it needs, failed", "Mend that chapter first.")
    cells = reading_paths(chapter)[depth]
    results = tuple(
        CellResult(cell.number, (), 0.0, failure if index == 0 else None, None if index == 0 else cells[0].number)
        for index, cell in enumerate(cells)
    )
    return Run(chapter.path, depth, results)


def problems_of(chapter: Chapter, runs: Runs) -> tuple[Problem, ...]:
    """What is wrong with a chapter's runs: each failure once, with the depths that it concerns."""
    failures: dict[Failure, list[str]] = {}
    found: dict[Problem, None] = {}
    for depth, item in runs.items():
        for result in item.results:
            if result.failure:
                failures.setdefault(result.failure, []).append(depth)
            surprise = unexpected(chapter.cells[result.number], result)
            if surprise:
                found[surprise] = None
    told = [problem(failure, depths, len(chapter.depths)) for failure, depths in failures.items()]
    torn = [
        Problem(
            Span(chapter.path, 1),
            f"the artifact `{name}` is published with different contents at different depths",
            "Publish it in a cell that all depths share, before the first that they do not, or under two names.",
        )
        for name in _torn(runs)
    ]
    return (*told, *found, *torn, *census.problems(chapter, runs))


def _report(chapters: Sequence[Chapter], runs: Mapping[str, Runs], seconds: float) -> Report:
    cells: Counter[str] = Counter()
    for chapter in chapters:
        cached = {r.number for item in runs[chapter.path].values() if item.cached for r in item.results}
        executed = {r.number for item in runs[chapter.path].values() if not item.cached for r in item.results}
        cells["executed"] += len(executed)
        cells["cached"] += len(cached - executed)
        cells["exempt"] += sum(not cell.runs for cell in chapter.cells)
    problems = tuple(sorted(found for chapter in chapters for found in problems_of(chapter, runs[chapter.path])))
    with_cells = sum(bool(chapter.cells) for chapter in chapters)
    return Report(runs, problems, with_cells, cells["executed"], cells["cached"], cells["exempt"], seconds)
