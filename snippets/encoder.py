"""The encoder: a GPT whose mask hides nothing, and the exercise that it learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .gpt import GPTModel
from .layers import Array, Params, Tokens, cross_entropy, cross_entropy_backward

Places = NDArray[np.bool_]


# --8<-- [start:pad]
def pad(rows: Sequence[Sequence[int]], filler: int, length: int) -> tuple[Tokens, Places]:
    """Rows of tokens -> one array (N, length), filled up behind each row, and where in it there is text.

    Raises:
        ValueError: A row is longer than that.
    """
    if longest := max((len(row) for row in rows if len(row) > length), default=0):
        raise ValueError(f"a row of {longest} tokens does not fit into {length}")
    tokens = np.full((len(rows), length), filler, np.int64)
    for place, row in zip(tokens, rows, strict=True):
        place[: len(row)] = row
    return tokens, np.arange(length) < np.array([[len(row)] for row in rows])


# --8<-- [end:pad]


# --8<-- [start:encoder]
class Encoder(GPTModel):
    """A GPT whose mask hides nothing."""

    def mask(self, t: int, past: int = 0) -> None:
        """Everyone may look at everyone."""


# --8<-- [end:encoder]


# --8<-- [start:corrupt]
def corrupt(
    tokens: Tokens, keep: Places, vocabulary: int, rng: np.random.Generator, share: float = 0.15
) -> tuple[Tokens, Places]:
    """BERT's exercise (Devlin et al., 2019): a damaged copy of the text, and the places to restore.

    Of those, 80 % show the mask, whose number is the first behind the vocabulary, 10 % a random token, 10 % the truth.
    Only places that `keep` (B, T) marks as text are damaged.
    """
    hidden = keep & (rng.random(tokens.shape) < share)
    dice = rng.random(tokens.shape)
    shown = np.where(hidden & (dice < 0.8), vocabulary, tokens)
    return np.where(hidden & (dice >= 0.9), rng.integers(0, vocabulary, tokens.shape), shown), hidden


# --8<-- [end:corrupt]


# --8<-- [start:loss_at]
def loss_at(
    model: GPTModel, inputs: Tokens, targets: Tokens, where: Places, mask: Array | None = None
) -> tuple[float, Params]:
    """The loss and its gradients where an answer is wanted, and only there; all (B, T)."""
    h, cache = model.body(inputs, mask)
    rows = h[where]  # (B, T, D) -> (N, D): the head reads the N wanted places only
    loss, loss_cache = cross_entropy(rows @ model.head_w, targets[where])
    dlogits = cross_entropy_backward(loss_cache)  # (N, V)
    dh = np.zeros_like(h)
    dh[where] = dlogits @ model.head_w.T
    return loss, {"head_w": rows.T @ dlogits, **model.body_backward(dh, cache)}


# --8<-- [end:loss_at]
