"""One cell → HTML: its code, and what it printed or drew on each reading path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from ..model import Cell, CellResult, Depth
from . import outputs


def html(cell: Cell, code: str, results: Mapping[str, CellResult], depths: Sequence[Depth], start: str) -> str:
    """The whole cell as one element.

    Args:
        cell: The cell.
        code: Its code as HTML: highlighted, with its title and its button.
        results: What it did, by the name of the depth; empty where nothing was run.
        depths: The site's depths, shallowest first.
        start: The name of the depth that a reader meets first.
    """
    shown = {depth.name: results[depth.name] for depth in depths if depth.name in results}
    given = _outputs(cell, shown, depths, start) if cell.options.hide not in {"output", "all"} else ""
    parts = [
        code if cell.options.hide not in {"code", "all"} else "",
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
    hidden = "" if body else " hidden"
    return f'<div class="fathom-cell"{identity} data-fathom-cell="{cell.number}"{hidden}>\n{body}\n</div>'


def _outputs(cell: Cell, results: Mapping[str, CellResult], depths: Sequence[Depth], start: str) -> str:
    """What the cell gave: once where all paths agree, else each path's own behind tabs."""
    if not results:
        return ""
    first, *others = results.values()
    if all(outputs.comparable(other) == outputs.comparable(first) for other in others):
        body = outputs.html(first, cell)
    else:
        body = _tabs(cell, results, [depth for depth in depths if depth.name in results], start)
    return f'<div class="fathom-outputs">\n{body}\n</div>' if body else ""


def _tabs(cell: Cell, results: Mapping[str, CellResult], depths: Sequence[Depth], start: str) -> str:
    """The same elements as the page's other tabs, so that one choice and one style serve both."""
    name = f"__fathom_cell_{cell.number}"
    chosen = start if start in results else depths[0].name
    inputs, labels, panels = [], [], []
    for depth in depths:
        slug = escape(depth.slug)
        mark = f'data-fathom-depth="{slug}"'
        checked = 'checked="checked" ' if depth.name == chosen else ""
        inputs.append(f'<input {checked}{mark} id="{name}_{slug}" name="{name}" type="radio">')
        labels.append(f'<label {mark} for="{name}_{slug}">{escape(depth.label)}</label>')
        panels.append(
            f'<div class="tabbed-block" {mark}>\n{outputs.html(results[depth.name], cell, depth.slug)}\n</div>'
        )
    inside = "\n".join(panels)
    return (
        f'<div class="tabbed-set tabbed-alternate" data-fathom-tabs="" data-tabs="fathom-{cell.number}:{len(depths)}">'
        f'{"".join(inputs)}<div class="tabbed-labels">{"".join(labels)}</div>'
        f'<div class="tabbed-content">\n{inside}\n</div></div>'
    )
