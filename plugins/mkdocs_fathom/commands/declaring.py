"""Brings declared outputs up to date in the authors' files, by what the cells print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..config import Config
from ..errors import Problem
from ..linting import mend
from ..model import Chapter
from ..scheduling import expected, needs, schedule
from ..scheduling.report import Runs
from ..scheduling.schedule import Progress
from ..store.cache import Store


def updated(
    chapters: Sequence[Chapter], config: Config, store: Store, progress: Progress
) -> tuple[list[mend.Mended], list[Problem]]:
    """Run the chapters that declare outputs, as far as they are stale, and those that they need; write nothing.

    Returns:
        The files with their declarations brought up to date, and what is wrong besides.
    """
    declaring = [chapter for chapter in chapters if any(cell.runs and cell.expected for cell in chapter.cells)]
    graph = needs.resolve(chapters, config)
    due = [chapter.path for chapter in declaring]
    for path in due:
        due += [need for need in graph[path] if need not in due]
    report = schedule.run([chapter for chapter in chapters if chapter.path in due], config, store, progress)
    found = [item for chapter in declaring for item in _updated(chapter, report.runs[chapter.path], config)]
    mended = {problem for item in found for problem in item.problems}
    return found, [problem for problem in report.problems if problem not in mended]


def _updated(chapter: Chapter, runs: Runs, config: Config) -> Iterator[mend.Mended]:
    """A chapter's file, if a declaration in it does not hold. From its end on: a declaration may get more lines."""
    before = (config.root / chapter.path).read_bytes().decode()
    lines = mend.opened(before, chapter.path)
    problems = []
    for cell in reversed(chapter.cells):
        results = [run.results for run in runs.values()]
        outputs = {expected.output(cell, each) for each in results} - {None}
        wrong = [problem for each in results if (problem := expected.unexpected(cell, each))]
        # Where depths print different things, no declaration holds for all of them.
        if not wrong or len(outputs) != 1 or wrong[0].span.path != chapter.path:
            continue
        new = expected.rewritten(lines, cell, str(outputs.pop()))
        problems += wrong if new != lines else []
        lines = new
    if problems:
        yield mend.Mended(chapter.path, before, mend.closed(before, chapter.path, lines), tuple(problems))
