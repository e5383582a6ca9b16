"""What the golden cases do not show: which region an absent depth points to, and that text stays text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom import config
from mkdocs_fathom.model import Chapter, Span
from mkdocs_fathom.parsing import parse
from mkdocs_fathom.rendering import render


def chapter(text: str, *depths: str) -> Chapter:
    """A chapter of a site with these depths."""
    options = {"depths": list(depths)} if depths else {}
    site = config.build(Path("site"), Path("site/docs"), options, Span("mkdocs.yml", 1))
    return parse.parse(text, "a.md", site).checked()


@pytest.mark.parametrize(
    ("present", "absent", "awaited"),
    [("BC", "A", "B"), ("AC", "B", "C"), ("CA", "B", "C"), ("AB", "C", "B"), ("B", "A", "B"), ("A", "C", "A")],
)
def test_an_absent_depth_points_to_the_next_deeper_one(present: str, absent: str, awaited: str) -> None:
    """Or to the deepest there is."""
    text = "\n".join(f"<!-- {depth} -->\n{depth}\n<!-- /{depth} -->" for depth in present)
    parsed = chapter(text, "A", "B", "C")
    assert render.awaited(parsed, parsed.tab_sets[0], absent).depth == awaited


@given(st.lists(st.sampled_from(["text", "", "- a", "> q", "    code", "# T", "| a |", "2020. It"])))
def test_only_blank_lines_are_added(lines: list[str]) -> None:
    """A page without markers and cells keeps every line, in order."""
    text = "\n".join(lines)
    rendered = render.markdown(chapter(text)).split("\n")
    kept = [line for line in rendered if line.strip(" >")]
    assert kept == [line for line in lines if line.strip(" >")]
