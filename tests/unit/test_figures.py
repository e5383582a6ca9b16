"""Figures: what draws stays, what acts, loads or collides goes."""

from __future__ import annotations

import re

import pytest

from mkdocs_fathom.rendering import figures

SVG = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def clean(body: str, attributes: str = "", prefix: str = "f-") -> str:
    """The inside of a cleaned figure."""
    svg = figures.clean(f"<svg {SVG} {attributes}>{body}</svg>", "A figure", prefix)
    match = re.fullmatch(r'<svg[^>]* role="img" aria-label="A figure">(.*)</svg>', svg, re.DOTALL)
    assert match
    return match[1]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<script>alert(1)</script>", ""),
        ("<g onclick='alert(1)'><path d='M 0 0\nL 1 1'/></g>", '<g><path d="M 0 0 L 1 1"/></g>'),
        ("<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'>x</body></foreignObject>", ""),
        ("<animate attributeName='href' to='javascript:alert(1)'/>", ""),
        ("<a xlink:href='javascript:alert(1)'><path d='M0 0'/></a>", '<g><path d="M0 0"/></g>'),
        ("<text>a <a href='https://example.org'>b</a> c</text>", "<text>a <tspan>b</tspan> c</text>"),
        ("<use xlink:href='https://example.org/x.svg#a'/>", "<use/>"),
        ("<image href='https://example.org/pixel.png'/>", "<image/>"),
        ("<image href='data:image/svg+xml;base64,AAAA'/>", "<image/>"),
        ("<image href='data:image/png;base64,AA\nAA'/>", '<image xlink:href="data:image/png;base64,AAAA"/>'),
        ("<path d='M0 0' fill='url(https://example.org/#a)'/>", '<path d="M0 0"/>'),
        ("<path d='M0 0' style='fill: \\75rl(https://example.org)'/>", '<path d="M0 0"/>'),
        ("<path class='a' data-x='1' tabindex='0' d='M0 0'/>", '<path d="M0 0"/>'),
        ("<metadata><x/></metadata><!-- c --><?pi?>", ""),
        (
            "<text x='1'>T &lt; <tspan>3</tspan> &amp; more</text>",
            '<text x="1">T &lt; <tspan>3</tspan> &amp; more</text>',
        ),
        ("<g>stray text</g>", "<g/>"),
    ],
)
def test_only_drawing_stays(body: str, expected: str) -> None:
    """Scripts, handlers, foreign content and outside addresses are gone; shapes and text are as they were."""
    assert clean(body) == expected


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("fill: none; stroke: #1f77b4; stroke-width: 1.5", 'fill="none" stroke="#1f77b4" stroke-width="1.5"'),
        ("font: 10px 'DejaVu Sans', sans-serif", 'font-size="10px" font-family="&#x27;DejaVu Sans&#x27;, sans-serif"'),
        (
            "font: italic 700 12.5px serif",
            'font-style="italic" font-weight="700" font-size="12.5px" font-family="serif"',
        ),
        ("stroke: #1B1B1F", 'stroke="currentColor"'),
        ("fill: red !important;;", 'fill="red"'),
        ("position: fixed; background: url(x); -moz-binding: url(x)", ""),
    ],
)
def test_styles_become_attributes(style: str, expected: str) -> None:
    """A page without inline styles shows the same figure, its ink in the page's colour."""
    assert clean(f'<rect style="{style}"/>') == (f"<rect {expected}/>" if expected else "<rect/>")


def test_ids_are_set_apart_and_followed() -> None:
    """Two figures with the same ids can stand on one page; ids that nothing refers to go."""
    body = (
        "<defs><clipPath id='c'><rect id='unused'/></clipPath><path id='m' d='M0 0'/></defs>"
        "<g clip-path='url(#c)'><use xlink:href='#m'/></g><g style='mask: url(\"#c\")'/>"
    )
    assert clean(body, prefix="fathom-3-0-") == (
        '<defs><clipPath id="fathom-3-0-c"><rect/></clipPath><path id="fathom-3-0-m" d="M0 0"/></defs>'
        '<g clip-path="url(#fathom-3-0-c)"><use xlink:href="#fathom-3-0-m"/></g><g mask="url(#fathom-3-0-c)"/>'
    )


def test_size_and_rule_for_all_stay() -> None:
    """The figure keeps its size, and how its lines join, which Matplotlib says in a style sheet."""
    svg = figures.clean(
        f'<?xml version="1.0"?><!DOCTYPE svg><svg {SVG} width="9pt" viewBox="0 0 9 9" onload="alert(1)">'
        '<defs><style type="text/css">*{stroke-linejoin: round; stroke-linecap: butt} b{color:red}</style></defs>'
        "</svg>",
        'a "b" <c>',
        "f-",
    )
    assert svg == (
        '<svg width="9pt" viewBox="0 0 9 9" stroke-linejoin="round" stroke-linecap="butt" '
        'role="img" aria-label="a &quot;b&quot; &lt;c&gt;"><defs/></svg>'
    )


@pytest.mark.parametrize(
    ("svg", "why"),
    [
        ("", "it is no XML: no element found: line 1, column 0"),
        ("<svg><g></svg>", "it is no XML: mismatched tag: line 1, column 10"),
        ("<html/>", "its outermost element is not `svg`"),
        ('<!DOCTYPE svg [<!ENTITY a "aaa">]><svg>&a;</svg>', "it declares entities"),
        (f"<svg {SVG}>" + "<g>" * 5000 + "</g>" * 5000 + "</svg>", "its elements are nested more than 100 deep"),
    ],
    ids=["empty", "broken", "another document", "entities", "deep"],
)
def test_what_is_no_figure_is_refused(svg: str, why: str) -> None:
    """The reason is said; nothing of it reaches the page."""
    with pytest.raises(ValueError, match=re.escape(why)):
        figures.clean(svg, "", "")
