"""The course's model once more, as one would write it in PyTorch: its modules, its attention, its optimizer; eager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch  # type: ignore[import-not-found]  # whoever runs this installs it; nothing else here needs it
from torch import nn
from torch.nn import functional  # type: ignore[import-not-found]

from snippets.layers import Array, Params, Tokens

# mypy knows no classes of PyTorch's where it is not installed; hence the `misc` below.


class Past:
    """The keys and values of one block for the positions so far, in the usual way: what is new is appended."""

    def __init__(self) -> None:
        self.kept: tuple[Any, Any] | None = None

    def extend(self, k: Any, v: Any) -> tuple[Any, Any]:
        """Note new keys and values (B, H, T, D/H). Returns all there are now."""
        if self.kept is not None:
            k, v = torch.cat((self.kept[0], k), dim=2), torch.cat((self.kept[1], v), dim=2)
        self.kept = k, v
        return k, v


class Attention(nn.Module):  # type: ignore[misc]
    """Causal multi-head self-attention, behind its norm."""

    def __init__(self, d: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm, self.qkv, self.out = nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x: Any, past: Past | None = None) -> Any:
        """What attention adds to the stream. After a past comes one position at a time."""
        b, t, d = x.shape
        parts = self.qkv(self.norm(x)).split(d, dim=2)
        q, k, v = (part.view(b, t, self.n_heads, d // self.n_heads).transpose(1, 2) for part in parts)
        if past is not None:
            k, v = past.extend(k, v)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=t > 1)
        return self.out(mixed.transpose(1, 2).reshape(b, t, d))


class MLP(nn.Module):  # type: ignore[misc]
    """Two linear layers with a GELU between them, behind their norm."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x: Any) -> Any:
        """What the MLP adds to the stream."""
        return self.down(functional.gelu(self.up(self.norm(x)), approximate="tanh"))


class Block(nn.Module):  # type: ignore[misc]
    """A transformer block."""

    def __init__(self, d: int, n_heads: int) -> None:
        super().__init__()
        self.attention, self.mlp = Attention(d, n_heads), MLP(d)

    def forward(self, x: Any, past: Past | None = None) -> Any:
        """The stream after both additions."""
        x = x + self.attention(x, past)
        return x + self.mlp(x)


class GPT(nn.Module):  # type: ignore[misc]
    """The model. Its modules are named as the course names its parameters."""

    def __init__(self, *, vocab_size: int, d: int, n_heads: int, n_layers: int, context: int) -> None:
        super().__init__()
        self.token_emb, self.position_emb = nn.Embedding(vocab_size, d), nn.Embedding(context, d)
        self.blocks = nn.ModuleList(Block(d, n_heads) for _ in range(n_layers))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocab_size, bias=False)

    def body(self, tokens: Any, start: int = 0, pasts: Sequence[Past | None] | None = None) -> Any:
        """The residual stream that the head reads, for tokens of which the first stands at `start`."""
        x = self.token_emb(tokens) + self.position_emb(torch.arange(start, start + tokens.shape[1]))
        for block, past in zip(self.blocks, pasts or [None] * len(self.blocks), strict=True):
            x = block(x, past)
        return self.norm(x)

    def forward(self, tokens: Any) -> Any:
        """The logits at every position."""
        return self.head(self.body(tokens))


class Twin:
    """PyTorch's side of the comparison: a model with its optimizer."""

    def __init__(self, weights: Mapping[str, Array], n_heads: int, *, betas: tuple[float, float], decay: float) -> None:
        (vocab_size, d), (context, _) = weights["token_emb"].shape, weights["position_emb"].shape
        n_layers = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
        self.model = GPT(vocab_size=vocab_size, d=d, n_heads=n_heads, n_layers=n_layers, context=context)
        self.load(weights)
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        others = [p for p in self.model.parameters() if p.dim() == 1]
        groups = [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, betas=betas, eps=1e-8)

    def step(self, inputs: Tokens, targets: Tokens, lr: float) -> float:
        """Train on one batch. Returns the loss before the step."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad()
        logits = self.model(torch.from_numpy(inputs))
        loss = functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def write(self, prompt: Sequence[int], n: int, *, cached: bool) -> list[int]:
        """The `n` most probable next tokens, one after the other."""
        tokens = torch.tensor([prompt])
        pasts = [Past() for _ in self.model.blocks] if cached else None
        for i in range(n):
            start = tokens.shape[1] - 1 if cached and i else 0
            last = self.model.body(tokens[:, start:], start, pasts)[:, -1]
            tokens = torch.cat((tokens, self.model.head(last).argmax(-1, keepdim=True)), dim=1)
        written: list[int] = tokens[0, len(prompt) :].tolist()
        return written

    def load(self, weights: Mapping[str, Array]) -> None:
        """Take over the values of the course's parameters."""
        with torch.no_grad():
            for name, tensor in self._named():
                tensor.copy_(torch.from_numpy(weights[name]))

    def weights(self) -> Params:
        """The parameters as arrays, by their names in the course."""
        return {name: tensor.detach().numpy().copy() for name, tensor in self._named()}

    def _named(self) -> Iterator[tuple[str, Any]]:
        """Each parameter by its name in the course, and as it lies there: PyTorch's `Linear` has its matrix turned."""
        for path, module in self.model.named_modules():
            if isinstance(module, nn.Embedding):
                yield path, module.weight
            elif isinstance(module, nn.LayerNorm):
                yield f"{path}.gain", module.weight
                yield f"{path}.bias", module.bias
            elif isinstance(module, nn.Linear) and module.bias is None:
                yield f"{path}_w", module.weight.T
            elif isinstance(module, nn.Linear):
                yield f"{path}.w", module.weight.T
                yield f"{path}.b", module.bias


def set_threads(n: int) -> None:
    """How many threads PyTorch computes with."""
    torch.set_num_threads(n)
