"""Chapter 8: the same sentence for models that differ in who may look at whom, and what each of them expects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..gpt import GPTModel
from ..layers import softmax
from ..tokenizer import Tokenizer
from ..weights import pack, pack_model
from .attention import visible
from .panel import Panel, table

GAP = "___"
NAMED = 4
"""How many tokens the panel shows for each model."""


def masks_panel(
    models: Mapping[str, GPTModel], tokenizer: Tokenizer, sentence: str, others: Iterable[str] = ()
) -> Panel:
    """A gap in a sentence, for an encoder to fill with both sides in sight, and for a decoder with the left one.

    Args:
        models: By the name of their kind. An encoder's mask token is the first behind the tokenizer's vocabulary.
        tokenizer: What cuts the sentence.
        sentence: The one to begin with, with `___` in the place of a word; without it the gap comes last.
        others: Sentences to try.
    """
    context = min(model.context for model in models.values())
    left, right = _sides(tokenizer, sentence, context)
    names = [_name(tokenizer, token) for token in (tokenizer.end, *left, tokenizer.size, *right)]
    found = {kind: _expect(model, tokenizer, left, right) for kind, model in models.items()}
    families = [
        {
            "name": kind,
            "full": model.mask(2) is None,
            "looks": np.round(looks.astype(np.float64).ravel(), 4).tolist(),
            "next": [
                {"word": _name(tokenizer, i), "p": round(float(p[i]), 4)} for i in np.argsort(-p)[:NAMED].tolist()
            ],
        }
        for (kind, model), (looks, p) in zip(models.items(), found.values(), strict=True)
    ]
    start = {"text": sentence, "words": names, "at": 1 + len(left), "families": families}
    data = {"start": start, "others": list(others), "gap": tokenizer.size, "context": context}
    lines = [
        (kind, ", ".join(f"{each['word']} {each['p']:.0%}" for each in family["next"]))
        for kind, family in zip(models, families, strict=True)
    ]
    # All share the tokenizer that comes with the first.
    files = {
        f"weights{i}": pack(
            model.parameters(), {"n_heads": model.n_heads, "mask": "full" if family["full"] else "causal"}
        )
        if i
        else pack_model(model, tokenizer)
        for i, (model, family) in enumerate(zip(models.values(), families, strict=True))
    }
    return Panel("masks.js", data, table(f"“{sentence}”", ("model", "expects in the gap"), lines), files)


def _sides(tokenizer: Tokenizer, sentence: str, context: int) -> tuple[list[int], list[int]]:
    """The tokens on both sides of the gap, as many as fit beside it and the mark at the start."""
    left, _, right = sentence.partition(GAP)
    before = tokenizer.encode(f" {left.strip()}" if left.strip() else "")[: context - 2]
    return before, tokenizer.encode(right.rstrip())[: context - 2 - len(before)]


def _expect(model: GPTModel, tokenizer: Tokenizer, left: list[int], right: list[int]) -> tuple[Any, Any]:
    """Who looks where, a mean over the heads of the last block, and how probable each token is in the gap.

    A decoder reads up to the gap, (T, T). An encoder reads all of the sentence, with its mask token in the gap, (S, S).
    """
    tokens = [tokenizer.end, *left]
    if model.mask(2) is None:
        tokens += [tokenizer.size, *right]
    h, cache = model.body(np.array([tokens]))
    return cache.blocks[-1].attention.attended.weights[0].mean(axis=0), softmax(
        h[0, len(left) + (model.mask(2) is None)] @ model.head_w
    )


def _name(tokenizer: Tokenizer, token: int) -> str:
    if token == tokenizer.end:
        return "(start)"
    return GAP if token == tokenizer.size else visible(tokenizer, token).strip("␣") or "␣"
