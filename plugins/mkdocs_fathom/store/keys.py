"""What the results of one reading path depend on: what is known before its run, and what the run was seen to use.

The first becomes the path's key. The second is the run's dependencies, whose present states an `Observer` tells. Lines
are no part of a key, so that editing prose runs nothing again; nor are deadlines and memory limits, which decide
whether a run succeeds and not what it yields.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
import os
import platform
import stat
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..config import Config
from ..model import Cell, Chapter, Dependency
from ..parsing import paths

ABSENT = "absent"
"""The state of what does not exist."""
_ENGINE = ("running/*.py", "artifacts.py", "model.py", "parsing/paths.py", "store/keys.py", "assets/matplotlibrc")
"""The files that decide results, below the package's folder."""
_OPTIONS = ("figure_format", "output", "preload", "pythonpath", "seed")
"""The site's options that can change a result."""
Current = Callable[[str, str], str]
"""The present state of a dependency, by kind and name."""


def components(chapter: Chapter, depth: str, config: Config, engine: str = "") -> dict[str, str]:
    """All that decides the results of a path and is known before its run, under names that a person understands.

    A cell stands under its number among the chapter's cells, counted from 1, because results carry that number.

    Args:
        chapter: The chapter.
        depth: The path's depth.
        config: The site's options.
        engine: What `own_version` says; for who asks for many paths, because that looks at many files.
    """
    return {
        "chapter": chapter.path,
        "depth": depth,
        "python": python_version(),
        "engine": engine or own_version(),
        **{f"option {name}": json.dumps(getattr(config, name)) for name in _OPTIONS},
        **{f"environment {name}": _variable(name) for name in sorted(set(config.environment))},
        "needs": json.dumps(chapter.needs),
        **{f"cell {cell.number + 1}": _cell(cell) for cell in paths.reading_paths(chapter)[depth]},
    }


def path_key(parts: Mapping[str, str]) -> str:
    """The key of a path: SHA-256 of its components, in hexadecimal."""
    return _digest(json.dumps(list(parts.items())))


def python_version() -> str:
    """The interpreter and the platform, as far as results can depend on them."""
    optimize = f", -{'O' * sys.flags.optimize}" if sys.flags.optimize else ""  # takes `assert` out of the cells
    return f"{platform.python_version()} ({sys.implementation.name}, {sysconfig.get_platform()}{optimize})"


def own_version() -> str:
    """The version of Fathom that runs cells now."""
    return engine_version(Path(__file__).parents[1])


def engine_version(folder: Path) -> str:
    """Our version and a digest of the files that decide results.

    Args:
        folder: The package's folder.
    """
    files = sorted(file for pattern in _ENGINE for file in folder.glob(pattern))
    stamps = tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    return f"{__version__}+{_engine_digest(folder, stamps)[:16]}"


@functools.lru_cache(maxsize=4)
def _engine_digest(folder: Path, stamps: tuple[tuple[Path, int, int], ...]) -> str:
    """The stamps are for the memory of this function: the digest is of names and contents."""
    contents = [(file.relative_to(folder).as_posix(), file.read_text(encoding="utf-8")) for file, _, _ in stamps]
    return _digest(json.dumps(contents))


def _cell(cell: Cell) -> str:
    """Two digests: of the code, and of what the author asked for that can change whether and how it runs.

    What it is declared to print is compared with what it has printed, whenever that was.
    """
    options = cell.options
    asked = json.dumps([options.raises, options.may_raise, options.network])
    return f"{_digest(cell.source)}-{_digest(asked)}"


def _variable(name: str) -> str:
    """An environment variable's state. Its value may be a secret, and components are stored: hence the digest."""
    value = os.environ.get(name)
    return ABSENT if value is None else _digest(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Surroundings:
    """The present states of files, folders and distributions: looked at once, and shared by the chapters of a build."""

    def __init__(self, root: Path) -> None:
        """Nothing is looked at yet; names of files are relative to `root`."""
        self._root = root
        self._states: dict[tuple[str, str], str] = {}

    def state(self, kind: str, name: str) -> str:
        """The state of a `file`, `directory` or `distribution`."""
        if (kind, name) not in self._states:
            look = {"file": file_state, "directory": directory_state}.get(kind)
            self._states[kind, name] = look(self._root / name) if look else distribution_state(name)
        return self._states[kind, name]


class Observer:
    """The present state of whatever a chapter's runs may depend on.

    Artifacts are digests by `chapter path#name`; lines are what `places` says, by the cell's number.
    """

    def __init__(
        self,
        root: Path,
        artifacts: Mapping[str, str],
        lines: Mapping[str, str],
        surroundings: Surroundings | None = None,
    ) -> None:
        self._own = {"artifact": artifacts, "line": lines}
        self._surroundings = surroundings or Surroundings(root)

    def state(self, kind: str, name: str) -> str:
        """The state as a `Dependency` carries it."""
        if kind in self._own:
            return self._own[kind].get(name, ABSENT)
        return self._surroundings.state(kind, name)


def places(cell: Cell) -> str:
    """A digest of the places that a cell's lines have in their files."""
    return _digest(json.dumps([(cell.span.path, cell.span.line), *cell.origins]))


def file_state(path: Path) -> str:
    """SHA-256 of a file's bytes, or one word: `absent`, `directory`, `special` or `unreadable`."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return "directory"
        if not stat.S_ISREG(mode):
            return "special"  # reading a pipe would wait for its writer
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        return _missing(error)


def directory_state(path: Path) -> str:
    """SHA-256 of the sorted names in a folder, or one word: `absent`, `file` or `unreadable`."""
    try:
        names: Iterable[str] = os.listdir(path)  # noqa: PTH208 - names are what is wanted, not paths
    except NotADirectoryError:
        return "file" if path.exists() else ABSENT
    except (OSError, ValueError) as error:
        return _missing(error)
    # Python writes `__pycache__` while a run imports, so that the run itself would undo its own dependency.
    return _digest(json.dumps(sorted(name for name in names if name != "__pycache__")))


def _missing(error: Exception) -> str:
    """The word for what cannot be read. A name that no file can have (ValueError) names no file."""
    absent = isinstance(error, FileNotFoundError | NotADirectoryError | ValueError)
    return ABSENT if absent else "unreadable"


def distribution_state(name: str) -> str:
    """The version of an installed distribution, or `absent`."""
    import importlib.metadata  # takes longer to import than all of this package

    try:
        return str(importlib.metadata.version(name))
    except (importlib.metadata.PackageNotFoundError, ValueError, KeyError):
        return ABSENT


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that has changed since a path ran last, so that it runs again."""

    kind: str
    """`never` (no earlier run is known), `lost` (its results are gone), the first word of a component, the kind of a
    dependency, `chapter` (one that it needs would run), or `depth` (another path of the chapter would run)."""
    name: str
    """What changed: the rest of the component's name, or the dependency's name. Cells count from 1 as components do,
    and from 0 in the kind `line`."""
    before: str = ""
    """Its state at the last run; empty where it is new."""
    after: str = ""
    """Its state now; empty where it is gone."""

    def __str__(self) -> str:
        match self.kind:
            case "cell":
                return self._cell()
            case "file" | "artifact" | "environment":
                verb = {self.before: "is new", self.after: "is gone"}.get(ABSENT, "changed")
                return f"{self._noun()} {verb}"
            case "directory":
                return f"the names in `{self.name}` changed"
            case "line":
                cell = int(self.name) + 1 if self.name.isdecimal() else self.name
                return f"an output shows the line of cell {cell}, which moved"
            case "chapter":
                return f"`{self.name}`, which it needs, would run"
            case "depth":
                return f"the path of {self.name} would run, and a chapter's artifacts come from one run"
        words = {"never": "it has not run without failure yet", "lost": "its stored results are gone"}
        return words.get(self.kind) or f"{self._noun()} {self.before or ABSENT} -> {self.after or ABSENT}"

    def _noun(self) -> str:
        chapter, _, artifact = self.name.partition("#")
        return {
            "python": "Python",
            "engine": "Fathom",
            "needs": "`needs:`",
            "distribution": self.name,
            "file": f"`{self.name}`",
            "artifact": f"the artifact `{artifact}` of `{chapter}`",
            "environment": f"the environment variable `{self.name}`",
            "option": f"the option `{self.name}`",
        }.get(self.kind, f"{self.kind} {self.name}".strip())

    def _cell(self) -> str:
        if not self.before or not self.after:
            return f"cell {self.name} is {'new' if self.after else 'gone'}"
        if self.before == self.after:
            return f"cell {self.name} had another number"
        half = "options" if self.before.split("-")[0] == self.after.split("-")[0] else "code"
        return f"the {half} of cell {self.name} changed"


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Reason, ...]:
    """What changed between the components of two runs of a path."""
    names = [name for name in {**before, **after} if not name.startswith("cell ")]
    reasons = [
        Reason(*_split(name), before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    ]
    return (*reasons, *_cell_differences(_cells(before), _cells(after)))


def changes(dependencies: Iterable[Dependency], current: Current) -> Iterator[Reason]:
    """The dependencies that no longer hold, given their present states by kind and name."""
    for item in dependencies:
        state = current(item.kind, item.name)
        if state != item.state:
            yield Reason(item.kind, item.name, item.state, state)


def _split(name: str) -> tuple[str, str]:
    kind, _, rest = name.partition(" ")
    return kind, rest


def _cells(parts: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(_split(name)[1], state) for name, state in parts.items() if name.startswith("cell ")]


def _cell_differences(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> list[Reason]:
    """Compare as `diff` does, so that a new cell does not make every cell after it a changed one."""
    states = [state for _, state in before], [state for _, state in after]
    reasons: list[Reason] = []
    for what, i, i_end, j, j_end in difflib.SequenceMatcher(None, *states, autojunk=False).get_opcodes():
        if what != "equal":
            both = min(i_end - i, j_end - j)
            reasons += [Reason("cell", after[j + k][0], before[i + k][1], after[j + k][1]) for k in range(both)]
            reasons += [Reason("cell", name, state, "") for name, state in before[i + both : i_end]]
            reasons += [Reason("cell", name, "", state) for name, state in after[j + both : j_end]]
    moved = (Reason("cell", new[0], old[1], new[1]) for old, new in zip(before, after, strict=False) if old != new)
    return reasons or list(moved)[:1]
