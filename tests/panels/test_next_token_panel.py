"""The panel of the next token: a GPT and a bigram model, side by side, with Python's numbers."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped, unused-ignore]  # without types
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from snippets.corpus import reading
from snippets.gpt import GPTModel
from snippets.layers import softmax
from snippets.panels.next_token import next_token_panel
from snippets.panels.panel import Panel
from snippets.tokenizer import Tokenizer
from snippets.train import stream, surprises
from tests.panels.conftest import Run, floats, standing

START = " ".join(reading(100, np.random.default_rng(0))[0].split()[:5])  # a text that is counted below
PROMPTS = [
    "",
    *(text[: 7 + 3 * i] for i, text in enumerate(reading(45, np.random.default_rng(3)))),
    "Ünï 🦊",
    "the " * 90,
]
NEXT = """
const { soften } = await import(new URL("engine/bars.js", location.href));
const given_ = await Promise.all(given.prompts.map((text) => ask("attention", { url: "model.bin", text })));
return given_.map(({ logits, tokens }) => {
  const last = logits.subarray(-logits.length / tokens.length);
  const p = new Float32Array(last.length);
  const choices = Array.from(last, (score, token) => ({ score, token }));
  for (const each of soften(choices, given.temperature)) p[each.token] = each.p;
  return bytes(p);
});
"""
SURPRISES = """
const { countedSurprises, surprises } = await import(new URL("engine/next-token.js", location.href));
return await Promise.all(given.texts.map(async (text) => {
  const { logits, tokens } = await ask("attention", { url: "model.bin", text });
  return [surprises(logits, tokens), countedSurprises(given.rows, tokens)];
}));
"""


@pytest.fixture(scope="module")
def follows(tokenizer: Tokenizer) -> NDArray[np.int64]:
    tokens = stream(reading(100, np.random.default_rng(0)), tokenizer)
    counts = np.zeros((tokenizer.size, tokenizer.size), np.int64)
    np.add.at(counts, (tokens[:-1], tokens[1:]), 1)
    return counts


@pytest.fixture(scope="module")
def panel(model: GPTModel, tokenizer: Tokenizer, follows: NDArray[np.int64]) -> Panel:
    return next_token_panel(model, tokenizer, follows, START)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, panel: Panel) -> Iterator[str]:
    with standing(tmp_path_factory.mktemp("next-token"), panel) as served:
        yield served


def bars(page: Page, number: int) -> list[str]:
    return page.locator(".panel-choices").nth(number).get_by_role("button").all_inner_texts()


def percent(p: float) -> str:
    return "< 1 %" if p < 0.005 else f"{np.floor(p * 100 + 0.5):.0f} %"


@pytest.mark.parametrize("temperature", [1.0, 0.2, 2.5])
def test_the_network_expects_what_it_expects_in_python(
    run: Run, model: GPTModel, tokenizer: Tokenizer, temperature: float
) -> None:
    assert len(PROMPTS) >= 45
    for prompt, found in zip(PROMPTS, run(NEXT, prompts=PROMPTS, temperature=temperature), strict=True):
        tokens = [tokenizer.end, *tokenizer.encode(prompt)][-model.context :]
        logits = model(np.array([tokens]))[0, -1].astype(np.float64)
        assert np.abs(floats(found) - softmax(logits / temperature)).max() < 1e-4, prompt


@pytest.mark.parametrize("temperature", [1.0, 0.2, 2.5])
def test_counting_expects_what_it_expects_in_python(
    page: Page, panel: Panel, follows: NDArray[np.int64], temperature: float
) -> None:
    """After every token."""
    found = page.evaluate(
        """async ([rows, size, temperature]) => {
             const { soften } = await import(new URL("assets/panels/bars.js", location.href));
             return Array.from({ length: size }, (_, token) =>
               soften(panel.counted(rows, token), temperature).map(({ token, p }) => [token, p]));
           }""",
        [dict(panel.data["rows"]), len(follows), temperature],
    )
    for counts, row in zip(follows, found, strict=True):
        p = np.zeros(len(counts))
        if row:
            p[[token for token, _ in row]] = [share for _, share in row]
        powers = (counts / max(1, counts.max())) ** (1 / temperature)
        assert np.abs(p - powers / max(1, powers.sum())).max() < 1e-12


def test_surprises(run: Run, panel: Panel, model: GPTModel, tokenizer: Tokenizer, follows: NDArray[np.int64]) -> None:
    """Of every token of some text, as `surprises` of the library has them, and as the counts say."""
    texts = [text for text in reading(20, np.random.default_rng(2)) if len(tokenizer.encode(text)) < model.context]
    assert len(texts) > 5
    found = run(SURPRISES, texts=texts, rows=dict(panel.data["rows"]))
    impossible = 0
    for text, (nats, counted) in zip(texts, found, strict=True):
        assert np.abs(np.array(nats) - surprises(model, [text], tokenizer)[:-1]).max() < 1e-4
        tokens = [tokenizer.end, *tokenizer.encode(text)]
        with np.errstate(divide="ignore"):
            expected = np.log(np.maximum(1, follows[tokens[:-1]].sum(axis=1))) - np.log(
                follows[tokens[:-1], tokens[1:]]
            )
        np.testing.assert_allclose(counted, expected, atol=1e-12)
        impossible += int(np.isinf(expected).sum())
    assert impossible


def test_whole_before_weights_come(page: Page, panel: Panel, model: GPTModel, tokenizer: Tokenizer) -> None:
    """What both expect at the start comes with the data, at any temperature; nothing is fetched for it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    logits = model(np.array([[tokenizer.end, *tokenizer.encode(START)]]))[0, -1].astype(np.float64)
    for temperature in ("1", "0.5"):
        page.get_by_label("Temperature").fill(temperature)
        p = softmax(logits / float(temperature))
        shown = page.locator(".panel-choices").first.locator(".panel-share").all_inner_texts()
        assert shown == [percent(share) for share in np.sort(p)[::-1][:8]]
    assert asked == []
    assert "the GPT expects" in panel.static
    expect(page.get_by_text("Surprise so far").first).to_have_text(
        f"Surprise so far: {panel.data['start']['surprise']:.2f} nats a token."
    )


def test_writing(page: Page, tokenizer: Tokenizer) -> None:
    """A press on either side appends the token to both; what is typed is cut anew; begun again, all is as it was."""
    text = page.get_by_label("A text begins:")
    before = [bars(page, 0), bars(page, 1)]
    first = page.locator(".panel-choices").nth(1).get_by_role("button").first
    word = first.locator(".panel-word").inner_text()
    first.press("Enter")
    expect(text).to_have_value(START + word.replace("␣", " "))
    expect(page.get_by_role("status").last).to_have_text(f"Added: {word}")
    expect(page.locator(".panel-read li").last).to_have_text(word)
    expect(page.locator(".panel-choices").nth(1).get_by_role("button").first).to_be_focused()
    expect(page.locator("[aria-busy]")).to_have_count(0)
    assert bars(page, 0) != before[0]
    text.fill("é")
    tokens = len(tokenizer.encode("é"))
    expect(page.get_by_text(f"sees all {tokens + 1} tokens")).to_be_visible()
    page.get_by_role("button", name="Start again").click()
    assert [bars(page, 0), bars(page, 1)] == before
    expect(text).to_have_value(START)


def test_bytes_and_strange_texts(page: Page, tokenizer: Tokenizer) -> None:
    """Bytes that are no character are told as bytes; markup is text; a pair that was never met is told."""
    text = page.get_by_label("A text begins:")
    text.fill("<img src=x onerror=alert(1)> 👑")
    last = tokenizer.encode("👑")[-1]
    assert last < 256
    expect(page.locator(".panel-read li").last).to_have_text(f"{last:x}")
    expect(page.get_by_text("several of which make one sign")).to_be_visible()
    expect(page.get_by_text("boundless")).to_be_visible()
    expect(page.get_by_text("Nothing ever followed this token")).to_be_visible()
    expect(page.get_by_role("button", name="Draw one with the bigram model")).to_be_disabled()
    expect(page.get_by_role("button", name="Draw one with the GPT")).to_be_enabled()
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("who", ["GPT", "bigram model"])
def test_drawing(page: Page, who: str) -> None:
    """Twenty tokens come; counting draws no pair that was never met; the status tells of them when they are there."""
    possible = re.compile(r"\d nats a token")
    expect(page.get_by_text("Surprise so far").last).to_have_text(possible)
    page.get_by_role("button", name=f"Draw twenty with the {who}").click()
    expect(page.get_by_role("status").last).to_have_text(re.compile("^Drawn: "), timeout=15_000)
    written = page.get_by_label("A text begins:").input_value()
    assert written.startswith(START)
    assert len(written) > len(START)
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    if who == "bigram model":
        expect(page.get_by_text("Surprise so far").last).to_have_text(possible)


def test_stop(page: Page) -> None:
    """Stopped at once, it has drawn one token, and says so; the focus goes to what can be pressed."""
    count = page.locator(".panel-read li").count()
    page.evaluate(
        """() => {
          const find = (name) => [...document.querySelectorAll("button")].find((each) => each.textContent === name);
          document.querySelector("[aria-label='Draw twenty with the bigram model']").click();
          find("Stop").focus();
          find("Stop").click();
        }"""
    )
    expect(page.get_by_role("button", name="Start again")).to_be_focused()
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    expect(page.get_by_role("status").last).to_have_text(re.compile("^Drawn: "))
    page.wait_for_timeout(200)
    assert page.locator(".panel-read li").count() <= count + 1


def test_without_weights(page: Page) -> None:
    """Counting goes on; the line says what is missing, and another try gets it."""
    page.context.route("**/*.bin", lambda route: route.abort())
    text = page.get_by_label("A text begins:")
    text.fill("Once")
    expect(page.get_by_text("Are you offline?")).to_be_visible()
    page.get_by_role("button", name="Draw one with the bigram model").click()
    expect(text).not_to_have_value("Once")
    page.context.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Draw one with the GPT")).to_be_focused()
    expect(page.locator("[aria-busy]")).to_have_count(0)


def test_a_long_text(page: Page) -> None:
    """100 KB do no harm; the GPT sees its window."""
    page.get_by_label("A text begins:").fill("the fox " * 12_800)
    expect(page.get_by_text("sees the last 80 tokens")).to_be_visible()
    expect(page.locator("[aria-busy]")).to_have_count(0)


def test_axe(page: Page) -> None:
    page.get_by_label("A text begins:").fill("Once upon a time")
    expect(page.locator("[aria-busy]")).to_have_count(0)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_speed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """How soon a model of the course's size writes, and how quickly: printed, not judged. Machines differ."""
    body = """
      const timed = async (message) => {
        const start = performance.now();
        let first;
        const update = () => { first ??= performance.now() - start; };
        const asked = { url: "model.bin", text: given.text, seed: 0, ...message };
        const { tokens } = await ask("generate", asked, { update });
        return { first, count: tokens.length, all: performance.now() - start };
      };
      await timed({ most: 40 });
      const { first } = await timed({ most: 1 });
      const { count, all } = await timed({ most: 300 });
      return { first, speed: count / all * 1000 };
    """
    found: dict[str, Any] = run(body, text=START)
    with capsys.disabled():
        sys.stdout.write(f"\nfirst token {found['first']:.0f} ms, {found['speed']:.0f} tokens a second\n")
    assert found["speed"] > 0
