"""What an author has switched off: for the site, for a page, or for a place.

For a place: `<!-- fathom: ignore missing-alt -->` holds for the block behind it, which is a whole fence or what stands
before the next blank line. Directly below an opening marker it holds for the marker, too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..config import Config
from ..errors import Problem
from ..model import Chapter, Span
from .page import Page

_COMMENT = re.compile(r"[ \t]*fathom[ \t]*:[ \t]*([^\s,]*)([\s\S]*)")


@dataclass(frozen=True, slots=True)
class Ignored:
    """Rules that are switched off for some lines."""

    rules: frozenset[str]
    """Their names."""
    first: int
    """Position of the first line."""
    last: int
    """Position of the last line."""
    span: Span
    """Where that is said."""


def for_page(chapter: Chapter) -> tuple[str, ...]:
    """The names under `fathom: ignore:` in a page's front matter."""
    options = chapter.meta.get("fathom")
    value = options.get("ignore") if isinstance(options, dict) else None
    return (value,) if isinstance(value, str) else tuple(value or ())


def for_places(page: Page) -> Iterator[Ignored]:
    """What the comments of a page switch off."""
    openings = {region.first for region in page.chapter.regions}
    for index, keyword, names, column in _comments(page):
        if keyword == "ignore" and names:
            first = index - 1 if index - 1 in openings else index
            yield Ignored(frozenset(names), first, _end(page.chapter, index + 1), page.span(index, column))


def problems(page: Page, rules: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with a page's comments and front matter: a word gone wrong would switch nothing off."""
    for index, keyword, names, column in _comments(page):
        span = page.span(index, column)
        if keyword.startswith("expect"):
            continue  # the parser's
        if keyword != "ignore":
            yield Problem(span, f"`fathom: {keyword}` is nothing that a comment can say", _HINT, severity="warning")
        elif not names:
            yield Problem(span, "`fathom: ignore` names no rule", _HINT, severity="warning")
        else:
            yield from unknown(names, rules, span)
    yield from unknown(for_page(page.chapter), rules, Span(page.chapter.path, 1))


def unused(page: Page, found: Iterable[Problem], rules: Iterable[str]) -> Iterator[Problem]:
    """A warning for each rule that a comment switches off where it finds nothing.

    Args:
        page: The page.
        found: What rules have found, whether or not it is switched off.
        rules: Those rules.
    """
    places = {(problem.rule, problem.span.path, problem.span.line) for problem in found}
    for each in for_places(page):
        lines = {(line.path, line.number) for line in page.chapter.lines[each.first : each.last + 1]}
        for rule in sorted(each.rules & set(rules)):
            if not any((rule, *line) in places for line in lines):
                what = f"`fathom: ignore {rule}` switches nothing off: the rule finds nothing here"
                yield Problem(
                    each.span, what, "Take it out, or put it directly above what it is for.", severity="warning"
                )


_HINT = "Write `<!-- fathom: ignore missing-alt -->`, with the rules' names."


def for_site(config: Config, rules: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with the names under `ignore` in the site's options."""
    return unknown(config.ignore, rules, config.place("ignore"))


def unknown(names: Iterable[str], rules: Sequence[str], span: Span) -> Iterator[Problem]:
    """A warning for each name that no rule has."""
    for name in names:
        if name not in rules:
            near = difflib.get_close_matches(name, rules, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Rules: {', '.join(rules)}."
            yield Problem(span, f"no rule `{name}` to ignore", hint, severity="warning")


def _comments(page: Page) -> Iterator[tuple[int, str, list[str], int]]:
    """Line, keyword, names and column of each comment to us."""
    for event in page.prose:
        for comment in event.comments:
            if match := _COMMENT.fullmatch(comment.text):
                yield event.index, match[1], re.findall(r"[^\s,]+", match[2]), comment.start + 1


def _end(chapter: Chapter, index: int) -> int:
    """The last line of the block that begins at a line or below it."""
    lines = chapter.lines
    while index < len(lines) and not lines[index].text.strip(" \t>"):
        index += 1
    fences = {cell.first: cell.last for cell in chapter.cells} | {each.first: each.last for each in chapter.others}
    if index in fences:
        return fences[index]
    while index < len(lines) and lines[index].text.strip(" \t>") and index not in fences:
        index += 1
    return index - 1
