"""Preferences: make the answer that somebody chose more likely than the other one (DPO, Rafailov et al., 2023)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .gpt import GPTModel
from .instruct import Lessons, lessons, log_likelihood, log_likelihood_backward
from .layers import Array, Cache
from .optim import AdamW, clip
from .tasks import Task
from .tokenizer import Tokenizer


# --8<-- [start:preference]
@dataclass(frozen=True, slots=True)
class Preference:
    """Somebody read two answers to a prompt and chose one."""

    task: Task
    """What was asked. Its own answer plays no part."""
    chosen: str
    """The answer that was preferred."""
    rejected: str
    """The other one."""


def pairs(preferences: Sequence[Preference], tokenizer: Tokenizer, context: int) -> Lessons:
    """N preferences -> 2N lessons: all chosen answers, then all rejected ones in the same order."""
    chosen = [replace(p.task, answer=p.chosen) for p in preferences]
    rejected = [replace(p.task, answer=p.rejected) for p in preferences]
    return lessons([*chosen, *rejected], tokenizer, context)


# --8<-- [end:preference]


# --8<-- [start:dpo]
def dpo(gained: Array, beta: float) -> tuple[float, Cache]:
    """The loss of N pairs. `gained` (2N,) is ln p − ln p of the reference, for chosen answers, then for rejected ones.

    Bradley & Terry (1952): the chosen one wins with probability sigmoid(margin). The loss is −ln of that.
    """
    chosen, rejected = np.split(gained, 2)
    margin = beta * (chosen - rejected)  # (N,)
    return float(np.logaddexp(0, -margin).mean()), (margin, beta)  # −ln sigmoid(m) = ln(1 + exp(−m))


def dpo_backward(cache: Cache) -> Array:
    """Push the chosen up and the rejected down, the harder the more the model still has them the wrong way round."""
    margin, beta = cache
    wrong = np.exp(-np.logaddexp(0, margin))  # sigmoid(−margin): how probable the wrong winner is
    d = -beta * wrong / len(margin)
    return np.concatenate([d, -d])  # (2N,)


# --8<-- [end:dpo]


# --8<-- [start:prefer]
def prefer(
    model: GPTModel,
    both: Lessons,
    *,
    steps: int,
    rng: np.random.Generator,
    beta: float = 0.1,
    size: int = 8,
    lr: float = 1e-4,
    watch: Callable[[int], None] | None = None,
) -> Array:
    """Train in place on what `pairs` made. The reference is the model as it comes; its likelihoods are noted first.

    Returns (steps, 3): each step's loss, and by how many nats its chosen and its rejected answers became more likely.
    """
    n, history = len(both.tokens) // 2, []
    reference, optimizer = log_likelihood(model, both)[0], AdamW(decay=0)  # (2N,)
    for step in range(1, steps + 1):
        rows = rng.integers(0, n, size)
        rows = np.concatenate([rows, rows + n])  # each chosen answer, and the one that it was chosen over
        likelihood, cache = log_likelihood(model, both[rows])
        gained = likelihood - reference[rows]
        loss, loss_cache = dpo(gained, beta)
        grads = log_likelihood_backward(dpo_backward(loss_cache), cache)
        clip(grads)
        optimizer.step(model.parameters(), grads, lr)
        history.append((loss, gained[:size].mean(), gained[size:].mean()))
        if watch:
            watch(step)
    return np.array(history)


# --8<-- [end:prefer]
