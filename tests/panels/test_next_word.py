"""The panel of the bigram model: what Python counted, in the browser."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from snippets.corpus import reading
from snippets.panels.next_word import END, next_word_panel
from tests.panels.conftest import standing

FOLLOWS: dict[str, Counter[str]] = defaultdict(Counter)
for text in reading(300, np.random.default_rng(0)):
    words = [END, *re.findall(r"\s*\w+|\s*[^\w\s]", text), END]
    for before, after in itertools.pairwise(words):
        FOLLOWS[before][after] += 1
PANEL = next_word_panel(FOLLOWS, "There lived", last=" lived")
MODEL = dict(PANEL.data)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standing(tmp_path_factory.mktemp("next-word"), PANEL) as served:
        yield served


@pytest.mark.parametrize("temperature", [1.0, 0.2, 2.5])
def test_distributions(page: Page, temperature: float) -> None:
    """After every word, the browser's probabilities are Python's."""
    given = page.evaluate(
        """([model, words, temperature]) => words.map((word) =>
             Object.fromEntries(panel.distribution(model, word, temperature).map(({ word, p }) => [word, p])))""",
        [MODEL, ["" if word == END else word for word in FOLLOWS], temperature],
    )
    for row, found in zip(FOLLOWS.values(), given, strict=True):
        powers = {word: (count / max(row.values())) ** (1 / temperature) for word, count in row.items()}
        total = sum(powers.values())
        assert found == pytest.approx({word: power / total for word, power in powers.items()}, abs=1e-12)


def test_words_are_cut_as_in_python(page: Page) -> None:
    """Blanks, signs, letters of any script: the last word is that of the chapter's own expression."""
    for text in ("Where was the bell", 'asked Tom. "', "a-b", "naïve fée", "子狐 住", "snake_case 17", "a\n\nb"):
        last = re.findall(r"\s*\w+|\s*[^\w\s]", text)[-1]
        model = {"words": [last, "x"], "rows": {"0": [[1, 1]]}, "end": END}
        (found,) = page.evaluate("([m, t]) => panel.distribution(m, t)", [model, text])
        assert (found["word"], found["p"]) == ("x", 1), text


def test_writing(page: Page) -> None:
    """A press appends a word; a word that was never met is said to have no row; begun again, all is as it was."""
    text = page.get_by_label("A text begins:")
    before = page.get_by_role("list").inner_text()
    likeliest = FOLLOWS[" lived"].most_common(1)[0][0]
    page.get_by_role("listitem").first.get_by_role("button").press("Enter")
    expect(text).to_have_value(f"There lived{likeliest}")
    expect(page.get_by_role("status")).to_have_text(f"Added: {likeliest.strip()}")
    text.fill("zzz <img src=x onerror=alert(1)>")
    expect(page.get_by_text("the table has no row for it")).to_be_visible()
    expect(page.get_by_role("button", name="Draw a word")).to_be_disabled()
    page.get_by_role("button", name="Start again").click()
    assert page.get_by_role("list").inner_text() == before


def test_drawing_ends_with_the_text(page: Page) -> None:
    """However often one draws: every two neighbours have been neighbours, and nothing comes after the end."""
    for _ in range(30):
        button = page.get_by_role("button", name="Draw twenty")
        if button.is_disabled():
            break
        button.click()
    expect(page.get_by_text("The text is over.").first).to_be_visible()
    text = page.get_by_label("A text begins:").input_value().removesuffix(END)
    words = re.findall(r"\s*\w+|\s*[^\w\s]", text)
    assert all(after in FOLLOWS[before] for before, after in itertools.pairwise(words[1:]))


def test_temperature(page: Page) -> None:
    """Cold, the favourite's share grows; hot, it falls."""
    share = page.locator(".panel-share").first
    plain = share.inner_text()
    page.get_by_label("Temperature").fill("0.2")
    cold = share.inner_text()
    page.get_by_label("Temperature").fill("3")
    percents = [int(text.split()[0]) for text in (cold, plain, share.inner_text())]
    assert percents == sorted(percents, reverse=True)
    assert len(set(percents)) == len(percents)


def test_a_long_text(page: Page) -> None:
    """100 KB do no harm."""
    page.get_by_label("A text begins:").fill("the fox " * 12_800)
    expect(page.get_by_text("the table has no row").or_(page.locator(".panel-share").first)).to_be_visible()
