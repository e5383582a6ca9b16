"""The command `fathom`: for a person, for GitHub, or for a machine (`--format`)."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from . import __version__, site_file
from .commands import beginning, checking, explaining, exporting, listing, showing, surroundings
from .config import Config
from .errors import FathomError, Problem
from .linting import lint
from .scheduling import interrupts, lookup, progress, schedule
from .scheduling.chapters import chapter_files, read_chapters
from .scheduling.progress import LiveProgress, PlainProgress
from .scheduling.report import counted
from .site_file import SiteFile
from .store.cache import Store


@dataclass(frozen=True, slots=True)
class _Screen:
    """How a command tells what it has to tell."""

    form: showing.Format
    """Its format."""
    file: Path
    """The site's file."""

    @property
    def quiet(self) -> bool:
        """Whether a machine reads, and wants nothing besides."""
        return self.form == "json"

    def problems(self, problems: Iterable[Problem], **others: object) -> None:
        """Print problems; in JSON, with whatever else there is."""
        root = self.file.absolute().parent
        if self.form == "json":
            click.echo(showing.data(problems, **others))
        elif self.form == "github":
            click.echo(showing.github(problems, root), nl=False)
        else:
            click.echo(showing.text(problems, root), nl=False, err=True, color=_colour())

    def note(self, sentence: str) -> None:
        """Tell a person something."""
        if not self.quiet:
            _note(sentence)

    def progress(self) -> AbstractContextManager[PlainProgress | LiveProgress]:
        """What shows a run while it goes on."""
        if self.quiet:
            return nullcontext(PlainProgress(lambda _line: None, _note))
        return progress.choose(sys.stderr, PlainProgress(_note))


_FORM = "How to print: for a person, for GitHub's annotations, or for a machine."
_file_option = click.option(
    "-f",
    "--config-file",
    "named",
    type=click.Path(path_type=Path),
    help="The site's configuration; `mkdocs.yml` in this folder if not given.",
)
_problems_option = click.option("--format", "form", type=click.Choice(showing.FORMATS), default="text", help=_FORM)
_data_option = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help=_FORM)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.option("--version", is_flag=True, help="Print the version and end.")
@click.option("--verbose", is_flag=True, help="With --version: what a bug report needs.")
@click.pass_context
def main(context: click.Context, *, version: bool, verbose: bool) -> None:
    """Documentation that can be read at two depths and cannot lie.

    Ends with 0 if all is well, 1 if a chapter or `mkdocs.yml` has something to mend, 2 if the command itself was
    wrong or there is no site, 3 if Fathom is at fault.
    """
    if verbose and not version:
        raise click.UsageError("`--verbose` goes with `--version`")
    if version:
        click.echo(f"fathom {__version__}")
        if verbose:
            click.echo("\n".join(surroundings.lines()))
        context.exit()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@main.command("run")
@_file_option
@_problems_option
@click.option("--fresh", is_flag=True, help="Run everything, whatever the store has.")
def run_command(named: Path | None, form: showing.Format, *, fresh: bool) -> None:
    """Run what is stale and keep the results."""
    with _reporting(named, form) as screen:
        site, config = _load(screen)
        chapters, warnings = read_chapters(chapter_files(config), config)
        with screen.progress() as shown:
            report = schedule.run(chapters, config, _store(config, shown), shown, fresh=fresh)
        told = [*lint.heeded(warnings, chapters, config), *checking.unused(site, chapters)]
        names = ("chapters", "executed", "cached", "exempt", "seconds")
        screen.problems([*told, *report.problems], **{name: getattr(report, name) for name in names})
        screen.note(str(report))
        sys.exit(int(any(problem.severity == "error" for problem in report.problems)))


@main.command("check")
@_file_option
@_problems_option
@click.option("--fix", is_flag=True, help="Mend in the chapters what a machine can, and print the difference.")
@click.option("--audit", is_flag=True, help="Run everything anew and compare with what is stored.")
@click.option("--twice", is_flag=True, help="Run everything twice and compare: finds what differs from run to run.")
def check_command(named: Path | None, form: showing.Format, *, fix: bool, audit: bool, twice: bool) -> None:
    """Read all chapters and tell what is wrong, without running them."""
    with _reporting(named, form) as screen:
        site, config = _load(screen)
        checked = checking.check(site, config)
        mended, failures = checking.fix(checked, config, _store(config, _PLAIN), screen.progress) if fix else ([], [])
        if mended:
            checked = checking.check(site, config)
            if form == "text":
                click.echo("".join(item.diff() for item in mended), nl=False)
        found = [*checked.problems, *failures]
        chapters = checked.chapters
        if audit and not checked.failed:
            differing, missing = checking.audit(chapters, config, _store(config, _PLAIN), screen.progress)
            found += differing
            if missing:
                what = f"{counted(missing, 'chapter')} not compared: nothing that holds is stored"
                screen.note(f"{what}; `fathom run` comes first")
        if twice and not checked.failed:
            found += checking.twice(chapters, config, screen.progress)
        counts = {"chapters": checked.files, "cells": checked.cells, "mended": [item.path for item in mended]}
        screen.problems(found, **counts)
        screen.note(showing.summary(found, checked.files, checked.cells))
        sys.exit(int(bool(found)))


@main.command("explain")
@_file_option
@_data_option
@click.argument("chapters", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def explain_command(named: Path | None, form: showing.Format, chapters: tuple[Path, ...]) -> None:
    """Tell what would run, and what has changed; for CHAPTERS, or for all. JSON has an answer for each cell."""
    with _reporting(named, form) as screen:
        _, config = _load(screen)
        every, _ = read_chapters(chapter_files(config), config)
        wanted = {config.relative(path.resolve()) for path in chapters} or {chapter.path for chapter in every}
        unknown = wanted - {chapter.path for chapter in every}
        if unknown:
            raise click.UsageError(f"not among the site's chapters: {', '.join(sorted(unknown))}")
        reasons = lookup.explain(every, config, _store(config, _PLAIN))
        answers = [(each, explaining.answers(each, reasons[each.path])) for each in every if each.path in wanted]
        if screen.quiet:
            cells = [explaining.data(chapter, answer) for chapter, found in answers for answer in found]
            click.echo(json.dumps({"cells": cells}))
        for chapter, found in () if screen.quiet else answers:
            click.echo("".join(f"{line}\n" for line in explaining.sentences(chapter, found)), nl=False)


@main.command("list")
@_file_option
@_data_option
def list_command(named: Path | None, form: showing.Format) -> None:
    """List the chapters: cells and minutes for each depth, when and how long they ran, what they publish."""
    with _reporting(named, form) as screen:
        _, config = _load(screen)
        chapters, _ = read_chapters(chapter_files(config), config)
        store = _store(config, _PLAIN)
        rows = listing.rows(chapters, lookup.stored(chapters, config, store), store)
        if screen.quiet:
            click.echo(json.dumps({"chapters": rows}))
        else:
            click.echo("\n".join(listing.table(rows, {depth.name: depth.label for depth in config.depths})))


@main.group("new")
def new_group() -> None:
    """Begin something new."""


@new_group.command("chapter")
@_file_option
@click.argument("title")
def new_chapter_command(named: Path | None, title: str) -> None:
    """Write a chapter with this TITLE that passes every check, to be written over."""
    with _reporting(named, "text") as screen:
        site, config = _load(screen)
        try:
            file = beginning.begin(title, config)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        click.echo("\n".join(beginning.advice(file, site, config)))


@main.command("export")
@_file_option
@click.option("--depth", help="Only this depth; if not given, each, and all in one file.")
@click.option("-o", "folder", type=click.Path(path_type=Path, file_okay=False), default=".", help="Where to write.")
@click.argument("chapters", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def export_command(named: Path | None, depth: str | None, folder: Path, chapters: tuple[Path, ...]) -> None:
    """Write CHAPTERS, or all, as notebooks with their outputs. Runs nothing."""
    with _reporting(named, "text") as screen:
        site, config = _load(screen)
        every, _ = read_chapters(chapter_files(config), config)
        paths = {config.relative(path.resolve()) for path in chapters}
        try:
            wanted = exporting.choose(every, config, paths, depth)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        for file in exporting.export(wanted, every, site, config, _store(config, _PLAIN), folder=folder):
            click.echo(file)


@main.command("clean")
@_file_option
@_data_option
def clean_command(named: Path | None, form: showing.Format) -> None:
    """Remove all stored results."""
    with _reporting(named, form) as screen:
        _, config = _load(screen)
        files, size = _store(config, _PLAIN).clear()
        if screen.quiet:
            click.echo(json.dumps({"files": files, "bytes": size}))
        screen.note(f"{counted(files, 'stored file')} removed" if files else "nothing stored")


def _load(screen: _Screen) -> tuple[SiteFile, Config]:
    """The site's file, and our options."""
    if not screen.file.is_file():
        raise _NoSiteError(screen.file)
    site = site_file.read(screen.file)
    return site, site_file.configure(site)


class _NoSiteError(click.ClickException):
    """There is no site where the command looks for one."""

    exit_code = 2

    def __init__(self, file: Path) -> None:
        super().__init__(f"there is no `{file}`\n  Run this in the folder of `mkdocs.yml`, or name it with `-f`.")


def _store(config: Config, shown: PlainProgress | LiveProgress) -> Store:
    return Store(config.cache_dir, readonly=config.cache_readonly, size_limit=config.cache_size, say=shown.say)


def _note(sentence: str) -> None:
    click.echo(sentence, err=True)


_PLAIN = PlainProgress(_note)


def _colour() -> bool | None:
    """Whether to print colours; None: if it is a terminal. See https://no-color.org."""
    return False if os.environ.get("NO_COLOR") else None


@contextmanager
def _reporting(named: Path | None, form: showing.Format) -> Iterator[_Screen]:
    """End the command with what is wrong; say of an error that nobody foresaw that it is not the author's fault."""
    screen = _Screen(form, named or site_file.find(Path.cwd()))
    try:
        with interrupts.once(signal.SIGINT, signal.SIGTERM):
            yield screen
    except FathomError as error:
        screen.problems(error.problems)
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


if __name__ == "__main__":
    main()
