"""A chapter and its runs → notebooks: one for each depth, and one for all of them. Text in, text out, the same bytes.

A notebook of all depths holds them one after the other, each whole, the second with an empty memory: only so is every
output what its cell prints there. Cells of both depths between each other would share one memory that no page has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import PurePosixPath
from urllib.parse import quote

from ..model import JSON, Cell, CellResult, Chapter, Depth
from ..parsing import attachments
from ..scheduling.report import complete
from ..store.keys import python_version
from .addresses import colab
from .notebooks_needs import Sources, begin_again, distributions, first_cell, title
from .notebooks_text import Folded, pieces

_HIDDEN = {"jupyter": {"source_hidden": True}, "cellView": "form"}


def slugs(chapter: Chapter) -> tuple[str, ...]:
    """Which notebooks a chapter has: one for each depth, by its slug, and the empty one for all of them."""
    depths = tuple(depth.slug for depth in chapter.depths) if chapter.regions else ()
    return (*(depths if len(depths) > 1 else ()), "")


def has_notebooks(chapter: Chapter, sources: Sources) -> bool:
    """Whether a chapter has cells, all of them have run well, and its page does not refuse (`notebook: false`)."""
    options = chapter.meta.get("fathom")
    if isinstance(options, dict) and options.get("notebook") is False:
        return False
    runs = sources.runs.get(chapter.path, {})
    paths = [depth.name for depth in chapter.depths]
    return any(cell.runs for cell in chapter.cells) and all(path in runs and complete(runs[path]) for path in paths)


def links(chapter: Chapter, sources: Sources, repo_url: str | None, branch: str) -> str:
    """The line below a page's title that offers its notebooks.

    Args:
        chapter: The chapter.
        sources: The site.
        repo_url: The site's repository: if it is on GitHub, Colab can open what the site's branch holds.
        branch: The branch that the site is deployed to.
    """
    page = sources.below_docs(chapter.path)
    labels = {depth.slug: depth.label for depth in chapter.depths}
    several = len(slugs(chapter)) > 1
    labels[""] = ("both" if len(chapter.depths) == 2 else "all") if several else "download"  # noqa: PLR2004 - a pair
    downloads, opened = [], []
    for slug in slugs(chapter):
        place, label = sources.address.notebook(page, slug), escape(labels[slug])
        downloads.append(f'<a href="{escape(quote(PurePosixPath(place).name))}" download>{label}</a>')
        if address := colab(repo_url, branch, place):
            named = f' aria-label="{label}: open in Colab"' if several else ""
            opened.append(f'<a href="{escape(address)}"{named}>{label if several else "Open in Colab"}</a>')
    groups = [f"Notebook: {' · '.join(downloads)}"]
    if opened:
        groups.append(f"{'Open in Colab: ' if several else ''}{' · '.join(opened)}")
    inside = " ".join(f"<span>{group}</span>" for group in groups)
    return f'<nav class="fathom-notebooks" aria-label="This page as a notebook">{inside}</nav>'


def notebook(chapter: Chapter, slug: str, sources: Sources) -> str:
    """A chapter's notebook, as the text of its file.

    Args:
        chapter: The chapter.
        slug: One of its `slugs`.
        sources: The site.
    """
    whole = chapter.depths if chapter.regions else chapter.depths[:1]
    depths = [depth for depth in whole if slug in {"", depth.slug}]
    book = _Book(chapter, sources, [depth.name for depth in depths])
    for depth in depths:
        if len(depths) > 1:
            book.part(depth)
        book.path(depth)
    runs = [sources.runs[chapter.path][depth.name] for depth in depths]
    about = {"chapter": chapter.path, "depths": book.depths, "distributions": distributions(runs)}
    python = python_version().partition(" ")[0]
    metadata = {
        "fathom": about,
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "version": python},
        "title": title(chapter),
    }
    data = {"cells": book.cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


@dataclass(slots=True)
class _Book:
    """A notebook that is being written."""

    chapter: Chapter
    sources: Sources
    depths: Sequence[str]
    cells: list[JSON] = field(default_factory=list)
    count: int = 0
    """How many code cells there are."""

    def part(self, depth: Depth) -> None:
        """Begin one of several depths."""
        if self.count:
            self._text(f"---\n\n**{depth.label}** begins here, with an empty memory, as its readers do.")
            self._code(f"begin-{depth.slug}", begin_again(self.sources), _HIDDEN)
        else:
            labels = [item.label for item in self.chapter.depths]
            self._text(f"This file holds {' and '.join(labels)}, one after the other, each whole.\n\n**{depth.label}**")
            self._first()

    def path(self, depth: Depth) -> None:
        """Add what a reader of one depth meets."""
        results = {result.number: result for result in self.sources.runs[self.chapter.path][depth.name].results}
        page = self.sources.below_docs(self.chapter.path)
        for piece in pieces(self.chapter, depth.name, lambda target: self.sources.address.link(target, page)):
            if isinstance(piece, str):
                self._text(piece)
                continue
            if not self.count:
                self._first()
            cell = piece if isinstance(piece, Cell) else piece.cell
            number = f"{depth.slug}-{cell.number + 1}"
            self._code(number, cell.source.removesuffix("\n"), _metadata(cell, piece), cell, results[cell.number])

    def _first(self) -> None:
        self._code("needs", first_cell(self.chapter, self.depths, self.sources), _HIDDEN)

    def _text(self, text: str) -> None:
        number = sum(cell["cell_type"] == "markdown" for cell in self.cells) + 1
        if "attachment:" in text:
            # The chapter is a notebook itself, and holds pictures.
            file = self.sources.config.root / self.chapter.path
            text = attachments.put_in(text, file.read_text(encoding="utf-8-sig"))
        self.cells.append({"cell_type": "markdown", "id": f"text-{number}", "metadata": {}, "source": _lines(text)})

    def _code(
        self, name: str, source: str, metadata: JSON, cell: Cell | None = None, result: CellResult | None = None
    ) -> None:
        self.count += 1
        outputs = list(_outputs(cell, result, self.count)) if cell and result else []
        self.cells.append(
            {
                "cell_type": "code",
                "execution_count": self.count,
                "id": f"cell-{name}",
                "metadata": metadata,
                "outputs": outputs,
                "source": _lines(source),
            }
        )


def _metadata(cell: Cell, piece: Cell | Folded) -> JSON:
    """How Jupyter shows a cell: what is folded or hidden on the page is folded there."""
    folded = isinstance(piece, Folded)
    jupyter = {
        "source_hidden": folded or cell.options.setup or cell.options.hide in {"code", "all"},
        "outputs_hidden": folded or cell.options.hide in {"output", "all"},
    }
    metadata: JSON = {"jupyter": {name: True for name, hidden in jupyter.items() if hidden}}
    if cell.options.raises or cell.options.may_raise:
        metadata["tags"] = ["raises-exception"]
    return {name: value for name, value in metadata.items() if value}


def _outputs(cell: Cell, result: CellResult, count: int) -> Iterator[JSON]:
    """The outputs of a cell, with the number of its run and the text alternative of its figures."""
    for output in result.outputs:
        if output["output_type"] == "execute_result":
            output = {**output, "execution_count": count}  # noqa: PLW2901 - what is stored stays as it is
        data = output.get("data", {})
        if cell.options.alt and "image/svg+xml" in data:
            svg = _labelled("".join(data["image/svg+xml"]), cell.options.alt)
            yield {**output, "data": {**data, "image/svg+xml": svg}}
        else:
            yield output


def _labelled(svg: str, label: str) -> str:
    before, tag, rest = svg.partition("<svg ")
    return f'{before}{tag}role="img" aria-label="{escape(label)}" {rest}' if tag else svg


def _lines(text: str) -> list[str]:
    """A text as notebooks hold it."""
    lines = text.split("\n")
    return [*(f"{line}\n" for line in lines[:-1]), *lines[-1:]] if text else []
