"""A model in a file: its weights, the number of its heads, and its tokenizer's merges. No code, nothing pickled."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .gpt import GPTModel
from .tokenizer import Tokenizer


# --8<-- [start:save]
def save(
    path: str | Path, model: GPTModel, *, tokenizer: Tokenizer | None = None, dtype: DTypeLike = np.float16
) -> None:
    """Write a checkpoint. Half precision halves the file and moves no weight by more than 1 part in 2,000.

    Raises:
        ValueError: A weight is no number, or too large for the type.
    """
    # The arrays' shapes tell all other sizes. Only how the width is cut into heads cannot be seen from them.
    stored: dict[str, NDArray[Any]] = {"n_heads": np.array(model.n_heads)}
    for name, array in model.parameters().items():
        with np.errstate(over="ignore"):
            stored[name] = array.astype(dtype)
        if not np.isfinite(stored[name]).all():
            raise ValueError(f"{name} holds values that {np.dtype(dtype)} does not; did the training diverge?")
    if tokenizer is not None:
        stored["merges"] = np.array(tokenizer.merges, np.int32).reshape(-1, 2)
    with Path(path).open("wb") as file:
        np.savez(file, allow_pickle=False, **stored)


# --8<-- [end:save]


# --8<-- [start:load]
def load(path: str | Path) -> GPTModel:
    """The model of a checkpoint, in float32.

    Raises:
        ValueError: The file is damaged, or holds something else.
    """
    stored = read(path)
    try:
        (vocab_size, d_model), (context, _) = stored["token_emb"].shape, stored["position_emb"].shape
        model = GPTModel(
            vocab_size=vocab_size,
            d_model=d_model,
            n_heads=int(stored["n_heads"]),
            n_layers=len({name.split(".")[1] for name in stored if name.startswith("blocks.")}),
            context=context,
            rng=np.random.default_rng(0),  # every weight is replaced
        )
        model.head_w = np.zeros((d_model, stored["head_w"].shape[-1]), np.float32)  # it may not be the first head
        model.load(stored)
    except KeyError as error:
        raise ValueError(f"{path} is no checkpoint of a model: it has no array {error}") from error
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no checkpoint of a model: {error}") from error
    return model


def load_tokenizer(path: str | Path) -> Tokenizer:
    """The tokenizer of a checkpoint.

    Raises:
        ValueError: The file is damaged, or was saved without a tokenizer.
    """
    merges = read(path).get("merges")
    if merges is None:
        raise ValueError(f"{path} holds no tokenizer: pass `tokenizer` when you save it")
    return Tokenizer((int(left), int(right)) for left, right in merges)


# --8<-- [end:load]


def read(path: str | Path) -> dict[str, NDArray[Any]]:
    """Every array of an .npz file, by name."""
    with Path(path).open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{path} cannot be read: it is not an .npz file, or was cut off")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return {name: np.asarray(arrays[name]) for name in arrays.files}
        except (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
