"""A chapter's Markdown in a notebook: what only the site's Markdown knows, said in CommonMark; cells taken out."""

from __future__ import annotations

from pathlib import Path

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.model import Cell, Span
from mkdocs_fathom.parsing import parse
from mkdocs_fathom.rendering.notebooks_text import Folded, pieces

CELL = "```python\nx\n```"


def shown(text: str, depth: str = "SHALLOW") -> list[str]:
    """The pieces of a page: text, or a cell's code in `[…]`, with a `~` where it is folded."""
    site = config.build(Path("site"), Path("site/docs"), {}, Span("mkdocs.yml", 1))
    found = pieces(parse.parse(text, "a.md", site).checked(), depth, lambda target: f"<{target}>")
    return [_piece(piece) for piece in found]


def _piece(piece: str | Cell | Folded) -> str:
    if isinstance(piece, str):
        return piece
    return f"[~{piece.cell.source.strip()}]" if isinstance(piece, Folded) else f"[{piece.source.strip()}]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("---\ntitle: T\n---\n# T\n\nText.\n", ["# T\n\nText."], id="front matter is left out"),
        pytest.param(f"A\n\n{CELL}\n\nB\n", ["A", "[x]", "B"], id="a cell parts the text"),
        pytest.param("\nA\n  \n\n  \nB\n\n", ["A\n\nB"], id="blank lines"),
        pytest.param(f"{CELL}\n\n{CELL}\n", ["[x]", "[x]"], id="no text between cells"),
        pytest.param("A\n<!-- a note -->\nB <!-- c -->", ["A\nB <!-- c -->"], id="lines of comments are left out"),
        pytest.param(f"<!--pytest.mark.slow-->\n{CELL}\n", ["[x]"], id="so are directives"),
        pytest.param(
            f"{CELL}\n\n<!--pytest-codeblocks:expected-output-->\n```\n1\n```\n\nB\n",
            ["[x]", "B"],
            id="declared outputs",
        ),
        pytest.param(
            '```python exec="false" reason="no printer"\np()\n```\n',
            ["```python\np()\n```\n\n*Not run: no printer*"],
            id="an exempt cell is no cell",
        ),
        pytest.param(
            '```console title="T"\n$ a\n```\n', ["```console\n$ a\n```"], id="a fence's options are the site's alone"
        ),
        pytest.param(
            "A $x_{i=1}^{#b}$ [b](c) $[d](e)$ `$[f](g)$`\n",
            ["A $x_{i=1}^{#b}$ [b](<c>) $[d](e)$ `$[f](g)$`"],
            id="formulas stay",
        ),
        pytest.param("# The $x_{i}$\n", ["# The $x_{i}$"], id="also at the end of a heading"),
        pytest.param(
            '$$\n\\sum_{i=1}\n=== "T"\n$$\n\nB{.c} [b](c)\n',
            ['$$\n\\sum_{i=1}\n=== "T"\n$$\n\nB{.c} [b](<c>)'],
            id="formulas of several lines",
        ),
        pytest.param("$$x_{i=1}$$\n\n[b](c)\n", ["$$x_{i=1}$$\n\n[b](<c>)"], id="a formula by itself"),
        pytest.param(
            '!!! note ""\n    ```math\n    a_{i=1}\n    ```\n',
            ["> $$\n> a_{i=1}\n> $$"],
            id="a fence of a formula, which Jupyter has not",
        ),
        pytest.param('!!! note "T"\n    A\n\n    B\n\nC\n', ["> **T**\n>\n> A\n>\n> B\n\nC"], id="admonition"),
        pytest.param("!!! warning\n    A\n", ["> **Warning**\n>\n> A"], id="admonition without a title"),
        pytest.param('!!! note ""\n    A\n', ["> A"], id="admonition with an empty title"),
        pytest.param(
            f'!!! note "T"\n    A\n\n    {CELL.replace(chr(10), chr(10) + "    ")}\n\n    B\n',
            ["> **T**\n>\n> A", "[x]", "> B"],
            id="a cell in an admonition",
        ),
        pytest.param(
            '??? question "What is `a` < b?"\n    A\n\nB\n',
            ["<details><summary>What is <code>a</code> &lt; b?</summary>\n\nA\n\n</details>\n\nB"],
            id="a folded question",
        ),
        pytest.param('???+ tip "T"\n    A\n', ["<details open><summary>T</summary>\n\nA\n\n</details>"], id="unfolded"),
        pytest.param(
            f'??? success "S"\n    A\n\n    {CELL.replace(chr(10), chr(10) + "    ")}\n',
            ["**S**\n\nA", "[~x]"],
            id="a cell in a folded answer stays folded",
        ),
        pytest.param('=== "One"\n    A\n\n=== "Two"\n    B\n', ["**One**\n\nA\n\n**Two**\n\nB"], id="tabs"),
        pytest.param("Title\n===\n\nA\n", ["Title\n===\n\nA"], id="an underlined title is no tab"),
        pytest.param(
            '!!! note "T"\n    ??? question "Q"\n        A\n',
            ["> **T**\n>\n>\n> <details><summary>Q</summary>\n>\n> A\n>\n> </details>"],
            id="one in another",
        ),
        pytest.param(
            f"- a\n\n    {CELL.replace(chr(10), chr(10) + '    ')}\n\n    b\n- c\n\n    d\n",
            ["- a", "[x]", "b\n- c\n\n    d"],
            id="a list goes on behind its cell",
        ),
        pytest.param(
            f"> q\n>\n> {CELL.replace(chr(10), chr(10) + '> ')}\n>\n> r\n", ["> q", "[x]", "> r"], id="a quote"
        ),
        pytest.param("# T {: #a .b }\n\nA\n{: .c }\n", ["# T\n\nA"], id="attribute lists"),
        pytest.param(
            "![p](p.png){ width=30 } and `{: .a }`", ["![p](<p.png>) and `{: .a }`"], id="attributes of a picture"
        ),
        pytest.param("{not: attributes} {x}", ["{not: attributes} {x}"], id="braces"),
        pytest.param("A[^1]: b.\n\n[^1]: The note.\n", ["A<sup>1</sup>: b.\n\n<sup>1</sup> The note."], id="footnotes"),
        pytest.param(
            '[a](b.md#c "t") `[a](b)` [d]\n\n[d]: e.md\n', ['[a](<b.md#c> "t") `[a](b)` [d]\n\n[d]: <e.md>'], id="links"
        ),
        pytest.param('<img src="p.png">', ['<img src="<p.png>">'], id="links in HTML"),
        pytest.param("`#!python f()` and `#! x`", ["`f()` and `#! x`"], id="highlighted code in a line"),
        pytest.param(
            "```text\n!!! note\n    [a](b.md){: .c }\n```\n",
            ["```text\n!!! note\n    [a](b.md){: .c }\n```"],
            id="fences are left alone",
        ),
    ],
)
def test_text(text: str, expected: list[str]) -> None:
    """A reader of Jupyter's sees what the page says."""
    assert shown(text) == expected


TWO = f"""\
# T
<!-- SHALLOW -->
S
<!-- /SHALLOW -->
<!-- DEEP -->
D

{CELL}
<!-- /DEEP -->
Both.
"""


@pytest.mark.parametrize(
    ("depth", "expected"), [("SHALLOW", ["# T\n\nS\n\nBoth."]), ("DEEP", ["# T\n\nD", "[x]", "Both."])]
)
def test_a_reader_meets_one_depth(depth: str, expected: list[str]) -> None:
    """Markers and the other depth's regions are left out."""
    assert shown(TWO, depth) == expected
