"""A figure's SVG, which is a program's output and not to be trusted → a clean inline SVG.

Kept are the elements and attributes that draw. What could act, load or collide goes: scripts, event handlers, foreign
content, styles, addresses other than the figure's own parts, ids that nothing refers to.
"""

from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from html import escape

INK = "#1b1b1f"
"""The colour in which the worker lets Matplotlib draw text and axes; a page shows it in the colour of its text."""

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_ELEMENTS = frozenset(
    "svg g defs path rect circle ellipse line polyline polygon text tspan use symbol clipPath mask pattern "
    "linearGradient radialGradient stop marker image title desc".split()
)
_TEXTS = frozenset({"text", "tspan", "title", "desc"})
_GEOMETRY = (
    "d x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy width height points transform viewBox preserveAspectRatio rotate "
    "textLength lengthAdjust pathLength clipPathUnits maskUnits maskContentUnits patternUnits patternContentUnits "
    "patternTransform gradientUnits gradientTransform spreadMethod offset markerWidth markerHeight markerUnits refX "
    "refY orient"
)
_PRESENTATION = frozenset(
    "fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-dasharray stroke-dashoffset stroke-linecap "
    "stroke-linejoin stroke-miterlimit opacity color clip-path clip-rule mask marker-start marker-mid marker-end "
    "stop-color stop-opacity font-family font-size font-style font-weight font-stretch font-variant text-anchor "
    "dominant-baseline alignment-baseline baseline-shift letter-spacing word-spacing text-decoration display "
    "visibility vector-effect paint-order shape-rendering text-rendering image-rendering".split()
)
_ATTRIBUTES = frozenset(_GEOMETRY.split()) | _PRESENTATION
# What a rule for every element may say: inherited properties, which mean the same on the outermost element.
_INHERITED = frozenset({"stroke-linejoin", "stroke-linecap"})
_REFERENCE = re.compile(r"""url\(\s*['"]?#([^'")\s]+)['"]?\s*\)""")
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
_FONT = re.compile(r"(?P<before>(?:[\w-]+\s+)*?)(?P<size>\d[\d.]*(?:[a-z]{2,4}|%))(?:/\S+)?\s+(?P<family>\S.*)")
_FONT_WORDS = {"italic": "font-style", "oblique": "font-style", "small-caps": "font-variant"}
_RULE_FOR_ALL = re.compile(r"(?:^|\})\s*\*\s*\{([^}]*)\}")
# Deeper than any drawing, and far from the limit of Python's recursion.
_DEEPEST = 100


def clean(svg: str, label: str, prefix: str) -> str:
    """A figure that can stand in a page.

    Args:
        svg: The document as the program gave it.
        label: The text alternative.
        prefix: What the figure's ids begin with, so that those of two figures on a page differ.

    Raises:
        ValueError: It is no SVG, or it is nested too deeply, or it declares entities.
    """
    if "<!ENTITY" in svg:
        raise ValueError("it declares entities")
    try:
        root = ET.fromstring(svg.lstrip("\ufeff \t\r\n"))  # noqa: S314 - entities are refused above
    except (ET.ParseError, ValueError) as error:
        raise ValueError(f"it is no XML: {error}") from error
    if root.tag not in {_SVG + "svg", "svg"}:
        raise ValueError("its outermost element is not `svg`")
    _unlink(root)
    for name, value in _styles_for_all(root).items():
        if name in _INHERITED and name not in root.attrib:
            root.set(name, value)
    body = "".join(_inside(root, _references(root), prefix, 1))
    attributes = _written(_attributes(root, frozenset(), prefix))
    return f'<svg{attributes} role="img" aria-label="{escape(label)}">{body}</svg>'


def _unlink(root: ET.Element) -> None:
    """Make links groups, so that what they hold is still drawn: a part of a picture with a label cannot be a link."""
    for parent in root.iter():
        for child in parent:
            if _name(child) == "a":
                child.tag = _SVG + ("tspan" if _name(parent) in _TEXTS else "g")
                for name in {_XLINK, "href"}.intersection(child.keys()):
                    del child.attrib[name]


def _styles_for_all(root: ET.Element) -> dict[str, str]:
    """What the style sheet says of every element: Matplotlib sets how lines join and end in this way."""
    sheets = (element.text or "" for element in root.iter() if element.tag in {_SVG + "style", "style"})
    return {name: value for sheet in sheets for rule in _RULE_FOR_ALL.findall(sheet) for name, value in _declared(rule)}


def _references(root: ET.Element) -> frozenset[str]:
    """The ids that parts of the figure refer to."""
    found: set[str] = set()
    for element in root.iter():
        for name, value in element.items():
            found.update(_REFERENCE.findall(value))
            if name in {_XLINK, "href"} and value.startswith("#"):
                found.add(value[1:])
    return frozenset(found)


def _inside(parent: ET.Element, ids: frozenset[str], prefix: str, depth: int) -> Iterator[str]:
    """What stands inside an element, written as HTML."""
    if depth > _DEEPEST:
        raise ValueError(f"its elements are nested more than {_DEEPEST} deep")
    holds_text = _name(parent) in _TEXTS
    if holds_text and parent.text:
        yield escape(parent.text, quote=False)
    for child in parent:
        name = _name(child)
        if name in _ELEMENTS:
            attributes = _written(_attributes(child, ids, prefix))
            body = "".join(_inside(child, ids, prefix, depth + 1))
            yield f"<{name}{attributes}>{body}</{name}>" if body else f"<{name}{attributes}/>"
        if holds_text and child.tail:
            yield escape(child.tail, quote=False)


def _name(element: ET.Element) -> str:
    """An element's name; empty where it is not of SVG."""
    tag = element.tag if isinstance(element.tag, str) else ""
    name = tag.removeprefix(_SVG)
    return "" if "}" in name else name


def _attributes(element: ET.Element, ids: frozenset[str], prefix: str) -> dict[str, str]:
    """The attributes that may stay. A `style` becomes the presentation attributes that mean the same."""
    kept: dict[str, str] = {}
    for name, value in element.items():
        if name == "id" and value in ids:
            kept["id"] = prefix + value
        elif name in {_XLINK, "href"}:
            kept |= _link(_name(element), value, prefix)
        elif name in _ATTRIBUTES:
            kept |= _safe(name, value, prefix)
    for name, value in _presentation(element.get("style", "")):
        kept |= _safe(name, value, prefix)
    return kept


@functools.lru_cache(maxsize=1024)
def _presentation(style: str) -> tuple[tuple[str, str], ...]:
    """The declarations of a style that are presentation attributes; a drawing's many parts have few styles."""
    return tuple((name, value) for name, value in _declared(style) if name in _PRESENTATION)


def _link(element: str, value: str, prefix: str) -> dict[str, str]:
    """An address, if it is of a part of this figure, or of a picture that is contained in it.

    In its older form: Material's instant navigation sets the `href` of all elements, and fails at those of SVG.
    """
    if value.startswith("#"):
        return {"xlink:href": f"#{prefix}{value[1:]}"}
    return {"xlink:href": "".join(value.split())} if element == "image" and _IMAGE.fullmatch(value) else {}


def _safe(name: str, value: str, prefix: str) -> dict[str, str]:
    """An attribute whose value refers to nothing outside, in the page's ink where it was in ours."""
    value = " ".join(value.split())
    if value.lower() == INK:
        return {name: "currentColor"}
    value = _REFERENCE.sub(lambda match: f"url(#{prefix}{match[1]})", value)
    outside = value.replace(f"url(#{prefix}", "").lower()
    return {} if "url(" in outside or "\\" in outside else {name: value}


def _declared(style: str) -> Iterator[tuple[str, str]]:
    """The declarations of a style, the `font` shorthand taken apart."""
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip().lower(), value.replace("!important", "").strip()
        if name == "font":
            yield from _font(value)
        elif value:
            yield name, value


def _font(value: str) -> Iterator[tuple[str, str]]:
    if match := _FONT.fullmatch(value):
        for word in match["before"].split():
            if word != "normal":
                yield _FONT_WORDS.get(word, "font-weight"), word
        yield "font-size", match["size"]
        yield "font-family", match["family"]


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
