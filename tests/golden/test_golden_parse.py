"""A chapter's text → its regions, cells and problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from mkdocs_fathom import config
from mkdocs_fathom.parsing import parse
from mkdocs_fathom.model import Cell, CellOptions, Chapter, Span

CASES = sorted((Path(__file__).parent / "parse").glob("*.yml"))


def options(cell: Cell) -> dict[str, Any]:
    """The options that differ from their defaults."""
    values = ((field.name, getattr(cell.options, field.name)) for field in fields(CellOptions))
    return {name: value for name, value in values if value != getattr(CellOptions(), name)}


def described(cell: Cell) -> dict[str, Any]:
    """A cell, without what is as it mostly is."""
    origins = [f"{path}:{line}" for path, line in cell.origins]
    everything = {
        "at": str(cell.span),
        "depth": cell.depth,
        "prefix": cell.prefix,
        "source": cell.source,
        "origins": origins if any(not origin.startswith("a.md:") for origin in origins) else [],
        "options": options(cell),
        "display": dict(cell.display),
        "marks": list(cell.marks),
        "expected": cell.expected.text if cell.expected else None,
    }
    return {name: value for name, value in everything.items() if value or name == "source"}


def summary(chapter: Chapter) -> dict[str, Any]:
    """A chapter, as a reader of the file can check it."""
    regions = {region: f"{region.depth} {region.first + 1}-{region.last + 1}" for region in chapter.regions}
    everything = {
        "needs": list(chapter.needs),
        "tab sets": [", ".join(regions[region] for region in tabs) for tabs in chapter.tab_sets],
        "headings": [f"{'#' * each.level} {each.text} ({each.depth or 'shared'})" for each in chapter.headings],
        "cells": [described(cell) for cell in chapter.cells],
        "others": [f"{fence.span} {fence.language}".strip() for fence in chapter.others],
    }
    return {name: value for name, value in everything.items() if value}


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_parse(file: Path, compare: Callable[[Path, str, Any], None], tmp_path: Path) -> None:
    """What is expected stands in the file."""
    case = yaml.safe_load(file.read_text(encoding="utf-8"))
    for name, text in case.get("files", {}).items():
        target = tmp_path / "snippets" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    given = {"depths": case["depths"]} if "depths" in case else {}
    parsed = parse.parse(case["text"], "a.md", config.build(tmp_path, tmp_path, given, Span("mkdocs.yml", 1)))
    compare(file, "parsed", {"problems": [str(each) for each in parsed.problems], **summary(parsed.chapter)})
