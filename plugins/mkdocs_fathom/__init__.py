"""Fathom: documentation that can be read at two depths and cannot lie.

Two phases. RUN is slow, parallel and cached; RENDER is fast and pure, and reads the store only. In order:

    `site_file`     `mkdocs.yml`, read without MkDocs → the options, checked by `config`
    `parsing`       a chapter's Markdown → a `Chapter` and its reading paths, every problem with its line
    `linting`       a `Chapter` → what an author may want to know and needs no run
    `store`         what a path's results depend on, and where they are kept
    `scheduling`    which chapters are stale, and why; runs those, in order and in parallel, and reports
    `running`       a reading path → a `Run`: processes, deadlines, limits; the worker on the other side
    `rendering`     a chapter and its runs → Markdown with tabs and cells, and safe HTML

`commands` is what the command line does with them. The hosts are thin adapters over both phases: `mkdocs_plugin`
with its `mkdocs_build` and `mkdocs_serve`, `markdown_extension` with its `markdown_tabs` and `markdown_formulas`,
`pytest_plugin`, `cli` with its `cli_screen`.
Nothing between them imports a host. `model` holds the nouns, `errors` how a problem reads. `artifacts` is what a
chapter imports to publish files and to load those of others. Each part's docstring is its map.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__"]
