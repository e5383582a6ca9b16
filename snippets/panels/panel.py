"""A table or picture that comes alive in a browser, with the very numbers that the program has computed."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any


@dataclass(frozen=True, slots=True)
class Panel:
    """What a cell shows: a table for paper and notebooks, and for the page a script and the data it works with."""

    module: str
    """The script, in `docs/assets/panels`."""
    data: Mapping[str, Any]
    """What the script gets, as JSON."""
    static: str
    """What says the most important in a browser without scripts: HTML, or a picture (SVG)."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What it fetches when it is needed, such as weights. The data get the name of each, and how large it is."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        parts = {name: {"base64": base64.b64encode(content).decode()} for name, content in self.files.items()}
        sizes = {"sizes": {name: len(content) for name, content in self.files.items()}} if parts else {}
        form = "image/svg+xml" if self.static.startswith("<svg") else "text/html"
        live = {"module": f"assets/panels/{self.module}", "data": {**self.data, **parts, **sizes}}
        return {"application/vnd.fathom.panel+json": live, form: self.static, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<panel {self.module}>"


def table(caption: str, names: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table as HTML, of texts."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
