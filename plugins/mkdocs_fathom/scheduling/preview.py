"""A build that goes on whatever is wrong, for an author who looks at the pages while writing them.

Nothing is raised: what is wrong with a chapter is handed on with its place, beside what the cells gave when they last
ran well, so that its page can show both. All other chapters run as in any build.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..config import Config
from ..errors import FathomError, Problem
from ..model import Chapter, Failure
from ..running.kept import Kept
from ..store.cache import Store
from .chapters import read_each
from .mistakes import Mistakes, find
from .report import Report, complete
from .schedule import Progress, run
from .screen import Screen

Tell = Callable[[Sequence[Problem]], None]
"""Told of errors, as soon as they are known."""
_Stamp = tuple[int, int]
_SETTLED = 10**9
"""Nanoseconds after which a file that was saved again has another time, however coarse the clock."""
_Start = Callable[[Sequence[Chapter], Mapping[str, Failure]], Report]


class Shared:
    """What the builds of a preview have in common: workers, what is on screen, chapters that need not be read again."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.workers = Kept()
        self.screen = Screen()
        self._read: dict[Path, tuple[Config, dict[Path, _Stamp], Chapter, tuple[Problem, ...]]] = {}

    def read(self, file: Path, config: Config) -> tuple[Chapter | None, tuple[Problem, ...]]:
        """A chapter as `read_each` reads it. One with errors is always read: it may include what was not there."""
        known = self._read.get(file)
        if known and known[0] == config and all(_stamp(one) == stamp for one, stamp in known[1].items()):
            return known[2:]
        self._read.pop(file, None)
        begun, own = time.time_ns(), _stamp(file)
        chapter, found = read_each(file, config)
        if chapter and not any(each.severity == "error" for each in found):
            others = {config.root / line.path for line in chapter.lines} - {file}
            stamps = {file: own, **{one: _stamp(one) for one in others}}
            if all(begun - stamp[0] > _SETTLED for stamp in stamps.values()):
                self._read[file] = config, stamps, chapter, found
        return chapter, found


@dataclass(frozen=True, slots=True)
class Preview:
    """What can be shown of a site."""

    sound: tuple[Chapter, ...]
    """The chapters without errors, whether or not their cells failed."""
    chapters: tuple[Chapter, ...]
    """All chapters, those with errors as far as they could be read."""
    report: Report
    """What came of their runs."""
    mistakes: Mapping[str, Mistakes]
    """What is wrong, by the path of the chapter; nothing of a chapter that is right."""
    warnings: tuple[Problem, ...]
    """What was found in reading and is no error."""


def preview(
    paths: Mapping[Path, str], config: Config, store: Store, progress: Progress, tell: Tell, *, shared: Shared
) -> Preview:
    """Read chapters, and bring the runs of those that can be run up to date.

    Args:
        paths: The chapters' files, and the addresses of their pages.
        config: The site's options.
        store: Where results are kept.
        progress: Who is told of the runs.
        tell: Told of errors; of those that need no run, before anything runs.
        shared: What the builds of a preview share.
    """
    files = {config.relative(file): file for file in paths}
    first = shared.screen.first({address: config.relative(file) for file, address in paths.items()})
    watch = _Watch(files, config)
    known, wrong, warnings = _read(files, config, shared)
    watch.chapters |= known
    tell([each for errors in wrong.values() for each in errors])

    def start(chapters: Sequence[Chapter], refused: Mapping[str, Failure]) -> Report:
        kept, unwanted = shared.workers, watch.changed
        return run(chapters, config, store, progress, refused=refused, kept=kept, unwanted=unwanted, first=first)

    report = _run(known, wrong, tell, start)
    tell(report.problems)
    mistakes = {path: Mistakes(problems, readable=False) for path, problems in wrong.items() if path not in known}
    for path, chapter in known.items():
        if path in wrong or _is_wrong(chapter, report):
            mistakes[path] = find(chapter, report.runs[path], wrong.get(path, ()), config, store)
    sound = tuple(chapter for path, chapter in known.items() if path not in wrong)
    return Preview(sound, tuple(known.values()), report, mistakes, tuple(sorted(warnings)))


def _read(
    files: Mapping[str, Path], config: Config, shared: Shared
) -> tuple[dict[str, Chapter], dict[str, tuple[Problem, ...]], list[Problem]]:
    """The chapters as far as they can be read, the errors of each that has some, and warnings."""
    known: dict[str, Chapter] = {}
    wrong: dict[str, tuple[Problem, ...]] = {}
    warnings: list[Problem] = []
    for path, file in files.items():
        chapter, found = shared.read(file, config)
        errors = tuple(each for each in found if each.severity == "error")
        warnings += [each for each in found if each not in errors]
        if errors:
            wrong[path] = errors
        if chapter:
            known[path] = chapter
    return known, wrong, warnings


class _Watch:
    """Looks whether chapters are saved with other code while the one that was read runs."""

    def __init__(self, files: Mapping[str, Path], config: Config) -> None:
        """Look at the files before they are read.

        Args:
            files: The files, by the paths of the chapters.
            config: The site's options.
        """
        self.chapters: dict[str, Chapter] = {}
        self._files = files
        self._config = config
        self._stamps = {path: _stamp(file) for path, file in files.items()}
        self._changed: set[str] = set()

    def changed(self, path: str) -> bool:
        """Whether a chapter's runs are those of other code than its file has now; asked from several threads."""
        stamp = _stamp(self._files[path])
        if path not in self._changed and stamp != self._stamps[path]:
            self._stamps[path] = stamp
            now, _ = read_each(self._files[path], self._config)
            if now is None or _code(now) != _code(self.chapters[path]):
                self._changed.add(path)
        return path in self._changed


def _stamp(file: Path) -> _Stamp:
    try:
        stat = file.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


def _code(chapter: Chapter) -> list[tuple[str, str | None, bool]]:
    return [(cell.source, cell.depth, cell.runs) for cell in chapter.cells]


def _run(known: Mapping[str, Chapter], wrong: dict[str, tuple[Problem, ...]], tell: Tell, start: _Start) -> Report:
    """Run what is not wrong; what is wrong with the chapters' needs is added to `wrong`."""
    while True:
        # What a chapter needs that does not run is of no use, and may be what is wrong with it.
        chapters = [replace(chapter, needs=()) if path in wrong else chapter for path, chapter in known.items()]
        refused = {path: _failure(errors[0]) for path, errors in wrong.items()}
        try:
            return start(chapters, refused)
        except FathomError as error:
            new = {each.span.path for each in error.problems if each.span.path in known} - set(wrong)
            if not new:
                raise
            tell(error.problems)
            wrong |= {path: tuple(each for each in error.problems if each.span.path == path) for path in new}


def _failure(error: Problem) -> Failure:
    return Failure(error.span, error.what, error.hint)


def _is_wrong(chapter: Chapter, report: Report) -> bool:
    files = {line.path for line in chapter.lines}
    runs = report.runs[chapter.path].values()
    return not all(map(complete, runs)) or any(each.span.path in files for each in report.problems)
