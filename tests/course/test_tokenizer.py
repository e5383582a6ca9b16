"""Byte-pair encoding loses nothing, learns what is frequent, and learns the same every time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snippets.corpus import reading
from snippets.tokenizer import PIECES, Tokenizer, learn, merge

TOKENIZER = Tokenizer.train(reading(200, np.random.default_rng(0)), 400)


@settings(max_examples=300, deadline=None)
@given(st.text())
@example("")
@example("  two blanks,\r\n\ttabs\u00a0and \u200b zero width \x00")
@example("snake_case __init__ _ __")
@example("👩‍👩‍👧 é é 中文 ثلاثة")
def test_round_trip_of_any_text(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, TOKENIZER.end)))
def test_any_tokens_decode(tokens: list[int]) -> None:
    assert isinstance(TOKENIZER.decode(tokens), str)


def test_the_mark_between_texts_has_no_text() -> None:
    assert TOKENIZER.decode([TOKENIZER.end, *TOKENIZER.encode("a"), TOKENIZER.end]) == "a"
    assert TOKENIZER.end == TOKENIZER.size - 1


def test_worked_example_of_merges() -> None:
    # aaabdaaabac, the example of the method's Wikipedia page: aa, then the pairs around it
    a, b = ord("a"), ord("b")
    assert learn(["aaabdaaabac"], 2) == [(a, a), (256, a)]
    assert merge((a, a, a, b), (a, a), 256) == (256, a, b)


def naive(texts: list[str], n_merges: int) -> list[tuple[int, int]]:
    """The same learning with every pair counted anew for each merge."""
    words = Counter(tuple(piece.encode()) for text in texts for piece in PIECES.findall(text))
    merges: list[tuple[int, int]] = []
    for _ in range(n_merges):
        pairs: Counter[tuple[int, int]] = Counter()
        for ids, count in words.items():
            for pair in pairwise(ids):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] == 1:
            break
        new: Counter[tuple[int, ...]] = Counter()
        for ids, count in words.items():
            new[merge(ids, best, 256 + len(merges))] += count
        merges.append(best)
        words = new
    return merges


@pytest.mark.parametrize("seed", range(3))
def test_incremental_counts_equal_counting_anew(seed: int) -> None:
    texts = reading(20, np.random.default_rng(seed))
    assert learn(texts, 60) == naive(texts, 60)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab ", max_size=20), max_size=5))
def test_incremental_counts_hold_for_repeats(texts: list[str]) -> None:
    assert learn(texts, 20) == naive(texts, 20)


def test_frequent_words_become_one_token() -> None:
    assert len(TOKENIZER.encode(" the")) == 1
    assert len(TOKENIZER.encode(" xylophone")) > 3


def test_json_round_trip() -> None:
    copy = Tokenizer.from_json(TOKENIZER.to_json())
    text = "Dear Lily, you have won."
    assert copy.size == TOKENIZER.size
    assert copy.encode(text) == TOKENIZER.encode(text)
