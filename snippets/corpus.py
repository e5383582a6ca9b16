"""The small world that the model reads about: stories and letters, written by a grammar of templates.

Every text comes from a random generator that the caller passes in: the same seed writes the same texts. Some templates
are held out: `held_out=True` writes with those alone, so that a loss on them shows more than memory. So are some names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
NAMES_HELD_OUT = ("Clara", "Otto", "Vera", "Emil")

# --8<-- [start:words]
WORDS: dict[str, tuple[str, ...]] = {
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

Templates = Mapping[str, Sequence[str]]

STORY: Templates = {
    "start": (
        "Once upon a time, there was a {mood} {kind} named {hero}.",
        "Long ago, a {mood} {kind} named {hero} lived {near}.",
        "There was once a {kind} named {hero}, who was very {mood}.",
        "{hero} was a {mood} {kind} who lived {near} and loved {food}.",
        "A {mood} {kind} lived {near}, and the name of the {kind} was {hero}.",
    ),
    "want": (
        "{when} {hero} {lost} a {colour} {thing} {near}.",
        "{when} {hero} {went} to {place} with a {colour} {thing}, and {lost} the {thing} there.",
        "{hero} had a {colour} {thing}, but {lost} it in the {weather}.",
        "{when} {hero} wanted to {task}, but the {thing} was not there.",
        "{when} {hero} could not find the {colour} {thing}.",
    ),
    "meet": (
        "Then {friend}, a {mood} friend, {found} the {thing} and gave it back to {hero}.",
        '{friend} {went} by and said, "I {found} your {colour} {thing}!"',
        '"Where is my {thing}?" said {hero}. "It is {near}," said {friend}.',
        '"Is it {near}?" said {friend}, who {made} {food} for {hero}.',
        "{hero} {went} to {friend}, and they {found} the {thing} together.",
    ),
    "end": (
        "{hero} and {friend} ate the {food} and were friends from then on.",
        "{hero} thanked {friend}, and they {went} home in the {weather}.",
        "That night, {hero} was {mood} and dreamed of the {colour} {thing}.",
        '"You are a good friend," said {hero}, and they {made} {food} together.',
        "Then {friend} and {hero} {went} to {place} to {task}.",
    ),
}
STORY_HELD_OUT: Templates = {
    "start": (
        "Once there was a {mood} {kind}, and the name of the {kind} was {hero}.",
        "{hero} was a {kind} who was very {mood} and lived {near}.",
    ),
    "want": (
        "{when} {hero} {went} to {place} and could not find the {colour} {thing}.",
        "{hero} wanted to {task}, but {lost} the {colour} {thing} {near}.",
    ),
    "meet": (
        '"Is this your {colour} {thing}?" said {friend}.',
        "{friend} {went} to {place} and {found} the {thing} there.",
    ),
    "end": ("They {made} {food}, and {hero} thanked {friend}.", "Then they {went} home, and {hero} dreamed of {food}."),
}

# --8<-- [start:letters]
PHRASES: dict[str, tuple[str, ...]] = {
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
)
HAM_HELD_OUT = (
    "I want to {task}, but the {weather} is here.",
    "Your {colour} {thing} is still {near}.",
    "{friend} has {food} for you at {place} on {day}.",
    "Will the {thing} be of use when we {task}?",
    "All the {food} was eaten {near}, and {friend} went home.",
)
SPAM_HELD_OUT = (
    "I want to send you {prize}, but I need {fee} {soon}.",
    "{prize} is still here with {rich} for you.",
    "{rich} has {cure} for you for {fee}.",
    "Will you use {secret} to get {prize}?",
    "All who paid {fee} to {rich} got {cure}.",
)
# --8<-- [end:letters]
SLOTS = {**WORDS, **PHRASES}


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter and whether it is honest."""

    text: str
    """What it says."""
    label: int
    """1 for spam, 0 for ham: an honest letter."""


def pick(options: Sequence[str], rng: np.random.Generator) -> str:
    """One of the options."""
    return options[int(rng.integers(len(options)))]


# --8<-- [start:fill]
SLOT = re.compile(r"\{(\w+)\}")
FRESH = {"went", "found", "lost", "made", "when", "near"}
"""Slots that take a new word each time; the others keep theirs, so that a story agrees with itself."""


def fill(template: str, words: dict[str, str], rng: np.random.Generator) -> str:
    """The template with its slots filled."""

    def word(slot: re.Match[str]) -> str:
        name = slot[1]
        if name in FRESH or name not in words:
            words[name] = SLOT.sub(word, pick(SLOTS[name], rng))  # a word may hold slots itself
        return words[name]

    text = SLOT.sub(word, template)
    return text[0].upper() + text[1:]


# --8<-- [end:fill]


def cast(names: Sequence[str], rng: np.random.Generator) -> dict[str, str]:
    """Two different names: who a text is about, and their friend."""
    hero, friend = rng.permutation(len(names))[:2]
    return {"hero": names[hero], "friend": names[friend]}


def story(rng: np.random.Generator, *, held_out: bool = False, names: Sequence[str] = NAMES) -> str:
    """A story of four sentences: someone, a loss, a meeting, an end."""
    words = cast(names, rng)
    parts = (STORY_HELD_OUT if held_out else STORY).values()
    return " ".join(fill(pick(part, rng), words, rng) for part in parts)


def letter(rng: np.random.Generator, *, held_out: bool = False, names: Sequence[str] = NAMES) -> Letter:
    """A letter of two sentences. Its label is no part of its text."""
    words, label = cast(names, rng), int(rng.integers(2))
    templates = ((HAM_HELD_OUT, SPAM_HELD_OUT) if held_out else (HAM, SPAM))[label]
    chosen = [templates[i] for i in rng.permutation(len(templates))[:2]]
    # Each sentence fills its slots anew: unlike a story, a letter may speak of several things.
    body = " ".join(fill(template, dict(words), rng) for template in chosen)
    return Letter(f"Dear {words['hero']}, {body} Yours, {words['friend']}", label)


def letters(n: int, rng: np.random.Generator, *, held_out: bool = False) -> list[Letter]:
    """Letters, as many honest ones as spam, in no order."""
    kinds: tuple[list[Letter], list[Letter]] = ([], [])
    while min(map(len, kinds)) < (n + 1) // 2:
        new = letter(rng, held_out=held_out)
        kinds[new.label].append(new)
    both = [letter for kind in kinds for letter in kind[: (n + 1) // 2]]
    return [both[i] for i in rng.permutation(len(both))[:n]]


def reading(n: int, rng: np.random.Generator, *, held_out: bool = False, names: Sequence[str] = NAMES) -> list[str]:
    """What a model is pretrained on: stories and letters by turns, without labels."""
    return [
        letter(rng, held_out=held_out, names=names).text if i % 2 else story(rng, held_out=held_out, names=names)
        for i in range(n)
    ]
