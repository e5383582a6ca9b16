"""The MkDocs adapter: runs stale chapters before pages are made, and puts the Markdown extension in place."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from mkdocs.config.base import Config as Options
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from . import site_file
from .config import Config, build
from .errors import FathomError, Problem
from .linting.lint import findings, heeded
from .markdown_extension import FathomExtension, PageSource
from .model import Cell, Chapter, Run, Span
from .parsing.parse import parse
from .scheduling import progress
from .scheduling.chapters import chapter_files, is_chapter, read_chapters
from .scheduling.progress import LiveProgress, PlainProgress
from .scheduling.report import Report, published
from .scheduling.schedule import run
from .store.cache import Store

if TYPE_CHECKING:
    from mkdocs.livereload import LiveReloadServer

log = get_plugin_logger("fathom")

ASSETS = "assets/fathom"
"""Where the site serves our own files and the chapters' artifacts."""
_FIGURE = re.compile(r'<svg [^>]*role="img" aria-label="[^"]*">.*?</svg>', re.DOTALL)
_PLACE = re.compile(r'<i data-fathom-figure="(\d+)"></i>')


class NoOptions(Options):
    """What MkDocs may check of our options: nothing. An unknown one is an error with us and a warning with it."""


class FathomPlugin(BasePlugin[NoOptions]):
    """Hooks into MkDocs' build; everything else is done by modules that know no host."""

    def __init__(self) -> None:
        """Know no site yet."""
        self._options: dict[str, Any] = {}
        self._build: _Build | None = None
        self._page: PageSource | None = None
        self._figures: dict[str, list[str]] = {}
        self._drafts = False
        self._server: LiveReloadServer | None = None

    def load_config(self, options: dict[str, Any], config_file_path: str | None = None) -> tuple[list[Any], list[Any]]:
        """Take the options as they are: `config.build` checks them, once the docs folder is known."""
        self._options = dict(options)
        return super().load_config({}, config_file_path)

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:  # noqa: ARG002
        """Learn whether drafts are shown. That this hook exists keeps the plugin alive from one build to the next."""
        self._drafts = command == "serve"

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Check the options, and add the Markdown extension and our style sheet."""
        with _errors_raised():
            site = _configure(config, self._options)
        self._build = _Build(site)
        extension = FathomExtension(site, lambda: self._page, convert_error=lambda error: PluginError(str(error)))
        others = [name for name in config.markdown_extensions if name not in site_file.NAMES]
        config.markdown_extensions = [*others, extension]  # type: ignore[list-item]  # Markdown takes instances, too
        config.extra_css.insert(0, f"{ASSETS}/fathom.css")
        return config

    @event_priority(-100)
    def on_files(self, files: Files, /, *, config: MkDocsConfig) -> Files:
        """Run what is stale, once the other plugins have said which files there are."""
        assert self._build is not None  # noqa: S101 - MkDocs calls `on_config` first
        included = InclusionLevel.is_in_serve if self._drafts else InclusionLevel.is_included
        try:
            with _errors_raised():
                self._build.run(files.documentation_pages(inclusion=included), strict=config.strict)
        finally:
            self._watch()  # what failed may be mended in a file that a chapter uses
        for address, path in self._build.served():
            files.append(File.generated(config, f"{ASSETS}/{address}", abs_src_path=str(path)))
        return files

    def on_page_markdown(self, markdown: str, /, *, page: Page, **_: object) -> str:
        """Tell the Markdown extension which page comes next."""
        assert self._build is not None  # noqa: S101 - see `on_files`
        self._page = self._build.source(page.file.src_uri)
        return markdown

    @event_priority(-100)
    def on_page_content(self, html: str, /, *, page: Page, **_: object) -> str:
        """Put the figures aside: words in a drawing are nobody's search result, and to read them takes time."""
        self._figures[page.file.src_uri] = found = _FIGURE.findall(html)
        places = iter(range(len(found)))
        return _FIGURE.sub(lambda _: f'<i data-fathom-figure="{next(places)}"></i>', html)

    @event_priority(100)
    def on_post_page(self, output: str, /, *, page: Page, **_: object) -> str:
        """Put the figures back."""
        found = self._figures.pop(page.file.src_uri, [])
        places = dict(enumerate(found))
        return _PLACE.sub(lambda match: places.get(int(match[1]), match[0]), output)

    def on_serve(self, server: LiveReloadServer, /, **_: object) -> LiveReloadServer:
        """Build again when something changes that the chapters use."""
        self._server = server
        self._watch()
        return server

    def on_post_build(self, **_: object) -> None:
        """Close with one line."""
        assert self._build is not None  # noqa: S101 - see `on_files`
        log.info(str(self._build.report))

    def _watch(self) -> None:
        if self._server and self._build:
            for path in self._build.used():
                self._server.watch(str(path))


class _Build:
    """One build of the site: its chapters and their runs."""

    def __init__(self, site: Config) -> None:
        self._site = site
        self._store: Store | None = None
        self._chapters: dict[str, Chapter] = {}
        self.report: Report | None = None

    def run(self, pages: Sequence[File], *, strict: bool) -> None:
        """Run what is stale among the pages that are chapters; log warnings, raise errors."""
        site = self._site
        files = {site.docs / page.src_uri: page for page in pages}
        known = chapter_files(site)
        wanted = [file for file in known if file in files and files[file].generated_by is None]
        chapters, warnings = read_chapters(wanted, site)
        made = [page for file, page in files.items() if page.generated_by and is_chapter(file, site)]
        warnings += tuple(problem for page in made for problem in _generated(page, site))
        with _progress() as shown:
            self._store = Store(site.cache_dir, readonly=site.cache_readonly, size_limit=site.cache_size, say=shown.say)
            self._chapters = {chapter.path: chapter for chapter in chapters}
            self.report = run(chapters, site, self._store, shown)
        _tell([*heeded(warnings, chapters, site), *self.report.problems], strict=strict)
        for finding in findings(chapters, site):
            # In strict mode MkDocs would count a warning as an error: what a rule finds stops no build.
            (log.info if strict else log.warning)(str(finding))

    def source(self, src_uri: str) -> PageSource | None:
        """Where a page comes from; None if it is no chapter."""
        assert self.report is not None  # noqa: S101 - pages come after `run`
        file = self._site.docs / src_uri
        chapter = self._chapters.get(self._site.relative(file))
        return PageSource(file, lambda now: self._runs(chapter, now), chapter) if chapter else None

    def _runs(self, before: Chapter, now: Chapter) -> Mapping[str, Run]:
        """The chapter's runs, unless its file was changed since it was run: the page would show one with the other."""
        assert self.report is not None  # noqa: S101 - see `source`
        changed = [cell for cell in now.cells if _code(cell) not in map(_code, before.cells)]
        if len(now.cells) != len(before.cells) or changed:
            span = changed[0].span if changed else Span(now.path, 1)
            raise FathomError.at(span, "the chapter was changed while the site was built", "Build it again.")
        return self.report.runs[before.path]

    def served(self) -> Iterator[tuple[str, Path]]:
        """What the site serves besides its pages, below our own address: the style sheet and the artifacts."""
        assert self._store is not None  # noqa: S101 - see `source`
        assert self.report is not None  # noqa: S101 - see `source`
        yield "fathom.css", Path(__file__).parent / "assets" / "fathom.css"
        docs = self._site.relative(self._site.docs)
        for path, runs in self.report.runs.items():
            folder = PurePosixPath(path).relative_to(docs).with_suffix("")
            for artifact in published(runs):
                if blob := self._store.blob(artifact.digest):
                    yield f"artifacts/{folder}/{artifact.name}", blob

    def used(self) -> set[Path]:
        """What lies outside `docs_dir` and is used by chapters: files, and the folders of includes."""
        site = self._site
        runs = [run for runs in self.report.runs.values() for run in runs.values()] if self.report else []
        names = {item.name for run in runs for item in run.dependencies if item.kind == "file"}
        names |= {line.path for chapter in self._chapters.values() for line in chapter.lines}
        files = {path for name in names if (path := site.root / name).is_relative_to(site.root)}
        folders = {site.root / name for name in site.include}
        # A folder around the store or the pages would be changed by the build that its change begins.
        safe = {path for path in folders if not any(own.is_relative_to(path) for own in (site.cache_dir, site.docs))}
        return {path for path in files | safe if path.exists() and not path.is_relative_to(site.docs)}


def _code(cell: Cell) -> tuple[int, str, str | None, bool]:
    return cell.number, cell.source, cell.depth, cell.runs


def _configure(config: MkDocsConfig, options: Mapping[str, Any]) -> Config:
    """The site's options; those under `markdown_extensions` count where the plugin's do not say otherwise."""
    file = Path(config.config_file_path or "mkdocs.yml").absolute()
    below: dict[str, Any] = {}
    for name in site_file.NAMES:
        below |= config.mdx_configs.get(name) or {}
    places = site_file.read(file).places if file.is_file() else {}
    return build(file.parent, Path(config.docs_dir), {**below, **options}, Span(file.name, 1), places)


@contextmanager
def _errors_raised() -> Iterator[None]:
    """Our errors as MkDocs' own: those end a build with a message, whatever `--strict` and `-q` say."""
    try:
        yield
    except FathomError as error:
        raise PluginError(str(error)) from error


def _progress() -> AbstractContextManager[PlainProgress | LiveProgress]:
    # MkDocs' `-q` and its terminal are what decides, as for its own messages. What goes wrong outside the chapters is
    # no warning either: in strict mode it would end a build whose pages are right.
    plain = PlainProgress(log.info)
    return progress.choose(sys.stderr, plain) if log.isEnabledFor(logging.INFO) else nullcontext(plain)


def _generated(page: File, site: Config) -> list[Problem]:
    """What to say of a page that another plugin made, if it is written like a chapter: only files are run."""
    chapter = parse(page.content_string, page.src_uri, site).chapter
    what = f"another plugin (`{page.generated_by}`) made this page, so its code is not run and its depths are not tabs"
    hint = "Keep the page as a file below `docs_dir`, or out of the option `chapters`."
    spans = [*(cell.span for cell in chapter.cells), *(region.span for region in chapter.regions)]
    return [Problem(min(spans), what, hint, severity="warning")] if spans else []


def _tell(problems: list[Problem], *, strict: bool) -> None:
    """Log warnings and raise errors. In strict mode warnings are errors, which `-q` would make MkDocs forget."""
    errors = [problem for problem in problems if strict or problem.severity == "error"]
    for problem in problems:
        if problem not in errors:
            log.warning(str(problem))
    if errors:
        raise FathomError(errors)
