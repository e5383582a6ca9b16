"""Pretraining: show the model text, measure its surprise at every next token, and make that smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .gpt import GPTModel
from .layers import Array, Tokens, cross_entropy, cross_entropy_backward
from .optim import AdamW, clip, learning_rate
from .tokenizer import Tokenizer


# --8<-- [start:stream]
def stream(texts: Iterable[str], tokenizer: Tokenizer) -> Tokens:
    """All texts as one long row of tokens, each text begun by the mark that stands between texts."""
    return np.array([token for text in texts for token in (tokenizer.end, *tokenizer.encode(text))], np.int64)


def batch(tokens: Tokens, size: int, context: int, rng: np.random.Generator) -> tuple[Tokens, Tokens]:
    """Random windows of the stream, and the same windows one token later: what comes next."""
    starts = rng.integers(0, len(tokens) - context, size)  # (B,)
    window = tokens[starts[:, None] + np.arange(context + 1)]  # (B, T+1)
    return window[:, :-1], window[:, 1:]  # inputs (B, T), targets (B, T)


# --8<-- [end:stream]


# --8<-- [start:loss]
def loss_of(model: GPTModel, tokens: Tokens, rows: int = 32) -> float:
    """The mean loss over evenly spaced windows, the same ones every time."""
    starts = np.linspace(0, len(tokens) - model.context - 1, rows).astype(np.int64)
    window = tokens[starts[:, None] + np.arange(model.context + 1)]  # (B, T+1)
    return cross_entropy(model(window[:, :-1]), window[:, 1:])[0]


# --8<-- [end:loss]


# --8<-- [start:surprises]
def surprises(model: GPTModel, texts: Sequence[str], tokenizer: Tokenizer) -> Array:
    """The surprise at every token of every text and at each text's end, in nats, in one row (N,).

    Raises:
        ValueError: A text does not fit into the model's context.
    """
    each = []
    for text in texts:
        tokens = np.array([tokenizer.end, *tokenizer.encode(text), tokenizer.end])  # (T+1,)
        scores = model(tokens[None, :-1])[0]  # (T, V)
        scores = scores - scores.max(axis=-1, keepdims=True)
        each.append(np.log(np.exp(scores).sum(axis=-1)) - scores[np.arange(len(scores)), tokens[1:]])
    return np.concatenate(each)


# --8<-- [end:surprises]


@dataclass
class History:
    """What a training run looked like."""

    steps: list[int] = field(default_factory=list)
    """The steps at which the losses were taken."""
    train: list[float] = field(default_factory=list)
    """The loss on text of the kind trained on."""
    validation: list[float] = field(default_factory=list)
    """The loss on text that was held out."""


# --8<-- [start:pretrain]
def pretrain(
    model: GPTModel,
    train: Tokens,
    validation: Tokens,
    *,
    steps: int,
    rng: np.random.Generator,
    size: int = 16,
    peak: float = 4e-3,
    every: int = 25,
    watch: Callable[[int], None] | None = None,
) -> History:
    """Train in place. `watch` is called with the step whenever the losses are taken."""
    optimizer, history = AdamW(), History()
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            history.steps.append(step)
            history.train.append(loss_of(model, train))
            history.validation.append(loss_of(model, validation))
            if watch:
                watch(step)
        if step == steps:
            break
        inputs, targets = batch(train, size, model.context, rng)
        logits, cache = model.forward(inputs)
        _, loss_cache = cross_entropy(logits, targets)
        grads = model.backward(cross_entropy_backward(loss_cache), cache)
        clip(grads)
        optimizer.step(model.parameters(), grads, learning_rate(step, steps, peak))
    return history


# --8<-- [end:pretrain]
