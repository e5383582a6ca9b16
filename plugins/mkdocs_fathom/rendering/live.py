"""Panels that are alive in the page: a picture or table that a cell gave, and a module of the site that takes it over.

A value that a cell shows may give, beside a picture or a table, this form of itself (`_repr_mimebundle_`):

    {"application/vnd.fathom.panel+json": {"module": "assets/panels/next-word.js", "data": {…}}}

The module is a script of the site, and `data` whatever it works with: JSON, or bytes (`{"base64": "…"}`). The data
become a file beside the pages, named after their content. A member of the data that is bytes becomes a file of its
own, whose name stands in its place: weights, say, that are fetched when they are needed. The picture stands for
whoever has no JavaScript, and on paper.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from ..model import Run
from .addresses import ASSETS

KIND = "application/vnd.fathom.panel+json"
"""The form in which a value says that it is a panel."""
FOLDER = "panels"
"""The folder of the data, below that of our own files."""
# Below the site, nowhere else: what a program printed must not bring in a stranger's script.
_MODULE = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\.m?js")
_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Data:
    """What a panel works with."""

    name: str
    """The name of its file, which no other content has."""
    content: bytes
    """What the file holds."""


def html(value: Any, static: str) -> str:
    """The element that the page's script wakes when it comes near.

    Args:
        value: The panel as the cell gave it.
        static: The picture or the table inside.

    Raises:
        ValueError: It is no panel.
    """
    module, (data, *_) = _checked(value)
    source = escape(f"{ASSETS}/{FOLDER}/{data.name}")
    return f'<fathom-panel data-module="{escape(module)}" data-source="{source}">\n{static}\n</fathom-panel>'


def files(runs: Iterable[Mapping[str, Run]]) -> Iterator[Data]:
    """The data of all panels, each once."""
    found = (
        output["data"][KIND]
        for paths in runs
        for run in paths.values()
        for result in run.results
        for output in result.outputs
        if KIND in (output.get("data") or {})
    )
    seen = set()
    for value in found:
        try:
            _, made = _checked(value)
        except ValueError:
            continue  # its page says so
        for data in made:
            if data.name not in seen:
                seen.add(data.name)
                yield data


def _checked(value: Any) -> tuple[str, list[Data]]:
    """The module and the files of a panel, that of its data first."""
    module = value.get("module") if isinstance(value, dict) else None
    if not isinstance(module, str) or not _MODULE.fullmatch(module):
        raise ValueError("`module` is not the path of a script below the site, such as `assets/panels/words.js`")
    if "data" not in value:
        raise ValueError("it has no `data`")
    given = value["data"]
    if _is_bytes(given):
        return module, [_bytes(given)]
    parts = {}
    if isinstance(given, dict):
        parts = {name: _bytes(part) for name, part in given.items() if _is_bytes(part)}
        given = given | {name: part.name for name, part in parts.items()}
    text = json.dumps(given, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return module, [_named(text.encode(), "json"), *parts.values()]


def _is_bytes(given: Any) -> bool:
    return isinstance(given, dict) and set(given) == {"base64"}


def _bytes(given: Mapping[str, Any]) -> Data:
    try:
        return _named(base64.b64decode(given["base64"], validate=True), "bin")
    except (binascii.Error, ValueError, TypeError) as error:
        raise ValueError("its `data` are not base64") from error


def _named(content: bytes, suffix: str) -> Data:
    return Data(f"{hashlib.sha256(content).hexdigest()[:_DIGITS]}.{suffix}", content)
