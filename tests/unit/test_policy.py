"""What a page's policy lets run, and what it is said to refuse; `tests/browser/test_policy.py` asks a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

import pytest

from mkdocs_fathom.rendering import policy
from tests.conftest import Built

FIXED = (
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'"
)


def sha(text: str) -> str:
    """The hash of a text as a policy writes it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


ALIGNED = " ".join(sorted(sha(f"text-align: {side};") for side in ("left", "center", "right")))


def said(page: str, content: str = "") -> dict[str, str]:
    """The directives of a page's policy by name."""
    [found] = re.findall(
        r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', policy.put_in(page, content).page
    )
    return dict(each.split(" ", 1) for each in found.split("; "))


def test_a_page_without_anything_inline() -> None:
    """Its own files, and nothing else."""
    assert policy.put_in("<head></head>", "").page == (
        "<head><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'; script-src 'self'; "
        f"style-src 'self'; style-src-attr 'unsafe-hashes' {ALIGNED}; {FIXED}\"></head>"
    )


@pytest.mark.parametrize(
    ("page", "before"),
    [
        ("<head><title>x</title></head><header></header>", "<head>"),
        ('<HEAD lang="en">\n<META CHARSET=utf-8>\n<title>', '<HEAD lang="en">\n<META CHARSET=utf-8>'),
        ("<html><header>x</header>", None),
    ],
)
def test_where_it_stands(page: str, before: str | None) -> None:
    """Before all that it rules, and behind the encoding, which has to come soon."""
    found = policy.put_in(page, "").page
    assert found.partition("<meta http-equiv")[0] == (page if before is None else before)


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("<script>a()</script>", "a()"),
        ("<SCRIPT TYPE='module'>\r\na &amp;&amp; b</SCRIPT>", "\na &amp;&amp; b"),
        ("<script defer>if (a<b) '<!-- </div>é'</script >", "if (a<b) '<!-- </div>é'"),
        ('<script type="text/javascript"></script>', ""),
        ('<script type="application/json">{}</script>', None),
        ('<script src="a.js">ignored()</script>', None),
        ("<!-- <script>a()</script> -->", None),
        ("<template><script>a()</script></template>", "a()"),
    ],
)
def test_scripts_of_the_theme(element: str, text: str | None) -> None:
    """Each that would run is named by the hash of what a browser reads; data and comments are none."""
    assert said(f"<head>{element}</head>")["script-src"] == ("'self'" if text is None else f"'self' {sha(text)}")


def test_styles() -> None:
    """Style sheets in `style-src`, attributes apart, each by its hash."""
    found = said("<head><style>p { color: red }</style></head><b style=\"color: red\" title='&lt;'>")
    assert found["style-src"] == f"'self' {sha('p { color: red }')}"
    assert found["style-src-attr"] == f"'unsafe-hashes' {' '.join(sorted([*ALIGNED.split(), sha('color: red')]))}"


def test_content_is_not_trusted() -> None:
    """A script that stands in the content is named only if the theme has the same."""
    content = "<p>text</p><script>injected()</script><script>both()</script><style>p {}</style>"
    page = f"<head><script>both()</script></head><body><article>{content}</article><script>theme()</script></body>"
    assert said(page, content)["script-src"] == f"'self' {' '.join(sorted([sha('both()'), sha('theme()')]))}"
    assert said(page, content)["style-src"] == "'self'"


def test_never_unsafe() -> None:
    """Whatever stands in a page, nothing is allowed wholesale."""
    page = '<head></head><p onclick="a()" style="b"><a href="javascript:c()"><style>d</style><script>e</script>'
    assert not re.search("unsafe-(inline|eval)", policy.put_in(page, "").page)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<script>a()</script>", "a script in the page's text"),
        ("<style>p {}</style>", "a style sheet in the page's text"),
        ('<b onclick="a()">', "the handler `onclick`"),
        ('<a href=" java\nscript:a()">', "an address that is a script"),
        ('<script src="https://example.org/a.js"></script>', "what is loaded from `https://example.org`"),
        ('<iframe src="//example.org/a"></iframe>', "what is loaded from `//example.org`"),
        ('<link rel="stylesheet" href="http://example.org/a">', "what is loaded from `http://example.org`"),
        ('<a href="https://example.org">', None),
        ('<link rel="canonical" href="https://example.org">', None),
        ('<script src="../a.js"></script><img src="data:image/png;base64,AA==">', None),
        ('<pre><code>&lt;script&gt;</code></pre><td style="text-align: right;">', None),
    ],
)
def test_what_is_refused(content: str, what: str | None) -> None:
    assert [each.what for each in policy.put_in("", content).inside] == ([what] if what else [])


def test_what_is_refused_around() -> None:
    """What the theme brings, without what the content brings too; its own scripts are not refused."""
    page = '<link rel="icon" href="https://a.org/i"><script>theme()</script><img src="https://b.org/x">'
    assert [each.what for each in policy.put_in(page, '<img src="https://b.org/x">').around] == [
        "what is loaded from `https://a.org`"
    ]


CONFIG = """\
site_name: Test
theme: {{name: material, font: false}}
extra_javascript: [https://cdn.example/math.js]
plugins: [fathom: {{content_security_policy: {wanted}}}]
"""
TEXT = """\
# Title

Some text.

<script>mine()</script>
"""
SAID = (
    (
        "docs/index.md:5:1: warning: the site's Content Security Policy refuses a script in the page's text\n"
        "  Put scripts and styles into files below `docs_dir`; or set `content_security_policy: false`.\n"
    ),
    "mkdocs.yml:4:20: warning: the site's Content Security Policy refuses what is loaded from `https://cdn.example`\n",
)


def test_an_author_is_told(build_site: Callable[..., Built]) -> None:
    """Of what stands in a page with its line, of what stands on every page once; a strict build ends."""
    files = {"docs/index.md": TEXT, "docs/b.md": "# Other\n", "mkdocs.yml": CONFIG.format(wanted="true")}
    built = build_site(files, "mkdocs build")
    assert built.code == 0, built.stderr
    for text in SAID:
        assert built.stderr.count(text) == 1, built.stderr
    assert sha("mine()") not in built.page()
    for page in ("index.html", "b/index.html", "404.html"):
        assert built.page(page).count("Content-Security-Policy") == 1
    strict = build_site(built, "mkdocs build --strict")
    assert (strict.code, "Content Security Policy refuses" in strict.stderr) == (1, True)
    built.write("mkdocs.yml", CONFIG.format(wanted="false"))
    without = build_site(built, "mkdocs build --strict")
    assert (without.code, "Content-Security-Policy" in without.page()) == (0, False)
