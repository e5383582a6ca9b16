"""A model learns from answers alone; tasks are fair, and what is held out is never asked in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snippets.corpus import reading
from snippets.gpt import GPTModel
from snippets.instruct import (
    Lessons,
    answer,
    batches,
    certainty,
    exact_match,
    instruct,
    lessons,
    log_likelihood,
    log_likelihood_backward,
)
from snippets.layers import Array
from snippets.letters import letter
from snippets.tasks import SORTS, Task, honest, question, sorts, tasks, verdict, write
from snippets.tokenizer import Tokenizer
from snippets.world import NAMES_HELD_OUT, WORDS_HELD_OUT

TOKENIZER = Tokenizer.train(reading(60, np.random.default_rng(0)), 320)
SORTING = sorts()[:3]


def new(d_model: int = 16, context: int = 64, vocab_size: int = TOKENIZER.size) -> GPTModel:
    rng = np.random.default_rng(0)
    return GPTModel(vocab_size=vocab_size, d_model=d_model, n_heads=2, n_layers=2, context=context, rng=rng)


def double() -> tuple[GPTModel, Lessons]:
    """A tiny model in double precision, and three lessons of different length, the last cut off in its answer."""
    model, rng = new(d_model=4, context=5, vocab_size=7), np.random.default_rng(1)
    model.to(np.float64)
    model.load({name: array + rng.normal(0, 0.3, array.shape) for name, array in model.parameters().items()})
    graded = np.array([[0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 1]], bool)
    return model, Lessons(rng.integers(0, 7, (3, 6)), graded)


def test_gradients_of_the_likelihood_agree_with_central_differences() -> None:
    model, batch = double()
    weight = np.array([0.7, -1.3, 0.4])
    _, cache = log_likelihood(model, batch)
    grads, named = log_likelihood_backward(weight, cache), model.parameters()
    assert grads.keys() == named.keys()
    for name, array in named.items():
        measured = np.zeros_like(array)
        for i in np.ndindex(*array.shape):
            kept, values = array[i], []
            for move in (1e-5, -1e-5):
                array[i] = kept + move
                values.append(float(weight @ log_likelihood(model, batch)[0]))
            array[i] = kept
            measured[i] = (values[0] - values[1]) / 2e-5
        assert np.abs(grads[name] - measured).max() <= 1e-6 * np.abs(measured).max(), name


def test_likelihoods_are_those_of_the_answers_alone() -> None:
    model, batch = double()
    logits = model(batch.tokens[:, :-1])
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    by_hand = [log_p[0, 1, batch.tokens[0, 2]] + log_p[0, 2, batch.tokens[0, 3]], log_p[1, 2, batch.tokens[1, 3]]]
    assert np.allclose(log_likelihood(model, batch)[0][:2], by_hand, rtol=1e-12)


def test_what_is_almost_impossible_has_a_finite_likelihood() -> None:
    model = new(vocab_size=4)
    model.norm["bias"][:] = 1
    model.head_w[:] = [[200, 0, 0, 0]]
    likelihood = log_likelihood(model, Lessons(np.array([[0, 1]]), np.array([[False, True]])))[0]
    assert np.isfinite(likelihood).all()
    assert likelihood[0] < -1000


def gradient(model: GPTModel, tokens: Array, graded: Array) -> dict[str, Array]:
    batch = Lessons(tokens.astype(np.int64), graded.astype(bool))
    return log_likelihood_backward(np.ones(len(tokens), np.float32), log_likelihood(model, batch)[1])


def test_nothing_is_learnt_from_what_stands_behind_an_answer_and_prompts_are_read_but_not_predicted() -> None:
    model = new()
    tokens, graded = np.array([[0, 5, 6, 7, 8, 9]]), np.array([[0, 0, 0, 1, 1, 0]])
    filled = tokens.copy()
    filled[0, 5] = 40  # filling
    for name, array in gradient(model, tokens, graded).items():
        assert np.array_equal(array, gradient(model, filled, graded)[name]), name
    head = gradient(model, tokens, graded)["head_w"]
    for token in (5, 6):  # never pulled up as a target: as any other wrong token, it is only pushed down
        assert not np.allclose(head[:, token], head[:, 7])
    rows = model.body(tokens[:, :-1])[0][0, 2:4]  # the two places where the answer's tokens are predicted
    p = np.exp(rows @ model.head_w)
    p /= p.sum(axis=-1, keepdims=True)
    assert np.allclose(head[:, 5], -(rows.T @ p[:, 5]), atol=1e-5)


def test_lessons_grade_the_answer_and_its_end() -> None:
    task = Task("sort", "", "What is fog?", "weather")
    batch = lessons([task, Task("", "Lily ran home.", "Who ran?", "Lily")], TOKENIZER, 64)
    for row, expected in enumerate(("weather", "Lily")):
        graded = batch.tokens[row][batch.graded[row]]
        assert TOKENIZER.decode(graded[:-1]) == f" {expected}"
        assert graded[-1] == TOKENIZER.end
    first = batch.tokens[0][: batch.graded[0].argmax()]
    assert first[0] == TOKENIZER.end
    assert TOKENIZER.decode(first[1:]) == task.prompt == "\nQ: What is fog?\nA:"


def test_without_a_mask_everything_but_the_first_mark_and_the_filling_is_graded() -> None:
    both = [Task("", "", "What is fog?", "weather"), Task("", "Lily ran home.", "Who ran?", "Lily")]
    masked, plain = lessons(both, TOKENIZER, 64), lessons(both, TOKENIZER, 64, grade_prompts=True)
    assert np.array_equal(masked.tokens, plain.tokens)
    assert np.array_equal(plain.graded.sum(axis=1) + 1, masked.lengths)
    assert not plain.graded[:, 0].any()


def test_too_long_prompts_are_refused_and_too_long_answers_cut() -> None:
    task = Task("", "", "What is fog?", "weather " * 40)
    assert lessons([task], TOKENIZER, 30).tokens.shape == (1, 31)
    with pytest.raises(ValueError, match="shorten the text of the task"):
        lessons([Task("", "Lily ran home. " * 20, "Who ran?", "Lily")], TOKENIZER, 30)


def test_batches_waste_little_and_leave_nothing_out() -> None:
    mixed = lessons(tasks(64, np.random.default_rng(0)), TOKENIZER, 160)
    stream = batches(mixed, 8, np.random.default_rng(1))
    drawn = [next(stream) for _ in range(60)]
    assert all(part.tokens.shape == part.graded.shape == (8, part.lengths.max()) for part in drawn)
    filled = np.mean([(part.lengths / part.tokens.shape[1]).mean() for part in drawn])
    assert filled > 0.85 > (mixed.lengths / mixed.tokens.shape[1]).mean()
    whole = {bytes(row[:length]) for row, length in zip(mixed.tokens, mixed.lengths, strict=True)}
    assert whole == {bytes(row[:n]) for part in drawn for row, n in zip(part.tokens, part.lengths, strict=True)}


def test_a_model_learns_its_lessons_and_to_stop_and_other_prompts_are_no_match() -> None:
    model = new(d_model=32)
    assert exact_match(model, TOKENIZER, SORTING) == 0
    losses = instruct(model, lessons(SORTING, TOKENIZER, 64), steps=100, rng=np.random.default_rng(0), size=4)
    assert losses[-1] < 0.05 < losses[0]
    assert [answer(model, TOKENIZER, task) for task in SORTING] == [task.answer for task in SORTING]
    wrong = [Task(task.kind, task.text, task.instruction, task.answer + "s") for task in SORTING[:1]]
    assert exact_match(model, TOKENIZER, [*SORTING, *wrong]) == pytest.approx(0.75)


def test_same_seed_same_answers_and_same_weights() -> None:
    def weights(seed: int) -> bytes:
        model = new()
        instruct(model, lessons(SORTING, TOKENIZER, 64), steps=3, rng=np.random.default_rng(seed), size=4)
        return b"".join(array.tobytes() for array in model.parameters().values())

    assert weights(0) == weights(0) != weights(1)
    warm = {answer(new(), TOKENIZER, SORTING[0], temperature=1.0, seed=seed) for seed in (1, 1, 2)}
    assert len(warm) == 2


def test_same_seed_same_tasks() -> None:
    assert tasks(30, np.random.default_rng(0)) == tasks(30, np.random.default_rng(0))
    assert tasks(30, np.random.default_rng(0)) != tasks(30, np.random.default_rng(1))


def many(task: Callable[..., Task], n: int = 300, **options: Any) -> list[Task]:
    rng = np.random.default_rng(2)
    return [task(rng, **options) for _ in range(n)]


OPTIONS: list[dict[str, Any]] = [
    {},
    {"held_out": True},
    {"names": NAMES_HELD_OUT},
    {"words": WORDS_HELD_OUT},
    {"distract": True},
    {"distract": True, "held_out": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_answer_to_a_question_stands_in_the_text(options: dict[str, Any]) -> None:
    for task in many(question, **options):
        said = task.answer.removeprefix("a ").removeprefix("for ").removeprefix("to ").removeprefix("on ")
        assert said in task.text, task
        assert "{" not in task.prompt + task.answer


@pytest.mark.parametrize("held_out", [False, True])
def test_with_two_facts_a_question_is_about_one_of_them(held_out: bool) -> None:  # noqa: FBT001
    for task in many(question, distract=True, held_out=held_out):
        asked = [word for word in task.instruction.rstrip("?").split()[1:] if word not in FILLERS]
        facts = task.text.rstrip(".").split(". ")
        near = [fact for fact in facts if set(asked) & set(fact.split())]
        assert len(near) == 1, task  # what the question names stands in one fact only, and so does the answer
        assert task.answer.removeprefix("a ").split()[-1] in near[0], task


FILLERS = set(
    "a the was were is it did go there lose bring colour made baked brought bought went walked".split()
) | set("ran hurried lost dropped forgot left found saw picked up noticed near to".split())


def test_held_out_words_are_never_asked_about_in_training() -> None:
    asked, held_out = {t.instruction for t in sorts()}, {t.instruction for t in sorts(held_out=True)}
    assert not asked & held_out
    assert {t.answer for t in sorts()} == {t.answer for t in sorts(held_out=True)} == set(SORTS.values())
    drilled = tasks(2000, np.random.default_rng(0))
    assert asked <= {t.instruction for t in drilled if t.kind == "sort"}
    assert not any(t.instruction in held_out for t in drilled)
    text = " ".join(t.prompt + t.answer for t in drilled)
    assert not any(name in text for name in NAMES_HELD_OUT)


def test_letters_are_judged_by_their_label_and_written_from_and_to_whom_the_instruction_says() -> None:
    assert Counter(t.answer for t in many(honest)).keys() == {"yes", "no"}
    for task in many(write, 50):
        reader, writer = task.instruction.removeprefix("Write to ").removesuffix(".").split(" from ")
        assert task.answer.startswith(f"Dear {reader}, ")
        assert task.answer.endswith(f"Yours, {writer}")


def test_a_letter_is_known_for_what_it_is_and_a_garbled_one_for_neither() -> None:
    for seed in range(200):
        written = letter(np.random.default_rng(seed), sentences=1)
        assert verdict(written.text) == ("spam" if written.label else "honest")
        words = written.text.split()
        assert verdict(" ".join([*words[:4], *words[5:]])) == "neither" or words[4] in {"my", "your"}
        assert verdict(written.text + ".") == "neither"
    assert verdict("") == "neither"


def test_certainty_is_the_probability_of_the_whole_answer() -> None:
    model = new()
    tokens = [TOKENIZER.end, *TOKENIZER.encode(SORTING[0].prompt)]
    target, p = [*TOKENIZER.encode(f" {SORTING[0].answer}"), TOKENIZER.end], 1.0
    for token in target:
        e = np.exp(model(np.array([tokens]))[0, -1])
        p, tokens = p * float(e[token] / e.sum()), [*tokens, token]
    assert certainty(model, TOKENIZER, SORTING[0]) == pytest.approx(p, rel=1e-3)
