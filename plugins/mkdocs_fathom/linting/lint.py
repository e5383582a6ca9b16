"""All rules over all chapters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..config import Config
from ..errors import Problem
from ..model import Chapter
from . import alternatives, ignored, keys, lengths, links, lists, names, page, structure, values
from .rule import Rule

_READ = "mojibake"
RULES = (
    # Found while a chapter is read: what it damages, every page shows.
    Rule(_READ, "Text that was decoded wrongly; `--fix` repairs it.", lambda _page: iter(())),
    Rule("empty-region", "A region in which a reader sees nothing.", structure.empty_region),
    Rule("heading-skip", "A heading more than one level below the one before it.", structure.heading_skip),
    Rule("fence-outside-list", "A fence that ends the list it was meant for.", lists.fence_outside_list),
    Rule("depth-imbalance", "A depth that takes much longer to read than another.", lengths.imbalance),
    Rule("link-into-depth", "A link to a heading that only some readers have.", links.into_depth),
    Rule("missing-alt", "An image or a drawing without a text alternative.", alternatives.missing_alt),
    Rule("foreign-name", "A name that only another depth's cells define.", names.foreign_name),
    Rule("misspelt-key", "A key of the front matter that is nearly one of Fathom's.", keys.misspelt_key),
    Rule("unshown-value", "A value that a cell computes and nobody sees.", values.unshown_value),
    Rule("idle-cell", "A cell that does nothing.", values.idle_cell),
)
"""Every rule, in the order of the guide."""
NAMES = tuple(rule.name for rule in RULES)


def findings(chapters: Sequence[Chapter], config: Config, among: Iterable[Chapter] | None = None) -> list[Problem]:
    """What the rules find in chapters, but for what is switched off; and names of rules that are none.

    Args:
        chapters: The chapters to look at.
        config: The site's options.
        among: All chapters of the site, for links; those to look at if None.
    """
    others = {chapter.path: chapter for chapter in (chapters if among is None else among)}
    pages = [page.read(chapter, others) for chapter in chapters]
    wrong = [problem for each in pages for problem in ignored.problems(each, NAMES)]
    found = [problem for each in pages for rule in RULES for problem in rule.check(each)]
    judged = [name for name in NAMES if name != _READ]
    wrong += [problem for each in pages for problem in ignored.unused(each, found, judged)]
    return sorted([*ignored.for_site(config, NAMES), *wrong, *_heeded(found, pages, config)])


def heeded(problems: Iterable[Problem], chapters: Sequence[Chapter], config: Config) -> list[Problem]:
    """The problems without those of rules that are switched off where they were found."""
    problems = list(problems)
    # A site has many pages and seldom a problem.
    return _heeded(problems, [page.read(chapter, {}) for chapter in chapters], config) if problems else []


def _heeded(problems: Iterable[Problem], pages: Sequence[page.Page], config: Config) -> list[Problem]:
    """Pages are read once for all: what stands on which of their lines is asked for each problem."""
    off: set[tuple[str, str, int]] = set()
    for each in pages:
        lines = each.chapter.lines
        switched = [(frozenset(ignored.for_page(each.chapter)), lines)]
        switched += [(place.rules, lines[place.first : place.last + 1]) for place in ignored.for_places(each)]
        off |= {(rule, line.path, line.number) for rules, some in switched for rule in rules for line in some}
    return [
        problem
        for problem in problems
        if not problem.rule
        or (problem.rule not in config.ignore and (problem.rule, problem.span.path, problem.span.line) not in off)
    ]
