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


KEEP = np.array([[True, True, True, True], [True, True, False, False]])
MASKS = {
    "none": None,
    "causal": attention.causal_mask(4, dtype=np.float64),
    "padding": attention.padding_mask(KEEP, np.float64),
    "both": attention.causal_mask(4, dtype=np.float64) + attention.padding_mask(KEEP, np.float64),
}
every_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())


@every_mask
@pytest.mark.parametrize("t", [4, 1])
def test_attend(rng: np.random.Generator, t: int, mask: Array | None) -> None:
    q, k, v = rng.normal(size=(2, 3, t, 5)), rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 4, 5))
    mask = None if mask is None else mask[..., -t:, :]  # the last `t` look at all four
    y, cache = attention.attend(q, k, v, mask)
    dy = rng.normal(size=y.shape)

    def loss() -> float:
        return float((dy * attention.attend(q, k, v, mask)[0]).sum())

    for by_hand, x in zip(attention.attend_backward(dy, cache), (q, k, v), strict=True):
        assert error(by_hand, slope(loss, x)) <= TOLERANCE


@every_mask
def test_attention(rng: np.random.Generator, mask: Array | None) -> None:
    p = random_tree({"qkv": params.new_linear(rng, 6, 18), "out": params.new_linear(rng, 6, 6)}, rng)
    x = rng.normal(size=(2, 4, 6))
    assert_pair(lambda x, p: attention.attention(x, p, 2, mask), attention.attention_backward, x, p, rng)


@pytest.mark.parametrize("mask", [None, MASKS["padding"]], ids=["none", "padding"])
def test_cross_attention(rng: np.random.Generator, mask: Array | None) -> None:
    shapes = {"q": (6, 6), "kv": (6, 12), "out": (6, 6)}
    p = random_tree({name: params.new_linear(rng, *shape) for name, shape in shapes.items()}, rng)
    x, memory = rng.normal(size=(2, 3, 6)), rng.normal(size=(2, 4, 6))

    def from_x(x: Array, p: Any) -> Any:
        return attention.cross_attention(x, memory, p, 2, mask)

    def from_memory(memory: Array, p: Any) -> Any:
        return attention.cross_attention(x, memory, p, 2, mask)

    def backward(which: int) -> Callable[..., Any]:
        def chosen(dy: Array, cache: Any) -> tuple[Array, Any]:
            *grads, dp = attention.cross_attention_backward(dy, cache)
            return grads[which], dp

        return chosen

    assert_pair(from_x, backward(0), x, p, rng)
    assert_pair(from_memory, backward(1), memory, p, rng)


@every_mask
def test_block(rng: np.random.Generator, mask: Array | None) -> None:
    p = random_tree(params.new_block(rng, 4, 2), rng)
    x = rng.normal(size=(2, 4, 4))
    assert_pair(lambda x, p: gpt.block_forward(x, p, 2, mask), gpt.block_backward, x, p, rng)


def small_model(rng: np.random.Generator) -> gpt.GPTModel:
    model = gpt.GPTModel(vocab_size=7, d_model=4, n_heads=2, n_layers=2, context=5, rng=rng)
    model.to(np.float64)
    model.load({name: array + rng.normal(0, 0.3, array.shape) for name, array in model.parameters().items()})
    return model


@pytest.mark.parametrize("mask", [None, MASKS["both"], MASKS["padding"]], ids=["its own", "padded", "an encoder's"])
def test_whole_model(rng: np.random.Generator, mask: Array | None) -> None:
    model, tokens, targets = small_model(rng), rng.integers(0, 7, (2, 4)), rng.integers(0, 7, (2, 4))

    def loss() -> float:
        return layers.cross_entropy(model(tokens, mask), targets)[0]

    logits, cache = model.forward(tokens, mask)
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
