"""A formula in LaTeX as MathML: set, or refused in words; never anything that runs."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom import config
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.model import Span
from mkdocs_fathom.parsing import minutes, parse
from mkdocs_fathom.rendering import mathematics, searching
from mkdocs_fathom.rendering.mathematics import FormulaError, mathml

SET = [
    pytest.param("x", '<math alttext="x"><mi>x</mi></math>', id="a letter"),
    pytest.param(
        r"\frac{a}{b}",
        r'<math alttext="\frac{a}{b}"><mfrac><mi>a</mi><mi>b</mi></mfrac></math>',
        id="its source is kept",
    ),
    pytest.param("a <\n  b", '<math alttext="a &lt; b"><mi>a</mi><mo>&lt;</mo><mi>b</mi></math>', id="in one line"),
    pytest.param(
        r"\text{<b>}", r'<math alttext="\text{&lt;b&gt;}"><mtext>&lt;b&gt;</mtext></math>', id="texts are escaped"
    ),
    pytest.param(
        r"\color{red}x",
        r'<math alttext="\color{red}x"><mrow mathcolor="#FF0000"><mi>x</mi></mrow></math>',
        id="a colour without a style",
    ),
]


@pytest.mark.parametrize(("source", "expected"), SET)
def test_set(source: str, expected: str) -> None:
    """In a line."""
    assert mathml(source, display=False) == expected


def test_by_itself() -> None:
    """Aligned lines keep their columns, by classes."""
    made = mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", display=True)
    assert made.startswith('<math display="block" ')
    assert made.count("<mtr>") == 2
    assert made.count('<mtd class="fathom-right fathom-flush-right">') == 2
    assert made.count('<mtd class="fathom-left fathom-flush-left">') == 2
    assert "style" not in made.replace("displaystyle", "")


REFUSED = [
    (r"\nosuch{x}", r'unknown command "\nosuch"', 0),
    (r"a + \frac{a", 'expected closing token "}", but reached end of input', 11),
    ("a}", 'unmatched closing token: "}"', 1),
    (" ", "it is empty", 0),
    (r"\href{javascript:alert(1)}{x}", r'unknown command "\href"', 0),
    (r"\cancel{x}", "browsers do not draw `<menclose>`, which it needs", 0),
    (
        r"\begin{align} a &= b \end{align}",
        "it needs the style `width:100%`, which a page's policy may refuse",
        0,
    ),
    (r"\sqrt{" * 51 + "}" * 51, "too many brackets are open at once", 305),
    ("(" * 100, "too many brackets are open at once", 12),
    (r"\hat" * 5000 + "x", "it has more than 2000 signs", 0),
]


@pytest.mark.parametrize(("source", "what", "place"), REFUSED, ids=[source[:20] for source, *_ in REFUSED])
def test_refused(source: str, what: str, place: int) -> None:
    """With the reason, and the place where it is known."""
    with pytest.raises(FormulaError) as caught:
        mathml(source, display=True)
    assert (caught.value.what, caught.value.place) == (what, place)


class _Tags(HTMLParser):
    """The elements of a text and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}


PAYLOADS = (
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "</math><script>",
    "&lt;script&gt;",
    "]]>",
    "\x02amp\x03",
    "<!--",
)
COMMANDS = ("text", "mathrm", "operatorname", "href", "url", "color", "textcolor", "class", "style", "htmlId", "label")
BRACES = ("{%s}", "{%s}{x}", "{x}{%s}", "{\\text{%s}}", " %s")


@given(st.lists(st.tuples(st.sampled_from(COMMANDS), st.sampled_from(BRACES), st.sampled_from(PAYLOADS)), max_size=3))
def test_inert(parts: list[tuple[str, str, str]]) -> None:
    """Whatever is written where: elements and attributes of a formula, or a refusal."""
    source = " ".join("\\" + command + braces.replace("%s", payload) for command, braces, payload in parts)
    try:
        made = mathml(source, display=False)
    except FormulaError:
        return
    tags = _Tags()
    tags.feed(made)
    assert tags.tags <= mathematics._ELEMENTS
    assert tags.names <= mathematics._ATTRIBUTES | {"alttext", "class", "mathcolor"}


def problems(text: str, source: str) -> list[str]:
    """What is said of a page's formula."""
    site = config.build(Path("site"), Path("site/docs"), {}, Span("mkdocs.yml", 1))
    chapter = parse.parse(text, "docs/a.md", site).checked()
    with pytest.raises(FormulaError) as caught:
        mathml(source, display=False)
    return str(FathomError(mathematics.problems({source: caught.value}, chapter))).split("\n")


MEND = r"  Mend its LaTeX. A dollar sign that begins no formula is written `\$`."


def test_where_it_stands() -> None:
    """Each time, with line and column; not in code, where it is no formula."""
    text = "---\ntitle: T\n---\nA $x$ and $a\\b$.\n\n`$a\\b$`\n\n```text\n$a\\b$\n```\n\n> $a\\b$\n"
    what = r'the formula `a\b` cannot be set: unknown command "\b"'
    assert problems(text, r"a\b") == [f"docs/a.md:4:13: {what}", MEND, f"docs/a.md:12:5: {what}", MEND]


def test_where_in_a_formula_of_several_lines() -> None:
    """The line and column of the sign that is wrong, whatever stands before the lines."""
    text = "# T\n\n> $$\n> a +\n>   \\nosuch b\n> $$\n"
    found = problems(text, "\na +\n  \\nosuch b\n")
    assert found[0] == r'docs/a.md:5:5: the formula `a + \nosuch b` cannot be set: unknown command "\nosuch"'


def test_a_formula_that_was_not_found() -> None:
    """Another extension has written it: at the page's beginning."""
    assert problems("---\na: b\n---\n\n# T\n", r"\b")[0].startswith("docs/a.md:4:1: the formula ")


def test_a_search_gets_the_source() -> None:
    """Of formulas in a line; nothing of it is markup. One by itself would be a result that nobody can read."""
    one, other = (mathml(source, display=False) for source in (r"\sqrt{d_k}", r"\text{<b>}"))
    html = f'<p>The {one} and {other}:</p><div class="arithmatex">{mathml("x", display=True)}</div>'
    expected = r'<p>The \sqrt{d_k} and \text{&lt;b&gt;}:</p><div class="arithmatex"></div>'
    assert searching.arranged(html) == expected


def test_a_formula_is_a_word() -> None:
    """However long its LaTeX is."""
    site = config.build(Path("site"), Path("site/docs"), {}, Span("mkdocs.yml", 1))
    text = "Of $\\frac{Q K^\\top}{\\sqrt{d_k}}$ and\n\n$$\na = b + c\n$$\n\nso $5 or $6.\n"
    assert minutes.words(parse.parse(text, "a.md", site).checked(), "SHALLOW") == 8


def test_time_grows_with_the_page() -> None:
    """Many dollar signs that begin no formula are no trouble."""
    text = "$a " * 30_000 + "\n" + "$$a" * 10_000
    site = config.build(Path("site"), Path("site/docs"), {}, Span("mkdocs.yml", 1))
    assert minutes.words(parse.parse(text, "a.md", site).checked(), "SHALLOW") > 1000
