"""Panels in a site of one's own: a picture that a script takes over, and that stands where none comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from playwright.sync_api import Browser, Request, expect

from tests.browser.conftest import Served, serve
from tests.conftest import Built
from tests.running import cells, region

MODULE = """\
export default async (place, source) => {
  const { word } = await (await fetch(source)).json();
  const button = document.createElement("button");
  button.textContent = word;
  button.addEventListener("click", () => { button.textContent += "!"; });
  place.replaceChildren(button);
};
"""
FAILING = "export default async () => { throw new Error('no luck'); };"
GIVEN = """
class Panel:
    def __init__(self, module, word): self.module, self.word = module, word
    def _repr_mimebundle_(self, **_):
        live = {{"module": f"panels/{{self.module}}.js", "data": {{"word": self.word}}}}
        return {{"application/vnd.fathom.panel+json": live, "text/html": f"<table><td>{{self.word}}</td></table>"}}

Panel("{}", "{}")
"""


def _note(asked: list[str], request: Request) -> None:
    asked.append(request.url)


def panel(module: str, word: str) -> str:
    return cells(GIVEN.format(module, word))


@pytest.fixture(scope="module")
def site(build_site: Callable[..., Built]) -> Iterator[Served]:
    built = build_site(
        {
            "mkdocs.yml": "site_name: A\ntheme: {name: material, font: false, features: [navigation.instant]}\n"
            "site_url: https://site.example/\nplugins: [search, fathom: {content_security_policy: true}]\n",
            "docs/panels/words.js": MODULE,
            "docs/panels/failing.js": FAILING,
            "docs/index.md": "# A\n\n[B](part/b.md)\n\n" + panel("words", "home"),
            "docs/part/b.md": "# B\n\n"
            + panel("words", "below")
            + panel("failing", "failed")
            + panel("gone", "absent"),
            "docs/far.md": "# C\n\n" + "words\n\n" * 200 + panel("words", "far"),
            "docs/deep.md": "# D\n\n" + region("SHALLOW", "1") + region("DEEP", GIVEN.format("words", "deep")),
        },
        "mkdocs build",
    )
    assert built.code == 0, built.stderr
    with serve(built.site) as address:
        yield Served(built, address)


def test_a_panel_takes_over(chromium: Browser, site: Served) -> None:
    """The script gets the numbers of the cell, under the site's policy and wherever the page lies."""
    with chromium.new_context() as context:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(error.message))
        page.goto(f"{site.address}part/b/")
        page.get_by_role("button", name="below").click()
        expect(page.get_by_role("button", name="below!")).to_be_visible()
        # What fails, or is not there, leaves the picture.
        expect(page.get_by_role("cell", name="failed")).to_be_visible()
        expect(page.get_by_role("cell", name="absent")).to_be_visible()
        assert errors == []


def test_only_when_it_comes_near(chromium: Browser, site: Served) -> None:
    """Data that nobody looks at are not fetched: far below, or at another depth."""
    for address, come in (("far/", "scrollTo(0, 1e6)"), ("deep/", "document.querySelector('[value=deep]').click()")):
        with chromium.new_context() as context:
            page = context.new_page()
            asked: list[str] = []
            page.on("request", partial(_note, asked))
            page.goto(site.address + address)
            page.wait_for_timeout(300)
            assert [url for url in asked if "panels/" in url] == []
            page.evaluate(come)
            expect(page.locator("fathom-panel button")).to_be_visible()


def test_without_a_script(chromium: Browser, site: Served) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site.address)
        expect(page.get_by_role("cell", name="home")).to_be_visible()


def test_in_a_notebook(site: Served) -> None:
    """A notebook shows the table; it has no page around it."""
    book = json.loads((site.built.site / "index.ipynb").read_text(encoding="utf-8"))
    data = book["cells"][-1]["outputs"][0]["data"]
    assert "home" in "".join(data["text/html"])
