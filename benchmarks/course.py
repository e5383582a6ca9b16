"""Runs the whole course from nothing and prints what it cost and what came of it.

    python -m benchmarks.course

Seconds by chapter and depth against the budget, then the results that the chapters print in their cells with an id that
ends in `results`.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

from mkdocs_fathom import site_file
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.model import CellResult, Chapter
from mkdocs_fathom.scheduling import schedule
from mkdocs_fathom.scheduling.chapters import chapter_files, read_chapters
from mkdocs_fathom.scheduling.progress import PlainProgress
from mkdocs_fathom.scheduling.report import Report
from mkdocs_fathom.store.cache import Store

BUDGET, LONGEST = 180, 60
"""Seconds for the whole course on two processors, and for any one cell."""


def main() -> None:
    """Run, and print."""
    try:
        chapters, report = _run()
    except FathomError as error:
        sys.exit("\n".join(map(str, error.problems)))
    if report.problems:
        sys.exit("\n".join(map(str, report.problems)))
    _print_seconds(report)
    for chapter in chapters:
        _print_results(chapter, report)


def _run() -> tuple[list[Chapter], Report]:
    config = site_file.load(site_file.find(Path.cwd()))
    chapters, _ = read_chapters(chapter_files(config), config)
    shown = PlainProgress(lambda line: print(line, file=sys.stderr))
    with tempfile.TemporaryDirectory(prefix="fathom-course-") as folder:
        store = Store(Path(folder), readonly=False, size_limit=config.cache_size, say=shown.say)
        return chapters, schedule.run(chapters, config, store, shown)


def _print_seconds(report: Report) -> None:
    print(f"{'chapter':48}{'depth':10}{'seconds':>9}{'longest cell':>14}{'artifacts':>12}")
    longest = 0.0
    for path, runs in report.runs.items():
        for depth, run in runs.items():
            cell = max((result.seconds for result in run.results), default=0.0)
            size = sum(artifact.size for artifact in run.artifacts) / 1000
            print(f"{path:48}{depth:10}{run.seconds:9.1f}{cell:14.1f}{size:9.0f} kB")
            longest = max(longest, cell)
    # Linux counts kilobytes. The largest of the processes that were waited for, not their sum.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nwhole course: {report.seconds:.0f} s of {BUDGET}; longest cell: {longest:.0f} s of {LONGEST}")
    print(f"largest process: {peak:.0f} MB\n")


def _print_results(chapter: Chapter, report: Report) -> None:
    named = {cell.number for cell in chapter.cells if (cell.options.id or "").endswith("results")}
    shown: set[int] = set()
    for run in report.runs.get(chapter.path, {}).values():
        for result in run.results:
            if result.number in named - shown:
                shown.add(result.number)
                print(f"{chapter.path}:{chapter.cells[result.number].span.line}\n{_printed(result)}")


def _printed(result: CellResult) -> str:
    return "".join(str(output["text"]) for output in result.outputs if output.get("output_type") == "stream")


if __name__ == "__main__":
    main()
