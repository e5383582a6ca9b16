"""Following instructions: lessons are texts, too, but the loss is taken on their answers alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .generate import generate_tokens
from .gpt import GPTModel
from .layers import Array, Cache, Params, Tokens
from .optim import AdamW, clip, learning_rate
from .tasks import Task
from .tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Lessons:
    """Prompts with their answers as arrays."""

    tokens: Tokens
    """(N, T+1); short ones are filled up at the end."""
    graded: NDArray[np.bool_]
    """(N, T+1); true where a token belongs to the answer, the mark after it included."""

    @property
    def lengths(self) -> Tokens:
        """How many tokens each has, without the filling (N,)."""
        lengths: Tokens = self.graded.shape[1] - self.graded[:, ::-1].argmax(axis=1)  # up to the last that is graded
        return lengths

    def __getitem__(self, rows: Tokens) -> Lessons:
        """Some of the lessons, no wider than the longest of them."""
        width = int(self.lengths[rows].max())
        return Lessons(self.tokens[rows, :width], self.graded[rows, :width])


# --8<-- [start:lessons]
def lessons(tasks: Sequence[Task], tokenizer: Tokenizer, context: int, *, grade_prompts: bool = False) -> Lessons:
    """Tasks -> arrays. An answer that does not fit the context is cut.

    With `grade_prompts` nothing is masked: the loss is taken on the whole text, as in pretraining.

    Raises:
        ValueError: A prompt leaves no room for an answer.
    """
    prompts = [[tokenizer.end, *tokenizer.encode(task.prompt)] for task in tasks]
    if (longest := max(map(len, prompts))) > context:
        raise ValueError(f"a prompt has {longest} tokens, and the model sees {context}: shorten the text of the task")
    answers = [[*tokenizer.encode(f" {task.answer}"), tokenizer.end] for task in tasks]
    width = min(max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True)), context + 1)
    tokens = np.full((len(tasks), width), tokenizer.end)
    graded = np.zeros((len(tasks), width), bool)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        ids = [*prompt, *answer][:width]
        tokens[row, : len(ids)] = ids
        graded[row, 1 if grade_prompts else len(prompt) : len(ids)] = True
    return Lessons(tokens, graded)


# --8<-- [end:lessons]


# --8<-- [start:log_likelihood]
def log_likelihood(model: GPTModel, batch: Lessons) -> tuple[Array, Cache]:
    """How likely the model holds each answer, given its prompt: ln p, summed over the answer's tokens (N,)."""
    h, cache = model.body(batch.tokens[:, :-1])  # (N, T, D)
    graded, targets = batch.graded[:, 1:], batch.tokens[:, 1:]  # what stands at t+1 is predicted at t
    rows, true = h[graded], targets[graded]  # (A, D), (A,): the A places where an answer's token is predicted
    logits = rows @ model.head_w  # (A, D) @ (D, V) -> (A, V)
    logits -= logits.max(axis=-1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))  # finite also where p would be rounded to 0
    of = graded.nonzero()[0]  # (A,): whose answer it is
    likelihood = np.bincount(of, log_p[np.arange(len(true)), true], len(h)).astype(h.dtype)
    return likelihood, (model, h, cache, graded, rows, true, np.exp(log_p), of)


def log_likelihood_backward(d: Array, cache: Cache) -> Params:
    """Gradients of all parameters, from the gradient of each answer's log-likelihood (N,)."""
    model, h, body_cache, graded, rows, true, p, of = cache
    dlogits = -p
    dlogits[np.arange(len(true)), true] += 1  # d ln p[true] / d logits
    dlogits *= d[of, None]
    dh = np.zeros_like(h)
    dh[graded] = dlogits @ model.head_w.T  # (A, V) @ (V, D) -> (A, D)
    return {"head_w": rows.T @ dlogits, **model.body_backward(dh, body_cache)}


# --8<-- [end:log_likelihood]


# --8<-- [start:instruct]
def batches(lessons: Lessons, size: int, rng: np.random.Generator) -> Iterator[Lessons]:
    """Endless random batches. Four at a time are drawn and sorted by length, so that little of a batch is filling."""
    while True:
        rows = rng.integers(0, len(lessons.tokens), 4 * size)
        rows = rows[np.argsort(lessons.lengths[rows], kind="stable")].reshape(4, size)
        for i in rng.permutation(4):
            yield lessons[rows[i]]


def instruct(
    model: GPTModel, lessons: Lessons, *, steps: int, rng: np.random.Generator, size: int = 16, lr: float = 5e-3
) -> list[float]:
    """Train in place on answers. Returns each step's loss: nats for a token, every answer counting the same."""
    optimizer, losses = AdamW(decay=0.01), []
    for step, part in zip(range(steps), batches(lessons, size, rng), strict=False):
        share = 1 / (size * part.graded.sum(axis=1, dtype=np.float32))  # (N,): long answers count no more than short
        likelihood, cache = log_likelihood(model, part)
        grads = log_likelihood_backward(-share, cache)
        clip(grads)
        optimizer.step(model.parameters(), grads, learning_rate(step, steps, lr))
        losses.append(float(-likelihood @ share))
    return losses


# --8<-- [end:instruct]


# --8<-- [start:answer]
def answer(model: GPTModel, tokenizer: Tokenizer, task: Task, *, temperature: float = 0.0, seed: int = 0) -> str:
    """What the model answers; at temperature 0 always the same."""
    prompt = [tokenizer.end, *tokenizer.encode(task.prompt)]
    rng = np.random.default_rng(seed)
    written = generate_tokens(model, prompt, rng=rng, stop=tokenizer.end, max_tokens=60, temperature=temperature)
    return tokenizer.decode(written).strip()


def certainty(model: GPTModel, tokenizer: Tokenizer, task: Task) -> float:
    """How probable the model holds the task's answer, from its first token to the mark of the end."""
    return float(np.exp(log_likelihood(model, lessons([task], tokenizer, model.context))[0][0]))


def exact_match(model: GPTModel, tokenizer: Tokenizer, tasks: Sequence[Task]) -> float:
    """The share of tasks whose answer is right to the letter."""
    return float(np.mean([answer(model, tokenizer, task) == task.answer for task in tasks]))


# --8<-- [end:answer]
