"""The pytest adapter: `pytest --codeblocks docs` tests every cell of every reading path, through our own runner.

pytest-codeblocks brings the option and the directives. Below a `mkdocs.yml` that uses Fathom, our collector takes the
place of its own, which knows neither depths nor most spellings of a fence. Here are the hooks; behind them:

    `items`         a chapter as a collector; each cell on each path as a test, and the census
    `site`          the chapters below one `mkdocs.yml`: what is wrong with them, and their runs
    `showing`       how a failure reads: the author's source and a caret
    `naming`        which tests are near one that is not there
    `spreading`     pytest-xdist: the tests of a chapter stay together
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from .. import site_file
from ..errors import FathomError
from ..running import measuring
from ..scheduling.chapters import PAGES
from ..scheduling.report import counted
from . import naming, spreading
from .items import NAMES, PROPERTY, ChapterFile, ChapterItem
from .site import Manner, Site

_SITES = pytest.StashKey[dict[Path, "Site | None"]]()
_THEIRS = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for those who have built the site already."""
    group = parser.getgroup("fathom", "cells of a Fathom site (with --codeblocks)")
    words = "use the results that the site's store has, and add to them"
    group.addoption("--fathom-cache", action="store_true", help=words)
    group.addoption(
        "--fathom-audit",
        type=_share,
        metavar="SHARE",
        help="with the store's results, run a share of the chapters again and compare: 10%%",
    )
    group.addoption("--fathom-audit-seed", type=int, metavar="N", help="which chapters these are; chance, if not given")


def _share(text: str) -> float:
    """A share from `10%` or `0.1`.

    Raises:
        ArgumentTypeError: It is neither, or not above 0 and at most 1.
    """
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no share such as 10%")
    return share


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take pytest-codeblocks' collector out of the way; its option stays."""
    config.stash[_SITES] = {}
    config.stash[NAMES] = {}
    if config.option.fathom_audit_seed is None:
        # pytest-xdist hands the options on: all workers choose the same chapters.
        config.option.fathom_audit_seed = random.SystemRandom().randrange(10**6)
    if _wanted(config):
        theirs = config.pluginmanager.get_plugin("codeblocks")
        config.stash[_THEIRS] = theirs
        if theirs:
            config.pluginmanager.unregister(theirs)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Where results come from, if not from running everything."""
    option = config.option
    if not _wanted(config) or not (option.fathom_cache or option.fathom_audit):
        return None
    said = ["fathom: results that the store has are used"]
    if option.fathom_audit:
        audit = f"{option.fathom_audit:.0%} of the chapters run again and are compared"
        said.append(f"{audit} (--fathom-audit-seed={option.fathom_audit_seed})")
    if measuring.request():
        said.append("coverage counts what runs now")
    return "; ".join(said)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A chapter of a Fathom site is ours; any other Markdown file is left to pytest-codeblocks."""
    if file_path.suffix not in PAGES or not _wanted(parent.config):
        return None
    try:
        site = _site(parent.config, file_path)
    except FathomError as error:
        raise pytest.Collector.CollectError(str(error)) from error
    if site and file_path.resolve() in site.files:
        return ChapterFile.from_parent(parent, path=file_path, site=site)
    theirs = parent.config.stash[_THEIRS]
    return theirs.pytest_collect_file(file_path, parent) if theirs else None


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Name the nearest tests where one that was asked for is not there."""
    try:
        return (yield)
    except pytest.UsageError as error:
        names = session.config.stash[NAMES]
        raise pytest.UsageError(*(naming.nearest(str(each), names) for each in error.args)) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a skipped cell at its own place, and its own seconds: whichever test came first has run whole chapters."""
    report = yield
    if isinstance(item, ChapterItem):
        if report.skipped and isinstance(report.longrepr, tuple):
            report.longrepr = (str(item.place[0]), item.place[1], report.longrepr[2])
        if call.when == "call":
            report.duration = item.seconds
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how much came from the store."""
    if not _wanted(config) or not (config.option.fathom_cache or config.option.fathom_audit):
        return
    every = [report for reports in terminalreporter.stats.values() for report in reports]
    states = [value for report in every for name, value in _properties(report) if name == PROPERTY]
    shown = ("run", "cached", "audited")
    words = [f"{counted(states.count(state), 'cell')} {state}" for state in shown if state in states]
    seed = f" (--fathom-audit-seed={config.option.fathom_audit_seed})" if config.option.fathom_audit else ""
    terminalreporter.write_line(f"fathom: {', '.join(words) or 'no cell has run'}{seed}")


def _properties(report: object) -> list[tuple[str, object]]:
    return getattr(report, "user_properties", []) if getattr(report, "when", "") == "call" else []


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a chapter's tests on one worker where pytest-xdist would deal out each by itself."""
    return spreading.scheduler(config, log) if _wanted(config) else None


def _wanted(config: pytest.Config) -> bool:
    return bool(config.getoption("codeblocks", default=False))


def _site(config: pytest.Config, file: Path) -> Site | None:
    """The site that a file belongs to: the nearest `mkdocs.yml` above it, if it uses Fathom."""
    sites = config.stash[_SITES]
    folder = next((folder for folder in file.resolve().parents if site_file.find(folder).is_file()), None)
    if folder and folder not in sites:
        found = site_file.read(site_file.find(folder))
        sites[folder] = Site(site_file.configure(found), _manner(config)) if found.uses_fathom else None
    return sites[folder] if folder else None


def _manner(config: pytest.Config) -> Manner:
    """How results come about in this session."""
    factory = config._tmp_path_factory  # type: ignore[attr-defined]  # noqa: SLF001 - there is no fixture here
    base: Path = factory.getbasetemp()
    worker = hasattr(config, "workerinput")
    option = config.option
    return Manner(
        folder=(base.parent if worker else base) / "fathom",
        reuse=bool(option.fathom_cache or option.fathom_audit),
        audit=option.fathom_audit or 0.0,
        seed=option.fathom_audit_seed,
        alone=not worker,
        measured=measuring.request(),
    )
