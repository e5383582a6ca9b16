"""Runs the chapters that are stale: in the order of their `needs:`, several at once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, Self

from ..config import Config
from ..errors import FathomError
from ..model import Cell, Chapter, Failure, Run, Span
from ..parsing.paths import reading_paths
from ..store.cache import Store
from ..store.keys import path_key
from . import interrupts, needs
from .lookup import Lookup
from .report import Report, Runs, complete, make_report, not_run, torn

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ..running.kept import Kept

Results = dict[str, tuple[Run, Path]]
"""A depth's run, and the folder of what it published."""

Parts = Mapping[str, Mapping[str, int]]
"""How many cells of each path are wanted, by chapter path and depth."""


class Progress(Protocol):
    """Who is told of a run while it goes on; called from several threads."""

    def started(self, chapter: Chapter, cells: int) -> None:
        """A chapter begins to run."""

    def cell(self, chapter: Chapter, cell: Cell, depths: tuple[str, ...]) -> None:
        """A cell begins to run, for the paths of these depths."""

    def finished(self, chapter: Chapter, runs: Runs) -> None:
        """A chapter has run."""

    def say(self, sentence: str) -> None:
        """Something that is no chapter's fault went wrong and is worth a word."""


def run(
    chapters: Sequence[Chapter],
    config: Config,
    store: Store,
    progress: Progress,
    *,
    fresh: bool | Collection[str] = False,
    parts: Parts = MappingProxyType({}),
    refused: Mapping[str, Failure] = MappingProxyType({}),
    kept: Kept | None = None,
    unwanted: Callable[[str], bool] = lambda _path: False,
    first: Sequence[str] = (),
) -> Report:
    """Bring the runs of all chapters up to date.

    Args:
        chapters: The chapters, without errors.
        config: The site's options.
        store: Where results are kept.
        progress: Who is told of it.
        fresh: Whether to run everything, whatever the store has; or the paths of the chapters to run in any case.
        parts: Chapters of which only a part is wanted, and that none of the others needs. Of such a run nothing is
            kept, and the report misses no cell.
        refused: Chapters that have errors, and so are not run, nor those that need them. The report leaves them out.
        kept: Where workers are kept for the next build; None: they end with this one.
        unwanted: Whether the run of a chapter is of no more use, so that it may as well end; asked now and then.
        first: The chapters to begin with.

    Raises:
        FathomError: A chapter needs one that does not exist, or chapters need each other in a circle.
    """
    begun = time.monotonic()
    lookup = Lookup(chapters, config, store)
    with interrupts.once(signal.SIGINT), _Workers(config, progress, kept, unwanted) as workers:
        build = _Build(lookup, config, store, workers, parts=parts, refused=refused, first=first)
        build.run({*lookup.chapters} if fresh is True else set(fresh or ()))
    if any(not item.cached for depths in lookup.runs.values() for item in depths.values()):
        store.trim()
    right = [chapter for chapter in chapters if chapter.path not in {*refused, *build.given_up}]
    return make_report(right, lookup.runs, build.skipped, set(parts), time.monotonic() - begun)


class _Workers:
    """Threads that each wait for one chapter. Neither they nor a process are started before there is one to run."""

    def __init__(self, config: Config, progress: Progress, kept: Kept | None, unwanted: Callable[[str], bool]) -> None:
        self._config = config
        self.unwanted = unwanted
        self._kept = kept
        self.progress = progress
        self._busy: dict[Future[Results], str] = {}
        self._started = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if not self._started:
            return
        if kind or not self._kept:
            # Without their workers the threads come to their end.
            self._pool.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._kept and not kind:
            self._pool.tidy()

    def begin(
        self, lookup: Lookup, chapter: Chapter, depths: Sequence[str], store: Store, until: Mapping[str, int] | None
    ) -> None:
        """Let some of a chapter's paths run."""
        from ..running.collect import Need
        from ..running.execute import execute

        self._start()
        paths = reading_paths(chapter)
        cells = (cell.number for depth in depths for cell in paths[depth][: until[depth] if until else None])
        self.progress.started(chapter, len(set(cells)))
        loaded = {
            artifact.name: Need(origin, artifact.digest, file)
            for origin, artifact in lookup.artifacts(chapter.path).items()
            if (file := store.blob(artifact.digest))
        }
        future = self._threads.submit(
            execute,
            self._pool,
            chapter,
            depths,
            loaded,
            lambda cell, depths: self.progress.cell(chapter, cell, depths),
            until=until,
            unwanted=lambda: self.unwanted(chapter.path),
            current=lookup.observer(chapter).state if until is None else None,
        )
        self._busy[future] = chapter.path

    def finished(self) -> dict[str, Results]:
        """The chapters that have run meanwhile; waits for one. Empty where none is running."""
        from concurrent.futures import FIRST_COMPLETED, wait

        done = wait(self._busy, return_when=FIRST_COMPLETED).done
        return {self._busy.pop(future): future.result() for future in done}

    def _start(self) -> None:
        if not self._started:
            from concurrent.futures import ThreadPoolExecutor

            from ..running.pool import Pool

            say = self.progress.say
            self._pool = self._kept.pool(self._config, say) if self._kept else Pool(self._config, say)
            self._threads = ThreadPoolExecutor(self._config.worker_count, thread_name_prefix="fathom")
            self._started = True


class _Build:
    """One pass over all chapters, each after those that it needs."""

    def __init__(
        self,
        lookup: Lookup,
        config: Config,
        store: Store,
        workers: _Workers,
        *,
        parts: Parts,
        refused: Mapping[str, Failure],
        first: Sequence[str],
    ) -> None:
        self._lookup = lookup
        self._config = config
        self._store = store
        self._workers = workers
        self._parts = parts
        self._refused = refused
        self._order = needs.order(lookup.needs, first)
        self.skipped: set[str] = set()
        self.given_up: set[str] = set()

    def run(self, fresh: set[str]) -> None:
        sorter = TopologicalSorter(self._lookup.needs)
        sorter.prepare()
        ready: list[str] = []
        running = 0
        while sorter.is_active():
            # Who gets ready later may be wanted sooner: no more are begun than can run at once.
            ready = sorted([*ready, *sorter.get_ready()], key=self._order.__getitem__)
            if not ready or running == self._config.worker_count:
                for path, results in self._workers.finished().items():
                    self._finish(path, results)
                    sorter.done(path)
                    running -= 1
            elif self._begin(path := ready.pop(0), fresh=path in fresh):
                running += 1
            else:
                sorter.done(path)

    def _begin(self, path: str, *, fresh: bool) -> bool:
        """Let a chapter run if it has to; False if it has its runs already, or cannot have any."""
        chapter = self._lookup.chapters[path]
        obstacle = self._refused.get(path) or self._lookup.obstacle(path)
        if obstacle:
            self._lookup.runs[path] = {depth.name: not_run(chapter, depth.name, obstacle) for depth in chapter.depths}
            self.skipped.add(path)
            return False
        stale = self._lookup.look_up(path)
        if fresh:
            stale = [depth for depth, cells in reading_paths(chapter).items() if cells]
        part = self._parts.get(path)
        if part is not None:
            stale = [depth for depth in stale if part.get(depth)]
        if stale:
            self._workers.begin(self._lookup, chapter, stale, self._store, part)
        return bool(stale)

    def _finish(self, path: str, results: Results) -> None:
        chapter = self._lookup.chapters[path]
        runs = self._lookup.runs[path]
        runs |= {depth: run for depth, (run, _) in results.items()}
        if self._workers.unwanted(path) and not all(map(complete, runs.values())):
            self._give_up(chapter)
            return
        if path not in self._parts and not torn(runs):
            for run, folder in results.values():
                if complete(run):
                    self._keep(chapter, run, folder)
        self._workers.progress.finished(chapter, runs)

    def _give_up(self, chapter: Chapter) -> None:
        """Leave a chapter that was ended because its runs are of no more use."""
        why = Failure(Span(chapter.path, 1), "the chapter was saved while it ran", "It runs again.")
        self._lookup.runs[chapter.path] = {depth.name: not_run(chapter, depth.name, why) for depth in chapter.depths}
        self.skipped.add(chapter.path)
        self.given_up.add(chapter.path)

    def _keep(self, chapter: Chapter, run: Run, folder: Path) -> None:
        for artifact in run.artifacts:
            try:
                self._store.put_blob(folder / artifact.name)
            except OSError as error:
                what = f"its artifact `{artifact.name}` cannot be kept: {error.strerror}"
                hint = f"Make room in `{self._config.cache}` or in the folder of temporary files."
                raise FathomError.at(Span(chapter.path, 1), what, hint) from error
        parts = self._lookup.components(chapter, run.depth)
        self._store.save(path_key(parts), parts, run)
