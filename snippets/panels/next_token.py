"""Chapter 5: write token by token, with a GPT and with a bigram model that has read the same tokens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..gpt import GPTModel
from ..layers import Array, cross_entropy, softmax
from ..tokenizer import Tokenizer
from ..weights import describe, pack_model
from .attention import visible
from .panel import Panel, table


def next_token_panel(
    model: GPTModel, tokenizer: Tokenizer, follows: NDArray[np.int64], start: str, shown: int = 5
) -> Panel:
    """What comes next, as a GPT sees it and as counting pairs sees it.

    Args:
        model: The GPT.
        tokenizer: What cuts the texts, for both.
        follows: How often each token came after each other one, (V, V).
        start: The text to begin with; it must fit into the model's context.
        shown: How many tokens the table has.
    """
    tokens = np.array([tokenizer.end, *tokenizer.encode(start)])
    logits = model(tokens[None])[0]  # (T, V)
    surprise = cross_entropy(logits[None, :-1], tokens[None, 1:])[0]
    rows = {i: [[int(j), int(row[j])] for j in np.flatnonzero(row)] for i, row in enumerate(follows) if row.any()}
    begin = {"text": start, "logits": _rounded(logits[-1]), "surprise": round(surprise, 4)}
    data = {**describe(tokenizer), "rows": rows, "context": model.context, "start": begin}
    sides = [_best(tokenizer, p, shown) for p in (softmax(logits[-1]), _shares(follows[tokens[-1]]))]
    lines = [(*left, *right) for left, right in zip(*sides, strict=True)]
    head = ("the GPT expects", "probability", "the bigram model", "probability")
    return Panel(
        "next-token.js", data, table(f"After “{start}”", head, lines), {"weights": pack_model(model, tokenizer)}
    )


def _rounded(logits: Array) -> list[float]:
    values: list[float] = np.round(logits.astype(np.float64), 5).tolist()
    return values


def _shares(counts: NDArray[np.int64]) -> Array:
    shares: Array = counts / max(1, counts.sum())
    return shares


def _best(tokenizer: Tokenizer, p: Array, shown: int) -> list[tuple[str, str]]:
    """The likeliest tokens by name; as many lines as asked for, though there may be fewer tokens."""
    order = [i for i in np.argsort(-p, kind="stable")[:shown].tolist() if p[i] > 0]
    found = [(visible(tokenizer, i), f"{p[i]:.0%}") for i in order]
    return found + [("", "")] * (shown - len(found))
