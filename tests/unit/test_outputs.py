"""Outputs as safe HTML."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from mkdocs_fathom.model import Cell, CellOptions, CellResult, Span
from mkdocs_fathom.rendering import outputs

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)
ENCODED = base64.b64encode(PNG).decode()
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path id="p" d="M0 0"/><use href="#p"/></svg>'


def cell(**options: Any) -> Cell:
    """A cell with options."""
    return Cell(3, Span("a.md", 1), "x\n", (("a.md", 2),), None, 0, 2, "", CellOptions(**options))


def show(*shown: dict[str, Any], variant: str = "", **options: Any) -> str:
    """Outputs of a cell as HTML."""
    return outputs.html(CellResult(3, shown, 0.0), cell(**options), variant)


def stream(text: Any, name: str = "stdout") -> dict[str, Any]:
    """A stream output."""
    return {"output_type": "stream", "name": name, "text": text}


def data(metadata: dict[str, Any] | None = None, **kinds: Any) -> dict[str, Any]:
    """A display; `text_html` stands for `text/html`."""
    bundle = {name.replace("_xml", "+xml").replace("_", "/", 1): value for name, value in kinds.items()}
    return {"output_type": "display_data", "data": bundle, "metadata": metadata or {}}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (stream("a < b\n"), '<pre class="fathom-stream fathom-stdout">a &lt; b</pre>'),
        (stream(["a\n", "b\n"]), '<pre class="fathom-stream fathom-stdout">a\nb</pre>'),
        (stream("a\n\n"), '<pre class="fathom-stream fathom-stdout">a\n</pre>'),
        (stream(""), ""),
        (stream("x" * 41), f'<pre class="fathom-stream fathom-stdout" tabindex="0">{"x" * 41}</pre>'),
        (
            stream("oh\n", "stderr"),
            ('<div class="fathom-labelled"><span class="fathom-label">stderr</span>'
            '<pre class="fathom-stream fathom-stderr">oh</pre></div>'),
        ),
        (data(text_plain="array([1])"), '<pre class="fathom-result">array([1])</pre>'),
        (data(text_markdown="**a** <b>"), '<pre class="fathom-result">**a** &lt;b&gt;</pre>'),
        (data(application_json={"b": "é", "a": [1]}),
         '<pre class="fathom-result">{\n  &quot;a&quot;: [\n    1\n  ],\n  &quot;b&quot;: &quot;é&quot;\n}</pre>'),
        (data(text_latex=r"$\frac{a}{b} < 1$", text_plain="x"),
         r'<div class="arithmatex">\[\frac{a}{b} &lt; 1\]</div>'),
        (data(text_latex=r"a\] <script>", text_plain="x"), '<pre class="fathom-result">x</pre>'),
        (data(application_pdf="x", text_plain="plain"), '<pre class="fathom-result">plain</pre>'),
        (data(application_pdf="x", model_gltf="y"),
         '<p class="fathom-note">An output of a kind that cannot be shown here: application/pdf, model/gltf.</p>'),
        (data(), ""),
    ],
)  # fmt: skip
def test_text_is_escaped(output: dict[str, Any], expected: str) -> None:
    """Each kind of text, as itself and nothing more."""
    assert show(output) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b onclick=alert(1)>x</b>", "<b>x</b>"),
        ("<script>alert(1)</script><style>b{}</style>x", "x"),
        ("<p id=a class=b style='color:red'>x", "<p>x</p>"),
        ("<iframe src=https://example.org></iframe>x<form><input></form>", "x"),
        ("<a href='javascript:alert(1)'>x</a>", '<a rel="noopener noreferrer">x</a>'),
        ("<a href='data:text/html;base64,AAAA'>x</a>", '<a rel="noopener noreferrer">x</a>'),
        ("<a href='https://example.org'>x</a>", '<a href="https://example.org" rel="noopener noreferrer">x</a>'),
        ("<img src='https://example.org/p.png' alt=a>", '<img alt="a">'),
        ("<img src='data:image/png;base64,AAAA' onerror=alert(1)>", '<img src="data:image/png;base64,AAAA">'),
        ("<p>a\n\n\nb</p>", "<p>a\nb</p>"),
        ("<svg><script>alert(1)</script></svg>x", "x"),
    ],
)
def test_html_is_sanitised(text: str, expected: str) -> None:
    """Structure stays; what acts, loads or styles goes."""
    assert show(data(text_html=text)) == f'<div class="fathom-html">{expected}</div>'


def test_tables_scroll_inside_themselves() -> None:
    """A table wider than the page can be reached with the keyboard and is named."""
    assert show(data(text_html='<table border="1" class="dataframe"><tr><td colspan=2>1')) == (
        '<div class="fathom-html" tabindex="0" role="group" aria-label="Table">'
        '<table><tbody><tr><td colspan="2">1</td></tr></tbody></table></div>'
    )


@pytest.mark.parametrize(
    ("metadata", "size"),
    [
        ({}, ' width="640" height="480"'),
        ({"image/png": {"width": 320.4, "height": 240}}, ' width="320" height="240"'),
        ({"width": 10}, ' width="10"'),
        ({"width": '1" onload="alert(1)', "height": -1}, ""),
    ],
)
def test_images_are_contained_and_sized(metadata: dict[str, Any], size: str) -> None:
    """The picture is in the page, with its text alternative and its size."""
    image = f'<img src="data:image/png;base64,{ENCODED}" alt="A &lt;cat&gt;"{size}>'
    shown = show(data(metadata, image_png=ENCODED + "\n", text_plain="x"), alt="A <cat>")
    assert shown == f'<div class="fathom-figure">{image}</div>'


@pytest.mark.parametrize("wrong", ["AAAA", "not base64!", '"><script>', ENCODED[:-1]])
def test_what_is_no_image_is_said(wrong: str) -> None:
    """Neither wrong base64 nor another kind of file gets into the address."""
    note = '<p class="fathom-note">This image cannot be shown: it is not image/png.</p>'
    assert show(data(image_png=wrong)) == note


def test_figures_are_named_and_their_ids_unique() -> None:
    """Each figure of a page has ids of its own and a name."""
    shown = show(data(image_svg_xml=SVG), data(image_svg_xml=SVG), variant="deep")
    assert shown == "\n".join(
        f'<div class="fathom-figure"><svg role="img" aria-label="Figure drawn by the code above ({number})">'
        f'<path id="fathom-3-deep-{number - 1}-p" d="M0 0"/>'
        f'<use xlink:href="#fathom-3-deep-{number - 1}-p"/></svg></div>'
        for number in (1, 2)
    )


@pytest.mark.parametrize(
    ("options", "name"),
    [({}, "Figure drawn by the code above"), ({"hide": "code"}, "Figure"), ({"alt": "Loss falls"}, "Loss falls")],
)
def test_a_figure_has_a_text_alternative(options: dict[str, Any], name: str) -> None:
    """The author's, or one that fits what is on the page."""
    assert f'aria-label="{name}"' in show(data(image_svg_xml=SVG), **options)


def test_a_broken_figure_is_said() -> None:
    """Nothing raw reaches the page."""
    assert show(data(image_svg_xml="<svg><script>alert(1)", text_plain="x")) == (
        '<p class="fathom-note">This figure cannot be shown: it is no XML: no element found: line 1, column 21.</p>'
    )


@pytest.mark.parametrize(
    ("traceback", "expected"),
    [
        ([], '<pre class="fathom-error"><strong>ValueError</strong>: a &lt; b</pre>'),
        (["\x1b[31mTraceback\x1b[0m", "ValueError: a < b"],
         '<pre class="fathom-error"><span class="ansi-red-fg">Traceback</span>\nValueError: a &lt; b</pre>'),
        (["line 1"], '<pre class="fathom-error"><strong>ValueError</strong>: a &lt; b\nline 1</pre>'),
    ],
)  # fmt: skip
def test_declared_errors_are_shown(traceback: list[str], expected: str) -> None:
    """Name and message stand there once, with the traceback."""
    error = {"output_type": "error", "ename": "ValueError", "evalue": "a < b", "traceback": traceback}
    assert show(error) == expected


def test_richest_form_wins() -> None:
    """One form of a value is shown, the one that says most."""
    kinds: dict[str, Any] = {"text_plain": "p", "image_png": ENCODED, "image_svg_xml": SVG, "text_html": "<b>h</b>"}
    assert show(data(**kinds)) == '<div class="fathom-html"><b>h</b></div>'
    del kinds["text_html"]
    assert "<svg" in show(data(**kinds))
    del kinds["image_svg_xml"]
    assert "<img" in show(data(**kinds))


def test_execution_counts_do_not_tell_paths_apart() -> None:
    """The same value in another place of a path is the same output."""
    first, second = ({**data(text_plain="1"), "output_type": "execute_result", "execution_count": n} for n in (1, 2))
    compared = [outputs.comparable(CellResult(3, (item,), 0.0)) for item in (first, second, data(text_plain="2"))]
    assert compared[0] == compared[1] != compared[2]
