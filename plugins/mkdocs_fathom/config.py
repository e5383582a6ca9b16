"""The options: typed, with defaults; an unknown key is refused with the nearest known name.

They stand under `plugins: - fathom:` in `mkdocs.yml`, or under `markdown_extensions: - fathom:` for a host that
runs Markdown extensions only; `site_file` reads them from there.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

from .errors import FathomError, Problem
from .model import Depth, Span

DEFAULT_DEPTHS = (Depth("SHALLOW", "Shallow"), Depth("DEEP", "Deep"))
_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def _option(doc: str, convert: Callable[[Any], Any], default: Any) -> Any:
    """A field of `Config` with the line that the reference prints and the check that its value passes."""
    return field(default=default, metadata={"doc": doc, "convert": convert})


def _strings(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(item, str) and item for item in values):
        raise ValueError("expected a list of strings")
    return tuple(values)


def _patterns(value: Any) -> tuple[str, ...]:
    patterns = _strings(value)
    if not patterns or any(pattern.startswith("/") or ".." in pattern.split("/") for pattern in patterns):
        raise ValueError("expected patterns below `docs_dir`, such as `course/**/*.md`")
    return patterns


def _variables(value: Any) -> tuple[str, ...]:
    names = _strings(value)
    own = [name for name in names if name.startswith(("PYTHON", "FATHOM_"))]
    if own:
        raise ValueError(f"`{own[0]}` is set by Fathom itself")
    return names


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a string")  # noqa: TRY004 - one error type for a wrong value in a file
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected `true` or `false`")  # noqa: TRY004 - as for strings
    return value


def _whole(first: int, last: int = 2**31) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not first <= value <= last:
            raise ValueError(f"expected a whole number from {first} to {last}")
        return value

    return convert


def _format(value: Any) -> str:
    if value not in ("svg", "png"):
        raise ValueError("expected `svg` or `png`")
    return str(value)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError("expected a number of seconds above 0")
    return float(value)


def parse_size(value: Any) -> int:
    """Bytes from `2 GiB`, `512 MiB` or a whole number of bytes.

    Raises:
        ValueError: It is none of these, or not above 0.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(value))
    if not match or match[2] not in _UNITS or isinstance(value, bool):
        raise ValueError("expected a size such as `2 GiB` or `512 MiB`")
    size = float(match[1]) * _UNITS[match[2]]
    if not 1 <= size < 2**63:
        raise ValueError("expected a size from 1 byte to 8 EiB")
    return int(size)


def _depths(value: Any) -> tuple[Depth, ...]:
    """Depths from `[{name: SHALLOW, label: Shallow}, …]` or `[SHALLOW, DEEP]`, shallowest first."""
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("expected a list of depths, shallowest first")
    depths = []
    for item in value:
        if isinstance(item, Depth):
            depths.append(item)
            continue
        entry = {"name": item} if isinstance(item, str) else item
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str) or set(entry) - {"name", "label"}:
            raise ValueError("expected each depth as a name, or as `name:` and `label:`")
        name = entry["name"]
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise ValueError(f"the depth `{name}` must be a word in capitals, as its marker writes it")
        label = entry.get("label", name.capitalize().replace("_", " "))
        if not isinstance(label, str) or not label.strip():
            raise ValueError(f"the label of `{name}` must be a text")
        depths.append(Depth(name, label))
    if len({depth.name for depth in depths}) != len(depths):
        raise ValueError("a depth is named twice")
    return tuple(depths)


@dataclass(frozen=True)
class Config:
    """Every option of a site. Not slotted: `cached_property` needs a `__dict__`."""

    root: Path
    """The project's root: the folder of `mkdocs.yml`."""
    docs: Path
    """The folder of the pages."""
    places: Mapping[str, Span] = field(default_factory=dict, compare=False)
    """Where the options stand, by name; `fathom` for those that are not written anywhere."""

    chapters: tuple[str, ...] = _option("Which pages are chapters: patterns below `docs_dir`.", _patterns, ("**/*.md",))
    depths: tuple[Depth, ...] = _option("The reading depths, shallowest first.", _depths, DEFAULT_DEPTHS)
    default_depth: str = _option("The depth a reader meets first; empty: the first one.", _string, "")
    include: tuple[str, ...] = _option("Folders where `--8<--` looks for files.", _strings, ("snippets",))
    pythonpath: tuple[str, ...] = _option("Folders from which cells import.", _strings, (".",))
    cache: str = _option("The folder of the store.", _string, ".cache/fathom")
    cache_readonly: bool = _option("Whether the store is read but never written.", _flag, default=False)
    cache_size: int = _option("How large the store may grow before the least used entries go.", parse_size, 2**30)
    preload: tuple[str, ...] = _option(
        "Modules that are imported once, before workers are forked.",
        _strings,
        ("IPython", "numpy", "matplotlib.pyplot"),
    )
    jobs: int = _option("How many chapters run at once; 0: as many as there are processors.", _whole(0), 0)
    timeout: float = _option("Seconds that a cell may take.", _seconds, 60.0)
    memory: int = _option("Memory that a worker may allocate.", parse_size, 2 * 2**30)
    output: int = _option("Bytes that a cell may print.", parse_size, 2**20)
    processes: int = _option("Processes that a chapter may have at once.", _whole(1), 32)
    environment: tuple[str, ...] = _option("Environment variables that cells may see, by name.", _variables, ())
    seed: int = _option("Seed of `hash`, `random` and NumPy's global generator.", _whole(0, 2**32 - 1), 0)
    ignore: tuple[str, ...] = _option("Rules of `fathom check` that are switched off, by name.", _strings, ())
    notebooks: bool = _option("Whether each chapter can be downloaded as a notebook.", _flag, default=True)
    figure_format: str = _option("How Matplotlib figures are drawn: `svg` or `png`.", _format, "svg")
    late_theme: bool = _option(
        "Whether the theme's script waits until the reader does something.", _flag, default=False
    )
    content_security_policy: bool = _option(
        "Whether each finished page lets run only what the theme has put into it.", _flag, default=False
    )

    @cached_property
    def cache_dir(self) -> Path:
        """The store's folder."""
        return (self.root / self.cache).resolve()

    @cached_property
    def worker_count(self) -> int:
        """How many chapters run at once."""
        if self.jobs:
            return self.jobs
        # The processors that this process may use, where the system tells; not all that there are.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @cached_property
    def start_depth(self) -> str:
        """The name of the depth that a reader meets first."""
        return self.default_depth or self.depths[0].name

    def relative(self, path: Path) -> str:
        """The path as errors show it: POSIX, relative to the root where it lies below it."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def place(self, option: str) -> Span:
        """Where an option stands, or would stand."""
        return self.places.get(option) or self.places.get("fathom") or Span("mkdocs.yml", 1)


def option_fields() -> list[dataclasses.Field[Any]]:
    """The options that a site may set, in the order of the reference."""
    return [item for item in dataclasses.fields(Config) if "doc" in item.metadata]


def build(
    root: Path, docs: Path, options: Mapping[str, Any], source: Span, places: Mapping[str, Span] | None = None
) -> Config:
    """A checked `Config` from what a site's file says.

    Args:
        root: The folder of `mkdocs.yml`.
        docs: The folder of the pages.
        options: Keys and values as the file has them.
        source: Where they stand, for errors.
        places: Where each of them stands, as far as that is known.

    Raises:
        FathomError: A key is unknown or a value is of the wrong kind; all of them in one go.
    """
    known = {item.name: item for item in option_fields()}
    places = {"fathom": source, **(places or {})}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in options.items():
        span = places.get(str(key), places["fathom"])
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Known options: {', '.join(known)}."
            problems.append(Problem(span, f"unknown option `{key}` of fathom", hint))
            continue
        try:
            values[key] = known[key].metadata["convert"](value)
        except ValueError as error:
            problems.append(Problem(span, f"option `{key}` of fathom: {error}", known[key].metadata["doc"]))
    if problems:
        raise FathomError(problems)
    config = Config(root.resolve(), docs.resolve(), places, **values)
    _check_together(config)
    return config


def _check_together(config: Config) -> None:
    """Refuse values that are right by themselves and wrong together."""
    names = [depth.name for depth in config.depths]
    if config.start_depth not in names:
        what = f"option `default_depth` of fathom: no depth `{config.default_depth}`"
        raise FathomError.at(config.place("default_depth"), what, f"Depths: {', '.join(names)}.")


def option_types() -> dict[str, Any]:
    """The options' types by name, for the generated reference."""
    hints = get_type_hints(Config)
    return {item.name: hints[item.name] for item in option_fields()}
