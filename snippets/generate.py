"""Writing: ask the model for the next token, choose one, append it, ask again."""

from __future__ import annotations

import numpy as np

from .gpt import GPTModel
from .layers import Array, softmax
from .tokenizer import Tokenizer


# --8<-- [start:sample]
def sample(logits: Array, rng: np.random.Generator, temperature: float = 1.0, top_k: int | None = None) -> int:
    """Draw a token from scores (V,). Temperature 0 always takes the best; `top_k` rules out all but the k best."""
    if temperature == 0:
        return int(logits.argmax())
    scores = logits.astype(np.float64) / temperature
    if top_k is not None and top_k < len(scores):
        kth = np.partition(scores, -top_k)[-top_k]
        scores = np.where(scores < kth, -np.inf, scores)
    return int(rng.choice(len(scores), p=softmax(scores)))


# --8<-- [end:sample]


# --8<-- [start:generate]
def generate(
    model: GPTModel,
    tokenizer: Tokenizer,
    prompt: str = "",
    *,
    rng: np.random.Generator,
    max_tokens: int = 100,
    temperature: float = 0.8,
    top_k: int | None = None,
) -> str:
    """The prompt and what the model writes after it, until it marks the end or the limit is reached."""
    tokens = [tokenizer.end, *tokenizer.encode(prompt)]
    for _ in range(max_tokens):
        window = np.array([tokens[-model.context :]])  # (1, T): the model sees no further back than its context
        token = sample(model(window)[0, -1], rng, temperature, top_k)
        if token == tokenizer.end:
            break
        tokens.append(token)
    return tokenizer.decode(tokens)


# --8<-- [end:generate]
