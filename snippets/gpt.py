"""The GPT model: embeddings write into a residual stream, blocks read from it and add to it, a head reads it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from .attention import KVCache, SelfAttention, attention, attention_backward, causal_mask
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
from .params import Block, convert, flatten, new_block, new_norm


class BlockCache(NamedTuple):
    """What `block_forward` keeps for its way back."""

    norm1: Cache
    attention: SelfAttention
    norm2: Cache
    up: Cache
    gate: Cache
    down: Cache


class BodyCache(NamedTuple):
    """What the body keeps for its way back. `blocks[0].attention.attended.weights` shows where block 0 looked."""

    embedded: Cache
    blocks: list[BlockCache]
    norm: Cache


# --8<-- [start:block]
def block_forward(
    x: Array, p: Block, n_heads: int, mask: Array | None = None, past: KVCache | None = None
) -> tuple[Array, BlockCache]:
    """Two notes added to the stream: one gathered from other positions, one thought of at this position."""
    a, norm1 = layer_norm(x, p["attention"]["norm"])  # (B, T, D)
    a, attended = attention(a, p["attention"], n_heads, mask, past)
    x = x + a
    m, norm2 = layer_norm(x, p["mlp"]["norm"])
    m, up = linear(m, p["mlp"]["up"])  # (B, T, D) -> (B, T, 4D)
    m, gate = gelu(m)
    m, down = linear(m, p["mlp"]["down"])  # (B, T, 4D) -> (B, T, D)
    return x + m, BlockCache(norm1, attended, norm2, up, gate, down)


# --8<-- [end:block]


# --8<-- [start:block_backward]
def block_backward(dx: Array, cache: BlockCache) -> tuple[Array, Block]:
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
        if n_heads < 1 or d_model % n_heads:
            raise ValueError(f"d_model = {d_model} cannot be cut into {n_heads} equal heads")
        self.n_heads, self.context = n_heads, context
        self.token_emb: Array = rng.normal(0, 0.02, (vocab_size, d_model)).astype(np.float32)
        self.position_emb: Array = rng.normal(0, 0.02, (context, d_model)).astype(np.float32)
        self.blocks: list[Block] = [new_block(rng, d_model, n_layers) for _ in range(n_layers)]
        self.norm: Params = new_norm(d_model)
        self.head_w: Array = rng.normal(0, 0.02, (d_model, vocab_size)).astype(np.float32)

    # --8<-- [start:forward]
    def mask(self, t: int, past: int = 0) -> Array | None:
        """Who may look at whom, for `t` tokens after a past. Causal here; without a mask it would be an encoder."""
        return None if t == 1 else causal_mask(t, past)  # the newest token alone may look at everything

    def body(
        self, tokens: Tokens, mask: Array | None = None, past: Sequence[KVCache] | None = None
    ) -> tuple[Array, BodyCache]:
        """Tokens (B, T) -> the normalised residual stream (B, T, D) that the head reads."""
        start, t = past[0].length if past else 0, tokens.shape[1]
        if start + t > self.context:
            raise ValueError(f"{start + t} tokens do not fit into a context of {self.context}")
        x, embedded = embedding(tokens, self.token_emb)  # (B, T, D)
        x = x + self.position_emb[start : start + t]
        mask = self.mask(t, start) if mask is None else mask
        caches = []
        for i, p in enumerate(self.blocks):
            x, cache = block_forward(x, p, self.n_heads, mask, past[i] if past else None)
            caches.append(cache)
        h, norm = layer_norm(x, self.norm)
        return h, BodyCache(embedded, caches, norm)

    def forward(
        self, tokens: Tokens, mask: Array | None = None, past: Sequence[KVCache] | None = None
    ) -> tuple[Array, Cache]:
        """Tokens (B, T) -> logits (B, T, V): at each position, a score for each possible next token.

        A mask takes the place of the model's own. With a past, the tokens are those that come after it.
        """
        h, cache = self.body(tokens, mask, past)
        return h @ self.head_w, (h, cache)

    # --8<-- [end:forward]

    def __call__(self, tokens: Tokens, mask: Array | None = None, past: Sequence[KVCache] | None = None) -> Array:
        """The logits alone."""
        return self.forward(tokens, mask, past)[0]

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
        """Take over the values of a saved model of the same shape.

        Raises:
            KeyError: A parameter is not among the weights.
            ValueError: It has another shape there.
        """
        for name, array in self.parameters().items():
            saved = weights[name]
            if saved.shape != array.shape:
                raise ValueError(f"{name} has the shape {saved.shape}, and {array.shape} in the model")
            array[...] = saved
