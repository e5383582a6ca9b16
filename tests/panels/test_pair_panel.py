"""The panel of the encoder-decoder and the prefix-LM: what they write, and where they look, as in Python."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped, unused-ignore]  # without types
from playwright.sync_api import Page, expect

from snippets.encoder_decoder import EncoderDecoder
from snippets.gpt import GPTModel
from snippets.panels.pair import pair_panel, write_pair, write_prefix
from snippets.tokenizer import Tokenizer
from snippets.weights import pack
from tests.panels.conftest import Run, floats, standing

LENGTH = 14
START = "Lily lost the kite."
TEXTS = (START, "On Sunday, Tom saw a fox.", "Où 🦊?", "a")


def shaken(model: Any) -> Any:
    """Every parameter at work: as it starts, biases are 0."""
    rng = np.random.default_rng(3)
    for array in model.parameters().values():
        array[...] += rng.normal(0, 0.25, array.shape).astype(np.float32)
    return model


@pytest.fixture(scope="module")
def pair(tokenizer: Tokenizer) -> EncoderDecoder:
    size = {"vocab_size": tokenizer.size, "d_model": 16, "n_heads": 2, "context": LENGTH}
    made: EncoderDecoder = shaken(EncoderDecoder(**size, n_layers=2, rng=np.random.default_rng(0)))
    return made


@pytest.fixture(scope="module")
def prefix(tokenizer: Tokenizer) -> GPTModel:
    size = {"vocab_size": tokenizer.size, "d_model": 16, "n_heads": 2, "context": 2 * LENGTH}
    made: GPTModel = shaken(GPTModel(**size, n_layers=2, rng=np.random.default_rng(1)))
    return made


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, pair: EncoderDecoder, prefix: GPTModel, tokenizer: Tokenizer
) -> Iterator[str]:
    panel = pair_panel(pair, prefix, tokenizer, START, TEXTS[1:2])
    with standing(tmp_path_factory.mktemp("pair"), panel) as served:
        yield served


WRITE = """
const { Pair, writePair, writePrefix } = await import(new URL("engine/pair.js", location.href));
const unpacked = (text) => engine.unpack(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const [pair, prefix] = [new Pair(unpacked(given.pair)), new engine.GPT(unpacked(given.prefix))];
return given.sources.map((source) => [
  writePair(pair, given.end, source, given.length), writePrefix(prefix, given.end, source, given.length),
  bytes(pair.forward(pair.remember(source), [given.end, 65, 66]).logits),
]);
"""


def test_like_python(run: Run, pair: EncoderDecoder, prefix: GPTModel, tokenizer: Tokenizer) -> None:
    """Scores of the pair, and for both models: the tokens that are written, and every weight."""
    packed = [base64.b64encode(pack(m.parameters(), {"n_heads": 2}, "float32")).decode() for m in (pair, prefix)]
    sources = [tokenizer.encode(f" {text}")[:LENGTH] for text in TEXTS]
    given: dict[str, Any] = {"pair": packed[0], "prefix": packed[1], "end": tokenizer.end, "length": LENGTH}
    for source, (across, alone, logits) in zip(sources, run(WRITE, sources=sources, **given), strict=True):
        expected, _ = pair.forward(
            np.array([source]), np.ones((1, len(source)), bool), np.array([[tokenizer.end, 65, 66]])
        )
        assert np.abs(floats(logits) - expected[0, -1]).max() < 1e-4
        for found, (tokens, looks) in (
            (across, write_pair(pair, tokenizer.end, source, LENGTH)),
            (alone, write_prefix(prefix, tokenizer.end, source, LENGTH)),
        ):
            assert found["tokens"] == tokens
            for row, weights in zip(found["looks"], looks, strict=True):
                assert row == pytest.approx(weights, abs=1e-4)
                assert sum(row) == pytest.approx(1, abs=1e-4)


def test_own_sentence(page: Page, tokenizer: Tokenizer) -> None:
    """The chosen model writes; the other waits to be chosen; begun again, all is as it was."""
    outputs = page.locator(".panel-written")
    before = outputs.all_text_contents()
    page.get_by_role("button", name="Another sentence").click()
    expect(page.get_by_role("status").filter(has_text="The encoder-decoder writes:")).to_be_visible()
    expect(outputs.nth(1)).to_have_text("(choose it, and it writes)")
    source = tokenizer.encode(f" {TEXTS[1]}")[:LENGTH]
    expect(page.locator(".panel-map thead th")).to_have_count(len(source))
    page.get_by_label("prefix-LM").check()
    expect(outputs.nth(1)).not_to_have_text("(choose it, and it writes)")
    written = page.locator(".panel-map tbody tr").count()
    expect(page.locator(".panel-map thead th")).to_have_count(len(source) + 1 + written)
    page.get_by_label("A sentence to turn round:").fill("x <img src=x onerror=alert(1)>" * 4000)
    expect(page.get_by_text("leave out the last")).to_be_visible()
    page.get_by_label("A sentence to turn round:").fill("")
    expect(page.get_by_text("leave out the last")).not_to_be_visible()
    assert page.locator("img").count() == 0
    page.get_by_role("button", name="Start again").click()
    assert outputs.all_text_contents() == before


def test_offline(page: Page) -> None:
    """Where weights do not come, it says so, and what stands remains."""
    page.route("**/*.bin", lambda route: route.abort())
    before = page.locator(".panel-written").all_text_contents()
    page.get_by_label("A sentence to turn round:").fill("Tom lost a bell.")
    expect(page.get_by_text("Are you offline?")).to_be_visible()
    assert page.locator(".panel-written").all_text_contents() == before


@pytest.mark.parametrize("kind", ["encoder-decoder", "prefix-LM"])
def test_axe(page: Page, kind: str) -> None:
    page.locator(f"input[value={kind}]").check()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
