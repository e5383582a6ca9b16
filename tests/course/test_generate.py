"""Writing with a KV cache gives what writing without one gives; sampling keeps to the distribution it is asked for."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from snippets.generate import empty_past, generate, generate_tokens, sample
from snippets.gpt import GPTModel
from snippets.tokenizer import Tokenizer

LOGITS = np.log(np.array([0.05, 0.4, 0.1, 0.3, 0.15], np.float32))


def new(*, vocab_size: int = 50, context: int = 12, n_layers: int = 3) -> GPTModel:
    rng = np.random.default_rng(0)
    model = GPTModel(vocab_size=vocab_size, d_model=16, n_heads=2, n_layers=n_layers, context=context, rng=rng)
    for array in model.parameters().values():
        array[...] += rng.normal(0, 0.3, array.shape).astype(np.float32)  # loud enough for every path to matter
    return model


@pytest.mark.parametrize("steps", [[12], [1] * 12, [5, 1, 1, 1, 1, 1, 1, 1], [1, 4, 2, 5]])
@pytest.mark.parametrize("batch", [1, 3])
def test_cached_logits_equal_those_of_the_full_pass(steps: list[int], batch: int) -> None:
    model, tokens = new(), np.random.default_rng(1).integers(0, 50, (batch, 12))
    past, parts = empty_past(model, batch), np.split(tokens, np.cumsum(steps)[:-1], axis=1)
    logits = np.concatenate([model(part, past=past) for part in parts], axis=1)
    assert np.abs(logits - model(tokens)).max() <= 1e-5
    assert [cache.length for cache in past] == [12, 12, 12]


def test_a_full_cache_says_so() -> None:
    model = new()
    past = empty_past(model)
    model(np.zeros((1, 12), int), past=past)
    with pytest.raises(ValueError, match="13 tokens do not fit into a context of 12"):
        model(np.zeros((1, 1), int), past=past)


def greedy(model: GPTModel, prompt: list[int], n: int) -> list[int]:
    """The same writing without a cache, and the same rule for a full context: begin anew from the last half."""
    tokens, window = list(prompt), prompt[-model.context :]
    for _ in range(n):
        if len(window) > model.context:
            window = tokens[-(model.context // 2) :]
        logits = model(np.array([window]))[0, -1]
        ordered = np.sort(logits)
        assert ordered[-1] - ordered[-2] > 1e-5  # no tie that rounding could decide
        tokens.append(int(logits.argmax()))
        window = [*window, tokens[-1]]
    return tokens[len(prompt) :]


@pytest.mark.parametrize("length", [1, 5, 11, 12, 13, 30])
def test_greedy_writing_is_the_same_without_a_cache_also_past_the_context(length: int) -> None:
    model, prompt = new(), np.random.default_rng(length).integers(0, 50, length).tolist()
    written = list(generate_tokens(model, prompt, rng=np.random.default_rng(0), max_tokens=40, temperature=0))
    assert written == greedy(model, prompt, 40)
    assert len(set(written)) > 2


def test_tokens_come_one_by_one_and_end_before_the_stop() -> None:
    model, rng = new(), np.random.default_rng(0)
    first = list(islice(generate_tokens(model, [1, 2], rng=rng, max_tokens=10**9), 20))
    again = list(generate_tokens(model, [1, 2], rng=np.random.default_rng(0), max_tokens=20, stop=first[7]))
    assert len(first) == 20
    assert again == first[: first.index(first[7])]


def test_a_context_of_one_token_can_write() -> None:
    assert len(list(generate_tokens(new(context=1), [3], rng=np.random.default_rng(0), max_tokens=5))) == 5


def test_texts_past_the_context_begin_with_the_prompt_and_repeat_with_the_seed() -> None:
    tokenizer = Tokenizer([])
    model = new(vocab_size=tokenizer.size, context=4)
    texts = [generate(model, tokenizer, "ab", rng=np.random.default_rng(3), max_tokens=20) for _ in range(2)]
    assert texts[0].startswith("ab")
    assert len(texts[0]) > 4
    assert texts[0] == texts[1]
    assert texts[0] != generate(model, tokenizer, "ab", rng=np.random.default_rng(4), max_tokens=20)


def drawn(temperature: float = 1.0, top_k: int | None = None, top_p: float = 1.0) -> list[float]:
    """How often each token comes in many draws."""
    rng, n = np.random.default_rng(0), 20_000
    counts = np.bincount([sample(LOGITS, rng, temperature, top_k, top_p) for _ in range(n)], minlength=5)
    shares: list[float] = (counts / n).tolist()
    return shares


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.05, 0.4, 0.1, 0.3, 0.15]),
        ({"temperature": 0}, [0, 1, 0, 0, 0]),
        ({"temperature": 0.5}, [p * p / 0.285 for p in (0.05, 0.4, 0.1, 0.3, 0.15)]),
        ({"top_k": 1}, [0, 1, 0, 0, 0]),
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7, 0]),
        ({"top_k": 99}, [0.05, 0.4, 0.1, 0.3, 0.15]),
        ({"top_p": 1e-9}, [0, 1, 0, 0, 0]),
        ({"top_p": 0.39}, [0, 1, 0, 0, 0]),
        ({"top_p": 0.41}, [0, 4 / 7, 0, 3 / 7, 0]),
        ({"top_p": 0.8}, [0, 40 / 85, 0, 30 / 85, 15 / 85]),
        ({"top_p": 0.96}, [0.05, 0.4, 0.1, 0.3, 0.15]),
        ({"top_k": 3, "top_p": 0.5}, [0, 4 / 7, 0, 3 / 7, 0]),  # of the three: 0.47, 0.35, 0.18
    ],
)
def test_sampling_keeps_to_its_distribution(options: dict[str, float], expected: list[float]) -> None:
    shares = drawn(**options)  # type: ignore[arg-type]  # top_k is a whole number in each case
    assert shares == pytest.approx(expected, abs=0.015)
    assert [share > 0 for share in shares] == [p > 0 for p in expected]


def test_the_best_k_are_k_also_among_equals() -> None:
    rng = np.random.default_rng(0)
    assert len({sample(np.zeros(9, np.float32), rng, top_k=3) for _ in range(300)}) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -0.1}, "pass 0 for the best token"),
        ({"temperature": float("nan")}, "pass 0 for the best token"),
        ({"top_k": 0}, "pass how many tokens to choose from"),
        ({"top_p": 0.0}, "pass a probability above 0"),
        ({"top_p": 1.1}, "pass a probability above 0"),
    ],
)
def test_nonsense_is_refused(options: dict[str, float], message: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=message):
        sample(LOGITS, rng, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        next(generate_tokens(new(), [1], rng=rng, **options))  # type: ignore[arg-type]


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(ValueError, match="pass at least one token"):
        next(generate_tokens(new(), [], rng=np.random.default_rng(0)))
