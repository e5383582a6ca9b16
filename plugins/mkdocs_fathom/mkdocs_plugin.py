"""The MkDocs adapter: runs stale chapters before pages are made, and puts the Markdown extension in place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mkdocs.config.base import Config as Options
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from mkdocs.utils.templates import TemplateContext

from . import site_file
from .config import Config, build
from .errors import FathomError
from .markdown_extension import FathomExtension, PageSource
from .mkdocs_build import Build
from .mkdocs_serve import Lent
from .model import Span
from .rendering import searching, titles
from .rendering.addresses import ASSETS, published
from .scheduling.preview import Shared

if TYPE_CHECKING:
    from jinja2 import Environment
    from mkdocs.livereload import LiveReloadServer

log = get_plugin_logger("fathom")

_FIGURE = re.compile(r'<svg [^>]*role="img" aria-label="[^"]*">.*?</svg>', re.DOTALL)
_TITLE = re.compile(r'</h1>(?:\s*<div class="fathom-switch".*?</div>)?', re.DOTALL)
_PLACE = re.compile(r'<i data-fathom-figure="(\d+)"></i>')


class NoOptions(Options):
    """What MkDocs may check of our options: nothing. An unknown one is an error with us and a warning with it."""


class FathomPlugin(BasePlugin[NoOptions]):
    """Hooks into MkDocs' build; everything else is done by modules that know no host."""

    def __init__(self) -> None:
        """Know no site yet."""
        self._options: dict[str, Any] = {}
        self._build: Build | None = None
        self._site: Config | None = None
        self._page: PageSource | None = None
        self._figures: dict[str, list[str]] = {}
        self._lent = Lent()
        self._shown: str | None = None
        self._serving = False
        self._shared = Shared()
        self._server: LiveReloadServer | None = None

    def load_config(self, options: dict[str, Any], config_file_path: str | None = None) -> tuple[list[Any], list[Any]]:
        """Take the options as they are: `config.build` checks them, once the docs folder is known."""
        self._options = dict(options)
        return super().load_config({}, config_file_path)

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:  # noqa: ARG002
        """Learn whether this is a preview. That this hook exists keeps the plugin alive from one build to the next."""
        self._serving = command == "serve"

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Check the options, and add the Markdown extension and our style sheet."""
        self._site = site = self._configured(config)
        # `mkdocs serve --strict` asks for what a build does.
        self._build = build = Build(site, self._shared if self._serving and not config.strict else None)
        extension = FathomExtension(
            site,
            lambda: self._page,
            convert_error=lambda error: PluginError(str(error)),
            tolerate=lambda error: build.tolerate(error, self._page),
        )
        others = [name for name in config.markdown_extensions if name not in site_file.NAMES]
        config.markdown_extensions = [*others, extension]  # type: ignore[list-item]  # Markdown takes instances, too
        config.extra_css.insert(0, f"{ASSETS}/fathom.css")
        jupyter = config.plugins.get("mkdocs-jupyter")
        if jupyter and jupyter.config.get("execute"):
            log.info("`execute` of mkdocs-jupyter is for notebooks that are no chapters: Fathom runs those that are")
        return config

    def _configured(self, config: MkDocsConfig) -> Config:
        """The site's options. A preview that has begun keeps those it had: MkDocs would let its pages wait for ever."""
        try:
            return _configure(config, self._options)
        except FathomError as error:
            if not self._serving or self._site is None:
                raise PluginError(str(error)) from error
            said = "%s\n  Until then, the preview keeps the options that it had."
            log.error(said, error)  # noqa: TRY400 - a traceback of ours tells an author nothing
            return self._site

    @event_priority(-100)
    def on_files(self, files: Files, /, *, config: MkDocsConfig) -> Files:
        """Run what is stale, once the other plugins have said which files there are."""
        assert self._build is not None  # noqa: S101 - MkDocs calls `on_config` first
        included = InclusionLevel.is_in_serve if self._serving else InclusionLevel.is_included
        try:
            with _errors_raised():
                chosen = [file for file in files if included(file.inclusion)]  # type: ignore[no-untyped-call]
                self._build.run(chosen, strict=config.strict)
        finally:
            self._watch()  # what failed may be mended in a file that a chapter uses
        for address, path in self._build.served():
            files.append(File.generated(config, f"{ASSETS}/{address}", abs_src_path=str(path)))
        for address, content in self._build.panels():
            files.append(File.generated(config, f"{ASSETS}/{address}", content=content))
        site = published(config.site_url, directories=config.use_directory_urls)
        self._lent.forget()
        for address, make in self._build.notebooks(site):
            made = self._lent.file(config, address, make) if self._serving else None
            files.append(made or File.generated(config, address, content=make()))
        return files

    def on_env(self, env: Environment, /, **_: object) -> Environment:
        """Take the tags off titles so that none come back."""
        env.filters["striptags"] = titles.stripped
        return env

    @event_priority(-100)
    def on_pre_page(self, page: Page, /, **_: object) -> Page:
        """Let MkDocs itself make the page of a notebook that is a chapter, where mkdocs-jupyter would convert it."""
        if self._notebook(page) is not None:
            vars(page).pop("render", None)
        return page

    def on_page_read_source(self, /, *, page: Page, **_: object) -> str | None:
        """Give the Markdown that a notebook stands for, and something for a page that cannot be read."""
        assert self._build is not None  # noqa: S101 - see `on_files`
        text = self._notebook(page)
        return self._build.substitute(page.file.src_uri) if text is None else text

    def _notebook(self, page: Page) -> str | None:
        assert self._build is not None  # noqa: S101 - see `on_files`
        return self._build.notebook(page.file.src_uri)

    def on_page_markdown(self, markdown: str, /, *, page: Page, **_: object) -> str:
        """Tell the Markdown extension which page comes next."""
        assert self._build is not None  # noqa: S101 - see `on_files`
        self._page = self._build.source(page.file.src_uri)
        titles.mend(page.meta)
        return markdown

    @event_priority(-100)
    def on_page_content(self, html: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Put aside what is nobody's search result: words in a drawing, which take time to read, and our own links."""
        assert self._build is not None  # noqa: S101 - see `on_files`
        given, shown = titles.of_file(page.file.name)
        page.title = shown if page.title == given else page.title
        html = self._build.mistakes(page.file.src_uri) + self._build.attached(html, page.file.src_uri)
        html = self._build.cards(html, page.url, files)
        self._figures[page.file.src_uri] = found = _FIGURE.findall(html)
        places = iter(range(len(found) + 1))
        html = _FIGURE.sub(lambda _: f'<i data-fathom-figure="{next(places)}"></i>', html)
        site = published(config.site_url, directories=config.use_directory_urls)
        if line := self._build.downloads(page.file.src_uri, site, config.repo_url, config.remote_branch):
            found.append(line)
            at = match.end() if (match := _TITLE.search(html)) else 0
            html = f'{html[:at]}<i data-fathom-figure="{next(places)}"></i>{html[at:]}'
        return html

    @event_priority(100)
    def _before_search(self, context: TemplateContext, /, *, page: Page, **_: object) -> TemplateContext:
        """Show a search the page as it should be read: the plugins of searches read it at this event."""
        self._shown, page.content = page.content, searching.arranged(page.content or "")
        return context

    @event_priority(-100)
    def _after_search(self, context: TemplateContext, /, *, page: Page, **_: object) -> TemplateContext:
        """Put the page itself back."""
        page.content = self._shown
        return context

    on_page_context = CombinedEvent(_before_search, _after_search)

    @event_priority(100)
    def _finished(self, output: str, /, *, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG002
        """Put the figures back, and our script into the head."""
        assert self._build is not None  # noqa: S101 - see `on_files`
        found = self._figures.pop(page.file.src_uri, [])
        places = dict(enumerate(found))
        if "data-fathom-tabs" in output:
            # Material's script follows all headings, shown or not, and cannot be told that a depth has changed.
            output = output.replace(' data-md-component="toc"', ' data-fathom-contents=""')
        # Material gives this dialog no name.
        output = output.replace(
            'data-md-component="search" role="dialog"',
            'data-md-component="search" role="dialog" aria-label="Search"',
            1,
        )
        output = self._build.scripted(output, ASSETS, page.url)
        return _PLACE.sub(lambda match: places.get(int(match[1]), match[0]), output)

    @event_priority(-100)
    def _policed(self, output: str, /, *, page: Page, config: MkDocsConfig) -> str:
        """Say what may run, once nothing changes any more; not in a preview, whose pages MkDocs gives a script."""
        assert self._build is not None  # noqa: S101 - see `on_files`
        if self._serving:
            return output
        with _errors_raised():
            return self._build.policed(output, page.content or "", page.file.src_uri, strict=config.strict)

    on_post_page = CombinedEvent(_finished, _policed)

    @event_priority(-100)
    def on_post_template(self, output_content: str, /, *, template_name: str, config: MkDocsConfig) -> str:
        """Say it of pages that are not made from a file, too: that of what is not found."""
        assert self._build is not None  # noqa: S101 - see `on_files`
        if self._serving or not template_name.endswith(".html"):
            return output_content
        with _errors_raised():
            return self._build.policed(output_content, strict=config.strict)

    def on_serve(self, server: LiveReloadServer, /, **_: object) -> LiveReloadServer:
        """Build again when something changes that the chapters use; look which pages are on screen."""
        self._server = server
        self._lent.serve(server, self._shared.screen)
        self._watch()
        return server

    def on_shutdown(self) -> None:
        """Leave no process behind."""
        self._shared.workers.close()

    def on_post_build(self, **_: object) -> None:
        """Close with one line."""
        assert self._build is not None  # noqa: S101 - see `on_files`
        log.info(str(self._build.report))

    def _watch(self) -> None:
        if self._server and self._build:
            for path in self._build.used():
                self._server.watch(str(path))


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
