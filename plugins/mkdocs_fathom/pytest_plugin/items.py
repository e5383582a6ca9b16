"""A chapter as a collector: a test for each cell and each way in which it runs, and one for the census."""

from __future__ import annotations

import builtins
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ..errors import FathomError, Problem
from ..model import JSON, Cell, CellResult, Chapter
from ..parsing.conditions import read_mark
from ..parsing.paths import reading_paths, tree
from ..running.failures import concerned, problem
from ..scheduling.expected import unexpected
from ..scheduling.report import Runs, problems_of_whole
from .showing import show
from .site import Site, Want

PROPERTY = "fathom"
"""The property of a report that says where a cell's results come from."""
NAMES = pytest.StashKey[dict[Path, list[str]]]()
"""The names of the tests that chapters have, by file."""
_RUNNER = frozenset({"skip", "skipif", "xfail"})
"""Marks whose meaning the parser knows."""


class ChapterFile(pytest.File):
    """A chapter."""

    def __init__(self, *, site: Site, **kwargs: Any) -> None:
        """Know the site."""
        super().__init__(**kwargs)
        self.site = site

    def collect(self) -> Iterator[pytest.Item]:
        """Parse the chapter; run nothing."""
        path = self.site.config.relative(self.site.files[self.path.resolve()])
        try:
            chapter = self.site.collect(path)
            items = list(self._items(chapter))
            self.config.stash[NAMES][self.path] = [item.name for item in items]
            yield from items
        except FathomError as error:
            raise self.CollectError(str(error)) from error

    def _items(self, chapter: Chapter) -> Iterator[pytest.Item]:
        seen: Counter[str] = Counter()
        for cell, depths in _tests(chapter):
            where = concerned(depths, len(chapter.depths)).replace(", ", "+")
            line = f"line {cell.span.line}{where}"
            name = line if cell.span.path == chapter.path else f"{cell.span.path} {line}"
            seen[name] += 1
            name += f" #{seen[name]}" if seen[name] > 1 else ""  # of a file that is included twice
            # The id is given because pytest, where it reads one back (`--lf`), takes brackets for parameters.
            names = {"name": name, "nodeid": f"{self.nodeid}::{name}"}
            item = CellItem.from_parent(self, **names, site=self.site, chapter=chapter, cell=cell, depths=depths)
            _mark(item, cell)
            yield item
        if chapter.cells:
            yield CensusItem.from_parent(self, name="census", site=self.site, chapter=chapter)


def _tests(chapter: Chapter) -> Iterator[tuple[Cell, tuple[str, ...]]]:
    """Each cell, once for each time that it runs: paths run together what they have in common."""
    nodes = list(tree(reading_paths(chapter)).walk())
    for cell in chapter.cells:
        ways = [node.depths for node in nodes if any(each.number == cell.number for each in node.cells)]
        yield from ((cell, depths) for depths in ways)
        if not ways:
            yield cell, (cell.depth,) if cell.depth else tuple(depth.name for depth in chapter.depths)


def _mark(item: CellItem, cell: Cell) -> None:
    """Give the item the author's marks. Skipping, and being allowed to fail, is decided by the runner."""
    item.extra_keyword_matches.update(depth.lower() for depth in item.depths)
    for text in cell.marks:
        mark = _evaluated(text, cell)
        if read_mark(text).name not in _RUNNER:
            try:
                item.add_marker(mark)
            except (ValueError, pytest.fail.Exception) as error:
                raise _unusable(text, cell, error) from error


def _evaluated(text: str, cell: Cell) -> pytest.MarkDecorator:
    try:
        # The author's own code, as pytest-codeblocks runs it.
        mark: pytest.MarkDecorator = eval(  # noqa: S307
            text, {"pytest": pytest, "sys": sys, "os": os, "platform": platform}
        )
    except (Exception, pytest.fail.Exception) as error:
        raise _unusable(text, cell, error) from error
    return mark


def _unusable(text: str, cell: Cell, error: BaseException) -> FathomError:
    what = f"the mark `{text}` cannot be used: {error}"
    return FathomError.at(cell.span, what, "Mend it, or register it with pytest's `markers`.")


class ChapterItem(pytest.Item):
    """A test of something in a chapter.

    Attributes:
        seconds: How long what it tests took; the first test of all runs whole chapters.
    """

    def __init__(self, *, site: Site, chapter: Chapter, **kwargs: Any) -> None:
        """Know the chapter."""
        super().__init__(**kwargs)
        self.site = site
        self.chapter = chapter
        self.seconds = 0.0

    @property
    def want(self) -> Want:
        """What has to run."""
        return Want(self.chapter.path)

    @property
    def place(self) -> tuple[Path, int]:
        """The file and the line that a click leads to."""
        return self.path, 1

    def reportinfo(self) -> tuple[Path, int, str]:
        """The file, the line (counted from 0) and the item's name."""
        file, line = self.place
        return file, line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our own problems with the source around them; anything else as pytest shows it."""
        if isinstance(excinfo.value, FathomError):
            return show(excinfo.value.problems, lambda path: self.site.lines(path, self.chapter))
        return super().repr_failure(excinfo, style)

    def runs(self) -> Runs:
        """The chapter's runs. Where another chapter keeps it from running, that one is named.

        Where no test tells what is wrong there, this one does: nothing fails in silence.
        """
        wrong = self.site.wrong(self.chapter.path)
        if wrong:
            self._stopped(next(iter(wrong.values())), told=self.site.reported.issuperset(wrong))
        runs = self.site.runs(self.chapter.path, [item.want for item in self._items() if item.site is self.site])
        other = self.site.culprit(self.chapter.path)
        if other:
            failed = self.site.runs(other, ())
            told = any(item.tells_of(failed) for item in self._items() if item.chapter.path == other)
            self._stopped(self.site.problems(other), told=told)
        return runs

    def _stopped(self, problems: Sequence[Problem], *, told: bool) -> NoReturn:
        """Skip because of another chapter's problems, if they are told elsewhere."""
        if told:
            pytest.skip(f"blocked by {problems[0].span.path}:{problems[0].span.line}: {problems[0].what}")
        raise FathomError(problems)

    def tells_of(self, runs: Runs) -> bool:
        """Whether this test fails where the runs of its chapter have."""
        raise NotImplementedError

    def _items(self) -> Iterator[ChapterItem]:
        return (item for item in self.session.items if isinstance(item, ChapterItem))


class CellItem(ChapterItem):
    """One cell, on the paths that run it together."""

    def __init__(self, *, cell: Cell, depths: tuple[str, ...], **kwargs: Any) -> None:
        """Know the cell and the paths."""
        super().__init__(**kwargs)
        self.cell = cell
        self.depths = depths

    @property
    def want(self) -> Want:
        """The cells up to this one."""
        return Want(self.chapter.path, self.depths if self.cell.runs else (), self.cell.number)

    @property
    def place(self) -> tuple[Path, int]:
        """The opening fence."""
        own = self.cell.span.path == self.chapter.path
        return self.path if own else self.site.config.root / self.cell.span.path, self.cell.span.line

    def runtest(self) -> None:
        """Run the chapter, if no other item has, and tell of this cell."""
        if not self.cell.runs:
            marks = [read_mark(text) for text in self.cell.marks]
            if not all(mark.run for mark in marks) and not any(mark.name.startswith("skip") for mark in marks):
                pytest.xfail(f"[NOTRUN] {self.cell.options.reason}")
            pytest.skip(f"exempt: {self.cell.options.reason}")
        runs = self.runs()
        result = self._result(runs[self.depths[0]].results)
        self._record(result, runs)
        found = _problems(self.chapter, self.cell, {depth: runs[depth].results for depth in self.depths})
        audited = self.site.audited.get(self.chapter.path, ())
        found += [each for each in audited if each.span == self.cell.span and each.severity == "error"]
        if found:
            raise FathomError(found)
        if result.blocked_by is not None:
            self._blocked(result.blocked_by, runs)
        if self.cell.options.may_raise:
            self._may_raise(result)

    def tells_of(self, runs: Runs) -> bool:
        """Whether this cell failed."""
        return self.cell.runs and any(self._result(runs[depth].results).failure for depth in self.depths)

    def _result(self, results: tuple[CellResult, ...]) -> CellResult:
        return next(result for result in results if result.number == self.cell.number)

    def _record(self, result: CellResult, runs: Runs) -> None:
        """Keep what pytest's reports show besides: seconds, what was printed, and where it comes from."""
        self.seconds = result.seconds
        for name in ("stdout", "stderr"):
            text = "".join(output["text"] for output in result.outputs if output.get("name") == name)
            if text:
                self.add_report_section("call", name, text)
        if self.site.reuses:
            audited = self.chapter.path in self.site.audited
            cached = all(runs[depth].cached for depth in self.depths)
            self.user_properties.append((PROPERTY, "audited" if audited else "cached" if cached else "run"))

    def _blocked(self, number: int, runs: Runs) -> NoReturn:
        """Skip, if the test of the culprit tells what is wrong; else tell it here."""
        culprit = self.chapter.cells[number]
        found = _problems(self.chapter, culprit, {depth: runs[depth].results for depth in self.depths})
        items = (item for item in self._items() if isinstance(item, CellItem) and item.chapter is self.chapter)
        if any(item.cell is culprit and set(item.depths) & set(self.depths) for item in items):
            pytest.skip(f"blocked by line {culprit.span.line}: {found[0].what}")
        raise FathomError(found)

    def _may_raise(self, result: CellResult) -> None:
        """Let pytest judge what a cell did that its author expects to fail."""
        for text in self.cell.marks:
            if read_mark(text).name == "xfail":
                self.add_marker(_evaluated(text, self.cell))
        error = next((output for output in result.outputs if output["output_type"] == "error"), None)
        if error:
            what = f"{error['ename']}: {error['evalue']}".partition("\n")[0].rstrip(": ")
            raise _raised(error, Problem(self.cell.span, what, detail="\n".join(error["traceback"])))


def _problems(chapter: Chapter, cell: Cell, paths: Mapping[str, tuple[CellResult, ...]]) -> list[Problem]:
    """What is wrong with a cell: each problem once, with the depths that it concerns."""
    found: dict[Problem, list[str]] = {}
    for depth, results in paths.items():
        result = next(result for result in results if result.number == cell.number)
        # What it had printed is a section of the report.
        failed = problem(replace(result.failure, output=""), (), 0) if result.failure else unexpected(cell, results)
        if failed:
            found.setdefault(failed, []).append(depth)
    every = len(chapter.depths)
    return [replace(each, what=each.what + concerned(depths, every)) for each, depths in found.items()]


def _raised(error: JSON, found: Problem) -> FathomError:
    """A problem that is an exception of the kind that the cell raised, for pytest's `xfail(raises=…)`."""
    kind = getattr(builtins, error["ename"], None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            made: FathomError = type(error["ename"], (FathomError, kind), {})([found])
        except TypeError:  # one that cannot be combined
            return FathomError([found])
        return made
    return FathomError([found])


class CensusItem(ChapterItem):
    """Whether every fence of the chapter was run, or is exempt by name and reason, and its depths agree."""

    def runtest(self) -> None:
        """Count, and compare with what was run."""
        runs = self.runs()
        started = time.perf_counter()
        found = problems_of_whole(self.chapter, runs)
        self.seconds = time.perf_counter() - started
        for each in self.site.audited.get(self.chapter.path, ()):
            if each.severity == "warning":
                self.warn(pytest.PytestWarning(str(each)))
        if found:
            raise FathomError(found)

    def tells_of(self, runs: Runs) -> bool:
        """Whether it is the chapter as a whole that is wrong."""
        return bool(problems_of_whole(self.chapter, runs))
