"""Problems as a person sees them: the author's line, and a caret below what is meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mkdocs_fathom.commands import showing
from mkdocs_fathom.errors import Fix, Problem
from mkdocs_fathom.model import Span


def shown(root: Path, problem: Problem) -> list[str]:
    """Without colours."""
    return re.sub(r"\x1b\[[\d;]*m", "", showing.text([problem], root)).splitlines()


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("abc def", 5, ["  2 | abc def", "    |     ^"]),
        ("\tx = 1", 2, ["  2 | \tx = 1", "    | \t^"]),
        ("学习 x", 4, ["  2 | 学习 x", "    |      ^"]),
        ("e\u0301 x", 4, ["  2 | e\u0301 x", "    |   ^"]),
        ("\x1b[31mred", 1, ["  2 | \ufffd[31mred", "    | ^"]),
        ("abc", 99, ["  2 | abc", "    |    ^"]),
        ("", 1, []),
        ("a" * 200 + "b" + "c" * 200, 201, [f"  2 | …{'a' * 60}b{'c' * 39}…", f"    | {' ' * 61}^"]),
        ("b" + "c" * 200, 1, [f"  2 | b{'c' * 99}…", "    | ^"]),
    ],
)
def test_source_line(line: str, column: int, expected: list[str], tmp_path: Path) -> None:
    """The caret stands below its character; a long line is cut, and no escape reaches a terminal."""
    (tmp_path / "a.md").write_text(f"\ufefffirst\r\n{line}\r\nlast\r\n", encoding="utf-8", newline="")
    assert shown(tmp_path, Problem(Span("a.md", 2, column), "wrong")) == [f"a.md:2:{column}: wrong", *expected]


def test_carets_show_all_that_can_be_mended(tmp_path: Path) -> None:
    """The damaged word, whole."""
    (tmp_path / "a.md").write_text("a cafÃ© b\n", encoding="utf-8")
    problem = Problem(Span("a.md", 1, 3), "wrong", "Write `café`.", "warning", rule="x", fix=Fix("cafÃ©", "café"))
    assert shown(tmp_path, problem) == [
        "a.md:1:3: warning: wrong [x]",
        "  1 | a cafÃ© b",
        "    |   ^^^^^",
        "  Write `café`.",
    ]


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    """A file that is gone or is no text has no line; a traceback has it already."""
    (tmp_path / "a.md").write_text("text\n")
    (tmp_path / "b.md").write_bytes(b"\xff\n")
    assert shown(tmp_path, Problem(Span("a.md", 1), "wrong", detail="Traceback")) == [
        "a.md:1:1: wrong",
        "    Traceback",
    ]
    for name in ("b.md", "c.md", "."):
        assert shown(tmp_path, Problem(Span(name, 1), "wrong")) == [f"{name}:1:1: wrong"]
    assert shown(tmp_path, Problem(Span("a.md", 9), "wrong")) == ["a.md:9:1: wrong"]


def test_colours(tmp_path: Path) -> None:
    """The place in bold, the caret in red."""
    (tmp_path / "a.md").write_text("text\n")
    text = showing.text([Problem(Span("a.md", 1), "wrong")], tmp_path)
    assert text.startswith("\x1b[1ma.md:1:1\x1b[0m: wrong\n")
    assert text.endswith("\x1b[1;31m^\x1b[0m\n")
