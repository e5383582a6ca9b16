"""Resolves `needs:`: names of chapters, as authors write them, to the order in which chapters run."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from ..config import Config
from ..errors import FathomError, Problem
from ..model import Chapter, Span


def resolve(
    chapters: Sequence[Chapter], config: Config, every: Sequence[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """The paths of the chapters that each chapter needs.

    Args:
        chapters: The chapters.
        config: Where the pages are.
        every: The paths of all chapters of the site, if `chapters` are only some of them.

    Raises:
        FathomError: A name is unknown or could be two chapters', or the chapters need each other in a circle.
    """
    paths = [chapter.path for chapter in chapters] if every is None else every
    graph: dict[str, tuple[str, ...]] = {}
    problems = []
    for chapter in chapters:
        found = {name: candidates(name, paths, config) for name in chapter.needs}
        problems += [_unclear(chapter, name, those, paths) for name, those in found.items() if len(those) != 1]
        graph[chapter.path] = tuple(dict.fromkeys(those[0] for those in found.values() if those))
    if problems:
        raise FathomError(problems)
    _refuse_circle(chapters, graph, config)
    return graph


def order(graph: Mapping[str, Sequence[str]], first: Sequence[str]) -> dict[str, tuple[int, int]]:
    """By what ready chapters are sorted, those to begin with first.

    Args:
        graph: What `resolve` gave.
        first: Chapters whose results somebody waits for; what they need goes with them. Then goes what most others
            wait for, so that no processor is idle at the end.
    """
    ranks: dict[str, int] = {}
    for rank, path in enumerate(first):
        waiting = [path]
        while waiting:
            name = waiting.pop()
            if name not in ranks:
                ranks[name] = rank
                waiting += graph.get(name, ())
    waited_for = Counter(need for needs in graph.values() for need in needs)
    return {path: (ranks.get(path, len(first)), -waited_for[path]) for path in graph}


def candidates(name: str, paths: Iterable[str], config: Config) -> list[str]:
    """The chapters that an author may mean by a name: a path below `docs_dir`, or a file's name; `.md` may be left out.

    Args:
        name: What stands under `needs:`.
        paths: The chapters' paths.
        config: Where the pages are.
    """
    docs = config.relative(config.docs)
    every = {path: PurePosixPath(path) for path in paths}
    below = {path: pure.relative_to(docs) if pure.is_relative_to(docs) else pure for path, pure in every.items()}
    whole = [path for path, pure in below.items() if name in {path, str(pure), str(pure.with_suffix(""))}]
    return whole or [path for path, pure in every.items() if name in {pure.name, pure.stem}]


def place(chapter: Chapter, name: str = "") -> Span:
    """Where a chapter's front matter names one that it needs, or where `needs:` stands."""
    front = [line for line in chapter.lines[: chapter.body] if line.path == chapter.path]
    at = next((index for index, line in enumerate(front) if re.match(r"needs\s*:", line.text)), None)
    if at is None:
        return Span(chapter.path, 1)
    word = re.compile(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])") if name else re.compile("needs")
    for line in front[at:]:
        if found := word.search(line.text, 6 if line is front[at] and name else 0):
            return Span(chapter.path, line.number, found.start() + 1)
    return Span(chapter.path, front[at].number)


def name_of(path: str, chapter: Chapter, paths: Iterable[str], config: Config) -> str:
    """How a chapter calls one that it needs."""
    return next(name for name in chapter.needs if path in candidates(name, paths, config))


def _unclear(chapter: Chapter, name: str, found: Sequence[str], paths: Sequence[str]) -> Problem:
    """What is wrong with a name that is no chapter's, or more than one's."""
    span = place(chapter, name)
    if found:
        some = ", ".join(f"`{path}`" for path in found)
        return Problem(span, f"`{name}` could be any of {some}", "Write its path below `docs_dir`.")
    near = difflib.get_close_matches(name, [PurePosixPath(path).stem for path in paths], 1)
    hint = f"Did you mean `{near[0]}`?" if near else "Name a chapter by its file, with or without `.md`."
    return Problem(span, f"no chapter `{name}` to need", hint)


def _refuse_circle(chapters: Sequence[Chapter], graph: dict[str, tuple[str, ...]], config: Config) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # Each is needed by the next; authors read it the other way round.
        circle = list(reversed(error.args[1]))
        first = next(chapter for chapter in chapters if chapter.path == circle[0])
        shown = " → ".join(f"`{path}`" for path in circle)
        span = place(first, name_of(circle[1], first, graph, config))
        raise FathomError.at(span, f"chapters need each other: {shown}", "Take one of these needs away.") from error
