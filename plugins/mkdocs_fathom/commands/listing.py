"""The chapters: how long they are, when and how long they ran, what they publish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from ..model import JSON, Chapter
from ..parsing import minutes
from ..parsing.paths import reading_paths
from ..scheduling.report import Runs, published
from ..store.cache import Store

_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def rows(chapters: Sequence[Chapter], runs: Mapping[str, Runs], store: Store) -> list[JSON]:
    """All that is known of each chapter, as JSON.

    Args:
        chapters: The chapters.
        runs: What the store has of them that still holds, by path and depth.
        store: Tells when each ran last.
    """
    return [_row(chapter, runs.get(chapter.path), _ran(chapter, store)) for chapter in chapters]


def _ran(chapter: Chapter, store: Store) -> datetime | None:
    """When a chapter ran last without failure, whether or not its results still hold."""
    found = [store.latest(chapter.path, depth.name) for depth in chapter.depths]
    return datetime.fromtimestamp(max(latest[2] for latest in found if latest), UTC) if any(found) else None


def _row(chapter: Chapter, runs: Runs | None, ran: datetime | None) -> JSON:
    title = next((each.text for each in chapter.headings if each.level == 1), "")
    length = minutes.by_depth(chapter)
    return {
        "path": chapter.path,
        "title": str(chapter.meta.get("title") or title),
        "cells": {depth: len(cells) for depth, cells in reading_paths(chapter).items()},
        "exempt": sum(not cell.runs for cell in chapter.cells),
        "minutes": {depth: round(value, 1) for depth, value in length.items()},
        "stored": runs is not None,
        # Paths run side by side, after what they share.
        "seconds": None if runs is None else round(max((run.seconds for run in runs.values()), default=0.0), 3),
        "ran": ran and ran.isoformat(timespec="seconds"),
        "artifacts": [] if runs is None else [{"name": each.name, "size": each.size} for each in published(runs)],
    }


def table(found: Sequence[JSON], labels: Mapping[str, str]) -> Iterator[str]:
    """The same for a person: a line for each chapter.

    Args:
        found: What `rows` gave.
        labels: What a reader calls the depths, by name.
    """
    head = ["Chapter", *(f"{label}: cells, minutes" for label in labels.values()), "Ran last", "Ran in", "Publishes"]
    lines = [head, *(_cells(row, labels) for row in found)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    last = len(head) - 1
    for line in lines:
        parts = (
            word.ljust(width) if at in {0, last} else word.rjust(width)
            for at, (word, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(parts).rstrip()


def _cells(row: JSON, labels: Mapping[str, str]) -> list[str]:
    seconds = f"{row['seconds']:.1f} s" if row["stored"] else "stale"
    return [
        row["path"],
        *(f"{row['cells'][depth]}, {_whole(row['minutes'][depth])}" for depth in labels),
        datetime.fromisoformat(row["ran"]).astimezone().strftime("%Y-%m-%d %H:%M") if row["ran"] else "–",
        seconds if any(row["cells"].values()) else "–",
        ", ".join(f"{each['name']} ({_size(each['size'])})" for each in row["artifacts"]),
    ]


def _whole(length: float) -> str:
    """Whole minutes; a page that is opened takes one."""
    return str(max(1, round(length)))


def _size(size: int) -> str:
    unit, name = next(((unit, name) for unit, name in _UNITS if size >= unit), (1, "bytes"))
    return f"{size / unit:.3g} {name}"
