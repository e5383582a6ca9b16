"""Everything that can be said of a site without running it; and after running it once more, or twice."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..config import Config
from ..errors import FathomError, Problem
from ..linting import lint, mend
from ..model import Chapter, Span
from ..parsing.notebook import is_notebook
from ..scheduling import compare, lookup, needs, schedule
from ..scheduling.chapters import chapter_files, read_all
from ..scheduling.report import Report, counted
from ..scheduling.schedule import Progress
from ..site_file import SiteFile
from ..store.cache import Store
from . import choosing, declaring

Shown = Callable[[], AbstractContextManager[Progress]]
"""Makes what shows a run's progress."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has found."""

    files: int
    """How many chapters were read."""
    chapters: tuple[Chapter, ...]
    """Those of them that have no error."""
    problems: tuple[Problem, ...]
    """What is wrong."""

    @property
    def failed(self) -> bool:
        """Whether anything stands in the way of running the chapters."""
        return any(problem.severity == "error" for problem in self.problems)

    @property
    def cells(self) -> int:
        """How many cells the chapters have."""
        return sum(len(chapter.cells) for chapter in self.chapters)


def check(site: SiteFile, config: Config, chosen: Sequence[str] = ()) -> Checked:
    """Read all chapters; run nothing.

    Args:
        site: The site's file.
        config: The site's options.
        chosen: The paths of the chapters to tell of, with what they need; empty: all.

    Raises:
        FathomError: The option `chapters` matches nothing.
    """
    files = chapter_files(config)
    chapters, found = read_all(files, config)
    problems = lint.heeded(found, chapters, config)
    if not any(problem.severity == "error" for problem in found):
        try:
            needs.resolve(chapters, config)
        except FathomError as error:
            problems += error.problems
    problems += [*lint.findings(chapters, config), *unused(site, chapters), *_without_pages(site, config, files)]
    if chosen:
        paths = choosing.with_needs(chosen, chapters, [config.relative(file) for file in files], config)
        chapters = narrowed(chapters, chosen, config)
        own = [problem for problem in problems if problem.span.path in paths]
        problems = list(dict.fromkeys([*own, *of_chapters(problems, chapters)]))
    return Checked(len(paths) if chosen else len(files), tuple(chapters), tuple(sorted(problems)))


def narrowed(chapters: Sequence[Chapter], chosen: Sequence[str], config: Config) -> list[Chapter]:
    """The chapters that are chosen, and those that they need; all if none is."""
    every = [chapter.path for chapter in chapters]
    paths = choosing.with_needs(chosen, chapters, every, config) if chosen else set(every)
    return [chapter for chapter in chapters if chapter.path in paths]


def of_chapters(problems: Iterable[Problem], chapters: Sequence[Chapter]) -> tuple[Problem, ...]:
    """The problems that stand in some chapters, or in what these include."""
    files = {line.path for chapter in chapters for line in chapter.lines}
    return tuple(problem for problem in problems if problem.span.path in files)


def unused(site: SiteFile, chapters: Sequence[Chapter]) -> list[Problem]:
    """A warning if chapters have markers or cells, and nothing in the site's file makes anything of them."""
    marked = sum(bool(chapter.regions) for chapter in chapters)
    coded = sum(any(cell.runs for cell in chapter.cells) for chapter in chapters)
    if site.uses_fathom or not (marked or coded):
        return []
    lost = [f"the markers of {counted(marked, 'chapter')} make no tabs"] if marked else []
    lost += [f"the cells of {counted(coded, 'chapter')} are shown and not run"] if coded else []
    what = f"`fathom` is not among the plugins, so {' and '.join(lost)}"
    hint = "Add `- fathom` to `plugins`." if site.data.get("plugins") else "Add `plugins: [search, fathom]`."
    return [Problem(site.places.get("plugins") or Span(site.name, 1), what, hint, severity="warning")]


def _without_pages(site: SiteFile, config: Config, files: Sequence[Path]) -> list[Problem]:
    """An error for the first notebook that is a chapter where no plugin would make a page of it, as in a build."""
    entries = site.data.get("plugins")
    entries = entries if isinstance(entries, list | dict) else []
    names = {name for entry in entries for name in (entry if isinstance(entry, dict) else [entry])}
    notebook = next((file for file in files if is_notebook(file)), None)
    if notebook is None or "fathom" not in names or "mkdocs-jupyter" in names:
        return []
    what = f"nothing makes a page of the notebook `{config.relative(notebook)}`, which this option names"
    return [Problem(config.place("chapters"), what, "Install `mkdocs-jupyter` and add it to `plugins`.")]


def fix(checked: Checked, config: Config, store: Store, shown: Shown) -> tuple[list[mend.Mended], list[Problem]]:
    """Mend in the authors' files what a machine can mend. Declared outputs are run for, unless an error forbids it.

    Returns:
        What was written, and what is wrong with the chapters that were run.

    Raises:
        FathomError: A file cannot be written.
    """
    done = list(mend.mended(checked.problems, config.root))
    for item in done:
        _write(item, config)
    if checked.failed or not any(cell.expected for chapter in checked.chapters for cell in chapter.cells):
        return done, []
    with shown() as progress:
        declared, problems = declaring.updated(checked.chapters, config, store, progress)
    for item in declared:
        _write(item, config)
    return [*done, *declared], problems


def _write(item: mend.Mended, config: Config) -> None:
    try:
        item.write(config.root)
    except OSError as error:
        what = f"it cannot be mended: {error.strerror}"
        raise FathomError.at(item.problems[0].span, what, "Check who may write there.") from error


def compared(
    checked: Checked, config: Config, store: Store, shown: Shown, *, audit: bool, twice: bool
) -> Iterator[tuple[list[Problem], str]]:
    """What differs from what is stored, and from run to run; each with what to say of it.

    Raises:
        FathomError: A cell fails.
    """
    if audit:
        found, missing = _audit(checked.chapters, config, store, shown)
        if missing:
            what = f"{counted(missing, 'chapter')} not compared: nothing that holds is stored"
            yield [], f"{what}; `fathom run` comes first"
        if found or missing < sum(bool(chapter.cells) for chapter in checked.chapters):
            yield found, _said(found, "everything run anew and compared with what is stored")
    if twice:
        found = _twice(checked.chapters, config, shown)
        yield found, _said(found, "everything run twice and compared")


def _said(found: Sequence[Problem], what: str) -> str:
    return f"{what}: {counted(len(found), 'difference') if found else 'all outputs are the same'}"


def _audit(chapters: Sequence[Chapter], config: Config, store: Store, shown: Shown) -> tuple[list[Problem], int]:
    """Run everything anew: what differs from what is stored, and for how many chapters nothing is stored that holds.

    Raises:
        FathomError: A cell fails.
    """
    stored = lookup.stored(chapters, config, store)
    missing = sum(bool(chapter.cells) for chapter in chapters if chapter.path not in stored)
    return compare.audit(chapters, stored, _fresh(chapters, config, shown).runs), missing


def _twice(chapters: Sequence[Chapter], config: Config, shown: Shown) -> list[Problem]:
    """Run everything twice: what differs from run to run.

    Raises:
        FathomError: A cell fails.
    """
    first, second = (_fresh(chapters, config, shown).runs for _ in range(2))
    return compare.twice(chapters, first, second)


def _fresh(chapters: Sequence[Chapter], config: Config, shown: Shown) -> Report:
    """Run everything with an empty store of its own, so that nothing old is used and nothing is kept."""
    with tempfile.TemporaryDirectory(prefix="fathom-store-") as folder, shown() as progress:
        store = Store(Path(folder), readonly=False, size_limit=config.cache_size, say=progress.say)
        report = schedule.run(chapters, config, store, progress)
    if any(problem.severity == "error" for problem in report.problems):
        raise FathomError(report.problems)
    return report
