"""Chapter 4: the model as a diagram, drawn from the model itself, with its numbers for the reader's own text."""

from __future__ import annotations

from ..gpt import GPTModel
from ..tokenizer import Tokenizer
from ..weights import Form, pack_model
from .architecture_code import source
from .architecture_numbers import numbers
from .architecture_parts import parts, shape
from .panel import Panel, table


def architecture_panel(model: GPTModel, tokenizer: Tokenizer, start: str, form: Form = "int12") -> Panel:
    """The parts of a model in the order of its forward pass; each shows its code, its shapes and its numbers.

    Args:
        model: Any model of the course that predicts tokens.
        tokenizer: The one that it has learnt with.
        start: The text to begin with.
        form: How the weights travel.
    """
    tokens = [tokenizer.end, *tokenizer.encode(start)][-model.context :]
    found = parts(model)
    total = sum(part["count"] for part in found)
    if total != sum(array.size for array in model.parameters().values()):
        raise ValueError("the model has parameters that no part of the diagram counts")
    sources = {function.__qualname__: source(function) for part in found for function in part["code"]}
    for part in found:
        part["code"] = [function.__qualname__ for function in part["code"]]
    data = {
        "parts": found,
        "total": total,
        "code": sources,
        "words": visible(tokenizer),
        "letters": {"B": 1, "D": model.token_emb.shape[1], "H": model.n_heads, "V": tokenizer.size, "C": model.context},
        "start": start,
        "numbers": numbers(model, tokens),
    }
    lines = [(part["name"], shape(part["shape"], len(tokens)), f"{part['count']:,}") for part in found]
    shown = table(f"The model, and the shapes for “{start}”", ("part", "shape behind it", "parameters"), lines)
    shown = shown.replace("</tbody>", f"<tr><th>all</th><td></td><td>{total:,}</td></tr></tbody>")
    return Panel("architecture.js", data, shown, {"weights": pack_model(model, tokenizer, form)})


def visible(tokenizer: Tokenizer) -> list[str]:
    """What each token stands for, with blanks that one can see, and bytes that are no character as Python has them."""
    spelt = [bytes([byte]) for byte in range(256)]
    spelt += [b""] * len(tokenizer.merges)
    for number, (left, right) in enumerate(tokenizer.merges, 256):
        spelt[number] = spelt[left] + spelt[right]
    words = [each.decode(errors="replace").replace("\n", "↵") for each in spelt]
    whole = [word.isprintable() and "\ufffd" not in word for word in words]
    shown = [
        word.replace(" ", "␣") if good else "".join(f"\\x{byte:02x}" for byte in each)
        for word, good, each in zip(words, whole, spelt, strict=True)
    ]
    return [*shown, "⟨end⟩"]
