"""What counts as a difference between two runs, and how it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.model import Artifact, CellResult, Chapter, Run, Span
from mkdocs_fathom.parsing import parse
from mkdocs_fathom.scheduling import compare

SETTINGS = config.build(Path("/site"), Path("/site/docs"), {}, Span("mkdocs.yml", 1))
CHAPTER = parse.parse("# Page\n\n```python\nprint(1)\n```\n", "docs/a.md", SETTINGS).checked()


def stream(text: str) -> dict[str, str]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def runs(*outputs: dict[str, Any], artifacts: tuple[Artifact, ...] = ()) -> dict[str, dict[str, Run]]:
    """The runs of one chapter of one cell."""
    results = (CellResult(0, outputs, 0.1),)
    return {CHAPTER.path: {depth: Run(CHAPTER.path, depth, results, artifacts) for depth in ("SHALLOW", "DEEP")}}


CHAPTERS: list[Chapter] = [CHAPTER]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("12", "13", False),
        ("0.1234", "0.1235", True),
        ("0.1234", "0.1236", False),
        ("loss 2.31 at 4", "loss 2.32 at 4", True),
        ("loss 2.31 at 4", "loss 2.31 at 5", False),
        ("loss 2.31", "cost 2.31", False),
        ("[1. 2.5]", "[1. 2.6]", True),
        ("1.5e-08", "1.6e-08", True),
        ("1.5e-08", "1.7e-08", False),
        ("1234567.891234", "1234567.891999", True),
        ("0.123456789012", "0.123456789999", True),
        ("-0.0", "0.0", True),
        ("0e999999999", "1e999999999", False),
        ("1e308", "2e308", False),
        ("1.0 2.0", "1.0", False),
        ([stream("0.5\n")], [stream("0.6\n")], True),
        ([stream("0.5\n")], [], False),
        ({"data": {"image/png": "aGVsbG8="}}, {"data": {"image/png": "aGVsbG9="}}, False),
        (
            {"data": {"image/svg+xml": '<path d="M 1.50 2"/>'}},
            {"data": {"image/svg+xml": '<path d="M 1.51 2"/>'}},
            True,
        ),
        ({"a": 1}, {"b": 1}, False),
        (None, None, True),
        (None, 1, False),
    ],
)
def test_nearly(one: Any, other: Any, *, same: bool) -> None:
    """Only the last digit of a number with a fraction may differ, or a rounding error."""
    assert compare.nearly(one, other) is same
    assert compare.nearly(other, one) is same


def test_difference_is_shown() -> None:
    """A cell that differs is named once for all depths, with what it put out before and after."""
    (problem,) = compare.twice(CHAPTERS, runs(stream("a\nb\n")), runs(stream("a\nc\n")))
    assert str(problem) == (
        "docs/a.md:3:1: this cell has another output in each run\n"
        "  Seed what is random, sort what is a set, and print no addresses or times.\n"
        "    --- before\n    +++ after\n    @@ -1,2 +1,2 @@\n     a\n    -b\n    +c"
    )


def test_twice_is_exact() -> None:
    """On one machine, even the last digit is the same each time."""
    assert len(compare.twice(CHAPTERS, runs(stream("0.1234\n")), runs(stream("0.1235\n")))) == 1
    assert compare.audit(CHAPTERS, runs(stream("0.1234\n")), runs(stream("0.1235\n"))) == []


def test_pictures_are_named_by_their_digest() -> None:
    """What is no text is shown short."""
    before, after = (
        {"output_type": "display_data", "data": {"image/png": data, "text/plain": "<Figure>"}} for data in "ab"
    )
    (problem,) = compare.audit(CHAPTERS, runs(before), runs(after))
    assert "-image/png: " in problem.detail
    assert max(map(len, problem.detail.splitlines())) < 30


def test_artifacts() -> None:
    """An artifact that differs is an error from run to run, and a warning in an audit; outputs go before."""
    one, two = ((Artifact("w.npz", digest * 64, 9),) for digest in "ab")
    (problem,) = compare.twice(CHAPTERS, runs(artifacts=one), runs(artifacts=two))
    assert str(problem) == (
        "docs/a.md:1:1: the artifact `w.npz` has another content in each run\n"
        "  Seed what is random, sort what is a set, and print no addresses or times, in what leads to it."
    )
    (problem,) = compare.audit(CHAPTERS, runs(artifacts=one), runs(artifacts=()))
    assert problem.severity == "warning"
    (problem,) = compare.twice(CHAPTERS, runs(stream("a"), artifacts=one), runs(stream("b"), artifacts=two))
    assert problem.what.startswith("this cell")


def test_what_is_not_stored_is_not_compared() -> None:
    """A chapter without stored results has nothing to be wrong."""
    assert compare.audit(CHAPTERS, {}, runs(stream("a"))) == []
