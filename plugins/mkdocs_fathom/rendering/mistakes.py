"""What is wrong with a chapter → HTML, for a preview: each problem in red at its place, and outputs from before."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..errors import Problem
from ..model import Cell, CellResult
from ..scheduling.mistakes import Trouble
from . import ansi, outputs


def page(problems: Iterable[Problem]) -> str:
    """Problems that stand above everything else on a page."""
    return f'<div class="fathom-mistakes">\n{_list(problems)}\n</div>\n'


def cell(trouble: Trouble, result: CellResult, of: Cell, variant: str = "") -> str:
    """What a cell shows instead of its outputs, or above them.

    Args:
        trouble: What is wrong with it.
        result: What it did.
        of: The cell.
        variant: Sets the ids of several paths' outputs apart.
    """
    parts = [_list(trouble.problems), outputs.note(trouble.blocked) if trouble.blocked else ""]
    if trouble.before:
        body = outputs.html(trouble.before, of, variant)
        whose = "From before the error: what other code gave here" if trouble.changed else "From before the error:"
        stale = f'<div class="fathom-stale">\n{outputs.note(whose)}\n{body}\n</div>'
        parts.append(stale if body else "")
    elif not result.failure:  # what a cell printed until it failed stands with its error
        parts.append(outputs.html(result, of, variant))
    return "\n".join(filter(None, parts))


def _list(problems: Iterable[Problem]) -> str:
    return "\n".join(map(_problem, problems))


def _problem(problem: Problem) -> str:
    """Place, what and hint as the terminal has them, and the author's traceback."""
    place = f'<code class="fathom-place">{_text(str(problem.span))}</code>'
    lines = [
        f"<p><strong>{problem.severity.capitalize()}</strong> at {place}</p>",
        f'<p class="fathom-what">{_text(problem.what)}</p>',
        f"<p>{_text(problem.hint)}</p>" if problem.hint else "",
        f'<pre tabindex="0">{ansi.html(problem.detail)}</pre>' if problem.detail else "",
    ]
    return '<div class="fathom-mistake" role="alert">\n' + "\n".join(filter(None, lines)) + "\n</div>"


def _text(text: str) -> str:
    return escape(ansi.visible(text))
