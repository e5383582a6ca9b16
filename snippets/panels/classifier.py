"""Chapter 6: classify a letter, and see which of its words moved the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..finetune import Examples, classify
from ..gpt import GPTModel
from ..layers import softmax
from ..letters import Letter
from ..tokenizer import PIECES, Tokenizer
from ..weights import pack_model
from .panel import Panel, table

CLASSES = ("Not Spam", "Spam")


def classifier_panel(
    models: Mapping[str, GPTModel], tokenizer: Tokenizer, letters: Sequence[Letter], label: str = "Classify a letter"
) -> Panel:
    """Classify letters with each of some models, and leave out word by word.

    Args:
        models: Trained classifiers, by the names that readers choose among.
        tokenizer: The one that they all read with.
        letters: Examples; the panel begins with the first.
        label: What the panel is called; no other of its page has this name.
    """
    packed = {f"weights{i}": pack_model(model, tokenizer) for i, model in enumerate(models.values())}
    found = [[examine(model, tokenizer, letter.text) for model in models.values()] for letter in letters]
    data = {
        "label": label,
        "classes": CLASSES,
        "choices": [{"name": name, "file": file} for name, file in zip(models, packed, strict=True)],
        "letters": [
            {"text": letter.text, "label": letter.label, "words": PIECES.findall(letter.text), "answers": answers}
            for letter, answers in zip(letters, found, strict=True)
        ],
        "context": next(iter(models.values())).context,
    }
    lines = [
        (letter.text, CLASSES[letter.label], *(named(np.array(answer["logits"])) for answer in answers))
        for letter, answers in zip(letters, found, strict=True)
    ]
    shown = table(f"{label}: the answers, with the probability of spam", ("letter", "it is", *models), lines)
    return Panel("classifier.js", data, shown, packed)


def examine(model: GPTModel, tokenizer: Tokenizer, text: str) -> dict[str, Any]:
    """The two scores of a text, and for each of its words within the context the scores of the text without it."""
    words = [tokenizer.encode(piece) for piece in PIECES.findall(text)]
    read = 1 + int(np.searchsorted(np.cumsum([len(word) for word in words]), model.context - 1))
    versions = [words, *(words[:i] + words[i + 1 :] for i in range(min(read, len(words))))]
    rows = [[tokenizer.end, *(token for word in version for token in word)][: model.context] for version in versions]
    width = max(map(len, rows))
    tokens = np.array([row + [tokenizer.end] * (width - len(row)) for row in rows])
    lengths = np.array([[len(row)] for row in rows])
    weight = ((np.arange(width) < lengths) / lengths).astype(np.float32)
    scores = classify(model, Examples(tokens, weight, np.zeros(len(rows), int))).astype(float).round(6)
    return {"logits": scores[0].tolist(), "without": scores[1:].tolist()}


def named(logits: np.ndarray) -> str:
    """The answer, and how probable spam is."""
    spam = float(softmax(logits)[1])
    return f"{CLASSES[spam > 0.5]} ({spam:.2f})"
