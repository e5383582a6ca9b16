"""Fathom: documentation that can be read at two depths and cannot lie.

Two phases, in this order:

RUN, slow, parallel, cached:
    `site_file`    `mkdocs.yml`, read without MkDocs → the options, checked by `config`
    `chapters`     which pages are chapters, read and checked
    `parse`        a chapter's Markdown → a `Chapter`: regions, cells, headings, every problem with its line; with the
                   help of `source`, `frontmatter`, `include`, `containers`, `scan`, `inline`, `markers`, `fences`,
                   `directives`, `conditions` and `mojibake`
    `syntax`       errors in the code, found before anything runs
    `census`       an independent count of the fences, which must agree with what was run
    `needs`        which chapter waits for which
    `paths`        a chapter → its reading paths, and the tree of their common prefixes
    `keys`         what a path's results depend on
    `cache`        the content-addressed store; `codec` is how its entries are written
    `lookup`       which chapters are stale, and why
    `schedule`     runs those, in order and in parallel; `progress` shows it, `interrupts` lets it be stopped
    `execute`      the paths of a chapter → a `Run` each: `job` is what a worker is told, `branch` what its parent
                   knows of it, `collect` makes runs of what it tells, `failures` says why a cell failed
    `pool`         where workers come from; `launcher` starts processes, `processes` counts and ends them
    `server`       on the other side: forks workers, made ready by `preload`
    `worker`       on the other side: runs cells in a `session`, with `capture`, `guard`, `folders` and `seeding`
    `report`       what came of it, and everything that is wrong
    `compare`      two runs of the same cells, for those who do not trust the first

RENDER, fast and pure, reading the store only:
    `pages`        the page that a host converts → its chapter and its runs
    `render`       a chapter → Markdown with tabs and places for its cells; `lists` mends what Markdown takes for text
    `cells`        a cell and its results → HTML
    `outputs`      nbformat outputs → safe HTML; `ansi` and `figures` are two kinds of them
    `panels`       what can be said of a page once it is a tree: headings, teasers, and whether anything was lost

The hosts are thin adapters over both: `mkdocs_plugin`, `markdown_extension`, `pytest_plugin`, `cli`. The modules
between them import no host. `model` holds the nouns, `errors` how a problem reads. `artifacts` is what a chapter
imports to publish files and to load those of others.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__"]
