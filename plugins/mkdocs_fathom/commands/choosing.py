"""The chapters that a command names: by file, or as `needs:` names them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from ..config import Config
from ..model import Chapter
from ..scheduling.needs import candidates


def choose(names: Iterable[str], paths: Sequence[str], config: Config) -> list[str]:
    """The paths of the chapters that are named.

    Args:
        names: Files, seen from here, or names as `needs:` understands them.
        paths: The paths of all chapters.
        config: Where the pages are.

    Raises:
        ValueError: A name is no chapter's, or more than one's.
    """
    return list(dict.fromkeys(_one(name, paths, config) for name in names))


def _one(name: str, paths: Sequence[str], config: Config) -> str:
    file = Path(name)
    if file.is_file() and (path := config.relative(file.resolve())) in paths:
        return path
    found = candidates(name, paths, config)
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"`{name}` could be any of {', '.join(f'`{path}`' for path in found)}")
    spelt = {
        spelling: path for path in paths for spelling in (path, PurePosixPath(path).name, PurePosixPath(path).stem)
    }
    near = difflib.get_close_matches(name, spelt, 1)
    raise ValueError(f"no chapter `{name}`" + (f"; did you mean `{spelt[near[0]]}`?" if near else ""))


def with_needs(chosen: Iterable[str], chapters: Sequence[Chapter], paths: Sequence[str], config: Config) -> set[str]:
    """The paths of chapters and of all that they need, as far as they can be read.

    Args:
        chosen: The chapters.
        chapters: All chapters that could be read.
        paths: The paths of all chapters.
        config: Where the pages are.
    """
    known = {chapter.path: chapter for chapter in chapters}
    found: set[str] = set()
    waiting = list(chosen)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            names = known[path].needs if path in known else ()
            waiting += [those[0] for name in names if len(those := candidates(name, paths, config)) == 1]
    return found
