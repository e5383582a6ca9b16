"""The model computes in the browser what it computes in NumPy: logits, who looked where, the stream, what it writes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snippets.attention import causal_mask, padding_mask
from snippets.corpus import reading
from snippets.encoder import Encoder
from snippets.generate import generate_tokens
from snippets.gpt import GPTModel
from snippets.layers import layer_norm
from snippets.tokenizer import Tokenizer
from snippets.weights import pack_model
from tests.panels.conftest import Run, floats, new_model

FORWARD = """
const { model } = await loaded("model.bin");
const mask = { causal: engine.causal, full: engine.full, prefix: engine.prefix(given.length) }[given.mask];
const { logits, attention, stream, between, hidden } = model.forward(given.tokens, { mask, watch: true });
return [[logits], attention, stream, between, hidden].map((arrays) => arrays.map(bytes));
"""


@pytest.fixture(scope="module")
def prompts(tokenizer: Tokenizer) -> list[list[int]]:
    """The beginnings of 50 texts, of all lengths that fit."""
    texts = reading(50, np.random.default_rng(11))
    return [[tokenizer.end, *tokenizer.encode(text)][: 1 + 79 * i // 49] for i, text in enumerate(texts)]


def close(found: str, expected: NDArray[Any], limit: float) -> bool:
    """Whether what the page computed is no further away than that."""
    return float(np.abs(floats(found) - expected.reshape(-1)).max()) < limit


def test_logits_of_50_prompts(run: Run, model: GPTModel, prompts: list[list[int]]) -> None:
    """Once all at a time, and once token by token with a KV cache; both against the same numbers."""
    body = """
      const { model } = await loaded("model.bin");
      return given.prompts.map((tokens) => {
        const past = model.past();
        const one = tokens.map((token) => model.forward([token], { past }).logits);
        const all = model.forward(tokens).logits;
        const apart = one.map((row, t) => row.map((logit, v) => Math.abs(logit - all[t * row.length + v])));
        return [bytes(all), Math.max(...apart.map((row) => Math.max(...row)))];
      });
    """
    for (logits, apart), prompt in zip(run(body, prompts=prompts), prompts, strict=True):
        expected = model(np.array([prompt]))
        assert np.abs(expected).max() > 1  # not near 0, where any would be close
        assert close(logits, expected, 1e-4)
        assert apart < 1e-4


def test_the_last_logits_alone_after_a_past(run: Run, model: GPTModel, prompts: list[list[int]]) -> None:
    body = """
      const { model } = await loaded("model.bin");
      const past = model.past();
      model.forward(given.tokens.slice(0, 7), { past });
      return bytes(model.forward(given.tokens.slice(7), { past, last: true }).logits);
    """
    assert close(run(body, tokens=prompts[30]), model(np.array([prompts[30]]))[0, -1], 1e-4)


@pytest.mark.parametrize("mask", ["causal", "full", "prefix"])
@pytest.mark.parametrize("number", [0, 20, 49])
def test_who_looked_where_and_the_stream(
    run: Run, model: GPTModel, prompts: list[list[int]], mask: str, number: int
) -> None:
    tokens, length = prompts[number], 5
    n = len(tokens)
    tables = {
        "causal": causal_mask(n),
        "full": np.zeros((n, n), np.float32),
        "prefix": np.where(np.arange(n) < length, 0, causal_mask(n)).astype(np.float32),
    }
    logits, attention, stream, between, hidden = run(FORWARD, tokens=tokens, mask=mask, length=length)
    expected, (_, cache) = model.forward(np.array([tokens]), tables[mask])
    assert close(logits[0], expected, 1e-4)
    for looked, units, block in zip(attention, hidden, cache.blocks, strict=True):
        assert close(looked, block.attention.attended.weights, 1e-5)
        assert close(units, block.down[0], 1e-4)
    centred = [layer_norm(floats(x).reshape(n, 64), {"gain": 1, "bias": 0})[0] for x in [*stream, *between]]  # type: ignore[dict-item]
    before = [*(block.norm1[0] for block in cache.blocks), cache.norm[0]]  # the stream before each block, at the end
    normals = [*before, *(block.norm2[0] for block in cache.blocks)]  # and within each
    for found, normal in zip(centred, normals, strict=True):
        assert np.abs(found - normal).max() < 1e-4


def test_the_lens_at_the_end_is_the_model(run: Run, prompts: list[list[int]]) -> None:
    body = """
      const { model } = await loaded("model.bin");
      const { logits, stream } = model.forward(given.tokens, { watch: true });
      return [logits, model.read(stream.at(-1)), model.read(stream[0])].map(bytes);
    """
    logits, last, first = run(body, tokens=prompts[9])
    assert logits == last != first


def test_padding_is_a_mask_too(run: Run, model: GPTModel, prompts: list[list[int]]) -> None:
    keep = np.arange(len(prompts[20])) < 9
    body = """
      const { model } = await loaded("model.bin");
      return bytes(model.forward(given.tokens, { mask: (query, key) => key < 9 }).logits);
    """
    expected = model(np.array([prompts[20]]), padding_mask(keep[None]))
    assert close(run(body, tokens=prompts[20]), expected, 1e-4)


def test_an_encoder_sees_all(run: Run, folder: Path, tokenizer: Tokenizer, prompts: list[list[int]]) -> None:
    """The mask comes with the weights; so does a token that only the encoder knows."""
    rng = np.random.default_rng(2)
    encoder = Encoder(vocab_size=tokenizer.size + 1, d_model=32, n_heads=2, n_layers=3, context=80, rng=rng)
    encoder.head_w = rng.normal(0, 1, (32, tokenizer.size)).astype(np.float32)
    (folder / "encoder.bin").write_bytes(pack_model(encoder, tokenizer, "float32"))
    tokens = [*prompts[12], tokenizer.size]
    body = 'return bytes((await loaded("encoder.bin")).model.forward(given.tokens).logits);'
    assert close(run(body, tokens=tokens), encoder(np.array([tokens])), 1e-4)


def test_greedy_continuations_are_identical(
    run: Run, model: GPTModel, tokenizer: Tokenizer, prompts: list[list[int]]
) -> None:
    """Beyond the context too, where the window moves on."""
    body = """
      const { model } = await loaded("model.bin");
      const write = async (prompt) => {
        const tokens = [];
        const options = { temperature: 0, most: 120, stop: given.stop };
        for await (const token of engine.generate(model, prompt, options)) tokens.push(token);
        return tokens;
      };
      const written = [];
      for (const prompt of given.prompts) written.push(await write(prompt));
      return written;
    """
    prompts = [*prompts[::5], [*prompts[-1], *prompts[-2]]]
    write = partial(generate_tokens, rng=np.random.default_rng(0), max_tokens=120, temperature=0, stop=tokenizer.end)
    expected = [list(write(model, prompt)) for prompt in prompts]
    assert max(map(len, expected)) == 120
    assert len({token for tokens in expected for token in tokens}) > 20
    assert run(body, prompts=prompts, stop=tokenizer.end) == expected


def test_a_width_that_four_does_not_divide(run: Run, folder: Path, tokenizer: Tokenizer) -> None:
    rng = np.random.default_rng(3)
    odd = GPTModel(vocab_size=tokenizer.size, d_model=27, n_heads=3, n_layers=1, context=12, rng=rng)
    odd.load({name: array + rng.normal(0, 0.3, array.shape) for name, array in odd.parameters().items()})
    (folder / "odd.bin").write_bytes(pack_model(odd, tokenizer, "float32"))
    tokens = rng.integers(0, tokenizer.size, 12).tolist()
    body = 'return bytes((await loaded("odd.bin")).model.forward(given.tokens).logits);'
    assert close(run(body, tokens=tokens), odd(np.array([tokens])), 1e-4)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([], "There are no tokens: pass at least the one that stands between texts."),
        ([1] * 81, "81 tokens do not fit into a context of 80."),
        ([1, 640], "The model knows no token 640."),
    ],
)
def test_what_cannot_be_computed_is_refused(run: Run, tokens: list[int], message: str) -> None:
    body = """
      const { model } = await loaded("model.bin");
      try { model.forward(given.tokens); } catch (error) { return error.message; }
    """
    assert run(body, tokens=tokens) == message


def test_rounded_weights_choose_the_same(
    run: Run, model: GPTModel, tokenizer: Tokenizer, prompts: list[list[int]]
) -> None:
    """What readers fetch takes three quarters of a checkpoint in half precision, and errs about as little."""
    halved = new_model(tokenizer.size)
    halved.load({name: array.astype(np.float16) for name, array in halved.parameters().items()})
    body = """
      const { model } = await loaded("rounded.bin");
      return given.prompts.map((tokens) => bytes(model.forward(tokens, { last: true }).logits));
    """
    exact, half = (np.array([each(np.array([tokens]))[0, -1] for tokens in prompts]) for each in (model, halved))
    found = np.array([floats(logits) for logits in run(body, prompts=prompts)])
    assert np.abs(found - exact).max() < 3 * np.abs(half - exact).max()
    assert (found.argmax(axis=1) == exact.argmax(axis=1)).all()
