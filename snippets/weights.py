"""A model for a reader's browser: one file of named arrays behind a header of JSON, which a few lines of code read.

Four bytes, little-endian, give the length of the header. It is filled up with zeros to a multiple of four, and the
numbers follow.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .gpt import GPTModel
from .tokenizer import Tokenizer

Form = Literal["int12", "float32"]
"""How numbers travel. `int12`, 12 bits each, counts in steps of 1/2047 of the largest number of its row."""
LARGEST = 2047


# --8<-- [start:pack]
def pack(arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, object], form: Form = "int12") -> bytes:
    """The arrays with a checksum, and whatever else JSON can say in `meta`.

    Raises:
        ValueError: A value is no number, or too large for float32.
    """
    tensors: dict[str, object] = {}
    data = b""
    for name, array in arrays.items():
        with np.errstate(over="ignore"):
            stored = np.asarray(array, "<f4")
        if not np.isfinite(stored).all():
            raise ValueError(f"{name} holds values that are no numbers; did the training diverge?")
        tensors[name] = {"shape": stored.shape, "offset": len(data)}
        data += round_rows(stored) if form == "int12" else stored.tobytes()
    about = {"form": form, "length": len(data), "crc32": zlib.crc32(data), "tensors": tensors, "meta": dict(meta)}
    header = json.dumps(about, separators=(",", ":"), allow_nan=False).encode()
    return len(header).to_bytes(4, "little") + header + bytes(-(4 + len(header)) % 4) + data


def round_rows(array: NDArray[np.float32]) -> bytes:
    """The step of each row as float32, then all numbers in steps, two in three bytes, to a multiple of four."""
    rows = array.reshape(-1, array.shape[-1]).astype(np.float64)
    steps = (np.abs(rows).max(axis=1) / LARGEST).astype("<f4")
    counted = np.rint(rows / np.where(steps, steps, 1)[:, None].astype(np.float64)).clip(-LARGEST, LARGEST)
    counts = counted.astype(np.int32).ravel() + LARGEST
    left, right = np.pad(counts, (0, counts.size % 2)).reshape(-1, 2).T
    packed: bytes = np.stack([left & 255, left >> 8 | (right & 15) << 4, right >> 4], 1).astype(np.uint8).tobytes()
    return b"".join([steps.tobytes(), packed, bytes(-len(packed) % 4)])


# --8<-- [end:pack]


# --8<-- [start:pack_model]
def pack_model(model: GPTModel, tokenizer: Tokenizer, form: Form = "int12") -> bytes:
    """A model with its tokenizer. The arrays' shapes tell its sizes; only the heads cannot be seen from them.

    Raises:
        ValueError: A weight is no number.
    """
    mask = "full" if model.mask(2) is None else "causal"  # an encoder hides nothing
    return pack(model.parameters(), {"n_heads": model.n_heads, "mask": mask, **describe(tokenizer)}, form)


def describe(tokenizer: Tokenizer) -> dict[str, object]:
    """All there is to a tokenizer: its merges, and which characters this Python takes for parts of words.

    Those stand as lengths of runs, of which every second one is of such characters. Browsers may know a newer Unicode.
    """
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    borders = [border for run in re.finditer(r"\w+", everything) for border in run.span()]
    return {"merges": tokenizer.merges, "word": [end - start for start, end in pairwise([0, *borders])]}


# --8<-- [end:pack_model]
