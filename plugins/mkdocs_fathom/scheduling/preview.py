"""A build that goes on whatever is wrong, for an author who looks at the pages while writing them.

Nothing is raised: what is wrong with a chapter is handed on with its place, beside what the cells gave when they last
ran well, so that its page can show both. All other chapters run as in any build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..config import Config
from ..errors import FathomError, Problem
from ..model import Chapter, Failure
from ..store.cache import Store
from .chapters import read_each
from .mistakes import Mistakes, find
from .report import Report, complete
from .schedule import Progress, run

Tell = Callable[[Sequence[Problem]], None]
"""Told of errors, as soon as they are known."""
_Start = Callable[[Sequence[Chapter], Mapping[str, Failure]], Report]


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


def preview(files: Iterable[Path], config: Config, store: Store, progress: Progress, tell: Tell) -> Preview:
    """Read chapters, and bring the runs of those that can be run up to date.

    Args:
        files: The chapters' files.
        config: The site's options.
        store: Where results are kept.
        progress: Who is told of the runs.
        tell: Told of errors; of those that need no run, before anything runs.
    """
    known: dict[str, Chapter] = {}
    wrong: dict[str, tuple[Problem, ...]] = {}
    warnings: list[Problem] = []
    for file in files:
        chapter, found = read_each(file, config)
        errors = tuple(each for each in found if each.severity == "error")
        warnings += [each for each in found if each not in errors]
        if errors:
            wrong[config.relative(file)] = errors
        if chapter:
            known[chapter.path] = chapter
    tell([each for errors in wrong.values() for each in errors])
    report = _run(known, wrong, tell, lambda chapters, refused: run(chapters, config, store, progress, refused=refused))
    tell(report.problems)
    mistakes = {path: Mistakes(problems, readable=False) for path, problems in wrong.items() if path not in known}
    for path, chapter in known.items():
        if path in wrong or _is_wrong(chapter, report):
            mistakes[path] = find(chapter, report.runs[path], wrong.get(path, ()), config, store)
    sound = tuple(chapter for path, chapter in known.items() if path not in wrong)
    return Preview(sound, tuple(known.values()), report, mistakes, tuple(sorted(warnings)))


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
