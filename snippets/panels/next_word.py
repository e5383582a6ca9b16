"""Chapter 1: write with a bigram model."""

from __future__ import annotations

from collections.abc import Mapping

from .panel import Panel, table

END = "<end>"


def next_word_panel(follows: Mapping[str, Mapping[str, int]], start: str, last: str, shown: int = 5) -> Panel:
    """Write with a bigram model, word by word.

    Args:
        follows: For each word, how often each other one came next. Words keep the blank before them.
        start: The text to begin with.
        last: Its last word.
        shown: How many words the table has.
    """
    words = sorted(follows.keys() | {word for row in follows.values() for word in row})
    index = {word: number for number, word in enumerate(words)}
    rows = {index[word]: [[index[each], count] for each, count in row.items()] for word, row in follows.items()}
    data = {"words": words, "rows": rows, "start": start, "end": END}
    total = sum(follows[last].values())
    best = sorted(follows[last].items(), key=lambda item: -item[1])[:shown]
    lines = [(word.strip(), f"{count / total:.0%}") for word, count in best]
    return Panel("next-word.js", data, table(f"After “{start}”", ("next word", "probability"), lines))
