"""One build by MkDocs: which pages are chapters, what runs, what each page shows, and what the site serves besides."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin

from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.utils import get_relative_url

from .config import Config
from .errors import FathomError, Problem
from .linting.lint import findings, heeded
from .model import Cell, Chapter, Run, Span
from .parsing import attachments
from .parsing.notebook import is_notebook
from .parsing.parse import parse, read_text
from .rendering import cards, live, mistakes, notebooks, policy, scripts
from .rendering.addresses import Address
from .rendering.notebooks_needs import Sources
from .rendering.pages import PageSource
from .scheduling import progress
from .scheduling.chapters import chapter_files, is_chapter, is_wanted, read_chapters
from .scheduling.mistakes import NONE, Mistakes
from .scheduling.preview import Preview, Shared, preview
from .scheduling.progress import LiveProgress, PlainProgress
from .scheduling.report import Report, published
from .scheduling.schedule import run
from .store.cache import Store

log = get_plugin_logger("fathom")


class Build:
    """One build of the site: its chapters and their runs."""

    def __init__(self, site: Config, shared: Shared | None = None) -> None:
        self._site = site
        self._docs = site.relative(site.docs)
        self._shared = shared  # there for a preview only
        self._store: Store | None = None
        self._chapters: dict[str, Chapter] = {}
        self._mistakes: dict[str, Mistakes] = {}
        self._refused: set[policy.Refused] = set()  # what stands around every page is said once
        self.report: Report | None = None

    def run(self, pages: Sequence[File], *, strict: bool) -> None:
        """Run what is stale among the files that are chapters; log warnings, raise errors; a preview logs them, too."""
        site = self._site
        files = {site.docs / page.src_uri: page for page in pages}
        known = chapter_files(site)
        _look_at_notebooks(files, site)
        wanted = [file for file in known if file in files and files[file].generated_by is None]
        made = [page for file, page in files.items() if page.generated_by and is_chapter(file, site)]
        warnings = [problem for page in made for problem in _generated(page, site)]
        chapters = [] if self._shared else _read(wanted, site, warnings)
        with _progress() as shown:
            self._store = Store(site.cache_dir, readonly=site.cache_readonly, size_limit=site.cache_size, say=shown.say)
            if self._shared:
                addresses = {file: files[file].url for file in wanted}
                found = preview(addresses, site, self._store, shown, _log_errors, shared=self._shared)
                chapters = self._show(found, warnings)
            else:
                self._chapters = {chapter.path: chapter for chapter in chapters}
                self.report = run(chapters, site, self._store, shown)
        assert self.report is not None  # noqa: S101 - see above
        failures = [] if self._shared else self.report.problems
        _tell([*heeded(warnings, chapters, site), *failures], strict=strict)
        for finding in findings(chapters, site):
            # In strict mode MkDocs would count a warning as an error: what a rule finds stops no build.
            (log.info if strict else log.warning)(str(finding))

    def _show(self, found: Preview, warnings: list[Problem]) -> list[Chapter]:
        """Take in what a preview has found; returns the chapters without errors."""
        self.report = found.report
        self._mistakes = dict(found.mistakes)
        self._chapters = {chapter.path: chapter for chapter in found.chapters}
        warnings += found.warnings
        return list(found.sound)

    def source(self, src_uri: str) -> PageSource | None:
        """Where a page comes from; None if it is no chapter, or too wrong to be shown as one."""
        path = self._path(src_uri)
        chapter = self._chapters.get(path)
        wrong = self._mistakes.get(path)
        if chapter is None or (wrong and not wrong.readable):
            return None
        troubles = (wrong.cells if wrong else NONE) if self._shared else None
        return PageSource(self._site.docs / src_uri, lambda now: self._runs(chapter, now), chapter, troubles)

    def notebook(self, src_uri: str) -> str | None:
        """The Markdown of a page that is a notebook and a chapter; None: it is another page."""
        file = self._site.docs / src_uri
        if not is_notebook(file) or not is_chapter(file, self._site):
            return None
        with suppress(FathomError):  # it is told above the page what is wrong
            return read_text(file, self._site)
        return ""

    def substitute(self, src_uri: str) -> str | None:
        """An empty text for a chapter of a preview that MkDocs could not read; what is wrong stands above it."""
        file = self._site.docs / src_uri
        if not self._shared or is_notebook(file) or not is_chapter(file, self._site):
            return None
        try:
            file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            return ""
        except OSError:
            return None  # gone meanwhile: MkDocs says so
        return None

    def attached(self, html: str, src_uri: str) -> str:
        """A page with the pictures that a notebook holds in itself."""
        if self.notebook(src_uri):
            return attachments.put_in(html, (self._site.docs / src_uri).read_text(encoding="utf-8-sig"))
        return html

    def tolerate(self, error: FathomError, page: PageSource | None) -> bool:
        """Note what is wrong with the page that is made now, and say it; False: it is to be raised."""
        if not self._shared or page is None:
            return False
        _log_errors(error.problems)
        path = self._site.relative(page.file)
        before = self._mistakes.get(path, Mistakes(()))
        self._mistakes[path] = replace(before, page=(*before.page, *error.problems))
        return True

    def mistakes(self, src_uri: str) -> str:
        """What stands above a page of a preview: what is wrong with it and with none of its cells."""
        wrong = self._mistakes.get(self._path(src_uri))
        return mistakes.page(wrong.page) if wrong and wrong.page else ""

    def _path(self, src_uri: str) -> str:
        return f"{self._docs}/{src_uri}"

    def _runs(self, before: Chapter, now: Chapter) -> Mapping[str, Run]:
        """The chapter's runs, unless its file was changed since it was run: the page would show one with the other."""
        assert self.report is not None  # noqa: S101 - pages come after `run`
        changed = [cell for cell in now.cells if _code(cell) not in map(_code, before.cells)]
        if len(now.cells) != len(before.cells) or changed:
            span = changed[0].span if changed else Span(now.path, 1)
            what = "the chapter was changed while the site was built"
            # MkDocs' preview has seen the change, too.
            again = Problem(span, what, "It is being built again.", severity="warning")
            raise FathomError([again if self._shared else Problem(span, what, "Build it again.")])
        return self.report.runs[before.path]

    def cards(self, html: str, url: str, files: Files) -> str:
        """A page with what the chapters ask of their readers, on the links to them that are cards."""

        def chapter_at(address: str) -> cards.Found | None:
            assert self.report is not None  # noqa: S101 - pages come after `run`
            wanted = urljoin(url, address).removeprefix("./")
            path = next((self._path(file.src_uri) for file in files.documentation_pages() if file.url == wanted), "")
            chapter = self._chapters.get(path)
            return (chapter, self.report.runs.get(path, {})) if chapter else None

        return cards.put(html, chapter_at)

    def scripted(self, page: str, folder: str, url: str) -> str:
        """The page of an address with its scripts; `folder` is where the site serves ours."""
        return scripts.put_in(page, self._site, lambda path: get_relative_url(path, url), folder)

    def policed(self, page: str, content: str = "", src_uri: str = "", *, strict: bool) -> str:
        """A finished page with its policy, if the site wants one; says what of the page that refuses."""
        if not self._site.content_security_policy:
            return page
        policed = policy.put_in(page, content)
        found = set(policed.around) - self._refused
        self._refused |= found
        problems = [_refused(self._site.place("content_security_policy"), each.what) for each in found]
        if policed.inside:
            file = self._site.docs / src_uri
            text = file.read_text(encoding="utf-8-sig", errors="replace") if file.is_file() else ""
            for each in policed.inside:
                number = next((number for number, line in enumerate(text.splitlines(), 1) if each.tag in line), 1)
                problems.append(_refused(Span(self._site.relative(file), number), each.what))
        _tell(sorted(problems), strict=strict)
        return policed.page

    def served(self) -> Iterator[tuple[str, Path]]:
        """What the site serves besides its pages, below our own address: the style sheet and the artifacts."""
        assert self._store is not None  # noqa: S101 - pages come after `run`
        assert self.report is not None  # noqa: S101 - the same
        own = Path(__file__).parent / "assets"
        yield from ((name, own / name) for name in ("fathom.css", *scripts.FILES))
        docs = self._site.relative(self._site.docs)
        for path, runs in self.report.runs.items():
            folder = PurePosixPath(path).relative_to(docs).with_suffix("")
            for artifact in published(runs):
                if blob := self._store.blob(artifact.digest):
                    yield f"artifacts/{folder}/{artifact.name}", blob

    def panels(self) -> Iterator[tuple[str, bytes]]:
        """What the panels of the pages work with: where each file lies below our own address, and what it holds."""
        assert self.report is not None  # noqa: S101 - pages come after `run`
        for data in live.files(self.report.runs.values()):
            yield f"{live.FOLDER}/{data.name}", data.content

    def notebooks(self, address: Address) -> Iterator[tuple[str, Callable[[], str]]]:
        """The chapters as notebooks: where each lies in the site, and what makes its text."""
        sources = self._sources(address)
        for chapter in self._chapters.values() if self._site.notebooks else ():
            if notebooks.has_notebooks(chapter, sources):
                for slug in notebooks.slugs(chapter):
                    place = address.notebook(sources.below_docs(chapter.path), slug)
                    yield place, partial(notebooks.notebook, chapter, slug, sources)

    def downloads(self, src_uri: str, address: Address, repo_url: str | None, branch: str) -> str:
        """The line of a page that offers its notebooks; empty where it has none."""
        chapter = self._chapters.get(self._path(src_uri))
        sources = self._sources(address)
        if chapter is None or not self._site.notebooks or not notebooks.has_notebooks(chapter, sources):
            return ""
        return notebooks.links(chapter, sources, repo_url, branch)

    def _sources(self, address: Address) -> Sources:
        assert self.report is not None  # noqa: S101 - pages come after `run`
        return Sources(self._site, self._chapters, self.report.runs, address)

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


def _refused(span: Span, what: str) -> Problem:
    hint = "Put scripts and styles into files below `docs_dir`; or set `content_security_policy: false`."
    return Problem(span, f"the site's Content Security Policy refuses {what}", hint, severity="warning")


def _code(cell: Cell) -> tuple[int, str, str | None, bool]:
    return cell.number, cell.source, cell.depth, cell.runs


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


def _read(files: Sequence[Path], site: Config, warnings: list[Problem]) -> list[Chapter]:
    """The chapters; what is no error is added to the warnings."""
    chapters, found = read_chapters(files, site)
    warnings += found
    return chapters


def _look_at_notebooks(files: Mapping[Path, File], site: Config) -> None:
    """Refuse a notebook that is a chapter and that nothing makes a page of; say which files are notebooks as text."""
    for file, page in files.items():
        if is_notebook(file) and is_chapter(file, site) and not page.is_documentation_page():
            what = f"nothing makes a page of the notebook `{site.relative(file)}`, which this option names"
            hint = (
                "Install `mkdocs-jupyter` and add it to `plugins`; if it is there, its `include` or `ignore` leaves"
                " the notebook out."
            )
            raise FathomError.at(site.place("chapters"), what, hint)
        if page.is_documentation_page() and is_wanted(file, site) and not is_chapter(file, site):
            log.info("%s is a notebook in the form of Markdown, no chapter: nothing in it is run", site.relative(file))


def _log_errors(problems: Sequence[Problem]) -> None:
    for problem in problems:
        log.log(logging.ERROR if problem.severity == "error" else logging.INFO, str(problem))


def _tell(problems: list[Problem], *, strict: bool) -> None:
    """Log warnings and raise errors. In strict mode warnings are errors, which `-q` would make MkDocs forget."""
    errors = [problem for problem in problems if strict or problem.severity == "error"]
    for problem in problems:
        if problem not in errors:
            log.warning(str(problem))
    if errors:
        raise FathomError(errors)
