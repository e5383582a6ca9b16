"""DPO: gradients by hand, and a model that comes to prefer what somebody chose, and more slowly on a short leash."""

from __future__ import annotations

import numpy as np
import pytest

from snippets.gpt import GPTModel
from snippets.instruct import Lessons, instruct, lessons, log_likelihood, log_likelihood_backward
from snippets.layers import Array
from snippets.preferences import Preference, dpo, dpo_backward, pairs, prefer
from snippets.tasks import Task
from snippets.tokenizer import Tokenizer

TOKENIZER = Tokenizer([])
TASK = Task("write", "", "Write.", "")
CHOICES = [Preference(TASK, "ab", "cd"), Preference(TASK, "abb", "cde")]


def slope(f: object, x: Array) -> Array:
    """The gradient of `f()` with respect to `x`, measured."""
    assert callable(f)
    measured = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        kept, values = x[i], []
        for move in (1e-5, -1e-5):
            x[i] = kept + move
            values.append(f())
        x[i] = kept
        measured[i] = (values[0] - values[1]) / 2e-5
    return measured


def error(by_hand: Array, measured: Array) -> float:
    return float(np.abs(by_hand - measured).max() / np.abs(measured).max())


@pytest.mark.parametrize("beta", [0.1, 2.0])
def test_dpo_agrees_with_central_differences(beta: float) -> None:
    gained = np.random.default_rng(0).normal(0, 2, 8)
    by_hand = dpo_backward(dpo(gained, beta)[1])
    assert error(by_hand, slope(lambda: dpo(gained, beta)[0], gained)) <= 1e-6


def test_dpo_through_the_whole_model_agrees_with_central_differences() -> None:
    rng = np.random.default_rng(0)
    model = GPTModel(vocab_size=7, d_model=4, n_heads=2, n_layers=1, context=5, rng=rng)
    model.to(np.float64)
    model.load({name: array + rng.normal(0, 0.3, array.shape) for name, array in model.parameters().items()})
    both = Lessons(rng.integers(0, 7, (4, 6)), np.tile(np.array([0, 0, 1, 1, 1, 0], bool), (4, 1)))
    reference = rng.normal(-5, 1, 4)

    def loss() -> float:
        return dpo(log_likelihood(model, both)[0] - reference, 0.5)[0]

    likelihood, cache = log_likelihood(model, both)
    grads = log_likelihood_backward(dpo_backward(dpo(likelihood - reference, 0.5)[1]), cache)
    for name, array in model.parameters().items():
        assert error(grads[name], slope(loss, array)) <= 1e-6, name


def test_the_loss_is_that_of_a_coin_at_the_start_and_survives_huge_margins() -> None:
    assert dpo(np.zeros(6), 0.1)[0] == pytest.approx(np.log(2))
    for gained, expected in ((np.array([1e6, -1e6]), 0.0), (np.array([-1e6, 1e6]), 2e6)):
        loss, cache = dpo(gained, 1.0)
        assert loss == pytest.approx(expected)
        assert np.isfinite(dpo_backward(cache)).all()


def test_pairs_that_are_the_wrong_way_round_push_hardest() -> None:
    right, wrong = np.split(np.abs(dpo_backward(dpo(np.array([3.0, -3.0, -3.0, 3.0]), 1.0)[1])), 2)
    assert right[0] == wrong[0]
    assert right[1] > 100 * right[0]


def test_pairs_put_the_chosen_first() -> None:
    both = pairs(CHOICES, TOKENIZER, 32)
    answers = [TOKENIZER.decode(row[graded][:-1]) for row, graded in zip(both.tokens, both.graded, strict=True)]
    assert answers == [" ab", " abb", " cd", " cde"]


def tuned() -> GPTModel:
    """A model that writes all four answers."""
    rng = np.random.default_rng(0)
    model = GPTModel(vocab_size=TOKENIZER.size, d_model=16, n_heads=2, n_layers=1, context=24, rng=rng)
    every = [Task("", "", "Write.", text) for p in CHOICES for text in (p.chosen, p.rejected)]
    instruct(model, lessons(every, TOKENIZER, 24), steps=80, rng=rng, size=8)
    return model


def test_what_is_chosen_gains_on_what_is_rejected_from_the_model_as_it_came() -> None:
    model, both = tuned(), pairs(CHOICES, TOKENIZER, 24)
    steps: list[int] = []
    before = log_likelihood(model, both)[0]
    history = prefer(model, both, steps=15, rng=np.random.default_rng(1), lr=1e-3, watch=steps.append)
    gained = log_likelihood(model, both)[0] - before
    assert gained[:2].min() > gained[2:].max() + 1
    assert history.shape == (15, 3)
    assert history[0] == pytest.approx([np.log(2), 0, 0], abs=1e-5)
    assert history[-1, 0] < history[0, 0]
    assert steps == list(range(1, 16))


def test_a_large_beta_keeps_the_model_closer() -> None:
    gaps = []
    for beta in (0.05, 5.0):
        model, both = tuned(), pairs(CHOICES, TOKENIZER, 24)
        history = prefer(model, both, steps=60, rng=np.random.default_rng(1), lr=1e-3, beta=beta)
        gaps.append(history[-1, 1] - history[-1, 2])
    assert gaps[0] > 2 * gaps[1]


def test_same_seed_same_weights() -> None:
    def weights(seed: int) -> bytes:
        model = tuned()
        prefer(model, pairs(CHOICES, TOKENIZER, 24), steps=3, rng=np.random.default_rng(seed), size=1)
        return b"".join(array.tobytes() for array in model.parameters().values())

    assert weights(0) == weights(0) != weights(5)
