"""Rules about pictures without words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..model import Cell
from .page import Page
from .rule import Finding

_IMAGE = re.compile(r"!\[[ \t]*\](?=[(\[])")
_TAG = re.compile(r"<img\b(?![^<>]*\balt[ \t]*=)[^<>]*>", re.IGNORECASE)
_DRAWS = frozenset(
    "plot bar barh hist scatter imshow matshow pie boxplot violinplot contour contourf fill_between stackplot step stem"
    " errorbar heatmap pcolormesh quiver figure subplots subplot_mosaic show".split()
)
"""Functions of `matplotlib.pyplot` that open a figure, or draw in one."""
_PYPLOT = frozenset({"plt", "pyplot"})
_HINT = "Say what it shows, for those who cannot see it"


def missing_alt(page: Page) -> Iterator[Finding]:
    """An image, or a cell that draws, without a text alternative."""
    for event in page.prose:
        if not event.literal:
            for match in _IMAGE.finditer(event.text):
                what = "an image without a text alternative"
                yield Finding(page.span(event.index, match.start() + 1), what, f"{_HINT}: `![Text](…)`.")
            for match in _TAG.finditer(event.text):
                hint = f'{_HINT}: `alt="Text"`; `alt=""` if it only decorates.'
                yield Finding(page.span(event.index, match.start() + 1), "an image without a text alternative", hint)
    for cell in page.chapter.cells:
        if cell.runs and cell.options.alt is None and cell.options.hide not in {"output", "all"} and _draws(cell):
            what = "this cell draws a figure without a text alternative"
            yield Finding(cell.span, what, f'{_HINT}: ```python alt="Text".')


def _draws(cell: Cell) -> bool:
    """Whether a cell leaves a figure behind, as far as its own lines tell."""
    try:
        calls = {ast.unparse(node.func) for node in _run_now(ast.parse(cell.source)) if isinstance(node, ast.Call)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    drawn = any(module in _PYPLOT and name in _DRAWS for module, _, name in (call.rpartition(".") for call in calls))
    return drawn and not calls & {f"{module}.close" for module in _PYPLOT}


def _run_now(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree that run when it is run: bodies of functions and classes are left out."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield child
            yield from _run_now(child)
