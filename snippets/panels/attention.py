"""Chapter 3, and wherever a model attends: who looks at whom in a text of the reader's own, in every layer and head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..attention import attention, causal_mask
from ..gpt import GPTModel
from ..layers import Array, softmax
from ..params import flatten
from ..tokenizer import Tokenizer
from ..weights import pack, pack_model
from .panel import Panel, table

NAMED = 5
"""How many words that may come next the panel begins with."""


def attention_panel(model: GPTModel, tokenizer: Tokenizer, text: str) -> Panel:
    """Where a GPT looks.

    Args:
        model: What looks.
        tokenizer: What cuts the texts.
        text: The one to begin with; it must fit into the model's context.
    """
    tokens = [tokenizer.end, *tokenizer.encode(text)]
    h, cache = model.body(np.array([tokens]))
    p = softmax(h[0, -1] @ model.head_w)
    found = [block.attention.attended.weights[0] for block in cache.blocks]
    words = ["(start)", *(visible(tokenizer, token) for token in tokens[1:])]
    best = [(visible(tokenizer, i), p[i]) for i in np.argsort(-p)[:NAMED].tolist()]
    start = _start(text, words, found, best)
    data = {"kind": "gpt", "heads": model.n_heads, "layers": len(found), "start": start}
    return Panel("attention.js", data, _table(words, found), {"weights": pack_model(model, tokenizer)})


def word_attention_panel(
    p: Mapping[str, Any], words: Sequence[str], text: str, others: Iterable[str] = (), n_heads: int = 1
) -> Panel:
    """Where Chapter 3's model looks, which is attention and embeddings of whole words.

    Args:
        p: The parameters: `word`, `position`, `head`, and `layers`, each with `qkv` and `out`.
        words: The words that it knows, in their order; the first one begins every sentence.
        text: The sentence to begin with, without that mark.
        others: Sentences to try.
        n_heads: How many heads each layer has.
    """
    tokens = [0, *(words.index(word) for word in text.split())]
    found, p_next = _look(p, tokens, n_heads)
    best = [(words[i], p_next[i]) for i in np.argsort(-p_next)[:NAMED].tolist()]
    start = _start(text, [words[token] for token in tokens], found, best)
    sizes = {"kind": "words", "heads": n_heads, "layers": len(found)}
    data = {**sizes, "start": start, "known": list(words[1:]), "others": list(others)}
    weights = pack(flatten("p", p), {"words": list(words), "heads": n_heads}, "float32")
    return Panel("attention.js", data, _table(start["words"], found), {"weights": weights})


def _look(p: Mapping[str, Any], tokens: Sequence[int], n_heads: int) -> tuple[list[Array], Array]:
    """The weights of each layer (H, T, T), and how probable each word is after the last one."""
    x = p["word"][np.array([tokens])] + p["position"][: len(tokens)]  # (1, T, D)
    weights = []
    for layer in p["layers"].values():
        found, cache = attention(x, layer, n_heads, causal_mask(len(tokens)))
        x = x + found
        weights.append(cache.attended.weights[0])
    return weights, softmax(x[0, -1] @ p["head"])


def _start(text: str, words: list[str], found: list[Array], best: list[tuple[str, Any]]) -> dict[str, Any]:
    """What the panel shows before any weights have come."""
    attended = [np.round(weights.astype(np.float64).ravel(), 4).tolist() for weights in found]
    following = [{"word": word, "p": round(float(share), 4)} for word, share in best]
    return {"text": text, "words": words, "attention": attended, "next": following}


def _table(words: Sequence[str], found: Sequence[Array]) -> str:
    """Where the last word looks."""
    heads = [
        (f"layer {i}" if len(weights) == 1 else f"layer {i}, head {h}", head[-1])
        for i, weights in enumerate(found, 1)
        for h, head in enumerate(weights, 1)
    ]
    lines = [(word, *(f"{row[i]:.2f}" for _, row in heads)) for i, word in enumerate(words)]
    return table(f"Where the last word, “{words[-1]}”, looks", ("word", *(name for name, _ in heads)), lines)


def visible(tokenizer: Tokenizer, token: int) -> str:
    """A token as people can read it: blanks as ␣, and bytes that are no whole character as their numbers."""
    if token == tokenizer.end:
        return "(end)"
    text = tokenizer.decode([token])
    if "\ufffd" in text:
        return " ".join(f"{byte:02x}" for byte in _bytes(tokenizer, token))
    return text.replace(" ", "␣").replace("\n", "↵")


def _bytes(tokenizer: Tokenizer, token: int) -> list[int]:
    """Those of a token, down through its merges."""
    if token < 256:
        return [token]
    return [byte for part in tokenizer.merges[token - 256] for byte in _bytes(tokenizer, part)]
