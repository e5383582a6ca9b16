"""Every backward pass agrees with central differences, in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snippets import attention, finetune, gpt, layers, params
from snippets.layers import Array, Params

Doubles = NDArray[np.float64]
TOLERANCE = 1e-6


def slope(f: Callable[[], float], x: Array, step: float = 1e-5) -> Array:
    """The gradient of `f` with respect to `x`, measured by moving each element a little both ways."""
    measured = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        kept, values = x[i], []
        for move in (step, -step):
            x[i] = kept + move
            values.append(f())
        x[i] = kept
        measured[i] = (values[0] - values[1]) / (2 * step)
    return measured


def error(by_hand: Any, measured: Array) -> float:
    """The largest difference, relative to the largest slope."""
    assert by_hand.dtype == np.float64
    assert by_hand.shape == measured.shape
    return float(np.abs(by_hand - measured).max() / max(np.abs(measured).max(), 1e-12))


def assert_pair(
    forward: Callable[..., Any], backward: Callable[..., Any], x: Doubles, p: Any, rng: np.random.Generator
) -> None:
    """`backward` gives the slopes of `sum(dy * forward(x, p))` in `x` and in every parameter."""
    y, cache = forward(x, p)
    dy = rng.normal(size=y.shape)
    dx, dp = backward(dy, cache)

    def loss() -> float:
        return float((dy * forward(x, p)[0]).sum())

    assert error(dx, slope(loss, x)) <= TOLERANCE
    flat_p, flat_dp = params.flatten("p", p), params.flatten("p", dp)
    assert flat_dp.keys() == flat_p.keys()
    for name, array in flat_p.items():
        assert error(flat_dp[name], slope(loss, array)) <= TOLERANCE, name


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def random_tree(tree: Any, rng: np.random.Generator) -> Any:
    """Parameters of the same shapes with values large enough for every path to matter."""
    if isinstance(tree, dict):
        return {name: random_tree(value, rng) for name, value in tree.items()}
    return rng.normal(0, 0.5, tree.shape)


def test_linear(rng: np.random.Generator) -> None:
    p = {"w": rng.normal(size=(4, 5)), "b": rng.normal(size=5)}
    assert_pair(layers.linear, layers.linear_backward, rng.normal(size=(2, 3, 4)), p, rng)


def test_layer_norm(rng: np.random.Generator) -> None:
    p = {"gain": rng.normal(size=6), "bias": rng.normal(size=6)}
    assert_pair(layers.layer_norm, layers.layer_norm_backward, rng.normal(2, 3, (2, 3, 6)), p, rng)


def test_gelu(rng: np.random.Generator) -> None:
    def backward(dy: Doubles, cache: Any) -> tuple[Any, Params]:
        return layers.gelu_backward(dy, cache), {}

    assert_pair(lambda x, _: layers.gelu(x), backward, rng.normal(0, 2, (2, 3, 4)), {}, rng)


def test_embedding_sums_over_repeated_tokens(rng: np.random.Generator) -> None:
    tokens, table = np.array([[1, 4, 1], [0, 1, 4]]), rng.normal(size=(6, 3))
    y, cache = layers.embedding(tokens, table)
    dy = rng.normal(size=y.shape)
    measured = slope(lambda: float((dy * table[tokens]).sum()), table)
    assert error(layers.embedding_backward(dy, cache), measured) <= TOLERANCE


def test_cross_entropy(rng: np.random.Generator) -> None:
    logits, targets = rng.normal(0, 3, (2, 3, 7)), np.array([[0, 6, 2], [3, 3, 1]])
    _, cache = layers.cross_entropy(logits, targets)
    measured = slope(lambda: layers.cross_entropy(logits, targets)[0], logits)
    assert error(layers.cross_entropy_backward(cache), measured) <= TOLERANCE


def test_cross_entropy_survives_huge_logits() -> None:
    loss, cache = layers.cross_entropy(np.array([[1e4, -1e4]]), np.array([1]))
    assert loss == pytest.approx(2e4)
    assert np.isfinite(layers.cross_entropy_backward(cache)).all()


def test_attention(rng: np.random.Generator) -> None:
    p = random_tree({"qkv": params.new_linear(rng, 6, 18), "out": params.new_linear(rng, 6, 6)}, rng)
    assert_pair(
        lambda x, p: attention.attention(x, p, 2), attention.attention_backward, rng.normal(size=(2, 4, 6)), p, rng
    )


def test_block(rng: np.random.Generator) -> None:
    p = random_tree(params.new_block(rng, 4, 2), rng)
    assert_pair(lambda x, p: gpt.block_forward(x, p, 2), gpt.block_backward, rng.normal(size=(2, 3, 4)), p, rng)


def small_model(rng: np.random.Generator) -> gpt.GPTModel:
    model = gpt.GPTModel(vocab_size=7, d_model=4, n_heads=2, n_layers=2, context=5, rng=rng)
    model.to(np.float64)
    model.load({name: array + rng.normal(0, 0.3, array.shape) for name, array in model.parameters().items()})
    return model


def test_whole_model(rng: np.random.Generator) -> None:
    model, tokens, targets = small_model(rng), rng.integers(0, 7, (2, 4)), rng.integers(0, 7, (2, 4))

    def loss() -> float:
        return layers.cross_entropy(model(tokens), targets)[0]

    logits, cache = model.forward(tokens)
    grads = model.backward(layers.cross_entropy_backward(layers.cross_entropy(logits, targets)[1]), cache)
    assert grads.keys() == model.parameters().keys()
    for name, array in model.parameters().items():
        assert error(grads[name], slope(loss, array)) <= TOLERANCE, name


@pytest.mark.parametrize(("depth", "arrays"), [(0, 3), (1, 15), (2, 27), (None, 29)])
def test_classifier_at_every_depth(rng: np.random.Generator, depth: int | None, arrays: int) -> None:
    model = small_model(rng)
    model.head_w = rng.normal(size=(4, 2))
    weight = np.array([[0.25, 0.25, 0.25, 0.25, 0], [0.5, 0.5, 0, 0, 0]])
    batch = finetune.Examples(rng.integers(0, 7, (2, 5)), weight, np.array([0, 1]))

    def loss() -> float:
        return layers.cross_entropy(finetune.classify(model, batch), batch.labels)[0]

    grads = finetune.gradients(model, batch, depth)
    assert len(grads) == arrays
    named = model.parameters()
    for name, by_hand in grads.items():
        assert error(by_hand, slope(loss, named[name])) <= TOLERANCE, name
