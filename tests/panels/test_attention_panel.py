"""The panel of attention: who looks at whom in the reader's own sentence, as Python computes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped, unused-ignore]  # without types
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from snippets.attention import attention, causal_mask
from snippets.gpt import GPTModel
from snippets.layers import softmax
from snippets.panels.attention import attention_panel, visible, word_attention_panel
from snippets.panels.panel import Panel
from snippets.params import new_linear
from snippets.tokenizer import Tokenizer
from snippets.weights import pack_model
from tests.panels.conftest import Run, floats, standing

WORDS = (".", "Lily", "Tom", "lost", "found", "a", "the", "red", "blue", "kite", "drum")
TEXT = "Lily lost a red kite Tom found the red"
LIMIT = 1e-4


def new_words(heads: int, d: int = 16, room: int = 10) -> dict[str, Any]:
    """A model like that of the chapter, loud enough that each look is somewhere else."""
    rng = np.random.default_rng(heads)
    word, position, head = (rng.normal(0, 0.8, (n, d)).astype(np.float32) for n in (len(WORDS), room, len(WORDS)))
    layers = {str(i): {"qkv": new_linear(rng, d, 3 * d, 0.4), "out": new_linear(rng, d, d, 0.3)} for i in range(2)}
    for layer in layers.values():
        layer["qkv"]["b"] += rng.normal(0, 0.1, 3 * d).astype(np.float32)
    return {"word": word, "position": position, "head": head.T.copy(), "layers": layers}


def looked(p: dict[str, Any], tokens: list[int], heads: int, hidden: int | None = None) -> tuple[Any, list[Any]]:
    """The chapter's `forward`, for sentences of any length: scores, and the weights of each layer."""
    x, mask, weights = p["word"][[tokens]] + p["position"][: len(tokens)], causal_mask(len(tokens)), []
    if hidden is not None:
        mask[hidden + 1 :, hidden] = -1e9
    for layer in p["layers"].values():
        found, cache = attention(x, layer, heads, mask)
        x = x + found
        weights.append(cache.attended.weights[0])
    return x[0, -1] @ p["head"], weights


PLAIN = new_words(1)
PANEL = word_attention_panel(PLAIN, WORDS, TEXT, ["Tom lost the drum", "Lily found a blue kite"])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standing(tmp_path_factory.mktemp("attention"), PANEL) as served:
        yield served


@pytest.fixture
def opened(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Panel], Page]]:
    """Opens other panels."""
    closing: list[Callable[..., object]] = []

    def open_panel(panel: Panel) -> Page:
        stand = standing(tmp_path_factory.mktemp("panel"), panel)
        page = chromium.new_page()
        closing.extend([page.close, lambda: stand.__exit__(None, None, None)])
        page.goto(stand.__enter__())
        page.wait_for_function("window.ready")
        return page

    yield open_panel
    for close in closing:
        close()


def shown(page: Page) -> NDArray[np.float64]:
    """The weights in the table; where nobody may look there is a cross."""
    texts = page.locator("table.panel-map tbody td").all_text_contents()
    return np.array([0 if text == "×" else float(text) for text in texts])


def close(texts: list[str], expected: list[NDArray[np.float32]]) -> bool:
    return all(
        np.abs(floats(text) - array.reshape(-1)).max() < LIMIT for text, array in zip(texts, expected, strict=True)
    )


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("hidden", [None, 1])
def test_words_like_python(run: Run, opened: Callable[[Panel], Page], heads: int, hidden: int | None) -> None:
    """For sentences of every length: scores and weights of each layer are those of the chapter's formula."""
    p = new_words(heads)
    panel = word_attention_panel(p, WORDS, TEXT, n_heads=heads)
    texts = [[0, *np.random.default_rng(n).integers(1, len(WORDS), n).tolist()] for n in range(1, 10)]
    found = run(
        """const { look } = await import(new URL("engine/attention.js", location.href));
           const packed = engine.unpack(Uint8Array.from(atob(given.weights), (c) => c.charCodeAt(0)).buffer);
           return given.texts.map((tokens) => {
             const { logits, attention } = look(packed, tokens, given.hidden);
             return [bytes(logits), attention.map(bytes)];
           });""",
        weights=panel._repr_mimebundle_()["application/vnd.fathom.panel+json"]["data"]["weights"]["base64"],
        texts=texts,
        hidden=[] if hidden is None else [hidden],
    )
    for tokens, (logits, weights) in zip(texts, found, strict=True):
        scores, layers = looked(p, tokens, heads, hidden)
        assert close([logits, *weights], [scores, *layers])


def test_gpt_like_python(run: Run, model: GPTModel, tokenizer: Tokenizer) -> None:
    """The worker's weights and scores, with and without a hidden word, are Python's."""
    text = "Lily met a fox near the river."
    tokens = [tokenizer.end, *tokenizer.encode(text)]
    found = run(
        """const url = new URL("model.bin", location.href).href;
           return Promise.all([[], [2]].map(async (hidden) => {
             const answer = await ask("attention", { url, text: given.text, hidden });
             return [bytes(answer.logits), ...answer.attention.map(bytes)];
           }));""",
        text=text,
    )
    mask = causal_mask(len(tokens))
    for texts in found:
        h, cache = model.body(np.array([tokens]), mask)
        assert close(texts, [h[0] @ model.head_w, *(block.attention.attended.weights[0] for block in cache.blocks)])
        mask[3:, 2] = -1e9


def test_start(page: Page) -> None:
    """At once it shows Python's weights, follows the last word, and says what comes next."""
    tokens = [0, *(WORDS.index(word) for word in TEXT.split())]
    scores, layers = looked(PLAIN, tokens, 1)
    assert np.abs(shown(page) - layers[1][0].reshape(-1)).max() < 0.006
    page.get_by_label("Layer 1").check()
    assert np.abs(shown(page) - layers[0][0].reshape(-1)).max() < 0.006
    p = softmax(scores)
    expected = f"After “red” the model says {WORDS[p.argmax()]} {p.max():.0%}"
    expect(page.locator(".panel-answer")).to_contain_text(expected.replace("%", " %"))


def test_own_sentence(page: Page) -> None:
    """Other words give other weights; what the model cannot read is said; begun again, all is as it was."""
    before = shown(page)
    page.get_by_label("A sentence:").fill("tom lost the Elephant, blue kite <img src=x onerror=alert(1)>")
    expect(page.get_by_text("does not know them: “Elephant”, “img”, “src” and")).to_be_visible()
    tokens = [0, *(WORDS.index(word) for word in "Tom lost the blue kite".split())]
    assert np.abs(shown(page) - looked(PLAIN, tokens, 1)[1][1].reshape(-1)).max() < 0.006
    page.get_by_label("A sentence:").fill("the kite " * 12_800)
    expect(page.get_by_text("It has places for 9 words")).to_be_visible()
    page.get_by_label("A sentence:").fill("")
    expect(page.locator(".panel-map tbody td")).to_have_count(1)
    page.get_by_role("button", name="Another sentence").click()
    expect(page.get_by_label("A sentence:")).to_have_value("Tom lost the drum")
    page.get_by_role("button", name="Start again").click()
    assert np.array_equal(shown(page), before)
    assert page.locator("img").count() == 0


def test_keys(page: Page) -> None:
    """One cell is within reach of the tab key; arrows move it, and its row is told in words."""
    grid = page.get_by_role("grid", name="Attention weights")
    expect(grid.locator("[tabindex='0']")).to_have_count(1)
    grid.locator("[tabindex='0']").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    weight = looked(PLAIN, [0, *(WORDS.index(word) for word in TEXT.split())], 1)[1][1][0, 8, 1]
    expect(page.locator(".panel-said")).to_contain_text(f"the looks {weight:.2f} at Lily.")
    page.keyboard.press("End")
    expect(page.locator(".panel-said")).to_contain_text("the may not look at red (2).")
    page.keyboard.press("ArrowRight")
    expect(grid.locator("td:focus")).to_have_count(1)
    page.keyboard.press("Control+Home")
    expect(page.locator(".panel-said")).to_have_text("“.” looks 1.00 at “.”.")
    page.get_by_label("A sentence:").fill("Tom")
    expect(grid.locator("[tabindex='0']")).to_have_count(1)


def test_pointing(page: Page) -> None:
    """A pointer follows what it is over, and what was chosen stays chosen."""
    said, cells = page.locator(".panel-said"), page.locator(".panel-map tbody tr")
    before = said.inner_text()
    cells.nth(2).locator("td").nth(1).hover()
    expect(said).to_contain_text(re.compile(r"lost looks \d\.\d\d at Lily"))
    page.get_by_label("A sentence:").hover()
    expect(said).to_have_text(before)
    cells.nth(2).locator("td").nth(1).click()
    page.get_by_label("A sentence:").hover()
    expect(said).to_contain_text("lost looks")


def test_hiding(page: Page) -> None:
    """A word that is hidden is crossed out for all later ones, and the answer is Python's without it."""
    page.locator(".panel-map tbody tr").nth(5).locator("td").nth(4).click()
    page.get_by_role("button", name="Hide “red”").click()
    expect(page.get_by_role("status").filter(has_text="No later word sees “red” now.")).to_be_visible()
    scores, layers = looked(PLAIN, [0, *(WORDS.index(word) for word in TEXT.split())], 1, hidden=4)
    assert np.abs(shown(page) - layers[1][0].reshape(-1)).max() < 0.006
    p = softmax(scores)
    expected = f"After “red” the model says {WORDS[p.argmax()]} {p.max():.0%}"
    expect(page.locator(".panel-answer")).to_contain_text(expected.replace("%", " %"))
    page.get_by_role("button", name="Show “red”").click()
    assert (
        np.abs(
            shown(page) - looked(PLAIN, [0, *(WORDS.index(word) for word in TEXT.split())], 1)[1][1].reshape(-1)
        ).max()
        < 0.006
    )


def test_offline(page: Page) -> None:
    """Where the weights do not come, it says so, what stands remains, and another try is possible."""
    page.route("**/*.bin", lambda route: route.abort())
    before = shown(page)
    page.get_by_label("A sentence:").fill("Tom lost the drum")
    expect(page.get_by_text("Are you offline?")).to_be_visible()
    assert np.array_equal(shown(page), before)
    page.unroute("**/*.bin")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".panel-map tbody tr")).to_have_count(5)


def test_gpt(opened: Callable[[Panel], Page], model: GPTModel, tokenizer: Tokenizer) -> None:
    """A GPT's heads, at the start and for another text, token by token."""
    page = opened(attention_panel(model, tokenizer, "Lily met a fox."))
    for text in ("Lily met a fox.", "Ça va 🦊?"):
        page.get_by_label("A sentence:").fill(text)
        tokens = [tokenizer.end, *tokenizer.encode(text)]
        words = ["(start)", *(visible(tokenizer, token) for token in tokens[1:])]
        expect(page.locator(".panel-map tbody tr")).to_have_count(len(tokens))
        assert [
            re.sub(r" \(\d+\)$", "", side) for side in page.locator(".panel-map tbody th").all_text_contents()
        ] == words
        blocks = model.body(np.array([tokens]))[1].blocks
        for layer, head in ((1, 2), (2, 4)):
            page.get_by_label(f"Layer {layer}, head {head}").check()
            expected = blocks[layer - 1].attention.attended.weights[0, head - 1].reshape(-1)
            assert np.abs(shown(page) - expected).max() < 0.007


def test_static(model: GPTModel, tokenizer: Tokenizer) -> None:
    """Without scripts, a table tells where the last word looks."""
    assert "<th>layer 2</th>" in PANEL.static
    assert "<th>layer 2, head 4</th>" in attention_panel(model, tokenizer, "A fox <b>").static
    assert "<b>" not in attention_panel(model, tokenizer, "A fox <b>").static
    assert PANEL.static.count("<tr>") == 1 + 1 + len(TEXT.split())


def test_rounded(model: GPTModel, tokenizer: Tokenizer) -> None:
    assert attention_panel(model, tokenizer, "A fox").files["weights"] == pack_model(model, tokenizer)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.locator(".panel-map tbody td").nth(4).click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
