"""The same weights give the same logits and the same gradients in PyTorch, where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike

from snippets.gpt import GPTModel
from snippets.layers import cross_entropy, cross_entropy_backward

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed; the course does not need it")


def twin(weights: dict[str, Any], tokens: Any, n_heads: int) -> Any:
    """The model once more, in PyTorch's own functions."""
    f = torch.nn.functional
    (b, t), d = tokens.shape, weights["token_emb"].shape[1]

    def linear(x: Any, name: str) -> Any:
        return x @ weights[f"{name}.w"] + weights[f"{name}.b"]

    def norm(x: Any, name: str) -> Any:
        return f.layer_norm(x, (d,), weights[f"{name}.gain"], weights[f"{name}.bias"])

    x = f.embedding(tokens, weights["token_emb"]) + weights["position_emb"][:t]
    for block in sorted({name[: name.index(".", 7)] for name in weights if name.startswith("blocks.")}):
        qkv = linear(norm(x, f"{block}.attention.norm"), f"{block}.attention.qkv")
        q, k, v = (part.reshape(b, t, n_heads, -1).transpose(1, 2) for part in qkv.split(d, dim=-1))
        mixed = f.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + linear(mixed.transpose(1, 2).reshape(b, t, d), f"{block}.attention.out")
        up = linear(norm(x, f"{block}.mlp.norm"), f"{block}.mlp.up")
        x = x + linear(f.gelu(up, approximate="tanh"), f"{block}.mlp.down")
    return norm(x, "norm") @ weights["head_w"]


def relative(ours: Any, theirs: Any) -> float:
    """The largest difference, relative to the largest value."""
    assert ours.dtype == theirs.dtype
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_logits_and_all_gradients(dtype: DTypeLike, tolerance: float) -> None:
    rng = np.random.default_rng(0)
    model = GPTModel(vocab_size=40, d_model=24, n_heads=3, n_layers=3, context=16, rng=rng)
    model.to(dtype)
    for array in model.parameters().values():
        array[...] += rng.normal(0, 0.2, array.shape)  # loud enough for every path to matter
    tokens, targets = rng.integers(0, 40, (2, 4, 13))
    logits, cache = model.forward(tokens)
    loss, loss_cache = cross_entropy(logits, targets)
    grads = model.backward(cross_entropy_backward(loss_cache), cache)

    weights = {name: torch.tensor(array, requires_grad=True) for name, array in model.parameters().items()}
    their_logits = twin(weights, torch.tensor(tokens), model.n_heads)
    their_loss = torch.nn.functional.cross_entropy(their_logits.reshape(-1, 40), torch.tensor(targets).reshape(-1))
    their_loss.backward()

    assert relative(logits, their_logits.detach().numpy()) <= tolerance
    assert loss == pytest.approx(their_loss.item(), rel=tolerance)
    assert grads.keys() == weights.keys()
    for name, weight in weights.items():
        assert relative(grads[name], weight.grad.numpy()) <= tolerance, name
