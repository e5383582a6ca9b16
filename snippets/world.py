"""The small world of the course: who lives in it, what lies about in it, and how a template becomes a sentence.

Every text comes from a random generator that the caller passes in: the same seed writes the same texts. Some names and
some words never stand in what a model learns from. They are for the question whether it can do without having met them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

NAMES = (
    "Lily",
    "Tom",
    "Mia",
    "Ben",
    "Anna",
    "Sam",
    "Rosa",
    "Max",
    "Ella",
    "Finn",
    "Nora",
    "Leo",
    "Ada",
    "Hugo",
    "Ruth",
    "Ivan",
)
NAMES_HELD_OUT = ("Clara", "Otto", "Vera", "Emil", "Iris", "Karl")

Option = TypeVar("Option")
Words = Mapping[str, Sequence[str]]
"""For each slot of a template, what can stand in it. A word may hold slots itself."""

# --8<-- [start:words]
WORDS: Words = {
    "kind": ("fox", "bear", "rabbit", "mouse", "owl", "girl", "boy", "farmer", "duck"),
    "mood": ("kind", "shy", "brave", "curious", "lazy", "happy", "tired", "clever"),
    "colour": ("blue", "red", "green", "yellow", "white", "brown"),
    "thing": ("kite", "lamp", "basket", "drum", "scarf", "boat", "spoon", "bell", "book"),
    "place": ("the mill", "the river", "the market", "the school", "the forest", "the bridge", "the barn"),
    "food": ("bread", "soup", "plum cake", "cheese", "apple pie", "honey", "pancakes"),
    "day": ("Monday", "Tuesday", "Friday", "Sunday"),
    "task": ("mend the roof", "pick the apples", "water the beans", "feed the hens", "sweep the yard"),
    "weather": ("rain", "snow", "wind", "fog", "storm"),
    "went": ("went", "walked", "ran", "hurried"),
    "found": ("found", "saw", "picked up", "noticed"),
    "lost": ("lost", "dropped", "forgot", "left"),
    "made": ("made", "baked", "brought", "bought"),
    "near": ("near {place}", "behind {place}", "at {place}", "by {place}"),
    "when": ("One day,", "On {day},", "In the {weather},", "After the {weather},", "The next morning,"),
    "prize": ("a bag of gold", "a chest of pearls", "a silver crown", "a magic ring", "ten diamonds", "a palace"),
    "fee": ("two coins", "five coins", "a small fee", "your savings", "one gold piece"),
    "rich": ("a foreign prince", "the royal bank", "a wealthy duke", "the lottery", "a wizard", "the sultan"),
    "soon": ("before midnight", "today", "at once", "without delay", "within the hour", "right now"),
    "cure": ("a miracle potion", "a youth cream", "a wonder powder", "a golden pill"),
    "secret": ("your password", "the key to your house", "your secret word", "the number of your chest"),
}
# --8<-- [end:words]

WORDS_HELD_OUT: Words = {
    **WORDS,
    "kind": ("goose", "hare", "weaver"),
    "colour": ("purple", "grey"),
    "thing": ("ladder", "whistle", "hat"),
    "place": ("the well", "the tower"),
    "food": ("nut cake", "cherries"),
}


def pick(options: Sequence[Option], rng: np.random.Generator) -> Option:
    """One of the options."""
    return options[int(rng.integers(len(options)))]


ROLES = ("hero", "friend", "other", "asks", "knows")


def cast(names: Sequence[str], rng: np.random.Generator) -> dict[str, str]:
    """A different name for each role that a text can have."""
    return {role: names[i] for role, i in zip(ROLES, rng.permutation(len(names)), strict=False)}


# --8<-- [start:fill]
SLOT = re.compile(r"\{(\w+)\}")
FRESH = {"went", "found", "lost", "made", "when", "near"}
"""Slots that take a new word each time; the others keep theirs, so that a text agrees with itself."""


def fill(template: str, chosen: dict[str, str], rng: np.random.Generator, words: Words = WORDS) -> str:
    """The template with its slots filled. What was chosen for a slot is noted in `chosen`."""

    def word(slot: re.Match[str]) -> str:
        name = slot[1]
        if name in FRESH or name not in chosen:
            chosen[name] = SLOT.sub(word, pick(words[name], rng))
        return chosen[name]

    text = SLOT.sub(word, template)
    return text[0].upper() + text[1:]


# --8<-- [end:fill]
