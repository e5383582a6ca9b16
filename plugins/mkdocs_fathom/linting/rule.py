"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import Problem
from ..model import Span
from .page import Page

Find = Callable[[Page], Iterator["Finding"]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has found, before it is known by the rule's name."""

    span: Span
    """Where."""
    what: str
    """What it is: one sentence without a final full stop."""
    hint: str
    """What to do: a full sentence."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to look for."""

    name: str
    """By which it is switched off."""
    summary: str
    """What it finds, in a line."""
    find: Find
    """Finds it."""

    def check(self, page: Page) -> Iterator[Problem]:
        """The findings of a page, as warnings that bear the rule's name."""
        for found in self.find(page):
            yield Problem(found.span, found.what, found.hint, severity="warning", rule=self.name)
