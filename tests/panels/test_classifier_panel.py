"""The panel of the classifier: the page's probabilities, and what each word does to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped, unused-ignore]  # without types
from playwright.sync_api import Page, Route, expect

from snippets.finetune import classify, examples
from snippets.gpt import GPTModel
from snippets.layers import softmax
from snippets.letters import Letter, letters
from snippets.panels.classifier import classifier_panel, examine
from snippets.tokenizer import PIECES, Tokenizer
from snippets.weights import pack_model
from tests.panels.conftest import Run, new_model, standing

LETTERS = letters(4, np.random.default_rng(0))
LONG = " ".join(letter.text for letter in LETTERS)
CLASSIFY = """return await Promise.all(given.texts.map(async (text, i) => {
  const options = given.stopped ? { signal: AbortSignal.abort() } : {};
  const answer = await ask("classify", { url: "classifier.bin", text, out: given.out?.[i] }, options);
  const p = Math.exp(answer.logits[1]) / (Math.exp(answer.logits[0]) + Math.exp(answer.logits[1]));
  return { ...answer, p };
}));"""


def new_classifier(vocab_size: int, seed: int) -> GPTModel:
    model = new_model(vocab_size, seed)
    model.head_w = np.random.default_rng(seed).normal(0, 1, (64, 2)).astype(np.float32)
    return model


@pytest.fixture(scope="module")
def classifier(tokenizer: Tokenizer, folder: Path) -> GPTModel:
    model = new_classifier(tokenizer.size, 1)
    (folder / "classifier.bin").write_bytes(pack_model(model, tokenizer, "float32"))
    return model


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer, classifier: GPTModel) -> Iterator[str]:
    models = {"this one": classifier, "that one": new_classifier(tokenizer.size, 2)}
    with standing(tmp_path_factory.mktemp("classifier"), classifier_panel(models, tokenizer, LETTERS)) as served:
        yield served


def spam(model: GPTModel, tokenizer: Tokenizer, texts: list[str]) -> list[float]:
    """The page's own probabilities, letter by letter."""
    each = [classify(model, examples([Letter(text, 0)], tokenizer, model.context)) for text in texts]
    return [float(softmax(logits)[0, 1]) for logits in each]


def test_probabilities(run: Run, classifier: GPTModel, tokenizer: Tokenizer) -> None:
    """Short letters and long ones, one that is cut at the context, one of foreign signs, and none."""
    texts = [letter.text for n in (1, 2) for letter in letters(30, np.random.default_rng(n), sentences=n)]
    texts += [LONG, "Le café était déjà fermé 🦊\n\t x", ""]
    found = run(CLASSIFY, texts=texts, stopped=True)  # the words have a test of their own
    assert any(answer["stopped"] for answer in found)
    expected = spam(classifier, tokenizer, texts)
    assert max(expected) - min(expected) > 0.3  # else any two would be close
    assert [answer["p"] for answer in found] == pytest.approx(expected, abs=1e-4)


def test_a_word_left_out(run: Run, classifier: GPTModel, tokenizer: Tokenizer) -> None:
    """With each word left out in turn, the scores are those of the letter without it."""
    texts = [*(letter.text for letter in LETTERS), LONG, "one", ""]
    for text, answer in zip(texts, run(CLASSIFY, texts=texts), strict=True):
        pieces = PIECES.findall(text)
        assert answer["words"] == pieces[: len(answer["words"])]
        shorter = ["".join(pieces[:i] + pieces[i + 1 :]) for i in range(len(answer["words"]))]
        without = [classify(classifier, examples([Letter(each, 0)], tokenizer, 80))[0] for each in shorter]
        assert np.allclose(np.reshape(answer["without"], (-1, 2)), np.reshape(without, (-1, 2)), atol=1e-4)
        stored = examine(classifier, tokenizer, text)
        assert np.allclose(stored["logits"], answer["logits"], atol=1e-4)
        assert np.allclose(np.reshape(stored["without"], (-1, 2)), np.reshape(without, (-1, 2)), atol=1e-4)


def test_several_words_left_out(run: Run, classifier: GPTModel, tokenizer: Tokenizer) -> None:
    """In a letter beyond the context, what stood behind it moves up and is read."""
    pieces = PIECES.findall(LONG)
    out = [1, 3, 5, 6]
    answer = run(CLASSIFY, texts=[LONG], out=[out])[0]
    text = "".join(piece for i, piece in enumerate(pieces) if i not in out)
    assert answer["p"] == pytest.approx(spam(classifier, tokenizer, [text])[0], abs=1e-4)
    assert answer["all"] == len(pieces) > len(answer["words"])


def offline(page: Page) -> list[str]:
    """Let no weights come. Returns what is asked for."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.context.route("**/*.bin", refuse)
    return asked


def test_whole_before_weights_come(page: Page, classifier: GPTModel, tokenizer: Tokenizer) -> None:
    """The letters have their answers with the data, for each model; then it says what is missing, and can try again."""
    asked = offline(page)
    status = page.locator(".panel-verdict")
    expected = spam(classifier, tokenizer, [letter.text for letter in LETTERS])
    for i, p in enumerate(expected):
        page.get_by_label("A letter:").select_option(str(i))
        expect(status).to_contain_text(f"spam with probability {p:.2f}")
        expect(page.locator(".panel-weighed button")).to_have_count(len(PIECES.findall(LETTERS[i].text)))
    page.get_by_label("that one").check()
    expect(status).not_to_contain_text(f"probability {expected[-1]:.2f}")
    assert asked == []
    page.get_by_label("Its text").fill("Dear Max, pay.")
    expect(page.get_by_text("Are you offline?")).to_be_visible()
    expect(status).to_have_text("No answer without the model.")
    page.context.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("A letter:")).to_be_focused()
    expect(status).to_contain_text("spam with probability")


def test_a_letter_of_ones_own(page: Page, classifier: GPTModel, tokenizer: Tokenizer) -> None:
    """Its words are text, and have signed numbers; pressed, a word is out, keeps its focus, and comes back."""
    text = "Dear <img src=x onerror=alert(1)>, pay two coins. Yours, Mia"
    page.get_by_label("Its text").fill(text)
    expect(page.get_by_label("A letter:")).to_have_value("own")
    whole = f"spam with probability {spam(classifier, tokenizer, [text])[0]:.2f}"
    status = page.locator(".panel-verdict")
    expect(status).to_contain_text(whole)
    assert page.locator("img").count() == 0
    pay = page.get_by_role("button", name="pay")
    expect(pay.locator("small")).to_have_text(re.compile(r"^[+−]\d\.\d+$|^0$"))
    pay.press("Enter")
    expect(pay).to_have_text("pay out")
    expect(pay).to_be_focused()
    heard = page.get_by_role("status").filter(has_text="probability")
    expect(heard).to_have_text(page.locator(".panel-verdict").inner_text().replace("\n", " "))
    less = spam(classifier, tokenizer, [text.replace(" pay", "")])[0]
    expect(status).to_contain_text(f"spam with probability {less:.2f}")
    page.get_by_role("button", name="Put all words back").click()
    expect(status).to_contain_text(whole)
    expect(pay).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_label("Its text")).to_have_value(LETTERS[0].text)
    expect(page.get_by_label("this one")).to_be_checked()


def test_a_long_text_and_none(page: Page) -> None:
    """100 KB neither freeze nor break it, and it says what of them it reads; without a text it answers, too."""
    page.get_by_label("Its text").fill("Dear Lily, please pay. " * 4500)
    expect(page.get_by_text("it reads the first")).to_be_visible()
    page.get_by_label("Its text").fill("")
    expect(page.get_by_text("An empty letter, and it gets an answer all the same.")).to_be_visible()


def test_axe(page: Page) -> None:
    page.get_by_role("button", name="Dear").first.click()
    expect(page.locator(".panel-weighed button").first).to_contain_text("out")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
