"""What a reader of a chapter sees: in Chromium, with and without scripts, on a phone, on paper."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown import markdown  # type: ignore[import-untyped, unused-ignore]  # its types are a package of their own
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Served
from tests.conftest import SITES, Built

Open = Callable[..., Page]

SOURCE = SITES / "seed" / "docs" / "chapter-06.md"
SETS, PANELS = "[data-fathom-tabs]", "[data-fathom-tabs] > .tabbed-content > .tabbed-block"


@pytest.fixture
def visit(chromium: Browser, seed_site: Served) -> Iterator[Open]:
    """A function that opens the chapter; its arguments are those of a browser's context."""
    contexts = []

    def visit_page(**options: Any) -> Page:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{seed_site.address}chapter-06/")
        return page

    yield visit_page
    for context in contexts:
        context.close()


def tab_set(page: Page, number: int) -> Locator:
    """A tab set of the page."""
    return page.locator(SETS).nth(number)


def panel(page: Page, number: int, depth: str) -> Locator:
    """A panel of a tab set."""
    return tab_set(page, number).locator(f".tabbed-block[data-fathom-depth={depth}]")


def label(page: Page, number: int, name: str) -> Locator:
    """The label of a tab."""
    return tab_set(page, number).locator(".tabbed-labels > :is(label, button)", has_text=re.compile(f"^{name}$"))


def top(locator: Locator) -> float:
    """How far from the top of the page something stands."""
    box = locator.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) > 0
    return box["y"]


def test_tabs_and_outputs(visit: Open) -> None:
    """Two tab sets of two panels, one of each shown; what the code printed stands below it."""
    page = visit()
    expect(page.locator(SETS)).to_have_count(2)
    expect(page.locator(PANELS)).to_have_count(4)
    for number in range(2):
        expect(panel(page, number, "shallow")).to_be_visible()
        expect(panel(page, number, "deep")).to_be_hidden()
    expect(page.locator(".fathom-stream")).to_have_count(1)
    expect(page.locator(".fathom-stream")).to_be_visible()
    assert page.locator(".fathom-stream").inner_text().splitlines() == [
        "Original Head Shape: (16, 1000)",
        "New Head Shape: (16, 2)",
        "Body frozen. Only training the new head...",
    ]


def test_lists_are_lists(visit: Open) -> None:
    """Every line that begins with a bullet or a number is an item; none is a paragraph with a dash."""
    prose = re.sub(r"```.*?```", "", SOURCE.read_text(encoding="utf-8"), flags=re.DOTALL)
    items = re.findall(r"^(?:-|\d+\.) ", prose, flags=re.MULTILINE)
    page = visit()
    expect(page.locator("article .tabbed-block li")).to_have_count(len(items))
    assert len(items) == 16
    paragraphs = page.locator("article p").all_text_contents()
    assert [text for text in paragraphs if re.search(r"^\s*(?:-|\d+\.) ", text, flags=re.MULTILINE)] == []


def test_damage_is_reported(seed_site: Served) -> None:
    """The build names the three damaged emoji with their lines and what was meant, and shows them as they stand."""
    found = re.findall(
        r"WARNING -  fathom: docs/chapter-06.md:(\d+):\d+: warning: the text `\S+` was decoded wrongly\n"
        r"  Write `(\S+)`.\n",
        seed_site.built.stderr,
    )
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    assert [meant for _, meant in found] == ["🎨", "⚠️", "⚠️"]
    assert [lines[int(number) - 1].encode("mac_roman").decode().find(meant) >= 0 for number, meant in found] == [
        True
    ] * 3


def test_a_click_opens_a_tab(visit: Open) -> None:
    page = visit()
    label(page, 0, "Deep").click()
    expect(panel(page, 0, "deep")).to_be_visible()
    expect(panel(page, 0, "shallow")).to_be_hidden()
    expect(page.get_by_role("heading", name="Why Fine-Tuning Works")).to_be_visible()


def test_without_javascript(visit: Open) -> None:
    """Tabs, teasers and folded cells are the browser's own."""
    page = visit(java_script_enabled=False)
    for number in range(2):
        for shown, hidden in (("deep", "shallow"), ("shallow", "deep")):
            label(page, number, shown.capitalize()).click()
            expect(panel(page, number, shown)).to_be_visible()
            expect(panel(page, number, hidden)).to_be_hidden()
    label(page, 1, "Deep").click()
    expect(page.get_by_role("heading", name="Freezing Strategies")).to_be_visible()
    expect(page.locator(".fathom-stream")).to_be_visible()
    page.locator("summary").click()
    expect(page.locator(".fathom-setup pre")).to_be_visible()


def test_on_paper(visit: Open) -> None:
    """Every panel is printed in order, with a script and without it."""
    for options in ({}, {"java_script_enabled": False}):
        page = visit(**options)
        page.emulate_media(media="print")
        order = [
            top(panel(page, number, depth))
            for number in range(2)
            for depth in ("shallow", "deep")
            if (number, depth) != (1, "shallow")
        ]
        assert order == sorted(set(order))
    expect(page.locator(".fathom-stream")).to_be_visible()


def test_nothing_from_elsewhere(chromium: Browser, seed_site: Served) -> None:
    """Not one request leaves for a third party, and nothing goes wrong in the console."""
    with chromium.new_context() as context:
        page = context.new_page()
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(error.message))
        page.on("requestfailed", lambda request: errors.append(request.url))
        page.on("response", lambda response: errors.append(response.url) if response.status >= 400 else None)
        page.goto(f"{seed_site.address}chapter-06/", wait_until="networkidle")
        label(page, 1, "Deep").click()
    assert len(requests) > 3
    assert [url for url in requests if not url.startswith((seed_site.address, "data:", "blob:"))] == []
    assert errors == []


@pytest.mark.parametrize("depth", ["Shallow", "Deep"])
def test_on_a_phone(visit: Open, depth: str) -> None:
    """The page does not scroll sideways; long code scrolls in its box."""
    page = visit(viewport={"width": 360, "height": 640})
    for number in range(2):
        label(page, number, depth).click()
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    edges = page.locator(f"article :is({PANELS}, .fathom-cell, .fathom-outputs)").evaluate_all(
        "elements => elements.filter(each => each.offsetParent).map(each => each.getBoundingClientRect().right)"
    )
    assert len(edges) >= 5
    assert max(edges) <= 360


def test_setup_is_folded(visit: Open) -> None:
    """Its code is hidden until a reader asks for it, with the keyboard alone."""
    page = visit()
    code = page.locator(".fathom-setup pre")
    expect(code).to_be_hidden()
    summary = page.locator(".fathom-setup > summary")
    expect(summary).to_have_text("Setup")
    for _ in range(50):
        page.keyboard.press("Tab")
        if summary.evaluate("each => each === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(code).to_be_visible()
    assert "GPTModel" in code.inner_text()
    page.keyboard.press("Enter")
    expect(code).to_be_hidden()


def test_the_extension_alone(
    seed_site: Served, build_site: Callable[..., Built], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `fathom run`, Python-Markdown by itself gives the article that the MkDocs plugin gives, outputs too.

    But for the links to notebooks, which a host writes beside the page.
    """
    root = Path(shutil.copytree(seed_site.built.root, tmp_path / "copy"))
    run = build_site(Built(root, 0, "", ""), "fathom run --format json")
    assert (run.code, '"executed": 0' in run.stdout) == (0, True)
    monkeypatch.chdir(root)
    text = SOURCE.read_text(encoding="utf-8")
    alone = article(text)
    assert "Original Head Shape: (16, 1000)" in alone
    page = seed_site.built.page("chapter-06/index.html")
    assert alone in re.sub(r'<nav class="fathom-notebooks".*?</nav>', "", page)
    with_front_matter = f"---\ntitle: T\n---\n{text}"
    run.write("docs/chapter-06.md", with_front_matter)
    for given in (with_front_matter, text, text.replace("\n", "\r\n")):
        assert article(given) == alone


def article(text: str) -> str:
    """A chapter's HTML by Python-Markdown, with the extensions of the seed's site and of MkDocs."""
    return str(markdown(text, extensions=["toc", "tables", "fenced_code", "admonition", "fathom"]))
