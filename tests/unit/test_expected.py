"""What a cell is declared to print: three ways to compare, and the declaration brought up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from mkdocs_fathom.config import Config
from mkdocs_fathom.model import Cell, CellResult, Chapter, Expected, Failure, Span, Tolerance
from mkdocs_fathom.parsing.parse import parse
from mkdocs_fathom.scheduling.expected import agrees, rewritten, unexpected

SITE = Config(Path("/nowhere"), Path("/nowhere/docs"))
SPAN = Span("docs/a.md", 9)
EXACT = "<!--pytest-codeblocks:expected-output-->"
CLOSE = "<!--fathom:expected-output close-->"


def chapter(text: str) -> Chapter:
    return parse(text, "docs/a.md", SITE).checked()


def result(number: int, text: str, *, stderr: str = "", failure: Failure | None = None) -> CellResult:
    streams = {"stdout": text, "stderr": stderr}
    outputs = tuple({"output_type": "stream", "name": name, "text": said} for name, said in streams.items() if said)
    return CellResult(number, outputs, 0.0, failure)


@pytest.mark.parametrize(
    ("want", "got", "agree"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a", False),
        ("a \n", "a\n", False),
        ("1.0\n", "1.00\n", False),
        ("…\n", "a\n", False),
        ("", "", True),
    ],
)
def test_exactly(want: str, got: str, agree: bool) -> None:  # noqa: FBT001 - a column of the table
    """Each character counts."""
    assert agrees(Expected(want, ignore_whitespace=False, span=SPAN), got) is agree


@pytest.mark.parametrize(
    ("want", "got", "agree"),
    [("a b\n", " ab", True), ("a\n\n b\n", "a\tb\n", True), ("a\n", "b\n", False), ("…\n", "a\n", False)],
)
def test_without_white_space(want: str, got: str, agree: bool) -> None:  # noqa: FBT001 - a column of the table
    """Everything else counts."""
    assert agrees(Expected(want, ignore_whitespace=True, span=SPAN), got) is agree


@pytest.mark.parametrize(
    ("want", "got", "agree"),
    [
        # Numbers, however they are written
        ("0.5", "0.500004", True),
        ("0.5", "0.50002", False),
        ("1e-3", "0.001", True),
        ("100000", "100,001", True),
        ("1,234,567.0", "1234567", True),
        ("-2", "2", False),
        ("0.0", "-0.0", True),
        ("0", "0.0000009", True),
        ("0", "0.00001", False),
        ("+1", "1", True),
        (".5", "0.5", True),
        ("1.", "1", True),
        ("3 and 4", "3 and 5", False),
        ("1,000", "1,001", False),
        ("1,2345", "1,2345.0001", True),
        ("nan inf -inf", "nan inf -inf", True),
        ("nan", "0", False),
        # Words, and white space
        ("loss 0.5", "loss 0.5", True),
        ("loss 0.5", "cost 0.5", False),
        ("loss 0.5", "loss", False),
        ("loss 0.5", "loss 0.5 now", False),
        ("two words", "two  words", True),
        ("two words", "twowords", False),
        ("  2 x", "2x", True),
        ("[10. 9.]", "[10.  9.000001]", True),
        ("[ 1.  2.]", "[1.00 2.00]", True),
        ("v1 2024-01-02", "v1 2024-01-02", True),
        ("v1 2024-01-02", "v1 2024-01-03", False),
        ("a\n\nb", "a\nb", False),
        ("a\nb", "a b", False),
        ("a\n", "a", True),
        ("", "", True),
        ("", "a", False),
        # `…` within a line, behind digits, and alone
        ("took … s", "took 0.31 s", True),
        ("took … s", "took 0.31 min", False),
        ("took … s", "took 1\n2 s", False),
        ("took … s, … MB", "took 3 s, 4 s, 5 MB", True),
        ("0.12…", "0.1234", True),
        ("0.12…", "0.13", False),
        ("at 0.12… now", "at 0.1234 now", True),
        ("step 1…", "step 1: loss 3", True),
        ("<f at 0x…>", "<f at 0x7f3a12e40>", True),
        ("…", "", True),
        ("…", "a\nb", True),
        ("a\n…\nb", "a\nb", True),
        ("a\n …\nb", "a\n1\n2\nb", True),
        ("a\n…\nb", "a\n1\n2", False),
        ("…\nb\n…", "a\nb\nb\nc", True),
        ("a", "…", False),
    ],
)
def test_closely(want: str, got: str, agree: bool) -> None:  # noqa: FBT001 - a column of the table
    """Numbers as numbers, text as text, `…` as anything."""
    assert agrees(Expected(want, ignore_whitespace=False, span=SPAN, tolerance=Tolerance(1e-5, 1e-6)), got) is agree


def test_many_wildcards_take_no_time() -> None:
    """The comparison does not try every way to cut a line."""
    tolerance = Tolerance(0.0, 0.0)
    expected = Expected("…a" * 40 + "b", ignore_whitespace=False, span=SPAN, tolerance=tolerance)
    assert not agrees(expected, "a" * 2000)


@pytest.mark.parametrize(
    ("words", "tolerance"),
    [
        ("close", Tolerance(1e-6, 1e-12)),
        ("close rel=1e-3", Tolerance(1e-3, 0.0)),
        ("close abs=0.01", Tolerance(0.0, 0.01)),
        ("close  rel=1E-2\tabs=2", Tolerance(1e-2, 2.0)),
    ],
)
def test_tolerances(words: str, tolerance: Tolerance) -> None:
    """Who names one of the two wants that one."""
    cell = chapter(f"```python\n1\n```\n<!-- fathom: expected-output {words} -->\n```\n1\n```\n").cells[0]
    assert cell.expected == Expected("1\n", ignore_whitespace=False, span=Span("docs/a.md", 5), tolerance=tolerance)


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        (
            "<!--fathom:expected-output close rel=x-->",
            (
                "`<!--fathom:expected-output close rel=x-->`: cannot read `rel=x`\n"
                "  Write `rel=` or `abs=` and a number: `rel=1e-3`."
            ),
        ),
        (
            "<!--fathom:expected-output close rel=-1-->",
            (
                "`<!--fathom:expected-output close rel=-1-->`: cannot read `rel=-1`\n"
                "  Write `rel=` or `abs=` and a number: `rel=1e-3`."
            ),
        ),
        (
            "<!--fathom:expected-output-->",
            (
                "unknown directive `expected-output` of fathom\n"
                "  Write `<!--fathom:expected-output close rel=1e-6-->`; `expected-output` alone is pytest-codeblocks'."
            ),
        ),
    ],
)
def test_directives_that_are_wrong(comment: str, said: str) -> None:
    """None is passed over."""
    problems = parse(f"```python\n1\n```\n{comment}\n```\n1\n```\n", "docs/a.md", SITE).problems
    assert str(problems[0]) == f"docs/a.md:4:1: {said}"


@pytest.mark.parametrize(
    ("comment", "want", "got", "detail"),
    [
        (EXACT, "a", "b\n", "--- expected\n+++ printed\n@@ -1 +1 @@\n-a\n+b"),
        (EXACT, "a", "a", "The end of the last line differs."),
        (CLOSE, "1.0\n2.0", "1.0000001\n3.0", "--- expected\n+++ printed\n@@ -1,2 +1,2 @@\n 1.0000001\n-2.0\n+3.0"),
        (CLOSE, "x …\ny 2.0", "x 1\ny 3.0\n", "--- expected\n+++ printed\n@@ -1,2 +1,2 @@\n x 1\n-y 2.0\n+y 3.0"),
    ],
)  # fmt: skip
def test_what_is_said(comment: str, want: str, got: str, detail: str) -> None:
    """The place of the declaration, the cell's line, and the lines that differ: what agrees is not among them."""
    cell = chapter(f"```python\n1\n```\n{comment}\n```\n{want}\n```\n").cells[0]
    problem = unexpected(cell, [result(0, got, stderr="not compared")])
    assert problem is not None
    assert str(problem).startswith("docs/a.md:5:1: the cell at line 1 does not print what this block expects\n  Mend")
    assert problem.detail == detail


def test_a_cell_that_did_not_run_to_its_end_prints_nothing_unexpected() -> None:
    """Its failure is told; a cell without a declaration may print anything."""
    cell, other = chapter(f"```python\n1\n```\n{EXACT}\n```\na\n```\n```python\n2\n```\n").cells
    assert unexpected(cell, [result(0, "b", failure=Failure(SPAN, "ValueError", ""))]) is None
    assert unexpected(cell, [CellResult(0, (), 0.0, blocked_by=1)]) is None
    assert unexpected(cell, []) is None
    assert unexpected(other, [result(1, "b")]) is None


def test_joined_cells() -> None:
    """Behind cells that `cont` joins stands what all of them print, as in pytest-codeblocks."""
    fence, cont = "```python\n1\n```\n", "<!--pytest-codeblocks:cont-->\n"
    cells = chapter(f"{fence}{fence}{cont}{fence}{cont}{fence}{EXACT}\n```\n1\n2\n3\n```\n{fence}").cells
    results = [result(number, f"{number}\n") for number in range(5)]
    assert cells[3].expected is not None
    assert cells[3].expected.since == 1
    assert unexpected(cells[3], results) is None
    problem = unexpected(cells[3], [*results[:2], result(2, "x\n"), *results[3:]])
    assert problem is not None
    assert problem.what == "the 3 cells up to here do not print what this block expects"


def only(text: str) -> Cell:
    (cell,) = chapter(text).cells
    return cell


@pytest.mark.parametrize(
    ("block", "got", "new"),
    [
        ("```\n1\n```\n", "2\n", "```\n2\n```\n"),
        ("```\n1\n2\n\n3\n```\n", "4\n", "```\n4\n```\n"),
        ("```\n```\n", "4\n\n5\n", "```\n4\n\n5\n```\n"),
        ("```\n1\n```\n", "", "```\n```\n"),
        ("~~~ text\n1\n~~~~  \n", "2", "~~~ text\n2\n~~~~  \n"),
        ("```\r\n1\r\n```\r\n", "2\n3\n", "```\r\n2\r\n3\r\n```\r\n"),
        ("```\n1\n```\n", "a \n```\n", "````\na \n```\n````\n"),
        ("```\n1\n```", "2\n", "```\n2\n```"),
    ],
)
def test_brought_up_to_date(block: str, got: str, new: str) -> None:
    """The block holds what was printed, and every other byte is as it was."""
    before = f"\ufeff# A page  \n\n```python\n1\n```\n{EXACT}\n"
    lines = (before + block).splitlines(keepends=True)
    cell = only((before + block).removeprefix("\ufeff"))
    assert "".join(rewritten(lines, cell, got)) == before + new
    after = only((before + new).removeprefix("\ufeff").replace("\r", ""))
    assert after.expected is not None
    assert after.expected.text.rstrip("\n") == got.rstrip("\n")


def test_brought_up_to_date_in_a_container() -> None:
    """Quote signs and indentation stay."""
    text = f"> - ```python\n>   1\n>   ```\n>\n>   {EXACT}\n>   ```\n>   1\n>   ```\n>\n> more\n"
    lines = text.splitlines(keepends=True)
    new = rewritten(lines, only(text), "a\n\nb\n")
    assert "".join(new) == text.replace("   1\n>   ```\n>\n> more", "   a\n>\n>   b\n>   ```\n>\n> more")
    assert rewritten(lines, only(text), "1\n") == lines


def test_lines_that_hold_stay() -> None:
    """With their `…` and their digits."""
    text = f"```python\n1\n```\n{CLOSE}\n```\nloss 1.0\ntook … s\nend 3\n```\n"
    new = rewritten(text.splitlines(keepends=True), only(text), "loss 1.0000001\ntook 3 s\nend 4\n")
    assert "".join(new) == text.replace("end 3", "end 4")
    text = f"```python\n1\n```\n{CLOSE}\n```\na\n…\nb\n```\n"
    assert "".join(rewritten(text.splitlines(keepends=True), only(text), "a\n1\n2\nb\n")) == text
