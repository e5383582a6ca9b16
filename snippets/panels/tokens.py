"""Chapter 2: cut a text into tokens."""

from __future__ import annotations

from ..tokenizer import Tokenizer
from ..weights import describe
from .panel import Panel, table


def tokens_panel(tokenizer: Tokenizer, start: str) -> Panel:
    """Cut a text into tokens, merge by merge.

    Args:
        tokenizer: What cuts.
        start: The text to begin with.
    """
    made = tokenizer.encode(start)
    lines = [(tokenizer.decode([token]), str(token)) for token in made]
    shown = table(f"“{start}” in {len(made)} tokens", ("token", "number"), lines)
    return Panel("tokens.js", {**describe(tokenizer), "start": start}, shown)
