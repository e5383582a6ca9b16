"""The options: typed, with defaults; an unknown key is refused with the nearest known name.

They stand under `plugins: - fathom:` in `mkdocs.yml`, or under `markdown_extensions: - fathom:` for a host that
runs Markdown extensions only.
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

import yaml

from .errors import FathomError, Problem
from .model import Depth, Span

DEFAULT_DEPTHS = (Depth("SHALLOW", "Shallow"), Depth("DEEP", "Deep"))
_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def _option(doc: str, convert: Callable[[Any], Any], default: Any) -> Any:
    """A field of `Config` with the line that the reference prints and the check that its value passes."""
    return field(default=default, metadata={"doc": doc, "convert": convert})


def _strings(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(item, str) for item in values):
        raise ValueError("expected a list of strings")
    return tuple(values)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a string")  # noqa: TRY004 - one error type for a wrong value in a file
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("expected a whole number that is not negative")
    return value


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
    size = int(float(match[1]) * _UNITS[match[2]])
    if size <= 0:
        raise ValueError("expected a size above 0")
    return size


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

    chapters: tuple[str, ...] = _option("Which pages are chapters: patterns below `docs_dir`.", _strings, ("**/*.md",))
    depths: tuple[Depth, ...] = _option("The reading depths, shallowest first.", _depths, DEFAULT_DEPTHS)
    default_depth: str = _option("The depth a reader meets first; empty: the first one.", _string, "")
    include: tuple[str, ...] = _option("Folders where `--8<--` looks for files.", _strings, ("snippets",))
    pythonpath: tuple[str, ...] = _option("Folders from which cells import.", _strings, (".",))
    cache: str = _option("The folder of the store.", _string, ".cache/fathom")
    cache_readonly: bool = _option("Whether the store is read but never written.", bool, default=False)
    cache_size: int = _option("How large the store may grow before the least used entries go.", parse_size, 2**30)
    preload: tuple[str, ...] = _option(
        "Modules that are imported once, before workers are forked.",
        _strings,
        ("IPython", "numpy", "matplotlib.pyplot"),
    )
    jobs: int = _option("How many chapters run at once; 0: as many as there are processors.", _whole, 0)
    timeout: float = _option("Seconds that a cell may take.", _seconds, 60.0)
    memory: int = _option("Memory that a worker may allocate.", parse_size, 2 * 2**30)
    output: int = _option("Bytes that a cell may print.", parse_size, 2**20)
    processes: int = _option("Processes that a chapter may have at once.", _whole, 32)
    environment: tuple[str, ...] = _option("Environment variables that cells may see, by name.", _strings, ())
    seed: int = _option("Seed of `hash`, `random` and NumPy's global generator.", _whole, 0)
    figure_format: str = _option("How Matplotlib figures are drawn: `svg` or `png`.", _string, "svg")

    @cached_property
    def cache_dir(self) -> Path:
        """The store's folder."""
        return (self.root / self.cache).resolve()

    @cached_property
    def worker_count(self) -> int:
        """How many chapters run at once."""
        return self.jobs or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @cached_property
    def start_depth(self) -> str:
        """The name of the depth that a reader meets first."""
        return self.default_depth or self.depths[0].name

    def relative(self, path: Path) -> str:
        """The path as errors show it: POSIX, relative to the root where it lies below it."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()


def option_fields() -> list[dataclasses.Field[Any]]:
    """The options that a site may set, in the order of the reference."""
    return [item for item in dataclasses.fields(Config) if "doc" in item.metadata]


def build(root: Path, docs: Path, options: Mapping[str, Any], source: Span) -> Config:
    """A checked `Config` from what a site's file says.

    Args:
        root: The folder of `mkdocs.yml`.
        docs: The folder of the pages.
        options: Keys and values as the file has them.
        source: Where they stand, for errors.

    Raises:
        FathomError: A key is unknown or a value is of the wrong kind; all of them in one go.
    """
    known = {item.name: item for item in option_fields()}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in options.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Known options: {', '.join(known)}."
            problems.append(Problem(source, f"unknown option `{key}` of fathom", hint))
            continue
        try:
            values[key] = known[key].metadata["convert"](value)
        except ValueError as error:
            problems.append(Problem(source, f"option `{key}` of fathom: {error}", known[key].metadata["doc"]))
    if problems:
        raise FathomError(problems)
    config = Config(root.resolve(), docs.resolve(), **values)
    _check_together(config, source)
    return config


def _check_together(config: Config, source: Span) -> None:
    """Refuse values that are right by themselves and wrong together."""
    names = [depth.name for depth in config.depths]
    if config.start_depth not in names:
        raise FathomError.at(
            source, f"option `default_depth` of fathom: no depth `{config.default_depth}`", f"Depths: {', '.join(names)}."
        )
    if config.figure_format not in {"svg", "png"}:
        raise FathomError.at(
            source, f"option `figure_format` of fathom: `{config.figure_format}`", "Use `svg` or `png`."
        )


class _Loader(yaml.SafeLoader):
    """Reads `mkdocs.yml` and lets its tags (`!ENV`, `!!python/name:…`) stand for nothing."""


_Loader.add_multi_constructor("", lambda _loader, _suffix, _node: None)


def load(file: Path) -> Config:
    """The options as `mkdocs.yml` gives them, read without importing MkDocs.

    Raises:
        FathomError: There is no such file, it is no YAML, or an option is wrong.
    """
    source = Span(file.name, 1)
    try:
        data = yaml.load(file.read_text(encoding="utf-8-sig"), _Loader)  # noqa: S506 - a SafeLoader that drops tags
    except OSError as error:
        raise FathomError.at(
            source, f"cannot read it: {error.strerror}", "Run this in the folder of `mkdocs.yml`, or name it with `-f`."
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        span = Span(file.name, mark.line + 1, mark.column + 1) if mark else source
        raise FathomError.at(span, f"not YAML: {getattr(error, 'problem', error)}", "Mend the file.") from error
    data = data if isinstance(data, Mapping) else {}
    root = file.resolve().parent
    docs = root / str(data.get("docs_dir", "docs"))
    options = _entry(data.get("plugins")) or _entry(data.get("markdown_extensions")) or {}
    return build(root, docs, options, source)


def _entry(entries: Any) -> Mapping[str, Any]:
    """What stands under `fathom` in a list of plugins or extensions, in any of MkDocs' three spellings."""
    if isinstance(entries, Mapping):
        return entries.get("fathom") or {}
    for entry in entries or ():
        if isinstance(entry, Mapping) and "fathom" in entry:
            return entry["fathom"] or {}
    return {}


def option_types() -> dict[str, Any]:
    """The options' types by name, for the generated reference."""
    hints = get_type_hints(Config)
    return {item.name: hints[item.name] for item in option_fields()}
