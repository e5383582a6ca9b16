"""The first cell of a notebook, which makes it run anywhere: files that its chapter imports and reads, and artifacts.

What these are, the run has told: nothing is guessed from the code. The cell is to be read by people, so files stand in
it as text.
"""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..config import Config
from ..model import Cell, Chapter, Run
from ..parsing.paths import reading_paths
from ..scheduling.report import published
from ..store.keys import ABSENT
from .addresses import Address

PACKAGE = Path(__file__).parents[1]
HELPER = "fathom_notebook"
"""The module that a notebook carries besides its library."""
LARGEST = 2**20
"""Bytes of a file that a notebook may carry."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)
_OURS = re.compile(r"^[ \t]*(?:from mkdocs_fathom import|(?:from|import) mkdocs_fathom\.)[ \t]*(\w+)", re.MULTILINE)
_STUB = '"""The part of mkdocs-fathom that this notebook needs."""\n'


@dataclass(frozen=True, slots=True)
class Sources:
    """What notebooks are made of."""

    config: Config
    """The site's options."""
    chapters: Mapping[str, Chapter]
    """Its chapters, by path."""
    runs: Mapping[str, Mapping[str, Run]]
    """Their runs, by path and depth."""
    address: Address
    """Where the site is."""

    def below_docs(self, path: str) -> str:
        """A chapter's path below the folder of pages."""
        return PurePosixPath(path).relative_to(self.config.relative(self.config.docs)).as_posix()


@dataclass(slots=True)
class _Needs:
    """What a notebook carries."""

    sources: Sources
    files: dict[str, str | bytes] = field(default_factory=dict)
    """Files by their names below the root: text, or bytes that are none."""
    large: dict[str, int] = field(default_factory=dict)
    """The sizes of files that are too large."""
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What `fathom_notebook.provide` is told of artifacts."""
    programs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What it is told of the chapters that publish them."""

    def take(self, run: Run, page: str) -> list[str]:
        """Take in what a path used; returns the artifacts that it loads itself.

        Args:
            run: The path.
            page: The page whose notebook it is.
        """
        names = []
        for item in run.dependencies:
            if item.kind == "file" and item.state != ABSENT:
                self._file(item.name)
            elif item.kind == "artifact" and item.state != ABSENT:
                path, _, name = item.name.partition("#")
                names.append(name)
                self._artifact(path, name, item.state, page)
        return names

    def _file(self, name: str) -> None:
        """Take in a file of the project; Python's own, and those of Fathom, are there or installed."""
        path = self.sources.config.root / name
        if PurePosixPath(name).is_absolute() or path.is_relative_to(PACKAGE) or not path.is_file():
            return
        data = path.read_bytes()
        if len(data) > LARGEST:
            self.large[name] = len(data)
            return
        try:
            self.files[name] = data.decode()
        except UnicodeDecodeError:
            self.files[name] = data

    def _artifact(self, path: str, name: str, digest: str, page: str) -> None:
        if name in self.artifacts:
            return
        below = self.sources.below_docs(path)
        address = self.sources.address
        place = address.artifact(below, name)
        known = [address.relative(place, page), *([address.url + place] if address.url else [])]
        self.artifacts[name] = {"chapter": path, "sha256": digest, "addresses": known}
        if path not in self.programs:
            chapter, runs = self.sources.chapters[path], self.sources.runs[path]
            run = next(run for run in runs.values() if any(item.name == name for item in run.artifacts))
            cells = publishing(reading_paths(chapter)[run.depth], {item.name for item in published(runs)})
            seconds = sum(result.seconds for result in run.results[: len(cells)])
            self.programs[path] = program = {"title": title(chapter), "seconds": round(seconds, 1), "needs": []}
            program["needs"] = self.take(run, page)
            program["cells"] = [(cell.source, bool(cell.options.raises) or cell.options.may_raise) for cell in cells]


def first_cell(chapter: Chapter, depths: Sequence[str], sources: Sources) -> str:
    """The code of a notebook's first cell.

    Args:
        chapter: The chapter.
        depths: The depths that the notebook holds.
        sources: The site.
    """
    needs = _Needs(sources)
    page = sources.below_docs(chapter.path)
    runs = [sources.runs[chapter.path][depth] for depth in depths]
    wanted = list(dict.fromkeys(name for run in runs for name in needs.take(run, page)))
    code = [cell.source for depth in depths for cell in reading_paths(chapter)[depth]]
    code += [text for text in needs.files.values() if isinstance(text, str)]
    code += [source for program in needs.programs.values() for source, _ in program["cells"]]
    package = any(name != "artifacts" for text in code for name in _OURS.findall(text))
    stub = not package and any(_OURS.search(text) for text in code)
    folder = f"{PurePosixPath(page).stem}-files"
    files = literal(_coded(needs.files, with_artifacts=stub))
    paths = list(dict.fromkeys([".", *sources.config.pythonpath]))
    given = f"{wanted!r}, {literal(needs.artifacts)}, {literal(needs.programs)}"
    lines = [
        "#@title What this notebook needs",
        f"# “{title(chapter)}”. The outputs below come from its run for the site{_versions(runs, code)}.",
        *(["# It needs Fathom itself: `pip install mkdocs-fathom`."] if package else []),
        *_about(folder, wanted, needs.large),
        "",
        f"{_asset('notebook_bring.py')}\n",
        f"bring({folder!r}, {files}, {paths!r}, {list(_THREADS)!r})",
        f"import {HELPER}\n",
        f"{HELPER}.begin({sources.config.seed})",
        *([f"{HELPER}.provide({given})"] if wanted else []),
        f"del bring, {HELPER}",
    ]
    return "\n".join(lines)


def _about(folder: str, wanted: Iterable[str], large: Mapping[str, int]) -> Iterator[str]:
    """What the cell does, in words."""
    yield f"# This cell writes what the others import and read into the folder `{folder}` beside the notebook."
    for name in wanted:
        yield f"# `{name}` comes from `artifacts` beside it, or from the site, or is computed."
    for name, size in large.items():
        yield f"# Not carried: `{name}`, {size:,} bytes. Put it at `{folder}/{name}`."


def _coded(files: Mapping[str, str | bytes], *, with_artifacts: bool) -> dict[str, str | tuple[str, str]]:
    """All files of a notebook, ours among them: text to be read, anything else in base 64."""
    ours = {f"{HELPER}.py": _asset(f"{HELPER}.py")}
    if with_artifacts:
        ours |= {"mkdocs_fathom/__init__.py": _STUB}
        ours |= {"mkdocs_fathom/artifacts.py": (PACKAGE / "artifacts.py").read_text(encoding="utf-8")}
    coded = {
        name: ("base64", base64.b64encode(content).decode()) if isinstance(content, bytes) else content
        for name, content in sorted(files.items())
    }
    return {**coded, **ours}


def _versions(runs: Sequence[Run], code: Iterable[str]) -> str:
    """Which of the packages that cells and their library import were there, as a clause."""
    imported = {name.lower() for text in code for name in _IMPORT.findall(text)}
    known = distributions(runs).items()
    versions = [f"{name} {state}" for name, state in known if name.lower().replace("-", "_") in imported]
    return f", with {' and '.join(versions)}" if versions else ""


def begin_again(sources: Sources) -> str:
    """The code of the cell between two depths: the second begins with an empty memory, as on its page."""
    return f"%reset -f\nimport {HELPER}\n\n{HELPER}.begin({sources.config.seed})\ndel {HELPER}"


def title(chapter: Chapter) -> str:
    """What a chapter is called."""
    heading = next((heading.text for heading in chapter.headings if heading.level == 1), "")
    return str(chapter.meta.get("title") or heading or PurePosixPath(chapter.path).stem)


def distributions(runs: Iterable[Run]) -> dict[str, str]:
    """The distributions that runs were seen to import, and their versions."""
    return {item.name: item.state for run in runs for item in run.dependencies if item.kind == "distribution"}


def publishing(cells: Sequence[Cell], names: set[str]) -> Sequence[Cell]:
    """A path's cells up to the last that publishes any of these artifacts; all, where a name is not written out."""
    found: dict[str, int] = {}
    for position, cell in enumerate(cells):
        found |= dict.fromkeys(_published(cell.source), position)
    return cells[: max(found[name] for name in names) + 1] if names <= set(found) else cells


def _published(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # IPython's own syntax
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("publish") and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


def _asset(name: str) -> str:
    return (PACKAGE / "assets" / name).read_text(encoding="utf-8")


def literal(value: Any, indent: int = 0) -> str:
    """A value as Python writes it, with texts of several lines as such."""
    inner = " " * (indent + 4)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        items = [f"{inner}{key!r}: {literal(item, indent + 4)},\n" for key, item in value.items()]
        return "{\n" + "".join(items) + " " * indent + "}" if items else "{}"
    if isinstance(value, list):
        items = [f"{inner}{literal(item, indent + 4)},\n" for item in value]
        return "[\n" + "".join(items) + " " * indent + "]" if items else "[]"
    if isinstance(value, tuple):
        return f"({', '.join(literal(item, indent) for item in value)})"
    return repr(value)


def _text(text: str) -> str:
    plain = "\n" in text and "'''" not in text and not text.endswith(("'", "\\"))
    return f"r'''{text}'''" if plain and "\r" not in text and "\0" not in text else repr(text)
