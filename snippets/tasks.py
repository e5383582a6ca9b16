"""Things to ask of a model that follows instructions, each with the one answer that counts as right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .corpus import FACTS, FACTS_HELD_OUT
from .letters import HAM, PHRASES, SPAM, letter
from .world import NAMES, SLOT, WORDS, Words, cast, fill, pick


# --8<-- [start:task]
@dataclass(frozen=True, slots=True)
class Task:
    """An instruction, the text that it is about, and the answer."""

    kind: str
    """What is asked for: `who`, `where`, `sort`, …"""
    text: str
    """What the instruction is about; empty where it needs nothing."""
    instruction: str
    """What to do."""
    answer: str
    """What counts as done."""

    @property
    def prompt(self) -> str:
        """The instruction as the model reads it, up to where the answer begins."""
        return f"{self.text}\nQ: {self.instruction}\nA:"


# --8<-- [end:task]


# --8<-- [start:question]
def question(
    rng: np.random.Generator,
    *,
    held_out: bool = False,
    names: Sequence[str] = NAMES,
    words: Words = WORDS,
    distract: bool = False,
) -> Task:
    """A question about something that happened. With `distract`, something else of the same kind happened, too."""
    facts, people = (FACTS_HELD_OUT if held_out else FACTS), cast(names, rng)
    fact, chosen = pick(tuple(facts), rng), dict(people)
    text = fill(fact, chosen, rng, words)
    pairs = [pair for pair in facts[fact] if "{" in pair[0] or not distract]  # "For whom was it?" could mean both
    asked, answer = (fill(part, dict(chosen), rng, words) for part in pick(pairs, rng))
    if distract:
        others = cast([name for name in names if name not in people.values()], rng)
        unused = {slot: [word for word in options if word not in chosen.values()] for slot, options in words.items()}
        both = (text, fill(fact, others, rng, unused))
        text = " ".join(both[i] for i in rng.permutation(2))
    kind = "colour" if "colour" in asked else asked.split()[0].lower()
    return Task(kind, text, asked, answer.removeprefix("It was ").removeprefix("It is ").removesuffix("."))


# --8<-- [end:question]

SORTS: Mapping[str, str] = {
    "kind": "somebody",
    "mood": "a mood",
    "colour": "a colour",
    "thing": "a thing",
    "place": "a place",
    "food": "food",
    "weather": "weather",
}


# --8<-- [start:others]
def sorts(*, held_out: bool = False) -> list[Task]:
    """What is honey? Every third word is held out: the model may have read it, but it was never asked about it."""
    words = [(slot, i, word) for slot in SORTS for i, word in enumerate(WORDS[slot])]
    return [Task("sort", "", f"What is {word}?", SORTS[slot]) for slot, i, word in words if (i % 3 == 1) == held_out]


def sort(rng: np.random.Generator) -> Task:
    """One of the words that are not held out."""
    return pick(sorts(), rng)


def honest(rng: np.random.Generator, *, held_out: bool = False) -> Task:
    """Is this letter honest?"""
    written = letter(rng, held_out=held_out, sentences=1)
    return Task("honest", written.text, "Is this letter honest?", "no" if written.label else "yes")


def write(rng: np.random.Generator, *, names: Sequence[str] = NAMES) -> Task:
    """Write a letter: one answer of many that would do."""
    text = letter(rng, names=names, sentences=1).text
    reader, writer = text.removeprefix("Dear ").split(",")[0], text.split()[-1]
    return Task("write", "", f"Write to {reader} from {writer}.", text)


# --8<-- [end:others]


# --8<-- [start:tasks]
def tasks(n: int, rng: np.random.Generator) -> list[Task]:
    """Tasks of all kinds, mixed: what is harder comes more often."""
    kinds: tuple[Callable[[np.random.Generator], Task], ...] = (*(question,) * 8, sort, honest, *(write,) * 3)
    return [pick(kinds, rng)(rng) for _ in range(n)]


# --8<-- [end:tasks]


# --8<-- [start:verdict]
def pattern(template: str) -> str:
    """A regular expression for all that a template can become, names included."""
    words: Words = {**WORDS, **PHRASES, "friend": NAMES}
    return SLOT.sub(lambda slot: f"(?:{'|'.join(map(pattern, words[slot[1]]))})", re.sub(r"([.?])", r"\\\1", template))


FORMS = {
    kind: re.compile(rf"Dear \w+, (?i:{'|'.join(map(pattern, templates))}) Yours, \w+")
    for kind, templates in (("honest", HAM), ("spam", SPAM))
}


def verdict(text: str) -> str:
    """What a letter of one sentence is: honest, spam, or neither, which nobody in this world would write."""
    return next((kind for kind, form in FORMS.items() if form.fullmatch(text)), "neither")


# --8<-- [end:verdict]
