"""Attention: every position asks, others answer. What a position may look at is a mask, and the mask is an argument."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .layers import Array, Cache, Params, linear, linear_backward, softmax


# --8<-- [start:heads]
def split_heads(x: Array, n_heads: int) -> Array:
    """Cut the width into heads that work side by side."""
    b, t, d = x.shape
    return x.reshape(b, t, n_heads, d // n_heads).transpose(0, 2, 1, 3)  # (B, T, D) -> (B, H, T, D/H)


def merge_heads(x: Array) -> Array:
    """Lay the heads' results side by side again."""
    b, h, t, d = x.shape
    return x.transpose(0, 2, 1, 3).reshape(b, t, h * d)  # (B, H, T, D/H) -> (B, T, D)


# --8<-- [end:heads]


# --8<-- [start:mask]
def causal_mask(t: int, past: int = 0, dtype: DTypeLike = np.float32) -> Array:
    """0 where a position may look (itself and earlier), a huge negative number where it may not."""
    # (T, past + T); row = who looks, column = at whom: the past comes first, and everyone may look at it
    return np.triu(np.full((t, past + t), -1e9, dtype), k=past + 1)


def padding_mask(keep: NDArray[np.bool_], dtype: DTypeLike = np.float32) -> Array:
    """Nobody may look at the positions that only fill a text up. `keep` (B, S) is true where there is text."""
    return np.where(keep, 0, -1e9).astype(dtype)[:, None, None, :]  # (B, 1, 1, S): for all heads and all who look


# --8<-- [end:mask]


# --8<-- [start:attend]
class Attended(NamedTuple):
    """What attention computed on the way, head by head."""

    q: Array  # (B, H, T, D/H)
    k: Array  # (B, H, S, D/H)
    v: Array  # (B, H, S, D/H)
    weights: Array  # (B, H, T, S); each row sums to 1


def attend(q: Array, k: Array, v: Array, mask: Array | None = None) -> tuple[Array, Attended]:
    """T queries look at S keys and take a mix of their values. Without a mask, each looks at all."""
    scale = q.shape[-1] ** -0.5
    scores = (q * scale) @ k.swapaxes(-1, -2)  # (B, H, T, D/H) @ (B, H, D/H, S) -> (B, H, T, S)
    weights = softmax(scores if mask is None else scores + mask)
    return weights @ v, Attended(q, k, v, weights)  # (B, H, T, S) @ (B, H, S, D/H) -> (B, H, T, D/H)


# --8<-- [end:attend]


# --8<-- [start:attend_backward]
def attend_backward(dmixed: Array, cache: Attended) -> tuple[Array, Array, Array]:
    """Back through the mixing, the softmax and the scores: the gradients of queries, keys and values."""
    q, k, v, weights = cache
    scale = q.shape[-1] ** -0.5
    dweights = dmixed @ v.swapaxes(-1, -2)  # (B, H, T, S)
    dv = weights.swapaxes(-1, -2) @ dmixed  # (B, H, S, D/H)
    dscores = weights * (dweights - np.vecdot(dweights, weights)[..., None])  # softmax, row by row
    return dscores @ k * scale, dscores.swapaxes(-1, -2) @ q * scale, dv  # (B, H, T, D/H), twice (B, H, S, D/H)


# --8<-- [end:attend_backward]


# --8<-- [start:kv_cache]
class KVCache:
    """The keys and values that one block has computed for the positions so far. They never change: keep them."""

    def __init__(self, n_heads: int, context: int, d_head: int, batch: int = 1, dtype: DTypeLike = np.float32) -> None:
        self.keys: Array = np.empty((batch, n_heads, context, d_head), dtype)
        self.values: Array = np.empty_like(self.keys)
        self.length = 0  # how many positions are filled

    def extend(self, k: Array, v: Array) -> tuple[Array, Array]:
        """Note new keys and values (B, H, T, D/H). Returns all there are now, each (B, H, past + T, D/H)."""
        past, self.length = self.length, self.length + k.shape[2]
        self.keys[:, :, past : self.length], self.values[:, :, past : self.length] = k, v
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


# --8<-- [end:kv_cache]


class SelfAttention(NamedTuple):
    """What `attention` keeps for its way back."""

    qkv: Cache
    attended: Attended
    out: Cache


# --8<-- [start:attention]
def attention(
    x: Array, p: dict[str, Params], n_heads: int, mask: Array | None = None, past: KVCache | None = None
) -> tuple[Array, SelfAttention]:
    """Multi-head self-attention: queries, keys and values all come from `x`.

    With a past, keys and values of earlier positions come before them. That is for writing: no gradient goes there.
    """
    qkv, qkv_cache = linear(x, p["qkv"])  # (B, T, D) -> (B, T, 3D)
    d = x.shape[-1]
    q, k, v = (split_heads(qkv[..., i : i + d], n_heads) for i in (0, d, 2 * d))  # each (B, H, T, D/H)
    if past is not None:
        k, v = past.extend(k, v)  # (B, H, past + T, D/H)
    mixed, attended = attend(q, k, v, mask)  # (B, H, T, D/H)
    y, out_cache = linear(merge_heads(mixed), p["out"])  # (B, T, D)
    return y, SelfAttention(qkv_cache, attended, out_cache)


# --8<-- [end:attention]


# --8<-- [start:attention_backward]
def attention_backward(dy: Array, cache: SelfAttention) -> tuple[Array, dict[str, Params]]:
    """Back through the output, the attention, and the three projections."""
    dmixed, dout = linear_backward(dy, cache.out)
    dheads = attend_backward(split_heads(dmixed, cache.attended.q.shape[1]), cache.attended)
    dqkv = np.concatenate([merge_heads(part) for part in dheads], axis=-1)  # (B, T, 3D)
    dx, dp = linear_backward(dqkv, cache.qkv)
    return dx, {"qkv": dp, "out": dout}


# --8<-- [end:attention_backward]


class CrossAttention(NamedTuple):
    """What `cross_attention` keeps for its way back."""

    q: Cache
    kv: Cache
    attended: Attended
    out: Cache


# --8<-- [start:cross_attention]
def cross_attention(
    x: Array, memory: Array, p: dict[str, Params], n_heads: int, mask: Array | None = None
) -> tuple[Array, CrossAttention]:
    """Queries come from `x` (B, T, D), keys and values from another text's stream, the memory (B, S, D)."""
    q, q_cache = linear(x, p["q"])  # (B, T, D)
    kv, kv_cache = linear(memory, p["kv"])  # (B, S, D) -> (B, S, 2D)
    d = x.shape[-1]
    k, v = (split_heads(kv[..., i : i + d], n_heads) for i in (0, d))  # each (B, H, S, D/H)
    mixed, attended = attend(split_heads(q, n_heads), k, v, mask)  # (B, H, T, D/H)
    y, out_cache = linear(merge_heads(mixed), p["out"])  # (B, T, D)
    return y, CrossAttention(q_cache, kv_cache, attended, out_cache)


# --8<-- [end:cross_attention]


# --8<-- [start:cross_attention_backward]
def cross_attention_backward(dy: Array, cache: CrossAttention) -> tuple[Array, Array, dict[str, Params]]:
    """The gradients of `x`, of the memory, and of the parameters."""
    dmixed, dout = linear_backward(dy, cache.out)
    dq, dk, dv = attend_backward(split_heads(dmixed, cache.attended.q.shape[1]), cache.attended)
    dx, dp_q = linear_backward(merge_heads(dq), cache.q)
    dmemory, dp_kv = linear_backward(np.concatenate([merge_heads(dk), merge_heads(dv)], axis=-1), cache.kv)
    return dx, dmemory, {"q": dp_q, "kv": dp_kv, "out": dout}


# --8<-- [end:cross_attention_backward]
