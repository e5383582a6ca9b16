"""A reader's seed draws in the browser what it draws in the chapter."""

from __future__ import annotations

import numpy as np
import pytest

from snippets.generate import generate_tokens, sample
from snippets.gpt import GPTModel
from snippets.layers import softmax
from snippets.tokenizer import Tokenizer
from tests.panels.conftest import Run

SEEDS = [0, 1, 2, 42, 2**31, 2**32 - 1, 2**32, 2**53 - 1]
CHANCES = [
    {},
    {"temperature": 0.7},
    {"temperature": 2.5, "top_k": 1},
    {"temperature": 1.3, "top_k": 10},
    {"temperature": 0.8, "top_p": 0.9},
    {"temperature": 1.1, "top_p": 1e-9},
    {"temperature": 1.5, "top_k": 40, "top_p": 0.5},
    {"temperature": 0, "top_k": 5},
]


def spelt(chance: dict[str, float]) -> dict[str, float]:
    """The options as JavaScript spells them."""
    names = {"top_k": "topK", "top_p": "topP"}
    return {names.get(name, name): value for name, value in chance.items()}


def kept_tokens(logits: np.ndarray, temperature: float = 1, top_k: int | None = None, top_p: float = 1) -> set[int]:
    """The tokens that may be drawn, by the definition: k best, then the shortest run of them that reaches p."""
    order = np.argsort(-logits, kind="stable")[:top_k]
    if temperature == 0:
        return {int(order[0])}
    probabilities = softmax(logits[order].astype(np.float64) / temperature)
    needed = next((n for n in range(1, len(order)) if probabilities[:n].sum() >= top_p), len(order))
    return set(order[:needed].tolist())


def many_logits(n: int) -> np.ndarray:
    rng = np.random.default_rng(9)
    logits = rng.normal(0, 3, (n, 640)).astype(np.float32)
    logits[::3] = logits[::3].round()  # many are equal: then the first comes first
    return logits


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_gives_numpys_numbers(run: Run, seed: int) -> None:
    body = "const random = engine.seeded(given.seed); return Array.from({ length: 1000 }, random);"
    assert run(body, seed=seed) == np.random.default_rng(seed).random(1000).tolist()


@pytest.mark.parametrize("seed", [-1, 0.5, 2**53])
def test_what_is_no_seed_is_refused(run: Run, seed: float) -> None:
    body = "try { engine.seeded(given.seed); } catch (error) { return error.message; }"
    assert "is no seed: take a whole number" in run(body, seed=seed)


@pytest.mark.parametrize("chance", CHANCES, ids=str)
def test_the_same_tokens_are_kept_and_drawn(run: Run, chance: dict[str, float]) -> None:
    logits = many_logits(60)
    body = """
      const random = engine.seeded(3);
      return given.logits.map((row) => {
        const logits = Float32Array.from(row);
        const { tokens, probabilities } = engine.keep(logits, given.chance);
        return [tokens, probabilities.length, engine.sample(logits, random, given.chance)];
      });
    """
    rng = np.random.default_rng(3)
    for row, (tokens, n, drawn) in zip(logits, run(body, logits=logits.tolist(), chance=spelt(chance)), strict=True):
        assert set(tokens) == kept_tokens(row, **chance)  # type: ignore[arg-type]
        assert len(tokens) == len(set(tokens)) == n
        assert drawn == sample(row, rng, **chance)  # type: ignore[arg-type]


def test_probabilities_are_those_among_all_that_were_ranked(run: Run) -> None:
    row = many_logits(1)[0]
    body = "return engine.keep(Float32Array.from(given.row), { temperature: 0.8, topP: 0.9 }).probabilities;"
    best_first = np.sort(softmax(row.astype(np.float64) / 0.8))[::-1]
    found = run(body, row=row.tolist())
    assert np.allclose(found, best_first[: len(found)], atol=1e-12)


@pytest.mark.parametrize(
    ("chance", "message"),
    [
        ({"temperature": -1}, "The temperature cannot be -1: take 0 or more."),
        ({"topK": 0}, "One cannot choose among 0 tokens: take 1 or more."),
        ({"topP": 0}, "0 is no probability to reach: take more than 0, at most 1."),
        ({"topP": 1.5}, "1.5 is no probability to reach: take more than 0, at most 1."),
    ],
)
def test_what_cannot_be_drawn_with_is_refused(run: Run, chance: dict[str, float], message: str) -> None:
    body = "try { engine.keep(new Float32Array(3), given.chance); } catch (error) { return error.message; }"
    assert run(body, chance=chance) == message


def test_texts_of_a_seed_are_those_of_python(run: Run, model: GPTModel, tokenizer: Tokenizer) -> None:
    body = """
      const { model } = await loaded("model.bin");
      const [written, options] = [[], { most: 30, temperature: 0.9, topP: 0.95 }];
      for (let seed = 0; seed < 10; seed++) {
        const tokens = [];
        const random = engine.seeded(seed);
        for await (const token of engine.generate(model, [given.start], { ...options, random })) tokens.push(token);
        written.push(tokens);
      }
      return written;
    """
    assert run(body, start=tokenizer.end) == [
        list(
            generate_tokens(
                model,
                [tokenizer.end],
                rng=np.random.default_rng(seed),
                max_tokens=30,
                temperature=0.9,
                top_p=0.95,
            )
        )
        for seed in range(10)
    ]


def test_who_asks_for_no_more_stops_it(run: Run, tokenizer: Tokenizer) -> None:
    body = """
      const { model } = await loaded("model.bin");
      const [stopping, all] = [new AbortController(), []];
      for await (const token of engine.generate(model, [given.start], { most: 1e9 })) if (all.push(token) === 5) break;
      for await (const token of engine.generate(model, [given.start], { most: 1e9, signal: stopping.signal })) {
        if (all.push(token) === 10) stopping.abort();
      }
      return all.length;
    """
    assert run(body, start=tokenizer.end) == 10
