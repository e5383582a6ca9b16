"""How parameters move: AdamW, gradient clipping, and a learning rate that warms up and then fades."""

from __future__ import annotations

import math

import numpy as np

from .layers import Params


# --8<-- [start:adamw]
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2017): a step of its own size for every weight."""

    def __init__(self, betas: tuple[float, float] = (0.9, 0.99), decay: float = 0.1, eps: float = 1e-8) -> None:
        self.betas, self.decay, self.eps = betas, decay, eps
        self.mean: Params = {}
        self.square: Params = {}
        self.steps = 0

    def step(self, parameters: Params, grads: Params, lr: float) -> None:
        """Move, in place, every parameter that has a gradient. What has none stays as it is: frozen."""
        self.steps += 1
        b1, b2 = self.betas
        share1, share2 = 1 - b1**self.steps, 1 - b2**self.steps  # both means start at 0 and are too small at first
        for name, g in grads.items():
            w = parameters[name]
            m = self.mean.setdefault(name, np.zeros_like(w))
            s = self.square.setdefault(name, np.zeros_like(w))
            m += (1 - b1) * (g - m)  # a running mean of the gradient
            s += (1 - b2) * (g * g - s)  # a running mean of its square
            if w.ndim > 1:
                w *= 1 - lr * self.decay  # biases and gains are not pulled to 0
            w -= lr * (m / share1) / (np.sqrt(s / share2) + self.eps)


# --8<-- [end:adamw]


# --8<-- [start:clip]
def clip(grads: Params, limit: float = 1.0) -> float:
    """Scale all gradients down together where they are longer than the limit. Returns the length they had."""
    length = math.sqrt(sum(float((g * g).sum()) for g in grads.values()))
    if length > limit:
        for g in grads.values():
            np.multiply(g, limit / length, out=g)
    return length


# --8<-- [end:clip]


# --8<-- [start:schedule]
def learning_rate(step: int, steps: int, peak: float, warm_up: int = 20, floor: float = 0.1) -> float:
    """Rise in a line to the peak, then fall along half a cosine to a tenth of it."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done)))


# --8<-- [end:schedule]
