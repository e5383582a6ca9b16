"""Chapters given as text, run by real workers. One server serves all tests of a process: it costs a second to start."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from mkdocs_fathom.config import Config, build
from mkdocs_fathom.model import Cell, CellResult, Failure, Run, Span
from mkdocs_fathom.parsing.parse import parse
from mkdocs_fathom.running.collect import Need
from mkdocs_fathom.running.execute import execute
from mkdocs_fathom.running.pool import Pool

SPAN = Span("mkdocs.yml", 1)


def cells(*codes: str, fence: str = "python") -> str:
    """Markdown with a cell for each code: the first code's first line is line 2, and so on."""
    return "\n".join(f"```{fence}\n{textwrap.dedent(code).strip()}\n```\n" for code in codes)


def region(depth: str, *codes: str) -> str:
    """A region of a depth that holds these cells."""
    return f"<!-- {depth} -->\n\n{cells(*codes)}\n<!-- /{depth} -->\n\n"


def site(root: Path, **options: Any) -> Config:
    """The configuration of a site in a folder."""
    (root / "docs").mkdir(exist_ok=True)
    return build(root, root / "docs", options, SPAN)


class Runner:
    """Runs chapters; remembers which cells started, and for which depths."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.started: list[tuple[int, tuple[str, ...]]] = []
        self.folders: Mapping[str, Path] = {}
        self.said: list[str] = []

    def __call__(self, text: str, *, needs: Mapping[str, Need] | None = None, **limits: Any) -> dict[str, Run]:
        """The runs of a chapter by depth; `limits` are options that need no new server."""
        before = self.pool.config
        self.pool.config = dataclasses.replace(before, **limits)
        self.started = []
        chapter = parse(text, "docs/a.md", self.pool.config).checked()
        depths = [depth.name for depth in chapter.depths]
        try:
            results = execute(self.pool, chapter, depths, needs or {}, self._start)
        finally:
            self.pool.config = before
        self.folders = {depth: folder for depth, (_, folder) in results.items()}
        return {depth: run for depth, (run, _) in results.items()}

    def _start(self, cell: Cell, depths: tuple[str, ...]) -> None:
        self.started.append((cell.number, depths))

    def shallow(self, text: str, **limits: Any) -> tuple[CellResult, ...]:
        """The results of a chapter that is the same at every depth."""
        return self(text, **limits)["SHALLOW"].results

    def cell(self, code: str, *, fence: str = "python", **limits: Any) -> CellResult:
        """The result of a single cell."""
        return self.shallow(cells(code, fence=fence), **limits)[0]

    def failure(self, code: str, *, fence: str = "python", **limits: Any) -> Failure:
        """Why a single cell failed."""
        failure = self.cell(code, fence=fence, **limits).failure
        assert failure is not None
        return failure

    @property
    def processes(self) -> list[psutil.Process]:
        """What the server has started and is still there."""
        return psutil.Process(self.pool.launchers[-1].pid).children(recursive=True)


def streams(result: CellResult) -> list[tuple[str, str]]:
    """What a cell wrote: the streams' names and texts, in order."""
    return [(output["name"], output["text"]) for output in result.outputs if output["output_type"] == "stream"]


def printed(result: CellResult) -> str:
    """What a cell wrote to standard output."""
    return "".join(text for name, text in streams(result) if name == "stdout")


def shown(result: CellResult) -> list[Any]:
    """The values that a cell displayed, as plain text."""
    return [output["data"]["text/plain"] for output in result.outputs if "data" in output]


@pytest.fixture(scope="session")
def session_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """Workers that find numpy and Matplotlib imported."""
    with Pool(site(tmp_path_factory.mktemp("project"), timeout=20), lambda _sentence: None) as pool:
        yield pool


@pytest.fixture
def run(session_pool: Pool) -> Runner:
    """Runs chapters with the workers that all tests share."""
    return Runner(session_pool)
