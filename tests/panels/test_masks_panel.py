"""The panel of masks: what models that see differently expect in a gap, as Python computes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped, unused-ignore]  # without types
from playwright.sync_api import Page, expect

from snippets.attention import padding_mask
from snippets.encoder import Encoder, pad
from snippets.gpt import GPTModel
from snippets.layers import softmax
from snippets.panels.masks import masks_panel
from snippets.panels.panel import Panel
from snippets.tokenizer import Tokenizer
from snippets.weights import pack_model
from tests.panels.conftest import Run, floats, standing

CONTEXT = 18
START = "Lily ___ a blue kite near the mill."
SENTENCES = (
    START,
    "___ met a fox.",
    "Then Tom ___",
    "___",
    "Où est ___ 🦊?",
    "The fox was so kind ___ it ran to the mill.",
)


def new_model(kind: type[GPTModel], tokenizer: Tokenizer) -> GPTModel:
    """With a row for the mask token, and every parameter at work."""
    rng = np.random.default_rng(0)
    model = kind(vocab_size=tokenizer.size + 1, d_model=16, n_heads=2, n_layers=1, context=CONTEXT, rng=rng)
    model.load({name: array + rng.normal(0, 0.3, array.shape) for name, array in model.parameters().items()})
    return model


@pytest.fixture(scope="module")
def models(tokenizer: Tokenizer) -> dict[str, GPTModel]:
    return {"decoder": new_model(GPTModel, tokenizer), "encoder": new_model(Encoder, tokenizer)}


@pytest.fixture(scope="module")
def panel(models: dict[str, GPTModel], tokenizer: Tokenizer) -> Panel:
    return masks_panel(models, tokenizer, START, ["Tom ___ home."])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, panel: Panel) -> Iterator[str]:
    with standing(tmp_path_factory.mktemp("masks"), panel) as served:
        yield served


def fill_gap(model: GPTModel, tokenizer: Tokenizer, sentence: str) -> tuple[Any, Any]:
    """The chapter's way: all of a sentence, filled up, in which any one token stands in the gap."""
    left, right = f" {sentence}".split(" ___")
    before = tokenizer.encode(left)
    row = [tokenizer.end, *before, 0, *tokenizer.encode(right)]
    tokens, keep = pad([row], tokenizer.end, CONTEXT)
    at = 1 + len(before)
    if isinstance(model, Encoder):
        tokens[0, at] = tokenizer.size
        h, cache = model.body(tokens, padding_mask(keep))
        looks, size = cache.blocks[0].attention.attended.weights[0].mean(axis=0), len(row)
        return looks[:size, :size], h[0, at] @ model.head_w
    h, cache = model.body(tokens)
    return cache.blocks[0].attention.attended.weights[0].mean(axis=0)[:at, :at], h[0, at - 1] @ model.head_w


def test_like_python(run: Run, models: dict[str, GPTModel], tokenizer: Tokenizer, folder: Any) -> None:
    """Weights and scores at the gap are those of the chapter's own function."""
    for kind, model in models.items():
        (folder / f"{kind}.bin").write_bytes(pack_model(model, tokenizer, "float32"))
    found = run(
        """const { sides, expect } = await import(new URL("engine/masks.js", location.href));
           const told = [];
           for (const text of given.texts) for (const kind of ["decoder", "encoder"]) {
             const url = new URL(kind + ".bin", location.href).href;
             const asked = (type, message) => ask(type, { ...message, url });
             const { end } = await asked("load");
             const both = sides(text);
             const tokens = async (side) => (await asked("encode", { text: both[side] })).tokens;
             const given = [end, end + 1, await tokens("left"), await tokens("right")];
             const { looks, logits } = await expect(asked, kind === "encoder", ...given);
             told.push([bytes(looks), bytes(logits)]);
           }
           return told;""",
        texts=SENTENCES,
    )
    expected = [fill_gap(model, tokenizer, text) for text in SENTENCES for model in models.values()]
    for (looks, logits), (where, scores) in zip(found, expected, strict=True):
        assert np.abs(floats(looks) - where.reshape(-1)).max() < 1e-4
        assert np.abs(floats(logits) - scores).max() < 1e-4


def told(page: Page, kind: str) -> list[str]:
    items = page.get_by_role("list", name=f"What the {kind} expects").get_by_role("listitem")
    return [re.sub(r" *\n *", " ", item.text_content() or "") for item in items.all()]


def likeliest(model: GPTModel, tokenizer: Tokenizer, sentence: str) -> str:
    p = softmax(fill_gap(model, tokenizer, sentence)[1])
    text = tokenizer.decode([int(p.argmax())]).strip(" ")
    return text if "\ufffd" not in text else ""


def test_own_sentence(page: Page, models: dict[str, GPTModel], tokenizer: Tokenizer) -> None:
    """Both models answer for the reader's sentence; begun again, all is as it was."""
    before = {kind: told(page, kind) for kind in models}
    for sentence in (START, "Tom lost ___ in the snow."):
        page.get_by_label("A sentence with a gap").fill(sentence)
        page.wait_for_timeout(400)
        for kind, model in models.items():
            assert told(page, kind)[0].startswith(likeliest(model, tokenizer, sentence)), kind
    page.get_by_role("button", name="Another sentence").click()
    expect(page.get_by_label("A sentence with a gap")).to_have_value("Tom ___ home.")
    page.get_by_role("button", name="Start again").click()
    assert {kind: told(page, kind) for kind in models} == before


def test_who_sees_whom(page: Page, models: dict[str, GPTModel], tokenizer: Tokenizer) -> None:
    """The decoder has rows up to the gap and nothing of what follows; the encoder sees all, and hides nothing."""
    left, right = (len(tokenizer.encode(side)) for side in f" {START}".split(" ___"))
    cells = page.locator(".panel-map tbody td")
    size = left + 2 + right
    hidden = page.locator(".panel-map tbody td.hidden")
    page.get_by_label("decoder sees what came before").check()
    expect(cells).to_have_count((left + 1) * size)
    expect(hidden).to_have_count(sum(size - row - 1 for row in range(left + 1)))
    page.get_by_label("encoder sees both sides").check()
    expect(cells).to_have_count(size * size)
    expect(hidden).to_have_count(0)
    expected = fill_gap(models["encoder"], tokenizer, START)[0].reshape(-1)
    assert np.abs(np.array([float(text) for text in cells.all_text_contents()]) - expected).max() < 0.01
    expect(page.locator(".panel-said")).to_contain_text("___ looks")


def test_cut(page: Page, models: dict[str, GPTModel], tokenizer: Tokenizer) -> None:
    """Cut off after the gap, the decoder expects the same as before; the encoder is another matter."""
    decoder = told(page, "decoder")
    page.get_by_role("button", name="Cut off what follows").click()
    expect(page.get_by_label("A sentence with a gap")).to_have_value("Lily ___")
    expect(page.get_by_role("status").filter(has_text="The encoder expects")).to_be_visible()
    assert told(page, "decoder") == decoder
    assert told(page, "encoder")[0].startswith(likeliest(models["encoder"], tokenizer, "Lily ___"))
    expect(page.get_by_role("button", name="Cut off what follows")).to_be_disabled()


@pytest.mark.parametrize(
    ("text", "said"),
    [("the fox " * 12_800, "leave out the last"), ("", "the gap comes last"), ("<img src=x onerror=alert(1)> ___", "")],
)
def test_odd_texts(page: Page, text: str, said: str) -> None:
    """Long, empty, or no sentence at all: it says what it reads."""
    page.get_by_label("A sentence with a gap").fill(text)
    expect(page.locator(".panel-note").first).to_contain_text(said)
    assert page.locator("img").count() == 0
    expect(page.locator(".panel-guesses li")).to_have_count(8)


def test_offline(page: Page) -> None:
    """Where weights do not come, it says so, and what stands remains."""
    page.route("**/*.bin", lambda route: route.abort())
    before = told(page, "encoder")
    page.get_by_label("A sentence with a gap").fill("Tom ___")
    expect(page.get_by_text("Are you offline?").first).to_be_visible()
    assert told(page, "encoder") == before


def test_static(panel: Panel) -> None:
    """Without scripts, a table tells what each expects."""
    assert "<td>encoder</td>" in panel.static
    assert panel.static.count("%") == 8


@pytest.mark.parametrize("kind", ["decoder", "encoder"])
def test_axe(page: Page, kind: str) -> None:
    page.locator(f"input[value={kind}]").check()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
