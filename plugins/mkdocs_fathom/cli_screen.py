"""How the command `fathom` tells what it has to tell, and how it ends."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from . import site_file
from .commands import showing
from .errors import FathomError, Problem
from .scheduling import interrupts, progress
from .scheduling.progress import LiveProgress, PlainProgress
from .scheduling.report import counted


@dataclass(frozen=True, slots=True)
class Screen:
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
            tell(sentence)

    def progress(self) -> AbstractContextManager[PlainProgress | LiveProgress]:
        """What shows a run while it goes on."""
        if self.quiet:
            return nullcontext(PlainProgress(lambda _line: None, tell))
        return progress.choose(sys.stderr, PlainProgress(tell))


class NoSiteError(click.ClickException):
    """There is no site where the command looks for one."""

    exit_code = 2

    def __init__(self, file: Path) -> None:
        super().__init__(f"there is no `{file}`\n  Run this in the folder of `mkdocs.yml`, or name it with `-f`.")


def tell(sentence: str) -> None:
    """Print a sentence for a person."""
    click.echo(sentence, err=True)


def _colour() -> bool | None:
    """Whether to print colours; None: if it is a terminal. See https://no-color.org."""
    return False if os.environ.get("NO_COLOR") else None


@contextmanager
def reporting(named: Path | None, form: showing.Format, *, counts: bool = False) -> Iterator[Screen]:
    """End the command with what is wrong, counted if asked; say of an unforeseen error that it is our fault."""
    screen = Screen(form, named or site_file.find(Path.cwd()))
    try:
        with interrupts.once(signal.SIGINT, signal.SIGTERM):
            yield screen
    except FathomError as error:
        screen.problems(error.problems)
        if counts:
            screen.note(counted(len(error.problems), "error"))
        sys.exit(1)
    except KeyboardInterrupt:
        tell("Interrupted.")
        sys.exit(130)  # as a shell tells of it
    except click.ClickException:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            raise  # whoever reads our output has read enough
        traceback.print_exc()
        tell(
            "fathom: this is a fault of Fathom, not of the site.\n"
            "  Please report it with the lines above and what `fathom --version --verbose` prints."
        )
        sys.exit(3)
