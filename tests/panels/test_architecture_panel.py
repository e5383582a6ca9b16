"""The diagram of the model: drawn from it, with NumPy's shapes and numbers for whatever the reader types."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped, unused-ignore]  # without types
from playwright.sync_api import Locator, Page, Route, expect

from snippets.corpus import reading
from snippets.gpt import GPTModel
from snippets.panels.architecture import architecture_panel
from snippets.panels.architecture_numbers import numbers
from snippets.panels.architecture_parts import parts, shape
from snippets.panels.panel import Panel
from snippets.tokenizer import Tokenizer
from tests.panels.conftest import new_model, standing

START = "Lily met a fox in the forest."
ROOT = Path(__file__).parents[2]
ASK = """async (texts) => {
  const at = (path, base = location.href) => new URL(path, base);
  const place = document.querySelector("fathom-panel");
  const source = at(place.dataset.source);
  const { ask } = await import(at("assets/panels/engine.js"));
  const { weights } = await (await fetch(source)).json();
  const found = [];
  for (const text of texts) {
    const { at: each, ...others } = panel.digest(await ask("lens", { url: at(weights, source).href, text }));
    found.push({ ...others, at: others.tokens.map((_, t) => each(t)) });
  }
  return found;
}"""


@pytest.fixture(scope="module")
def panel(model: GPTModel, tokenizer: Tokenizer) -> Panel:
    return architecture_panel(model, tokenizer, START, "float32")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, panel: Panel) -> Iterator[str]:
    with standing(tmp_path_factory.mktemp("architecture"), panel) as served:
        yield served


def part(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=re.compile(f"^{name}"))


def opened(page: Page, name: str, view: str) -> Locator:
    """What a part says of itself, in one of the views."""
    button = part(page, name)
    if button.get_attribute("aria-expanded") == "false":
        button.click()
    page.get_by_role("button", name=view, exact=True).click()
    return page.locator(".panel-detail")


def shapes(page: Page) -> list[str]:
    return [text.removeprefix("→ ") for text in page.locator(".panel-part-shape").all_inner_texts()]


def typed(page: Page, text: str, length: int) -> None:
    """Type a text, and wait until the diagram is that of it."""
    page.get_by_label("Your text:").fill(text)
    expect(page.locator(".panel-hint")).to_contain_text(f"T = {length} token")


@pytest.mark.parametrize("t", [1, 9, 80])
def test_shapes_are_those_of_the_arrays(model: GPTModel, t: int) -> None:
    """What the diagram says of every step is what NumPy computes on the way."""
    tokens = np.arange(t)[None]
    logits, (h, cache) = model.forward(tokens)
    embedded = model.token_emb[tokens]
    expected: dict[str, list[Any]] = {
        "Tokens": [tokens],
        "Token embedding": [embedded],
        "Last norm": [h],
        "Head": [logits, logits],
    }
    expected["Position embedding"] = [model.position_emb[:t], embedded + model.position_emb[:t]]
    for i, block in enumerate(cache.blocks, 1):
        qkv, attended, (joined, _) = block.attention
        q, k, v, weights = attended
        assert q.shape == k.shape == v.shape
        expected[f"Block {i}: attention"] = [np.concatenate([qkv[0]] * 3, -1), q, weights, weights @ v, joined]
        expected[f"Block {i}: MLP"] = [block.down[0], block.norm2[0]]
    for each in parts(model):
        arrays = expected.get(each["name"], [h])  # the stream keeps its shape
        assert [shape(dims, t) for _, _, dims in each["steps"]] == [str(array.shape) for array in arrays], each["name"]
        assert shape(each["shape"], t) in {str(array.shape) for array in arrays}


def test_every_parameter_is_counted_once(panel: Panel, model: GPTModel) -> None:
    arrays = [array for each in panel.data["parts"] for array in each["arrays"]]
    assert len(arrays) == len(model.parameters())
    assert panel.data["total"] == sum(size for _, _, size in arrays) == sum(a.size for a in model.parameters().values())
    assert f"<td>{panel.data['total']:,}</td></tr></tbody>" in panel.static


@pytest.mark.parametrize(("layers", "heads"), [(1, 3), (4, 2)])
def test_it_is_drawn_from_the_model(tokenizer: Tokenizer, layers: int, heads: int) -> None:
    rng = np.random.default_rng(0)
    other = GPTModel(vocab_size=tokenizer.size, d_model=12, n_heads=heads, n_layers=layers, context=16, rng=rng)
    drawn = architecture_panel(other, tokenizer, START).data["parts"]
    assert [each["name"] for each in drawn if each["kind"] == "mlp"] == [f"Block {i + 1}: MLP" for i in range(layers)]
    assert [each["place"] for each in drawn if each["kind"] == "stream"] == list(range(2 * layers + 1))
    assert all(f"{heads} heads" in each["does"] for each in drawn if each["kind"] == "attention")


def near(found: Any, expected: Any) -> bool:
    return bool(np.abs(np.array(found, float) - np.array(expected, float)).max() < 1e-4)


def alike(found: list[list[float]], expected: list[tuple[int, float]]) -> bool:
    """The same places and values; of two values that are as good as equal, either may come first."""
    pairs = zip(found, expected, strict=True)
    return all(abs(p - q) < (1e-4 if here == there else 2e-6) for (here, p), (there, q) in pairs)


def test_numbers_are_those_of_numpy(page: Page, model: GPTModel, tokenizer: Tokenizer) -> None:
    """The stream, who looks where, the units that wake, and what the head would read: at every token of some texts."""
    texts = [
        "",
        "a",
        "Le café 子狐",
        *(text[: 20 + 90 * i] for i, text in enumerate(reading(4, np.random.default_rng(4)))),
    ]
    for text, found in zip(texts, page.evaluate(ASK, texts), strict=True):
        expected = numbers(model, [tokenizer.end, *tokenizer.encode(text)][-model.context :])
        assert found["tokens"] == expected["tokens"]
        assert near(found["sizes"], expected["sizes"])
        for mine, theirs in zip(found["at"], expected["at"], strict=True):
            assert near(mine["wrote"], theirs["wrote"])
            for block, blocks in zip(mine["looks"], theirs["looks"], strict=True):
                assert all(map(alike, block, blocks))
            assert np.abs(np.subtract(mine["awake"], theirs["awake"])).max() <= 1 / 256  # one may stand at zero
            for here, there in zip(mine["lens"], theirs["lens"], strict=True):
                assert alike(here["best"], there["best"])
                assert here["came"] == pytest.approx(there["came"], abs=1e-4)


def test_the_numbers_begin_and_end_as_the_model(model: GPTModel, tokenizer: Tokenizer) -> None:
    """What Python says of the inside fits what the model says at its end."""
    tokens = [tokenizer.end, *tokenizer.encode(START)]
    found = numbers(model, tokens)
    logits = model(np.array([tokens]))[0].astype(float)
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    for t, at in enumerate(found["at"]):
        assert at["lens"][-1]["best"][0] == (logits[t].argmax(), pytest.approx(chances[t].max(), abs=1e-5))
        assert all(place <= t for block in at["looks"] for head in block for place, _ in head)
    assert near(found["sizes"][0], np.linalg.norm(model.token_emb[tokens] + model.position_emb[: len(tokens)], axis=1))


def test_the_text_changes_every_shape(page: Page, model: GPTModel, tokenizer: Tokenizer) -> None:
    """Nothing is fetched before something is typed; then all arrows carry the new number of tokens."""
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if request.url.endswith(".bin") else None)
    for text in (START, "A fox.", "", "<img src=x onerror=alert(1)>"):
        length = 1 + len(tokenizer.encode(text))
        assert bool(fetched) == (text not in {START, "A fox."})
        typed(page, text, length)
        assert shapes(page) == [shape(each["shape"], length) for each in parts(model)]
        assert page.get_by_role("radio").count() == length
    assert page.locator("img").count() == 0
    assert len(fetched) == 1
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_label("Your text:")).to_have_value(START)
    assert page.get_by_role("radio").count() == 1 + len(tokenizer.encode(START))


def test_the_lens_at_a_token(page: Page, model: GPTModel, tokenizer: Tokenizer) -> None:
    """The arrow keys move from token to token; the lens is that of the chosen one, and says what came."""
    tokens = [tokenizer.end, *tokenizer.encode(START)]
    page.get_by_role("radio").last.focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio").nth(len(tokens) - 3)).to_be_focused()
    at = numbers(model, tokens)["at"][-3]
    for name, place in (("Stream after attention 1", 1), ("Stream after block 2", 4), ("Head", 4)):
        detail = opened(page, name, "Numbers")
        best = at["lens"][place]["best"]
        percents = [
            float(text.split()[0]) for text in detail.locator(".panel-lens > li > :last-child").all_inner_texts()
        ]
        assert np.allclose(percents, [100 * p for _, p in best], atol=0.5)
        came = "came" if tokens[-2] in dict(best) else "What came, "
        expect(detail).to_contain_text(came)
    detail = opened(page, "Block 2: MLP", "Numbers")
    expect(detail).to_contain_text(f"{round(256 * at['awake'][1])} of 256 units are awake")
    expect(detail).to_contain_text(f"add a vector of length {at['wrote'][3]:.1f}")


def test_code_is_the_file(page: Page, model: GPTModel) -> None:
    """Each part shows functions of the library, as they stand in their files."""
    page.get_by_role("button", name="Code", exact=True).click()
    for each in {each["kind"]: each for each in parts(model)}.values():
        if part(page, each["name"]).get_attribute("aria-expanded") == "false":
            part(page, each["name"]).click()
        blocks = page.locator(".panel-detail pre").all_text_contents()
        assert len(blocks) == len(each["code"])
        for text, function in zip(blocks, each["code"], strict=True):
            file = Path(inspect.getsourcefile(function) or "")
            label = page.get_by_role("group", name=f"{file.relative_to(ROOT).as_posix()}, line ").first
            assert label.is_visible()
            source = file.read_text(encoding="utf-8")
            assert text in source or textwrap.indent(text, "    ") in source


def test_parts_open_and_close(page: Page) -> None:
    """By keyboard, one at a time, with what a part says right behind it, and the focus where it was."""
    head, mlp = part(page, "Head"), part(page, "Block 1: MLP")
    expect(head).to_have_attribute("aria-expanded", "true")
    mlp.press("Enter")
    expect(mlp).to_be_focused()
    expect(head).to_have_attribute("aria-expanded", "false")
    assert page.locator(".panel-part-mlp + .panel-detail").count() == 1
    mlp.press("Space")
    expect(page.locator(".panel-detail")).to_have_count(0)
    expect(mlp).to_be_focused()


def test_a_long_text(page: Page, model: GPTModel) -> None:
    """Of 100 KB, the model sees as much as its context holds, and the panel says so."""
    typed(page, "the fox " * 12_800, model.context)
    expect(page.get_by_text(f"The model sees the last {model.context} tokens")).to_be_visible()
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_text("The model sees the last")).to_have_count(0)


def test_weights_that_do_not_come(page: Page, tokenizer: Tokenizer) -> None:
    """The panel keeps the numbers it has and says why; another try brings the new ones."""

    def refuse(route: Route) -> None:
        route.abort()

    page.context.route("**/*.bin", refuse)
    before = shapes(page)
    page.get_by_label("Your text:").fill("A fox.")
    expect(page.get_by_text("Are you offline?")).to_be_visible()
    assert shapes(page) == before
    page.context.unroute("**/*.bin", refuse)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".panel-hint")).to_contain_text(f"T = {1 + len(tokenizer.encode('A fox.'))} tokens")


@pytest.mark.parametrize(
    ("width", "states"),
    [
        (360, [("Stream after block 1", "Numbers"), ("Block 1: attention", "Code")]),
        (1280, [("Block 1: attention", "Numbers"), ("Block 2: MLP", "Shapes")]),
    ],
)
def test_axe(page: Page, width: int, states: list[tuple[str, str]]) -> None:
    """In every view, and nothing is wider than the page."""
    page.set_viewport_size({"width": width, "height": 800})
    for name, view in states:
        opened(page, name, view)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_start_that_is_too_long(tokenizer: Tokenizer) -> None:
    """A text that does not fit into the context is shown from its end."""
    small = new_model(tokenizer.size, context=8)
    assert len(architecture_panel(small, tokenizer, START * 3).data["numbers"]["tokens"]) == 8
