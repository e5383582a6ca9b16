"""Training makes losses fall, freezes what is to be frozen, and gives the same bytes for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from snippets.corpus import reading
from snippets.finetune import accuracy, examples, train_head, tune, vectors
from snippets.gpt import GPTModel
from snippets.layers import Params, cross_entropy, cross_entropy_backward
from snippets.letters import letters
from snippets.optim import AdamW, clip, learning_rate
from snippets.tokenizer import Tokenizer
from snippets.train import batch, loss_of, pretrain, stream, surprises
from snippets.world import NAMES_HELD_OUT

TEXTS = reading(120, np.random.default_rng(0))
TOKENIZER = Tokenizer.train(TEXTS, 400)


def new(seed: int = 0) -> GPTModel:
    rng = np.random.default_rng(seed)
    return GPTModel(vocab_size=TOKENIZER.size, d_model=32, n_heads=4, n_layers=2, context=32, rng=rng)


def test_one_batch_is_learnt_by_heart() -> None:
    model, rng = new(), np.random.default_rng(0)
    inputs, targets = batch(stream(TEXTS, TOKENIZER), 4, 16, rng)
    inputs[:, 0] = np.arange(4)  # each window can be told from the others
    optimizer, loss = AdamW(decay=0), np.inf
    for step in range(120):
        logits, cache = model.forward(inputs)
        loss, loss_cache = cross_entropy(logits, targets)
        grads = model.backward(cross_entropy_backward(loss_cache), cache)
        clip(grads)
        optimizer.step(model.parameters(), grads, learning_rate(step, 120, 1e-2))
    assert loss < 0.05


def trained(seed: int) -> tuple[bytes, float, float]:
    tokens = stream(TEXTS, TOKENIZER)
    model = new(seed)
    history = pretrain(model, tokens, tokens, steps=30, rng=np.random.default_rng(seed), size=4, every=10)
    assert history.steps == [0, 10, 20, 30]
    return b"".join(a.tobytes() for a in model.parameters().values()), history.train[0], history.train[-1]


def test_same_seed_same_bytes() -> None:
    first, start, end = trained(1)
    assert trained(1)[0] == first
    assert trained(2)[0] != first
    assert end < start - 1


def test_targets_are_the_inputs_one_token_later() -> None:
    tokens = np.arange(100)
    inputs, targets = batch(tokens, 5, 8, np.random.default_rng(0))
    assert inputs.shape == targets.shape == (5, 8)
    assert np.array_equal(inputs + 1, targets)


def test_windows_reach_the_last_token() -> None:
    rng = np.random.default_rng(0)
    assert max(batch(np.arange(20), 50, 8, rng)[1].max() for _ in range(20)) == 19


def test_adamw_follows_its_formula() -> None:
    w, g = np.array([[1.0, -2.0]]), [np.array([[0.5, -3.0]]), np.array([[0.1, 4.0]])]
    expected, m, s = w.copy(), np.zeros((1, 2)), np.zeros((1, 2))
    optimizer = AdamW(betas=(0.9, 0.99), decay=0.1, eps=0.1)  # large enough to tell where it is added
    for t, grad in enumerate(g, 1):
        optimizer.step({"w": w}, {"w": grad}, lr=0.01)
        m, s = 0.9 * m + 0.1 * grad, 0.99 * s + 0.01 * grad * grad
        expected = expected * (1 - 0.01 * 0.1) - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.99**t)) + 0.1)
    assert np.allclose(w, expected, rtol=1e-12)


def test_clipping_keeps_the_direction() -> None:
    grads: Params = {"a": np.array([3.0]), "b": np.array([4.0])}
    assert clip(grads, limit=1) == 5
    assert grads["a"] == pytest.approx(0.6)
    assert grads["b"] == pytest.approx(0.8)
    assert clip(grads, limit=2) == pytest.approx(1)
    assert grads["a"] == pytest.approx(0.6)


def test_the_learning_rate_warms_up_and_fades() -> None:
    rates = [learning_rate(step, 100, 1.0, warm_up=10) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == 1
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.1)


def snapshot(model: GPTModel) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in model.parameters().items()}


@pytest.mark.parametrize(
    ("depth", "moved"),
    [
        ("head", {"head_w"}),
        (0, {"head_w", "norm"}),
        (1, {"head_w", "norm", "blocks.1"}),
        (None, {"head_w", "norm", "blocks.0", "blocks.1", "token_emb", "position_emb"}),
    ],
)
def test_only_what_is_tuned_moves(depth: int | str | None, moved: set[str]) -> None:
    model = new()
    model.head_w = np.random.default_rng(0).normal(0, 0.02, (32, 2)).astype(np.float32)
    labelled = examples(letters(16, np.random.default_rng(1)), TOKENIZER, model.context)
    before = snapshot(model)
    if depth == "head":
        train_head(model, labelled)
    else:
        assert depth is None or isinstance(depth, int)
        tune(model, labelled, depth=depth, rng=np.random.default_rng(2), steps=3)
    after = snapshot(model)
    changed = {name for name in before if before[name] != after[name]}
    assert {".".join(name.split(".")[: 2 if name.startswith("blocks") else 1]) for name in changed} == moved


def test_fine_tuning_learns_its_examples() -> None:
    model = new()
    model.head_w = np.zeros((32, 2), np.float32)
    labelled = examples(letters(16, np.random.default_rng(1)), TOKENIZER, model.context)
    assert accuracy(model, labelled) == pytest.approx(0.5)
    losses = train_head(model, labelled)
    assert losses[-1] < losses[0]
    assert accuracy(model, labelled) == 1


def test_padding_does_not_count() -> None:
    pair = letters(6, np.random.default_rng(5))
    model = GPTModel(
        vocab_size=TOKENIZER.size, d_model=32, n_heads=4, n_layers=2, context=90, rng=np.random.default_rng(0)
    )
    together = examples(pair, TOKENIZER, model.context)
    assert np.allclose(together.weight.sum(axis=1), 1)
    assert (together.weight == 0).any()
    alone = [vectors(model, examples([letter], TOKENIZER, model.context))[0] for letter in pair]
    assert np.allclose(vectors(model, together), alone, atol=1e-5)


def test_long_letters_are_cut() -> None:
    assert examples(letters(3, np.random.default_rng(5)), TOKENIZER, 10).tokens.shape == (3, 10)


def test_the_corpus_is_fixed_by_its_seed_and_keeps_its_secrets() -> None:
    assert reading(20, np.random.default_rng(3)) == reading(20, np.random.default_rng(3))
    assert not any(name in text for text in TEXTS for name in NAMES_HELD_OUT)
    assert not any(
        "{" in text for held_out in (False, True) for text in reading(500, np.random.default_rng(4), held_out=held_out)
    )
    labels = [letter.label for letter in letters(51, np.random.default_rng(5))]
    assert sum(labels) in {25, 26}


def test_the_loss_of_a_stream_needs_no_randomness() -> None:
    tokens = stream(TEXTS, TOKENIZER)
    assert loss_of(new(), tokens) == loss_of(new(), tokens)
    assert tokens[0] == TOKENIZER.end


def test_surprises_are_those_of_each_text_by_itself() -> None:
    model, texts = new(), ["A fox.", "Dear Lily, come at once."]
    each = [surprises(model, [text], TOKENIZER) for text in texts]
    assert np.array_equal(surprises(model, texts, TOKENIZER), np.concatenate(each))
    for text, found in zip(texts, each, strict=True):
        tokens = np.array([[TOKENIZER.end, *TOKENIZER.encode(text), TOKENIZER.end]])
        assert found.shape == (tokens.shape[1] - 1,)
        assert found.mean() == pytest.approx(cross_entropy(model(tokens[:, :-1]), tokens[:, 1:])[0], rel=1e-5)


def test_a_surprise_is_finite_however_sure_the_model_is() -> None:
    model = new()
    model.head_w *= 1e5
    assert np.isfinite(surprises(model, ["A fox."], TOKENIZER)).all()


def test_a_text_that_does_not_fit_has_no_surprise() -> None:
    with pytest.raises(ValueError, match="context of 32"):
        surprises(new(), ["a fox " * 40], TOKENIZER)
