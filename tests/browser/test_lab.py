"""What a reader of a notebook's page sees in Chromium: its depths, its outputs, and no request to anybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import serve
from tests.conftest import Built


@pytest.fixture(scope="module")
def address(build_site: Callable[..., Built]) -> Iterator[str]:
    """The address of a lab's page."""
    built = build_site("labs")
    assert built.code == 0, built.stderr
    with serve(built.site) as home:
        yield f"{home}labs/first/"


@pytest.mark.parametrize("scripts", [True, False])
def test_depths(chromium: Browser, address: str, *, scripts: bool) -> None:
    """One choice of depth shows its text, its cells, and what the shared cell printed on its path."""
    context = chromium.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_text("Add up and divide.")).to_be_visible()
    expect(page.get_by_text("total 9")).to_be_hidden()
    for number in (0, 1):
        page.locator("[data-fathom-tabs]").nth(number).locator(":is(label, button)", has_text="Deep").click()
    expect(page.get_by_text("Add up and divide.")).to_be_hidden()
    expect(page.get_by_text("total 9")).to_be_visible()
    expect(page.get_by_text("mean 3.0 True")).to_be_visible()
    expect(page.get_by_text("mean 3.0 False")).to_be_hidden()
    context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_asks_nobody_else(chromium: Browser, address: str, width: int) -> None:
    """Nothing is wider than the screen, the pictures of the notebook are there, and every request goes home."""
    context = chromium.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    home = address.removesuffix("labs/first/")
    assert [url for url in asked if not url.startswith((home, "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert picture_width(page) == 1
    context.close()


def picture_width(page: Page) -> int:
    """How wide the notebook's own picture is, which it would not be if it had not been found."""
    width = page.get_by_alt_text("A pixel").evaluate("image => image.naturalWidth")
    return int(width)
