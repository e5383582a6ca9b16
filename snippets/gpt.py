"""The GPT model: embeddings write into a residual stream, blocks read from it and add to it, a head reads it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .attention import attention, attention_backward
from .layers import (
    Array,
    Cache,
    Params,
    Tokens,
    embedding,
    embedding_backward,
    gelu,
    gelu_backward,
    layer_norm,
    layer_norm_backward,
    linear,
    linear_backward,
)

Block = dict[str, dict[str, Params]]


# --8<-- [start:block]
def block_forward(x: Array, p: Block, n_heads: int) -> tuple[Array, Cache]:
    """Two notes added to the stream: one gathered from other positions, one thought of at this position."""
    a, norm1 = layer_norm(x, p["attention"]["norm"])  # (B, T, D)
    a, attended = attention(a, p["attention"], n_heads)
    x = x + a
    m, norm2 = layer_norm(x, p["mlp"]["norm"])
    m, up = linear(m, p["mlp"]["up"])  # (B, T, D) -> (B, T, 4D)
    m, gate = gelu(m)
    m, down = linear(m, p["mlp"]["down"])  # (B, T, 4D) -> (B, T, D)
    return x + m, (norm1, attended, norm2, up, gate, down)


# --8<-- [end:block]


# --8<-- [start:block_backward]
def block_backward(dx: Array, cache: Cache) -> tuple[Array, Block]:
    """The same steps from the end. Where the stream forked going forward, gradients add going back."""
    norm1, attended, norm2, up, gate, down = cache
    d, ddown = linear_backward(dx, down)
    d, dup = linear_backward(gelu_backward(d, gate), up)
    d, dnorm2 = layer_norm_backward(d, norm2)
    dx = dx + d
    d, dattention = attention_backward(dx, attended)
    d, dnorm1 = layer_norm_backward(d, norm1)
    return dx + d, {"attention": {"norm": dnorm1, **dattention}, "mlp": {"norm": dnorm2, "up": dup, "down": ddown}}


# --8<-- [end:block_backward]


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


class GPTModel:
    """A decoder-only transformer in the manner of GPT-2, with a head of its own.

    Attributes:
        token_emb: (V, D), a vector for each token.
        position_emb: (context, D), a vector for each position.
        blocks: The transformer blocks, each a nested dictionary of parameters.
        norm: The last layer norm.
        head_w: (D, V), reads a prediction out of the stream. Replace it to predict something else.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        d_model: int,
        n_heads: int,
        n_layers: int,
        context: int,
        rng: np.random.Generator,
    ) -> None:
        if d_model % n_heads:
            raise ValueError(f"d_model = {d_model} cannot be cut into {n_heads} equal heads")
        self.n_heads, self.context = n_heads, context
        self.token_emb: Array = rng.normal(0, 0.02, (vocab_size, d_model)).astype(np.float32)
        self.position_emb: Array = rng.normal(0, 0.02, (context, d_model)).astype(np.float32)
        self.blocks: list[Block] = [new_block(rng, d_model, n_layers) for _ in range(n_layers)]
        self.norm: Params = new_norm(d_model)
        self.head_w: Array = rng.normal(0, 0.02, (d_model, vocab_size)).astype(np.float32)

    # --8<-- [start:forward]
    def body(self, tokens: Tokens) -> tuple[Array, Cache]:
        """Tokens (B, T) -> the normalised residual stream (B, T, D) that the head reads."""
        x, embedded = embedding(tokens, self.token_emb)  # (B, T, D)
        x = x + self.position_emb[: tokens.shape[1]]
        caches = []
        for p in self.blocks:
            x, cache = block_forward(x, p, self.n_heads)
            caches.append(cache)
        h, normed = layer_norm(x, self.norm)
        return h, (embedded, caches, normed)

    def forward(self, tokens: Tokens) -> tuple[Array, Cache]:
        """Tokens (B, T) -> logits (B, T, V): at each position, a score for each possible next token."""
        h, cache = self.body(tokens)
        return h @ self.head_w, (h, cache)

    # --8<-- [end:forward]

    def __call__(self, tokens: Tokens) -> Array:
        """The logits alone."""
        return self.forward(tokens)[0]

    # --8<-- [start:backward]
    def backward(self, dlogits: Array, cache: Cache) -> Params:
        """The gradient of every parameter, under the names that `parameters` uses."""
        h, body_cache = cache
        rows, drows = h.reshape(-1, h.shape[-1]), dlogits.reshape(-1, dlogits.shape[-1])
        dh = (drows @ self.head_w.T).reshape(h.shape)  # (B*T, V) @ (V, D) -> (B, T, D)
        return {"head_w": rows.T @ drows, **self.body_backward(dh, body_cache)}

    def body_backward(self, dh: Array, cache: Cache, depth: int | None = None) -> Params:
        """Back through the body: all of it, or the last norm and the last `depth` blocks only."""
        embedded, caches, normed = cache
        dx, dnorm = layer_norm_backward(dh, normed)
        grads = flatten("norm", dnorm)
        first = 0 if depth is None else len(caches) - depth
        for i in range(len(caches) - 1, first - 1, -1):
            dx, dp = block_backward(dx, caches[i])
            grads |= flatten(f"blocks.{i}", dp)
        if depth is None:
            grads["token_emb"] = embedding_backward(dx, embedded)
            grads["position_emb"] = np.zeros_like(self.position_emb)
            grads["position_emb"][: dx.shape[1]] = dx.sum(axis=0)
        return grads

    # --8<-- [end:backward]

    def parameters(self) -> Params:
        """Every array that training may change, by name. The arrays themselves, not copies."""
        named = {"token_emb": self.token_emb, "position_emb": self.position_emb, "head_w": self.head_w}
        for i, block in enumerate(self.blocks):
            named |= flatten(f"blocks.{i}", block)
        return named | flatten("norm", self.norm)

    def to(self, dtype: DTypeLike) -> None:
        """Hold every parameter in another type: float64, say, to check gradients."""
        self.token_emb, self.position_emb = self.token_emb.astype(dtype), self.position_emb.astype(dtype)
        self.head_w = self.head_w.astype(dtype)
        self.blocks, self.norm = convert(self.blocks, dtype), convert(self.norm, dtype)

    def load(self, weights: Mapping[str, Array]) -> None:
        """Take over the values of a saved model of the same shape."""
        for name, array in self.parameters().items():
            array[...] = weights[name]


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
