"""The panel of the tokenizer: Python's tokens, of whatever the reader types."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped, unused-ignore]  # without types
from playwright.sync_api import Page, expect

from snippets.panels.tokens import tokens_panel
from snippets.tokenizer import Tokenizer
from tests.panels.conftest import standing

START = "Lily met a fox."


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Iterator[str]:
    with standing(tmp_path_factory.mktemp("tokens"), tokens_panel(tokenizer, START)) as served:
        yield served


def shown(page: Page) -> list[int]:
    return [int(number) for number in page.locator(".panel-tokens small").all_inner_texts()]


@pytest.mark.parametrize(
    "text", [START, "Le café était fermé 🦊", "子狐 \t\n x", "<img src=x onerror=alert(1)>", "", "a" * 300]
)
def test_tokens(page: Page, tokenizer: Tokenizer, text: str) -> None:
    """The numbers are Python's, and what is typed is text."""
    page.get_by_label("Your text:").fill(text)
    assert shown(page) == tokenizer.encode(text)
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("merges", [0, 7, 100])
def test_fewer_merges(page: Page, tokenizer: Tokenizer, merges: int) -> None:
    """With some of the merges, the tokens are those of a smaller tokenizer."""
    page.get_by_label("Merges").fill(str(merges))
    assert shown(page) == Tokenizer(tokenizer.merges[:merges]).encode(START)
    expect(page.get_by_text(f"with a vocabulary of {257 + merges}.")).to_be_visible()


def test_merge_by_merge(page: Page, tokenizer: Tokenizer) -> None:
    """From bytes, each press brings the next merge that changes the text, until the tokens are whole; and back."""
    page.get_by_role("button", name="Bytes only").click()
    assert shown(page) == list(START.encode())
    states = [shown(page)]
    following = page.get_by_role("button", name="Next merge")
    while following.is_enabled():
        following.click()
        states.append(shown(page))
        expect(page.get_by_role("status")).to_contain_text("become")
    assert states[-1] == tokenizer.encode(START)
    assert all(len(after) < len(before) for before, after in pairwise(states))
    for state in reversed(states[:-1]):
        page.get_by_role("button", name="Undo a merge").click()
        assert shown(page) == state
    expect(page.get_by_role("button", name="Undo a merge")).to_be_disabled()


def test_a_long_text(page: Page) -> None:
    """100 KB neither freeze nor break it, and it says what of them it reads."""
    page.get_by_label("Your text:").fill("Lily met a fox. " * 6400)
    expect(page.get_by_text("The first 20000 characters are read.")).to_be_visible()
    assert len(shown(page)) == 1000


def test_axe(page: Page) -> None:
    page.get_by_label("Your text:").fill("Lily met a fox. " * 200)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
