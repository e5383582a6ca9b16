"""The encoder and the encoder-decoder: who sees whom, what is damaged, and gradients in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest

from snippets import params
from snippets.encoder import Encoder, Places, corrupt, loss_at, pad
from snippets.encoder_decoder import EncoderDecoder
from snippets.gpt import GPTModel
from snippets.layers import Params, Tokens, cross_entropy, cross_entropy_backward
from snippets.optim import AdamW, clip

STEP = 1e-5
Made = TypeVar("Made", GPTModel, EncoderDecoder)


def small(kind: type[Made]) -> Made:
    """A small model."""
    return kind(vocab_size=11, d_model=8, n_heads=2, n_layers=2, context=6, rng=np.random.default_rng(0))


def loud(model: Made) -> Made:
    """The model with louder weights than at a real start, so that a difference shows."""
    for array in model.parameters().values():
        np.multiply(array, 5, out=array)
    return model


def double() -> EncoderDecoder:
    """A small encoder-decoder in double precision."""
    made = small(EncoderDecoder)
    made.encoder.to(np.float64)
    made.decoder.to(np.float64)
    made.cross = params.convert(made.cross, np.float64)
    return loud(made)


def assert_gradients(loss: Callable[[], float], grads: Params, named: Params) -> None:
    """At the steepest element of every parameter, the gradient is the slope measured there."""
    assert grads.keys() <= named.keys()
    for name, grad in grads.items():
        w, i = named[name], np.unravel_index(np.abs(grad).argmax(), grad.shape)
        kept, values = w[i], []
        for move in (STEP, -STEP):
            w[i] = kept + move
            values.append(loss())
        w[i] = kept
        measured = (values[0] - values[1]) / (2 * STEP)
        assert abs(grad[i] - measured) <= 1e-6 * max(abs(measured), 1e-3), name


def test_an_encoder_sees_what_comes_later_and_a_decoder_does_not() -> None:
    tokens = np.arange(6)[None]
    other = tokens.copy()
    other[0, 4] = 10
    encoder, decoder = loud(small(Encoder)), loud(small(GPTModel))
    assert (np.abs(encoder(other) - encoder(tokens))[0].max(axis=-1) > 1e-4).all()
    assert (np.abs(decoder(other) - decoder(tokens))[0, :4] == 0).all()


def test_corruption_damages_the_share_it_was_told_in_the_proportions_of_bert() -> None:
    tokens, keep = np.full((200, 100), 7), np.ones((200, 100), bool)
    keep[:, 90:] = False
    shown, hidden = corrupt(tokens, keep, 50, np.random.default_rng(0), share=0.4)
    assert not hidden[:, 90:].any()
    assert (shown[~hidden] == 7).all()
    assert hidden[:, :90].mean() == pytest.approx(0.4, abs=0.02)
    assert (shown[hidden] == 50).mean() == pytest.approx(0.8, abs=0.02)
    assert (shown[hidden] == 7).mean() == pytest.approx(0.1 + 0.1 / 50, abs=0.02)
    assert shown.max() == 50


def test_a_loss_at_some_places_has_the_gradients_of_these_places() -> None:
    rng, encoder = np.random.default_rng(1), loud(small(Encoder))
    encoder.to(np.float64)
    tokens, where = rng.integers(0, 11, (3, 6)), rng.random((3, 6)) < 0.5

    def loss() -> float:
        return cross_entropy(encoder(tokens)[where], tokens[where])[0]

    value, grads = loss_at(encoder, tokens, tokens, where)
    assert value == pytest.approx(loss())
    assert grads.keys() == encoder.parameters().keys()
    assert_gradients(loss, grads, encoder.parameters())


def test_padding_keeps_every_row_and_says_where_it_ends() -> None:
    rows = [[1, 2, 3], [4], [5, 0]]
    tokens, keep = pad(rows, filler=0, length=3)
    assert tokens.shape == keep.shape == (3, 3)
    assert [row[place].tolist() for row, place in zip(tokens, keep, strict=True)] == rows
    assert (tokens[~keep] == 0).all()
    with pytest.raises(ValueError, match="a row of 4 tokens does not fit into 3"):
        pad([*rows, [1, 1, 1, 1]], filler=0, length=3)


def some_pairs(rng: np.random.Generator) -> tuple[Tokens, Places, Tokens]:
    source, target = rng.integers(0, 11, (3, 6)), rng.integers(0, 11, (3, 5))
    return source, np.arange(6) < np.array([[6], [4], [3]]), target


def test_gradients_of_the_encoder_decoder() -> None:
    both = double()
    source, keep, target = some_pairs(np.random.default_rng(2))

    def loss() -> float:
        return cross_entropy(both.forward(source, keep, target[:, :-1])[0], target[:, 1:])[0]

    logits, cache = both.forward(source, keep, target[:, :-1])
    grads = both.backward(cross_entropy_backward(cross_entropy(logits, target[:, 1:])[1]), cache)
    assert grads.keys() == both.parameters().keys()
    assert_gradients(loss, grads, both.parameters())


def test_the_decoder_reads_all_of_the_source_but_no_padding_and_nothing_to_come() -> None:
    both = double()
    source, keep, target = some_pairs(np.random.default_rng(3))
    before = both.forward(source, keep, target)[0]

    padding = np.where(keep, source, 10 - source)
    np.testing.assert_array_equal(both.forward(padding, keep, target)[0], before)

    last = source.copy()
    last[:, 2] = (last[:, 2] + 1) % 11
    assert (np.abs(both.forward(last, keep, target)[0] - before).max(axis=-1) > 1e-6).all()

    later = target.copy()
    later[:, 3] = (later[:, 3] + 1) % 11
    moved = np.abs(both.forward(source, keep, later)[0] - before).max(axis=-1)
    assert (moved[:, :3] == 0).all()
    assert (moved[:, 3:] > 1e-6).all()


def test_an_encoder_decoder_learns_to_turn_texts_around() -> None:
    rng = np.random.default_rng(0)
    both, optimizer = small(EncoderDecoder), AdamW(decay=0)
    source = rng.integers(0, 10, (40, 5))
    target = np.concatenate([np.full((40, 1), 10), source[:, ::-1]], axis=1)  # 10 stands for the start
    keep = np.ones(source.shape, bool)
    for _ in range(400):
        logits, cache = both.forward(source, keep, target[:, :-1])
        loss, loss_cache = cross_entropy(logits, target[:, 1:])
        grads = both.backward(cross_entropy_backward(loss_cache), cache)
        clip(grads)
        optimizer.step(both.parameters(), grads, 1e-2)
    assert loss < 0.05
