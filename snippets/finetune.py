"""Fine-tuning: the pretrained body with a new, small head that answers a question about the whole text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .gpt import GPTModel
from .layers import Array, Cache, Params, Tokens, cross_entropy, cross_entropy_backward
from .letters import Letter
from .optim import AdamW, clip, learning_rate
from .tokenizer import Tokenizer


# --8<-- [start:examples]
@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled texts as arrays."""

    tokens: Tokens
    """(N, T); short texts are filled up at the end."""
    weight: Array
    """(N, T); 1 / length where a text has a token, 0 where it was filled up: a sum with it is a mean."""
    labels: Tokens
    """(N,); 1 for spam, 0 for ham."""

    def __getitem__(self, rows: Tokens) -> Examples:
        """Some of the examples."""
        return Examples(self.tokens[rows], self.weight[rows], self.labels[rows])


def examples(letters: Sequence[Letter], tokenizer: Tokenizer, context: int) -> Examples:
    """Letters -> arrays as wide as the longest letter, or `context` where that is less."""
    texts = [[tokenizer.end, *tokenizer.encode(letter.text)][:context] for letter in letters]
    width = max(map(len, texts))
    tokens = np.full((len(letters), width), tokenizer.end)
    weight = np.zeros((len(letters), width), np.float32)
    for row, ids in enumerate(texts):
        tokens[row, : len(ids)] = ids
        weight[row, : len(ids)] = 1 / len(ids)
    return Examples(tokens, weight, np.array([letter.label for letter in letters]))


# --8<-- [end:examples]


# --8<-- [start:classify]
def features(model: GPTModel, batch: Examples) -> tuple[Array, Cache]:
    """One vector for a text: the mean of the residual stream over its positions."""
    h, cache = model.body(batch.tokens)  # (N, T, D)
    return (batch.weight[:, None, :] @ h)[:, 0], cache  # (N, 1, T) @ (N, T, D) -> (N, D)


def vectors(model: GPTModel, batch: Examples, rows: int = 16) -> Array:
    """The features of all texts, a few texts at a time: small arrays stay in the processor's cache."""
    parts = np.split(np.arange(len(batch.labels)), range(rows, len(batch.labels), rows))
    return np.concatenate([features(model, batch[part])[0] for part in parts])


def classify(model: GPTModel, batch: Examples) -> Array:
    """Logits (N, classes): one row for each text."""
    return vectors(model, batch) @ model.head_w


def accuracy(model: GPTModel, batch: Examples) -> float:
    """The share of texts whose label gets the highest logit."""
    return float((classify(model, batch).argmax(axis=-1) == batch.labels).mean())


# --8<-- [end:classify]


# --8<-- [start:train_head]
def train_head(model: GPTModel, batch: Examples, steps: int = 200, lr: float = 0.05) -> list[float]:
    """Train `head_w` and nothing else. A frozen body gives the same features every time: compute them once."""
    x = vectors(model, batch)  # (N, D)
    optimizer, losses = AdamW(), []
    for _ in range(steps):
        loss, cache = cross_entropy(x @ model.head_w, batch.labels)
        grads: Params = {"head_w": x.T @ cross_entropy_backward(cache)}  # (D, N) @ (N, classes)
        optimizer.step({"head_w": model.head_w}, grads, lr)
        losses.append(loss)
    return losses


# --8<-- [end:train_head]


# --8<-- [start:tune]
def gradients(model: GPTModel, batch: Examples, depth: int | None) -> Params:
    """Gradients of the head, the last norm and the last `depth` blocks; of everything where `depth` is None."""
    x, cache = features(model, batch)  # (N, D)
    dlogits = cross_entropy_backward(cross_entropy(x @ model.head_w, batch.labels)[1])
    dh = batch.weight[:, :, None] * (dlogits @ model.head_w.T)[:, None, :]  # (N, T, 1) * (N, 1, D) -> (N, T, D)
    return {"head_w": x.T @ dlogits, **model.body_backward(dh, cache, depth)}


def tune(
    model: GPTModel,
    batch: Examples,
    *,
    depth: int | None,
    rng: np.random.Generator,
    steps: int = 30,
    size: int = 8,
    lr: float = 1e-3,
) -> None:
    """Train the head and the top of the body, or all of it, in place, on small random batches."""
    optimizer = AdamW()
    for step in range(steps):
        rows = rng.choice(len(batch.labels), min(size, len(batch.labels)), replace=False)
        grads = gradients(model, batch[rows], depth)
        clip(grads)
        optimizer.step(model.parameters(), grads, learning_rate(step, steps, lr, warm_up=5))


# --8<-- [end:tune]
