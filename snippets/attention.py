"""Causal self-attention: every position looks back at earlier ones and takes what it needs."""

from __future__ import annotations

import numpy as np

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
def causal_mask(t: int, dtype: np.typing.DTypeLike = np.float32) -> Array:
    """0 where a position may look (itself and earlier), a huge negative number where it may not."""
    return np.triu(np.full((t, t), -1e9, dtype), k=1)  # (T, T); row = who looks, column = at whom


# --8<-- [end:mask]


# --8<-- [start:attention]
def attention(x: Array, p: dict[str, Params], n_heads: int) -> tuple[Array, Cache]:
    """Causal multi-head self-attention."""
    qkv, qkv_cache = linear(x, p["qkv"])  # (B, T, D) -> (B, T, 3D)
    q, k, v = (split_heads(part, n_heads) for part in np.split(qkv, 3, axis=-1))  # each (B, H, T, D/H)
    scale = 1 / float(np.sqrt(q.shape[-1]))
    scores = q @ k.swapaxes(-1, -2) * scale  # (B, H, T, T)
    weights = softmax(scores + causal_mask(x.shape[1], x.dtype))  # rows sum to 1, nothing after the diagonal
    mixed = merge_heads(weights @ v)  # (B, H, T, T) @ (B, H, T, D/H) -> (B, T, D)
    y, out_cache = linear(mixed, p["out"])  # (B, T, D)
    return y, (qkv_cache, q, k, v, weights, scale, out_cache)


# --8<-- [end:attention]


# --8<-- [start:attention_backward]
def attention_backward(dy: Array, cache: Cache) -> tuple[Array, dict[str, Params]]:
    """Back through the output, the mixing, the softmax, the scores, and the three projections."""
    qkv_cache, q, k, v, weights, scale, out_cache = cache
    dmixed, dout = linear_backward(dy, out_cache)
    dmixed = split_heads(dmixed, q.shape[1])  # (B, H, T, D/H)
    dweights = dmixed @ v.swapaxes(-1, -2)  # (B, H, T, T)
    dv = weights.swapaxes(-1, -2) @ dmixed
    dscores = weights * (dweights - (dweights * weights).sum(axis=-1, keepdims=True)) * scale  # softmax, then scale
    dq, dk = dscores @ k, dscores.swapaxes(-1, -2) @ q  # each (B, H, T, D/H)
    dqkv = np.concatenate([merge_heads(part) for part in (dq, dk, dv)], axis=-1)  # (B, T, 3D)
    dx, dp = linear_backward(dqkv, qkv_cache)
    return dx, {"qkv": dp, "out": dout}


# --8<-- [end:attention_backward]
