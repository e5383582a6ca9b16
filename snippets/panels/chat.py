"""Chapter 7: ask two models the same, the one before its lessons and the one after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..gpt import GPTModel
from ..instruct import answer, certainty, lessons
from ..layers import softmax
from ..tasks import Task
from ..tokenizer import Tokenizer
from ..weights import pack_model
from .panel import Panel, table


class Try(NamedTuple):
    """Something to ask."""

    name: str
    """What its button says."""
    text: str
    """What the question is about; may be empty."""
    instruction: str
    """The question."""
    note: str = ""
    """What to look at."""


def chat_panel(models: Mapping[str, GPTModel], tokenizer: Tokenizer, tries: Mapping[str, Sequence[Try]]) -> Panel:
    """Ask models, side by side.

    Args:
        models: Whom to ask, by their names.
        tokenizer: The one that they all read with.
        tries: Examples in groups, by the groups' names; the panel begins with the first.
    """
    packed = {f"weights{i}": pack_model(model, tokenizer) for i, model in enumerate(models.values())}
    answers = {each: ask(models, tokenizer, each) for group in tries.values() for each in group}
    data = {
        "models": [{"name": name, "file": file} for name, file in zip(models, packed, strict=True)],
        "groups": [
            {"name": name, "tries": [each._asdict() | {"answers": answers[each]} for each in group]}
            for name, group in tries.items()
        ],
    }
    lines = [
        (f"{each.text} {each.instruction}".strip(), *(f"{one['answer']} ({one['p']:.2f})" for one in said))
        for each, said in answers.items()
    ]
    shown = table("Answers, with the probability of each", ("question", *models), lines)
    return Panel("chat.js", data, shown, packed)


def ask(models: Mapping[str, GPTModel], tokenizer: Tokenizer, each: Try) -> list[dict[str, Any]]:
    """What each model answers at temperature 0, how probable it holds that, and each of its tokens."""
    task = Task("", each.text, each.instruction, "")
    said = [replace(task, answer=answer(model, tokenizer, task)) for model in models.values()]
    return [
        {"answer": one.answer, "p": certainty(model, tokenizer, one), **tokens(model, tokenizer, one)}
        for model, one in zip(models.values(), said, strict=True)
    ]


def tokens(model: GPTModel, tokenizer: Tokenizer, task: Task) -> dict[str, Any]:
    """The tokens of an answer, the mark of the end among them, and the probability of each after those before it."""
    lesson = lessons([task], tokenizer, model.context)
    chances = softmax(model(lesson.tokens[:, :-1])[0])  # (T, V)
    places = np.flatnonzero(lesson.graded[0])
    made = [int(token) for token in lesson.tokens[0, places]]
    each = [float(chances[place - 1, token]) for place, token in zip(places, made, strict=True)]
    return {"each": [round(p, 6) for p in each], "texts": [tokenizer.decode([token]) for token in made]}
