"""The command `fathom`: run, check, explain and clean, for a person or (`--json`) for a machine."""

from __future__ import annotations

import dataclasses
import errno
import json
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import metadata
from pathlib import Path

import click

from . import __version__, site_file
from .config import Config
from .errors import FathomError, Problem
from .model import JSON, Cell, Chapter
from .scheduling import compare, interrupts, lookup, needs, progress, schedule
from .scheduling.chapters import chapter_files, read_chapters
from .scheduling.progress import LiveProgress, PlainProgress
from .scheduling.report import Report, counted
from .store.cache import Store
from .store.keys import Reason

_PACKAGES = ("mkdocs", "mkdocs-material", "markdown", "pymdown-extensions", "ipython", "numpy", "matplotlib")

_file_option = click.option(
    "-f",
    "--config-file",
    "file",
    type=click.Path(path_type=Path),
    help="The site's configuration; `mkdocs.yml` in this folder if not given.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.option("--version", is_flag=True, help="Print the version and end.")
@click.option("--verbose", is_flag=True, help="With --version: what a bug report needs.")
@click.pass_context
def main(context: click.Context, *, version: bool, verbose: bool) -> None:
    """Documentation that can be read at two depths and cannot lie.

    Ends with 0 if all is well, 1 if a chapter or `mkdocs.yml` has something to mend, 2 if the command itself was
    wrong, 3 if Fathom is at fault.
    """
    if verbose and not version:
        raise click.UsageError("`--verbose` goes with `--version`")
    if version:
        click.echo(f"fathom {__version__}")
        if verbose:
            click.echo("\n".join(_surroundings()))
        context.exit()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@main.command("run")
@_file_option
@_json_option
@click.option("--fresh", is_flag=True, help="Run everything, whatever the store has.")
def run_command(file: Path | None, *, as_json: bool, fresh: bool) -> None:
    """Run what is stale and keep the results."""
    with _problems_printed(as_json=as_json):
        config = _load(file)
        chapters, warnings = read_chapters(chapter_files(config), config)
        with _progress(quiet=as_json) as shown:
            report = schedule.run(chapters, config, _store(config, shown), shown, fresh=fresh)
        problems = [*warnings, *report.problems]
        names = ("chapters", "executed", "cached", "exempt", "seconds")
        _print_problems(problems, as_json=as_json, **{name: getattr(report, name) for name in names})
        if not as_json:
            _note(str(report))
        sys.exit(int(_has_errors(problems)))


@main.command("check")
@_file_option
@_json_option
@click.option("--audit", is_flag=True, help="Run everything anew and compare with what is stored.")
@click.option("--twice", is_flag=True, help="Run everything twice and compare: finds what differs from run to run.")
def check_command(file: Path | None, *, as_json: bool, audit: bool, twice: bool) -> None:
    """Read all chapters and tell what is wrong, without running them."""
    with _problems_printed(as_json=as_json):
        config = _load(file)
        chapters, problems = read_chapters(chapter_files(config), config)
        needs.resolve(chapters, config)
        found = list(problems)
        if audit:
            found += _audit(chapters, config, quiet=as_json)
        if twice:
            first, second = (_fresh_runs(chapters, config, quiet=as_json).runs for _ in range(2))
            found += compare.twice(chapters, first, second)
        _print_problems(found, as_json=as_json)
        sys.exit(int(_has_errors(found)))


def _audit(chapters: list[Chapter], config: Config, *, quiet: bool) -> list[Problem]:
    stored = lookup.stored(chapters, config, _store(config, PlainProgress(_note)))
    missing = sum(bool(chapter.cells) for chapter in chapters if chapter.path not in stored)
    if missing:
        _note(f"{counted(missing, 'chapter')} not compared: nothing that holds is stored; `fathom run` comes first")
    return compare.audit(chapters, stored, _fresh_runs(chapters, config, quiet=quiet).runs)


@main.command("explain")
@_file_option
@_json_option
@click.argument("chapters", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def explain_command(file: Path | None, chapters: tuple[Path, ...], *, as_json: bool) -> None:
    """Tell for each cell whether it would run, and what changed; for CHAPTERS, or for all."""
    with _problems_printed(as_json=as_json):
        config = _load(file)
        every, _ = read_chapters(chapter_files(config), config)
        wanted = {config.relative(path.resolve()) for path in chapters} or {chapter.path for chapter in every}
        unknown = wanted - {chapter.path for chapter in every}
        if unknown:
            raise click.UsageError(f"not among the site's chapters: {', '.join(sorted(unknown))}")
        reasons = lookup.explain(every, config, _store(config, PlainProgress(_note)))
        shown = [chapter for chapter in every if chapter.path in wanted]
        rows = [row for chapter in shown for cell in chapter.cells for row in _answers(chapter, cell, reasons)]
        if as_json:
            click.echo(json.dumps({"cells": rows}))
        else:
            click.echo("".join(_sentence(row) + "\n" for row in rows), nl=False)


@main.command("clean")
@_file_option
@_json_option
def clean_command(file: Path | None, *, as_json: bool) -> None:
    """Remove all stored results."""
    with _problems_printed(as_json=as_json):
        files, size = _store(_load(file), PlainProgress(_note)).clear()
        if as_json:
            click.echo(json.dumps({"files": files, "bytes": size}))


def _load(file: Path | None) -> Config:
    return site_file.load(file or site_file.find(Path.cwd()))


def _store(config: Config, shown: PlainProgress | LiveProgress) -> Store:
    return Store(config.cache_dir, readonly=config.cache_readonly, size_limit=config.cache_size, say=shown.say)


def _note(sentence: str) -> None:
    click.echo(sentence, err=True)


def _progress(*, quiet: bool) -> AbstractContextManager[PlainProgress | LiveProgress]:
    if quiet:
        return nullcontext(PlainProgress(lambda _line: None, _note))
    return progress.choose(sys.stderr, PlainProgress(_note))


def _fresh_runs(chapters: list[Chapter], config: Config, *, quiet: bool) -> Report:
    """Run everything with an empty store of its own, so that nothing old is used and nothing is kept."""
    with tempfile.TemporaryDirectory(prefix="fathom-store-") as folder, _progress(quiet=quiet) as shown:
        store = Store(Path(folder), readonly=False, size_limit=config.cache_size, say=shown.say)
        report = schedule.run(chapters, config, store, shown)
    if _has_errors(report.problems):
        raise FathomError(report.problems)
    return report


@contextmanager
def _problems_printed(*, as_json: bool) -> Iterator[None]:
    """End the command with what is wrong; say of an error that nobody foresaw that it is not the author's fault."""
    try:
        with interrupts.once(signal.SIGINT, signal.SIGTERM):
            yield
    except FathomError as error:
        _print_problems(error.problems, as_json=as_json)
        sys.exit(1)
    except KeyboardInterrupt:
        _note("Interrupted.")
        sys.exit(130)  # as a shell tells of it
    except click.ClickException:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            raise  # whoever reads our output has read enough
        traceback.print_exc()
        _note(
            "fathom: this is a fault of Fathom, not of the site.\n"
            "  Please report it with the lines above and what `fathom --version --verbose` prints."
        )
        sys.exit(3)


def _has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def _print_problems(problems: Iterable[Problem], *, as_json: bool, **counts: float) -> None:
    if as_json:
        click.echo(json.dumps(counts | {"problems": [dataclasses.asdict(problem) for problem in sorted(problems)]}))
    else:
        for problem in sorted(problems):
            _note(str(problem))


def _answers(chapter: Chapter, cell: Cell, reasons: Mapping[str, Mapping[str, tuple[Reason, ...]]]) -> list[JSON]:
    """What becomes of a cell, as JSON: once for each group of depths for which it is the same."""
    paths = {depth: why for depth, why in reasons[chapter.path].items() if cell.depth in {None, depth}}
    groups: dict[tuple[Reason, ...], list[str]] = {}
    for depth, why in paths.items():
        groups.setdefault(why if cell.runs else (), []).append(depth)
    return [
        {
            "path": cell.span.path,
            "line": cell.span.line,
            "depths": depths,
            "state": _state(cell, why),
            "reasons": [_words(chapter, reason) for reason in why],
            "exempt": cell.options.reason,
        }
        for why, depths in groups.items()
    ]


def _state(cell: Cell, why: tuple[Reason, ...]) -> str:
    if not cell.runs:
        return "exempt"
    if why and all(reason.kind == "chapter" for reason in why):
        return "may run"  # what the other chapter publishes may turn out to be the same
    return "would run" if why else "stored"


def _words(chapter: Chapter, reason: Reason) -> str:
    """A reason with the line of the cell that it names, which is what an author looks for."""
    if reason.kind == "cell" and reason.after and reason.name.isdecimal() and int(reason.name) <= len(chapter.cells):
        return f"{reason} (line {chapter.cells[int(reason.name) - 1].span.line})"
    return str(reason)


def _sentence(row: JSON) -> str:
    why = row["exempt"] or "; ".join(row["reasons"])
    depths = ", ".join(row["depths"]).lower()
    return f"{row['path']}:{row['line']}: [{depths}] {row['state']}" + (f": {why}" if why else "")


def _surroundings() -> Iterator[str]:
    yield f"Python {platform.python_version()} ({platform.python_implementation()}, {platform.platform()})"
    for name in _PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} is not installed"


if __name__ == "__main__":
    main()
