"""The Markdown extension: a chapter and its runs as a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from markdown import Markdown
from pymdownx.arithmatex import ArithmatexExtension

from mkdocs_fathom import config
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.markdown_extension import FathomExtension, PageSource, makeExtension
from mkdocs_fathom.model import CellResult, Chapter, Run, Span
from mkdocs_fathom.parsing import paths

HOST = ("toc", "tables", "fenced_code")
SEED = Path(__file__).parents[1] / "sites" / "seed" / "docs" / "chapter-06.md"
BOTH = "<!-- SHALLOW -->\n{}\n<!-- /SHALLOW -->\n<!-- DEEP -->\n{}\n<!-- /DEEP -->\n"
CELL = "```python{}\nprint(1)\n```\n"


def ran(chapter: Chapter, **texts: str) -> dict[str, Run]:
    """Runs in which each cell printed its number, or what is given for its depth."""
    return {
        depth: Run(chapter.path, depth, tuple(printed(cell.number, texts.get(depth)) for cell in cells))
        for depth, cells in paths.reading_paths(chapter).items()
    }


def printed(number: int, text: str | None) -> CellResult:
    """A cell that printed a line."""
    output = {"output_type": "stream", "name": "stdout", "text": f"{text or number}\n"}
    return CellResult(number, (output,), 0.0)


@dataclass(frozen=True)
class Site:
    """A folder with one page."""

    root: Path

    def convert(
        self,
        text: str,
        runs: Callable[[Chapter], Mapping[str, Run]] = ran,
        *,
        extensions: tuple[Any, ...] = HOST,
        received: str | None = None,
        last: bool = True,
        **options: Any,
    ) -> str:
        """The page as HTML; `last` tells whether our extension stands behind the others."""
        file = self.root / "page.md"
        file.write_text(text, encoding="utf-8", newline="")
        site = config.build(self.root, self.root, options, Span("mkdocs.yml", 1))
        ours = FathomExtension(site, lambda: PageSource(file, runs))
        md = Markdown(extensions=[*extensions, ours] if last else [ours, *extensions])
        html: str = md.convert(text if received is None else received)
        return html


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty site."""
    return Site(tmp_path)


def ids(html: str) -> list[str]:
    """All ids of a page, in order."""
    return re.findall(r' id="([^"]*)"', html)


def test_seed_chapter(site: Site) -> None:
    """Two tab sets, four panels, one cell; every list is a list; the lonely region is announced."""
    text = SEED.read_text(encoding="utf-8")
    html = site.convert(text)
    assert html.count("data-fathom-tabs") == 2
    assert html.count('<div class="tabbed-block" data-fathom-depth=') == 4
    assert html.count("data-fathom-cell=") == text.count("```python")
    assert (html.count("<ol>"), html.count("<ul>"), html.count("<li>")) == (2, 3, 16)
    assert not re.search(r"<p>(?:[^<]*\n)?(?:- |\d\. )", html)
    assert (
        '<p class="fathom-teaser" data-search-exclude="">This part is for the <a href="#__fathom_2_deep">Deep</a> '
        'reading: <a href="#freezing-strategies--deep">Freezing Strategies</a>, '
        '<a href="#training-details--deep">Training Details</a>, <a href="#common-pitfalls--deep">Common Pitfalls</a>.'
        "</p>" in html
    )
    assert "style=" not in html
    assert site.convert(text) == html


def test_tabs_are_those_of_material(site: Site) -> None:
    """Material's structure, our marks, names that no other tabs on the page have."""
    html = site.convert("/// tab | Mine\nx\n///\n\n" + BOTH.format("a", "b"), extensions=(*HOST, "pymdownx.blocks.tab"))
    assert (
        '<div class="tabbed-set tabbed-alternate" data-fathom-tabs="">'
        '<input checked="checked" data-fathom-depth="shallow" id="__fathom_1_shallow" name="__fathom_1" type="radio" />'
        '<input data-fathom-depth="deep" id="__fathom_1_deep" name="__fathom_1" type="radio" />'
        '<div class="tabbed-labels"><label data-fathom-depth="shallow" data-search-exclude="" '
        'for="__fathom_1_shallow">Shallow</label>'
        '<label data-fathom-depth="deep" data-search-exclude="" for="__fathom_1_deep">Deep</label></div>\n'
        '<div class="tabbed-content">\n'
        '<div class="tabbed-block" data-fathom-depth="shallow" data-fathom-label="Shallow">\n<p>a</p>\n</div>\n'
        '<div class="tabbed-block" data-fathom-depth="deep" data-fathom-label="Deep">\n<p>b</p>\n</div>\n</div>\n</div>'
        in html
    )
    assert html.count("__tabbed_1") > 0


def test_the_default_depth_is_chosen(site: Site) -> None:
    """Wherever it stands."""
    html = site.convert(BOTH.format("a", "b"), default_depth="DEEP")
    assert re.findall('checked="checked" data-fathom-depth="([a-z]+)"', html) == ["deep"]


def test_a_label_is_text(site: Site) -> None:
    """No markup, no script, no entity in it comes to life."""
    label = "<script>*a* &lt; &amp; `b` [c](d)"
    html = site.convert(BOTH.format("a", "b"), depths=[{"name": "SHALLOW", "label": label}, "DEEP"])
    assert ">&lt;script&gt;*a* &amp;lt; &amp;amp; `b` [c](d)</label>" in html


def test_headings_are_named_by_their_depth(site: Site) -> None:
    """An id changes with its own depth only; authors' ids and shared headings stay as they are."""
    shallow = "## Same\n## Own {#own}\n## Same"
    one = site.convert(
        "# Same\n\n" + BOTH.format(shallow, "## Same\n## <b>R&D</b> `x`"), extensions=(*HOST, "attr_list")
    )
    named = [name for name in ids(one) if not name.startswith("__")]
    assert named == ["same", "same--shallow", "own", "same--shallow_1", "same--deep", "rd-x--deep"]
    other = site.convert("# Same\n\n" + BOTH.format("## New\n" + shallow, "## Same"), extensions=(*HOST, "attr_list"))
    assert "same--deep" in ids(other)
    assert "same--deep_1" not in ids(other)


def test_a_contents_list_finds_them(site: Site) -> None:
    """`[TOC]` links to the ids that the headings have."""
    html = site.convert("[TOC]\n\n" + BOTH.format("## A", "## B"))
    assert re.findall('<a href="#(.*?)">', html) == ["a--shallow", "b--deep"]
    assert [name for name in ids(html) if not name.startswith("__")] == ["a--shallow", "b--deep"]


@pytest.mark.parametrize(
    ("region", "teaser"),
    [
        ("text", 'This part is for the <a href="#__fathom_1_deep">Deep</a> reading.'),
        (
            "## A *b* `c` & <d> [e](f)\n### Below",
            (
                'This part is for the <a href="#__fathom_1_deep">Deep</a> reading: '
                '<a href="#a-b-c-d-e--deep">A b c &amp; &lt;d&gt; e</a>.'
            ),
        ),
    ],
)
def test_an_absent_depth_says_what_waits(site: Site, region: str, teaser: str) -> None:
    """No tab is empty; the names of headings are text."""
    region = region.replace("<d>", "&lt;d&gt;")
    html = site.convert(f"<!-- DEEP -->\n{region}\n<!-- /DEEP -->")
    assert f'<p class="fathom-teaser" data-search-exclude="">{teaser}</p>' in html


CONTAINERS = {
    "page": ("{}", ""),
    "list": ("1. item\n\n{}\n2. next\n", "    "),
    "quote": ("> text\n{}\n", "> "),
    "admonition": ("!!! note\n{}\n", "    "),
    "content tab": ('=== "Tab"\n{}\n', "    "),
    "list in a quote": ("> - item\n>\n{}\n", ">     "),
}


@pytest.mark.parametrize(("around", "prefix"), CONTAINERS.values(), ids=CONTAINERS)
def test_tabs_and_cells_stand_in_containers(site: Site, around: str, prefix: str) -> None:
    """In lists, quotes, admonitions and tabs: one element each, in the container, and nothing left of the markers."""
    inside = BOTH.format("a\n- b", CELL.format("") + "c") + CELL.format(' hide="code"')
    text = around.format("".join(prefix + line for line in inside.splitlines(keepends=True)))
    html = site.convert(text, extensions=(*HOST, "admonition", "pymdownx.tabbed"))
    assert html.count('<div class="tabbed-block" data-fathom-depth=') == 2
    assert html.count("data-fathom-cell=") == 2
    assert "<p><div" not in html
    assert "fathom-depth |" not in html
    assert html.count("<li>b</li>") == 1
    assert html.rstrip().endswith(("</li>\n</ol>", "</div>", "</blockquote>"))


def test_a_fence_beside_a_bullet_is_in_its_item(site: Site) -> None:
    """As on GitHub."""
    html = site.convert("- ```python\n  print(1)\n  ```\n- next\n")
    assert html.startswith('<ul>\n<li>\n<div class="fathom-cell" data-fathom-cell="0">')
    assert html.endswith("</div>\n</li>\n<li>\n<p>next</p>\n</li>\n</ul>")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", ["<code", "fathom-stdout"]),
        (' hide="code"', ["fathom-stdout"]),
        (' hide="output"', ["<code"]),
        (' hide="all"', [" hidden"]),
        (
            " setup",
            [
                '<details class="fathom-setup"><summary>Code</summary>',
                "<code",
                '</details>\n<div class="fathom-outputs">\n',
                "fathom-stdout",
            ],
        ),
        (' setup hide="output"', ['<details class="fathom-setup"><summary>Setup</summary>', "<code"]),
        (' exec="false" reason="needs <a> GPU"', ["<code", "Not run: needs &lt;a&gt; GPU"]),
        (' id="loss"', ['id="loss"', "<code", "fathom-stdout"]),
        (
            ' title="a.py" hl_lines="1" linenums="1"',
            ["linenos", 'class="filename">a.py', "hll", "<code", "fathom-stdout"],
        ),
    ],
)
def test_options_choose_what_is_shown(site: Site, options: str, expected: list[str]) -> None:
    """Code, outputs, both folded, or neither; the site's highlighter gets its own."""
    html = site.convert(CELL.format(options))
    things = ["<details", "linenos", "filename", "hll", "<code", "fathom-stdout", " hidden", "Not run", 'id="loss"']
    found = [thing for thing in things if thing in html]
    assert found == [thing for thing in things if any(thing in wanted for wanted in expected)]
    assert [wanted for wanted in expected if wanted not in html] == []


def test_equal_outputs_are_shown_once(site: Site) -> None:
    """Where the paths agree, a reader meets no tabs."""
    html = site.convert(CELL.format(""))
    assert html.count("fathom-stdout") == 1
    assert "data-fathom-tabs" not in html


def test_each_path_has_its_own_output(site: Site) -> None:
    """Where they differ, the choice of depth chooses."""
    html = site.convert(CELL.format(""), lambda chapter: ran(chapter, SHALLOW="easy", DEEP="hard"))
    assert re.findall(r'<input [^>]*data-fathom-depth="(\w+)" id="(\w+)" name="(\w+)"', html) == [
        ("shallow", "__fathom_cell_0_shallow", "__fathom_cell_0"),
        ("deep", "__fathom_cell_0_deep", "__fathom_cell_0"),
    ]
    panels = re.findall(r'<div class="tabbed-block" data-fathom-depth="(\w+)"[^>]*>\n<pre [^>]*>(\w+)</pre>', html)
    assert panels == [("shallow", "easy"), ("deep", "hard")]


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(
    "extensions",
    [(), HOST, ("pymdownx.superfences",), ("pymdownx.highlight", "pymdownx.superfences", "pymdownx.blocks.tab")],
    ids=["none", "host", "superfences", "all"],
)
def test_any_order_of_extensions(site: Site, extensions: tuple[str, ...], *, last: bool) -> None:
    """What the author lists, and where, makes no difference; other fences stay superfences'."""
    text = BOTH.format("a", "b") + CELL.format("") + "\n```js\nlet a\n```\n"
    html = site.convert(text, extensions=extensions, last=last)
    assert html.count("data-fathom-cell=") == html.count("data-fathom-tabs=") == 1
    assert html.count("highlight") == 2


def test_crlf_and_front_matter(site: Site) -> None:
    """The host's text has neither; the page is the same."""
    body = "# T\n\n" + BOTH.format("a", CELL.format(""))
    text = f"---\ntitle: T\n---\n\n{body}"
    assert site.convert(text.replace("\n", "\r\n"), received=body) == site.convert(body)


def test_text_of_another_plugin_is_shown(site: Site) -> None:
    """A plugin that writes into the prose is heard; the code is the author's."""
    text = "Version {{ v }}.\n\n" + CELL.format("")
    html = site.convert(text, received=text.replace("{{ v }}", "3"))
    assert "<p>Version 3.</p>" in html
    assert html.count("fathom-stdout") == 1


def test_a_page_that_is_no_chapter_is_left_alone(tmp_path: Path) -> None:
    """Not even its markers are read."""
    site = config.build(tmp_path, tmp_path, {}, Span("mkdocs.yml", 1))
    md = Markdown(extensions=[FathomExtension(site, lambda: None)])
    assert md.convert("<!-- DEEP -->\ntext\n- a") == "<!-- DEEP -->\n<p>text\n- a</p>"


def test_alone_it_shows_what_stands_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a host that names the file: tabs and code, no outputs, options from both places."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("plugins: [{fathom: {default_depth: DEEP}}]", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    md = Markdown(extensions=[makeExtension(depths=["SHALLOW", {"name": "DEEP", "label": "Long"}])])
    html = md.convert(BOTH.format("a", CELL.format("")))
    assert ">Long</label>" in html
    assert re.findall('checked="checked" data-fathom-depth="([a-z]+)"', html) == ["deep"]
    assert 'data-fathom-cell="0"' in html
    assert "fathom-outputs" not in html


def test_a_page_can_be_converted_again(tmp_path: Path) -> None:
    """What one page leaves behind, the next does not see."""
    site = config.build(tmp_path, tmp_path, {}, Span("mkdocs.yml", 1))
    file = tmp_path / "page.md"
    file.write_text(BOTH.format("## a", "b"), encoding="utf-8")
    md = Markdown(extensions=[FathomExtension(site, lambda: PageSource(file, ran))])
    first = md.convert(file.read_text(encoding="utf-8"))
    assert md.reset().convert(file.read_text(encoding="utf-8")) == first


SWALLOWED = "Python-Markdown reads it as a part of what stands around it: raw HTML, or code by its indentation."
STALE = "Run `fathom run`, then build the page again."
KEEP = "Only what stands in the chapter's file is run. Keep the other plugin away from code, or from this page."


@pytest.mark.parametrize(
    ("text", "received", "runs", "message"),
    [
        (
            "a\n\n" + CELL.format(""),
            None,
            lambda _: {},
            (
                f"page.md:3:1: no result is stored for this cell on the `DEEP` path\n  {STALE}\n"
                f"page.md:3:1: no result is stored for this cell on the `SHALLOW` path\n  {STALE}"
            ),
        ),
        (
            CELL.format(""),
            "```python\nprint(2)\n```\n",
            ran,
            (
                "page.md:1:1: this cell is not the same in the text that another plugin or extension made of the page\n"
                f"  {KEEP}"
            ),
        ),
        (
            CELL.format(""),
            "gone",
            ran,
            (
                "page.md:1:1: this cell is missing in the text that another plugin or extension made of the page\n"
                f"  {KEEP}"
            ),
        ),
        (
            "---\na: 1\n---\ntext",
            "text\n\n" + CELL.format(""),
            ran,
            (
                "page.md:6:1: there is a cell more in the text that another plugin or extension made of the page\n"
                f"  {KEEP}"
            ),
        ),
    ],
    ids=["not run", "changed", "missing", "added"],
)
def test_errors(
    site: Site, text: str, received: str | None, runs: Callable[[Chapter], Mapping[str, Run]], message: str
) -> None:
    """What an author reads."""
    with pytest.raises(FathomError) as caught:
        site.convert(text, runs, received=received)
    assert str(caught.value) == message


def test_a_swallowed_marker_or_cell_stops_the_build(tmp_path: Path) -> None:
    """Another extension that takes lines away cannot make content vanish in silence."""
    site = config.build(tmp_path, tmp_path, {}, Span("mkdocs.yml", 1))
    file = tmp_path / "page.md"
    text = BOTH.format("a", CELL.format(""))
    file.write_text(text, encoding="utf-8")
    md = Markdown(extensions=[FathomExtension(site, lambda: PageSource(file, ran))])
    swallowed = re.compile("DEEP|wzxhzdk")
    swallowing: Any = md.preprocessors["html_block"]
    swallowing.run = lambda lines: [line for line in lines if not swallowed.search(line)]
    with pytest.raises(FathomError) as caught:
        md.convert(text)
    assert str(caught.value) == (
        f"page.md:4:1: this marker did not become a tab: `<!-- DEEP -->`\n  {SWALLOWED}\n"
        f"page.md:5:1: this cell stands on the page 0 times instead of once\n  {SWALLOWED}"
    )


def test_the_host_gets_its_own_error(tmp_path: Path) -> None:
    """A host may show only errors of its own kind."""
    site = config.build(tmp_path, tmp_path, {}, Span("mkdocs.yml", 1))
    file = tmp_path / "page.md"
    file.write_text("<!-- DEEP -->", encoding="utf-8")
    ours = FathomExtension(site, lambda: PageSource(file, ran), convert_error=lambda error: OSError(str(error)))
    with pytest.raises(OSError, match=r"page\.md:1:1"):
        Markdown(extensions=[ours]).convert("x")


def test_another_text_converted_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """Plugins convert docstrings and excerpts with the site's extensions, while a chapter is the current page."""
    site = config.build(tmp_path, tmp_path, {}, Span("mkdocs.yml", 1))
    file = tmp_path / "page.md"
    text = BOTH.format("a", CELL.format(""))
    file.write_text(text, encoding="utf-8")
    source = PageSource(file, ran)
    extension = FathomExtension(site, lambda: source)
    page = Markdown(extensions=[extension]).convert(text)
    assert "data-fathom-tabs" in page
    assert Markdown(extensions=[extension]).convert("A *docstring*.") == "<p>A <em>docstring</em>.</p>"


def formulas(site: Site, text: str, *, generic: bool = True, **options: Any) -> str:
    """A page of a site with formulas."""
    extensions = ("toc", "pymdownx.superfences", ArithmatexExtension(generic=generic))
    return site.convert(text, extensions=extensions, **options)


def test_formulas(site: Site) -> None:
    """In a line, by themselves, in a quote, in a region, in a fence, in a heading; not in code."""
    text = "# The $L$\n\n`$a$` $b$ \\$5\n\n$$\nc\n$$\n\n> $$d$$\n\n```math\ne\n```\n\n" + BOTH.format("$f$", "$$g$$")
    html = formulas(site, text)
    made = re.findall(r'<(span|div) class="arithmatex"><math[^>]* alttext="(.)"><mi>.</mi></math></\1>', html)
    assert made == [
        ("span", "L"),
        ("span", "b"),
        ("div", "c"),
        ("div", "d"),
        ("div", "e"),
        ("span", "f"),
        ("div", "g"),
    ]
    assert "<code>$a$</code>" in html
    assert " $5</p>" in html
    assert 'id="the-l"' in html


def test_formulas_with_signs_of_html(site: Site) -> None:
    """They are signs of the formula, in a line and by itself."""
    html = formulas(site, "$a<b$\n\n$$\n\\begin{matrix} a & <b> \\end{matrix}\n$$\n")
    assert html.count("<mi>b</mi>") == 2
    assert html.count("&lt;</mo><mi>b</mi>") == 2


def test_formulas_without_our_plugin(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extension alone does it."""
    monkeypatch.chdir(site.root)
    arithmatex = ArithmatexExtension(generic=True)
    assert "<math " in Markdown(extensions=[makeExtension(), arithmatex]).convert("$x$")


def test_formulas_on_a_page_that_is_no_chapter(site: Site) -> None:
    """They are set, too; one that cannot be is an error all the same."""
    options = config.build(site.root, site.root, {}, Span("mkdocs.yml", 1))
    extensions = ["pymdownx.superfences", ArithmatexExtension(generic=True), FathomExtension(options, lambda: None)]
    md = Markdown(extensions=extensions)
    assert md.convert("$x$\n\n```math\ny\n```").count("<math ") == 2
    with pytest.raises(FathomError, match=r"the formula `\\b` cannot be set"):
        md.convert(r"$\b$")
    assert "<math " in md.reset().convert("$x$")


def test_formulas_for_another_renderer(site: Site) -> None:
    """What arithmatex marks for MathJax stays as it is."""
    html = formulas(site, "$x$\n\n```math\ny\n```\n", generic=False)
    assert "<math " not in html
    assert re.search(r"<code>.*y", html)
    assert '<script type="math/tex">x</script>' in html


def test_formulas_that_cannot_be_set(site: Site) -> None:
    """All of a page are told at once."""
    text = "# T\n\n$\\a$\n\n```math\nx +\n\\b\n```\n"
    with pytest.raises(FathomError) as caught:
        formulas(site, text)
    hint = "\n  Mend its LaTeX. A dollar sign that begins no formula is written `\\$`."
    assert str(caught.value) == (
        f'page.md:3:2: the formula `\\a` cannot be set: unknown command "\\a"{hint}\n'
        f'page.md:7:1: the formula `x + \\b` cannot be set: unknown command "\\b"{hint}'
    )


def test_formulas_are_forgiven_in_a_preview(site: Site) -> None:
    """Their source is shown, escaped; the rest of the page is there."""
    file = site.root / "page.md"
    file.write_text("$\\a<b>$ and $x$\n", encoding="utf-8")
    told: list[FathomError] = []
    options = config.build(site.root, site.root, {}, Span("mkdocs.yml", 1))

    def tolerate(error: FathomError) -> bool:
        told.append(error)
        return True

    ours = FathomExtension(options, lambda: PageSource(file, ran), tolerate=tolerate)
    html = Markdown(extensions=[ArithmatexExtension(generic=True), ours]).convert("$\\a<b>$ and $x$\n")
    assert "<code>\\a&lt;b&gt;</code>" in html
    assert html.count("<math ") == 1
    assert [str(error).partition(":")[0] for error in told] == ["page.md"]
