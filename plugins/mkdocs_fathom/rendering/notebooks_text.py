"""A chapter at one depth → CommonMark and cells, in order: what only the site's Markdown knows, as Jupyter can show it.

Jupyter reads CommonMark with tables, as GitHub does: a list may follow a line of text there. Admonitions, folded
questions, tabs, attribute lists and footnotes are said in its words; formulas between dollar signs stay. A cell is a
cell wherever it stands, so the list, quote or admonition around it ends before it and goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from ..model import Cell, Chapter
from ..parsing.containers import prefix_of
from ..parsing.formulas import EDGE, FORMULA
from ..parsing.inline import read_inline
from .mathematics import LANGUAGE

Link = Callable[[str], str]
"""What a link's target is called in the notebook."""

_HEADER = re.compile(r'(?P<kind>!!!|\?\?\?\+?|===[!+]*) ?(?P<words>[\w-][\w -]*)?(?: ?["\'](?P<title>.*)["\'])?[ \t]*$')
_LEFT_ALONE = re.compile(rf"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|{FORMULA.pattern}")
_LANGUAGE = re.compile(r"^(`+)#!\w+ ")
_ATTRIBUTE = r"(?:[.#][\w:-]+|[\w:-]+=(?:\"[^\"]*\"|'[^']*'|[^\s}\"']+))"
_ATTRIBUTES = re.compile(rf"(?:(?<=[)\]*_`])|(?<=[ \t])|^)\{{:?[ \t]*{_ATTRIBUTE}(?:[ \t]+{_ATTRIBUTE})*[ \t]*\}}")
_TARGETS = re.compile(r"""(\]\([ \t]*<?|^[ \t>]*\[[^\]^][^\]]*\]:[ \t]*<?|\b(?:src|href)=["'])([^)\s>"']+)""")
_NOTE = re.compile(r"(?P<start>^[ \t>]*)?\[\^(?P<name>[^\]\s]+)\](?P<colon>:?)")
_WIDE = re.compile(r"`{3,}|~{3,}")


@dataclass(frozen=True, slots=True)
class Folded:
    """A cell in a folded block: its answer is not to be seen at once."""

    cell: Cell
    """The cell."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A line of the path, or one of its cells."""

    text: str
    """The line; of a cell, its prefix."""
    code: bool = False
    """Whether the line is a fence's, to be left as it is."""
    cell: Cell | None = None
    """The cell."""
    folded: bool = False
    """Whether the cell stands in a folded block."""

    @property
    def blank(self) -> bool:
        """Whether it holds nothing."""
        return not self.cell and not self.text.strip()

    @property
    def indent(self) -> int:
        """How far it is indented."""
        wide = self.text.expandtabs(4)
        return len(wide) - len(wide.lstrip(" "))

    def moved(self, columns: int) -> _Item:
        """It, so many columns further left, as far as there are blanks."""
        wide = self.text.expandtabs(4) if "\t" in self.text[: columns + 1] else self.text
        return replace(self, text=wide[min(columns, self.indent) :])


def pieces(chapter: Chapter, depth: str, link: Link) -> Iterator[str | Cell | Folded]:
    """What a reader of one depth meets, in order: Markdown, and the cells that run."""
    lines: list[_Item] = []
    for item in (*_block(list(_items(chapter, depth)), link), None):
        if item is not None and item.cell is None:
            lines.append(item)
            continue
        if text := _chunk(lines):
            yield text
        lines = []
        if item is not None and item.cell is not None:
            yield Folded(item.cell) if item.folded else item.cell


def _items(chapter: Chapter, depth: str) -> Iterator[_Item]:
    """The lines and cells of one depth, markers and directives left out."""
    others = {region.first: region.last for region in chapter.regions if region.depth != depth}
    markers = {index for region in chapter.regions for index in (region.first, region.last)}
    cells = {cell.first: cell for cell in chapter.cells}
    fences = {fence.first: fence for fence in chapter.others}
    declared = {cell.expected.span for cell in chapter.cells if cell.expected}
    formula = False  # whether one of several lines has begun
    index = chapter.body
    while index < len(chapter.lines):
        line = chapter.lines[index].text
        if index in markers:
            # A region is a block of its own: no text runs on from outside into it.
            yield _Item(re.sub(r"[^>]+$", "", prefix_of(line)))
            index = others.get(index, index)
        elif index in cells:
            yield from _cell(cells[index])
            index = cells[index].last
        elif index in fences:
            fence = fences[index]
            if fence.span not in declared:
                yield from _fence([each.text for each in chapter.lines[index : fence.last + 1]], fence.language)
            index = fence.last
        elif not _is_comment(line):
            content = line.strip(" \t>")
            yield _Item(line, code=formula or content.startswith(EDGE))
            formula = EDGE not in content and bool(content) if formula else _begins(content)
        index += 1


def _cell(cell: Cell) -> Iterator[_Item]:
    """A cell that runs; or the code of one that does not, and why."""
    prefix = re.sub(r"[^ \t>]", " ", cell.prefix)
    if cell.runs:
        yield _Item(prefix, cell=cell)
        return
    longest = max((len(run) for run in re.findall("`{3,}", cell.source)), default=2)
    fence = "`" * (longest + 1)
    lines = (f"{fence}python", *cell.source.removesuffix("\n").split("\n"), fence)
    yield from (_Item(f"{prefix}{text}", code=True) for text in lines)
    yield from (_Item(prefix.rstrip()), _Item(f"{prefix}*Not run: {cell.options.reason}*"), _Item(prefix.rstrip()))


def _begins(content: str) -> bool:
    """Whether a line begins a formula that further lines end."""
    return content.startswith(EDGE) and EDGE not in content[len(EDGE) :]


def _fence(lines: Sequence[str], language: str) -> Iterator[_Item]:
    """A fence that is no cell, as Jupyter knows it: that of a formula, which it does not, by dollar signs."""
    if language == LANGUAGE:
        first, last = (_WIDE.sub(EDGE, line, count=1).partition(EDGE)[0] + EDGE for line in (lines[0], lines[-1]))
        lines = (first, *lines[1:-1], last)
    else:
        lines = (_opening(lines[0], language), *lines[1:])
    yield from (_Item(line, code=True) for line in lines)


def _opening(line: str, language: str) -> str:
    """The first line of a fence with its language, and no options that only the site knows."""
    run = _WIDE.search(line)
    return f"{line[: run.end()]}{language}" if run else line


def _is_comment(line: str) -> bool:
    """Whether a line is nothing but comments, which were directives or notes for authors."""
    inline = read_inline(line)
    return bool(inline.comments) and inline.unclosed is None and not inline.text.strip(" \t>")


def _block(items: Sequence[_Item], link: Link) -> Iterator[_Item]:
    """The items with every container said in CommonMark's words."""
    index = 0
    while index < len(items):
        item = items[index]
        header = None if item.code or item.cell else _HEADER.match(item.text.strip())
        index += 1
        if header is None or not _opens(header):
            yield item if item.code or item.cell else replace(item, text=_inline(item.text, link))
            continue
        end = index
        while end < len(items) and (items[end].blank or items[end].indent >= item.indent + 4):
            end += 1
        while end > index and items[end - 1].blank:
            end -= 1
        inside = list(_block([each.moved(item.indent + 4) for each in items[index:end]], link))
        yield from (replace(each, text=" " * item.indent + each.text) for each in _contained(header, inside, link))
        index = end


def _opens(header: re.Match[str]) -> bool:
    """Whether a line opens a container: a tab has a title, the others a type."""
    if header["kind"].startswith("="):
        return header["title"] is not None and not header["words"]
    return bool(header["words"])


def _contained(header: re.Match[str], inside: list[_Item], link: Link) -> Iterator[_Item]:
    """A container of the site's Markdown as Jupyter can show it."""
    kind, words = header["kind"], (header["words"] or "").split()
    given = header["title"]
    title = given if given is not None else words[0].capitalize() if words else ""
    heading = [_Item(f"**{_inline(title, link)}**")] if title else []
    blank = _Item("")
    yield blank
    if kind == "!!!":
        for each in (*heading, *([blank] if heading else []), *inside):
            yield each if each.cell else replace(each, text=f"> {each.text}".rstrip())
    elif kind.startswith("???") and not any(each.cell for each in inside):
        opened = " open" if kind.endswith("+") else ""
        yield _Item(f"<details{opened}><summary>{_html(title)}</summary>", code=True)
        yield from (blank, *inside, blank, _Item("</details>", code=True))
    else:
        folded = kind == "???"
        yield from (*heading, blank, *(replace(each, folded=each.folded or folded) for each in inside))
    yield blank


def _html(title: str) -> str:
    """A title as HTML, in which Markdown is not read."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(title, quote=False))


def _inline(line: str, link: Link) -> str:
    """A line without what Jupyter would print as it stands; code spans and formulas are left alone."""
    if re.match(r"[ \t>]*#{1,6}[ \t]", line):
        line = re.sub(r"[ \t]+\{:?[ \t]*[^{}`$]*\}[ \t]*$", "", line)
    parts, at = [], 0
    for span in _LEFT_ALONE.finditer(line):
        parts += [_words(line[at : span.start()], link), _LANGUAGE.sub(r"\1", span[0])]
        at = span.end()
    return "".join([*parts, _words(line[at:], link)])


def _words(text: str, link: Link) -> str:
    text = _NOTE.sub(_note, _ATTRIBUTES.sub("", text))
    return _TARGETS.sub(lambda match: match[1] + link(match[2]), text)


def _note(match: re.Match[str]) -> str:
    """A footnote's sign, or the note itself, which begins with its sign."""
    sign = f"<sup>{escape(match['name'])}</sup>"
    return f"{sign}{match['colon']}" if match["start"] is None else f"{match['start']}{sign}"


def _chunk(items: list[_Item]) -> str:
    """The text of a Markdown cell: what went on from a container before it begins at the left edge."""
    while items and not items[0].text.strip(" \t>"):
        del items[0]
    while items and not items[-1].text.strip(" \t>"):
        items.pop()
    lead = items[0].indent if items else 0
    lines: list[str] = []
    for item in items:
        lead = lead if item.blank or item.indent >= lead else 0
        text = item.moved(lead).text
        if item.code or not item.blank or (lines and lines[-1]):
            lines.append(text if item.code or text.strip() else "")
    return "\n".join(lines)
