"""The command `fathom`: run, check, explain and clean, for a person or (`--json`) for a machine."""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from . import __version__, compare, config as configuration
from .cache import Store
from .config import Config
from .errors import FathomError, Problem
from .keys import Reason
from .model import JSON, Chapter
from .progress import LiveProgress, PlainProgress
from .schedule import Report, chapter_files, explain, read_chapters, run

_PACKAGES = ("mkdocs", "mkdocs-material", "markdown", "pymdown-extensions", "ipython", "numpy", "matplotlib")

_file_option = click.option(
    "-f",
    "--config-file",
    "file",
    default="mkdocs.yml",
    type=click.Path(path_type=Path),
    help="The site's configuration.",
    show_default=True,
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.option("--version", is_flag=True, help="Print the version and end.")
@click.option("--verbose", is_flag=True, help="With --version: what a bug report needs.")
@click.pass_context
def main(context: click.Context, *, version: bool, verbose: bool) -> None:
    """Documentation that can be read at two depths and cannot lie.

    Ends with 0 if all is well, 1 if a chapter has something to mend, 2 if the command itself was wrong.
    """
    if version:
        click.echo(f"fathom {__version__}")
        if verbose:
            click.echo("\n".join(_surroundings()))
        context.exit()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        context.exit(0 if not verbose else 2)


@main.command("run")
@_file_option
@_json_option
@click.option("--fresh", is_flag=True, help="Run everything, whatever the store has.")
def run_command(file: Path, *, as_json: bool, fresh: bool) -> None:
    """Run what is stale and keep the results."""
    with _problems_printed(as_json=as_json):
        config = configuration.load(file)
        chapters, warnings = read_chapters(chapter_files(config), config)
        with _progress(quiet=as_json) as progress:
            report = run(chapters, config, _store(config), progress, fresh=fresh)
        _finish(report, warnings, as_json=as_json)


@main.command("check")
@_file_option
@_json_option
@click.option("--audit", is_flag=True, help="Run everything anew and compare with what is stored.")
@click.option("--twice", is_flag=True, help="Run everything twice and compare: finds what differs from run to run.")
def check_command(file: Path, *, as_json: bool, audit: bool, twice: bool) -> None:
    """Read all chapters and tell what is wrong, without running them."""
    with _problems_printed(as_json=as_json):
        config = configuration.load(file)
        chapters, problems = read_chapters(chapter_files(config), config)
        found = list(problems)
        if audit:
            found += compare.audit(chapters, _store(config), _fresh_runs(chapters, config, quiet=as_json), config)
        if twice:
            first, second = (_fresh_runs(chapters, config, quiet=as_json) for _ in range(2))
            found += compare.differences(chapters, first.runs, second.runs, "differs from one run to the next")
        _print_problems(found, as_json=as_json)
        sys.exit(any(problem.severity == "error" for problem in found))


@main.command("explain")
@_file_option
@_json_option
@click.argument("chapters", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def explain_command(file: Path, chapters: tuple[Path, ...], *, as_json: bool) -> None:
    """Tell for each cell whether it would run, and what changed; for CHAPTERS, or for all."""
    with _problems_printed(as_json=as_json):
        config = configuration.load(file)
        every, _ = read_chapters(chapter_files(config), config)
        wanted = {config.relative(path.resolve()) for path in chapters} or {chapter.path for chapter in every}
        unknown = wanted - {chapter.path for chapter in every}
        if unknown:
            raise click.UsageError(f"not among the site's chapters: {', '.join(sorted(unknown))}")
        reasons = explain(every, config, _store(config))
        for chapter in every:
            if chapter.path in wanted:
                _print_explanation(chapter, reasons[chapter.path], as_json=as_json)


@main.command("clean")
@_file_option
@_json_option
def clean_command(file: Path, *, as_json: bool) -> None:
    """Remove all stored results."""
    with _problems_printed(as_json=as_json):
        files, size = _store(configuration.load(file)).clear()
        if as_json:
            click.echo(json.dumps({"files": files, "bytes": size}))


def _store(config: Config) -> Store:
    return Store(config.cache_dir, readonly=config.cache_readonly, size_limit=config.cache_size, say=_note)


def _note(sentence: str) -> None:
    click.echo(sentence, err=True)


def _progress(*, quiet: bool) -> AbstractContextManager[PlainProgress | LiveProgress]:
    if quiet:
        return nullcontext(PlainProgress(lambda _line: None, _note))
    if sys.stderr.isatty():
        return LiveProgress(sys.stderr, shutil.get_terminal_size().columns)
    return nullcontext(PlainProgress(_note))


def _fresh_runs(chapters: list[Chapter], config: Config, *, quiet: bool) -> Report:
    """Run everything with an empty store of its own, so that nothing old is used and nothing is kept."""
    with tempfile.TemporaryDirectory(prefix="fathom-store-") as folder, _progress(quiet=quiet) as progress:
        store = Store(Path(folder), readonly=False, size_limit=config.cache_size, say=_note)
        report = run(chapters, config, store, progress)
    errors = [problem for problem in report.problems if problem.severity == "error"]
    if errors:
        raise FathomError(errors)
    return report


@contextmanager
def _problems_printed(*, as_json: bool) -> Iterator[None]:
    try:
        yield
    except FathomError as error:
        _print_problems(list(error.problems), as_json=as_json)
        sys.exit(1)


def _print_problems(problems: list[Problem], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"problems": [_problem_json(problem) for problem in sorted(problems)]}))
    else:
        for problem in sorted(problems):
            click.echo(str(problem), err=True)


def _problem_json(problem: Problem) -> JSON:
    return dataclasses.asdict(problem)


def _finish(report: Report, warnings: tuple[Problem, ...], *, as_json: bool) -> None:
    problems = sorted([*warnings, *report.problems])
    if as_json:
        names = ("chapters", "executed", "cached", "exempt", "seconds")
        counts = {name: getattr(report, name) for name in names}
        click.echo(json.dumps(counts | {"problems": [_problem_json(problem) for problem in problems]}))
    else:
        _print_problems(problems, as_json=False)
        click.echo(str(report), err=True)
    sys.exit(any(problem.severity == "error" for problem in problems))


def _print_explanation(chapter: Chapter, reasons: dict[str, tuple[Reason, ...]], *, as_json: bool) -> None:
    rows = [
        {
            "path": chapter.path,
            "line": cell.span.line,
            "depth": depth,
            "runs": cell.runs and bool(reasons[depth]),
            "reasons": [_reason_words(chapter, reason) for reason in reasons[depth]] if cell.runs else [],
            "exempt": cell.options.reason,
        }
        for cell in chapter.cells
        for depth in ([cell.depth] if cell.depth else reasons)
    ]
    if as_json:
        click.echo("\n".join(map(json.dumps, rows)))
        return
    for row in rows:
        state = "would run" if row["runs"] else "stored"
        if row["exempt"] is not None:
            state = f"exempt: {row['exempt']}"
        click.echo(f"{row['path']}:{row['line']} [{str(row['depth']).lower()}] {state}")
        _print_reasons(row)


def _print_reasons(row: dict[str, Any]) -> None:
    for reason in row["reasons"]:
        click.echo(f"  {reason}")


def _reason_words(chapter: Chapter, reason: Reason) -> str:
    """A reason with the line of the cell that it names, which is what an author looks for."""
    if reason.kind == "cell" and reason.name.isdecimal() and int(reason.name) <= len(chapter.cells):
        return f"{reason} (line {chapter.cells[int(reason.name) - 1].span.line})"
    return str(reason)


def _surroundings() -> Iterator[str]:
    yield f"Python {platform.python_version()} ({platform.python_implementation()}, {platform.platform()})"
    for name in _PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} is not installed"


if __name__ == "__main__":
    main()
