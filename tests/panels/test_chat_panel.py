"""The panel of the chat: answers and their probabilities are those of the page's Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped, unused-ignore]  # without types
from playwright.sync_api import Page, Route, expect

from snippets.gpt import GPTModel
from snippets.instruct import answer, certainty
from snippets.panels.chat import Try, chat_panel
from snippets.panels.chat import tokens as tokens_of
from snippets.tasks import Task, tasks
from snippets.tokenizer import Tokenizer
from snippets.weights import pack_model
from tests.panels.conftest import Run, new_model, standing

KITE = "One day, Mia lost a red kite near the mill."
TRIES = {
    "It can": [Try("Who?", KITE, "Who lost the kite?"), Try("Write", "", "Write to Lily from Tom.")],
    "It fails": [Try("The drum", KITE, "Who lost the drum?", "Nobody lost a drum.")],
}
ANSWER = """
const { answer, promptOf } = await import(new URL("engine/chat.js", location.href));
const url = given.url ?? "chat.bin";
const model = { ask: (type, message, options) => ask(type, { ...message, url }, options) };
return await Promise.all(given.tasks.map(({ text, instruction }) =>
  answer(model, promptOf(text, instruction), { temperature: given.temperature, seed: given.seed }, {
    signal: given.stopped ? AbortSignal.abort() : undefined,
  })));
"""


@pytest.fixture(scope="module")
def tuned(tokenizer: Tokenizer, folder: Path) -> GPTModel:
    """A model that speaks in many tongues, and comes to an end now and then."""
    model = new_model(tokenizer.size, seed=5)
    model.head_w[:, tokenizer.end] *= 3
    (folder / "chat.bin").write_bytes(pack_model(model, tokenizer, "float32"))
    return model


@pytest.fixture(scope="module")
def exam(tokenizer: Tokenizer) -> list[Task]:
    some = [task for task in tasks(80, np.random.default_rng(1)) if len(tokenizer.encode(task.prompt)) < 78]
    return some[:54]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer, tuned: GPTModel) -> Iterator[str]:
    models = {"before": new_model(tokenizer.size), "after": tuned}
    with standing(tmp_path_factory.mktemp("chat"), chat_panel(models, tokenizer, TRIES)) as served:
        yield served


def asked(exam: list[Task]) -> list[dict[str, str]]:
    return [{"text": task.text, "instruction": task.instruction} for task in exam]


def test_greedy_answers(run: Run, tuned: GPTModel, tokenizer: Tokenizer, exam: list[Task]) -> None:
    """The same to the letter, and as probable: each token of an answer, and all of it."""
    found = run(ANSWER, tasks=asked(exam), temperature=0, seed=0)
    expected = [replace(task, answer=answer(tuned, tokenizer, task)) for task in exam]
    assert [said["answer"] for said in found] == [task.answer for task in expected]
    assert len(found) >= 50
    assert len({task.answer for task in expected}) > 10
    ended = [(said, task) for said, task in zip(found, expected, strict=True) if "p" in said]
    assert len(ended) >= 50
    for said, task in ended:
        assert said["p"] == pytest.approx(certainty(tuned, tokenizer, task), abs=1e-4)
        stored = tokens_of(tuned, tokenizer, task)
        assert said["each"] == pytest.approx(stored["each"], abs=1e-4)
        assert said["texts"] == stored["texts"]


def test_a_seed_draws_the_same_again(run: Run, tuned: GPTModel, tokenizer: Tokenizer, exam: list[Task]) -> None:
    """And it draws what it draws in Python."""
    exam = exam[:6]
    first, again = (run(ANSWER, tasks=asked(exam), temperature=0.7, seed=3) for _ in range(2))
    assert first == again
    expected = [answer(tuned, tokenizer, task, temperature=0.7, seed=3) for task in exam]
    assert [said["answer"] for said in first] == expected
    assert [said["answer"] for said in run(ANSWER, tasks=asked(exam), temperature=0.7, seed=4)] != expected


def test_stop_stops(run: Run, exam: list[Task]) -> None:
    """A model that would never end: left alone it is cut off, stopped it has written less."""
    options = {"url": "model.bin", "tasks": asked(exam[:1]), "temperature": 0.7, "seed": 0}
    (whole,) = run(ANSWER, **options)
    (part,) = run(ANSWER, **options, stopped=True)
    assert whole["end"] == "Cut off after 60 tokens."
    assert part["end"] == "Stopped."
    assert len(part["answer"]) < len(whole["answer"])


def test_a_question_beyond_the_context(run: Run, tuned: GPTModel, tokenizer: Tokenizer) -> None:
    """It is answered from its end, as in Python, and nothing is said of a probability."""
    task = Task("", f"{KITE} " * 9, "Who lost the kite?", "")
    said = run(ANSWER, tasks=asked([task]), temperature=0, seed=0)[0]
    assert said["answer"] == answer(tuned, tokenizer, task)
    assert "p" not in said
    assert "only the end of it" in said["end"] or "Cut off" in said["end"]


def refuse(route: Route) -> None:
    route.abort()


def test_whole_before_weights_come(page: Page, tuned: GPTModel, tokenizer: Tokenizer) -> None:
    """The examples have their answers with the data; asked all the same, it says what is missing, and tries again."""
    page.context.route("**/*.bin", refuse)
    after = page.locator(".panel-side").nth(1)
    for group in TRIES.values():
        for each in group:
            page.get_by_role("button", name=each.name).click()
            task = Task("", each.text, each.instruction, "")
            said = answer(tuned, tokenizer, task)
            expect(after.locator(".panel-answer")).to_have_text(said)
            expect(page.locator(".panel-note")).to_have_text(each.note)
            expect(page.get_by_label("A question or")).to_have_value(each.instruction)
    page.get_by_role("button", name="Ask both").click()
    expect(page.get_by_text("Are you offline?")).to_have_count(2)
    page.context.unroute_all()
    page.get_by_role("button", name="Try again").first.click()
    expect(page.get_by_role("button", name="Ask both")).to_be_focused()
    expect(after.locator(".panel-answer")).to_have_text(said)
    expect(after.locator("summary")).to_contain_text("with probability")


def test_asking(page: Page, tuned: GPTModel, tokenizer: Tokenizer) -> None:
    """What is typed is text; a draw with another seed is another, and what was asked before is kept."""
    text = "One day, <img src=x onerror=alert(1)> lost a red kite."
    page.get_by_label("A text to ask about").fill(text)
    question = page.get_by_label("A question or")
    question.fill("Who lost it?")
    question.press("Enter")
    task = Task("", text, "Who lost it?", "")
    after = page.locator(".panel-side").nth(1).locator(".panel-answer")
    expect(after).to_have_text(answer(tuned, tokenizer, task))
    page.get_by_label("Temperature").fill("0.7")
    page.get_by_text("Earlier answers").click()
    earlier = page.locator(".panel-log li")
    for seed, name, count in (("1", "Another draw", 2), ("1", "Ask both", 3), ("2", "Another draw", 4)):
        page.get_by_role("button", name=name).click()
        expect(earlier).to_have_count(count)
        expect(page.get_by_label("Seed")).to_have_value(seed)
    second, first, before, _ = earlier.all_inner_texts()
    assert first == before != second
    assert page.locator("img").count() == 0
    page.get_by_role("button", name="Start again").click()
    expect(question).to_have_value("Who lost the kite?")
    expect(page.get_by_text("Earlier answers")).to_be_hidden()


def test_stop_button(page: Page) -> None:
    """Stopped at once: it says so, and the focus goes to what one presses next."""
    page.get_by_label("Temperature").fill("1.5")
    page.evaluate(
        """() => {
          const find = (name) => [...document.querySelectorAll("button")].find((each) => each.textContent === name);
          find("Ask both").click();
          find("Stop").focus();
          find("Stop").click();
        }"""
    )
    expect(page.get_by_text("Stopped.")).to_have_count(2)
    expect(page.get_by_role("button", name="Ask both")).to_be_focused()
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


def test_stop_while_weights_are_on_their_way(page: Page) -> None:
    page.context.route("**/*.bin", lambda _: None)  # they never come
    page.get_by_role("button", name="Ask both").click()
    expect(page.get_by_text("Fetching the model")).to_have_count(2)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.")).to_have_count(2)
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


def test_long_texts(page: Page) -> None:
    """100 KB neither freeze nor break it."""
    page.get_by_label("A text to ask about").fill("the fox " * 12_800)
    page.get_by_role("button", name="Ask both").click()
    expect(page.get_by_text("only the end of it").or_(page.get_by_text("Cut off after")).first).to_be_visible()


def test_axe(page: Page) -> None:
    page.get_by_role("button", name="The drum").click()
    for summary in page.locator("summary").all()[:2]:
        summary.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
