"""What a worker is told: a chapter's tree of cells as JSON, and the author's text for tracebacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..config import Config
from ..model import JSON, Cell, Chapter
from ..parsing.paths import Node


def describe(
    chapter: Chapter, nodes: Sequence[Node], config: Config, folder: Path, places: Sequence[tuple[Path, Path | None]]
) -> JSON:
    """The part of a job that does not depend on who waits for it.

    Args:
        chapter: The chapter.
        nodes: The nodes of its trees; a node's position is its number.
        config: The site's options.
        folder: Where its processes work.
        places: The folder of each node, and the one with the state that it goes on with.
    """
    numbers = {id(node): number for number, node in enumerate(nodes)}
    return {
        "folder": str(folder),
        "root": str(config.root),
        "seed": config.seed % 2**32,
        "memory": config.memory,
        "output": config.output,
        "processes": config.processes,
        "sources": _sources(chapter),
        # All of them: who goes on from a copy must know where those have moved that it has behind it.
        "cells": {cell.number: _cell(cell, chapter) for cell in chapter.cells if cell.runs},
        "nodes": [
            {
                "cells": [cell.number for cell in node.cells],
                "children": [numbers[id(child)] for child in node.children],
                "folder": str(place),
                "before": str(before) if before else None,
            }
            for node, (place, before) in zip(nodes, places, strict=True)
        ],
    }


def _sources(chapter: Chapter) -> dict[str, str]:
    """The text of the chapter and of what it includes, code as it runs: without quote signs and indentation."""
    texts: dict[str, dict[int, str]] = {chapter.path: {}}
    for line in chapter.lines:
        texts.setdefault(line.path, {})[line.number] = line.text
    for cell in chapter.cells:
        for (path, number), code in zip(cell.origins, cell.source.split("\n"), strict=False):
            texts.setdefault(path, {})[number] = code
    return {
        path: "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))
        for path, lines in texts.items()
    }


def _cell(cell: Cell, chapter: Chapter) -> JSON:
    files = {path for path, _ in cell.origins}
    # Code has one file name: where a cell mixes its own lines with included ones, the latter count as the fence's.
    mixed = len(files) > 1
    file = chapter.path if mixed or not files else next(iter(files))
    return {
        "source": cell.source,
        "file": file,
        "lines": [line if path == file else cell.span.line for path, line in cell.origins] or [cell.span.line],
        "raises": cell.options.raises,
        "may_raise": cell.options.may_raise,
        "network": cell.options.network,
    }
