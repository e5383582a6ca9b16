"""Letters of the small world: some honest, some that promise gold for two coins.

Honest letters and spam are built alike, sentence by sentence, so that no single turn of phrase gives a letter away.
Some patterns are held out: `held_out=True` writes with those alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .world import NAMES, WORDS, Words, cast, fill

# --8<-- [start:letters]
PHRASES: Words = {
    "event": (
        "I found your {thing} {near}",
        "{friend} {lost} the {colour} {thing} {near}",
        "the {weather} was very strong on {day}",
        "my {thing} is broken",
        "{friend} is ill",
        "I {made} {food} for everyone",
    ),
    "plan": (
        "we can {task} together",
        "we will meet {near} on {day}",
        "I will make {food} for you",
        "{friend} and I will {task}",
        "we will eat {food} at home",
        "you may use my {colour} {thing}",
    ),
    "ask": (
        "bring the {colour} {thing}",
        "help me to {task}",
        "come to {place} on {day}",
        "look for my {thing} {near}",
        "bring {food} to {place}",
    ),
    "promise": (
        "you will receive {prize}",
        "{rich} will send you {prize}",
        "you can have {cure}",
        "{prize} is waiting for you",
        "{cure} will make you young",
        "{rich} has chosen you",
    ),
    "demand": (
        "send {fee} to {rich}",
        "pay {fee} {soon}",
        "tell me {secret}",
        "give {secret} to {rich}",
        "answer {soon}",
        "buy {cure} {soon}",
    ),
}
HAM = (
    "{event}, so {plan}.",
    "Please {ask}, and {plan}.",
    "Can you {ask}?",
    "If you {ask}, {plan}.",
    "Because {event}, {plan}.",
    "Do not worry: {plan}.",
    "{plan} if you {ask}.",
    "I am happy to say that {plan}.",
    "Thank you for the {colour} {thing} and the {food}!",
    "When you have time, {ask}.",
    "I hope that {plan}.",
    "Do you know that {event}?",
    "{event}. Will you {ask}?",
    "You asked me about {day}: {plan}.",
    "We wait for you at {place}, where {plan}.",
)
SPAM = (
    "{demand}, and {promise}.",
    "Please {demand}, and {promise}.",
    "Can you {demand}?",
    "If you {demand}, {promise}.",
    "Because {promise}, {demand}.",
    "Do not wait: {demand}.",
    "{promise} if you {demand}.",
    "I am happy to say that {promise}.",
    "You have won {prize} and {cure}!",
    "When you have time, {demand}.",
    "I hope that {promise}.",
    "Do you know that {promise}?",
    "{promise}. Will you {demand}?",
    "You asked me about {prize}: {demand}.",
    "We wait for you at {place}, where {promise}.",
)
HAM_HELD_OUT = (
    "It is true that {plan}.",
    "First {ask}, then {plan}.",
    "{friend} says that {event}.",
    "You have to {ask}.",
    "Will you {ask} when {plan}?",
    "{plan}, and everyone knows it.",
)
SPAM_HELD_OUT = (
    "It is true that {promise}.",
    "First {demand}, then {promise}.",
    "{friend} says that {promise}.",
    "You have to {demand}.",
    "Will you {demand} when {promise}?",
    "{promise}, and everyone knows it.",
)
# --8<-- [end:letters]

# --8<-- [start:halves]
LABELLED: Words = {slot: options[::2] for slot, options in {**WORDS, **PHRASES}.items()}
UNLABELLED: Words = {slot: options[1::2] for slot, options in {**WORDS, **PHRASES}.items()}
"""Half of all words and phrases for letters that come with a label, the other half for those that do not. To learn from
the ones and be tested on the others takes knowing which words keep company."""
# --8<-- [end:halves]


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter and whether it is honest."""

    text: str
    """What it says."""
    label: int
    """1 for spam, 0 for ham: an honest letter."""


def letter(
    rng: np.random.Generator,
    *,
    held_out: bool = False,
    names: Sequence[str] = NAMES,
    words: Words = WORDS,
    sentences: int = 2,
) -> Letter:
    """A letter of some sentences. Its label is no part of its text. `words` go before all others."""
    people, label = cast(names, rng), int(rng.integers(2))
    templates = ((HAM_HELD_OUT, SPAM_HELD_OUT) if held_out else (HAM, SPAM))[label]
    chosen = [templates[i] for i in rng.permutation(len(templates))[:sentences]]
    # Each sentence fills its slots anew: unlike a story, a letter may speak of several things.
    body = " ".join(fill(template, dict(people), rng, {**PHRASES, **words}) for template in chosen)
    return Letter(f"Dear {people['hero']}, {body} Yours, {people['friend']}", label)


def letters(
    n: int, rng: np.random.Generator, *, held_out: bool = False, words: Words = WORDS, sentences: int = 2
) -> list[Letter]:
    """Letters, as many honest ones as spam, in no order."""
    kinds: tuple[list[Letter], list[Letter]] = ([], [])
    while min(map(len, kinds)) < (n + 1) // 2:
        new = letter(rng, held_out=held_out, words=words, sentences=sentences)
        kinds[new.label].append(new)
    both = [letter for kind in kinds for letter in kind[: (n + 1) // 2]]
    return [both[i] for i in rng.permutation(len(both))[:n]]
