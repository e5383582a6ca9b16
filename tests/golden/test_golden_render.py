"""A chapter → the Markdown that a host gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mkdocs_fathom import config
from mkdocs_fathom.parsing import parse
from mkdocs_fathom.rendering import render
from mkdocs_fathom.model import Span

CASES = sorted((Path(__file__).parent / "render").glob("*.yml"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_render(file: Path, compare: Callable[[Path, str, Any], None], tmp_path: Path) -> None:
    """What is expected stands in the file."""
    case = yaml.safe_load(file.read_text(encoding="utf-8"))
    options = {"depths": case["depths"]} if "depths" in case else {}
    site = config.build(tmp_path, tmp_path, options, Span("mkdocs.yml", 1))
    chapter = parse.parse(case["text"], "a.md", site).checked()
    compare(file, "markdown", render.markdown(chapter))
