"""The command `fathom`: for a person, for GitHub, or for a machine (`--format`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from . import __version__, site_file
from .cli_screen import NoSiteError, Screen, reporting, tell
from .commands import beginning, checking, choosing, explaining, exporting, listing, showing, surroundings
from .config import Config
from .linting import lint
from .scheduling import lookup, schedule
from .scheduling.chapters import chapter_files, read_chapters
from .scheduling.progress import LiveProgress, PlainProgress
from .scheduling.report import counted
from .site_file import SiteFile
from .store.cache import Store

_FORM = "How to print: for a person"
_file_option = click.option(
    "-f",
    "--config-file",
    "named",
    type=click.Path(path_type=Path),
    help="The site's configuration; `mkdocs.yml` in this folder if not given.",
)
_problems_option = click.option(
    "--format",
    "form",
    type=click.Choice(showing.FORMATS),
    default="text",
    help=f"{_FORM}, for GitHub's annotations, or for a machine.",
)
_data_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help=f"{_FORM} or for a machine."
)
_chapters_argument = click.argument("names", nargs=-1, metavar="[CHAPTER]...")


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
@_chapters_argument
def run_command(named: Path | None, form: showing.Format, names: tuple[str, ...], *, fresh: bool) -> None:
    """Run what is stale and keep the results.

    Of each CHAPTER and what it needs, or of all.
    """
    with reporting(named, form) as screen:
        site, config = _load(screen)
        chosen = _chosen(names, config)
        every, warnings = read_chapters(chapter_files(config), config)
        chapters = checking.narrowed(every, chosen, config)
        warnings = checking.of_chapters(warnings, chapters) if chosen else warnings
        with screen.progress() as shown:
            report = schedule.run(chapters, config, _store(config, shown), shown, fresh=fresh)
        told = [*lint.heeded(warnings, chapters, config), *checking.unused(site, chapters)]
        counts = ("chapters", "executed", "cached", "exempt", "seconds")
        screen.problems([*told, *report.problems], **{name: getattr(report, name) for name in counts})
        screen.note(str(report))
        sys.exit(int(any(problem.severity == "error" for problem in report.problems)))


@main.command("check")
@_file_option
@_problems_option
@click.option("--fix", is_flag=True, help="Mend in the chapters what a machine can, and print the difference.")
@click.option("--audit", is_flag=True, help="Run everything anew and compare with what is stored.")
@click.option("--twice", is_flag=True, help="Run everything twice and compare: finds what differs from run to run.")
@_chapters_argument
def check_command(
    named: Path | None, form: showing.Format, names: tuple[str, ...], *, fix: bool, audit: bool, twice: bool
) -> None:
    """Tell what is wrong, without running anything.

    Reads each CHAPTER and what it needs, or all.
    """
    with reporting(named, form, counts=True) as screen:
        site, config = _load(screen)
        chosen = _chosen(names, config)
        checked = checking.check(site, config, chosen)
        mended, failures = checking.fix(checked, config, _store(config, _PLAIN), screen.progress) if fix else ([], [])
        if mended:
            checked = checking.check(site, config, chosen)
            if form == "text":
                click.echo("".join(item.diff() for item in mended), nl=False)
        found = [*checked.problems, *failures]
        notes: list[str] = []
        if (audit or twice) and not checked.failed:
            store = _store(config, _PLAIN)
            for more, said in checking.compared(checked, config, store, screen.progress, audit=audit, twice=twice):
                found += more
                notes.append(said)
        counts = {"chapters": checked.files, "cells": checked.cells, "mended": [item.path for item in mended]}
        screen.problems(found, **counts)
        for note in (*notes, showing.summary(found, checked.files, checked.cells)):
            screen.note(note)
        sys.exit(int(bool(found)))


@main.command("explain")
@_file_option
@_data_option
@_chapters_argument
def explain_command(named: Path | None, form: showing.Format, names: tuple[str, ...]) -> None:
    """Tell what would run, and what has changed.

    For each CHAPTER, or for all. JSON has an answer for each cell.
    """
    with reporting(named, form) as screen:
        _, config = _load(screen)
        chosen = _chosen(names, config)
        every, _ = read_chapters(chapter_files(config), config)
        wanted = chosen or {chapter.path for chapter in every}
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
    """List the chapters.

    Cells and minutes for each depth, when and how long they ran, what they publish.
    """
    with reporting(named, form) as screen:
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
    """Write a chapter that passes every check.

    It has this TITLE and the next number, and is to be written over.
    """
    with reporting(named, "text") as screen:
        site, config = _load(screen)
        try:
            file = beginning.begin(title, config)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        click.echo("\n".join(beginning.advice(file, site, config)))


@main.command("export")
@_file_option
@click.option("--depth", help="Only this depth; if not given, each, and all in one file.")
@click.option(
    "-o",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    help="Where to write; this folder if not given.",
)
@_chapters_argument
def export_command(named: Path | None, depth: str | None, folder: Path, names: tuple[str, ...]) -> None:
    """Write chapters as notebooks with their outputs.

    Each CHAPTER, or all. Runs nothing.
    """
    with reporting(named, "text") as screen:
        site, config = _load(screen)
        chosen = _chosen(names, config)
        every, _ = read_chapters(chapter_files(config), config)
        try:
            wanted = exporting.choose(every, config, chosen, depth)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        for file in exporting.export(wanted, every, site, config, _store(config, _PLAIN), folder=folder):
            click.echo(file)


@main.command("clean")
@_file_option
@_data_option
def clean_command(named: Path | None, form: showing.Format) -> None:
    """Remove all stored results."""
    with reporting(named, form) as screen:
        _, config = _load(screen)
        files, size = _store(config, _PLAIN).clear()
        if screen.quiet:
            click.echo(json.dumps({"files": files, "bytes": size}))
        screen.note(f"{counted(files, 'stored file')} removed" if files else "nothing stored")


def _load(screen: Screen) -> tuple[SiteFile, Config]:
    """The site's file, and our options."""
    if not screen.file.is_file():
        raise NoSiteError(screen.file)
    site = site_file.read(screen.file)
    return site, site_file.configure(site)


def _chosen(names: Sequence[str], config: Config) -> list[str]:
    """The paths of the chapters that are named on the command line."""
    try:
        return choosing.choose(names, [config.relative(file) for file in chapter_files(config)], config)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _store(config: Config, shown: PlainProgress | LiveProgress) -> Store:
    return Store(config.cache_dir, readonly=config.cache_readonly, size_limit=config.cache_size, say=shown.say)


_PLAIN = PlainProgress(tell)


if __name__ == "__main__":
    main()
