"""Notebooks as Jupyter writes them."""

from __future__ import annotations

import json
from typing import Any

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def cell(kind: str, source: str, fathom: str = "", **more: Any) -> dict[str, Any]:
    """A cell of a kind: `code`, `markdown` or `raw`."""
    made: dict[str, Any] = {"cell_type": kind, "metadata": {"fathom": fathom} if fathom else {}}
    made |= {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {**made, "source": source.splitlines(keepends=True), **more}


def notebook(*cells: dict[str, Any], indent: int = 1, metadata: Any = KERNEL) -> str:
    """The text of a file: each line of a cell on a line of its own."""
    data = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(data, indent=indent, ensure_ascii=False, sort_keys=True) + "\n"


def code(source: str, fathom: str = "") -> dict[str, Any]:
    """A code cell."""
    return cell("code", source, fathom)


def words(source: str, **more: Any) -> dict[str, Any]:
    """A Markdown cell."""
    return cell("markdown", source, **more)
