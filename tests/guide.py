"""What the author's guide is made with: small sites from the examples of a page, and the real commands run in them.

A page shows a file as a fence with a `title`; `TinySite.take` writes those of a section into a folder of its own, and
`TinySite.run` prints what a command says there. So what a reader sees is what was tried.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mkdocs_fathom
from tests import messages

_FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=ticks)[ ]*$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]*)"')
_HEADING = re.compile(r"^#{1,6} (.+?)(?: \{[^}]*\})?$", re.MULTILINE)
_SHOWN = re.compile(r"^;(?=-+8<-)", re.MULTILINE)
_SECONDS = re.compile(r"\d+\.\d+( ?s\b| seconds\b)")
_COLUMN = re.compile(r" {2,}(?:\d+\.\d+( s)\b|\d{4}-\d\d-\d\d \d\d:\d\d)")
_SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Example:
    """A fence of a page."""

    language: str
    """Its language."""
    title: str
    """Its title: a file's name, where it is a file; empty where it has none."""
    body: str
    """What stands in it."""
    at: int
    """Where it begins in the page."""


def examples(page: str) -> list[Example]:
    """All fences of a page, in order; those within a fence are part of it."""
    found = []
    for match in _FENCE.finditer(page):
        title = _TITLE.search(match["info"])
        language = match["info"].split(" ")[0]
        # A page shows an include with a semicolon before it, so that it is not put in there.
        body = _SHOWN.sub("", match["body"])
        found.append(Example(language, title[1] if title else "", body, match.start()))
    return found


def section(page: str, heading: str) -> list[Example]:
    """The fences below a heading, up to the next one.

    Raises:
        LookupError: There is no such heading.
    """
    fences = examples(page)
    inside = [(match.start(), match.end()) for match in _FENCE.finditer(page)]
    headings = [
        match for match in _HEADING.finditer(page) if not any(low < match.start() < high for low, high in inside)
    ]
    for found, following in zip(headings, [*headings[1:], None], strict=True):
        if found[1] == heading:
            end = following.start() if following else len(page)
            return [each for each in fences if found.start() < each.at < end]
    raise LookupError(f"no section {heading!r}")


class Said(str):
    """What a command has said; a cell that ends with it does not show it once more."""

    __slots__ = ()

    def _ipython_display_(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class TinySite:
    """A site in a folder of its own."""

    folder: Path
    """The folder."""
    page: str
    """The Markdown of the page whose examples it takes."""

    def take(self, heading: str) -> None:
        """Write the files that a section of the page shows."""
        for each in section(self.page, heading):
            if each.title:
                self.write(each.title, each.body)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run(self, command: str, *, status: int, lines: int | None = None) -> Said:
        """Print a command and what it says, without seconds and without this machine's folders.

        Args:
            command: What an author types in the site's folder.
            status: The exit status that it must end with.
            lines: How much of it to print, where the rest is different each time.

        Raises:
            AssertionError: It ends with another status.
        """
        _look_at_sources()
        program, *arguments = shlex.split(command)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FATHOM_")}
        done = subprocess.run(
            [_SCRIPTS / program, *arguments],
            cwd=self.folder,
            env=inherited | {"NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1", "COLUMNS": "80"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        said = list(self._lines(done.stdout))
        shown = said if lines is None else [*said[:lines], "…"]
        print(f"$ {command}", *shown, sep="\n")  # noqa: T201 - a cell shows it
        assert done.returncode == status, f"`{command}` ended with {done.returncode}"

        return Said("\n".join(shown))

    def _lines(self, text: str) -> Iterator[str]:
        for folder in (str(self.folder.resolve()), str(self.folder.absolute())):
            text = text.replace(f"{folder}/", "").replace(folder, ".")
        # In a table, the column keeps its width.
        text = _COLUMN.sub(lambda match: f"…{match[1] or ''}".rjust(len(match[0])), text)
        yield from _SECONDS.sub(r"…\1", text).rstrip().splitlines()


@functools.cache
def _look_at_sources() -> None:
    """Let the run depend on our own code: what a child process reads is not seen."""
    for file in messages.sources(Path(mkdocs_fathom.__file__).parent):
        file.read_bytes()
