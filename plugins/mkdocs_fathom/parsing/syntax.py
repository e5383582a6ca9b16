"""Syntax errors in cells, found before anything runs."""

from __future__ import annotations

import ast
import re
import warnings

from ..errors import Problem
from ..model import Cell, Chapter, Span

_MAGIC = re.compile(r"[ \t]*(%%?[A-Za-z_]|!|\?)|[^#\"']*\?[ \t]*$")
_DECLARED = frozenset({"SyntaxError", "IndentationError", "TabError"})


def syntax_problems(chapter: Chapter) -> tuple[Problem, ...]:
    """The syntax errors of the cells that run, each at the author's line and column."""
    found = (_problem(chapter, cell) for cell in chapter.cells if cell.runs)
    return tuple(problem for problem in found if problem)


def _problem(chapter: Chapter, cell: Cell) -> Problem | None:
    """The syntax error of one cell, if it has one that its author did not declare."""
    if cell.options.may_raise or cell.options.raises in _DECLARED:
        return None
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        # The worker says such warnings where the cell runs, once.
        warnings.simplefilter("ignore")
        try:
            compile(cell.source, chapter.path, "exec", flags=flags, dont_inherit=True)
        except SyntaxError as error:
            return _located(chapter, cell, error)
        except (ValueError, OverflowError, RecursionError, MemoryError) as error:
            return Problem(cell.span, f"{type(error).__name__}: {error}", "Python cannot compile this cell.")
    return None


def _located(chapter: Chapter, cell: Cell, error: SyntaxError) -> Problem:
    """A syntax error where it stands in the author's file."""
    texts = cell.source.split("\n")[:-1]
    what = f"{type(error).__name__}: {error.msg}"
    if not texts:
        return Problem(cell.span, what)
    at = min(max((error.lineno or 1) - 1, 0), len(texts) - 1)
    path, number = cell.origins[at]
    cut = len(chapter.lines[cell.first + 1 + at].text) - len(texts[at]) if path == chapter.path else 0
    magic = _MAGIC.match(texts[at])
    hint = "Cells are plain Python: IPython's `%`, `!` and `?` do not work." if magic else ""
    return Problem(Span(path, number, max(error.offset or 1, 1) + max(cut, 0)), what, hint)
