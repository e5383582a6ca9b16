"""Errors as an author reads them: `path:line:col`, what happened, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from .model import Span


@dataclass(frozen=True, slots=True)
class Fix:
    """What a machine can write in the place of what is wrong."""

    old: str
    """What stands there now, from the problem's column on."""
    new: str
    """What was meant."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong at one place.

    Prints as two lines, or one where there is no hint:

        docs/chapters/06.md:12:1: `<!-- DEEP -->` is never closed
          Add `<!-- /DEEP -->` where the deep reading ends.
    """

    span: Span
    """Where."""
    what: str
    """What happened: one sentence without a final full stop."""
    hint: str = ""
    """What to do: a full sentence."""
    severity: Literal["error", "warning"] = "error"
    """Errors stop a build; warnings are said and counted."""
    detail: str = ""
    """Further lines shown below, as they are: a traceback, a diff."""
    rule: str = ""
    """The name of the rule that found it, by which it can be switched off; empty: it cannot."""
    fix: Fix | None = field(default=None, compare=False)
    """How it can be mended without asking anybody."""

    def __str__(self) -> str:
        mark = "warning: " if self.severity == "warning" else ""
        lines = [f"{self.span}: {mark}{self.what}"]
        if self.hint:
            lines.append(f"  {self.hint}")
        lines += [f"    {line}".rstrip() for line in self.detail.splitlines()]
        return "\n".join(lines)


class FathomError(Exception):
    """Something that the author has to mend. Holds every problem found, not only the first.

    Attributes:
        problems: What is wrong, sorted by file and line.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def at(cls, span: Span, what: str, hint: str = "") -> FathomError:
        """An error with a single problem."""
        return cls([Problem(span, what, hint)])
