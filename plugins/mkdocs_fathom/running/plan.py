"""Where the runs of a chapter begin: anew, or at a copy of an earlier run's worker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from ..model import Cell, Chapter
from ..parsing.paths import Node, reading_paths, tree
from ..store.keys import Current
from .branch import Branch
from .checkpoints import Past, Sleeper, made_of, steps
from .collect import Need, dependencies
from .pool import Pool
from .sleeper import DEPENDENCIES

Paths = Mapping[str, Sequence[Cell]]
"""The cells of some paths, by depth."""


@dataclass(frozen=True, slots=True)
class Root:
    """What one worker begins with, and all that follows it."""

    node: Node
    """The cells."""
    origin: Sleeper | None = None
    """The copy that it goes on from; None: it begins anew."""
    past: Past | None = None
    """What that copy has behind it."""


def plan(pool: Pool, chapter: Chapter, paths: Mapping[str, tuple[Cell, ...]], current: Current | None) -> list[Root]:
    """The trees of a chapter's paths.

    Args:
        pool: Where workers come from, and copies are.
        chapter: The chapter.
        paths: The cells to run, by depth.
        current: The present states of dependencies; None: copies are of no use.
    """
    if not pool.fork:
        # Each path runs its own copy of what they have in common.
        return [Root(Node(cells, (depth,))) for depth, cells in paths.items()]
    found: dict[str, tuple[Sleeper, Past]] = {}
    if pool.checkpoints and current:
        every = pool.checkpoints.find(chapter, reading_paths(chapter), pool.config, current)
        found = _together({depth: every[depth] for depth in paths if depth in every}, paths)
    groups: dict[Sleeper | None, dict[str, tuple[Cell, ...]]] = {}
    for depth, cells in paths.items():
        origin, past = found.get(depth, (None, None))
        groups.setdefault(origin, {})[depth] = cells[len(past.steps) if past else 0 :]
    return [
        Root(tree(group), origin, found[next(iter(group))][1] if origin else None) for origin, group in groups.items()
    ]


def _together(found: Mapping[str, tuple[Sleeper, Past]], paths: Paths) -> dict[str, tuple[Sleeper, Past]]:
    """Those copies that can be used at once: of one job, each with a folder of its own.

    Where a copy has published something, all paths go on from it or none does: what they publish comes from one run.
    """
    chosen: dict[str, tuple[Sleeper, Past]] = {}
    places: dict[Path, Sleeper] = {}
    for depth, (sleeper, past) in sorted(found.items(), key=lambda item: -len(item[1][1].steps)):
        same_job = all(other.job == sleeper.job for other in places.values())
        if same_job and places.setdefault(sleeper.place, sleeper) is sleeper:
            chosen[depth] = sleeper, past
    one = len(chosen) == len(paths) and len(set(places.values())) == 1
    published = any(any((sleeper.state / "publish").iterdir()) for sleeper, _ in chosen.values())
    return {} if published and not one else chosen


def recall(
    chapter: Chapter,
    depth: str,
    path: Sequence[Branch],
    *,
    last: int,
    needs: Mapping[str, Need],
    pool: Pool,
    sleeper: Sleeper,
) -> Past | None:
    """What a copy has behind it; None where not all of it is known.

    Args:
        chapter: The chapter.
        depth: A depth whose path leads through the copy's place.
        path: That path's workers.
        last: The number of the last cell that the copy has run.
        needs: What the cells could load.
        pool: Where it came from.
        sleeper: The copy.
    """
    cells = [cell for branch in path for cell in branch.node.cells]
    cells = [*takewhile(lambda cell: cell.number != last, cells), chapter.cells[last]]
    known = {number: result for branch in path for number, result in branch.results.items()}
    results = {cell.number: known[cell.number] for cell in cells if cell.number in known}
    if len(results) < len(cells):
        return None
    try:
        seen = json.loads((sleeper.state / DEPENDENCIES).read_text(encoding="utf-8", errors="surrogatepass"))
    except (OSError, ValueError):
        return None
    return Past(
        chapter=chapter.path,
        config=pool.config,
        made_of=made_of(chapter, depth, pool.config),
        steps=steps(chapter, depth, cells, pool.config),
        results=results,
        dependencies=dependencies(chapter, seen, [*results.values()], needs, pool.owners),
    )
