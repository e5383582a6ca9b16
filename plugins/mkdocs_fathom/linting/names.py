"""The rule about names that only some readers' code defines: each reading path has to run by itself."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Cell
from ..parsing.paths import reading_paths
from .page import Page
from .rule import Finding

_BUILTINS = frozenset(dir(builtins)) | {"__name__", "get_ipython", "display", "In", "Out", "exit", "quit"}


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of one cell's namespace."""

    bound: frozenset[str]
    """Those that it gives a value to, at whatever place."""
    used: frozenset[str]
    """Those that it looks up, its functions included."""


def foreign_name(page: Page) -> Iterator[Finding]:
    """A name that a reading path uses, and that only the cells of another depth define."""
    paths = {depth: [cell for cell in cells if cell.runs] for depth, cells in reading_paths(page.chapter).items()}
    names = {cell.number: found for cell in page.chapter.cells if cell.runs and (found := _names(cell))}
    if len(names) < sum(cell.runs for cell in page.chapter.cells):
        return  # code that cannot be read, or that imports whatever there is
    bound = {depth: {name for cell in cells for name in names[cell.number].bound} for depth, cells in paths.items()}
    told: set[tuple[int, str]] = set()
    for depth, cells in paths.items():
        elsewhere = {name: other for other, some in bound.items() for name in some - bound[depth] - _BUILTINS}
        for cell in cells:
            if cell.options.raises or cell.options.may_raise:
                continue
            for name in sorted(names[cell.number].used & set(elsewhere)):
                if (cell.number, name) not in told:
                    told.add((cell.number, name))
                    yield _finding(page, cell, name, depth, elsewhere[name])


def _finding(page: Page, cell: Cell, name: str, depth: str, other: str) -> Finding:
    label = {each.name: each.label for each in page.chapter.depths}
    what = f"`{name}` is used at {depth}, and only cells at {other} define it"
    hint = f"Define it in a shared cell, or use it in a cell for {label[other]}."
    return Finding(page.place(cell, _first(cell, name)), what, hint)


def _names(cell: Cell) -> _Names | None:
    """What a cell binds and uses; None where that cannot be told."""
    try:
        tree = ast.parse(cell.source)
        table = symtable.symtable(cell.source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree)):
        return None
    tables = list(_tables(table))
    own = {each.get_name() for each in table.get_symbols() if each.is_assigned() or each.is_imported()}
    asked = {symbol.get_name() for each in tables for symbol in each.get_symbols() if symbol.is_declared_global()}
    used = {each.get_name() for each in table.get_symbols() if each.is_referenced()} | {
        symbol.get_name()
        for each in tables
        for symbol in each.get_symbols()
        if symbol.is_global() and symbol.is_referenced()
    }
    return _Names(frozenset(own | asked), frozenset(used))


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """The scopes within a scope."""
    for child in table.get_children():
        yield child
        yield from _tables(child)


def _first(cell: Cell, name: str) -> ast.Name:
    """Where a name is looked up first."""
    loads = (
        node
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    )
    return min(loads, key=lambda node: (node.lineno, node.col_offset))
