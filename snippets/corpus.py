"""What the model reads: stories, letters and talks from the small world, written by a grammar of templates.

Some sentence patterns are held out: `held_out=True` writes with those alone, so that a loss on them shows more than
memory. Names and words are held out by passing others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .letters import letter
from .world import NAMES, WORDS, Words, cast, fill, pick

Templates = Mapping[str, Sequence[str]]

# --8<-- [start:story]
STORY: Templates = {
    "start": (
        "Once upon a time, there was a {mood} {kind} named {hero}.",
        "Long ago, a {mood} {kind} named {hero} lived {near}.",
        "There was once a {kind} named {hero}, who was very {mood}.",
        "{hero} was a {mood} {kind} who lived {near} and loved {food}.",
        "A {mood} {kind} lived {near}, and the name of the {kind} was {hero}.",
        "In a house {near} lived {hero}, a {kind} who loved {food}.",
        "{near}, there lived a {mood} {kind}. Everyone called the {kind} {hero}.",
        "This is the story of {hero}, a {kind} who had a {colour} {thing}.",
        "The {kind} {hero} was {mood}, and {friend} was a friend of {hero}.",
        "Once, when there was {weather} {near}, a {kind} named {hero} came by.",
        "Do you know {hero}? {hero} was the {kind} who lived {near}.",
    ),
    "want": (
        "{when} {hero} {lost} a {colour} {thing} {near}.",
        "{when} {hero} {went} to {place} with a {colour} {thing}, and {lost} the {thing} there.",
        "{hero} had a {colour} {thing}, but {lost} it in the {weather}.",
        "{when} {hero} wanted to {task}, but the {thing} was not there.",
        "{when} {hero} could not find the {colour} {thing}.",
        "{hero} wanted {food}, but there was only a {colour} {thing}.",
        "When {hero} came to {place}, the {colour} {thing} was gone.",
        "{when} there was {weather} {near}, and {hero} {lost} the {colour} {thing}.",
        '{hero} said, "I {lost} my {colour} {thing} {near}."',
        "{when} {hero} {found} a {colour} {thing} {near}, and {friend} was the one who had {lost} it.",
        "{hero} had to {task} on {day}, but where was the {thing}?",
        "{when} {friend} asked {hero} for the {colour} {thing}, but {hero} had {lost} it {near}.",
    ),
    "end": (
        "Then {friend}, a {mood} friend, {found} the {thing} and gave it back to {hero}.",
        '{friend} {went} by and said, "I {found} your {thing}, {hero}!"',
        '"Where is my {thing}?" said {hero}. "It is {near}," said {friend}.',
        "{hero} {went} to {friend}, and they {found} the {thing} together.",
        "{hero} and {friend} ate the {food} and were friends from then on.",
        "{friend} {made} {food} for {hero}, and they {went} home in the {weather}.",
        "That night, {hero} was {mood} and dreamed of the {colour} {thing}.",
        '"You are a good friend," said {hero} to {friend}, and {hero} {made} {food}.',
        "At home, {friend} gave {hero} a new {thing}, and {hero} was {mood} again.",
        "{friend} and {hero} looked for it {near}, and there it was.",
        "In the end it was {friend} who {found} the {thing}, and {hero} thanked {friend}.",
        '"Do not worry, {hero}," said {friend}. "We will find your {colour} {thing}."',
        "So {hero} {went} home and {made} {food} for {friend}, who was {mood}.",
        "They ate {food} {near}, and nobody spoke of the {thing} again.",
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
    "end": (
        '"Is this your {colour} {thing}?" said {friend} to {hero}.',
        "{friend} {went} to {place} and {found} the {thing} of {hero} there.",
        "They {made} {food}, and {hero} thanked {friend}.",
        "{hero} {went} home and dreamed of {food}.",
    ),
}
# --8<-- [end:story]

# --8<-- [start:talk]
FACTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "{when} {hero} {lost} a {colour} {thing} near {place}.": (
        ("Who {lost} the {thing}?", "It was {hero}."),
        ("What did {hero} lose?", "It was a {colour} {thing}."),
        ("What colour was the {thing}?", "It was {colour}."),
        ("Where was the {thing}?", "It was near {place}."),
    ),
    "On {day}, {hero} {went} to {place} to {task}.": (
        ("Who {went} to {place}?", "It was {hero}."),
        ("Where did {hero} go?", "It was to {place}."),
        ("When did {hero} go?", "It was on {day}."),
        ("Why did {hero} go there?", "It was to {task}."),
    ),
    "The {mood} {kind} {hero} {made} {food} for {other}.": (
        ("Who {made} {food}?", "It was {hero}."),
        ("What did {hero} bring?", "It was {food}."),
        ("For whom was it?", "It was for {other}."),
        ("What is {hero}?", "It is a {mood} {kind}."),
    ),
}
FACTS_HELD_OUT: Mapping[str, Sequence[tuple[str, str]]] = {
    "The {colour} {thing} that {hero} {found} was near {place}.": (
        ("Who {found} the {thing}?", "It was {hero}."),
        ("What colour was the {thing}?", "It was {colour}."),
        ("Where was the {thing}?", "It was near {place}."),
    ),
    "For {other} there was {food} from the {kind} {hero}.": (
        ("Who {made} {food}?", "It was {hero}."),
        ("For whom was it?", "It was for {other}."),
        ("What is {hero}?", "It is a {kind}."),
    ),
}
# --8<-- [end:talk]


def story(
    rng: np.random.Generator, *, held_out: bool = False, names: Sequence[str] = NAMES, words: Words = WORDS
) -> str:
    """A story: someone, a loss, and how it ended."""
    chosen = cast(names, rng)
    parts = (STORY_HELD_OUT if held_out else STORY).values()
    return " ".join(fill(pick(part, rng), chosen, rng, words) for part in parts)


def talk(
    rng: np.random.Generator, *, held_out: bool = False, names: Sequence[str] = NAMES, words: Words = WORDS
) -> str:
    """Something that happened, and three questions about it with their answers."""
    chosen, facts = cast(names, rng), FACTS_HELD_OUT if held_out else FACTS
    fact = pick(tuple(facts), rng)
    sentences = [fill(fact, chosen, rng, words)]
    for i in rng.permutation(len(facts[fact]))[:3]:
        sentences += [fill(part, dict(chosen), rng, words) for part in facts[fact][i]]
    return " ".join(sentences)


def reading(
    n: int,
    rng: np.random.Generator,
    *,
    held_out: bool = False,
    names: Sequence[str] = NAMES,
    words: Words = WORDS,
) -> list[str]:
    """What a model is pretrained on: stories, letters and talks by turns, without labels."""
    texts = []
    for i in range(n):
        if i % 3 == 1:
            texts.append(letter(rng, held_out=held_out, names=names, words=words).text)
        else:
            texts.append((talk if i % 3 else story)(rng, held_out=held_out, names=names, words=words))
    return texts
