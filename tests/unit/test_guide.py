"""The author's guide says of the code what is true of it, and its examples are what they look like."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from mkdocs_fathom import cli, config
from mkdocs_fathom.model import CellOptions
from mkdocs_fathom.parsing import fences, frontmatter
from tests import messages
from tests.guide import TinySite, examples, section

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/authoring"
PAGES = {file.stem: file.read_text("utf-8") for file in sorted(GUIDE.glob("*.md"))}
PACKAGE = ROOT / "plugins/mkdocs_fathom"
# Their calls pass on what was said elsewhere, or what Python says.
PASS_ON = {
    "cli": "click's own errors",
    "pytest_plugin": "pytest's own errors, with the nearest tests",
    "errors": "`FathomError.at`",
    "linting.links": "pairs of `_judge`",
    "linting.rule": "findings",
    "parsing.conditions": "Python's syntax errors",
    "parsing.directives": "the method behind all reports",
    "parsing.fences": "the method behind all reports",
    "parsing.frontmatter": "the method behind all reports",
    "parsing.include": "the method behind all reports",
    "parsing.markers": "the method behind all reports",
    "parsing.notebook": "faults of a fence",
    "parsing.parse": "faults of a fence",
    "parsing.scan": "the method behind all reports",
    "parsing.syntax": "Python's syntax errors",
    "pytest_plugin.items": "a cell's own exception",
    "rendering.pages": "failures",
    "running.failures": "a cell's own exception",
    "running.launcher": "what a preloaded module does",
    "scheduling.compare": "which artifact or cell it is",
    "scheduling.preview": "errors of a build",
}


def test_each_page_is_in_the_navigation() -> None:
    """And none that is not there."""
    site = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - strings alone
    parts = next(part["For authors"] for part in site["nav"] if "For authors" in part)
    named = [next(iter(part.values())) if isinstance(part, dict) else part for part in parts]
    assert sorted(named) == sorted(f"authoring/{page}.md" for page in PAGES)


@pytest.mark.parametrize("page", sorted(set(PAGES) - {"index"}))
def test_the_first_page_leads_to_each(page: str) -> None:
    """Its table answers what the guide holds."""
    assert re.search(rf"^\| \[.+\]\({page}\.md\) \|", PAGES["index"], re.MULTILINE)


@pytest.mark.parametrize("option", config.option_fields(), ids=lambda option: option.name)
def test_each_option_of_the_site_is_documented(option: dataclasses.Field[object]) -> None:
    """With a sentence, a type that the reference has a word for, a default, and a section to stand in."""
    page = PAGES["configuration"]
    assert re.fullmatch(r"[A-Z].{10,}\.", option.metadata["doc"])
    assert option.default is not dataclasses.MISSING
    kinds = re.findall(r"^    (.+): \"", page[page.index("WORDS = ") : page.index("EXAMPLES = ")], re.MULTILINE)
    assert (
        str(config.option_types()[option.name])
        .removeprefix("<class '")
        .removesuffix("'>")
        .replace("mkdocs_fathom.model.", "")
        in kinds
    )
    assert f'"{option.name}"' in "".join(re.findall(r"^options\((.*)\)$", page, re.MULTILINE))


def test_keys_of_front_matter() -> None:
    """Those that are read are those that are told of."""
    told = re.findall(r"^\| `(?:fathom: )?(\w+)` \|", PAGES["configuration"], re.MULTILINE)
    assert sorted(told) == sorted(["needs", "pytestmark", *frontmatter._KEYS])


@pytest.mark.parametrize("option", [field.name for field in dataclasses.fields(CellOptions)])
def test_each_option_of_a_cell_is_documented(option: str) -> None:
    """In the table, by the word that an author writes."""
    if option == "may_raise":
        assert "expect-exception" in PAGES["testing"]
    else:
        assert option in rows()


def test_each_word_of_a_fence_is_documented() -> None:
    """Those for the highlighter, too, but for one that only says how to read another."""
    assert rows() == set(fences._CHECKS) - {"title_mode"}


def rows() -> set[str]:
    """The words in the table of options."""
    table = PAGES["cells"].partition("## Options")[2].partition("\n## ")[0]
    first = "".join(re.findall(r"^\| (`.*?`) \| ", table, re.MULTILINE))
    return set(re.findall(r"[`\s](\w+)(?==|`)", first))


def commands(group: click.Group, above: str) -> Iterator[str]:
    """All commands as they are typed."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{above} {name}")
        else:
            yield f"{above} {name}"


@pytest.mark.parametrize("command", list(commands(cli.main, "fathom")))
def test_each_command_is_documented(command: str) -> None:
    """In the table of the first page."""
    assert re.search(rf"^\| `{command}[` ]", PAGES["index"], re.MULTILINE)


@pytest.mark.parametrize("page", ["markers", "cells", "testing"])
def test_what_is_shown_as_an_example_stands_there(page: str) -> None:
    """Below its source, as a reader gets it."""
    shown = [each for each in examples(PAGES[page]) if each.language == "markdown" and not each.title]
    plain = PAGES[page].replace(";--8<--", "--8<--")
    assert len(shown) > 1
    assert [each.body for each in shown if plain.count(each.body) < 2] == []


def test_the_panel_that_is_shown_is_the_one_that_runs() -> None:
    [shown] = [example for example in section(PAGES["cells"], "Panels") if example.language == "js"]
    assert shown.body == (ROOT / shown.title).read_text("utf-8")


def test_errors_are_made() -> None:
    """Ten at least; each section shows what is wrong, makes it in a site of its own, and says why it is so."""
    before, _, _ = PAGES["errors"].partition("## All messages")
    first, *parts = re.split(r"^## ", before, flags=re.MULTILINE)
    made = [part.partition("\n")[0] for part in parts]
    assert len(made) >= 10
    assert 'site.take("Use it in your own site")' in first
    for title, part in zip(made, parts, strict=True):
        assert any(each.title for each in section(PAGES["errors"], title)), title
        assert f'make("{title}"' in part, title
        prose = re.sub(r"^(`{3,}).*?^\1$", "", part, flags=re.MULTILINE | re.DOTALL).partition("\n")[2]
        assert len(prose.strip()) > 20, title


def test_a_tiny_site_tells_as_the_command_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without seconds and folders; an exit status that is not the one expected is an error."""
    site = TinySite(tmp_path, PAGES["errors"])
    site.write("mkdocs.yml", "plugins: [fathom]\n")
    site.take("A marker without its end")
    said = site.run("fathom check", status=1)
    assert capsys.readouterr().out == f"$ fathom check\n{said}\n"
    assert said.startswith("docs/index.md:3:1: `<!-- DEEP -->` is never closed\n")
    with pytest.raises(AssertionError, match="ended with 1"):
        site.run("fathom check", status=0)


@pytest.mark.parametrize("module", messages.modules(PACKAGE), ids=lambda module: module.name)
def test_messages_can_be_listed(module: messages.Module) -> None:
    """Each call that reports has words that are known beforehand; the list has a place for them."""
    assert not module.silent or module.name in PASS_ON, f"lines {module.silent} report nothing that can be listed"
    assert messages.OTHERS not in messages.grouped([module])


SAID = [
    ("parsing.markers", "`…` is never closed", ("Add `…` where that reading ends.",)),
    ("config", "unknown option `…` of fathom", ("Did you mean `…`?", "Known options: ….")),
    ("parsing.fences", '`exec="false"` without a reason', ('Add `reason="…"`: why the cell does not run.',)),
    ("running.guard", "this cell may not use the network (…); allow it with `network` on its fence", ()),
    ("scheduling.needs", "chapters need each other: …", ("Take one of these needs away.",)),
]


@pytest.mark.parametrize(("module", "what", "hints"), SAID)
def test_what_is_listed(module: str, what: str, hints: tuple[str, ...]) -> None:
    """The words of the code, and what to do that belongs to them."""
    found = {each.name: each for each in messages.modules(PACKAGE)}
    assert messages.Message(what, hints) in found[module].messages
    assert messages.inline(what) in messages.html([found[module]])


def test_advice_is_listed() -> None:
    """What is said after an exception, whether it stands in a table or in a function."""
    hints = next(each.hints for each in messages.modules(PACKAGE) if each.name == "running.advice")
    assert "Give the value in the code: a page is built without a person to ask." in hints
    assert "Name the chapter that publishes it under `needs:` in the front matter, or load one that is there." in hints
