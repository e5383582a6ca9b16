"""The guide's page of rules says of each rule what is true of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.linting import lengths, lint
from mkdocs_fathom.linting.rule import Rule
from mkdocs_fathom.model import Span
from mkdocs_fathom.parsing import minutes, parse

PAGE = Path(__file__).parents[2] / "docs/authoring/rules.md"
TEXT = PAGE.read_text(encoding="utf-8")
SITE = config.Config(Path("/nowhere"), Path("/nowhere/docs"))
WITHOUT_EXAMPLE = {"depth-imbalance": "it would take five minutes to read"}


def section(title: str) -> str:
    """What the page says below a heading."""
    page = parse.parse(TEXT, "rules.md", SITE).checked()
    starts = {each.text: each.index for each in page.headings if each.level == 2}
    assert title in starts, f"docs/authoring/rules.md has no section `## {title}`"
    end = min((index for index in starts.values() if index > starts[title]), default=len(page.lines))
    return "".join(f"{line.text}\n" for line in page.lines[starts[title] + 1 : end])


def example(rule: str, word: str) -> str:
    """The Markdown behind `Found:` or `Better:`."""
    found = re.search(rf"^{word}:\n\n````markdown\n(.*?)^````$", section(rule), re.MULTILINE | re.DOTALL)
    assert found, f"the section of `{rule}` has no example `{word}:`"
    return found[1]


def rules_found(text: str) -> set[str]:
    """The names of the rules that find something in a page; no error is allowed in it."""
    parsed = parse.parse(text, "docs/a.md", SITE)
    chapter = parsed.checked()
    return {problem.rule for problem in (*parsed.problems, *lint.findings([chapter], SITE))}


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.name)
def test_each_rule_has_its_section(rule: Rule) -> None:
    """With its line in the table, an example that it finds, and one that is better."""
    assert f"| [`{rule.name}`](#{rule.name}) | {rule.summary} |" in TEXT
    assert len(section(rule.name)) > 100
    if rule.name not in WITHOUT_EXAMPLE:
        assert rules_found(example(rule.name, "Found")) == {rule.name}
        assert rules_found(example(rule.name, "Better")) == set()


def test_the_page_names_no_rule_that_is_none() -> None:
    """A rule that was renamed leaves nothing behind."""
    assert re.findall(r"^\| \[`([a-z-]+)`\]", TEXT, re.MULTILINE) == list(lint.NAMES)


def test_numbers_of_depth_imbalance() -> None:
    """They are the code's."""
    said = section("depth-imbalance")
    numbers = (lengths.LEAST, lengths.RATIO, minutes.WORDS_A_MINUTE, minutes.LINES_A_MINUTE)
    for number, words in zip(numbers, ("{} minutes", "{} times", "{} a minute", "{} a minute"), strict=True):
        assert words.format(f"{number:g}") in said


def test_ignoring_as_the_page_shows_it() -> None:
    """The three ways to switch a rule off work as they are written there."""
    shown = section("Switch a rule off")
    for block in re.findall(r"```yaml\n(.*?)```", shown, re.DOTALL):
        names = re.findall(r"ignore: \[(.*)\]", block)
        assert set(names) <= set(lint.NAMES)
    (comment,) = re.findall(r"````markdown\n(.*?)````", shown, re.DOTALL)
    assert rules_found(comment) == set()
    assert rules_found(comment.partition("\n")[2]) == {"missing-alt"}
    assert config.build(Path(), Path(), {"ignore": ["depth-imbalance"]}, Span("mkdocs.yml", 1)).ignore
