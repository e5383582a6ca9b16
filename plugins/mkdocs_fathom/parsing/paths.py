"""A chapter's reading paths, and the tree of their common prefixes.

The path of a depth is what its reader runs: the shared cells and the cells at that depth, in order. Each path is a
program by itself. Paths share their common prefix, which runs once; where they part, the process forks.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..model import Cell, Chapter, Span


@dataclass(frozen=True, slots=True)
class Node:
    """Cells that some paths run together, and what follows where those paths part."""

    cells: tuple[Cell, ...]
    """The cells, in order."""
    depths: tuple[str, ...]
    """The depths whose paths run them."""
    children: tuple[Node, ...] = ()
    """What each group of paths runs next; empty at the end of the paths."""

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents first; a node's position here is its number."""
        yield self
        for child in self.children:
            yield from child.walk()


def reading_paths(chapter: Chapter) -> dict[str, tuple[Cell, ...]]:
    """Each depth's name and the cells that run on its path."""
    return {
        depth.name: tuple(cell for cell in chapter.cells if cell.runs and cell.depth in {None, depth.name})
        for depth in chapter.depths
    }


def tree(paths: Mapping[str, tuple[Cell, ...]]) -> Node:
    """The paths as a tree: common prefixes once, a child for each way on.

    Args:
        paths: Depth names and their cells; at least one.
    """
    shortest = min(len(path) for path in paths.values())
    first = next(iter(paths.values()))
    common = next(
        (i for i in range(shortest) if any(path[i].number != first[i].number for path in paths.values())), shortest
    )
    rests: dict[int | None, dict[str, tuple[Cell, ...]]] = {}
    for depth, path in paths.items():
        rest = path[common:]
        rests.setdefault(rest[0].number if rest else None, {})[depth] = rest
    if len(rests) == 1:
        return Node(first, tuple(paths))
    return Node(first[:common], tuple(paths), tuple(tree(group) for group in rests.values()))


def definitions(chapter: Chapter, name: str) -> list[tuple[Cell, Span]]:
    """The running cells that bind a name at their top level, and where."""
    found = ((cell, bindings(cell).get(name)) for cell in chapter.cells if cell.runs)
    return [(cell, place) for cell, place in found if place]


def bindings(cell: Cell) -> dict[str, Span]:
    """The names that a cell binds at its top level, and where first; functions' and classes' own scopes left out."""
    try:
        nodes: list[ast.AST] = list(ast.parse(cell.source).body)
    except SyntaxError:
        return {}
    lines: dict[str, int] = {}
    while nodes:
        node = nodes.pop()
        for name in _bound_names(node):
            lines[name] = min(node.lineno, lines.get(name, node.lineno))  # type: ignore[attr-defined]  # what binds has a line
        if isinstance(node, ast.comprehension):
            nodes += [node.iter, *node.ifs]  # its target is its own
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            nodes.extend(ast.iter_child_nodes(node))
    return {name: Span(*cell.origins[line - 1]) for name, line in lines.items()}


def _bound_names(node: ast.AST) -> set[str]:
    """The names that this node by itself binds."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            return {name}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {alias.asname or alias.name.partition(".")[0] for alias in aliases}
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return {name}
        case ast.MatchMapping(rest=str(name)):
            return {name}
    return set()
