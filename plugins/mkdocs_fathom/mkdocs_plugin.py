"""The MkDocs adapter: runs stale chapters before pages are made, and puts the Markdown extension in place."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from mkdocs.config.base import Config as Options
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from .cache import Store
from .config import Config, build
from .errors import FathomError, Problem
from .markdown_extension import FathomExtension, PageSource
from .model import Chapter, Span
from .progress import LiveProgress, PlainProgress
from .schedule import Report, chapter_files, published, read_chapters, run

log = get_plugin_logger("fathom")

ASSETS = "assets/fathom"
"""Where the site serves our own files and the chapters' artifacts."""


class NoOptions(Options):
    """What MkDocs may check of our options: nothing. An unknown one is an error with us and a warning with it."""


class FathomPlugin(BasePlugin[NoOptions]):
    """Hooks into MkDocs' build; everything else is done by modules that know no host."""

    def __init__(self) -> None:
        """Know no site yet."""
        self._options: dict[str, Any] = {}
        self._site: Config | None = None
        self._report: Report | None = None
        self._page: PageSource | None = None

    def load_config(self, options: dict[str, Any], config_file_path: str | None = None) -> tuple[list[Any], list[Any]]:
        """Take the options as they are: `config.build` checks them, once the docs folder is known."""
        self._options = dict(options)
        return super().load_config({}, config_file_path)

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Check the options, and add the Markdown extension and our style sheet."""
        file = Path(config.config_file_path)
        with _errors_raised():
            site = build(file.parent, Path(config.docs_dir), self._options, Span(file.name, 1))
        self._site = site
        extension = FathomExtension(site, lambda: self._page, convert_error=lambda error: PluginError(str(error)))
        others = [name for name in config.markdown_extensions if name != "fathom"]
        config.markdown_extensions = [*others, extension]  # type: ignore[list-item]  # Markdown takes instances, too
        config.extra_css.insert(0, f"{ASSETS}/fathom.css")
        return config

    @event_priority(-100)
    def on_files(self, files: Files, /, *, config: MkDocsConfig) -> Files:
        """Run what is stale, once the other plugins have said which files there are."""
        assert self._site is not None  # noqa: S101 - MkDocs calls `on_config` first
        store = Store(
            self._site.cache_dir,
            readonly=self._site.cache_readonly,
            size_limit=self._site.cache_size,
            say=log.info,
        )
        with _errors_raised():
            pages = {file.abs_src_path for file in files.documentation_pages()}
            chapters, warnings = read_chapters((f for f in chapter_files(self._site) if str(f) in pages), self._site)
            with _progress() as progress:
                self._report = run(chapters, self._site, store, progress)
        _tell(warnings + self._report.problems, strict=config.strict)
        _serve(files, config, chapters, self._report, store)
        return files

    def on_page_markdown(self, markdown: str, /, *, page: Page, **_: object) -> str:
        """Tell the Markdown extension which page comes next."""
        assert self._site is not None  # noqa: S101 - see `on_files`
        assert self._report is not None  # noqa: S101 - see `on_files`
        file = Path(page.file.abs_src_path or "")
        runs = self._report.runs.get(self._site.relative(file))
        self._page = None if runs is None else PageSource(file, lambda _chapter: runs)
        return markdown

    def on_post_build(self, **_: object) -> None:
        """Close with one line."""
        log.info(str(self._report))


@contextmanager
def _errors_raised() -> Iterator[None]:
    """Our errors as MkDocs' own: those end a build with a message, whatever `--strict` and `-q` say."""
    try:
        yield
    except FathomError as error:
        raise PluginError(str(error)) from error


def _progress() -> AbstractContextManager[PlainProgress | LiveProgress]:
    # MkDocs' `-q` and its terminal are what decides, as for its own messages.
    if sys.stderr.isatty() and log.isEnabledFor(logging.INFO):
        return LiveProgress(sys.stderr, shutil.get_terminal_size().columns)
    return nullcontext(PlainProgress(log.info, log.warning))


def _tell(problems: tuple[Problem, ...], *, strict: bool) -> None:
    """Log warnings and raise errors. In strict mode warnings are errors, which `-q` would make MkDocs forget."""
    errors = [problem for problem in problems if strict or problem.severity == "error"]
    for problem in problems:
        if problem not in errors:
            log.warning(str(problem))
    if errors:
        raise PluginError(str(FathomError(errors)))


def _serve(files: Files, config: MkDocsConfig, chapters: list[Chapter], report: Report, store: Store) -> None:
    """Add our style sheet and the chapters' artifacts to the site."""
    asset = Path(__file__).parent / "assets" / "fathom.css"
    files.append(File.generated(config, f"{ASSETS}/fathom.css", abs_src_path=str(asset)))
    for chapter in chapters:
        for artifact in published(report.runs[chapter.path]):
            blob = store.blob(artifact.digest)
            address = f"{ASSETS}/artifacts/{Path(chapter.path).stem}/{artifact.name}"
            files.append(File.generated(config, address, abs_src_path=str(blob)))
