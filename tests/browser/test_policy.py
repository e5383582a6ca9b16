"""A site under its Content Security Policy: everything works, and what was brought in does not run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Served, serve
from tests.conftest import Built
from tests.running import cells

CONFIG = """\
site_name: Test
site_url: https://fathom.example/
theme:
  name: material
  font: false
  features: [content.code.copy, navigation.footer, navigation.instant, search.highlight, search.suggest]
  palette:
    - {scheme: default, toggle: {icon: material/brightness-7, name: To dark}}
    - {scheme: slate, toggle: {icon: material/brightness-4, name: To light}}
plugins:
  - search
  - fathom: {content_security_policy: true}
markdown_extensions:
  - tables
  - pymdownx.highlight
"""
DEPTHS = """
<!-- SHALLOW -->
## Briefly

{shallow}
<!-- /SHALLOW -->

<!-- DEEP -->
## At length

{deep}
<!-- /DEEP -->
"""
FIGURE = cells(
    "import matplotlib.pyplot as plt\nplt.bar([1, 2], [3, 4], hatch='/')\nplt.title('Bars')\nplt.show()",
    fence='python alt="Two bars"',
)
FAILS = cells("1 / 0", fence='python raises="ZeroDivisionError"')
CHAPTER = "# Chapter\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n" + DEPTHS.format(
    shallow=cells("print('\\x1b[31mred\\x1b[0m words')"),
    deep=FIGURE + FAILS,
)
# Before the first script of a page: what the browser refuses is counted.
LISTEN = """
addEventListener("securitypolicyviolation", (event) => { (window.refused ??= []).push(event.violatedDirective); });
"""


@pytest.fixture(scope="module")
def policed(build_site: Callable[..., Built]) -> Iterator[Served]:
    """A site with pages at several levels, each of which has other hashes."""
    files = {
        "mkdocs.yml": CONFIG,
        "docs/index.md": "# Home\n\n[The chapter](part/chapter.md){ .fathom-card }\n",
        "docs/part/chapter.md": CHAPTER,
        "docs/part/inner/next.md": CHAPTER.replace("# Chapter", "# Next chapter", 1),
    }
    built = build_site(files, "mkdocs build --strict")
    assert built.code == 0, built.stderr
    with serve(built.site) as address:
        yield Served(built, address)


@pytest.fixture
def page(chromium: Browser, policed: Served) -> Iterator[Page]:
    """A page that keeps what is refused, and in which nothing else may go wrong."""
    errors: list[str] = []
    with chromium.new_context() as context:
        context.add_init_script(LISTEN)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(error.message))
        page.goto(policed.address)
        yield page
    assert [text for text in errors if "Content Security Policy" not in text] == []


def refused(page: Page) -> list[str]:
    """What the browser has refused since the page was loaded."""
    return list(page.evaluate("window.refused ?? []"))


def use(page: Page) -> None:
    """What a reader does on a chapter: its depths, its tabs, the other colours."""
    page.get_by_role("radio", name="Deep").check()
    expect(page.get_by_role("img", name="Two bars")).to_be_visible()
    page.get_by_role("tab", name="Shallow").first.click()
    expect(page.get_by_role("heading", name="Briefly")).to_be_visible()
    scheme = page.locator("body").get_attribute("data-md-color-scheme")
    page.locator("[data-md-component=palette] label:not([hidden])").click()
    expect(page.locator("body")).not_to_have_attribute("data-md-color-scheme", scheme or "")
    page.keyboard.press("?")
    page.get_by_role("button", name="Close").click()


@pytest.mark.parametrize("name", ["part/chapter/", "part/inner/next/?depth=deep"])
def test_nothing_is_refused(page: Page, policed: Served, name: str) -> None:
    """Not by itself, not in use."""
    assert refused(page) == []
    page.goto(policed.address + name)
    assert page.locator("meta[http-equiv=Content-Security-Policy]").count() == 1
    use(page)
    assert page.get_by_role("cell", name="2").evaluate("cell => getComputedStyle(cell).textAlign") == "right"
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("next chapter")
    expect(page.locator(".md-search-result__link").first).to_be_visible()
    assert refused(page) == []


def test_instant_navigation(chromium: Browser, policed: Served) -> None:
    """Pages that Material puts in each other's place have other hashes, and all works on each."""

    def answer(route: Route) -> None:
        path = policed.built.site / urlsplit(route.request.url).path.lstrip("/")
        route.fulfill(path=path / "index.html" if path.is_dir() else path)

    address = "https://fathom.example/"  # as the theme compares it with `site_url`
    with chromium.new_context() as context:
        context.add_init_script(LISTEN)
        context.route(f"{address}**", answer)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(error.message))
        page.goto(address)
        page.evaluate("window.same = true")
        page.get_by_role("link", name="The chapter").click()
        expect(page).to_have_title("Chapter - Test")
        use(page)
        page.get_by_role("link", name="Next: Next chapter").click()
        expect(page).to_have_title("Next chapter - Test")
        use(page)
        page.go_back()
        expect(page).to_have_title("Chapter - Test")
        assert page.evaluate("window.same") is True
        assert refused(page) == []
    assert errors == []


def test_a_page_that_is_not_there(page: Page, policed: Served) -> None:
    """It has its policy too, and works under it."""
    page.goto(f"{policed.address}404.html")
    assert page.locator("meta[http-equiv=Content-Security-Policy]").count() == 1
    assert refused(page) == []


@pytest.mark.parametrize(
    ("html", "directive"),
    [
        ("<img src=x onerror='window.fired=1'>", "script-src-attr"),
        ("<svg onload='window.fired=1'></svg>", "script-src-attr"),
        ("<iframe srcdoc='<script>parent.fired=1</script>'></iframe>", "script-src-elem"),
        ("<a id=a href='javascript:window.fired=1'>a</a>", "script-src-elem"),
        ("<p style='color: red'>p</p>", "style-src-attr"),
        ("<style>p { color: red }</style>", "style-src-elem"),
        ("<script>window.fired=1</script>", "script-src-elem"),
        ("<object data='data:text/html,x'></object>", "object-src"),
    ],
)
def test_what_is_brought_in_does_not_run(policed: Served, chromium: Browser, html: str, directive: str) -> None:
    """What stands in the finished file, as a fault in escaping would have it there."""
    file = policed.built.site / "part/chapter/index.html"
    whole = file.read_text(encoding="utf-8")
    (policed.built.site / "injected.html").write_text(
        whole.replace("</article>", f"{html}</article>", 1).replace("../../", ""), encoding="utf-8"
    )
    with chromium.new_context() as context:
        context.add_init_script(LISTEN + "window.refused = [];")
        page = context.new_page()
        page.goto(f"{policed.address}injected.html")
        if "id=a" in html:
            page.locator("#a").click()
        page.wait_for_timeout(100)
        found = [each for frame in page.frames for each in frame.evaluate("window.refused ?? []")]
        assert directive in found
        assert page.evaluate("window.fired") is None
