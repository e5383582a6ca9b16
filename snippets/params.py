"""Parameters: how they start, and what is done to all of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .layers import Params

Block = dict[str, dict[str, Params]]
"""The parameters of a transformer block: those of its attention and those of its MLP."""


# --8<-- [start:init]
def new_linear(rng: np.random.Generator, d_in: int, d_out: int, scale: float = 0.02) -> Params:
    """A linear layer with small random weights and no bias yet."""
    return {"w": rng.normal(0, scale, (d_in, d_out)).astype(np.float32), "b": np.zeros(d_out, np.float32)}


def new_norm(d: int) -> Params:
    """A layer norm that scales by 1 and shifts by 0."""
    return {"gain": np.ones(d, np.float32), "bias": np.zeros(d, np.float32)}


def new_block(rng: np.random.Generator, d: int, n_layers: int) -> Block:
    """A block whose two outputs start smaller the deeper the model is, so that the stream does not grow (GPT-2)."""
    small = 0.02 / float(np.sqrt(2 * n_layers))
    return {
        "attention": {"norm": new_norm(d), "qkv": new_linear(rng, d, 3 * d), "out": new_linear(rng, d, d, small)},
        "mlp": {"norm": new_norm(d), "up": new_linear(rng, d, 4 * d), "down": new_linear(rng, 4 * d, d, small)},
    }


# --8<-- [end:init]


def flatten(prefix: str, tree: Mapping[str, object]) -> Params:
    """Nested dictionaries -> one, with names joined by dots: `blocks.0.mlp.up.w`."""
    flat: Params = {}
    for name, value in tree.items():
        key = f"{prefix}.{name}"
        if isinstance(value, np.ndarray):
            flat[key] = value
        elif isinstance(value, Mapping):
            flat |= flatten(key, value)
    return flat


def convert(tree: Any, dtype: DTypeLike) -> Any:
    """The same nest of dictionaries and lists with every array in another type."""
    if isinstance(tree, Mapping):
        return {name: convert(value, dtype) for name, value in tree.items()}
    return [convert(value, dtype) for value in tree] if isinstance(tree, list) else tree.astype(dtype)
