"""Formulas as a reader meets them: set by the browser, within the screen, under the site's policy."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser

from tests.browser.conftest import serve
from tests.conftest import Built

SITE = """\
site_name: Test
theme: {name: material, font: false}
plugins: [fathom: {content_security_policy: true}]
markdown_extensions: [pymdownx.arithmatex: {generic: true}]
"""
PAGE = r"""# A formula $x_i$

$$
\begin{aligned} a &= \frac{b}{c} + d + e + f + g + h + i + j + k + l + m + n + o + p + q \\ u &= v \end{aligned}
$$

$$x$$

$\text{<script>document.title = "no"</script>}$
"""


def test_formulas(build_site: Callable[..., Built], chromium: Browser) -> None:
    """A wide one scrolls by itself, and can be focused; columns are aligned; the policy refuses nothing."""
    built = build_site({"mkdocs.yml": SITE, "docs/index.md": PAGE}, "mkdocs build --strict")
    assert built.code == 0, built.stderr
    with serve(built.site) as address:
        page = chromium.new_page(viewport={"width": 360, "height": 640})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto(address)
        page.wait_for_selector("div.arithmatex[tabindex='0']")
        boxes = page.evaluate(
            "[...document.querySelectorAll('div.arithmatex')].map(e => [e.scrollWidth > e.clientWidth, e.tabIndex])"
        )
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        aligned = page.evaluate("[...document.querySelectorAll('mtd')].map(e => getComputedStyle(e).textAlign)")
        title, scripts = page.title(), page.locator("math script").count()
        page.close()
    assert boxes == [[True, 0], [False, -1]]
    assert over <= 0
    assert aligned == ["right", "left"] * 2
    assert said == []
    assert (title, scripts) == ("Test", 0)
