"""The panel of training: the page's own run as NumPy has it, and a run in the browser."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped, unused-ignore]  # without types
from playwright.sync_api import Page, expect

from snippets.corpus import reading
from snippets.generate import generate
from snippets.gpt import GPTModel
from snippets.panels.training import READ, SMALL, training_panel
from snippets.tokenizer import Tokenizer
from snippets.train import pretrain, stream
from tests.panels.conftest import Run, standing

SENTENCE = "Sam lost a red kite."
TEXTS = reading(60, np.random.default_rng(0))
TOKENIZER = Tokenizer.train(TEXTS, 300)
MODEL = GPTModel(vocab_size=300, d_model=16, n_heads=2, n_layers=2, context=24, rng=np.random.default_rng(0))
KEPT: dict[int, dict[str, Any]] = {}


def watch(step: int) -> None:
    KEPT[step] = {name: array.copy() for name, array in MODEL.parameters().items()}


tokens = stream(TEXTS, TOKENIZER)
DICE = np.random.default_rng(0)
HISTORY = pretrain(MODEL, tokens, tokens[::-1], steps=30, every=10, peak=0.02, rng=DICE, watch=watch)
LOSSES = {"text <b>": HISTORY.train, "backwards": HISTORY.validation, "worse": [5.71, 5.9, 7.0, 8.5]}
FULL = training_panel(MODEL, TOKENIZER, KEPT, LOSSES, TEXTS, sentence=SENTENCE)
PANEL = replace(FULL, data={**FULL.data, "small": {**SMALL, "steps": 60}})
TRAIN = "Train a small model here"


def at(step: int) -> GPTModel:
    model = GPTModel(vocab_size=300, d_model=16, n_heads=2, n_layers=2, context=24, rng=np.random.default_rng(1))
    model.load(KEPT[step])
    return model


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standing(tmp_path_factory.mktemp("training"), PANEL) as served:
        yield served


def losses_here(page: Page) -> str:
    return page.locator(".panel-here .panel-losses").inner_text()


def shown(page: Page) -> np.ndarray:
    texts = page.locator("table.panel-map tbody td").all_text_contents()
    return np.array([0 if text == "×" else float(text) for text in texts])


def test_every_step(page: Page) -> None:
    """At each step the losses, the text and the looks are Python's."""
    tokens = np.array([[TOKENIZER.end, *TOKENIZER.encode(SENTENCE)]])
    slider = page.get_by_role("slider", name="Step")
    for i, step in enumerate(HISTORY.steps):
        slider.fill(str(i))
        expect(slider).to_have_attribute("aria-valuetext", f"step {step}")
        for name, curve in LOSSES.items():
            expect(page.locator(".panel-losses").first).to_contain_text(f"“{name}” {curve[i]:.2f}")
        rng = np.random.default_rng(5)
        text = generate(at(step), TOKENIZER, "Once", rng=rng, max_tokens=50, temperature=0.5)
        assert page.locator(".panel-text").first.text_content() == text
        blocks = at(step).body(tokens)[1].blocks
        for layer, head in ((1, 1), (2, 2)):
            page.get_by_label(f"Layer {layer}, head {head}").check()
            assert np.abs(shown(page) - blocks[layer - 1].attention.attended.weights[0, head - 1].ravel()).max() < 0.006


def test_worse_than_guessing(page: Page) -> None:
    """What is above the line of guessing is said to be so, and nothing else."""
    for i in range(len(KEPT)):
        page.get_by_role("slider", name="Step").fill(str(i))
        words = page.locator(".panel-losses").first.inner_text()
        assert words.count("worse than guessing") == sum(curve[i] > np.log(300) + 0.1 for curve in LOSSES.values())


def test_curves(page: Page) -> None:
    """They are drawn where their losses are, by the axis; the dots are on them."""
    page.get_by_role("slider", name="Step").fill("2")
    chart = page.locator(".panel-chart").first
    expect(chart.locator(".mark")).to_have_count(1)
    heights = {
        float(text): line
        for text, line in chart.evaluate(
            """(svg) => [...svg.querySelectorAll(".grid")].map((line) =>
             [line.nextElementSibling.textContent, Number(line.getAttribute("y1"))])"""
        )
    }
    zero, per = heights[0], (heights[0] - heights[8]) / 8
    assert abs((zero - float(chart.locator(".guess").get_attribute("y1") or 0)) / per - np.log(300)) < 0.02
    for kind, curve in enumerate(LOSSES.values()):
        points = chart.locator(f"polyline.kind-{kind}").get_attribute("points") or ""
        found = [(zero - float(point.split(",")[1])) / per for point in points.split()]
        assert np.abs(np.array(found) - np.minimum(curve, 8)).max() < 0.02
        dot = float(chart.locator(f"circle.kind-{kind}").get_attribute("cy") or 0)
        assert abs((zero - dot) / per - curve[2]) < 0.02
    dash = "(line) => getComputedStyle(line).strokeDasharray"
    dashes = {chart.locator(f"polyline.kind-{kind}").evaluate(dash) for kind in range(3)}
    assert len(dashes) == 3


def test_keys_and_pointer(page: Page) -> None:
    """Arrows, buttons and a click into the chart lead to the same steps; the focus is never lost."""
    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "step 10")
    page.get_by_role("button", name="Later").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(slider).to_have_attribute("aria-valuetext", "step 30")
    expect(page.get_by_role("button", name="Later")).to_be_disabled()
    expect(page.get_by_role("button", name="Earlier")).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="after 30 steps")).to_have_count(1)
    page.locator(".panel-chart").first.click(position={"x": 20, "y": 60})
    expect(slider).to_have_attribute("aria-valuetext", "step 0")
    expect(page.get_by_role("button", name="Earlier")).to_be_disabled()


def test_training_here(page: Page) -> None:
    """From the loss of guessing far down; it writes; begun anew, nothing is left. All without a fault."""
    faults = [Axe().run(page)]
    here = page.locator(".panel-here")
    page.get_by_label("0.04", exact=True).check()
    button = here.get_by_role("button").first
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Stop")
    expect(here.locator(".panel-losses")).to_contain_text(" of 60: loss")
    faults.append(Axe().run(page))
    expect(here.locator(".panel-losses")).to_contain_text("Done, 60 steps", timeout=20_000)
    expect(button).to_have_text(TRAIN)
    expect(button).to_be_focused()
    expect(here.get_by_text("What it writes after 60 steps:")).to_be_visible()
    assert (here.locator(".panel-text").text_content() or "").startswith("Once")
    loss = float(re.findall(r"loss ([\d.]+)", losses_here(page))[0])
    assert loss < np.log(300) - 1.5
    expect(page.get_by_role("status").filter(has_text=f"Done, 60 steps: loss {loss:.2f}.")).to_have_count(1)
    page.emulate_media(color_scheme="dark")
    faults.append(Axe().run(page))
    for found in faults:
        assert found.violations_count == 0, found.generate_report()
    here.get_by_role("button", name="Start again").click()
    expect(here.locator(".curve")).to_have_count(0)
    expect(here.locator(".panel-text")).to_be_hidden()


def test_stop(page: Page) -> None:
    """Stop stops, says where, and no step comes after it; another run may begin at once."""
    here = page.locator(".panel-here")
    page.get_by_role("button", name=TRAIN).click()
    expect(here.locator(".panel-losses")).to_contain_text("loss")
    here.get_by_role("button", name="Stop").click()
    words = losses_here(page)
    assert re.match(r"Stopped after \d+ steps: loss \d", words)
    page.wait_for_timeout(300)
    assert losses_here(page) == words
    page.get_by_role("button", name=TRAIN).click()
    expect(here.locator(".panel-losses")).to_contain_text(" of 60: loss")
    here.get_by_role("button", name="Stop").click()
    expect(here.locator(".curve")).to_have_count(1)


@pytest.mark.parametrize("missing", ["first", "second"])
def test_offline(page: Page, missing: str) -> None:
    """Where something does not come, it says so, and trains when asked again."""
    seen: list[str] = []

    def route(route: Any) -> None:
        seen.append(route.request.url)
        if len(set(seen)) == (1 if missing == "first" else 2):
            route.abort()
        else:
            route.continue_()

    page.route("**/*.bin", route)
    page.get_by_role("button", name=TRAIN).click()
    expect(page.locator(".panel-here").get_by_text("Are you offline?").first).to_be_visible()
    page.unroute("**/*.bin")
    page.get_by_role("button", name="Try again" if missing == "first" else TRAIN).click()
    expect(page.locator(".panel-here .panel-losses")).to_contain_text("loss")


def test_nothing_before_the_press(page: Page) -> None:
    """The files come when a reader trains, not before."""
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert not [name for name in loaded if name.endswith((".bin", "worker.js"))]


def test_narrow(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_pure(run: Run) -> None:
    """Looks are unpacked as they were stored, means are of the last losses, and labels do not lie on one another."""
    found = run(
        """const { squares } = await import(new URL("engine/training.js", location.href));
           const { means } = await import(new URL("engine/training-here.js", location.href));
           const { spaced } = await import(new URL("engine/chart.js", location.href));
           return [squares([1000, 250, 750, 1000, 500, 500], 2).map((each) => [...each]), means([4, 2, 9], 2),
                   spaced([10, 40, 12], 12)];"""
    )
    assert found == [[[1, 0, 0.25, 0.75], [1, 0, 0.5, 0.5]], [4, 3, 5.5], [10, 40, 22]]


def test_static_and_files() -> None:
    """Without scripts a table has all losses; texts are those that the page trained on."""
    assert FULL.static.count("<tr>") == 1 + len(KEPT)
    assert f"<td>10</td><td>{HISTORY.train[1]:.2f}</td><td>{HISTORY.validation[1]:.2f}</td><td>5.90</td>" in FULL.static
    assert "<b>" not in FULL.static
    assert json.loads(FULL.files["texts"]) == TEXTS[:READ]
    assert FULL.data["guess"] == round(float(np.log(300)), 4)
    with pytest.raises(ValueError, match="shorter"):
        training_panel(MODEL, TOKENIZER, KEPT, {"short": [1.0]}, TEXTS, sentence=SENTENCE)


def test_the_model_stays() -> None:
    """A page goes on with the model that it has trained."""
    model = at(10)
    training_panel(model, TOKENIZER, KEPT, LOSSES, TEXTS, sentence=SENTENCE)
    assert all(np.array_equal(array, KEPT[10][name]) for name, array in model.parameters().items())


def test_size() -> None:
    """What comes before the press is little, and so is what comes then."""
    assert len(gzip.compress(json.dumps(FULL.data).encode())) < 60_000
    assert len(FULL.files["weights"]) < 20_000
