"""The encoder-decoder: one network reads a text, another writes about it (Vaswani et al., 2017)."""

from __future__ import annotations

import numpy as np

from .attention import causal_mask, cross_attention, cross_attention_backward, padding_mask
from .encoder import Encoder, Places
from .gpt import GPTModel, block_backward, block_forward
from .layers import Array, Cache, Params, Tokens, embedding, embedding_backward, layer_norm, layer_norm_backward
from .params import flatten, new_linear, new_norm


def new_cross(rng: np.random.Generator, d: int, n_layers: int) -> dict[str, Params]:
    """A look into a memory. Its output starts small: the stream of a block takes three notes now, not two."""
    small = 0.02 / float(np.sqrt(3 * n_layers))
    return {
        "norm": new_norm(d),
        "q": new_linear(rng, d, d),
        "kv": new_linear(rng, d, 2 * d),
        "out": new_linear(rng, d, d, small),
    }


class EncoderDecoder:
    """A decoder that looks into an encoder's memory before each of its blocks.

    Vaswani et al. look in the middle of a block, after the self-attention. Before it, a block can stay as it is.

    Attributes:
        encoder: Reads the source. Its head is not used.
        decoder: Writes the target.
        cross: For each of the decoder's blocks, the parameters of its look into the memory.
    """

    def __init__(
        self, *, vocab_size: int, d_model: int, n_heads: int, n_layers: int, context: int, rng: np.random.Generator
    ) -> None:
        self.encoder, self.decoder = (
            kind(vocab_size=vocab_size, d_model=d_model, n_heads=n_heads, n_layers=n_layers, context=context, rng=rng)
            for kind in (Encoder, GPTModel)
        )
        self.cross = [new_cross(rng, d_model, n_layers) for _ in range(n_layers)]

    # --8<-- [start:forward]
    def forward(self, source: Tokens, keep: Places, target: Tokens) -> tuple[Array, Cache]:
        """Source (B, S) with `keep` (B, S) true where it has text, target (B, T) -> logits (B, T, V)."""
        unpadded, causal = padding_mask(keep), causal_mask(target.shape[1])
        decoder, n_heads = self.decoder, self.decoder.n_heads
        memory, read = self.encoder.body(source, unpadded)  # (B, S, D)
        x, embedded = embedding(target, decoder.token_emb)  # (B, T, D)
        x = x + decoder.position_emb[: target.shape[1]]
        caches = []
        for p, block in zip(self.cross, decoder.blocks, strict=True):
            a, norm = layer_norm(x, p["norm"])
            a, looked = cross_attention(a, memory, p, n_heads, unpadded)  # the one new step
            x, own = block_forward(x + a, block, n_heads, causal)
            caches.append((norm, looked, own))
        h, norm = layer_norm(x, decoder.norm)
        return h @ decoder.head_w, (memory, read, embedded, caches, h, norm)

    # --8<-- [end:forward]

    # --8<-- [start:backward]
    def backward(self, dlogits: Array, cache: Cache) -> Params:
        """The gradient of every parameter. What each block took from the memory adds up on its way to the encoder."""
        memory, read, embedded, caches, h, norm = cache
        rows, drows = h.reshape(-1, h.shape[-1]), dlogits.reshape(-1, dlogits.shape[-1])
        grads = {"decoder.head_w": rows.T @ drows}
        dx, dnorm = layer_norm_backward((drows @ self.decoder.head_w.T).reshape(h.shape), norm)
        grads |= flatten("decoder.norm", dnorm)
        dmemory = np.zeros_like(memory)
        for i, (norm, looked, own) in reversed(list(enumerate(caches))):
            dx, dblock = block_backward(dx, own)
            d, dseen, dcross = cross_attention_backward(dx, looked)
            d, dnorm = layer_norm_backward(d, norm)
            dx, dmemory = dx + d, dmemory + dseen
            grads |= flatten(f"decoder.blocks.{i}", dblock) | flatten(f"cross.{i}", {"norm": dnorm, **dcross})
        grads["decoder.token_emb"] = embedding_backward(dx, embedded)
        grads["decoder.position_emb"] = np.zeros_like(self.decoder.position_emb)
        grads["decoder.position_emb"][: dx.shape[1]] = dx.sum(axis=0)
        return grads | flatten("encoder", self.encoder.body_backward(dmemory, read))

    # --8<-- [end:backward]

    def parameters(self) -> Params:
        """Every array that training may change, by name."""
        named = flatten("encoder", self.encoder.parameters()) | flatten("decoder", self.decoder.parameters())
        del named["encoder.head_w"]
        for i, p in enumerate(self.cross):
            named |= flatten(f"cross.{i}", p)
        return named
