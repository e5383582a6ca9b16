"""The chapters of a site: which files they are, and what they hold, checked before anything runs."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..config import Config
from ..errors import FathomError, Problem
from ..model import Chapter
from ..parsing import notebook, parse, syntax

PAGES = (".md", ".markdown", ".mdown", ".mkdn", ".mkd", notebook.SUFFIX)
"""The endings by which MkDocs knows pages, and that of notebooks, of which mkdocs-jupyter makes some."""


def is_chapter(file: Path, config: Config) -> bool:
    """Whether a file is a chapter: by the option `chapters`, and no notebook in the form of Markdown."""
    return is_wanted(file, config) and not (file.suffix != notebook.SUFFIX and notebook.is_text_notebook(file))


def is_wanted(file: Path, config: Config) -> bool:
    """Whether the option `chapters` names a file."""
    return file.is_relative_to(config.docs) and any(_matches(file, pattern, config) for pattern in config.chapters)


def _matches(file: Path, pattern: str, config: Config) -> bool:
    parts = file.relative_to(config.docs).parts
    hidden = any(part.startswith(".") for part in parts)
    return file.suffix in PAGES and not hidden and _match(parts, pattern.split("/"))


def _match(names: Sequence[str], patterns: Sequence[str]) -> bool:
    """Match a path with a pattern, folder by folder; `**` stands for any number of folders."""
    match patterns:
        case []:
            return not names
        case ["**", *rest]:
            return any(_match(names[at:], rest) for at in range(len(names) + 1))
        case [first, *rest]:
            return bool(names) and fnmatch.fnmatchcase(names[0], first) and _match(names[1:], rest)
    return False


def chapter_files(config: Config) -> list[Path]:
    """The files below `docs_dir` that are chapters, sorted.

    Raises:
        FathomError: A pattern that the site set matches no page.
    """
    # Links to folders are followed, as MkDocs follows them.
    walk = os.walk(config.docs, followlinks=True)
    files = [file for folder, _, names in walk for name in names if is_chapter(file := Path(folder, name), config)]
    for pattern in config.chapters:
        # An empty site is MkDocs' business: the default pattern may match nothing.
        if pattern != "**/*.md" and not any(_matches(file, pattern, config) for file in files):
            what = f"option `chapters` of fathom: no page matches `{pattern}`"
            raise FathomError.at(config.place("chapters"), what, "Patterns are below `docs_dir`: `course/**/*.md`.")
    return sorted(files)


def read_chapters(files: Iterable[Path], config: Config) -> tuple[list[Chapter], tuple[Problem, ...]]:
    """Parse files and compile their cells.

    Returns:
        The chapters, and warnings.

    Raises:
        FathomError: Any of them has an error; the errors of all of them in one go.
    """
    chapters, problems = read_all(files, config)
    if any(found.severity == "error" for found in problems):
        raise FathomError(problems)
    return chapters, problems


def read_all(files: Iterable[Path], config: Config) -> tuple[list[Chapter], tuple[Problem, ...]]:
    """Parse files and compile their cells: the chapters without an error, and the problems of all, sorted."""
    chapters: list[Chapter] = []
    problems: list[Problem] = []
    for file in files:
        chapter, found = read_each(file, config)
        if chapter and not any(each.severity == "error" for each in found):
            chapters.append(chapter)
        problems += found
    return chapters, tuple(sorted(problems))


def read_each(file: Path, config: Config) -> tuple[Chapter | None, tuple[Problem, ...]]:
    """Parse a file and compile its cells: the chapter as far as it can be read, if at all, and its problems."""
    try:
        parsed = parse.read(file, config)
    except FathomError as error:
        return None, error.problems
    found = parsed.problems
    if not any(each.severity == "error" for each in found):
        found += syntax.syntax_problems(parsed.chapter)
    return parsed.chapter, found
