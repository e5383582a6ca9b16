"""Tables and pictures that come alive in a browser, with the very numbers that the program has computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from .tokenizer import Tokenizer
from .weights import describe

END = "<end>"


@dataclass(frozen=True, slots=True)
class Panel:
    """What a cell shows: a table for paper and notebooks, and for the page a script and the data it works with."""

    module: str
    """The script, below the site."""
    data: Any
    """What the script gets, as JSON."""
    table: str
    """HTML that says the most important in a browser without scripts."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        live = {"module": f"assets/panels/{self.module}", "data": self.data}
        return {"application/vnd.fathom.panel+json": live, "text/html": self.table, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<panel {self.module}>"


def next_word(follows: Mapping[str, Mapping[str, int]], start: str, last: str, shown: int = 5) -> Panel:
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
    return Panel("next-word.js", data, _table(f"After “{start}”", ("next word", "probability"), lines))


def tokens(tokenizer: Tokenizer, start: str) -> Panel:
    """Cut a text into tokens, merge by merge.

    Args:
        tokenizer: What cuts.
        start: The text to begin with.
    """
    made = tokenizer.encode(start)
    lines = [(tokenizer.decode([token]), str(token)) for token in made]
    table = _table(f"“{start}” in {len(made)} tokens", ("token", "number"), lines)
    return Panel("tokens.js", {**describe(tokenizer), "start": start}, table)


def _table(caption: str, names: tuple[str, str], lines: Iterable[tuple[str, str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr><td>{escape(left)}</td><td>{escape(right)}</td></tr>" for left, right in lines)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
