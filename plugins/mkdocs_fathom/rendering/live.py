"""Panels that are alive in the page: a picture or table that a cell gave, and a module of the site that takes it over.

A value that a cell shows may give, beside a picture or a table, this form of itself (`_repr_mimebundle_`):

    {"application/vnd.fathom.panel+json": {"module": "assets/panels/next-word.js", "data": {…}}}

The module is a script of the site, and `data` whatever it works with: JSON, or bytes (`{"base64": "…"}`). The data
become a file beside the pages, named after their content. The picture stands for whoever has no JavaScript, and on
paper.
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
    module, data = _checked(value)
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
            _, data = _checked(value)
        except ValueError:
            continue  # its page says so
        if data.name not in seen:
            seen.add(data.name)
            yield data


def _checked(value: Any) -> tuple[str, Data]:
    """The module and the data of a panel."""
    module = value.get("module") if isinstance(value, dict) else None
    if not isinstance(module, str) or not _MODULE.fullmatch(module):
        raise ValueError("`module` is not the path of a script below the site, such as `assets/panels/words.js`")
    if "data" not in value:
        raise ValueError("it has no `data`")
    given = value["data"]
    if isinstance(given, dict) and set(given) == {"base64"}:
        try:
            content, suffix = base64.b64decode(given["base64"], validate=True), "bin"
        except (binascii.Error, ValueError, TypeError) as error:
            raise ValueError("its `data` are not base64") from error
    else:
        text = json.dumps(given, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        content, suffix = text.encode(), "json"
    return module, Data(f"{hashlib.sha256(content).hexdigest()[:_DIGITS]}.{suffix}", content)
