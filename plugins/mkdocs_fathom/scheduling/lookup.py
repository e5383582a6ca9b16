"""What the store has of a site's chapters: whose results still hold, whose do not, and why."""

from __future__ import annotations

from collections.abc import Sequence

from ..config import Config
from ..model import Artifact, Chapter, Failure, Run
from ..parsing.paths import reading_paths
from ..store.cache import Store
from ..store.keys import Observer, Reason, Surroundings, components, own_version, path_key, places
from . import needs
from .report import complete, published, torn


def stored(chapters: Sequence[Chapter], config: Config, store: Store) -> dict[str, dict[str, Run]]:
    """What the store has of the chapters' runs, by path and depth; nothing of a chapter that is stale. Runs nothing.

    Raises:
        FathomError: The chapters' needs are wrong.
    """
    lookup = Lookup(chapters, config, store)
    return {chapter.path: runs for chapter in chapters if (runs := lookup.stored(chapter.path)) is not None}


def explain(chapters: Sequence[Chapter], config: Config, store: Store) -> dict[str, dict[str, tuple[Reason, ...]]]:
    """Why each chapter's paths would run, by path and depth; empty where the store has the results. Runs nothing.

    Raises:
        FathomError: The chapters' needs are wrong.
    """
    lookup = Lookup(chapters, config, store)
    return {chapter.path: lookup.explain(chapter.path) for chapter in chapters}


class Lookup:
    """One pass over all chapters: each is looked up once those that it needs have their runs.

    Attributes:
        chapters: The chapters by path.
        needs: The paths of the chapters that each needs.
        runs: The runs that are known so far, by path and depth.
    """

    def __init__(self, chapters: Sequence[Chapter], config: Config, store: Store) -> None:
        """Look at nothing yet. Raises `FathomError` if the chapters' needs are wrong."""
        self.chapters = {chapter.path: chapter for chapter in chapters}
        self.needs = needs.resolve(chapters, config)
        self.runs: dict[str, dict[str, Run]] = {}
        self._config = config
        self._store = store
        self._surroundings = Surroundings(config.root)
        self._engine = own_version()
        self._stale: dict[str, list[str]] = {}

    def look_up(self, path: str) -> list[str]:
        """Take what the store has of a chapter into `runs`; returns the depths whose paths must run."""
        chapter = self.chapters[path]
        observer = self.observer(chapter)
        paths = reading_paths(chapter)
        found = {
            depth: self._store.find(self.key(chapter, depth), observer.state) if cells else _empty(chapter, depth)
            for depth, cells in paths.items()
        }
        stale = [depth for depth, run in found.items() if run is None]
        if stale and any(run and run.artifacts for run in found.values()):
            # What a chapter publishes comes from one run, or its depths might disagree in a last digit.
            stale = [depth for depth, cells in paths.items() if cells]
        self.runs[path] = {depth: run for depth, run in found.items() if run and depth not in stale}
        return stale

    def key(self, chapter: Chapter, depth: str) -> str:
        """The key of a path."""
        return path_key(self.components(chapter, depth))

    def components(self, chapter: Chapter, depth: str) -> dict[str, str]:
        """What the key of a path is made of."""
        return components(chapter, depth, self._config, self._engine)

    def obstacle(self, path: str) -> Failure | None:
        """Why a chapter cannot run although those that it needs have had their turn."""
        chapter = self.chapters[path]
        owners: dict[str, str] = {}
        for need in self.needs[path]:
            runs = self.runs[need]
            span = needs.place(chapter, needs.name_of(need, chapter, self.chapters, self._config))
            if not all(map(complete, runs.values())):
                return Failure(span, f"not run: `{need}`, which it needs, failed", "Mend that chapter first.")
            if apart := torn(runs):
                what = f"not run: the depths of `{need}`, which it needs, disagree about `{apart[0]}`"
                return Failure(span, what, "Mend that chapter first.")
            names = {artifact.name for artifact in published(runs)}
            for name, other in owners.items():
                if same := next((mine for mine in sorted(names) if _collide(mine, name)), None):
                    what = f"not run: `{other}` and `{need}`, which it needs, both publish `{same}`"
                    return Failure(span, what, "Give one of the two artifacts another name.")
            owners |= dict.fromkeys(names, need)
        return None

    def artifacts(self, path: str) -> dict[str, Artifact]:
        """What a chapter may load, by `chapter path#name`: all that the chapters it needs have published."""
        needs = self.needs[path]
        return {f"{need}#{artifact.name}": artifact for need in needs for artifact in published(self.runs[need])}

    def stored(self, path: str) -> dict[str, Run] | None:
        """The runs that the store has of a chapter, and of those it needs; None where any is stale."""
        if path not in self.runs and path not in self._stale:
            waiting = [need for need in self.needs[path] if self.stored(need) is None]
            stopped = bool(waiting) or self.obstacle(path) is not None
            due = [] if stopped else self.look_up(path)
            if stopped or due or torn(self.runs[path]):
                self._stale[path] = due
        return None if path in self._stale else self.runs[path]

    def explain(self, path: str) -> dict[str, tuple[Reason, ...]]:
        """Why the paths of a chapter would run."""
        chapter = self.chapters[path]
        waiting = [need for need in self.needs[path] if self.stored(need) is None]
        reasons = {depth.name: tuple(Reason("chapter", need) for need in waiting) for depth in chapter.depths}
        if self.stored(path) is None:
            for depth in reasons:
                reasons[depth] += self._own_reasons(chapter, depth, waiting=bool(waiting))
            # A path whose own results hold may have to run with those whose results do not: see `look_up`.
            others = tuple(Reason("depth", depth) for depth, why in reasons.items() if why)
            reasons |= {depth: others for depth in self._stale[path] if not reasons[depth]}
        return {depth: reasons[depth] if cells else () for depth, cells in reading_paths(chapter).items()}

    def _own_reasons(self, chapter: Chapter, depth: str, *, waiting: bool) -> tuple[Reason, ...]:
        parts = self.components(chapter, depth)
        state = self.observer(chapter, waiting=waiting).state
        reasons = self._store.explain(chapter.path, depth, path_key(parts), parts, state)
        # What the artifacts of a chapter that would run will be, nobody knows yet.
        return tuple(reason for reason in reasons if not (waiting and reason.kind == "artifact"))

    def observer(self, chapter: Chapter, *, waiting: bool = False) -> Observer:
        """Tells the present states of what a chapter's runs may depend on."""
        known = {} if waiting else self.artifacts(chapter.path)
        artifacts = {name: artifact.digest for name, artifact in known.items()}
        lines = {str(cell.number): places(cell) for cell in chapter.cells}
        return Observer(self._config.root, artifacts, lines, self._surroundings)


def _empty(chapter: Chapter, depth: str) -> Run:
    """The run of a path without cells."""
    return Run(chapter.path, depth, (), cached=True)


def _collide(name: str, other: str) -> bool:
    """Whether two artifacts cannot lie in one folder: they have one name, or one is where the other needs a folder."""
    return f"{name}/".startswith(f"{other}/") or f"{other}/".startswith(f"{name}/")
