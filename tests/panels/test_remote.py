"""Weights that come when they are needed: how far they are, why they did not come, another try."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from snippets.gpt import GPTModel
from snippets.panels.panel import Panel
from snippets.tokenizer import Tokenizer
from snippets.weights import pack_model
from tests.panels.conftest import ENGINE, standing

# The least of a panel: a button that asks, and what it was told.
MODULE = """
import { button, fetched, make } from "./elements.js";
import { remote } from "./remote.js";

export default async (place, source) => {
  const { weights, sizes } = await fetched(source);
  const said = make("output");
  const show = async () => {
    try {
      const { tokens } = await model.ask("encode", { text: "the fox" });
      said.textContent = `${tokens.length} tokens`;
    } catch {
      said.textContent = "nothing";
    }
  };
  const model = remote(new URL(weights, source), sizes.weights, show);
  place.replaceChildren(button("Ask", show), said, model.line);
};
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, model: GPTModel, tokenizer: Tokenizer) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("remote")
    panel = Panel("asking.js", {}, "<table></table>", {"weights": pack_model(model, tokenizer)})
    with standing(folder, panel) as served:
        (folder / "assets" / "panels" / "asking.js").write_text(MODULE, encoding="utf-8")
        yield served


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Callable[[], Page]]:
    with chromium.new_context() as context:

        def go() -> Page:
            page = context.new_page()
            page.goto(address)
            page.wait_for_function("window.ready")
            return page

        yield go


def test_fetched_once_and_not_before(visit: Callable[[], Page]) -> None:
    page = visit()
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url) if request.url.endswith(".bin") else None)
    page.wait_for_timeout(300)
    assert asked == []
    for _ in range(3):
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("output")).to_have_text("3 tokens")
    assert len(asked) == 1


def test_a_slow_network(visit: Callable[[], Page]) -> None:
    """What takes long is told, with a bar, and the line is gone when all is there."""
    page = visit()
    held: list[Route] = []
    page.context.route("**/*.bin", lambda route: held.append(route))  # noqa: PLW0108 - Playwright wants its own
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("Fetching the model")).to_be_visible()
    expect(page.get_by_role("progressbar", name="The model's weights")).to_be_visible()
    held[0].continue_()
    expect(page.locator("output")).to_have_text("3 tokens")
    expect(page.get_by_text("Fetching the model")).to_be_hidden()


@pytest.mark.parametrize("fault", ["offline", "gone", "damaged"])
def test_weights_that_do_not_come(visit: Callable[[], Page], fault: str) -> None:
    """The line says why; another try, when all is well again, brings what was asked for."""
    page = visit()

    def answer(route: Route) -> None:
        if fault == "offline":
            route.abort("internetdisconnected")
        elif fault == "gone":
            route.fulfill(status=404, body="")
        else:
            route.fulfill(body=b"\x00" * 50)

    why = {
        "offline": "The model's weights could not be fetched. Are you offline?",
        "gone": "The model's weights could not be fetched: the server answered 404.",
        "damaged": "The weights are damaged",
    }
    page.context.route("**/*.bin", answer)
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text(why[fault])).to_be_visible()
    expect(page.locator("output")).to_have_text("nothing")
    page.context.unroute("**/*.bin")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("output")).to_have_text("3 tokens")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()


def test_no_worker(visit: Callable[[], Page]) -> None:
    """A browser that cannot start the engine says so."""
    page = visit()
    page.context.route("**/worker.js", lambda route: route.abort())
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("The engine could not be started. Are you offline?")).to_be_visible()


def test_the_engine_is_small() -> None:
    """What a panel loads to compute stays within its bounds, compressed."""
    engine = ("gpt.js", "blob.js", "layers.js", "random.js", "tokenizer.js")
    sizes = {file.name: len(gzip.compress(file.read_bytes())) for file in ENGINE.glob("*.js")}
    assert sum(sizes[name] for name in engine) <= 10_240
    assert max(sizes.values()) <= 12_288
