"""The nouns of Fathom: frozen, slotted values that every other module exchanges.

Lines and columns are counted from 1, as editors do. Positions in `Chapter.lines` are counted from 0, as lists are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = dict[str, Any]
"""A JSON object: what crosses a process boundary or enters the store."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file of the author's."""

    path: str
    """POSIX path, relative to the project's root, as errors show it."""
    line: int
    """Line, counted from 1."""
    column: int = 1
    """Column, counted from 1."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Depth:
    """A reading depth: SHALLOW, DEEP, or what the site calls its own."""

    name: str
    """The word in the marker: `SHALLOW` in `<!-- SHALLOW -->`."""
    label: str
    """What the tab says to a reader."""

    @property
    def slug(self) -> str:
        """The name as ids, addresses and data attributes carry it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chapter after its includes were put in."""

    text: str
    """The line without its line ending."""
    path: str
    """The file it stands in: the chapter's own, or an included one's."""
    number: int
    """Its line in that file, counted from 1."""


@dataclass(frozen=True, slots=True)
class Heading:
    """An ATX heading (`## …`) outside fences and comments."""

    level: int
    """1 to 6."""
    text: str
    """The heading's Markdown, without hashes and without an attribute list."""
    index: int
    """Its position in `Chapter.lines`."""
    depth: str | None
    """The depth whose region it stands in; None where it is shared."""


@dataclass(frozen=True, slots=True)
class Region:
    """What stands between a marker and its closing twin."""

    depth: str
    """The depth's name."""
    span: Span
    """Where the opening marker stands."""
    first: int
    """Position of the opening marker's line in `Chapter.lines`."""
    last: int
    """Position of the closing marker's line."""
    prefix: str
    """What stands before the marker: the container's indentation and quote signs."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may be apart and still count as the same: by either of these."""

    relative: float
    """As a part of the larger one."""
    absolute: float
    """As a number."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a cell is declared to print (`expected-output`)."""

    text: str
    """The declared standard output."""
    ignore_whitespace: bool
    """Whether white space is left out of the comparison."""
    span: Span
    """The opening fence of the block that declares it."""
    since: int | None = None
    """The first of the cells whose output it is, where `cont` has joined some; None: it is of one cell."""
    tolerance: Tolerance | None = None
    """How far numbers may be apart; None: the text is compared."""


@dataclass(frozen=True, slots=True)
class CellOptions:
    """What an author may ask of one cell, in its fence or in directives before it."""

    reason: str | None = None
    """Why the cell is exempt from running; None: it runs."""
    hide: Literal["", "code", "output", "all"] = ""
    """Which half a reader does not see."""
    setup: bool = False
    """Whether the cell is shown folded."""
    raises: str | None = None
    """The exception's name that the cell must raise; None: it must raise none."""
    may_raise: bool = False
    """Whether any exception is accepted without being required (pytest's xfail)."""
    timeout: float | None = None
    """Seconds the cell may take; None: the site's default."""
    network: bool = False
    """Whether the cell may open network connections."""
    id: str | None = None
    """The HTML id of the cell."""
    alt: str | None = None
    """The text alternative of the cell's figures."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A fence of Python."""

    number: int
    """Position among the chapter's cells, counted from 0."""
    span: Span
    """Where the opening fence stands."""
    source: str
    """The code, without the container's prefix, with includes put in; ends with a newline unless empty."""
    origins: tuple[tuple[str, int], ...]
    """File and line of each line of `source`."""
    depth: str | None
    """The depth whose region the cell stands in; None where it is shared."""
    first: int
    """Position of the opening fence's line in `Chapter.lines`."""
    last: int
    """Position of the closing fence's line."""
    prefix: str
    """What stands before the fence: the container's indentation and quote signs."""
    options: CellOptions = field(default_factory=CellOptions)
    """What the author asked for."""
    display: Mapping[str, str] = field(default_factory=dict)
    """Options for the highlighter alone: `title`, `hl_lines`, `linenums`, and `class` (classes, blank separated)."""
    marks: tuple[str, ...] = ()
    """pytest marks in the author's words: `pytest.mark.slow`."""
    expected: Expected | None = None
    """What the cell is declared to print."""

    @property
    def runs(self) -> bool:
        """Whether the cell is executed."""
        return self.options.reason is None


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence that is no cell: another language, or the declared output of a cell."""

    language: str
    """The language as written, in lower case; empty where the fence names none."""
    span: Span
    """Where the opening fence stands."""
    first: int
    """Position of the opening fence's line in `Chapter.lines`."""
    last: int
    """Position of the closing fence's line."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A page as its author wrote it, taken apart."""

    path: str
    """POSIX path relative to the project's root."""
    lines: tuple[Line, ...]
    """The whole file, front matter included, with includes put in."""
    body: int
    """Position in `lines` of the first line after the front matter."""
    meta: Mapping[str, Any]
    """The front matter."""
    needs: tuple[str, ...]
    """Chapters whose artifacts this one loads, as their authors name them: file stems or paths."""
    depths: tuple[Depth, ...]
    """The site's depths, shallowest first."""
    regions: tuple[Region, ...]
    """All regions, in order."""
    tab_sets: tuple[tuple[Region, ...], ...]
    """The regions, grouped: adjacent regions of different depths make one tab set."""
    headings: tuple[Heading, ...]
    """All headings, in order."""
    cells: tuple[Cell, ...]
    """All fences of Python, in order, exempt ones too."""
    others: tuple[Fence, ...]
    """All other fences, in order."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """What one cell did on one path."""

    number: int
    """The cell's position in `Chapter.cells`."""
    outputs: tuple[JSON, ...]
    """nbformat 4 outputs: `stream`, `execute_result`, `display_data`, `error`."""
    seconds: float
    """Wall time."""
    failure: Failure | None = None
    """Why the cell failed; None where it did what its author declared."""
    blocked_by: int | None = None
    """The cell whose failure kept this one from running; None where it ran."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a cell failed, in words for its author."""

    span: Span
    """The author's line that failed: in the chapter, or in a file that it includes."""
    what: str
    """What happened: `NameError: name 'model' is not defined`."""
    hint: str
    """What to do."""
    traceback: str = ""
    """The author's part of the traceback, plain text."""
    output: str = ""
    """What the cell had printed until then."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a chapter published."""

    name: str
    """Its name: a relative POSIX path."""
    digest: str
    """SHA-256 of its bytes, in hexadecimal; the name of its blob in the store."""
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something that a run was seen to use, and the state it was in."""

    kind: Literal["file", "directory", "distribution", "artifact", "line"]
    """`file` and `directory`: a path relative to the root (absolute outside it), state a digest or `absent`.
    `distribution`: a name, state a version. `artifact`: `chapter path#name`, state a digest.
    `line`: a cell's number, state a digest of its lines' places (recorded only where an output names their file)."""
    name: str
    """What was used."""
    state: str
    """The state it was in."""


@dataclass(frozen=True, slots=True)
class Run:
    """One reading path of one chapter, executed."""

    chapter: str
    """The chapter's path."""
    depth: str
    """The path's depth."""
    results: tuple[CellResult, ...]
    """One for each executed cell of the path, in order."""
    artifacts: tuple[Artifact, ...] = ()
    """What the path published."""
    dependencies: tuple[Dependency, ...] = ()
    """What the path used."""
    seconds: float = 0.0
    """Wall time."""
    cached: bool = False
    """Whether the results came from the store."""

    @property
    def failed(self) -> bool:
        """Whether any cell failed."""
        return any(result.failure for result in self.results)
