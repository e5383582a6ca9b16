"""The model is causal, starts from nothing, keeps float32, and can be given another head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from snippets.attention import attention, causal_mask, padding_mask
from snippets.gpt import GPTModel
from snippets.layers import cross_entropy, cross_entropy_backward
from snippets.optim import AdamW, clip
from snippets.params import new_linear

SHAPE = {"vocab_size": 50, "d_model": 16, "n_heads": 2, "n_layers": 2, "context": 12}


class Encoder(GPTModel):
    """A GPT whose mask hides nothing."""

    def mask(self, t: int, past: int = 0) -> None:  # noqa: ARG002  # the signature is that of the model
        return None


def new(seed: int = 0) -> GPTModel:
    return GPTModel(**SHAPE, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("changed", range(1, 12))
def test_a_later_token_changes_no_earlier_logit(changed: int) -> None:
    model, tokens = new(), np.random.default_rng(1).integers(0, 50, (3, 12))
    other = tokens.copy()
    other[:, changed] = (other[:, changed] + 1) % 50
    before, after = model(tokens), model(other)
    assert np.array_equal(before[:, :changed], after[:, :changed])
    assert (before[:, changed:] != after[:, changed:]).any(axis=-1).all()


@pytest.mark.parametrize("length", [1, 2, 7])
def test_causal_masks_agree_with_and_without_a_past(length: int) -> None:
    assert np.array_equal(causal_mask(length, past=12 - length), causal_mask(12)[-length:])
    assert (causal_mask(12) == 0).sum(axis=1).tolist() == list(range(1, 13))


def test_padding_is_not_looked_at() -> None:
    model, rng = Encoder(**SHAPE, rng=np.random.default_rng(0)), np.random.default_rng(1)
    tokens = rng.integers(0, 50, (2, 12))
    keep = np.arange(12) < np.array([[12], [5]])
    other = np.where(keep, tokens, (tokens + 1) % 50)
    seen, moved = (model(ids, mask=padding_mask(keep))[1, :5] for ids in (tokens, other))
    assert np.array_equal(seen, moved)
    assert np.allclose(seen, model(tokens[1:, :5])[0], atol=1e-6)
    assert not np.allclose(seen, model(tokens)[1, :5], atol=1e-6)


def test_without_a_mask_the_model_is_an_encoder() -> None:
    model, tokens = Encoder(**SHAPE, rng=np.random.default_rng(0)), np.arange(12)[None]
    other = tokens.copy()
    other[0, -1] = 40
    assert (model(tokens) != model(other)).any(axis=-1).all()


def test_a_context_that_is_too_short_says_so() -> None:
    with pytest.raises(ValueError, match="13 tokens do not fit into a context of 12"):
        new()(np.zeros((1, 13), int))


def test_attention_weights_are_probabilities_over_the_past() -> None:
    rng = np.random.default_rng(0)
    p = {"qkv": new_linear(rng, 8, 24, 1.0), "out": new_linear(rng, 8, 8)}
    _, cache = attention(rng.normal(size=(2, 6, 8)).astype(np.float32), p, 2, causal_mask(6))
    weights = cache.attended.weights
    assert np.allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert not np.triu(weights, k=1).any()


def test_untrained_loss_is_that_of_guessing() -> None:
    rng = np.random.default_rng(2)
    tokens, targets = rng.integers(0, 50, (2, 8, 12))
    assert cross_entropy(new()(tokens), targets)[0] == pytest.approx(np.log(50), abs=0.05)


def floats(value: Any) -> Iterator[Any]:
    """Every array and every NumPy scalar of a nest of tuples, lists and dictionaries that holds no whole numbers."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from floats(part)
    elif isinstance(value, (np.ndarray, np.generic)) and np.issubdtype(value.dtype, np.inexact):
        yield value


def test_everything_in_a_training_step_is_float32() -> None:
    model, tokens = new(), np.arange(24).reshape(2, 12)
    logits, cache = model.forward(tokens)
    _, loss_cache = cross_entropy(logits, tokens)
    dlogits = cross_entropy_backward(loss_cache)
    grads = model.backward(dlogits, cache)
    length, optimizer = clip(grads, limit=1e-3), AdamW()
    optimizer.step(model.parameters(), grads, lr=1e-2)
    step = list(floats([logits, cache, loss_cache, dlogits, grads, optimizer.mean, optimizer.square]))
    assert length > 1e-3
    assert len(step) > 100
    assert {array.dtype for array in (*step, *model.parameters().values())} == {np.dtype("float32")}
    assert {array.dtype for array in floats(model.forward(tokens)[1])} == {np.dtype("float32")}


def test_replacing_the_head_changes_what_is_predicted() -> None:
    model = GPTModel(vocab_size=1000, d_model=16, n_heads=2, n_layers=1, context=16, rng=np.random.default_rng(0))
    assert model.head_w.shape == (16, 1000)
    model.head_w = np.random.default_rng(0).standard_normal((16, 2))
    assert model(np.zeros((3, 5), int)).shape == (3, 5, 2)
    assert model.parameters()["head_w"] is model.head_w


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="d_model = 16 cannot be cut into 3 equal heads"):
        GPTModel(vocab_size=9, d_model=16, n_heads=3, n_layers=1, context=4, rng=np.random.default_rng(0))


def test_loading_saved_weights_gives_the_same_logits() -> None:
    one, other, tokens = new(0), new(1), np.arange(12)[None]
    assert not np.array_equal(one(tokens), other(tokens))
    other.load(one.parameters())
    assert np.array_equal(one(tokens), other(tokens))
    other.token_emb += 1  # a copy: the first model does not move with the second
    assert not np.array_equal(one(tokens), other(tokens))
