r"""Part of the Markdown extension: what `pymdownx.arithmatex` marks as a formula, and fences of `math`, become MathML.

Only under its option `generic`: without it, arithmatex marks formulas for MathJax, and a site that wants that keeps it.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html import escape, unescape
from typing import Any

from markdown import Markdown
from markdown.util import AtomicString

from .rendering.mathematics import LANGUAGE, MARK, FormulaError, mathml

_ESCAPED = re.compile(r"&(?:amp|lt|gt|quot);")


class Formulas:
    """The formulas of one page."""

    def __init__(self, md: Markdown) -> None:
        self.md = md
        self.faults: dict[str, FormulaError] = {}
        """Why a formula cannot be set, by its source."""

    def forget(self) -> None:
        """Begin a new page."""
        self.faults = {}

    def register(self, fences: Any) -> None:
        """Take over fences of `math`, where the site has formulas at all."""
        if self._wraps():
            # superfences asks the first entry that fits.
            fences.superfences[:] = [entry for entry in fences.superfences if entry["name"] != LANGUAGE]
            fences.extend_super_fences(LANGUAGE, self.format_fence, lambda *_: True, lambda _md: None)

    def format_fence(self, *, src: str, **_others: object) -> str:
        """A fence as a formula that stands by itself."""
        return f'<div class="{MARK}">{self._html(src, display=True)}</div>'

    def put(self, root: ET.Element) -> None:
        """Set all formulas that the page's text holds."""
        wraps = self._wraps()
        for element in root.iter() if wraps else ():
            text = element.text or ""
            if element.get("class") != MARK or len(element):
                continue
            for start, end, display in wraps:
                if text.startswith(start) and text.endswith(end):
                    # Newer versions of arithmatex escape a block, older ones do not.
                    given = _ESCAPED.sub(lambda match: unescape(match[0]), text) if display else text
                    html = self._html(given[len(start) : len(given) - len(end)], display=display)
                    element.text = AtomicString(self.md.htmlStash.store(html))
                    break

    def _html(self, source: str, *, display: bool) -> str:
        try:
            return mathml(source, display=display)
        except FormulaError as error:
            self.faults[source] = error
            return f"<code>{escape(source)}</code>"

    def _wraps(self) -> list[tuple[str, str, bool]]:
        """What arithmatex puts before and behind a formula, and whether one so marked stands by itself."""
        inline, block = self.md.inlinePatterns, self.md.parser.blockprocessors
        found: list[tuple[Any, bool]] = []
        if "arithmatex-inline" in inline:
            found.append((inline["arithmatex-inline"], False))
        if "arithmatex-block" in block:
            found.append((block["arithmatex-block"], True))
        halves = [(each.wrap.format("\n").split("\n"), display) for each, display in found if each.generic]
        return [(start, end, display) for (start, end), display in halves]
