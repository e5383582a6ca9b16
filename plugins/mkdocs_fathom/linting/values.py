"""Rules about cells that seem to want an output and have none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..model import Cell
from .page import Page
from .rule import Finding

_VALUES = (ast.Compare, ast.BinOp, ast.UnaryOp, ast.Name, ast.Attribute, ast.Subscript, ast.JoinedStr)
"""Expressions whose value is all that they give, whatever they are made of."""
_GROUPS = (ast.BoolOp, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp)
"""Expressions of which the same can be said where they hold no call: some write several calls on one line."""
_OVERLOADED = (ast.LShift, ast.RShift, ast.BitOr)
"""Operators that libraries let do something: `first >> second`."""
_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Whoever looks into a value there may want the error.
_TRIES = (ast.Try, ast.TryStar, ast.With, ast.AsyncWith)


def unshown_value(page: Page) -> Iterator[Finding]:
    """A value that stands alone on a line which is not the cell's last: nobody ever sees it."""
    for cell in page.chapter.cells:
        body = _body(cell)
        if body is None or cell.options.raises or cell.options.may_raise or cell.options.hide in {"output", "all"}:
            continue
        for node in _bare(body[:-1] if body and isinstance(body[-1], ast.Expr) else body):
            what = f"the value of `{_short(node)}` is computed and never shown"
            hint = "Print it, assert it, or put it on the cell's last line, which is shown."
            yield Finding(page.place(cell, node), what, hint)


def idle_cell(page: Page) -> Iterator[Finding]:
    """A cell that does nothing at all."""
    for cell in page.chapter.cells:
        body = _body(cell)
        if body is not None and all(isinstance(node, ast.Pass) for node in body):
            hint = "Give it code, or make it text: a fence of another language is not run."
            yield Finding(cell.span, "this cell does nothing", hint)


def _body(cell: Cell) -> list[ast.stmt] | None:
    """The statements of a cell that runs; None where there is nothing to judge."""
    if not cell.runs:
        return None
    try:
        return ast.parse(cell.source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _bare(body: list[ast.stmt]) -> Iterator[ast.Expr]:
    """The statements that only compute a value, branches and loops included, functions left out."""
    for node in body:
        if isinstance(node, ast.Expr):
            if _only_value(node.value):
                yield node
        elif not isinstance(node, _DEFINES + _TRIES):
            for name in ("body", "orelse"):
                yield from _bare(getattr(node, name, []) if isinstance(node, ast.stmt) else [])


def _only_value(node: ast.expr) -> bool:
    """Whether an expression does nothing but have a value."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, _OVERLOADED):
        return False
    calls = any(isinstance(each, ast.Call | ast.Await | ast.NamedExpr | ast.Yield) for each in ast.walk(node))
    return isinstance(node, _VALUES) or (isinstance(node, _GROUPS) and not calls)


def _short(node: ast.Expr) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 40 else f"{text[:37]}…"  # noqa: PLR2004 - what fits into a line of a terminal
