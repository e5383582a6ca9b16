"""A checkpoint gives back the model and the tokenizer that were saved, or says what is wrong with the file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from snippets.checkpoint import load, load_tokenizer, save
from snippets.gpt import GPTModel
from snippets.tokenizer import Tokenizer

TOKENS = np.arange(12).reshape(2, 6)


def new(seed: int = 0) -> GPTModel:
    rng = np.random.default_rng(seed)
    return GPTModel(vocab_size=50, d_model=16, n_heads=4, n_layers=3, context=8, rng=rng)


def test_the_model_comes_back_bit_for_bit(tmp_path: Path) -> None:
    model = new()
    save(tmp_path / "model", model, dtype=np.float32)  # under exactly this name
    loaded = load(str(tmp_path / "model"))
    assert np.array_equal(loaded(TOKENS), model(TOKENS))
    assert {name: array.dtype for name, array in loaded.parameters().items()} == {
        name: array.dtype for name, array in model.parameters().items()
    }
    assert (loaded.n_heads, loaded.context, len(loaded.blocks)) == (4, 8, 3)


def test_half_precision_halves_the_file_and_hardly_moves_the_logits(tmp_path: Path) -> None:
    model = GPTModel(vocab_size=512, d_model=64, n_heads=4, n_layers=2, context=64, rng=np.random.default_rng(0))
    save(tmp_path / "whole.npz", model, dtype=np.float32)
    save(tmp_path / "half.npz", model)
    assert (tmp_path / "half.npz").stat().st_size < 0.53 * (tmp_path / "whole.npz").stat().st_size
    loaded = load(tmp_path / "half.npz")
    assert loaded.token_emb.dtype == np.float32
    assert 0 < np.abs(loaded(TOKENS) - model(TOKENS)).max() < 1e-3


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        save(tmp_path / name, new(seed))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


def test_another_head_is_kept(tmp_path: Path) -> None:
    model = new()
    model.head_w = np.random.default_rng(1).normal(size=(16, 2)).astype(np.float32)
    save(tmp_path / "model.npz", model, dtype=np.float32)
    assert np.array_equal(load(tmp_path / "model.npz")(TOKENS), model(TOKENS))


@pytest.mark.parametrize("merges", [[], [(97, 98), (256, 99)]])
def test_the_tokenizer_comes_along(tmp_path: Path, merges: list[tuple[int, int]]) -> None:
    save(tmp_path / "model.npz", new(), tokenizer=Tokenizer(merges))
    tokenizer = load_tokenizer(tmp_path / "model.npz")
    assert tokenizer.merges == merges
    assert tokenizer.to_json() == Tokenizer(merges).to_json()
    assert load(tmp_path / "model.npz").context == 8


def test_a_checkpoint_without_a_tokenizer_says_so(tmp_path: Path) -> None:
    save(tmp_path / "model.npz", new())
    with pytest.raises(ValueError, match=r"model\.npz holds no tokenizer: pass `tokenizer` when you save it"):
        load_tokenizer(tmp_path / "model.npz")


@pytest.mark.parametrize("value", [1e6, np.nan])
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, value: float) -> None:
    model = new()
    model.head_w[0, 0] = value
    with pytest.raises(ValueError, match="head_w holds values that float16 does not"):
        save(tmp_path / "model.npz", model)


def test_a_missing_file_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("content", [b"", b"just text", b"PK\x03\x04 cut off"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.npz cannot be read: it is not an \.npz file, or was cut off"):
        load(tmp_path / "model.npz")


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", token_emb=np.array([{}, []], dtype=object))
    with pytest.raises(ValueError, match="cannot be read: Object arrays cannot be loaded"):
        load(tmp_path / "model.npz")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("position_emb", None, "has no array 'position_emb'"),
        ("blocks.1.mlp.up.b", None, "has no array 'blocks.1.mlp.up.b'"),
        ("norm.gain", np.ones(1), r"norm.gain has the shape \(1,\), and \(16,\) in the model"),
        ("token_emb", np.ones(50), "not enough values to unpack"),
        ("head_w", np.float32(1), "index out of range"),
        ("n_heads", np.array(3), "d_model = 16 cannot be cut into 3 equal heads"),
        ("n_heads", np.array(0), "d_model = 16 cannot be cut into 0 equal heads"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, array: np.ndarray | None, message: str) -> None:
    save(tmp_path / "model.npz", new())
    arrays = dict(np.load(tmp_path / "model.npz"))
    arrays.pop(name) if array is None else arrays.update({name: array})
    np.savez(tmp_path / "model.npz", allow_pickle=False, **arrays)
    with pytest.raises(ValueError, match=rf"model\.npz is no checkpoint of a model: .*{message}"):
        load(tmp_path / "model.npz")


def test_damage_anywhere_is_noticed(tmp_path: Path) -> None:
    save(tmp_path / "model.npz", new())
    whole, before = (tmp_path / "model.npz").read_bytes(), load(tmp_path / "model.npz")
    rng = np.random.default_rng(0)
    for i in rng.integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[i] ^= 1 << int(rng.integers(8))
        (tmp_path / "model.npz").write_bytes(damaged)
        with suppress(ValueError):  # if there is none, the bit meant nothing: it was in a date, for instance
            assert np.array_equal(load(tmp_path / "model.npz")(TOKENS), before(TOKENS))
    for cut in rng.integers(0, len(whole), 30):
        (tmp_path / "model.npz").write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="cannot be read"):
            load(tmp_path / "model.npz")
