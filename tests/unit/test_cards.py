"""Links that are cards."""

from __future__ import annotations

from pathlib import Path

import pytest

from mkdocs_fathom.model import JSON, CellResult, Run
from mkdocs_fathom.parsing.parse import parse
from mkdocs_fathom.rendering import cards
from tests.running import site as configured

CELLS = '```python hide="output"\n1\n```\n\n```python alt="bars"\n2\n```\n'
TEXT = f"# T\n\n{CELLS}\n<!-- DEEP -->\n\nMore.\n\n<!-- /DEEP -->\n"
DRAWING = '<svg><rect id="r" width="2"/><use href="#r"/><text>word</text></svg>'


def drawing(svg: str) -> JSON:
    return {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": svg}}


def page(link: str, tmp_path: Path, svg: str = DRAWING) -> str:
    """A page with a link to a chapter whose first cell hides what it draws."""
    chapter = parse(TEXT, "docs/a b.md", configured(tmp_path)).checked()
    results = (CellResult(0, (drawing("<svg><circle/></svg>"),), 0.1), CellResult(1, (drawing(svg),), 0.1))
    runs = {depth.name: Run("docs/a b.md", depth.name, results) for depth in chapter.depths}
    return cards.put(f"<ul><li>{link}</li></ul>", {"a/": (chapter, runs)}.get)


def test_minutes(tmp_path: Path) -> None:
    """A card says how long each depth takes to read."""
    said = page('<a class="fathom-card" href="a/">A</a> What it is.', tmp_path)
    assert said == (
        '<ul><li><a class="fathom-card" href="a/">A</a> What it is.'
        '<span class="fathom-facts" data-search-exclude="">Shallow 1 min · Deep 1 min</span></li></ul>'
    )


def test_picture(tmp_path: Path) -> None:
    """With its picture, it shows the first drawing that the chapter shows, whose ids are no other figure's."""
    said = page('<a class="fathom-card fathom-pictured" href="a/">A</a>', tmp_path)
    assert "circle" not in said
    assert "word" not in said
    assert '<rect id="card-docs-a-b-md-r" width="2"/>' in said
    assert 'class="fathom-drawing" aria-hidden="true"' in said
    broken = page('<a class="fathom-card fathom-pictured" href="a/">A</a>', tmp_path, "<svg")
    assert "Shallow 1 min" in broken
    assert "fathom-drawing" not in broken


@pytest.mark.parametrize(
    "link", ['<a href="a/">A</a>', '<a class="fathom-cards" href="a/">A</a>', '<a class="fathom-card" href="b/">A</a>']
)
def test_other_links(link: str, tmp_path: Path) -> None:
    """Links that are no cards, or lead to no chapter, stay as they are."""
    assert page(link, tmp_path) == f"<ul><li>{link}</li></ul>"
