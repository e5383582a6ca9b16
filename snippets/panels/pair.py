"""Chapter 8: the same rewriting by two networks with a bridge, and by one that sees the whole source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..attention import causal_mask
from ..encoder_decoder import EncoderDecoder
from ..gpt import GPTModel
from ..layers import Array
from ..tokenizer import Tokenizer
from ..weights import describe, pack
from .attention import visible
from .panel import Panel, table

PAIR, PREFIX = "encoder-decoder", "prefix-LM"
Written = tuple[list[int], list[list[float]]]
"""What was written, and for each token of it where the writer looked."""


def pair_panel(
    pair: EncoderDecoder, prefix: GPTModel, tokenizer: Tokenizer, sentence: str, others: Iterable[str] = ()
) -> Panel:
    """A sentence that two kinds of models rewrite, and where they look while they write.

    Args:
        pair: Two networks. What is shown of it is its look across.
        prefix: One network, trained on sources that fill half of its context, with all of them in sight.
        tokenizer: What cuts both the source and what is written.
        sentence: The source to begin with.
        others: Sources to try.
    """
    length = prefix.context // 2  # of a source at most, and of what is written, with the mark at its start
    source = tokenizer.encode(f" {sentence.strip()}")
    found = {
        PAIR: write_pair(pair, tokenizer.end, source, length),
        PREFIX: write_prefix(prefix, tokenizer.end, source, length),
    }
    families = [
        {"name": name, "tokens": tokens, "looks": [[round(weight, 4) for weight in row] for row in looks]}
        for name, (tokens, looks) in found.items()
    ]
    names = [visible(tokenizer, token) for token in range(tokenizer.size)]
    start = {"text": sentence, "source": source, "families": families}
    data = {"start": start, "others": list(others), "length": length, "names": names, **describe(tokenizer)}
    heads = {"n_heads": prefix.n_heads}
    files = {"weights0": pack(pair.parameters(), heads), "weights1": pack(prefix.parameters(), heads)}
    lines = [(name, tokenizer.decode(tokens).strip()) for name, (tokens, _) in found.items()]
    return Panel("pair.js", data, table(f"“{sentence.strip()}”", ("model", "writes"), lines), files)


def write_pair(pair: EncoderDecoder, end: int, source: list[int], length: int) -> Written:
    """Greedily, token by token; for each, the weights over the source, a mean of the first block's heads."""
    written, looks = [end], np.empty((0, 0))
    ids = np.array([source])
    while len(written) < length and (len(written) == 1 or written[-1] != end):
        logits, cache = pair.forward(ids, np.ones(ids.shape, bool), np.array([written]))
        written.append(int(logits[0, -1].argmax()))
        looks = cache[3][0][1].attended.weights[0].mean(axis=0)  # (T, S)
    return written[1:], looks.tolist()


def write_prefix(model: GPTModel, end: int, source: list[int], length: int) -> Written:
    """The same; the weights are over the source, what fills it up, the mark at the start, and what is written."""
    row = [*source, *[end] * (length - len(source)), end]
    looks: list[Any] = []
    while len(row) < 2 * length and (len(row) == length + 1 or row[-1] != end):
        mask = np.where(np.arange(len(row)) < length, 0, causal_mask(len(row)))
        h, cache = model.body(np.array([row]), mask)
        weights: Array = cache.blocks[0].attention.attended.weights[0, :, -1].mean(axis=0)  # (T)
        looks.append([*weights[: len(source)], weights[len(source) : length].sum(), *weights[length:]])
        row.append(int((h[0, -1] @ model.head_w).argmax()))
    return row[length + 1 :], [[float(weight) for weight in each] for each in looks]
