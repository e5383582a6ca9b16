"""Weights arrive in the browser as they were packed, or an error says that they did not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from snippets.gpt import GPTModel
from snippets.weights import pack
from tests.panels.conftest import Run, floats

UNPACK = """
try {
  engine.unpack(Uint8Array.from(given.blob).buffer);
} catch (error) {
  return error.message;
}
"""
BLOB = pack({"a": np.arange(6.0).reshape(2, 3), "b": np.ones(3)}, {"heads": 2})


def arrive(run: Run, name: str) -> tuple[int, dict[str, list[int]], dict[str, NDArray[np.float32]]]:
    body = """
      const { meta, arrays, shapes } = await get(given.name);
      return [meta.n_heads, shapes, Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, bytes(a)]))];
    """
    heads, shapes, arrays = run(body, name=name)
    return heads, shapes, {key: floats(array) for key, array in arrays.items()}


def test_a_model_arrives_as_it_was_packed(run: Run, model: GPTModel) -> None:
    heads, shapes, arrays = arrive(run, "model.bin")
    parameters = model.parameters()
    assert heads == model.n_heads
    assert shapes == {name: list(array.shape) for name, array in parameters.items()}
    assert all(np.array_equal(arrays[name], array.ravel()) for name, array in parameters.items())


def test_rounded_weights_are_near(run: Run, model: GPTModel) -> None:
    """No weight moves by more than half a step: 1/4094 of the largest of its row. The largest does not move."""
    _, _, arrays = arrive(run, "rounded.bin")
    for name, array in model.parameters().items():
        rows, found = (each.reshape(-1, array.shape[-1]) for each in (array, arrays[name]))
        largest = np.abs(rows).max(axis=1, keepdims=True)
        assert (np.abs(found - rows) <= largest / 4094 * 1.001).all(), name
        assert np.abs(found).max(axis=1) == pytest.approx(largest[:, 0], rel=1e-6), name


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 5), (2, 3, 3)])
def test_rows_of_any_width(run: Run, folder: Path, shape: tuple[int, ...]) -> None:
    """Rows of an odd width, rows of zeros, one number alone."""
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) - 1
    array.reshape(-1, shape[-1])[-1] = 0
    name = f"few-{len(array)}-{array.ndim}.bin"
    (folder / name).write_bytes(pack({"w": array, "behind": np.ones(2)}, {}))
    _, shapes, arrays = arrive(run, name)
    assert shapes["w"] == list(shape)
    assert arrays["w"] == pytest.approx(array.ravel(), abs=float(np.abs(array).max()) / 4000)
    assert arrays["behind"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("kept", "what"),
    [
        (0, "they end before they begin"),
        (3, "they end before they begin"),
        (40, "they end in their header"),
        (len(BLOB) - 6, "there are 26 bytes of 32"),
        (len(BLOB) - 1, "there are 31 bytes of 32"),
    ],
)
def test_a_blob_that_was_cut_off_is_refused(run: Run, kept: int, what: str) -> None:
    message = f"The weights are damaged: {what}. Reload the page to fetch them again."
    assert run(UNPACK, blob=list(BLOB[:kept])) == message


def test_a_whole_blob_is_not_refused(run: Run) -> None:
    assert run(UNPACK, blob=list(BLOB)) is None


@pytest.mark.parametrize("at", [0, 3, 4, 30, len(BLOB) - 1])
def test_a_changed_byte_is_found(run: Run, at: int) -> None:
    changed = bytearray(BLOB)
    changed[at] ^= 0x80
    assert "weights are damaged" in run(UNPACK, blob=list(changed))


@pytest.mark.parametrize(
    "page", [b"<!doctype html><title>Not found</title>", b"\x04\x00\x00\x00null", b"\x02\0\0\0[]\0\0"]
)
def test_something_else_is_refused(run: Run, page: bytes) -> None:
    assert "weights are damaged" in run(UNPACK, blob=list(page))


def test_weights_of_another_kind_are_refused(run: Run, folder: Path) -> None:
    (folder / "other.bin").write_bytes(BLOB)
    message = run('try { new engine.GPT(await get("other.bin")); } catch (error) { return error.message; }')
    assert message == "These are not the weights of a GPT: token_emb is not among them."


def test_numbers_begin_at_a_multiple_of_four() -> None:
    for n in range(1, 6):
        blob = pack({"a" * n: np.ones(3, np.float32)}, {}, "float32")
        length = int.from_bytes(blob[:4], "little")
        assert json.loads(blob[4 : 4 + length])["tensors"] == {"a" * n: {"shape": [3], "offset": 0}}
        assert (len(blob) - 12) % 4 == 0


@pytest.mark.parametrize("value", [1e39, np.inf, np.nan])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="w holds values that are no numbers; did the training diverge"):
        pack({"w": np.array([0.5, value])}, {})
