"""What the workers of a chapter told, put together as a `Run` for each reading path."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..model import Artifact, Cell, CellResult, Chapter, Dependency, Run
from ..store.keys import ABSENT, file_state, places
from .branch import Branch

Owners = Callable[[str], tuple[tuple[str, str], ...]]
"""Names and versions of the distributions that a top-level module comes from."""


@dataclass(frozen=True, slots=True)
class Need:
    """An artifact that a chapter may load."""

    origin: str
    """`chapter path#name`: who published it, as a dependency names it."""
    digest: str
    """SHA-256 of its bytes."""
    file: Path
    """Where the bytes are."""


def collect(
    chapter: Chapter, depth: str, path: Sequence[Branch], *, needs: Mapping[str, Need], owners: Owners, published: Path
) -> Run:
    """The run of a path, and what it published moved to a folder; how long it took is for the caller to say.

    Args:
        chapter: The chapter.
        depth: The path's depth.
        path: The path's workers in their order, all at their end.
        needs: What the cells could load.
        owners: Tells where a module comes from.
        published: The folder to make for what was published.
    """
    results = _results(path)
    return Run(
        chapter=chapter.path,
        depth=depth,
        results=results,
        artifacts=_publish(path, published),
        dependencies=dependencies(chapter, path[-1].dependencies, results, needs, owners),
    )


def _results(path: Sequence[Branch]) -> tuple[CellResult, ...]:
    """A result for each cell of a path; after the first that failed, they are blocked."""
    results: list[CellResult] = []
    culprit: int | None = None
    for branch in path:
        for cell in branch.node.cells:
            result = branch.results.get(cell.number) or _missing(branch, cell, culprit)
            culprit = cell.number if result.failure and culprit is None else culprit
            results.append(result)
    return tuple(results)


def _missing(branch: Branch, cell: Cell, culprit: int | None) -> CellResult:
    return branch.lost(cell) if culprit is None else CellResult(cell.number, (), 0.0, blocked_by=culprit)


def _publish(path: Sequence[Branch], target: Path) -> tuple[Artifact, ...]:
    """Copy what a path published. A branch goes on with what was there when the paths parted: the last has it all."""
    source = next((branch.folder / "publish" for branch in reversed(path) if branch.folder.is_dir()), None)
    if source is None or not source.is_dir():
        return ()  # and no folder made: the build's own may be gone by now
    shutil.copytree(source, target)
    files = sorted(file for file in target.rglob("*") if file.is_file())
    return tuple(Artifact(file.relative_to(target).as_posix(), file_state(file), file.stat().st_size) for file in files)


def dependencies(
    chapter: Chapter,
    seen: list[list[str]],
    results: Sequence[CellResult],
    needs: Mapping[str, Need],
    owners: Owners,
) -> tuple[Dependency, ...]:
    """What cells used, from what their worker has seen."""
    found: set[Dependency] = set()
    for kind, name, state in seen:
        match kind:
            case "file" | "directory":
                found.add(Dependency(kind, name, state))
            case "artifact" if name in needs:
                found.add(Dependency("artifact", needs[name].origin, needs[name].digest))
            case "artifact":
                chapters = {need.origin.partition("#")[0] for need in needs.values()}
                found |= {Dependency("artifact", f"{path}#{name}", ABSENT) for path in chapters}
            case "module":
                found |= {Dependency("distribution", *owner) for owner in owners(name)}
    if _shows_lines(chapter, results):
        found |= {Dependency("line", str(cell.number), places(cell)) for cell in chapter.cells}
    return tuple(sorted(found, key=lambda item: (item.kind, item.name)))


def _shows_lines(chapter: Chapter, results: Sequence[CellResult]) -> bool:
    """Whether an output, a warning or a traceback, names a file: should its lines move, the output would be wrong."""
    files = {chapter.path} | {path for cell in chapter.cells for path, _ in cell.origins}
    names = {PurePosixPath(path).name for path in files}
    outputs = [json.dumps(result.outputs, ensure_ascii=False) for result in results]
    return any(json.dumps(name, ensure_ascii=False)[1:-1] in text for name in names for text in outputs)
