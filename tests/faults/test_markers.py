"""Faults 1 to 21: what may be wrong with a chapter's text. Each is told, or makes no difference."""

from __future__ import annotations

import itertools
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from markdown import Markdown  # type: ignore[import-untyped, unused-ignore]  # its types are a package of their own

from mkdocs_fathom import config
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.markdown_extension import FathomExtension, PageSource
from mkdocs_fathom.model import CellResult, Chapter, Run, Span
from mkdocs_fathom.parsing import parse, paths
from mkdocs_fathom.rendering import render
from tests.conftest import Built

Build = Callable[..., Built]

OPEN, CLOSE = "<!-- DEEP -->", "<!-- /DEEP -->"
OPEN_SHALLOW, CLOSE_SHALLOW = "<!-- SHALLOW -->", "<!-- /SHALLOW -->"
EXTENSIONS = ("toc", "tables", "admonition", "pymdownx.superfences")
NOTHING_TO_CLOSE = f"`{CLOSE}` closes nothing\n  Add `{OPEN}` where that reading begins, or take this line out."
VOID = frozenset({"br", "hr", "img", "input", "meta", "link"})


def chapter(text: str | bytes, root: Path = Path("/nowhere")) -> parse.Parsed:
    """The chapter `a.md`."""
    site = config.build(root, root, {}, Span("mkdocs.yml", 1))
    return parse.parse(parse.decode(text, "a.md") if isinstance(text, bytes) else text, "a.md", site)


def said(text: str | bytes) -> list[str]:
    """What is wrong with a chapter, as it is printed, without its name."""
    try:
        return [str(problem).removeprefix("a.md:") for problem in chapter(text).problems]
    except FathomError as error:
        return [str(problem).removeprefix("a.md:") for problem in error.problems]


def ran(of: Chapter) -> dict[str, Run]:
    """Runs in which each cell printed its number."""
    results = {
        cell.number: CellResult(
            cell.number, ({"output_type": "stream", "name": "stdout", "text": f"cell {cell.number}\n"},), 0.0
        )
        for cell in of.cells
    }
    reading = paths.reading_paths(of)
    return {
        depth: Run(of.path, depth, tuple(results[cell.number] for cell in cells)) for depth, cells in reading.items()
    }


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str | bytes], str]:
    """A function that gives a chapter's HTML; its cells print their numbers."""
    file = tmp_path / "a.md"
    site = config.build(tmp_path, tmp_path, {}, Span("mkdocs.yml", 1))

    def convert(text: str | bytes) -> str:
        data = text.encode() if isinstance(text, str) else text
        file.write_bytes(data)
        ours = FathomExtension(site, lambda: PageSource(file, ran))
        html: str = Markdown(extensions=[*EXTENSIONS, ours]).convert(parse.decode(data, "a.md"))
        return html

    return convert


@dataclass(slots=True)
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str | None]
    inside: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self) -> Iterator[Element]:
        """All elements below it, in order."""
        for element in self.inside:
            yield element
            yield from element.all()

    def named(self, name: str) -> list[Element]:
        """The elements below it that are a tag, or have a class."""
        return [each for each in self.all() if name in (each.tag, *(each.attributes.get("class") or "").split())]

    def words(self) -> str:
        """All its text, in no exact order."""
        return " ".join([self.text, *(each.text for each in self.all())])


class Tree(HTMLParser):
    """The elements of a page; a tag that closes another element than the last one is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self.path = [self.root]
        self.feed(html)
        self.close()
        assert self.path == [self.root], f"never closed: {[each.tag for each in self.path[1:]]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.path[-1].inside.append(element)
        if tag not in VOID:
            self.path.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.path[-1].inside.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.path.pop().tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.path[-1].text += data


def tabs(html: str) -> list[dict[str, str]]:
    """The tab sets of a page: the text of each panel by its depth. Half a tab is a failure."""
    root = Tree(html).root
    assert f"{render.BLOCK} |" not in html
    assert not re.search(r"<!--\s*/?\s*(?:SHALLOW|DEEP)\s*-->", html)
    sets = [each for each in root.named("tabbed-set") if "data-fathom-tabs" in each.attributes]
    return [tab_set(each) for each in sets]


def tab_set(element: Element) -> dict[str, str]:
    """The panels of one set, each with its input and its label."""
    *inputs, labels, content = element.inside
    assert [each.tag for each in inputs] == ["input"] * len(inputs)
    assert [each.attributes["for"] for each in labels.inside] == [each.attributes["id"] for each in inputs]
    assert {each.attributes["class"] for each in content.inside} == {"tabbed-block"}
    rows = [
        [str(each.attributes["data-fathom-depth"]) for each in row] for row in (inputs, labels.inside, content.inside)
    ]
    assert rows == [["shallow", "deep"]] * 3
    return dict(zip(rows[0], (" ".join(each.words().split()) for each in content.inside), strict=True))


def refused(built: Built) -> list[str]:
    """What a build said that failed, and made no page."""
    assert built.code == 1
    assert not list(built.root.glob("site/**/index.html"))
    assert "Traceback" not in built.stdout + built.stderr
    return said_lines(built)


def said_lines(built: Built) -> list[str]:
    """What a build said of a chapter, without MkDocs' own words around it."""
    lines = (re.sub(r"^(?:ERROR|WARNING) +- +(?:fathom: )?", "", line) for line in built.stderr.splitlines())
    return [line for line in lines if line.startswith(("docs/", "  "))]


def test_01_unclosed_marker(build_site: Build) -> None:
    """The build fails, at the opening line, with and without `--strict -q`."""
    expected = [f"docs/index.md:3:1: `{OPEN}` is never closed", f"  Add `{CLOSE}` where that reading ends."]
    built = build_site("bad-marker", "mkdocs build")
    assert refused(built) == expected
    assert refused(build_site(built, "mkdocs build --strict -q")) == expected


def test_02_close_without_open() -> None:
    assert said(f"text\n\n{CLOSE}\n") == [f"3:1: {NOTHING_TO_CLOSE}"]


@pytest.mark.parametrize("outer", ["DEEP", "SHALLOW"])
def test_03_nested_depths(outer: str) -> None:
    """In itself or in the other: with both lines."""
    text = f"<!-- {outer} -->\na\n\n{OPEN}\nb\n{CLOSE}\n<!-- /{outer} -->\n"
    assert said(text) == [
        (
            f"4:1: `{OPEN}` stands inside the `<!-- {outer} -->` of line 1\n"
            f"  Close that one first with `<!-- /{outer} -->`: depths do not nest."
        )
    ]


def test_04_closed_by_another_depth() -> None:
    """With both lines."""
    assert said(f"{OPEN_SHALLOW}\na\n{CLOSE}\n") == [
        f"3:1: `{CLOSE}` closes the `{OPEN_SHALLOW}` of line 1\n  Write `{CLOSE_SHALLOW}`."
    ]


@pytest.mark.parametrize("fence", ["```", "~~~", "`````", "    ```"])
def test_05_marker_in_a_fence(page: Callable[[str], str], fence: str) -> None:
    """It is shown, and begins nothing."""
    indent = fence[: -len(fence.strip())]
    text = f"{fence}html\n{indent}{OPEN}\n{indent}x\n{fence}\n"
    text = f"- item\n\n{text}" if indent else text
    assert said(text) == []
    html = page(text)
    assert "&lt;!-- DEEP --&gt;" in html
    assert tabs(html) == []


@pytest.mark.parametrize("ticks", ["`", "``"])
def test_06_marker_in_inline_code(page: Callable[[str], str], ticks: str) -> None:
    """It is shown, and begins nothing."""
    text = f"Write {ticks}{OPEN}{ticks} before and {ticks}{CLOSE}{ticks} behind it.\n"
    assert said(text) == []
    html = page(text)
    assert html.count("<code>&lt;!--") == 2
    assert tabs(html) == []


def test_07_marker_and_fence_in_a_comment(build_site: Build) -> None:
    """Nothing of it becomes a tab, and its code does not run."""
    comment = '<!--\nDEEP\n\n```python\nraise SystemExit("ran")\n```\n\n/DEEP -->'
    text = f"# a\n\n{comment}\n\n<!-- later: DEEP, and what `/DEEP` ends -->\n\n```python\nprint('only', 'this')\n```\n"
    parsed = chapter(text)
    assert parsed.problems == ()
    assert [cell.span.line for cell in parsed.chapter.cells] == [14]
    built = build_site({"docs/index.md": text})
    assert (built.code, "only this" in built.page()) == (0, True)
    assert tabs(article(built.page())) == []


def test_07_a_comment_ends_with_its_first_arrow() -> None:
    """So a whole marker cannot be put into a comment: it is told, not taken half."""
    assert said(f"<!--\n{OPEN}\nx\n{CLOSE}\n-->\n") == [f"4:1: {NOTHING_TO_CLOSE}"]
    assert said(f"<!-- {OPEN} -->\n") == [f"1:1: `<!-- {OPEN}` is no marker\n  Did you mean `{OPEN}`?"]


def test_08_marker_in_raw_html() -> None:
    """Python-Markdown would leave it there, and show the region to everyone."""
    where = "stands in the raw HTML of `<div>` of line 1\n  Close `<div>` before the marker."
    assert said(f'<div class="x">\n\n{OPEN}\nx\n{CLOSE}\n\n</div>\n') == [
        f"3:1: `{OPEN}` {where}",
        f"5:1: `{CLOSE}` {where}",
    ]


@pytest.mark.parametrize(("bullet", "indent"), list(itertools.product(["-", "1."], ["    ", "\t"])))
def test_09_marker_in_a_list_item(page: Callable[[str], str], bullet: str, indent: str) -> None:
    """By 4 blanks or a tab, it is a tab set in the item."""
    text = "".join(f"{indent}{line}\n" for line in (OPEN_SHALLOW, "a", CLOSE_SHALLOW, OPEN, "b", CLOSE))
    text = f"{bullet} item\n\n{text}\n{bullet} next\n"
    assert said(text) == []
    html = page(text)
    assert tabs(html) == [{"shallow": "a", "deep": "b"}]
    items = Tree(html).root.named("li")
    assert [len(item.named("tabbed-set")) for item in items] == [1, 0]


@pytest.mark.parametrize(("bullet", "width"), list(itertools.product(["-", "1."], [2, 3])))
def test_09_marker_indented_by_less(bullet: str, width: int) -> None:
    """Python-Markdown would end the item there: both markers are told."""
    indent = " " * width
    hint = "Indent it and its region by 4 blanks for each list, admonition or tab around it, else not at all."
    assert said(f"{bullet} item\n\n{indent}{OPEN}\n{indent}x\n{indent}{CLOSE}\n") == [
        f"{line}:{width + 1}: `{marker}` is indented by {width} blanks\n  {hint}"
        for line, marker in ((3, OPEN), (5, CLOSE))
    ]


@pytest.mark.parametrize(
    ("text", "around"),
    [
        (f"!!! note\n    {OPEN_SHALLOW}\n    a\n    {CLOSE_SHALLOW}\n\n    {OPEN}\n    b\n    {CLOSE}\n", "admonition"),
        (f"> {OPEN_SHALLOW}\n> a\n> {CLOSE_SHALLOW}\n>\n> {OPEN}\n> b\n> {CLOSE}\n", "blockquote"),
    ],
)
def test_10_marker_in_an_admonition_or_quote(page: Callable[[str], str], text: str, around: str) -> None:
    """The tabs stand in it."""
    html = page(text)
    assert tabs(html) == [{"shallow": "a", "deep": "b"}]
    [container] = Tree(html).root.named(around)
    assert len(container.named("tabbed-block")) == 2


def test_11_crlf(build_site: Build) -> None:
    """The page is the same, byte for byte; so is one with the line endings of old."""
    text = f"---\ntitle: T\n---\n# a\n\n{OPEN}\n## b\n\n- c\n{CLOSE}\n\n```python\nprint('''x\ny''')\n```\n"
    unix = build_site({"docs/index.md": text})
    assert unix.code == 0
    expected = (unix.site / "index.html").read_bytes()
    assert b"x\ny" in expected
    for ending in ("\r\n", "\r"):
        unix.write("docs/index.md", text.replace("\n", ending))
        again = build_site(unix)
        assert (again.code, (again.site / "index.html").read_bytes()) == (0, expected)


def test_12_byte_order_mark(page: Callable[[str | bytes], str]) -> None:
    """It is no part of the first line: neither of the front matter's nor of a heading's nor of a marker's."""
    for text in ("---\ntitle: T\n---\n# a\n", "# a\n", f"{OPEN}\nx\n{CLOSE}\n"):
        assert said(b"\xef\xbb\xbf" + text.encode()) == []
        assert page(b"\xef\xbb\xbf" + text.encode()) == page(text)
    assert chapter(b"\xef\xbb\xbf---\ntitle: T\n---\n").chapter.meta == {"title": "T"}


def test_13_spelling_of_markers(page: Callable[[str], str]) -> None:
    """Blanks make no difference; a depth in lower case is told."""
    for opening, closing in (("<!--DEEP-->", "<!--/DEEP-->"), ("<!--   DEEP\t-->", "<!-- / DEEP -->")):
        assert said(f"{opening}\nx\n{closing}\n") == []
        assert page(f"{opening}\nx\n{closing}\n") == page(f"{OPEN}\nx\n{CLOSE}\n")
    assert said("<!--deep-->\nx\n<!-- /Deep -->\n") == [
        f"1:1: `<!--deep-->` is no marker\n  Did you mean `{OPEN}`?",
        f"3:1: `<!-- /Deep -->` is no marker\n  Did you mean `{CLOSE}`?",
    ]


def test_14_invalid_utf_8(build_site: Build) -> None:
    """With the offset of the byte, and its line and column."""
    built = build_site({"docs/index.md": ""}, "fathom check")
    assert built.code == 0
    (built.root / "docs/index.md").write_bytes(b"# a\r\n\r\ncaf\xc3\xa9 na\xefve\r\n")
    for command in ("mkdocs build -q", "fathom check"):
        again = build_site(built, command)
        assert refused(again) == [
            "docs/index.md:3:8: not UTF-8: byte 0xEF at offset 15",
            "  Save the file as UTF-8.",
        ]


def test_15_mojibake(build_site: Build) -> None:
    """It is said, with the repair, and fails a strict build; code is left alone."""
    built = build_site(
        {"docs/index.md": "# caf√© \uf8ffüé®\n\nnaÃ¯ve `naÃ¯ve`\n\n```python\nprint('naÃ¯ve')\n```\n"}, "mkdocs build"
    )
    expected = [
        "docs/index.md:1:3: warning: the text `caf√©` was decoded wrongly",
        "  Write `café`.",
        "docs/index.md:1:9: warning: the text `\uf8ffüé®` was decoded wrongly",
        "  Write `🎨`.",
        "docs/index.md:3:1: warning: the text `naÃ¯ve` was decoded wrongly",
        "  Write `naïve`.",
    ]
    assert (built.code, said_lines(built)) == (0, expected)
    assert refused(build_site(built, "mkdocs build --strict -q --clean")) == expected


def test_15_what_a_rule_finds_stops_no_build(build_site: Build) -> None:
    """It is told, in a strict build too."""
    built = build_site({"docs/index.md": "# A\n\n![](a.png)\n", "docs/a.png": ""}, "mkdocs build")
    found = "docs/index.md:3:1: warning: an image without a text alternative"
    assert built.code == 0
    assert f"WARNING -  fathom: {found}\n" in built.stderr
    built = build_site(built, "mkdocs build --strict --clean")
    assert built.code == 0
    assert f"INFO    -  fathom: {found}\n" in built.stderr


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u00a0", "U+00A0 NO-BREAK SPACE"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u202f", "U+202F NARROW NO-BREAK SPACE"),
        ("\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
    ],
)
def test_15_invisible_characters_in_a_marker(character: str, name: str) -> None:
    """The code point is named."""
    assert said(f"<!--{character}DEEP -->\nx\n<!-- /DEEP{character}-->\n") == [
        f"1:1: {name} in a marker\n  Write `{OPEN}` with plain blanks.",
        f"3:1: {name} in a marker\n  Write `{CLOSE}` with plain blanks.",
    ]


def test_16_unclosed_fence() -> None:
    """At its opening line; a shorter fence or another kind does not close it, nor does the end of a quote."""
    assert said("# a\n\n````python\n1\n```\n~~~~\n") == [
        "3:1: the fence `` ````python `` is never closed\n  Add a line `` ```` `` behind its last line."
    ]
    assert said("> ```python\n> 1\n\ntext\n") == [
        (
            "1:3: the fence `` ```python `` is never closed: line 3 stands outside its quote or list item\n"
            "  Add a line `` > ``` `` before line 3."
        )
    ]
    # What the fence swallows is not reported as well.
    assert said(f"{OPEN}\nx\n{CLOSE}\n```\n{OPEN}\n") == [
        "4:1: the fence `` ``` `` is never closed\n  Add a line `` ``` `` behind its last line."
    ]


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ("Python", "4: unknown language spelling `Python`\n  Write `python`."),
        ("pyhton", "4: unknown language spelling `pyhton`\n  Write `python`."),
        ("{python}", "5: unknown language spelling `{python}`\n  Write `python`, or `{.python}`."),
        ('python titel="x"', "11: unknown option `titel`\n  Did you mean `title`?"),
        (
            "python xyz",
            (
                "11: unknown option `xyz`\n  Known options: exec, reason, hide, setup, raises, timeout, network, id, "
                "alt, title, title_mode, hl_lines, linenums."
            ),
        ),
        (
            'python hide="al"',
            '11: option `hide="al"` of a cell is not valid\n  Allowed: `code`, `output` or `all`.',
        ),
    ],
)
def test_17_unknown_option_or_language(info: str, message: str) -> None:
    """With the nearest name that is known."""
    assert said(f"```{info}\n1\n```\n") == [f"1:{message}"]


def test_18_a_fence_that_shows_a_fence(page: Callable[[str], str]) -> None:
    """The inner one is text: it does not run, and a marker or a mistake in it is none."""
    text = f'````markdown\n```python titel="x"\n1 / 0\n```\n{OPEN}\n````\n\n```python\n1\n```\n'
    parsed = chapter(text)
    assert parsed.problems == ()
    assert [cell.source for cell in parsed.chapter.cells] == ["1\n"]
    html = page(text)
    assert html.count("data-fathom-cell") == 1
    assert 'titel="x"' in html
    assert tabs(html) == []


def test_19_stable_ids(page: Callable[[str], str]) -> None:
    """The same heading in both depths: unique ids, and one depth's stay when the other's headings change."""
    common = "# Top\n\n{}\n{}\n\n## Next\n"
    deep = f"{OPEN}\n## Same\n\n## Same\n\n### Own\n{CLOSE}"
    before, after, without = (
        headings(page(common.format(shallow, deep)))
        for shallow in (
            f"{OPEN_SHALLOW}\n## Same\n{CLOSE_SHALLOW}",
            f"{OPEN_SHALLOW}\n## New\n\n## Same\n\n## Own\n\n## Same\n{CLOSE_SHALLOW}",
            "",
        )
    )
    assert before == ["top", "same--shallow", "same--deep", "same--deep_1", "own--deep", "next"]
    assert after[5:] == before[2:]
    assert after[1:5] == ["new--shallow", "same--shallow", "own--shallow", "same--shallow_1"]
    assert without == ["top", *before[2:]]


def headings(html: str) -> list[str]:
    """The ids of a page's headings; no id is given twice."""
    elements = list(Tree(html).root.all())
    ids = [each.attributes["id"] for each in elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    return [str(each.attributes["id"]) for each in elements if re.fullmatch("h[1-6]", each.tag)]


@pytest.mark.parametrize("inside", ["", "\n", " \n\t\n", "<!-- to do -->\n"])
def test_20_empty_region(inside: str) -> None:
    """Nothing, blanks or a comment: a reader would see an empty tab."""
    assert said(f"{OPEN}\n{inside}{CLOSE}\n") == [
        f"1:1: the region of `{OPEN}` is empty\n  Write what a reader at DEEP sees, or take both markers out."
    ]


def markers(count: int) -> str:
    """A chapter with this many markers, so half as many regions, half of them in pairs."""
    pair = f"{OPEN_SHALLOW}\n\n## A\n\n{CLOSE_SHALLOW}\n{OPEN}\n\n- b\n\n{CLOSE}\n\ntext\n\n"
    alone = f"{OPEN}\n\n> c\n\n{CLOSE}\n\ntext\n\n{OPEN_SHALLOW}\n\nd\n\n{CLOSE_SHALLOW}\n\n```text\n\n```\n\n"
    return (pair + alone) * (count // 8)


def steps(action: Callable[[str], object], text: str) -> int:
    """How many lines of Python an action runs on a text; each round of a loop counts, one within a line too."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action(text)
    finally:
        sys.settrace(before)
    return count


def test_21_steps_grow_with_the_markers(page: Callable[[str], str]) -> None:
    """As many more for the third hundred as for the second: of a square, each hundred takes more than the one before.

    A count in Python's own lines, from the file to the page's HTML, through Python-Markdown and pymdownx.
    """
    page(markers(8))  # what is done only once
    for action, size in ((chapter, 400), (page, 96)):
        first, second, third = (steps(action, markers(size * factor)) for factor in (1, 2, 3))
        assert third - second == pytest.approx(second - first, rel=0.02)


def test_21_ten_thousand_markers() -> None:
    """They are parsed and rendered, each at its place."""
    text = markers(10_000)
    with a_minute_of_work():
        found = chapter(text).checked()
        rendered = render.markdown(found)
    assert (len(found.regions), len(found.tab_sets)) == (5_000, 3_750)
    assert rendered.count(f"{render.BLOCK} |") == 2 * 3_750


@pytest.mark.parametrize(
    "piece",
    [
        "word ",
        "`",
        "`` ` ",
        "<",
        "<!",
        "<!--",
        "<!-- a comment that is no marker -->",
        "-->",
        "<div ",
        "> ",
        "- ",
        "#",
        "*",
        "{",
        "/",
        "8<-",
        "Ã¯",
        "√",
        "\t",
        "\\",
    ],
)
def test_21_a_line_of_a_megabyte(piece: str) -> None:
    """Whatever it holds, it is read and rendered; a regular expression whose time is its square would take hours."""
    line = piece * (2**20 // len(piece))
    with a_minute_of_work():
        parsed = chapter(f"# a\n\n{line}\n\n{OPEN}\n{line}\n{CLOSE}\n\n```python {line[: 2**16]}\n1\n```\n")
        assert len(render.markdown(parsed.chapter)) > len(line)


def test_21_a_page_with_a_line_of_a_megabyte(page: Callable[[str], str]) -> None:
    """It gets through to the page."""
    line = "word " * (2**20 // 5)
    with a_minute_of_work():
        html = page(f"{OPEN}\n{line}\n{CLOSE}\n")
    assert tabs(html)[0]["deep"] == line.strip()


@contextmanager
def a_minute_of_work() -> Iterator[None]:
    """Fail instead of hanging: what is tested takes about a second."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        pytest.fail("it is not done after a minute of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 60)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def article(html: str) -> str:
    """What the author wrote of a page."""
    return html[html.index("<article") : html.index("</article>") + len("</article>")]
