"""A test that is named on the command line and is not there: which are near it, because lines move with every edit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

_MISSED = re.compile(r"not found: (?P<path>[^\n]*?)::(?P<name>[^\n]*)")
_LINE = re.compile(r"line (\d+)")
_MANY = 3
"""How many are named."""


def nearest(said: str, names: Mapping[Path, Sequence[str]]) -> str:
    """What pytest says of a test that it has not found, with the nearest tests of that chapter.

    Args:
        said: What it says.
        names: The names of the tests of each chapter.
    """
    missed = _MISSED.match(said)
    known = names.get(Path(missed["path"]), ()) if missed else ()
    if not missed or not known:
        return said
    line = _LINE.search(missed["name"])
    if line:
        numbered = [(abs(int(found[1]) - int(line[1])), name) for name in known if (found := _LINE.search(name))]
        near = [name for _, name in sorted(numbered, key=lambda pair: pair[0])[:_MANY]]
    else:
        near = difflib.get_close_matches(missed["name"].strip(), known, _MANY, 0)
    shown = ", ".join(f"`{name}`" for name in near)
    return f"{said}\nNearest in {Path(missed['path']).name}: {shown}. `--collect-only -q` lists all."
