"""Fathom: documentation that can be read at two depths and cannot lie.

Two phases, in this order:

RUN, slow, parallel, cached:
    `parse`     a chapter's Markdown → a `Chapter`: regions, cells, headings, every problem with its line
    `census`    an independent count of the fences, which must agree with what was run
    `paths`     a chapter → its reading paths, and the tree of their common prefixes
    `keys`      what a path's results depend on
    `cache`     the content-addressed store
    `execute`   a path → a `Run`: processes, deadlines, limits; `worker` is the other side, in the child
    `schedule`  which chapters are stale, in which order, in parallel

RENDER, fast and pure, reading the store only:
    `render`    a chapter and its runs → Markdown with tabs and places for its cells
    `outputs`   nbformat outputs → safe HTML

The hosts are thin adapters over both: `mkdocs_plugin`, `markdown_extension`, `pytest_plugin`, `cli`. The modules
between them import no host. `model` holds the nouns, `errors` how a problem reads, `config` the options.
`artifacts` is what a chapter imports to publish files and to load those of others.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__"]
