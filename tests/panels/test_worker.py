"""Questions to the worker have answers, and what goes wrong is said in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snippets.corpus import reading
from snippets.generate import generate
from snippets.gpt import GPTModel
from snippets.layers import softmax
from snippets.tokenizer import Tokenizer
from tests.browser.conftest import serve
from tests.panels.conftest import Run, floats

TEXT = "Once upon a time"


def test_loading_tells_how_far_it_is(run: Run, folder: Path, model: GPTModel, tokenizer: Tokenizer) -> None:
    body = """
      const updates = [];
      const answer = await ask("load", { url: "rounded.bin" }, { update: (update) => updates.push(update) });
      const again = [];
      await ask("load", { url: "rounded.bin" }, { update: (update) => again.push(update) });
      return [answer, updates, again];
    """
    answer, updates, again = run(body)
    size = (folder / "rounded.bin").stat().st_size
    assert updates[-1] == {"loaded": size, "total": size}
    assert [update["loaded"] for update in updates] == sorted(update["loaded"] for update in updates)
    assert again == []  # it is there
    assert answer["size"] == {
        "vocabulary": tokenizer.size,
        "width": 64,
        "heads": 4,
        "layers": 2,
        "context": 80,
        "outputs": tokenizer.size,
        "parameters": sum(array.size for array in model.parameters().values()),
    }
    assert answer["end"] == tokenizer.end
    assert bytes(answer["bytes"][300]).decode(errors="replace") == tokenizer.decode([300])


def test_answers_are_those_of_the_library(run: Run, model: GPTModel, tokenizer: Tokenizer) -> None:
    body = """
      const message = { url: "model.bin", text: given.text };
      const [encoded, steps, next, looked, lens] = await Promise.all(
        ["encode", "steps", "next", "attention", "lens"].map((type) => ask(type, { ...message, topK: 5 })));
      return [encoded.tokens, steps.steps.length, next.kept, next.probabilities, bytes(next.logits),
        looked.attention.map(bytes), lens.logits.map(bytes)];
    """
    tokens, steps, kept, probabilities, logits, attention, lens = run(body, text=TEXT)
    assert tokens == tokenizer.encode(TEXT)
    assert steps > 1
    prompt = np.array([[tokenizer.end, *tokens]])
    expected, (_, cache) = model.forward(prompt)
    best = np.argsort(-expected[0, -1], kind="stable")[:5]
    assert kept == best.tolist()
    assert np.allclose(probabilities, softmax(expected[0, -1][best]), atol=1e-5)
    assert np.abs(floats(logits) - expected[0, -1]).max() < 1e-4
    for found, block in zip(attention, cache.blocks, strict=True):
        assert np.abs(floats(found) - block.attention.attended.weights.reshape(-1)).max() < 1e-5
    assert len(lens) == 5  # before the first block, and after each of four workers
    assert np.abs(floats(lens[-1]) - expected.reshape(-1)).max() < 1e-4


def test_steps_of_a_long_text_are_refused(run: Run) -> None:
    """Each step is as long as the text, and there are hundreds."""
    body = """
      try { await ask("steps", { url: "model.bin", text: "a".repeat(2001) }); } catch (error) { return error.message; }
    """
    assert run(body) == "The steps are shown for 2000 characters at most: take a part."


def test_a_text_that_is_too_long_is_read_from_its_end(run: Run, model: GPTModel, tokenizer: Tokenizer) -> None:
    text = " ".join(reading(3, np.random.default_rng(6)))
    prompt = [tokenizer.end, *tokenizer.encode(text)]
    assert len(prompt) > model.context
    found = run('return bytes((await ask("next", { url: "model.bin", text: given.text })).logits);', text=text)
    assert np.abs(floats(found) - model(np.array([prompt[-model.context :]]))[0, -1]).max() < 1e-4


def test_writing_comes_token_by_token(run: Run, model: GPTModel, tokenizer: Tokenizer) -> None:
    body = """
      const updates = [];
      const message = { url: "model.bin", text: given.text, seed: 5, most: 40, temperature: 0.8 };
      const answer = await ask("generate", message, { update: (update) => updates.push(update) });
      return [answer, updates];
    """
    answer, updates = run(body, text=TEXT)
    text = generate(model, tokenizer, TEXT, rng=np.random.default_rng(5), max_tokens=40)
    assert TEXT + answer["text"] == text
    assert "".join(update["text"] for update in updates).rstrip("�") == answer["text"].rstrip("�")
    assert [update["token"] for update in updates] == answer["tokens"]
    assert not answer["stopped"]


@pytest.mark.parametrize("type_", ["generate", "train"])
def test_it_stops_when_told_to(run: Run, tokenizer: Tokenizer, type_: str) -> None:
    body = """
      const [stopping, updates] = [new AbortController(), []];
      const message = { url: "model.bin", text: "", most: 1e9, texts: given.texts, steps: 1e9, rows: 1, seed: 0 };
      const answer = await ask(given.type, message, {
        signal: stopping.signal,
        update: (update) => { if (updates.push(update) === 3) stopping.abort(); },
      });
      const after = await ask("encode", { url: "model.bin", text: "a" });
      return [answer.stopped, (answer.tokens ?? answer.losses).length >= 3, after.tokens];
    """
    texts = reading(3, np.random.default_rng(0))
    assert run(body, type=type_, texts=texts) == [True, True, tokenizer.encode("a")]


def test_what_was_trained_can_be_asked(run: Run) -> None:
    body = """
      const size = { width: 16, heads: 2, layers: 1, context: 8 };
      const options = { steps: 30, rows: 4, seed: 0, peak: 0.01, fresh: size, as: "live" };
      const { losses } = await ask("train", { url: "model.bin", texts: given.texts, ...options });
      const live = await ask("load", { url: "live" });
      const { logits } = await ask("next", { url: "live", text: "The" });
      const before = await ask("next", { url: "model.bin", text: "The" });
      await ask("train", { url: "model.bin", texts: given.texts, steps: 2, rows: 1 });
      const after = await ask("next", { url: "model.bin", text: "The" });
      return [losses, live.size, logits.length, bytes(before.logits) === bytes(after.logits)];
    """
    losses, size, n, unchanged = run(body, texts=reading(5, np.random.default_rng(0)))
    assert len(losses) == 30
    assert losses[-1] < losses[0]
    assert (size["width"], size["layers"], size["context"]) == (16, 1, 8)
    assert n == size["vocabulary"]
    assert unchanged  # the model that others ask is left alone


SAY = "try { await ask(given.type, { url: given.url }); } catch (error) { return error.message; }"


@pytest.mark.parametrize(
    ("type_", "url", "message"),
    [
        ("load", "none.bin", "The model's weights could not be fetched: the server answered 404."),
        ("load", "short.bin", "The weights are damaged: there are 700000 bytes of"),
        ("load", "index.html", "The weights are damaged: they end in their header."),
        ("dance", "model.bin", "Nothing answers to dance: ask for load, encode,"),
    ],
)
def test_what_goes_wrong_is_said(run: Run, folder: Path, type_: str, url: str, message: str) -> None:
    whole = (folder / "model.bin").read_bytes()
    start = 4 + int.from_bytes(whole[:4], "little")
    (folder / "short.bin").write_bytes(whole[: start + -start % 4 + 700_000])
    assert run(SAY, type=type_, url=url).startswith(message)


def test_offline(run: Run, folder: Path) -> None:
    """Nobody answers at this address any more."""
    with serve(folder) as address:
        gone = f"{address}model.bin"
    message = "The model's weights could not be fetched. Are you offline? Try again when you are connected."
    assert run(SAY, type="load", url=gone) == message


def test_a_failure_may_be_tried_again(run: Run, folder: Path) -> None:
    assert "404" in run(SAY, type="load", url="later.bin")
    (folder / "later.bin").write_bytes((folder / "rounded.bin").read_bytes())
    assert run(SAY, type="load", url="later.bin") is None


def test_a_worker_that_cannot_start(run: Run, folder: Path) -> None:
    """Its script is gone: a question is answered all the same."""
    (folder / "lost").mkdir()
    (folder / "lost" / "engine.js").write_bytes((folder / "engine" / "engine.js").read_bytes())
    body = """
      const lost = await import(new URL("lost/engine.js", location.href));
      try { await lost.ask("load", { url: "model.bin" }); } catch (error) { return error.message; }
    """
    assert run(body) == "The engine could not be started. Are you offline?"
