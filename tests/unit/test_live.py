"""Panels: what of a cell's value becomes an element of the page, and a file beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mkdocs_fathom.model import Cell, CellOptions, CellResult, Run, Span
from mkdocs_fathom.rendering import live, outputs

MODULE = "assets/panels/words.js"
CELL = Cell(0, Span("a.md", 1), "x\n", (("a.md", 2),), None, 0, 2, "", CellOptions())


def shown(value: Any, **others: Any) -> str:
    output = {"output_type": "display_data", "metadata": {}, "data": {live.KIND: value, **others}}
    return outputs.html(CellResult(0, (output,), 0.1), CELL)


def run(*values: Any) -> dict[str, Run]:
    data = ({"output_type": "display_data", "metadata": {}, "data": {live.KIND: value}} for value in values)
    return {"DEEP": Run("docs/a.md", "DEEP", (CellResult(0, tuple(data), 0.1),))}


def test_element() -> None:
    """The element names the script and the data, and holds the table, cleaned as ever."""
    said = shown({"module": MODULE, "data": {"a": 1}}, **{"text/html": "<table><script>1</script><td>2</td></table>"})
    assert f'<fathom-panel data-module="{MODULE}" data-source="assets/fathom/panels/' in said
    assert "<td>2</td>" in said
    assert "script>" not in said


@pytest.mark.parametrize(
    ("data", "content", "suffix"),
    [({"é": [1, 2]}, '{"é":[1,2]}'.encode(), "json"), ({"base64": "AAH/"}, b"\x00\x01\xff", "bin")],
)
def test_files(data: Any, content: bytes, suffix: str) -> None:
    """The file has the data; its name is that of its content, and it is there once, whoever shows it."""
    panel = {"module": MODULE, "data": data}
    files = list(live.files([run(panel, panel), run(panel)]))
    assert [file.content for file in files] == [content]
    assert files[0].name.endswith(f".{suffix}")
    assert f'data-source="assets/fathom/panels/{files[0].name}"' in shown(panel)
    other = next(live.files([run({"module": MODULE, "data": {"b": 1}})]))
    assert other.name.partition(".")[0] != files[0].name.partition(".")[0]


def test_bytes_among_the_data() -> None:
    """They become a file of their own, named in their place; two panels with the same bytes share it."""
    one, two = ({"module": MODULE, "data": {"start": text, "weights": {"base64": "AAH/"}}} for text in ("a", "b"))
    files = {file.name: file.content for file in live.files([run(one, two)])}
    weights = next(name for name in files if name.endswith(".bin"))
    assert files[weights] == b"\x00\x01\xff"
    data = [json.loads(content) for name, content in files.items() if name.endswith(".json")]
    assert data == [{"start": "a", "weights": weights}, {"start": "b", "weights": weights}]
    assert weights not in shown(one)  # the page names the data alone


@pytest.mark.parametrize(
    "module",
    [
        "https://other.example/x.js",
        "//other.example/x.js",
        "../x.js",
        "/x.js",
        "a/../x.js",
        "data:,1",
        "x.html",
        'a".js',
        7,
    ],
)
def test_strange_modules(module: object) -> None:
    """A program cannot bring in a script from elsewhere; its table is shown, and what is wrong."""
    said = shown({"module": module, "data": 1}, **{"text/plain": "instead"})
    assert "fathom-panel" not in said
    assert "instead" in said
    assert "This panel cannot be shown: `module` is not the path of a script below the site" in said
    assert list(live.files([run({"module": module, "data": 1})])) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"module": MODULE}, "it has no `data`"),
        ({"module": MODULE, "data": {"base64": "?"}}, "its `data` are not base64"),
        ({"module": MODULE, "data": {"weights": {"base64": "?"}}}, "its `data` are not base64"),
        (["x"], "`module` is not"),
    ],
)
def test_no_panels(value: Any, message: str) -> None:
    assert message in shown(value)


def test_large_numbers_are_exact() -> None:
    """What the script gets are the program's numbers."""
    data = [0.1 + 0.2, 2**53, 1e-300]
    assert json.loads(next(live.files([run({"module": MODULE, "data": data})])).content) == data
