"""What came of a build's runs: counts for a person, and everything that is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ..errors import Problem
from ..model import Artifact, CellResult, Chapter, Failure, Run, Span
from ..parsing import census
from ..parsing.paths import reading_paths
from ..running.failures import concerned, problem
from .expected import unexpected

Runs = Mapping[str, Run]
"""The runs of one chapter by depth."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a build's runs."""

    runs: Mapping[str, Runs]
    """The runs, by chapter path and depth."""
    problems: tuple[Problem, ...]
    """Failures, unexpected output, and fences that the census misses."""
    chapters: int
    """How many chapters have cells."""
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
            f"{counted(self.chapters, 'chapter')}: {counted(self.executed, 'cell')} run, {self.cached} cached, "
            f"{self.exempt} exempt, in {self.seconds:.1f} s"
        )


def counted(number: int, noun: str) -> str:
    """`1 chapter`, `2 chapters`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def published(runs: Runs) -> list[Artifact]:
    """What the paths of a chapter published, each name once."""
    return list({artifact.name: artifact for item in runs.values() for artifact in item.artifacts}.values())


def torn(runs: Runs) -> list[str]:
    """The artifacts that the paths of a chapter published with different contents."""
    contents = {(artifact.name, artifact.digest) for item in runs.values() for artifact in item.artifacts}
    return sorted(name for name, count in Counter(name for name, _ in contents).items() if count > 1)


def complete(run: Run) -> bool:
    """Whether every cell of a path ran, and ran well."""
    return not run.failed and all(result.blocked_by is None for result in run.results)


def not_run(chapter: Chapter, depth: str, failure: Failure) -> Run:
    """A path that never began: its first cell holds the reason, the others are blocked by it."""
    cells = reading_paths(chapter)[depth]
    results = (CellResult(cell.number, (), 0.0, blocked_by=cells[0].number) for cell in cells[1:])
    first = [CellResult(cell.number, (), 0.0, failure) for cell in cells[:1]]
    return Run(chapter.path, depth, (*first, *results))


def make_report(
    chapters: Sequence[Chapter], runs: Mapping[str, Runs], skipped: set[str], parts: set[str], seconds: float
) -> Report:
    """Count, and gather what is wrong.

    Args:
        chapters: The chapters.
        runs: Their runs, by path and depth.
        skipped: The paths of chapters that were not run because of others.
        parts: The paths of chapters of which only a part was to run.
        seconds: Wall time.
    """
    cells: Counter[str] = Counter()
    runs = _with_publishers(chapters, runs)
    for chapter in chapters:
        items = () if chapter.path in skipped else runs[chapter.path].values()
        done = [(item.cached, result.number) for item in items for result in item.results if result.blocked_by is None]
        executed = {number for cached, number in done if not cached}
        cells["executed"] += len(executed)
        cells["cached"] += len({number for _, number in done} - executed)
        cells["exempt"] += sum(not cell.runs for cell in chapter.cells)
    problems = tuple(
        sorted(
            found
            for chapter in chapters
            for found in problems_of(chapter, runs[chapter.path], whole=chapter.path not in parts)
        )
    )
    with_cells = sum(bool(chapter.cells) for chapter in chapters)
    return Report(runs, problems, with_cells, cells["executed"], cells["cached"], cells["exempt"], seconds)


def _with_publishers(chapters: Sequence[Chapter], runs: Mapping[str, Runs]) -> dict[str, Runs]:
    """The runs; where one could not load an artifact that a chapter publishes, its failure says which."""
    owners = {artifact.name: path for path, items in runs.items() for artifact in published(items)}
    needing = {chapter.path: bool(chapter.needs) for chapter in chapters}

    def told(path: str, result: CellResult) -> CellResult:
        failure = result.failure
        lost = "FileNotFoundError: no artifact "
        if failure is None or not failure.what.startswith(lost):
            return result
        name = next((name for name in owners if failure.what.startswith(f"{lost}{name!r}:")), "")
        if not name or owners[name] == path:
            return result
        hint = _publisher(owners[name], runs, needing=needing.get(path, False))
        return replace(result, failure=replace(failure, hint=hint))

    return {
        path: {
            depth: replace(run, results=tuple(told(path, result) for result in run.results)) if run.failed else run
            for depth, run in items.items()
        }
        for path, items in runs.items()
    }


def _publisher(path: str, paths: Iterable[str], *, needing: bool) -> str:
    """What to do to load what a chapter publishes."""
    stem = PurePosixPath(path).stem
    name = stem if sum(PurePosixPath(other).stem == stem for other in paths) == 1 else path
    where = f"add `{name}` to `needs` in" if needing else f"add `needs: {name}` to"
    return f"`{path}` publishes it: {where} this chapter's front matter."


def problems_of(chapter: Chapter, runs: Runs, *, whole: bool = True) -> tuple[Problem, ...]:
    """What is wrong with a chapter's runs: each failure once, with the depths that it concerns."""
    failures: dict[Failure, list[str]] = {}
    surprises: dict[Problem, list[str]] = {}
    for depth, item in runs.items():
        for result in item.results:
            if result.failure:
                failures.setdefault(result.failure, []).append(depth)
            surprise = unexpected(chapter.cells[result.number], item.results)
            if surprise:
                surprises.setdefault(surprise, []).append(depth)
    told = [problem(failure, depths, len(chapter.depths)) for failure, depths in failures.items()]
    found = [
        replace(surprise, what=surprise.what + concerned(depths, len(chapter.depths)))
        for surprise, depths in surprises.items()
    ]
    return (*told, *found, *(problems_of_whole(chapter, runs) if whole else ()))


def problems_of_whole(chapter: Chapter, runs: Runs) -> tuple[Problem, ...]:
    """What is wrong with a chapter and none of its cells: the census, and artifacts that its depths disagree about."""
    apart = [
        Problem(
            Span(chapter.path, 1),
            f"the artifact `{name}` is published with different contents at different depths",
            "Publish it in a cell that all depths share, before the first that they do not, or under two names.",
        )
        for name in torn(runs)
    ]
    return (*apart, *census.problems(chapter, runs))
