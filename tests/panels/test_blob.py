"""Weights arrive in the browser as they were packed, or an error says that they did not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

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


def test_every_half_is_decoded_exactly(run: Run) -> None:
    patterns = np.arange(65536, dtype=np.uint16)
    body = """
      const { fromHalf } = await import("./engine/blob.js");
      return bytes(fromHalf(Uint16Array.from({ length: 65536 }, (_, i) => i)));
    """
    decoded, expected = floats(run(body)), patterns.view(np.float16).astype(np.float32)
    numbers = ~np.isnan(expected)
    assert np.array_equal(decoded.view(np.uint32)[numbers], expected.view(np.uint32)[numbers])  # 0 and -0 are two
    assert np.isnan(decoded[~numbers]).all()


@pytest.mark.parametrize(("name", "dtype"), [("model.bin", np.float32), ("half.bin", np.float16)])
def test_a_model_arrives_as_it_was_packed(run: Run, model: GPTModel, name: str, dtype: type[np.floating]) -> None:
    body = """
      const { meta, arrays, shapes } = await get(given.name);
      return [meta.n_heads, shapes, Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, bytes(a)]))];
    """
    heads, shapes, arrays = run(body, name=name)
    parameters = model.parameters()
    assert heads == model.n_heads
    assert shapes == {name: list(array.shape) for name, array in parameters.items()}
    expected = {key: array.astype(dtype).astype(np.float32).reshape(-1) for key, array in parameters.items()}
    assert all(np.array_equal(floats(arrays[key]), array) for key, array in expected.items())


@pytest.mark.parametrize(
    ("kept", "what"),
    [
        (0, "they end before they begin"),
        (3, "they end before they begin"),
        (40, "they end in their header"),
        (len(BLOB) - 6, "there are 12 bytes of 18"),
        (len(BLOB) - 1, "there are 17 bytes of 18"),
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
        blob = pack({"a" * n: np.ones(3, np.float32)}, {}, np.float32)
        length = int.from_bytes(blob[:4], "little")
        assert json.loads(blob[4 : 4 + length])["tensors"] == {"a" * n: {"shape": [3], "offset": 0}}
        assert (len(blob) - 12) % 4 == 0


@pytest.mark.parametrize("value", [1e5, -1e5, np.inf, np.nan])
def test_what_half_precision_does_not_hold_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="w holds values that float16 does not; did the training diverge"):
        pack({"w": np.array([0.5, value], np.float32)}, {})


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="dtype = int8: pass float16 or float32"):
        pack({}, {}, np.int8)
