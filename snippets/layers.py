"""The small differentiable pieces of a GPT, each as a pure pair of functions.

`forward(x, p) -> (y, cache)` computes; `backward(dy, cache) -> (dx, dp)` turns the gradient of the loss with respect
to the output into the gradients with respect to the input and to the parameters. Nothing is stored anywhere else.
The functions keep the type they are given: float32 to train, float64 to check gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Tokens = NDArray[np.integer[Any]]
Params = dict[str, Array]
Cache = tuple[Any, ...]


# --8<-- [start:embedding]
def embedding(tokens: Tokens, table: Array) -> tuple[Array, Cache]:
    """Row `t` of the table for each token `t`."""
    return table[tokens], (tokens, table)  # (B, T) -> (B, T, D)


def embedding_backward(dy: Array, cache: Cache) -> Array:
    """Each row's gradient is the sum over the places where its token stood."""
    tokens, table = cache
    flat, dy = tokens.reshape(-1), dy.reshape(-1, table.shape[1])
    order = np.argsort(flat, kind="stable")  # equal tokens side by side: one reduceat sums each run
    ids, starts = np.unique(flat[order], return_index=True)
    dtable: Array = np.zeros_like(table)  # (V, D)
    dtable[ids] = np.add.reduceat(dy[order], starts, axis=0)
    return dtable


# --8<-- [end:embedding]


# --8<-- [start:linear]
def linear(x: Array, p: Params) -> tuple[Array, Cache]:
    """Multiply by a matrix and add a bias."""
    return x @ p["w"] + p["b"], (x, p)  # (B, T, D) @ (D, E) -> (B, T, E)


def linear_backward(dy: Array, cache: Cache) -> tuple[Array, Params]:
    """The input's gradient goes back through the matrix; the matrix's is input times gradient."""
    x, p = cache
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])  # (B*T, D), (B*T, E): one row a position
    dx = (drows @ p["w"].T).reshape(x.shape)  # (B*T, E) @ (E, D) -> (B, T, D)
    return dx, {"w": rows.T @ drows, "b": drows.sum(axis=0)}


# --8<-- [end:linear]


# --8<-- [start:layer_norm]
def layer_norm(x: Array, p: Params, eps: float = 1e-5) -> tuple[Array, Cache]:
    """Give every position mean 0 and variance 1 over its features, then scale and shift."""
    centred = x - average(x)  # (B, T, D)
    scale = 1 / np.sqrt(average(centred * centred) + eps)  # (B, T, 1)
    normal = centred * scale
    return normal * p["gain"] + p["bias"], (normal, scale, p)


def layer_norm_backward(dy: Array, cache: Cache) -> tuple[Array, Params]:
    """Take out what a shift or a stretch of the whole position would do: the norm removes both."""
    normal, scale, p = cache
    d = dy * p["gain"]  # (B, T, D)
    mean = average(d)  # (B, T, 1)
    along = average(d * normal)
    axes = tuple(range(dy.ndim - 1))
    return (d - mean - normal * along) * scale, {"gain": (dy * normal).sum(axis=axes), "bias": dy.sum(axis=axes)}


def average(x: Array) -> Array:
    """The mean over the features, as a product with 1/D: quicker than `x.mean` for one position and for many."""
    d = x.shape[-1]
    return x @ np.full((d, 1), 1 / d, x.dtype)  # (B, T, D) @ (D, 1) -> (B, T, 1)


# --8<-- [end:layer_norm]


# --8<-- [start:gelu]
ROOT = float(np.sqrt(2 / np.pi))  # a Python float, so that float32 stays float32


def gelu(x: Array) -> tuple[Array, Cache]:
    """A smooth gate: large inputs pass, very negative ones are silenced."""
    t = np.tanh(ROOT * (x + 0.044715 * (x * x * x)))  # x * x * x: forty times as fast as x**3
    return 0.5 * x * (1 + t), (x, t)


def gelu_backward(dy: Array, cache: Cache) -> Array:
    """The slope of the gate, by the product rule."""
    x, t = cache
    slope = ROOT * (1 + 3 * 0.044715 * (x * x))
    dx: Array = dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)
    return dx


# --8<-- [end:gelu]


# --8<-- [start:softmax]
def softmax(x: Array) -> Array:
    """Scores -> probabilities over the last axis. Subtracting the maximum changes nothing but the overflow."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    p: Array = e / e.sum(axis=-1, keepdims=True)
    return p


# --8<-- [end:softmax]


# --8<-- [start:cross_entropy]
def cross_entropy(logits: Array, targets: Tokens) -> tuple[float, Cache]:
    """How surprised the model is by what came, in nats, on average over all positions."""
    rows = logits.reshape(-1, logits.shape[-1])  # (B, T, V) -> (B*T, V)
    shifted = rows - rows.max(axis=-1, keepdims=True)  # the largest becomes 0: no overflow
    e = np.exp(shifted)
    total = e.sum(axis=-1, keepdims=True)  # (B*T, 1)
    came = np.arange(len(rows)), targets.reshape(-1)
    loss = float((np.log(total[:, 0]) - shifted[came]).mean())  # -log(e / total), but of numbers that cannot be 0
    return loss, (e / total, came, logits.shape)


def cross_entropy_backward(cache: Cache) -> Array:
    """What the model said minus what was true: probabilities, less 1 at the target."""
    p, came, shape = cache
    d = p / len(p)  # of the mean, each row has its share
    d[came] -= 1 / len(p)
    dlogits: Array = d.reshape(shape)
    return dlogits


# --8<-- [end:cross_entropy]
