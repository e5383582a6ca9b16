"""Lists that follow a line of text."""

from __future__ import annotations

import pytest

from mkdocs_fathom.rendering.lists import breaks


def broken(text: str, fenced: tuple[int, ...] = ()) -> list[int]:
    """Positions where a blank line goes."""
    return list(breaks(text.split("\n"), fenced))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text\n- a\n- b", [1]),
        ("text\n* a", [1]),
        ("text\n1. a\n2. b", [1]),
        ("# Title\n- a", [1]),
        ("> text\n> - a\n> - b", [1]),
        ("!!! note\n    text\n    - a", [2]),
        ("- item\n\n    text\n    - a", [3]),
        ("text\n- a\n\ntext\n- b", [1, 4]),
        ("> > text\n> > 1. a", [1]),
        ("**bold** start\n- a", [1]),
        ("<b>Note</b>:\n- a", [1]),
        ("a $x$\n- b", [1]),
        ("*[HTML]: x\n- a", [1]),
        ("a <!-- comment -->\n- b", [1]),
        ("$$\nx\n$$\n\ntext\n- a", [5]),
        ("<pre>\n- x\n</pre>\n\ntext\n- a", [5]),
    ],
)
def test_a_list_gets_its_blank_line(text: str, expected: list[int]) -> None:
    """Wherever GitHub shows a list."""
    assert broken(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b",
        "text\n\n- a\n- b",
        "The war ended in\n2020. It was over.",
        "text\n2. two",
        "text\n* * *",
        "text\n---\n- - -",
        "text\n- ",
        "text\n**bold**",
        "text\n-no item",
        "text\n+1 for this",
        "- a\n  more\n- b",
        "1. a\n    text\n    - nested",
        "    code\n    - code",
        "text\n\n    code\n    - code",
        "> text\n>\n>     code\n>     - code",
        "text\n    - continued",
        "$$\na\n- b\n+ c\n$$",
        "\\[\na\n- b\n\\]",
        "\\begin{align}\na\n- b\n\\end{align}",
        "<!--\ntext\n- a\n-->",
        "<div>\ntext\n- a\n</div>",
        "<pre>\n\ntext\n- a\n</pre>",
        "| a |\n|---|\n| b |",
        "2020. It was\n- not a list to Markdown",
    ],
)
def test_everything_else_stays(text: str) -> None:
    """Sentences with numbers, rules, code, formulas, comments and HTML."""
    assert broken(text) == []


def test_a_list_may_follow_a_fence_and_not_be_in_one() -> None:
    """What stands in a fence is no list."""
    assert broken("```\ntext\n- a\n```\n- b", (0, 1, 2, 3)) == [4]
