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
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .gpt import GPTModel
from .tokenizer import Tokenizer


# --8<-- [start:pack]
def pack(arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, object], dtype: DTypeLike = np.float16) -> bytes:
    """The arrays in half precision, or as float32, with a checksum, and whatever else JSON can say in `meta`.

    Raises:
        ValueError: A value is no number, or too large for the type; or the type is another one.
    """
    dtype = np.dtype(dtype).newbyteorder("<")
    if dtype.name not in {"float16", "float32"}:
        raise ValueError(f"dtype = {dtype}: pass float16 or float32")
    tensors: dict[str, object] = {}
    data = b""
    for name, array in arrays.items():
        with np.errstate(over="ignore"):
            stored = np.asarray(array, dtype)
        if not np.isfinite(stored).all():
            raise ValueError(f"{name} holds values that {dtype.name} does not; did the training diverge?")
        tensors[name] = {"shape": stored.shape, "offset": len(data)}
        data += stored.tobytes()
    about = {
        "dtype": dtype.name,
        "length": len(data),
        "crc32": zlib.crc32(data),
        "tensors": tensors,
        "meta": dict(meta),
    }
    header = json.dumps(about, separators=(",", ":"), allow_nan=False).encode()
    return len(header).to_bytes(4, "little") + header + bytes(-(4 + len(header)) % 4) + data


# --8<-- [end:pack]


# --8<-- [start:pack_model]
def pack_model(model: GPTModel, tokenizer: Tokenizer, dtype: DTypeLike = np.float16) -> bytes:
    """A model with its tokenizer. The arrays' shapes tell its sizes; only the heads cannot be seen from them.

    Raises:
        ValueError: A weight is no number, or too large for the type.
    """
    mask = "full" if model.mask(2) is None else "causal"  # an encoder hides nothing
    return pack(model.parameters(), {"n_heads": model.n_heads, "mask": mask, **describe(tokenizer)}, dtype)


def describe(tokenizer: Tokenizer) -> dict[str, object]:
    """All there is to a tokenizer: its merges, and which characters this Python takes for parts of words.

    Those stand as lengths of runs, of which every second one is of such characters. Browsers may know a newer Unicode.
    """
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    borders = [border for run in re.finditer(r"\w+", everything) for border in run.span()]
    return {"merges": tokenizer.merges, "word": [end - start for start, end in pairwise([0, *borders])]}


# --8<-- [end:pack_model]
