"""Writing: ask the model for the next token, choose one, append it, ask again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .attention import KVCache
from .gpt import GPTModel
from .layers import Array, softmax
from .tokenizer import Tokenizer


# --8<-- [start:sample]
def sample(
    logits: Array, rng: np.random.Generator, temperature: float = 1.0, top_k: int | None = None, top_p: float = 1.0
) -> int:
    """Draw a token from scores (V,).

    Temperature 0 always takes the best. `top_k` keeps the k best; `top_p` keeps the nucleus, the fewest tokens that
    together are that probable (Holtzman et al., 2020).
    """
    check(temperature, top_k, top_p)
    if temperature == 0:
        return int(logits.argmax())
    order = np.argsort(-logits, kind="stable")[:top_k]  # best first
    sums = softmax(logits[order].astype(np.float64) / temperature).cumsum()
    sums = sums[: np.searchsorted(sums, top_p) + 1]  # up to the token with which they reach top_p
    return int(order[np.searchsorted(sums[:-1], rng.random() * sums[-1], side="right")])


# --8<-- [end:sample]


def check(temperature: float, top_k: int | None, top_p: float) -> None:
    """Refuse what cannot be drawn with.

    Raises:
        ValueError: An option is out of its range.
    """
    if not 0 <= temperature < np.inf:
        raise ValueError(f"temperature = {temperature}: pass 0 for the best token, or more for chance")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k = {top_k}: pass how many tokens to choose from, or None for all")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p = {top_p}: pass a probability above 0, or 1 for all tokens")


# --8<-- [start:generate_tokens]
def empty_past(model: GPTModel, batch: int = 1) -> list[KVCache]:
    """A KV cache for each block, with nothing in it yet."""
    d_head = model.token_emb.shape[1] // model.n_heads
    return [KVCache(model.n_heads, model.context, d_head, batch, model.token_emb.dtype) for _ in model.blocks]


def generate_tokens(
    model: GPTModel,
    prompt: Sequence[int],
    *,
    rng: np.random.Generator,
    stop: int | None = None,
    max_tokens: int = 100,
    temperature: float = 0.8,
    top_k: int | None = None,
    top_p: float = 1.0,
) -> Iterator[int]:
    """What the model writes after the prompt, token by token, until it would write `stop` or the limit is reached.

    Raises:
        ValueError: The prompt is empty, or an option is out of its range.
    """
    if not len(prompt):
        raise ValueError("the prompt is empty: pass at least one token, such as the one that stands between texts")
    tokens, past = list(prompt), empty_past(model)
    new = tokens[-model.context :]
    for _ in range(max_tokens):
        if past[0].length + len(new) > model.context:
            # Positions are absolute: without its first token the whole window stands elsewhere, and what was kept is
            # worthless. Going on with half a window makes that rare.
            past, new = empty_past(model), tokens[-max(1, model.context // 2) :]
        logits = model(np.array([new]), past=past)[0, -1]  # (V,); earlier positions are in the past
        token = sample(logits, rng, temperature, top_k, top_p)
        if token == stop:
            return
        yield token
        tokens.append(token)
        new = [token]


# --8<-- [end:generate_tokens]


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
    top_p: float = 1.0,
) -> str:
    """The prompt and what the model writes after it, until it marks the end or the limit is reached."""
    tokens = [tokenizer.end, *tokenizer.encode(prompt)]
    written = generate_tokens(
        model,
        tokens,
        rng=rng,
        stop=tokenizer.end,
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
    )
    return tokenizer.decode([*tokens, *written])


# --8<-- [end:generate]
