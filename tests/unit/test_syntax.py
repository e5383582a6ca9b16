"""Syntax errors, found before anything runs."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.config import Config
from mkdocs_fathom.parsing import parse, syntax

MAGIC = "  Cells are plain Python: IPython's `%`, `!` and `?` do not work."


@pytest.fixture
def site(tmp_path: Path) -> Config:
    """A project with a snippet that is wrong."""
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets/wrong.py").write_text("a = 1\nb = = 2\n", encoding="utf-8")
    return config.Config(tmp_path, tmp_path)


def said(text: str, site: Config) -> list[str]:
    """The syntax errors of a chapter, as they are printed."""
    return [str(problem) for problem in syntax.syntax_problems(parse.parse(text, "a.md", site).chapter)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```python\nx = = 1\n```", "a.md:2:5: SyntaxError: invalid syntax"),
        ("> ```python\n> a = 1\n> x = = 1\n> ```", "a.md:3:7: SyntaxError: invalid syntax"),
        ("- a\n\n\t```python\n\tx = = 1\n\t```", "a.md:4:6: SyntaxError: invalid syntax"),
        ("- ```python\n  x = = 1\n  ```", "a.md:2:7: SyntaxError: invalid syntax"),
        (
            "```python\nif 1:\nx\n```",
            "a.md:3:1: IndentationError: expected an indented block after 'if' statement on line 1",
        ),
        ("```python\nx = (\n\n```", "a.md:2:5: SyntaxError: '(' was never closed"),
        ("```python\n%timeit f()\n```", f"a.md:2:1: SyntaxError: invalid syntax\n{MAGIC}"),
        ("```python\n!ls\n```", f"a.md:2:1: SyntaxError: invalid syntax\n{MAGIC}"),
        ("```python\nprint?\n```", f"a.md:2:6: SyntaxError: invalid syntax\n{MAGIC}"),
        ("```python\nreturn 1\n```", "a.md:2:1: SyntaxError: 'return' outside function"),
        ('```python\na = 1\n--8<-- "wrong.py"\n```', "snippets/wrong.py:2:5: SyntaxError: invalid syntax"),
    ],
)
def test_a_syntax_error_stands_at_the_authors_line_and_column(text: str, expected: str, site: Config) -> None:
    """In the chapter, or in the file that it includes."""
    assert said(text, site) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "```python\nawait f()\nasync with a as b:\n    pass\n```",
        "```python\n```",
        "```python\nx = 10 % 3\nprint('why?')\n```",
        '```python exec="false" reason="no"\nx = = 1\n```',
        "```python raises=SyntaxError\nx = = 1\n```",
        "<!--pytest-codeblocks:expect-error-->\n```python\nx = = 1\n```",
        "```pycon\n>>> 1\n```",
    ],
)
def test_what_is_no_syntax_error(text: str, site: Config) -> None:
    """Top-level await, and what does not run or is declared."""
    assert said(text, site) == []


@pytest.mark.parametrize("line", ["x = '\0'", "(" * 500 + ")" * 500, "-" * 100_000 + "1", "x = 1" + "0" * 5_000])
def test_what_the_compiler_refuses_otherwise(line: str, site: Config) -> None:
    """Is an error at the cell, not a traceback."""
    found = said(f"text\n```python\n{line}\n```", site)
    assert len(found) == 1
    assert found[0].startswith(("a.md:2:", "a.md:3:"))


def test_no_warning_of_the_compiler_leaks(site: Config) -> None:
    """The worker says it where the cell runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert said("```python\nx = 1 is 1\ny = '\\d'\nassert (1, 'x')\n```", site) == []


def test_every_cell_is_compiled(site: Config) -> None:
    """All errors come in one go."""
    assert len(said("```python\n(\n```\n```python\n1\n```\n```python\n)\n```", site)) == 2
