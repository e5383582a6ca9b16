"""Depth as a way of reading: one switch, no jump, nothing unreachable, with any device and any means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import Served, serve
from tests.conftest import Built

Open = Callable[..., Page]

CONFIG = """\
site_name: Depths
site_url: https://example.org/
theme:
  name: material
  font: false
  features: [FEATURES]
plugins: [search, fathom]
markdown_extensions: [footnotes, attr_list]
nav: [index.md, long.md, other.md, plain.md]
"""
SHOWN, HIDDEN = "[data-fathom-depth=deep].tabbed-block:not([hidden])", "[data-fathom-depth=deep].tabbed-block[hidden]"
DENIED = """
for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, {
    configurable: true,
    get() { throw new DOMException("denied", "SecurityError"); },
  });
"""


def prose(word: str, times: int) -> str:
    """A paragraph."""
    return f"{f'About {word} there is much to say, and here it is said. ' * times}\n\n"


def region(depth: str, text: str) -> str:
    """What is for one depth."""
    return f"<!-- {depth} -->\n{text}\n<!-- /{depth} -->\n\n"


def chapter() -> str:
    """A long chapter: four parts at two depths with shared ones between, and one that only the deep reading has."""
    parts = [f"# Long\n\n{prose('length', 3)}"]
    for name in ("Counting", "Looking", "Mixing", "Checking"):
        parts += [
            region("SHALLOW", f"## {name} simply\n\n{prose(name, 4)}### Why {name}\n\n{prose(name, 3)}"),
            region("DEEP", f"## {name} in full\n\n{prose(name, 15)}### Why {name}\n\n{prose(name, 9)}"),
            f"## After {name}\n\n{prose(name, 6)}",
        ]
    only = f"## Gradients\n\n{prose('xylophones', 8)}A note.[^1]\n\n```python\nx = 1\n\n\ny = 2  # {'aside ' * 30}\n```"
    parts += [region("DEEP", only), "```python\nprint('x' in globals())\n```\n\n", f"## End\n\n{prose('ends', 30)}"]
    return "".join([*parts, "[^1]: The foot of the note.\n"])


def files(features: str) -> dict[str, str]:
    """The site."""
    other = "# Other\n\n" + region("SHALLOW", "Easily.") + region("DEEP", "## Told in full\n\nThoroughly.")
    return {
        "mkdocs.yml": CONFIG.replace("FEATURES", features),
        "docs/index.md": "# Home\n\n[A part](long.md#gradients--deep), [the chapter](long.md), [other](other.md).\n",
        "docs/long.md": chapter(),
        "docs/other.md": other,
        "docs/plain.md": "# Plain\n\nOne depth.\n",
    }


@pytest.fixture(scope="module")
def site(build_site: Callable[..., Built]) -> Iterator[Served]:
    """The site, served."""
    built = build_site(files("navigation.footer, toc.follow"), "mkdocs build")
    assert built.code == 0, built.stderr
    with serve(built.site) as address:
        yield Served(built, address)


@pytest.fixture
def visit(chromium: Browser, site: Served) -> Iterator[Open]:
    """A function that opens a page in a browser that has been nowhere yet, or (`context`) in one that has."""
    contexts = []

    def visit_page(path: str = "long/", context: Any = None, script: str = "", **options: Any) -> Page:
        if context is None:
            context = chromium.new_context(**options)
            contexts.append(context)
        if script:
            context.add_init_script(script)
        page: Page = context.new_page()
        errors = page.__dict__.setdefault("errors", [])
        page.on("pageerror", lambda error: errors.append(error.message))
        page.goto(site.address + path)
        return page

    yield visit_page
    for context in contexts:
        for page in context.pages:
            assert page.__dict__.get("errors", []) == []
        context.close()


def choice(page: Page, depth: str) -> Locator:
    """One side of the switch."""
    return page.locator(".fathom-switch").get_by_role("radio", name=re.compile(f"^{depth}"))


def is_at(page: Page, depth: str) -> None:
    """The whole page is at one depth."""
    other = "deep" if depth == "shallow" else "shallow"
    expect(page.locator(f".tabbed-block[data-fathom-depth={depth}]").first).to_be_visible()
    expect(page.locator(f".tabbed-block[data-fathom-depth={depth}][hidden]")).to_have_count(0)
    expect(page.locator(f".tabbed-block[data-fathom-depth={other}]:not([hidden])")).to_have_count(0)
    expect(choice(page, depth.capitalize())).to_be_checked()


def heading(page: Page, name: str) -> Locator:
    """A heading that is shown."""
    return page.get_by_role("heading", name=name, exact=True)


def in_view(locator: Locator) -> None:
    """It stands on the screen."""
    expect(locator).to_be_in_viewport()


def test_one_switch(visit: Open) -> None:
    """It tells what each depth asks, sets the whole page, the address and the next page, and is remembered."""
    page = visit()
    switch = page.locator(".fathom-switch")
    assert re.findall(r"(Shallow|Deep)\s+(\d+ min · \d cells?)", switch.inner_text()) == [
        ("Shallow", "5 min · 1 cell"),
        ("Deep", "10 min · 2 cells"),
    ]
    is_at(page, "shallow")
    choice(page, "Deep").check()
    is_at(page, "deep")
    assert page.url.endswith("/long/?depth=deep")
    expect(page.get_by_role("status")).to_have_text("Deep reading")
    is_at(visit("other/", page.context), "deep")
    is_at(visit("long/?depth=shallow", page.context), "shallow")
    is_at(visit("other/", page.context), "deep")  # an address is followed, not remembered


def test_the_keyboard_switches(visit: Open) -> None:
    """Arrows in the switch, `d` anywhere but where one writes; the list of keys tells so, and can switch it off."""
    page = visit()
    choice(page, "Shallow").focus()
    page.keyboard.press("ArrowRight")
    is_at(page, "deep")
    page.keyboard.press("d")
    is_at(page, "shallow")
    page.locator("[data-md-component=search-query]").click()
    page.keyboard.press("d")
    is_at(page, "shallow")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys").click()
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("the next depth")
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("d")
    is_at(page, "shallow")


@pytest.mark.parametrize(
    ("address", "depth"),
    [
        ("long/?depth=deep", "deep"),
        ("long/?depth=DEEP", "deep"),
        ("long/?depth=middle", "shallow"),
        ("long/#gradients--deep", "deep"),
        ("long/?depth=shallow#counting-in-full--deep", "shallow"),
        ("long/#counting-simply--shallow", "shallow"),
    ],
)
def test_what_an_address_asks_for(visit: Open, address: str, depth: str) -> None:
    """The parameter goes before the anchor; what an anchor names is in view in either case."""
    page = visit(address)
    expect(choice(page, depth.capitalize())).to_be_checked()
    if anchor := address.partition("#")[2]:
        in_view(page.locator(f"[id='{anchor}']"))
    else:
        is_at(page, depth)


def test_an_anchor_goes_before_what_is_remembered(visit: Open) -> None:
    page = visit()
    choice(page, "Deep").check()
    is_at(visit("long/#counting-simply--shallow", page.context), "shallow")
    is_at(visit("long/", page.context), "deep")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "name", ["Long", "Why Looking", "After Looking", "Why Mixing", "After Mixing", "After Checking", "End"]
)
def test_no_jump(visit: Open, width: int, name: str) -> None:
    """A heading that both depths have stays where it is, there and back."""
    page = visit("long/?depth=deep", viewport={"width": width, "height": 700})
    heading(page, name).evaluate("each => scrollTo(0, each.getBoundingClientRect().top + scrollY - 150)")
    before = heading(page, name).bounding_box()
    for depth in ("shallow", "deep"):
        page.keyboard.press("d")
        is_at(page, depth)
        page.wait_for_timeout(100)
        after = heading(page, name).bounding_box()
        assert before is not None
        assert after is not None
        assert abs(after["y"] - before["y"]) <= 4


def test_no_jump_where_a_heading_is_of_one_depth(visit: Open) -> None:
    """The nearest shared element stays."""
    page = visit("long/?depth=deep")
    heading(page, "Mixing in full").evaluate("each => scrollTo(0, each.getBoundingClientRect().top + scrollY - 200)")
    nearest = page.locator("[data-fathom-tabs]").nth(2)
    before = nearest.bounding_box()
    page.keyboard.press("d")
    is_at(page, "shallow")
    after = nearest.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) <= 4


def test_links_open_what_they_point_to(visit: Open) -> None:
    """From another page, on the page, from a footnote, and back."""
    page = visit("")
    page.get_by_role("link", name="A part").click()
    is_at(page, "deep")
    in_view(heading(page, "Gradients"))
    page = visit("long/")
    page.evaluate("location.hash = 'fnref:1'")
    in_view(page.locator("[id='fnref:1']"))
    expect(page.locator("[id='fnref:1']")).to_be_visible()
    expect(heading(page, "Counting simply")).to_be_visible()
    is_at(visit("long/#fnref:1"), "deep")


def test_the_browser_finds_what_is_hidden(visit: Open) -> None:
    """What the browser's own search meets in a hidden panel is opened in place."""
    page = visit("long/")
    panel = page.locator(".tabbed-block[data-fathom-depth=deep]").last
    page.evaluate("location.hash = ':~:text=xylophones'")
    page.wait_for_function("document.querySelectorAll('.tabbed-block[hidden=until-found]').length >= 5")
    text = page.locator(".tabbed-block", has=page.get_by_text("xylophones")).first
    text.evaluate("each => each.dispatchEvent(new Event('beforematch', { bubbles: true }))")
    expect(text).to_be_visible()
    expect(choice(page, "Shallow")).to_be_checked()
    assert panel.count() == 1


def test_contents(visit: Open) -> None:
    """The headings of this depth; deeper ones wait with their depth's name; shallower ones are left out."""
    page = visit("long/")
    links = page.locator(".md-sidebar--secondary .md-nav__link:visible")

    def listed() -> list[str]:
        return [re.sub(r"\s+", " ", text).strip() for text in links.all_inner_texts()]

    assert listed()[:5] == [
        "Counting simply",
        "Why Counting",
        "Counting in full Deep",
        "After Counting",
        "Looking simply",
    ]
    assert "Gradients Deep" in listed()
    page.keyboard.press("d")
    assert listed()[:4] == ["Counting in full", "Why Counting", "After Counting", "Looking in full"]
    assert not [text for text in listed() if "simply" in text or text.endswith("Deep")]
    page.keyboard.press("d")
    page.locator(".md-sidebar--secondary").get_by_role("link", name=re.compile("Gradients")).click()
    in_view(heading(page, "Gradients"))
    assert "Gradients" in listed()
    expect(choice(page, "Shallow")).to_be_checked()


def test_contents_follow_the_reading(visit: Open) -> None:
    """What is marked is the section on the screen, never one that is hidden."""
    page = visit("long/")
    active = page.locator(".md-sidebar--secondary .md-nav__link--active")
    for name in ("After Looking", "Why Mixing", "Counting simply"):
        heading(page, name).evaluate("each => scrollTo(0, each.getBoundingClientRect().top + scrollY - 60)")
        expect(active).to_have_count(1)
        expect(active).to_contain_text(name)


def test_a_teaser_opens_in_place(visit: Open) -> None:
    """One part is opened, the page stays at its depth."""
    page = visit("long/")
    teaser = page.locator(".fathom-teaser:visible")
    expect(teaser).to_have_text("This part is for the Deep reading: Gradients.")
    teaser.get_by_role("link", name="Deep").click()
    expect(heading(page, "Gradients")).to_be_visible()
    expect(choice(page, "Shallow")).to_be_checked()
    expect(heading(page, "Counting simply")).to_be_visible()


def test_search_says_the_depth_and_opens_it(visit: Open) -> None:
    page = visit("")
    query = page.locator("[data-md-component=search-query]")
    query.click()
    query.press_sequentially("xylophones")
    result = page.locator(".md-search-result__link", has_text="Gradients · Deep")
    expect(result).to_be_visible()
    assert "ShallowDeep" not in page.locator(".md-search-result").inner_text()
    result.click()
    is_at(page, "deep")
    in_view(heading(page, "Gradients"))


def test_tabs_for_the_keyboard(visit: Open) -> None:
    """Roles, arrows, Home, End, one stop for Tab, then into the panel."""
    page = visit("long/")
    bar = page.get_by_role("tablist").first
    shallow, deep = bar.get_by_role("tab").all()
    shallow.focus()
    expect(shallow).to_have_attribute("aria-selected", "true")
    for key, chosen in (
        ("ArrowRight", deep),
        ("ArrowRight", shallow),
        ("End", deep),
        ("Home", shallow),
        ("ArrowLeft", deep),
    ):
        page.keyboard.press(key)
        expect(chosen).to_be_focused()
        expect(chosen).to_have_attribute("aria-selected", "true")
        assert bar.locator("[tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    panel = page.locator(":focus")
    expect(panel).to_have_role("tabpanel")
    expect(panel).to_have_accessible_name("Deep")
    expect(choice(page, "Shallow")).to_be_checked()
    for each in (*page.get_by_role("tab").all(), page.locator(".fathom-choice").first, page.locator(".fathom-help")):
        box = each.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24


def test_storage_denied(visit: Open) -> None:
    """All works for the visit: the links carry the depth. No error of ours or of the theme's."""
    page = visit("long/", script=DENIED)
    choice(page, "Deep").check()
    is_at(page, "deep")
    page.locator(".md-footer__link--next").click()
    page.wait_for_url("**/other/**")
    is_at(page, "deep")


def test_several_sites_on_one_origin(visit: Open) -> None:
    """Each remembers for itself."""
    page = visit("long/")
    choice(page, "Deep").check()
    keys = page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('fathom:'))")
    assert keys == ["fathom:/"]


def test_paper(visit: Open) -> None:
    """All depths, each under its name; with `?print=deep` that one alone, without names."""
    page = visit("long/")
    page.emulate_media(media="print")
    for name in ("Counting simply", "Counting in full", "Gradients"):
        expect(page.locator(f"h2:has-text('{name}')")).to_be_visible()
    label = "each => getComputedStyle(each, '::before').content"
    assert page.locator(".tabbed-block[data-fathom-depth=deep]").first.evaluate(label) == '"Deep"'
    page = visit("long/?print=deep")
    page.emulate_media(media="print")
    expect(page.locator("h2:has-text('Counting simply')")).to_be_hidden()
    expect(page.locator("h2:has-text('Gradients')")).to_be_visible()
    assert page.locator(".tabbed-block[data-fathom-depth=deep]").first.evaluate(label) == "none"


@pytest.mark.parametrize("size", ["16px", "32px"], ids=["text", "large text"])
def test_code_out_of_sight_takes_its_room(visit: Open, size: str) -> None:
    """It is neither styled nor laid out before it comes into sight; nothing moves when it does."""
    page = visit("long/?depth=deep", viewport={"width": 360, "height": 640})
    page.add_style_tag(content=f"html {{ font-size: {size}; }}")
    code = page.locator(".tabbed-block .highlight code", has_text="aside")
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    assert code.evaluate("each => getComputedStyle(each).contentVisibility") == "auto"
    assert not code.evaluate("each => each.firstElementChild.checkVisibility({ contentVisibilityAuto: true })")
    height = "each => each.getBoundingClientRect().height"
    away = code.evaluate(height)
    code.scroll_into_view_if_needed()
    expect(code.get_by_text("# aside")).to_be_in_viewport()
    assert code.evaluate("each => each.firstElementChild.checkVisibility({ contentVisibilityAuto: true })")
    assert code.evaluate(height) == pytest.approx(away, abs=0.5)


def test_a_page_of_one_depth_has_no_switch(visit: Open) -> None:
    page = visit("plain/")
    expect(page.locator(".fathom-switch")).to_have_count(0)


def test_nothing_moves_for_who_has_chosen(visit: Open) -> None:
    """A remembered depth is there at the first paint: the page shifts nothing when it has loaded."""
    page = visit("long/")
    choice(page, "Deep").check()
    measure = """
    window.shifts = 0;
    new PerformanceObserver(list => { for (const each of list.getEntries()) window.shifts += each.value; })
      .observe({ type: "layout-shift", buffered: true });
    """
    again = visit("long/", page.context, measure)
    again.wait_for_timeout(500)
    assert again.evaluate("window.shifts") <= 0.02


def test_instant_navigation(chromium: Browser, build_site: Callable[..., Built]) -> None:
    """Pages that the theme puts into place without loading them are made ready as well."""
    built = build_site(files("navigation.instant, navigation.footer"), "mkdocs build")
    assert built.code == 0, built.stderr

    def answer(route: Route) -> None:
        path = built.site / urlsplit(route.request.url).path.lstrip("/")
        route.fulfill(path=path / "index.html" if path.is_dir() else path)

    address = "https://example.org/"  # as the theme compares it with `site_url`
    with chromium.new_context() as context:
        context.route(f"{address}**", answer)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(error.message))
        page.goto(f"{address}other/")
        page.evaluate("window.same = true")
        choice(page, "Deep").check()
        page.locator(".md-footer__link--prev").click()
        expect(page).to_have_title(re.compile("Long"))
        is_at(page, "deep")
        assert page.evaluate("window.same") is True
        page.go_back()
        expect(page).to_have_title(re.compile("Other"))
        is_at(page, "deep")
    assert errors == []
