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
            "a.md:3:1: IndentationError: expected an indented block after 'if' statement on line 2",
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


@pytest.mark.parametrize("indent", ["", "    "])
@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("for i in range(3)\n    print(i)", (1, 18)),
        ("x = 1\nfor i in range(3)\n    print(i)", (2, 18)),
        ("x = 1; y = (2,,3)", (1, 15)),
        ("if True", (1, 8)),
        ("x = 'éé'; y = (2,,3)", (1, 18)),
        ("x = 'éé'; return 1", (1, 11)),
        ("x = 1\ny = 'é' + f'éé{a b}'", (2, 16)),
    ],
)
def test_the_column_is_the_pages_whatever_else_the_page_says(
    code: str, place: tuple[int, int], indent: str, site: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would take columns from a file of that name in the working directory, and count some in bytes."""
    body = "".join(f"{indent}{each}\n" for each in ["```python", *code.split("\n"), "```"])
    text = f"- A\n\n{body}"
    (site.root / "a.md").write_text(text, encoding="utf-8")
    monkeypatch.chdir(site.root)
    assert said(text, site)[0].startswith(f"a.md:{3 + place[0]}:{len(indent) + place[1]}: ")


@pytest.mark.parametrize(
    ("code", "line", "named"),
    [
        ('x = """abc', 3, "(detected at line 3)"),
        ('x = 1\ny = """abc\n\nz = 2', 4, "(detected at line 6)"),
        ('x = "abc', 3, "(detected at line 3)"),
        ("for i in x:", 3, "after 'for' statement on line 3"),
        ("try:\n  x\nexcept* E:\ny", 6, "after 'except*' statement on line 5"),
        ("match x:\n case 1:\n y", 5, "after 'case' statement on line 4"),
        ("def f():\nprint", 4, "after function definition on line 3"),
        ("x = {1,\n  2)", 4, "does not match opening parenthesis '{' on line 3"),
        ('if 1:\n--8<-- "wrong.py"', 1, "after 'if' statement on line 3 of `a.md`"),
    ],
)
def test_a_line_that_python_names_is_the_pages(code: str, line: int, named: str, site: Config) -> None:
    """Python counts from the cell's first line."""
    (found,) = said(f"text\n```python\n{code}\n```", site)
    assert found.partition(" ")[0].split(":")[1] == str(line)
    assert found.endswith(named)


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
