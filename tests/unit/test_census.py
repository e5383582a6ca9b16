"""The independent count, and that it agrees with the parser."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom import config
from mkdocs_fathom.model import CellResult, Chapter, Failure, Run, Span
from mkdocs_fathom.parsing import census, parse

SITE = config.Config(Path("/nowhere"), Path("/nowhere/docs"))
TEXT = """\
```python
1
```
```python exec="false" reason="no"
2
```
<!-- DEEP -->
```py
3
```
<!-- /DEEP -->
```bash
ls
```
```python
4
```
"""


@pytest.fixture
def chapter() -> Chapter:
    """Three cells that run, one that is exempt."""
    return parse.parse(TEXT, "a.md", SITE).checked()


def run(*numbers: int, blocked: tuple[int, ...] = ()) -> Run:
    """A run of some cells."""
    results = [CellResult(number, (), 0.0) for number in numbers]
    results += [CellResult(number, (), 0.0, Failure(Span("a.md", 1), "x", ""), blocked_by=0) for number in blocked]
    return Run("a.md", "DEEP", tuple(results))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("```\n```", {"": 1}),
        ("```python\n```\n~~~ Py title=x\n~~~", {"python": 1, "py": 1}),
        ("```{.python .a}\n```\n``` { .py }\n```\n```python{.x}\n```", {"python": 2, "py": 1}),
        ("````python\n```python\n```\n````", {"python": 1}),
        ("```python\n~~~\n```bash\n    ```\n ```\n> ```\n```", {"python": 1}),
        ("> ```python\n> ```\n- ```python\n  ```\n    1. ~~~py\n       ~~~", {"python": 2, "py": 1}),
        ("<!--\n```python\n```\n-->\n<!-- x --> \n```py\n```", {"py": 1}),
        ("<!-->\n```py\n```", {"py": 1}),
        ("`<!--`\n```py\n```", {"py": 1}),
        ("```python `x`\n``` x\n```", {"x": 1}),
        ("~~~python `x`\n~~~", {"python": 1}),
        ("``\n~~\n`python`", {}),
    ],
)
def test_count(text: str, expected: dict[str, int]) -> None:
    """Fences by language, those in comments and in longer fences left out."""
    assert census.count(text.split("\n")) == Counter(expected)


def test_the_counter_shares_no_code_with_the_parser() -> None:
    """Or both would be wrong together."""
    tree = ast.parse(Path(census.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level}
    assert imported == {"errors", "model"}


def test_take(chapter: Chapter) -> None:
    """A cell counts once, on however many paths it ran."""
    runs = {"SHALLOW": run(0, 3), "DEEP": run(0, 2, 3)}
    assert census.take(chapter, runs) == census.Census(counted=4, executed=3, exempt=1, others={"bash": 1})
    assert census.problems(chapter, runs) == ()


def test_a_fence_that_was_passed_over_is_an_error(chapter: Chapter) -> None:
    """At that fence."""
    assert [str(problem) for problem in census.problems(chapter, {"SHALLOW": run(0, 3)})] == [
        (
            "a.md:8:1: of 4 fences of Python, 2 ran and 1 are exempt\n"
            "  This fence was passed over. That is a fault of Fathom: please report it with this chapter."
        )
    ]


def test_a_cell_that_ran_and_is_not_there_is_an_error(chapter: Chapter) -> None:
    """The other way to disagree."""
    assert [str(problem) for problem in census.problems(chapter, {"DEEP": run(0, 2, 3, 9)})] == [
        (
            "a.md:1:1: of 4 fences of Python, 4 ran and 1 are exempt\n"
            "  More ran than there are. That is a fault of Fathom: please report it with this chapter."
        )
    ]


def test_a_blocked_cell_is_reported_by_what_blocked_it(chapter: Chapter) -> None:
    """Not by the census a second time; it did not run, either."""
    runs = {"DEEP": run(0, blocked=(2, 3))}
    assert census.problems(chapter, runs) == ()
    assert (census.take(chapter, runs).executed, census.take(chapter, runs).blocked) == (1, 2)


def test_declared_output_written_as_python_is_exempt() -> None:
    """It is compared, not run."""
    text = "```python\n1\n```\n<!--pytest-codeblocks:expected-output-->\n```python\n1\n```\n"
    chapter = parse.parse(text, "a.md", SITE).checked()
    assert census.take(chapter, {"DEEP": run(0)}).exempt == 1
    assert census.problems(chapter, {"DEEP": run(0)}) == ()


def test_front_matter_is_not_counted() -> None:
    """It is YAML."""
    chapter = parse.parse("---\nx: |\n  ```python\n  ```\n---\n", "a.md", SITE).checked()
    assert census.take(chapter, {}).counted == 0


PREFIXES = st.sampled_from(
    ["", "- item\n\n    ", "> ", "!!! note\n\n    ", '=== "Tab"\n\n    ', "- item\n\n\t", "> > ", "- "]
)
RUNS = st.sampled_from(["```", "````", "~~~", "~~~~~"])
INFOS = st.sampled_from(
    [
        "",
        "python",
        " python",
        "py",
        '{.python .a title="x"}',
        "{ .py }",
        "text",
        "bash x y",
        "pycon",
        "{.rust}",
        "python3 setup",
    ]
)
INNER = st.sampled_from(
    ["x = 1", "", "    ```", "```python", "~~~", "<!--", "-->", "<!-- DEEP -->", "> y", "- z", "# h"]
)
PROSE = st.sampled_from(
    [
        "text",
        "`<!--` in code",
        "<!-- note -->",
        "<!-- two\n```python\nlines -->",
        "``` inline ```",
        "- list",
        "> quote",
        "***",
    ]
)


@st.composite
def fence(draw: st.DrawFn) -> str:
    """A fence in some container."""
    lead = draw(PREFIXES)
    intro, _, prefix = lead.rpartition("\n")
    inner = " " * len(prefix) if prefix == "- " else prefix
    mark = draw(RUNS)
    hidden = mark[:3]
    body = [line for line in draw(st.lists(INNER, max_size=4)) if not line.startswith(hidden)]
    lines = [f"{prefix}{mark}{draw(INFOS)}", *(f"{inner}{line}" for line in body), f"{inner}{mark}"]
    return "\n".join([*([intro] if intro else []), *lines])


@given(st.lists(st.one_of(fence(), PROSE), max_size=8).map("\n\n".join))
def test_census_and_parser_agree(text: str) -> None:
    """On every document that the parser accepts."""
    result = parse.parse(text, "a.md", SITE)
    assert not result.problems
    chapter = result.chapter
    counted = census.count(line.text for line in chapter.lines)
    assert counted == Counter(
        [fence.language for fence in chapter.others] + [_language(chapter, cell.first) for cell in chapter.cells]
    )
    assert census.take(chapter, {"DEEP": run(*(cell.number for cell in chapter.cells))}).exempt == 0


def _language(chapter: Chapter, index: int) -> str:
    """The language of a cell, found by looking for the longest name in its line."""
    names: Callable[[str], bool] = chapter.lines[index].text.__contains__
    return next(name for name in ("python3", "python", "py") if names(name))
