r"""A formula in LaTeX → MathML, which browsers set and screen readers read by themselves.

What the converter gives is taken apart and written anew from what is known: elements and attributes of MathML Core that
can do nothing but look like something, texts escaped. Its `style` attributes become classes of our style sheet, since a
site's policy may refuse them.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from html import escape, unescape

from ..errors import Problem
from ..model import Chapter, Span
from ..parsing.inline import read_inline

LANGUAGE = "math"
"""The language of a fence that holds a formula."""
MARK = "arithmatex"
"""The class by which `pymdownx.arithmatex` marks what is a formula."""

_ELEMENTS = frozenset(
    "b code i math mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle"
    " msub msubsup msup mtable mtd mtext mtr munder munderover".split()
)
_ATTRIBUTES = frozenset(
    "accent accentunder columnspan depth display displaystyle fence form height largeop linethickness lspace"
    " mathvariant maxsize minsize movablelimits rowspan rspace scriptlevel separator stretchy symmetric voffset"
    " width".split()
)
_CLASSES = {
    "text-align:left": "fathom-left",
    "text-align:right": "fathom-right",
    "justify-items:start": "",  # says the same again
    "justify-items:end": "",
    "padding-left:0": "fathom-flush-left",
    "padding-right:0": "fathom-flush-right",
    "padding-left:1em": "fathom-apart",
}
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)\w+;")
_COLOUR = re.compile(r"color:(#[0-9A-Fa-f]{6})")
_FAULT = re.compile(r"(?P<place>\d+): (?P<what>.*?)\.?", re.DOTALL)
_LONGEST, _BRACES, _BRACKETS = 2000, 50, 12
_PAIRS = "angle|brace|brack|vert|Vert|floor|ceil|group|moustache"
_BRACKET = re.compile(rf"[{{}}]|(?P<open>[(\[]|\\\{{|\\l(?:{_PAIRS}))|(?P<shut>[)\]]|\\\}}|\\r(?:{_PAIRS}))")
_SHOWN = 60  # signs of a formula that an error repeats
_MADE = re.compile(r'<math(?P<block> display="block")? alttext="(?P<source>[^"]*)">.*?</math>', re.DOTALL)


class FormulaError(Exception):
    """A formula cannot be set.

    Attributes:
        what: Why.
        place: How many signs stand before the place.
    """

    def __init__(self, what: str, place: int = 0) -> None:
        self.what, self.place = what, place
        super().__init__(what)


def mathml(source: str, *, display: bool) -> str:
    r"""A formula as an element `math`, its source kept in `alttext`.

    Args:
        source: LaTeX, without the signs around it.
        display: Whether it stands by itself.

    Raises:
        FormulaError: It has a mistake, or asks for what MathML in a browser cannot do.
    """
    from math_core import LatexError, LatexToMathML

    if not source.strip():
        raise FormulaError("it is empty")
    _bound(source)
    try:
        made = LatexToMathML(fancy_error=False).convert_with_local_state(source, displaystyle=display)
        root = ET.fromstring(_ENTITY.sub(lambda match: unescape(match[0]), made))  # noqa: S314 - no entity is left
        root.set("alttext", " ".join(source.split()))
        return "".join(_written(root))
    except LatexError as error:
        fault = _FAULT.fullmatch(str(error))
        place, what = (int(fault["place"]), fault["what"]) if fault else (0, str(error))
        raise FormulaError(what[:1].lower() + what[1:], place) from error
    except ET.ParseError as error:
        raise FormulaError("it holds signs that no page can") from error


def _bound(source: str) -> None:
    """Refuse what would end the process, which recurses in compiled code, or double its time with each open bracket."""
    if len(source) > _LONGEST:
        raise FormulaError(f"it has more than {_LONGEST} signs")
    braces = brackets = 0
    for sign in _BRACKET.finditer(source):
        braces = max(braces + (sign[0] == "{") - (sign[0] == "}"), 0)
        brackets = max(brackets + bool(sign["open"]) - bool(sign["shut"]), 0)
        if braces > _BRACES or brackets > _BRACKETS:
            raise FormulaError("too many brackets are open at once", sign.start())


def searchable(html: str) -> str:
    """A page for a search: formulas of its lines are their source, which readers can type; those by themselves go."""
    return _MADE.sub(lambda match: "" if match["block"] else match["source"], html)


def problems(faults: Mapping[str, FormulaError], chapter: Chapter | None) -> Iterator[Problem]:
    """What is wrong with a page's formulas, by their sources: a problem for each place where one stands."""
    for source, fault in faults.items():
        short = " ".join(source.split())
        shown = f"{short[:_SHOWN]}…" if len(short) > _SHOWN else short
        what = f"the formula `{shown}` cannot be set: {fault.what}"
        hint = "Mend its LaTeX. A dollar sign that begins no formula is written `\\$`."
        spans = list(_places(chapter, source, fault.place)) if chapter else []
        path, line = (chapter.path, chapter.body + 1) if chapter else ("page", 1)
        yield from (Problem(span, what, hint) for span in spans or [Span(path, line)])


def _places(chapter: Chapter, source: str, offset: int) -> Iterator[Span]:
    """Where one of a formula's signs stands, each time that the formula stands in the chapter."""
    start = len(source) - len(source.lstrip())
    before, after = source[start : max(start, offset)], source[max(start, offset) :].rstrip()
    before = before if after else before.rstrip()
    formula = f"{_loose(before)}(?P<here>){_loose(after)}"
    pattern = rf"(?:\$|\\[(\[]|^)[\s>]*{formula}\s*(?:\$|\\[)\]]|$)"
    text = "\n".join(_prose(chapter))
    for match in re.finditer(pattern, text, re.MULTILINE):
        line = chapter.lines[text.count("\n", 0, match.start("here"))]
        yield Span(line.path, line.number, match.start("here") - text.rfind("\n", 0, match.start("here")))


def _loose(text: str) -> str:
    """A pattern of a text, in which lines may begin as they do in a quote or a list."""
    return r"[\s>]+".join(map(re.escape, re.split(r"\s+", text)))


def _prose(chapter: Chapter) -> Iterator[str]:
    """The chapter's lines; those in which no formula stands are blank."""
    fences = [(fence.first, fence.last) for fence in chapter.others if fence.language != LANGUAGE]
    code = {
        line
        for first, last in [*fences, *((c.first, c.last) for c in chapter.cells)]
        for line in range(first, last + 1)
    }
    kept = {
        line for fence in chapter.others if fence.language == LANGUAGE for line in range(fence.first, fence.last + 1)
    }
    for index, line in enumerate(chapter.lines):
        yield "" if index in code else line.text if index in kept else read_inline(line.text).text


def _written(element: ET.Element) -> Iterator[str]:
    """An element and what is in it, as far as all of it is known."""
    if element.tag not in _ELEMENTS:
        raise FormulaError(f"browsers do not draw `<{element.tag}>`, which it needs")
    attributes = dict(_attributes(element))
    yield "".join([f"<{element.tag}", *(f' {name}="{escape(value)}"' for name, value in attributes.items()), ">"])
    yield escape(element.text or "", quote=False)
    for child in element:
        yield from _written(child)
        yield escape(child.tail or "", quote=False)
    yield f"</{element.tag}>"


def _attributes(element: ET.Element) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        if name == "style":
            yield from _styled(value)
        elif name in _ATTRIBUTES or (element.tag == "math" and name == "alttext"):
            yield name, value


def _styled(style: str) -> Iterator[tuple[str, str]]:
    """A style said by classes and attributes."""
    classes = []
    for declaration in filter(None, re.sub(r"\s*([:;])\s*", r"\1", style).strip().split(";")):
        if colour := _COLOUR.fullmatch(declaration):
            yield "mathcolor", colour[1]
        elif declaration in _CLASSES:
            classes.append(_CLASSES[declaration])
        else:
            raise FormulaError(f"it needs the style `{declaration}`, which a page's policy may refuse")
    if given := " ".join(filter(None, classes)):
        yield "class", given
