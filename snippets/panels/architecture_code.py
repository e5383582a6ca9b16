"""The library's own code, in pieces that a panel can colour."""

from __future__ import annotations

import inspect
import keyword
import token
import tokenize
from collections.abc import Callable
from io import StringIO
from typing import Any


def source(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's own code, from its file: where it stands, and pieces of text with what each is."""
    lines, first = inspect.getsourcelines(function)
    text = inspect.cleandoc("\n" + "".join(lines))
    return {"file": f"{function.__module__.replace('.', '/')}.py", "line": first, "pieces": coloured(text + "\n")}


def coloured(text: str) -> list[tuple[str, str]]:
    """Code in pieces, each with a letter: keyword, string, comment, number, or none."""
    letters = {token.STRING: "s", token.COMMENT: "c", token.NUMBER: "n"}
    lines = text.splitlines(keepends=True)
    starts = [sum(map(len, lines[:i])) for i in range(len(lines) + 1)]
    pieces, at = [], 0
    for kind, word, (row, column), (last, end), _ in tokenize.generate_tokens(StringIO(text).readline):
        letter = "k" if keyword.iskeyword(word) else letters.get(kind, "")
        letter = "s" if token.tok_name[kind].startswith("FSTRING") else letter
        if letter:
            begin, stop = starts[row - 1] + column, starts[last - 1] + end
            pieces += [("", text[at:begin]), (letter, text[begin:stop])]
            at = stop
    return [(letter, piece) for letter, piece in [*pieces, ("", text[at:].rstrip("\n"))] if piece]
