"""Python-Markdown's side: one extension that makes a chapter's page right in MkDocs, Zensical, or alone.

For each page, in this order: the preprocessor parses the chapter, gets its runs and hands on what `render` makes of it;
`DepthTab` and the fence formatter put tabs and cells into the page; tree processors set formulas and name headings; at
the end the page is checked: every region one panel, every cell one element, or the build stops.
"""

# Neither Python-Markdown nor pymdownx comes with types, and Zensical is seldom installed.
# mypy: disable-error-code="import-untyped, import-not-found, misc"

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension, toc
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from pymdownx.superfences import SuperFencesBlockPreprocessor, highlight_validator

from .config import Config
from .errors import FathomError
from .markdown_formulas import Formulas
from .markdown_tabs import literal, register_tabs
from .model import Cell, Chapter, Run
from .rendering import ansi, cells, mathematics, pages, panels, render, switch
from .rendering.pages import PageSource
from .scheduling import chapters
from .scheduling.mistakes import NONE, Troubles

__all__ = ["FathomExtension", "PageSource", "makeExtension"]

Source = Callable[[], PageSource | None]

# Above `pymdownx.snippets` (32) and the normaliser of white space (30): what they do is done by then, or harmless.
_BEFORE_ALL = 100
# Below attribute lists (8), above `toc` and MkDocs' collector of anchors (both 5).
_BEFORE_TOC = 5.5
_BEFORE_HEADINGS = 6
_AFTER_ALL = -1000


class FathomExtension(Extension):
    """What a site lists under `markdown_extensions`, or the MkDocs plugin adds to them.

    Args:
        config: The options; None: read them from `mkdocs.yml` and `options`.
        source: Tells which page is being converted, and gives None for a page that is no chapter. None: ask the host.
        convert_error: Makes the host's own error of ours; a host may hide what is not its own.
        tolerate: Whether a page goes on without its depths and outputs where it is wrong; told what is.
        options: What stands beside the extension's name; these go before those of `mkdocs.yml`.
    """

    def __init__(
        self,
        config: Config | None = None,
        source: Source | None = None,
        *,
        convert_error: Callable[[FathomError], Exception] = lambda error: error,
        tolerate: Callable[[FathomError], bool] = lambda _error: False,
        **options: Any,
    ) -> None:
        super().__init__()
        self.fathom_config, self.options = config, options
        self.source = source
        self.convert_error = convert_error
        self.tolerate = tolerate
        self._claimed: tuple[PageSource, _Page] | None = None

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Python-Markdown's name
        """Register everything; called once for each page."""
        config = self.fathom_config or pages.load_config(self.options)
        page = _Page(md, config, self.source, self._refuse, self._claim)
        md.registerExtension(page)
        register_tabs(md, page)
        md.preprocessors.register(_step(Preprocessor, md, page.begin), "fathom", _BEFORE_ALL)
        md.treeprocessors.register(_step(Treeprocessor, md, page.set_formulas), "fathom_formulas", _BEFORE_HEADINGS)
        md.treeprocessors.register(_step(Treeprocessor, md, page.name_headings), "fathom_headings", _BEFORE_TOC)
        md.treeprocessors.register(_step(Treeprocessor, md, page.finish), "fathom_finish", _AFTER_ALL)
        md.postprocessors.register(_step(Postprocessor, md, page.check), "fathom_check", _AFTER_ALL)

    def _refuse(self, error: FathomError) -> None:
        if not self.tolerate(error):
            raise self.convert_error(error) from error

    def _claim(self, source: PageSource, page: _Page) -> bool:
        """Whether a conversion is the page's own: the first that asks. Other plugins convert other texts meanwhile."""
        if self._claimed is None or self._claimed[0] is not source:
            self._claimed = (source, page)
        return self._claimed[1] is page


def makeExtension(**options: Any) -> FathomExtension:  # noqa: N802 - Python-Markdown's name
    """The extension for a host that knows it by its name."""
    return FathomExtension(**options)


def _step(kind: type[Any], md: Markdown, run: Callable[[Any], Any]) -> Any:
    """A processor of one of Python-Markdown's kinds that does what a function does."""
    step = kind(md)
    step.run = run
    return step


def _zensical_file(md: Markdown, config: Config) -> Path | None:
    """The file of the page that Zensical converts; None in any other host."""
    try:
        from zensical.extensions.context import ContextPreprocessor

        file = config.docs / ContextPreprocessor.from_markdown(md).page.path
    except (ImportError, AttributeError, KeyError, ValueError):
        return None
    return file if file.is_file() else None


class _Page(Extension):
    """One conversion: Python-Markdown makes a new `Markdown` for each page, and this goes with it."""

    def __init__(
        self,
        md: Markdown,
        config: Config,
        source: Source | None,
        refuse: Callable[[FathomError], None],
        claim: Callable[[PageSource, _Page], bool],
    ) -> None:
        super().__init__()
        self.md = md
        self.settings = config
        self.source = source
        self.refuse = refuse
        self.claim = claim
        self.formulas = Formulas(md)
        self.forget()

    def forget(self) -> None:
        """Begin a new page."""
        self.chapter: Chapter | None = None
        self.runs: Mapping[str, Run] = {}
        self.troubles: Troubles = NONE
        self.panels = panels.Panels()
        self.formulas.forget()
        self.finished = False

    def reset(self) -> None:
        """Called when all extensions are registered: make sure that superfences is among them, and knows our fence.

        It is not done earlier, since an extension that is listed behind ours may replace what we found.
        """
        self.forget()
        fences = self._fences()
        if isinstance(fences, SuperFencesBlockPreprocessor):
            self.formulas.register(fences.extension)
        if self.source and self.source() is None:
            return  # a page that is no chapter has formulas, no more
        if not isinstance(fences, SuperFencesBlockPreprocessor):
            self.md.registerExtensions(["pymdownx.superfences"], {})
        known = self._fences().extension
        if not any(entry["name"] == render.FENCE for entry in known.superfences):
            known.extend_super_fences(render.FENCE, self.format_cell, self.validate_cell, lambda _md: None)

    def _fences(self) -> Any:
        names = self.md.preprocessors
        # A registry has no `get`.
        return names["fenced_code_block"] if "fenced_code_block" in names else None  # noqa: SIM401

    def begin(self, lines: list[str]) -> list[str]:
        """The page's text → Markdown that the rest of this module understands."""
        self.forget()
        try:
            self.chapter, self.runs = self._read("\n".join(lines))
        except FathomError as error:
            self.refuse(error)
        return render.markdown(self.chapter).split("\n") if self.chapter else lines

    def _read(self, text: str) -> tuple[Chapter | None, Mapping[str, Run]]:
        """The page's chapter, None where it is no chapter, and what its cells did."""
        if self.source:
            source = self.source()
            if source is None or not self.claim(source, self):
                return None, {}
            self.troubles = source.troubles or NONE
            return pages.read(text, source, self.settings)
        file = _zensical_file(self.md, self.settings)
        if file and not chapters.is_chapter(file, self.settings):
            return None, {}
        file = file or pages.find_file(text, self.settings)
        if file is None:
            return pages.read_alone(text, self.settings), {}
        stored = PageSource(file, lambda chapter: pages.find_stored(chapter, self.settings))
        return pages.read(text, stored, self.settings)

    def validate_cell(
        self, _language: str, inputs: Mapping[str, str], options: dict[str, str], _attrs: object, _md: Markdown
    ) -> bool:
        """Whether superfences gives the fence to us: only with the number of a cell of this page."""
        number = inputs.get("number", "")
        known = self.chapter is not None and number.isdecimal() and int(number) < len(self.chapter.cells)
        options["number"] = number
        # So that superfences has read its own settings by the time it highlights.
        self._fences().get_hl_settings()
        return known

    def format_cell(self, *, options: Mapping[str, str], **_others: object) -> str:
        """A cell's place → its HTML. The code is the chapter's own: what came through other extensions may differ."""
        assert self.chapter is not None  # noqa: S101 - the validator has seen it
        cell = self.chapter.cells[int(options["number"])]
        depths = [depth for depth in self.settings.depths if depth.name in self.runs]
        results = {depth.name: result for depth in depths if (result := self._result(cell, depth.name))}
        troubles = self.troubles.get(cell.number, {})
        code = self._highlighted(cell)
        return cells.html(cell, code, results, self.settings.depths, self.settings.start_depth, troubles=troubles)

    def _result(self, cell: Cell, depth: str) -> Any:
        return next((result for result in self.runs[depth].results if result.number == cell.number), None)

    def _highlighted(self, cell: Cell) -> str:
        """The code through the site's own highlighter, with its title, line numbers and button."""
        fences = self._fences()
        options: dict[str, str] = {}
        inputs = {name: value for name, value in cell.display.items() if name != "class"}
        # `parse` has checked them; what is left over is for a highlighter that the site has switched off.
        highlight_validator("python", inputs, options, {}, self.md)
        fences.line_count = cell.source.count("\n")
        html: str = fences.highlight(
            src=ansi.visible(cell.source.rstrip("\n")),
            language="python",
            options=options,
            md=self.md,
            classes=cell.display.get("class", "").split(),
            id_value="",
            attrs={},
        )
        return html

    def set_formulas(self, root: ET.Element) -> None:
        """Make MathML of the formulas, or refuse the page."""
        self.formulas.put(root)
        if faults := self.formulas.faults:
            self.formulas.forget()
            self.refuse(FathomError(mathematics.problems(faults, self.chapter)))

    def name_headings(self, root: ET.Element) -> None:
        """Name the headings in tabs as soon as they have their text, then announce them where they are absent."""
        if not self.chapter or self.panels.lost(self.chapter):
            return
        steps = self.md.treeprocessors
        host: Any = steps["toc"] if "toc" in steps else None  # noqa: SIM401 - a registry has no `get`
        slugify, separator = (host.slugify, host.sep) if host else (toc.slugify, "-")
        naming = panels.Naming(self._text, lambda text: slugify(text, separator))
        panels.name_headings(root, naming)
        panels.write_teasers(self.panels, naming, lambda text: AtomicString(literal(text)))
        panels.take_over(root)
        switch.put(root, self.chapter, lambda text: AtomicString(literal(text)))

    def _text(self, heading: ET.Element) -> str:
        """A heading's text as `toc` reads it."""
        return unescape(toc.strip_tags(toc.render_inner_html(toc.remove_fnrefs(heading), self.md)))

    def finish(self, _root: ET.Element) -> None:
        """From here on postprocessors get the whole page; `toc` and others run them over single headings before."""
        self.finished = True

    def check(self, html: str) -> str:
        """Refuse a page on which a marker or a cell went missing, or stands twice."""
        if self.finished and self.chapter:
            self.finished = False
            problems = list(panels.problems(self.chapter, self.panels, html))
            if problems:
                self.refuse(FathomError(problems))
        return html
