"""What a model computes within itself for a text, at each token, in few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..attention import attention
from ..gpt import GPTModel
from ..layers import Array, gelu, layer_norm, linear, softmax

SHOWN = 5
LOOKS = 3
DIGITS = 6


def numbers(model: GPTModel, tokens: Sequence[int]) -> dict[str, Any]:
    """For every token: how long the stream is, who looks where, how many units wake, what the head would read.

    Returns:
        `tokens`; `sizes`, the length of the stream before the first worker and after each one (places, T); and `at`,
        for each token a dictionary. There, `wrote` is the length of what each worker added, `looks` has for each block
        and head whom it looks at most, `awake` is for each block the share of hidden units that are above zero, and
        `lens` is for each place the likeliest tokens, and the probability of the one that came.
    """
    stream, looked, hidden = walk(model, np.array([tokens]))
    lens = [softmax(layer_norm(x, model.norm)[0] @ model.head_w) for x in stream]  # each (T, V)
    wrote = [np.linalg.norm(after - before, axis=-1) for before, after in pairwise(stream)]
    return {
        "tokens": list(tokens),
        "sizes": [[brief(size) for size in np.linalg.norm(x, axis=-1)] for x in stream],
        "at": [
            {
                "wrote": [brief(length[t]) for length in wrote],
                "looks": [[most(head[t], LOOKS, t + 1) for head in block] for block in looked],
                "awake": [brief((units[t] > 0).mean()) for units in hidden],
                "lens": [
                    {"best": most(chances[t], SHOWN), "came": came and brief(chances[t, came])} for chances in lens
                ],
            }
            for t, came in enumerate([*tokens[1:], None])
        ],
    }


def walk(model: GPTModel, tokens: Array) -> tuple[list[Array], list[Array], list[Array]]:
    """The forward pass of one text, worker by worker.

    Returns:
        The stream before the first worker and after each one (T, D); for each block who looked where (H, T, T), and
        the hidden units behind their gate (T, 4D).
    """
    x = model.token_emb[tokens] + model.position_emb[: tokens.shape[1]]  # (1, T, D)
    stream, looked, units = [x[0]], [], []
    for block in model.blocks:
        a, _ = layer_norm(x, block["attention"]["norm"])
        a, cache = attention(a, block["attention"], model.n_heads, model.mask(tokens.shape[1]))
        x = x + a
        stream.append(x[0])
        m, _ = layer_norm(x, block["mlp"]["norm"])
        m, _ = gelu(linear(m, block["mlp"]["up"])[0])  # (1, T, 4D)
        x = x + linear(m, block["mlp"]["down"])[0]
        stream.append(x[0])
        looked.append(cache.attended.weights[0])
        units.append(m[0])
    return stream, looked, units


def most(values: Array, count: int, among: int | None = None) -> list[tuple[int, float]]:
    """The largest values with their places, largest first."""
    order = np.argsort(-values[:among], kind="stable")[:count]
    return [(int(i), brief(values[i])) for i in order]


def brief(value: float | np.floating[Any]) -> float:
    """As many digits as anybody needs."""
    return float(f"{value:.{DIGITS}g}")
