"""pytest-codeblocks' directives, and the conditions of pytest's marks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.model import Cell
from mkdocs_fathom.parsing import conditions, parse

SITE = config.Config(Path("/nowhere"), Path("/nowhere/docs"))
CELL = "```python\n1\n```\n"
HINT = "Conditions compare what `sys`, `os` and `platform` say: `sys.platform == 'win32'`."


def cell(comment: str) -> Cell:
    """The cell behind a directive."""
    return parse.parse(f"{comment}\n\ntext\n\n{CELL}", "a.md", SITE).checked().cells[0]


def said(text: str) -> list[str]:
    """What is wrong, as it is printed."""
    return [str(problem).removeprefix("a.md:") for problem in parse.parse(text, "a.md", SITE).problems]


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        ("<!--pytest-codeblocks:skip-->", "skipped by `<!--pytest-codeblocks:skip-->`"),
        ("<!-- - pytest-codeblocks: skip - -->", "skipped by `<!-- - pytest-codeblocks: skip - -->`"),
        (
            "<!--pytest-codeblocks:skipif(sys.version_info > (3, 0))-->",
            "skipped by `<!--pytest-codeblocks:skipif(sys.version_info > (3, 0))-->`",
        ),
        ("<!--pytest-codeblocks:skipif(sys.version_info < (3, 0))-->", None),
        ("<!--pytest-codeblocks:skipif(platform.system() == 'x' or not os.environ.get('NO_SUCH'))-->", "skipped"),
        ("<!--pytest-codeblocks:importorskip(no_such.module)-->", "the module `no_such.module` is not installed"),
        ("<!--pytest-codeblocks:importorskip('no_such')-->", "the module `no_such` is not installed"),
        ("<!--pytest-codeblocks:importorskip(json)-->", None),
        ("<!--pytest-codeblocks:importorskip(sys)-->", None),
        ("<!--pytest.mark.skip-->", "skipped by `<!--pytest.mark.skip-->`"),
        ("<!--pytest.mark.skip(reason='slow')-->", "slow"),
        ("<!--pytest.mark.skip('slow')-->", "slow"),
        ("<!--pytest.mark.skipif(True, reason='slow')-->", "slow"),
        ("<!--pytest.mark.skipif('sys.maxsize > 0', reason='slow')-->", "slow"),
        ("<!--pytest.mark.skipif(sys.maxsize < 0, reason='slow')-->", None),
        ("<!--pytest.mark.xfail(run=False, reason='endless')-->", "endless"),
        ("<!--pytest.mark.xfail(sys.maxsize < 0, run=False, reason='endless')-->", None),
        ("<!--pytest.mark.slow-->", None),
        ("<!--pytest-codeblocks:cond-->".replace("cond", "expect-error"), None),
    ],
)
def test_what_exempts_a_cell(comment: str, reason: str | None) -> None:
    """And the reason that is given."""
    found = cell(comment).options.reason
    assert (found is None) == (reason is None)
    assert (found or "").startswith(reason or "")


@pytest.mark.parametrize(
    ("comment", "may_raise"),
    [
        ("<!--pytest-codeblocks:expect-exception-->", True),
        ("<!--pytest-codeblocks:expect-error-->", True),
        ("<!--pytest.mark.xfail-->", True),
        ("<!--pytest.mark.xfail(raises=ValueError, strict=True)-->", True),
        ("<!--pytest.mark.xfail(sys.maxsize > 0, reason='x')-->", True),
        ("<!--pytest.mark.xfail(sys.maxsize < 0, reason='x')-->", False),
        ("<!--pytest.mark.xfail(run=False)-->", False),
        ("<!--pytest.mark.skip-->", False),
    ],
)
def test_what_lets_a_cell_raise(comment: str, may_raise: bool) -> None:  # noqa: FBT001 - a column of the table
    """Without requiring it."""
    assert cell(comment).options.may_raise is may_raise


def test_marks_are_recorded_as_written_and_apply_to_one_cell() -> None:
    """In order; the next cell has none."""
    text = f"<!--pytest.mark.slow-->\n<!-- pytest.mark.timeout(3) -->\n{CELL}{CELL}"
    cells = parse.parse(text, "a.md", SITE).checked().cells
    assert [each.marks for each in cells] == [("pytest.mark.slow", "pytest.mark.timeout(3)"), ()]


@pytest.mark.parametrize(
    ("front", "marks", "reasons", "may_raise"),
    [
        (
            "pytestmark: pytest.mark.slow",
            [("pytest.mark.slow", "pytest.mark.x"), ("pytest.mark.slow",)],
            [None, None],
            0,
        ),
        ("pytestmark: [pytest.mark.a, pytest.mark.b]", [("pytest.mark.a", "pytest.mark.b")] * 2, [None, None], 0),
        ("pytestmark: pytest.mark.skip(reason='late')", None, ["late", "late"], 0),
        ("pytestmark: pytest.mark.skipif(sys.maxsize < 0, reason='late')", None, [None, None], 0),
        ("pytestmark: pytest.mark.xfail", None, [None, None], 2),
    ],
)
def test_marks_in_the_front_matter_apply_to_all_cells(
    front: str, marks: list[tuple[str, ...]] | None, reasons: list[str | None], may_raise: int
) -> None:
    """Before those of each."""
    comment = "<!--pytest.mark.x-->\n" if marks and len(marks[0]) != len(marks[1]) else ""
    cells = parse.parse(f"---\n{front}\n---\n{comment}{CELL}{CELL}", "a.md", SITE).checked().cells
    assert marks is None or [each.marks for each in cells] == marks
    assert [each.options.reason for each in cells] == reasons
    assert sum(each.options.may_raise for each in cells) == may_raise


@pytest.mark.parametrize(
    ("front", "what"),
    [
        ("pytestmark: 3", "2:1: `pytestmark` is no list of marks\n  Write `pytestmark: pytest.mark.slow`."),
        ("x: 1\npytestmark: slow", f"3:1: cannot read the mark `slow`: it is no mark\n  {HINT}"),
    ],
)
def test_marks_in_the_front_matter_that_are_wrong(front: str, what: str) -> None:
    """At their place, whether there are cells or not."""
    assert said(f"---\n{front}\n---\ntext\n") == [what]


def test_a_cell_that_must_raise_is_not_excused_by_its_chapter() -> None:
    """What stands on the fence is nearer."""
    text = "---\npytestmark: pytest.mark.xfail\n---\n```python raises=ValueError\n1\n```\n"
    assert not parse.parse(text, "a.md", SITE).checked().cells[0].options.may_raise


def test_cont_joins_fences_of_python() -> None:
    """pytest-codeblocks would run a fence without a language; here it would be text, and the directive do nothing."""
    cont = "<!--pytest-codeblocks:cont-->"
    hint = f"4:1: `{cont}` joins a fence that names no language\n  Write ```python."
    assert said(f"{CELL}{cont}\n```\n1\n```\n") == [hint]
    assert said(f"{CELL}{cont}\n```bash\n1\n```\n") == []


def test_expected_output_belongs_to_the_cell_before() -> None:
    """Whatever the language of its fence, and marks wait for the next cell."""
    text = (
        f"{CELL}\n<!--pytest.mark.slow-->\n<!--pytest-codeblocks:expected-output-->\n\n```python\nx\n\ny\n```\n{CELL}"
    )
    chapter = parse.parse(text, "a.md", SITE).checked()
    first, second = chapter.cells
    assert first.expected is not None
    assert (first.expected.text, first.expected.ignore_whitespace, first.expected.span.line) == ("x\n\ny\n", False, 8)
    assert second.marks == ("pytest.mark.slow",)
    assert [fence.language for fence in chapter.others] == ["python"]


def test_expected_output_may_ignore_white_space() -> None:
    """As its name says."""
    text = f"{CELL}<!--pytest-codeblocks:expected-output-ignore-whitespace-->\n```\nx\n```\n"
    expected = parse.parse(text, "a.md", SITE).checked().cells[0].expected
    assert expected is not None
    assert expected.ignore_whitespace


EXPECTED = "<!--pytest-codeblocks:expected-output-->"
BETWEEN = "\n  Put it between a cell and the fence that holds the cell's output."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "<!--pytest-codeblocks:cont-->\n" + CELL,
            ["1:1: `<!--pytest-codeblocks:cont-->` continues nothing: no block stands before it\n  Take it out."],
        ),
        (f"{EXPECTED}\n{CELL}", [f"1:1: `{EXPECTED}` has no block before it{BETWEEN}"]),
        (f"```bash\n```\n{EXPECTED}\n```\n```\n", [f"3:1: `{EXPECTED}` follows a fence that does not run{BETWEEN}"]),
        (
            f"{CELL}{EXPECTED}\n```\n```\n{EXPECTED}\n```\n```\n",
            [f"7:1: `{EXPECTED}`: the block before it has its expected output already{BETWEEN}"],
        ),
        (
            f"{CELL}{EXPECTED}\n",
            [f"4:1: `{EXPECTED}` applies to nothing: no fence follows\n  Take it out, or move it."],
        ),
        (
            f"{CELL}<!--pytest.mark.slow-->\n",
            ["4:1: `<!--pytest.mark.slow-->` applies to nothing: no fence follows\n  Take it out, or move it."],
        ),
        (
            f"<!--pytest-codeblocks:skp-->\n{CELL}",
            ["1:1: unknown directive `skp` of pytest-codeblocks\n  Did you mean `skip`?"],
        ),
        (
            f"<!--pytest-codeblocks:zzz-->\n{CELL}",
            [
                (
                    "1:1: unknown directive `zzz` of pytest-codeblocks\n"
                    "  Known directives: cont, skip, skipif, skipfile,"
                    " importorskip, expected-output, expected-output-ignore-whitespace, expect-error, expect-exception."
                )
            ],
        ),
        (
            f"<!-- pytest-codeblock: skip -->\n{CELL}",
            [
                (
                    "1:1: `<!-- pytest-codeblock: skip -->` is no directive of pytest-codeblocks\n"
                    "  Write `<!--pytest-codeblocks:…-->` or `<!--pytest.mark.…-->`."
                )
            ],
        ),
        (
            f"<!--pytest.marks.skip-->\n{CELL}",
            [
                (
                    "1:1: `<!--pytest.marks.skip-->` is no directive of pytest-codeblocks\n"
                    "  Write `<!--pytest-codeblocks:…-->` or `<!--pytest.mark.…-->`."
                )
            ],
        ),
        (
            f"text <!--pytest.mark.slow-->\n{CELL}",
            ["1:6: `<!--pytest.mark.slow-->` does not stand alone on its line\n  Put it on a line of its own."],
        ),
        (
            f"<!--pytest-codeblocks:skipif()-->\n{CELL}",
            ["1:1: `<!--pytest-codeblocks:skipif()-->` names nothing in parentheses\n  Write `skipif(…)`."],
        ),
        (
            f"<!--pytest-codeblocks:importorskip-->\n{CELL}",
            ["1:1: `<!--pytest-codeblocks:importorskip-->` names nothing in parentheses\n  Write `importorskip(…)`."],
        ),
        (
            f"<!--pytest-codeblocks:skipif(x)-->\n{CELL}",
            [f"1:1: cannot evaluate the condition `x`: `x` is not known\n  {HINT}"],
        ),
        (
            f"<!--pytest.mark.skipif-->\n{CELL}",
            [f"1:1: cannot read the mark `pytest.mark.skipif`: `skipif` needs a condition\n  {HINT}"],
        ),
        (
            f"<!--pytest.mark.skip(-->\n{CELL}",
            [f"1:1: cannot read the mark `pytest.mark.skip(`: '(' was never closed\n  {HINT}"],
        ),
        (
            f"\n<!--pytest-codeblocks:skipfile-->\n{CELL}",
            [
                (
                    "2:1: `<!--pytest-codeblocks:skipfile-->` does not stand on the first line\n"
                    "  Move it to the first line of the file or behind the front matter."
                )
            ],
        ),
        (
            "<!--pytest.mark.xfail-->\n```python raises=E\n```\n",
            [
                (
                    "2:1: the cell must raise `E`, and a directive says that it may raise anything\n"
                    "  Take one of the two out."
                )
            ],
        ),
    ],
)
def test_directives_that_are_wrong(text: str, expected: list[str]) -> None:
    """None is passed over."""
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "```markdown\n<!--pytest-codeblocks:skip-->\n```\n",
        "`<!--pytest-codeblocks:skip-->`\n",
        "<!--\npytest-codeblocks:skip\n-->\n",
        "<!-- pytest is great -->\n",
    ],
)
def test_a_directive_in_code_or_in_another_comment_is_text(text: str) -> None:
    """It applies to nothing."""
    chapter = parse.parse(text + CELL, "a.md", SITE).checked()
    assert chapter.cells[0].runs


def test_a_file_may_be_exempt_as_a_whole() -> None:
    """Every cell of it, with the reason."""
    chapter = parse.parse(f"<!--pytest-codeblocks:skipfile-->\n{CELL}{CELL}", "a.md", SITE).checked()
    assert {each.options.reason for each in chapter.cells} == {"skipped by `<!--pytest-codeblocks:skipfile-->`"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("sys.platform == 'no such'", False),
        (f"sys.platform.startswith('{sys.platform}')", True),
        ("sys.version_info[:2] >= (3, 11)", True),
        ("not (sys.maxsize < 0) and platform.python_version() in ['x'] or True", True),
        ("os.getenv('NO_SUCH_VARIABLE') is None", True),
        ("'sys.maxsize > 0'", True),
    ],
)
def test_conditions_look_at_the_system(condition: str, holds: bool) -> None:  # noqa: FBT001 - a column of the table
    """And compare."""
    assert conditions.evaluate(condition) is holds


@pytest.mark.parametrize(
    "condition",
    [
        "__import__('os').system('x')",
        "os.system('x')",
        "os.remove('x')",
        "sys.exit()",
        "sys.modules['os'].system('x')",
        "platform.os.system('x')",
        "platform.os.startswith('x')",
        "().__class__",
        "[x for x in (1,)]",
        "(lambda: 1)()",
        "open('x')",
        "f'{1}'",
        "(x := 1)",
        "os.environ['NO_SUCH_VARIABLE']",
        "1 +",
        "",
    ],
)
def test_conditions_do_nothing_else(condition: str) -> None:
    """What could do more is refused, and what fails is no condition."""
    with pytest.raises(ValueError, match=r"\S"):
        conditions.evaluate(condition)
