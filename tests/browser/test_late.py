"""A site whose theme's script waits: nothing of it is missed, and what a reader does first is not lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.conftest import Built
from tests.running import cells

ADDRESS = "https://fathom.example/"  # the theme compares it with `site_url`
CONFIG = """\
site_name: Test
site_url: https://fathom.example/
theme:
  name: material
  font: false
  features: [content.code.copy, navigation.instant, search.highlight]
  palette:
    - {media: "(prefers-color-scheme)", toggle: {icon: material/brightness-auto, name: To light}}
    - {media: "(prefers-color-scheme: light)", scheme: default, toggle: {icon: material/brightness-7, name: To dark}}
    - {media: "(prefers-color-scheme: dark)", scheme: slate, toggle: {icon: material/brightness-4, name: To auto}}
plugins: [search, fathom: {late_theme: true, content_security_policy: true}]
markdown_extensions: [tables, pymdownx.highlight]
"""
DEPTHS = "<!-- SHALLOW -->\n## Briefly\n<!-- /SHALLOW -->\n<!-- DEEP -->\n## At length\n<!-- /DEEP -->\n"
PAGES = {
    "docs/index.md": "# One\n\n[Two](two.md)\n\n" + cells("print(1)") + "| a | b |\n|---|---|\n| 1 | 2 |\n\n## End\n",
    "docs/two.md": f"# Two\n\nAn otter.\n\n{DEPTHS}",
}
SCHEME = "document.body.dataset.mdColorScheme"
THEME_RUNS = "() => window.document$ !== undefined"


@pytest.fixture(scope="module")
def site(build_site: Callable[..., Built]) -> Built:
    built = build_site({"mkdocs.yml": CONFIG, **PAGES}, "mkdocs build")
    assert built.code == 0, built.stderr
    return built


@pytest.fixture
def visit(chromium: Browser, site: Built) -> Iterator[Callable[..., Page]]:
    contexts = []

    def answer(route: Route) -> None:
        path = site.site / urlsplit(route.request.url).path.lstrip("/")
        route.fulfill(path=path / "index.html" if path.is_dir() else path)

    def go(path: str = "", palette: Literal["light", "dark"] = "light") -> Page:
        contexts.append(chromium.new_context(color_scheme=palette, viewport={"width": 360, "height": 640}))
        contexts[-1].route(f"{ADDRESS}**", answer)
        page = contexts[-1].new_page()
        page.goto(ADDRESS + path, wait_until="networkidle")
        return page

    yield go
    for context in contexts:
        context.close()


def test_it_waits(visit: Callable[..., Page]) -> None:
    """It is not run before a reader's first movement; when it comes, nothing on the page moves."""
    page = visit()
    tops = "() => [...document.querySelectorAll('h2, pre, table')].map((each) => each.getBoundingClientRect().top)"
    before = page.evaluate(tops)
    assert not page.evaluate(THEME_RUNS)
    page.mouse.move(20, 200)
    expect(page.get_by_role("button", name="Copy to clipboard")).to_be_attached()
    assert page.evaluate(tops) == before


@pytest.mark.parametrize(("palette", "scheme"), [("light", "default"), ("dark", "slate")])
def test_the_first_visit_has_its_palette(
    visit: Callable[..., Page], palette: Literal["light", "dark"], scheme: str
) -> None:
    page = visit(palette=palette)
    assert page.evaluate(SCHEME) == scheme
    assert not page.evaluate(THEME_RUNS)
    page.mouse.move(20, 200)
    page.wait_for_function(THEME_RUNS)
    assert page.evaluate(SCHEME) == scheme


def test_the_first_tap_on_the_palette_counts(visit: Callable[..., Page]) -> None:
    page = visit(palette="dark")
    page.get_by_title("To light").click()
    page.wait_for_function(f"{SCHEME} === 'default'")
    page.reload()
    assert page.evaluate(SCHEME) == "default"
    expect(page.get_by_title("To dark")).to_be_visible()


def test_the_first_key_counts(visit: Callable[..., Page]) -> None:
    """The theme's key for its search."""
    page = visit()
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Search")).to_be_focused()


def test_an_address_that_asks_for_it(visit: Callable[..., Page]) -> None:
    """The theme marks what was looked for."""
    expect(visit("two/?h=otter").locator("mark")).to_have_text("otter")


def test_the_next_page_is_ready(visit: Callable[..., Page]) -> None:
    """Where the theme puts the next page into the place of this one, its depths work."""
    page = visit()
    with page.expect_response("**/sitemap.xml"):  # then it knows which pages there are
        page.mouse.move(20, 200)
    page.evaluate("window.stayed = true")
    page.get_by_role("article").get_by_role("link", name="Two", exact=True).click()
    page.get_by_role("radio", name="Deep").check()
    expect(page.get_by_role("heading", name="At length")).to_be_visible()
    assert page.evaluate("window.stayed")
