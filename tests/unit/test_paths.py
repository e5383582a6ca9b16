"""Reading paths, the tree of their common prefixes, and where names are bound."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom.config import build
from mkdocs_fathom.model import Cell, Chapter, Span
from mkdocs_fathom.parsing import paths
from mkdocs_fathom.parsing.parse import parse
from mkdocs_fathom.parsing.paths import Node
from tests.running import cells, region


def chapter(text: str, *depths: str) -> Chapter:
    """A chapter of a site with these depths."""
    options = {"depths": list(depths)} if depths else {}
    return parse(text, "docs/a.md", build(Path("site"), Path("site/docs"), options, Span("mkdocs.yml", 1))).checked()


def outline(node: Node) -> tuple[list[int], list[object]]:
    """A tree as the numbers of its cells."""
    return [cell.number for cell in node.cells], [outline(child) for child in node.children]


def numbers(reading: Mapping[str, tuple[Cell, ...]]) -> dict[str, list[int]]:
    """Paths as the numbers of their cells."""
    return {depth: [cell.number for cell in path] for depth, path in reading.items()}


SHARED, SHALLOW, DEEP = cells("0"), region("SHALLOW", "1"), region("DEEP", "2")


@pytest.mark.parametrize(
    ("text", "shallow", "deep", "tree"),
    [
        ("", [], [], ([], [])),
        (SHARED * 2, [0, 1], [0, 1], ([0, 1], [])),
        (SHARED + SHALLOW, [0, 1], [0], ([0], [([1], []), ([], [])])),
        (SHARED + DEEP, [0], [0, 1], ([0], [([], []), ([1], [])])),
        (SHARED + SHALLOW + DEEP + SHARED, [0, 1, 3], [0, 2, 3], ([0], [([1, 3], []), ([2, 3], [])])),
        (SHALLOW + DEEP, [0], [1], ([], [([0], []), ([1], [])])),
        (cells("0", fence='python exec="false" reason="x"') + SHARED, [1], [1], ([1], [])),
    ],
)
def test_two_depths(text: str, shallow: list[int], deep: list[int], tree: object) -> None:
    """Cells that do not run are on no path."""
    reading = paths.reading_paths(chapter(text))
    assert numbers(reading) == {"SHALLOW": shallow, "DEEP": deep}
    assert outline(paths.tree(reading)) == tree


def test_three_depths_part_one_after_the_other() -> None:
    text = SHARED + region("A", "1") + SHARED + region("B", "3") + region("C", "4")
    root = paths.tree(paths.reading_paths(chapter(text, "A", "B", "C")))
    assert outline(root) == ([0], [([1, 2], []), ([2], [([3], []), ([4], [])])])
    assert [node.depths for node in root.walk()] == [("A", "B", "C"), ("A",), ("B", "C"), ("B",), ("C",)]


@given(st.lists(st.sampled_from(["", "A", "B", "C"]), max_size=8))
def test_a_tree_holds_each_path(places: list[str]) -> None:
    """Down the tree, a depth passes exactly the cells of its path; no two children begin with the same cell."""
    text = "".join(region(place, "0") if place else SHARED for place in places)
    reading = paths.reading_paths(chapter(text, "A", "B", "C"))
    root = paths.tree(reading)
    for depth, path in reading.items():
        assert [cell for node in root.walk() if depth in node.depths for cell in node.cells] == list(path)
    for node in root.walk():
        starts = [child.cells[0].number for child in node.children if child.cells]
        assert len(set(starts)) == len(starts)
        assert len(node.children) != 1


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1", 2),
        ("y = 1\nx: int = 1", 3),
        ("y = 1\nx += 1", 3),
        ("a, (b, *x) = z", 2),
        ("for x in y: pass", 2),
        ("with a as x: pass", 2),
        ("import x.y", 2),
        ("import y as x", 2),
        ("from y import x", 2),
        ("def x(): pass", 2),
        ("async def x(): pass", 2),
        ("class x: pass", 2),
        ("(x := 1)", 2),
        ("if y:\n    x = 1\nelse:\n    x = 2", 3),
        ("try: pass\nexcept E as x: pass", 3),
        ("match y:\n    case [x, *z]: pass", 3),
        ("match y:\n    case [z, *x]: pass", 3),
        ("match y:\n    case {**x}: pass", 3),
        ("x", None),
        ("y.x = 1", None),
        ("y[x] = 1", None),
        ("def f(x): x = 1", None),
        ("class C:\n    x = 1", None),
        ("lambda x: x", None),
        ("[x for x in y]", None),
        ("[(x := z) for z in y]", 2),
        ("import y.x", None),
        ("x = = 1", None),
    ],
)
def test_definitions(code: str, line: int | None) -> None:
    """Only what binds a name at the top level of a cell defines it."""
    found = paths.definitions(chapter(cells(code)), "x")
    assert [(cell.number, span.line) for cell, span in found] == ([] if line is None else [(0, line)])


def test_cells_that_do_not_run_define_nothing() -> None:
    text = cells("x = 1", fence='python exec="false" reason="shown only"')
    assert paths.definitions(chapter(text), "x") == []
