"""Reads a site's `mkdocs.yml` as MkDocs does, without MkDocs: with `INHERIT`, `!ENV`, and the lines of our options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .config import Config, build
from .errors import FathomError
from .model import Span

NAMES = ("fathom", "mkdocs_fathom.markdown_extension", "mkdocs_fathom.markdown_extension:FathomExtension")
"""What our plugin and our Markdown extension may be called."""
_FILES = ("mkdocs.yml", "mkdocs.yaml")


@dataclass(frozen=True, slots=True)
class SiteFile:
    """What a site's file says."""

    data: Mapping[str, Any]
    """All of it, what it inherits put in."""
    places: Mapping[str, Span]
    """Where our options stand, by name; `fathom`, where they begin, `plugins` and `docs_dir`."""
    folder: Path
    """Its folder."""
    name: str
    """Its name in that folder."""

    @property
    def options(self) -> dict[str, Any]:
        """Our options: those of the Markdown extension, and above them those of the plugin."""
        return {**_entry(self.data.get("markdown_extensions")), **_entry(self.data.get("plugins"))}

    @property
    def uses_fathom(self) -> bool:
        """Whether our plugin or our Markdown extension is among the site's."""
        lists = (self.data.get("plugins"), self.data.get("markdown_extensions"))
        return any(_named(item) for entries in lists if isinstance(entries, list | dict) for item in entries)


def find(folder: Path) -> Path:
    """The site's file in a folder, by the names that MkDocs looks for; the first of them where there is none."""
    return next((file for name in _FILES if (file := folder / name).is_file()), folder / _FILES[0])


def load(file: Path) -> Config:
    """The options of a site.

    Raises:
        FathomError: There is no such file, it is no YAML, or an option is wrong.
    """
    return configure(read(file))


def configure(site: SiteFile) -> Config:
    """The options of a site whose file is read.

    Raises:
        FathomError: An option is wrong, or there is no folder of pages.
    """
    docs = site.folder / str(site.data.get("docs_dir") or "docs")
    if not docs.is_dir():
        span = site.places.get("docs_dir") or Span("mkdocs.yml", 1)
        raise FathomError.at(span, f"there is no folder `{docs}` for pages", "Make it, or mend `docs_dir`.")
    return build(site.folder, docs, site.options, Span("mkdocs.yml", 1), site.places)


def read(file: Path) -> SiteFile:
    """What a site's file says.

    Raises:
        FathomError: There is no such file, or it is no YAML.
    """
    folder = file.absolute().parent.resolve()
    return _read(folder / file.name, folder, ())


def _read(file: Path, root: Path, above: tuple[Path, ...]) -> SiteFile:
    """Read a file and those that it inherits from; `above` are those that inherit from it."""
    name = Path(os.path.relpath(file, root)).as_posix()
    node, data = _parse(file, name)
    places = _places(node, name)
    if "INHERIT" not in data:
        return SiteFile(data, places, root, name)
    parent = Path(os.path.normpath(file.parent / str(data.pop("INHERIT"))))
    if parent in (*above, file):
        raise FathomError.at(Span(name, 1), "`INHERIT` goes in a circle", "Take it out of one of the files.")
    base = _read(parent, root, (*above, file))
    return SiteFile(_merged(base.data, data), {**base.places, **places}, root, name)


def _parse(file: Path, name: str) -> tuple[yaml.Node | None, dict[str, Any]]:
    """A file as YAML's nodes, which know their lines, and as data."""
    start = Span(name, 1)
    loader = None
    try:
        loader = _Loader(file.read_text(encoding="utf-8-sig"))
        node = loader.get_single_node()
        data = loader.construct_document(node) if node else {}
    except OSError as error:
        hint = "Run this in the folder of `mkdocs.yml`, or name it with `-f`."
        raise FathomError.at(start, f"cannot read it: {error.strerror}", hint) from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # PyYAML lets all of these escape, from scalars that look like a date and are none, say.
        mark = getattr(error, "problem_mark", None)
        span = Span(name, mark.line + 1, mark.column + 1) if mark else start
        what = f"not YAML: {getattr(error, 'problem', None) or error}"
        raise FathomError.at(span, what, "Mend the file.") from error
    finally:
        if loader:
            loader.dispose()
    if not isinstance(data, dict):
        raise FathomError.at(start, "not a mapping of options", "Begin with `site_name: …`.")
    return node, data


class _Loader(yaml.SafeLoader):
    """Knows MkDocs' tag `!ENV`; lets other tags (`!relative`, `!!python/name:…`) stand for nothing."""


def _environment(loader: _Loader, node: yaml.Node) -> Any:
    """`!ENV NAME` or `!ENV [NAME, …, default]`: the first variable that is set."""
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    names = [str(item.value) for item in (nodes[:-1] if len(nodes) > 1 else nodes)]
    for name in names:
        if name in os.environ:
            value = os.environ[name]
            tag = loader.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]  # as is PyYAML
            return loader.construct_object(yaml.ScalarNode(tag, value, node.start_mark))
    return loader.construct_object(nodes[-1]) if len(nodes) > 1 else None


_Loader.add_multi_constructor("", lambda _loader, _suffix, _node: None)
_Loader.add_constructor("!ENV", _environment)


def _merged(base: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The inherited data below the file's own: mappings are merged, everything else is replaced."""
    both = {key for key in base if isinstance(base[key], Mapping) and isinstance(data.get(key), Mapping)}
    return {**base, **data, **{key: _merged(base[key], data[key]) for key in both}}


def _named(entry: Any) -> bool:
    """Whether an item of a list of plugins or extensions is ours."""
    return any(name in NAMES for name in entry) if isinstance(entry, Mapping) else entry in NAMES


def _entry(entries: Any) -> Mapping[str, Any]:
    """Our options in a list of plugins or extensions, in any of MkDocs' three spellings."""
    # What is neither a mapping nor a list is MkDocs' to refuse.
    for entry in [entries] if isinstance(entries, Mapping) else entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and _named(entry):
            options = next(value for name, value in entry.items() if name in NAMES)
            return options if isinstance(options, Mapping) else {}
    return {}


def _places(node: yaml.Node | None, name: str) -> dict[str, Span]:
    """Where our options stand."""
    found: dict[str, Span] = {}
    for key, value in _pairs(node):
        if key.value in {"docs_dir", "plugins"}:
            found[key.value] = _span(key, name)
        if key.value in {"plugins", "markdown_extensions"}:
            entries = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for ours, options in (pair for entry in entries for pair in _pairs(entry) if pair[0].value in NAMES):
                found["fathom"] = _span(ours, name)
                found |= {str(option.value): _span(option, name) for option, _ in _pairs(options)}
    return found


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _span(node: yaml.Node, name: str) -> Span:
    return Span(name, node.start_mark.line + 1, node.start_mark.column + 1)
