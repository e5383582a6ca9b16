"""How a failed cell reads: the author's source, and a caret below the place."""

from __future__ import annotations

import pytest

from mkdocs_fathom.errors import Problem
from mkdocs_fathom.model import Line, Span
from mkdocs_fathom.pytest_plugin.showing import excerpt, show

TEXTS = ("# A", "", "> ```python", "> y = f(x)", "> ```", "end")
LINES = tuple(Line(text, "docs/a.md", number) for number, text in enumerate(TEXTS, 1))
CALL = 'Traceback (most recent call last):\n  File "docs/a.md", line {}, in <module>\n    {}\n'


def marked(found: Problem, *texts: str) -> str:
    """The line with the caret."""
    lines = [Line(text, "docs/a.md", number) for number, text in enumerate(texts or TEXTS, 1)]
    (line,) = [line for line in excerpt(found, lines) if line.startswith("       |")]
    return line.removeprefix("       | ")


def test_lines_around_a_place() -> None:
    """Two on each side, as far as there are any; a line of another file is none of them."""
    other = Line("not this", "docs/b.md", 5)
    found = Problem(Span("docs/a.md", 5, 3), "what")
    assert list(excerpt(found, [*LINES, other])) == [
        "     3 | > ```python",
        "     4 | > y = f(x)",
        ">    5 | > ```",
        "       |   ^",
        "     6 | end",
    ]
    assert list(excerpt(Problem(Span("docs/c.md", 5), "what"), LINES)) == []


@pytest.mark.parametrize(
    ("detail", "caret"),
    [
        ("", "^"),
        (CALL.format(4, "y = f(x)\n        ^^^^"), "      ^^^^"),
        (CALL.format(4, "y = f(x)\n    ~~^~~   "), "  ~~^~~"),
        (CALL.format(4, "y = f(x)\nNameError: x"), "  ^^^^^^^^"),
        (CALL.format(9, "y = f(x)\n        ^^^^"), "^"),
        (CALL.format(4, "something else\n        ^^^^"), "^"),
        (CALL.format(4, "y = f(x)\n        ^^^^") + CALL.format(4, "y = f(x)\n          ^"), "        ^"),
        (CALL.format(4, "y = f(x)") + '  File "docs/b.md", line 4, in g\n    f(x)\n     ^\n', "  ^^^^^^^^"),
    ],
)
def test_place_from_a_traceback(detail: str, caret: str) -> None:
    """As Python marks it in the author's own line; where it marks nothing, all code; without one, the column."""
    assert marked(Problem(Span("docs/a.md", 4), "what", detail=detail)) == caret


def test_place_from_a_column() -> None:
    """Below it, with the line's own tabs; a caret beyond what is shown is left out."""
    assert marked(Problem(Span("docs/a.md", 1, 3), "what"), "\tab") == "\t ^"
    assert marked(Problem(Span("docs/a.md", 1), "what"), "    ab") == "    ^"
    lines = [Line("x" * 500, "docs/a.md", 1)]
    assert list(excerpt(Problem(Span("docs/a.md", 1, 300), "what"), lines)) == [">    1 | " + "x" * 200]


def test_problems_one_below_the_other() -> None:
    """The first one is what the summary says."""
    one, two = Problem(Span("docs/a.md", 4), "one", "Mend it."), Problem(Span("docs/b.md", 2), "two")
    shown = show([one, two], lambda path: LINES if path == "docs/a.md" else ())
    assert str(shown).splitlines()[:3] == ["docs/a.md:4:1: one", "  Mend it.", ""]
    assert str(shown).endswith("\n\ndocs/b.md:2:1: two")
    assert str(shown.reprcrash) == "docs/a.md:4: one"
