"""What to do about an exception that left a cell."""

from __future__ import annotations

import builtins
import difflib
import re
import sys
from collections.abc import Mapping

from ..config import Config
from ..model import JSON, Cell, Chapter, Span
from ..parsing.paths import bindings, definitions

_ACCIDENTS = frozenset({"AttributeError", "ImportError", "NameError", "RecursionError", "SyntaxError", "SystemError"})
"""Exceptions that hardly anybody wants to show: to offer `raises` would lead astray."""
_KNOWN = {
    "MemoryError": "Compute with less, or raise fathom's `memory` in `mkdocs.yml`.",
    "SystemExit": "Leave out `exit()` and `sys.exit()`: the chapter goes on after this cell.",
    "EOFError": "Give the value in the code: a page is built without a person to ask.",
    "RefusedError": "See “What a cell may do” in the author's guide.",
    "AssertionError": "What the cell claims does not hold: mend the code, or the claim.",
}
"""What to do about exceptions of which there is one thing to say, in this order."""
_ALIASES = {"np": "numpy as np", "plt": "matplotlib.pyplot as plt", "pd": "pandas as pd"}
"""Modules by the names that everybody gives them."""
_ALIKE = 0.7
"""How like another a name must be to be suggested before those that every program has, by `difflib`'s measure."""


def for_error(cell: Cell, error: JSON, config: Config) -> str:
    """What to do about an exception; empty where nothing is known that the exception does not say itself."""
    names, said = error["names"], error["evalue"]
    if cell.options.raises:
        return f'The fence declares raises="{cell.options.raises}"; mend one of the two.'
    if "may not use the network" in said:  # libraries wrap it in an error of their own
        return "Keep what it fetches in the project, or declare it: ```python network."
    if known := next((name for name in _KNOWN if name in names), ""):
        return _KNOWN[known]
    if error["ename"] == "FileNotFoundError":
        return _for_file(said)
    if "ModuleNotFoundError" in names:
        folders = ", ".join(f"`{folder}`" for folder in config.pythonpath)
        return f"Install it where the site is built, or put the module below {folders} (fathom's `pythonpath`)."
    if not _ACCIDENTS.isdisjoint(names):
        return ""
    return f'If the error is what you want to show, declare it: ```python raises="{error["ename"]}".'


def _for_file(said: str) -> str:
    """What to do about a file that is not there."""
    if said.startswith("no artifact"):
        return "Name the chapter that publishes it under `needs:` in the front matter, or load one that is there."
    return "A cell begins in an empty folder: `artifacts.source(…)` is the path of a file of the project."


def for_name(chapter: Chapter, cell: Cell, name: str, span: Span, what: str) -> tuple[str, str]:
    """What to say of a name that is not defined where it is used.

    Args:
        chapter: The chapter.
        cell: The cell that uses it.
        name: The name.
        span: Where it is used.
        what: What Python says.
    """
    return _elsewhere(chapter, cell, name, span) or (what, _similar(chapter, cell, name))


def _elsewhere(chapter: Chapter, cell: Cell, name: str, span: Span) -> tuple[str, str] | None:
    """A name that exists, but not on this reader's path, or not yet."""
    found = definitions(chapter, name)
    elsewhere = [(other, place) for other, place in found if other.depth not in {None, cell.depth}]
    if elsewhere and len(elsewhere) == len(found):
        depths = ", ".join(dict.fromkeys(str(other.depth) for other, _ in elsewhere))
        missing = _readers_without(chapter, cell, {other.depth for other, _ in elsewhere})
        what = (
            f"`{name}` is defined at {depths} only (line {elsewhere[0][1].line}); "
            f"a {missing} reader of line {span.line} never sees it"
        )
        return what, f"Define `{name}` outside the {depths} region, or at {missing} too."
    later = [place for other, place in found if other.number > cell.number]
    if found and len(later) == len(found):
        return f"`{name}` is used before it is defined (line {later[0].line})", "Move the definition up."
    exempt = [other for other in chapter.cells if not other.runs and re.search(rf"\b{re.escape(name)}\b", other.source)]
    if not found and exempt:
        return (
            f"`{name}` is not defined; line {exempt[0].span.line} names it, in a cell that does not run",
            f"Let that cell run, or define `{name}` in one that does.",
        )
    return None


def _similar(chapter: Chapter, cell: Cell, name: str) -> str:
    """A name that exists and may have been meant."""
    if name in _ALIASES or name in sys.stdlib_module_names:
        return f"Import it first: `import {_ALIASES.get(name, name)}`."
    known = _known(chapter, cell)
    own = [found for found, depths in known.items() if not {None, cell.depth}.isdisjoint(depths)]
    # A name of the page was meant sooner than a builtin; one that is hardly like it was not.
    ranked = (difflib.get_close_matches(name, some, 1, _ALIKE) for some in (own, known))
    near = next(filter(None, ranked), None) or difflib.get_close_matches(name, [*known, *dir(builtins)], 1)
    if not near:
        return "No cell before this one defines it for this reader, or imports it."
    return f"Did you mean `{near[0]}`{_where(chapter, cell, known.get(near[0], {}))}?"


def _known(chapter: Chapter, cell: Cell) -> dict[str, dict[str | None, Span]]:
    """The names that the cells up to this one define, at whatever depth: the first place at each."""
    known: dict[str, dict[str | None, Span]] = {}
    for other in chapter.cells:
        if other.runs and other.number <= cell.number:
            for found, place in bindings(other).items():
                known.setdefault(found, {}).setdefault(other.depth, place)
    return known


def _where(chapter: Chapter, cell: Cell, places: Mapping[str | None, Span]) -> str:
    """Where a name is defined; with its depths, if a reader of the cell does not see it. Empty for a builtin."""
    if not places:
        return ""
    place = next((places[depth] for depth in (None, cell.depth) if depth in places), next(iter(places.values())))
    readers = {cell.depth} if cell.depth else {depth.name for depth in chapter.depths}
    only = "" if None in places or readers <= set(places) else f", at {', '.join(map(str, places))} only"
    return f" (line {place.line}{only})"


def _readers_without(chapter: Chapter, cell: Cell, having: set[str | None]) -> str:
    names = [cell.depth] if cell.depth else [depth.name for depth in chapter.depths if depth.name not in having]
    return ", ".join(str(name) for name in names)
