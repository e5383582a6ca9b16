"""Syntax errors in cells, found before anything runs."""

from __future__ import annotations

import ast
import re
import warnings

from ..errors import Problem
from ..model import Cell, Chapter, Span

_MAGIC = re.compile(r"[ \t]*(%%?[A-Za-z_]|!|\?)|[^#\"']*\?[ \t]*$")
_DECLARED = frozenset({"SyntaxError", "IndentationError", "TabError"})
_LINE = re.compile(r"(?<=\b(?:on|at) line )\d+")
"""The line of a cell that Python names: `(detected at line 2)`, `after 'for' statement on line 1`."""
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_NO_FILE = ""
"""Python opens the file that code is named after and takes columns from its lines, which are not the cell's."""


def syntax_problems(chapter: Chapter) -> tuple[Problem, ...]:
    """The syntax errors of the cells that run, each at the author's line and column."""
    found = (_problem(chapter, cell) for cell in chapter.cells if cell.runs)
    return tuple(problem for problem in found if problem)


def _problem(chapter: Chapter, cell: Cell) -> Problem | None:
    """The syntax error of one cell, if it has one that its author did not declare."""
    if cell.options.may_raise or cell.options.raises in _DECLARED:
        return None
    with warnings.catch_warnings():
        # The worker says such warnings where the cell runs, once.
        warnings.simplefilter("ignore")
        try:
            compile(cell.source, _NO_FILE, "exec", flags=_FLAGS, dont_inherit=True)
        except SyntaxError as error:
            return _located(chapter, cell, error)
        except (ValueError, OverflowError, RecursionError, MemoryError) as error:
            return Problem(cell.span, f"{type(error).__name__}: {error}", "Python cannot compile this cell.")
    return None


def _located(chapter: Chapter, cell: Cell, error: SyntaxError) -> Problem:
    """A syntax error where it stands in the author's file."""
    texts = cell.source.split("\n")[:-1]
    if not texts:
        return Problem(cell.span, f"{type(error).__name__}: {error.msg}")
    at = _position(cell, error.lineno or 1)
    path, number = cell.origins[at]
    what = f"{type(error).__name__}: {_LINE.sub(lambda line: _named(cell, int(line[0]), path), error.msg)}"
    cut = len(chapter.lines[cell.first + 1 + at].text) - len(texts[at]) if path == chapter.path else 0
    magic = _MAGIC.match(texts[at])
    hint = "Cells are plain Python: IPython's `%`, `!` and `?` do not work." if magic else ""
    return Problem(Span(path, number, max(_column(cell, error, texts[at]) + cut, 1)), what, hint)


def _position(cell: Cell, line: int) -> int:
    """The position of a line that Python counts from the cell's first; it may count one too many."""
    return min(max(line - 1, 0), len(cell.origins) - 1)


def _named(cell: Cell, line: int, here: str) -> str:
    """A line of the cell as the author's file counts it; with its file, where that is not the error's."""
    path, number = cell.origins[_position(cell, line)]
    return str(number) if path == here else f"{number} of `{path}`"


def _column(cell: Cell, error: SyntaxError, text: str) -> int:
    """The column of an error in its line of the cell, in characters from 1."""
    offset = max(error.offset or 1, 1)
    if _parses(cell.source):
        # What only the compiler finds, `return` outside a function say, it counts in bytes.
        return len(text.encode()[: offset - 1].decode("utf-8", "ignore")) + 1
    shown = (error.text or "").rstrip("\n")
    if error.msg.startswith("f-string") and shown.startswith("(") and (start := text.find(shown[1:-1])) >= 0:
        # Python 3.11 parses the expression of an f-string by itself, in parentheses.
        return start + offset - 1
    return min(offset, len(text) + 1)


def _parses(source: str) -> bool:
    """Whether code is right as far as grammar goes."""
    try:
        compile(source, _NO_FILE, "exec", flags=_FLAGS | ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
