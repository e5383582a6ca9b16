"""The small world that the model reads about: stories and letters, written by a grammar of templates.

Every text comes from a random generator that the caller passes in: the same seed writes the same texts. Some templates
and names are held out: `held_out=True` writes with those alone, so that a loss on them shows more than memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

NAMES = "Lily Tom Mia Ben Anna Sam Rosa Max Ella Finn Nora Leo Ada Hugo Ruth Ivan".split()
NAMES_HELD_OUT = "Clara Otto Vera Emil".split()

# --8<-- [start:words]
WORDS: dict[str, tuple[str, ...]] = {
    "kind": ("fox", "bear", "rabbit", "mouse", "owl", "girl", "boy", "farmer", "duck", "hedgehog"),
    "mood": ("kind", "shy", "brave", "curious", "lazy", "cheerful", "tired", "clever"),
    "colour": ("blue", "red", "green", "yellow", "white", "brown"),
    "thing": ("kite", "lantern", "basket", "drum", "scarf", "boat", "spoon", "bell", "book", "ladder"),
    "place": ("the old mill", "the river", "the market", "the school", "the forest", "the bridge", "the barn"),
    "food": ("bread", "soup", "plum cake", "cheese", "porridge", "apple pie", "honey", "pancakes"),
    "day": ("Monday", "Tuesday", "Friday", "Sunday", "the morning", "the evening", "the weekend"),
    "task": ("mend the roof", "pick the apples", "water the beans", "feed the hens", "sweep the yard", "stack the wood"),
    "weather": ("rain", "snow", "wind", "fog", "frost", "thunder"),
    "prize": ("a bag of gold", "a chest of pearls", "a silver crown", "a magic ring", "ten diamonds", "a palace"),
    "fee": ("two coins", "five coins", "a small fee", "your savings", "a deposit", "one gold piece"),
    "rich": ("a foreign prince", "the royal bank", "a wealthy duke", "the lottery", "a secret wizard", "the sultan"),
    "soon": ("before midnight", "today only", "at once", "without delay", "within the hour", "right now"),
    "cure": ("a miracle potion", "a youth cream", "a wonder powder", "a golden pill"),
    "secret": ("your password", "the key to your house", "your secret word", "the number of your chest"),
}
# --8<-- [end:words]

Templates = Mapping[str, Sequence[str]]

STORY: Templates = {
    "start": (
        "Once upon a time, there was a {mood} {kind} named {hero}.",
        "Long ago, a {mood} {kind} named {hero} lived near {place}.",
        "In a small house by {place} lived {hero}, a {mood} {kind}.",
        "{hero} was a {mood} {kind} who loved {food}.",
    ),
    "want": (
        "One day, {hero} lost a {colour} {thing} near {place}.",
        "{hero} had a {colour} {thing} and took it everywhere.",
        "On {day}, {hero} went to {place} to look for a {colour} {thing}.",
        "{hero} wanted to {task}, but the {weather} was too strong.",
    ),
    "meet": (
        "There {hero} met {friend}, who was making {food}.",
        "{friend} came by and said, \"I will help you.\"",
        "\"Do not worry,\" said {friend}. \"We can {task} together.\"",
        "Then {friend} found the {thing} and gave it back to {hero}.",
    ),
    "end": (
        "{hero} and {friend} shared the {food} and were friends from then on.",
        "{hero} said thank you, and they walked home in the {weather}.",
        "That night, {hero} slept well and dreamed of the {colour} {thing}.",
        "\"You are a good friend,\" said {hero}, and {friend} smiled.",
    ),
}
STORY_HELD_OUT: Templates = {
    "start": ("There once lived a {kind} named {hero}, who was very {mood}.",),
    "want": ("{hero} walked to {place} with a {colour} {thing}, and lost it in the {weather}.",),
    "meet": ("\"Is this your {colour} {thing}?\" said {friend}, who had some {food}.",),
    "end": ("They ate the {food}, and {hero} thanked {friend}.",),
}

# --8<-- [start:letters]
HAM = (
    "The {food} is ready, so come and eat with us on {day}.",
    "Thank you for the {colour} {thing}, it was a lovely gift.",
    "Can you help me to {task} on {day}?",
    "We will meet at {place} if the {weather} stops.",
    "I found your {thing} near {place}.",
    "{friend} is ill, so I will {task} alone.",
    "Please bring the {thing} when you come to {place}.",
    "I bought {food} for two coins at {place}.",
    "There was so much {weather} on {day} that we stayed at home and made {food}.",
    "My {thing} is broken, may I use yours {day}?",
)
SPAM = (
    "You have won {prize} from {rich}!",
    "Send {fee} to {rich} and you will receive {prize}.",
    "{rich} has chosen you, so answer {soon}.",
    "Pay {fee} {soon}, or you will lose {prize}.",
    "Tell me {secret} and I will send you {prize}.",
    "Buy {cure} for {fee}, it heals everything.",
    "This offer for {cure} ends {soon}.",
    "Do not tell anyone that {rich} wants to give you {prize}.",
    "To open the chest I need {secret} {soon}.",
    "{cure} made me young in one night, order it {soon}.",
)
EITHER = ("I hope you are well.", "Please write back to me.", "I have good news for you.", "I think of you often.")
HAM_HELD_OUT = (
    "On {day} I want to {task}, and then we can have {food}.",
    "Your {colour} {thing} is still at {place}.",
    "Because of the {weather} I could not {task}.",
    "{friend} and I made {food} for everyone at {place}.",
    "I need to find my {thing} before {day}.",
)
SPAM_HELD_OUT = (
    "I need {fee} {soon}, and then {prize} is yours.",
    "{prize} is still waiting for you at {rich}.",
    "Everyone who gives {secret} to {rich} gets {cure}.",
    "Because of {rich} you can have {cure} for {fee}.",
    "Give {secret} {soon} to find {prize}.",
)
# --8<-- [end:letters]


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
def fill(template: str, words: dict[str, str], rng: np.random.Generator) -> str:
    """The template with its slots filled. A slot filled once keeps its word, so that a story agrees with itself."""

    def word(slot: re.Match[str]) -> str:
        return words.setdefault(slot[1], pick(WORDS[slot[1]], rng) if slot[1] in WORDS else "")

    text = re.sub(r"\{(\w+)\}", word, template)
    return text[0].upper() + text[1:]
# --8<-- [end:fill]


def cast(held_out: bool, rng: np.random.Generator) -> dict[str, str]:
    """Two different names: who a text is about, and their friend."""
    hero, friend = rng.permutation(NAMES_HELD_OUT if held_out else NAMES)[:2]
    return {"hero": str(hero), "friend": str(friend)}


def story(rng: np.random.Generator, held_out: bool = False) -> str:
    """A story of four sentences: someone, a wish, a meeting, an end."""
    words = cast(held_out, rng)
    parts = (STORY_HELD_OUT if held_out else STORY).values()
    return " ".join(fill(pick(part, rng), words, rng) for part in parts)


def letter(rng: np.random.Generator, held_out: bool = False) -> Letter:
    """A letter of three sentences, two of which give away whether it is honest. The label is not part of the text."""
    names, label = cast(held_out, rng), int(rng.integers(2))
    kinds = (HAM_HELD_OUT, SPAM_HELD_OUT) if held_out else (HAM, SPAM)
    chosen = [str(template) for template in rng.permutation(kinds[label])[:2]]
    chosen.insert(int(rng.integers(3)), pick(EITHER, rng))
    # Each sentence fills its slots anew: a letter speaks of several things.
    body = " ".join(fill(template, dict(names), rng) for template in chosen)
    return Letter(f"Dear {names['hero']}, {body} Yours, {names['friend']}", label)


def stories(n: int, rng: np.random.Generator, held_out: bool = False) -> list[str]:
    """Stories."""
    return [story(rng, held_out) for _ in range(n)]


def letters(n: int, rng: np.random.Generator, held_out: bool = False) -> list[Letter]:
    """Letters, honest and not, in no order."""
    return [letter(rng, held_out) for _ in range(n)]


def reading(n: int, rng: np.random.Generator, held_out: bool = False) -> list[str]:
    """What a model is pretrained on: stories and letters by turns, without labels."""
    return [letter(rng, held_out).text if i % 2 else story(rng, held_out) for i in range(n)]
