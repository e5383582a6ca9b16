"""nbformat outputs → safe HTML: escaped text, cleaned figures, sanitised tables. No inline style, no script.

A page may be served under a Content-Security-Policy that allows neither, and what a program printed is not to be
trusted: everything that is not known to be harmless is shown as text, or as a note that says what is missing.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from ..model import JSON, Cell, CellResult
from . import ansi, figures, live

# A line this long may not fit on a phone; its box then scrolls and must be reachable with the keyboard.
_LONG_LINE = 40
_SIGNATURES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
_TAGS = frozenset(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 "
    "hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u "
    "ul var wbr".split()
)
_PNG_HEADER = 24
_WIDEST = 100_000
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class _Place:
    """What an output needs to know about where it stands."""

    prefix: str
    """What the ids of its parts begin with."""
    alt: str
    """The text alternative of its figures."""
    metadata: Mapping[str, Any]
    """The output's own metadata, by kind."""


def html(result: CellResult, cell: Cell, variant: str = "") -> str:
    """The outputs of one cell on one path; empty where it has none.

    Args:
        result: What the cell did.
        cell: The cell, for the text alternative of its figures.
        variant: Sets the ids in this HTML apart where a page shows the same cell's outputs of several paths.
    """
    alts = _alternatives(result, cell)
    prefix = f"fathom-{cell.number}-{variant}-" if variant else f"fathom-{cell.number}-"
    places = (_Place(f"{prefix}{index}-", alt, {}) for index, alt in enumerate(alts))
    return "\n".join(filter(None, map(_output, result.outputs, places)))


def comparable(result: CellResult) -> list[JSON]:
    """The outputs without the numbers that count executions, which differ between paths for no reader's good."""
    return [{key: value for key, value in output.items() if key != "execution_count"} for output in result.outputs]


def note(text: str) -> str:
    """A quiet remark of ours between what the author wrote and what the code printed."""
    return f'<p class="fathom-note">{escape(ansi.visible(text))}</p>'


def _alternatives(result: CellResult, cell: Cell) -> list[str]:
    """A text alternative for each output: what the author gave, or where the figure comes from."""
    pictures = [any(kind.startswith("image/") for kind in output.get("data", {})) for output in result.outputs]
    name = cell.options.alt or ("Figure" if cell.options.hide == "code" else "Figure drawn by the code above")
    several = sum(pictures) > 1
    return [f"{name} ({sum(pictures[: index + 1])})" if several else name for index in range(len(pictures))]


def _output(output: JSON, place: _Place) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _stream(_text(output.get("text")), str(output.get("name", "stdout")))
    if kind == "error":
        return _error(output)
    metadata = output.get("metadata") or {}
    return _richest(output.get("data") or {}, _Place(place.prefix, place.alt, metadata))


def _text(value: Any) -> str:
    """A text that nbformat may write as a list of lines."""
    return "".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _pre(classes: str, body: str, text: str) -> str:
    """A box of text, which the keyboard can reach where it may have to scroll."""
    reach = ' tabindex="0"' if any(len(line) > _LONG_LINE for line in text.split("\n")) else ""
    return f'<pre class="{classes}"{reach}>{body}</pre>'


def _stream(text: str, name: str) -> str:
    # A final newline ends the last line; it does not begin another one.
    text = text.removesuffix("\n")
    if not text:
        return ""
    if name == "stderr":
        label = '<span class="fathom-label">stderr</span>'
        return f'<div class="fathom-labelled">{label}{_pre("fathom-stream fathom-stderr", ansi.html(text), text)}</div>'
    return _pre("fathom-stream fathom-stdout", ansi.html(text), text)


def _error(output: JSON) -> str:
    """An exception that the author declared: its name, its message, its traceback."""
    name, message = _text(output.get("ename")), ansi.plain(_text(output.get("evalue")))
    traceback = "\n".join(map(str, output.get("traceback") or [])).strip("\n")
    head = f"{name}: {message}" if message else name
    lines = ansi.plain(traceback)
    if lines == head or lines.endswith("\n" + head):
        # The traceback says it already, in its last lines.
        return _pre("fathom-error", ansi.html(traceback), lines)
    title = f"<strong>{escape(ansi.visible(name))}</strong>{escape(ansi.visible(head[len(name) :]))}"
    return _pre("fathom-error", "\n".join(filter(None, [title, ansi.html(traceback)])), f"{head}\n{lines}")


def _richest(data: Mapping[str, Any], place: _Place) -> str:
    """The best of the forms in which a value came; a panel has one of them inside."""
    if live.KIND in data:
        static = _richest({kind: value for kind, value in data.items() if kind != live.KIND}, place)
        try:
            return live.html(data[live.KIND], static)
        except ValueError as error:
            return static + note(f"This panel cannot be shown: {error}.")
    for kind, show in _FORMS:
        if kind in data and (shown := show(_text(data[kind]) if kind != "application/json" else data[kind], place)):
            return shown
    return note(f"An output of a kind that cannot be shown here: {', '.join(sorted(data))}.") if data else ""


def _table(text: str, _place: _Place) -> str:
    """HTML that a value gives of itself: structure stays; styles, scripts, ids, classes and outside addresses go.

    Without a class, tables get the look of the page's own.
    """
    import nh3  # only pages with such an output need it

    def attribute(tag: str, name: str, value: str) -> str | None:
        return value if (tag, name) != ("img", "src") or _PICTURE.fullmatch(value) else None

    clean = nh3.clean(
        ansi.visible(text),
        tags=set(_TAGS),
        clean_content_tags={"script", "style"},
        attributes={
            "*": {"title", "lang", "dir"},
            "a": {"href"},
            "img": {"src", "alt", "width", "height"},
            "ol": {"start"},
            "td": {"colspan", "rowspan"},
            "th": {"colspan", "rowspan", "scope"},
        },
        attribute_filter=attribute,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    ).strip()
    # `data:` is for pictures only, and the filter above lets no other one pass there.
    clean = re.sub(r'(<a\b[^>]*?) href="data:[^"]*"', r"\1", clean)
    # Blank lines would end the block for whatever reads the page as Markdown later.
    clean = re.sub(r"\n\s*\n+", "\n", clean)
    reach = ' tabindex="0" role="group" aria-label="Table"' if "<table" in clean else ""
    return f'<div class="fathom-html"{reach}>{clean}</div>' if clean else ""


def _svg(text: str, place: _Place) -> str:
    try:
        return f'<div class="fathom-figure">{figures.clean(ansi.visible(text), place.alt, place.prefix)}</div>'
    except ValueError as error:
        return note(f"This figure cannot be shown: {error}.")


def _image(kind: str) -> Callable[[str, _Place], str]:
    def show(text: str, place: _Place) -> str:
        encoded = "".join(text.split())
        try:
            content = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if not content.startswith(_SIGNATURES[kind]):
            return note(f"This image cannot be shown: it is not {kind}.")
        size = "".join(f' {name}="{value}"' for name, value in _size(kind, content, place.metadata))
        image = f'<img src="data:{kind};base64,{encoded}" alt="{escape(place.alt)}"{size}>'
        return f'<div class="fathom-figure">{image}</div>'

    return show


def _size(kind: str, content: bytes, metadata: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Width and height, so that the page does not jump: as declared, else (PNG) as the picture's header has them."""
    declared = metadata.get(kind) if isinstance(metadata.get(kind), Mapping) else metadata
    found = {name: declared.get(name) for name in ("width", "height")} if isinstance(declared, Mapping) else {}
    if not any(found.values()) and kind == "image/png" and len(content) >= _PNG_HEADER:
        found = {name: int.from_bytes(content[at : at + 4]) for name, at in (("width", 16), ("height", 20))}
    for name, value in found.items():
        if isinstance(value, int | float) and 0 < value < _WIDEST:
            yield name, round(value)


def _latex(text: str, _place: _Place) -> str:
    """A formula in the form in which `pymdownx.arithmatex` gives its own, so that what typesets them finds it."""
    text = text.strip()
    for opening, closing in (("$$", "$$"), ("$", "$"), (r"\[", r"\]"), (r"\(", r"\)")):
        if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening + closing):
            text = text[len(opening) : -len(closing)]
            break
    if r"\]" in text or "$" in text:
        return ""
    return rf'<div class="arithmatex">\[{escape(ansi.visible(text))}\]</div>'


def _json(value: Any, place: _Place) -> str:
    return _result(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str), place)


def _result(text: str, _place: _Place) -> str:
    return _pre("fathom-result", ansi.html(text), text)


_FORMS: tuple[tuple[str, Callable[[Any, _Place], str]], ...] = (
    ("text/html", _table),
    ("image/svg+xml", _svg),
    *((kind, _image(kind)) for kind in _SIGNATURES),
    ("text/latex", _latex),
    ("application/json", _json),
    # Markdown is shown as it was written: as HTML it would have to be trusted.
    ("text/markdown", _result),
    ("text/plain", _result),
)
"""The kinds that can be shown, richest first."""
