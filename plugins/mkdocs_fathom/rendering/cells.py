"""One cell → HTML: its code, and what it printed or drew on each reading path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

from ..model import Cell, CellResult, Depth
from ..scheduling.mistakes import Trouble
from . import mistakes, outputs

Troubles = Mapping[str, Trouble]
"""What is wrong with a cell, by the name of the depth."""
# A name and white space look as code does (`fathom.css`), and are every third element of a page full of it: a phone
# finds out what each looks like before it shows the page.
_PLAIN = re.compile(r'<span class="[nw]">([^<]*)</span>')


def html(
    cell: Cell,
    code: str,
    results: Mapping[str, CellResult],
    depths: Sequence[Depth],
    start: str,
    *,
    troubles: Troubles = MappingProxyType({}),
) -> str:
    """The whole cell as one element.

    Args:
        cell: The cell.
        code: Its code as HTML: highlighted, with its title and its button.
        results: What it did, by the name of the depth; empty where nothing was run.
        depths: The site's depths, shallowest first.
        start: The name of the depth that a reader meets first.
        troubles: What is wrong with it.
    """
    shown = {depth.name: results[depth.name] for depth in depths if depth.name in results}
    hidden = cell.options.hide in {"output", "all"} and not any(trouble.problems for trouble in troubles.values())
    given = "" if hidden else _outputs(cell, shown, depths, start, troubles)
    parts = [
        _PLAIN.sub(r"\1", code) if cell.options.hide not in {"code", "all"} else "",
        outputs.note(f"Not run: {cell.options.reason}") if cell.options.reason is not None else "",
    ]
    above = "\n".join(filter(None, parts))
    if cell.options.setup and above:
        # What it gave stays in sight: a picture may be worth seeing when the code that draws it is not worth reading.
        name = "Code" if given else "Setup"
        above = f'<details class="fathom-setup"><summary>{name}</summary>\n{above}\n</details>'
    body = "\n".join(filter(None, (above, given)))
    identity = f' id="{escape(cell.options.id)}"' if cell.options.id else ""
    # A cell that hides all of itself still has its place, so that it can be counted.
    absent = "" if body else " hidden"
    return f'<div class="fathom-cell"{identity} data-fathom-cell="{cell.number}"{absent}>\n{body}\n</div>'


def _outputs(
    cell: Cell, results: Mapping[str, CellResult], depths: Sequence[Depth], start: str, troubles: Troubles
) -> str:
    """What the cell gave: once where all paths agree, else each path's own behind tabs."""
    if not results:
        return ""
    keys = [(outputs.comparable(result), _comparable(troubles.get(depth))) for depth, result in results.items()]
    if all(key == keys[0] for key in keys):
        first, result = next(iter(results.items()))
        body = _body(cell, result, troubles.get(first))
    else:
        body = _tabs(cell, results, [depth for depth in depths if depth.name in results], start, troubles)
    return f'<div class="fathom-outputs">\n{body}\n</div>' if body else ""


def _comparable(trouble: Trouble | None) -> object:
    before = trouble.before if trouble else None
    return trouble and (trouble.problems, trouble.blocked, before and outputs.comparable(before))


def _body(cell: Cell, result: CellResult, trouble: Trouble | None, variant: str = "") -> str:
    return mistakes.cell(trouble, result, cell, variant) if trouble else outputs.html(result, cell, variant)


def _tabs(
    cell: Cell, results: Mapping[str, CellResult], depths: Sequence[Depth], start: str, troubles: Troubles
) -> str:
    """The same elements as the page's other tabs, so that one choice and one style serve both."""
    name = f"__fathom_cell_{cell.number}"
    chosen = start if start in results else depths[0].name
    inputs, labels, panels = [], [], []
    for depth in depths:
        slug = escape(depth.slug)
        mark = f'data-fathom-depth="{slug}"'
        checked = 'checked="checked" ' if depth.name == chosen else ""
        inputs.append(f'<input {checked}{mark} id="{name}_{slug}" name="{name}" type="radio">')
        label = escape(depth.label)
        labels.append(f'<label {mark} for="{name}_{slug}" data-search-exclude="">{label}</label>')
        body = _body(cell, results[depth.name], troubles.get(depth.name), depth.slug)
        panels.append(f'<div class="tabbed-block" {mark} data-fathom-label="{label}">\n{body}\n</div>')
    inside = "\n".join(panels)
    return (
        '<div class="tabbed-set tabbed-alternate" data-fathom-tabs="">'
        f'{"".join(inputs)}<div class="tabbed-labels">{"".join(labels)}</div>'
        f'<div class="tabbed-content">\n{inside}\n</div></div>'
    )
