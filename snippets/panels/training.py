"""Chapter 5: walk through the page's training run step by step, and train a small model in the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from ..generate import generate
from ..gpt import GPTModel
from ..layers import Array
from ..tokenizer import Tokenizer
from ..weights import pack_model
from .attention import visible
from .panel import Panel, table

READ = 300
"""How many texts the model in the browser reads."""
PROMPT = "Once"
SMALL = {
    "fresh": {"width": 32, "heads": 2, "layers": 1, "context": 32},
    "steps": 240,
    "rows": 8,
    "seed": 0,
    "rates": [0.0004, 0.004, 0.04, 0.4],
    "usual": 1,
}
"""The model in the browser and its lessons, short enough for seconds; `usual` is the rate of `pretrain`."""


def training_panel(
    model: GPTModel,
    tokenizer: Tokenizer,
    kept: Mapping[int, Mapping[str, Array]],
    losses: Mapping[str, Sequence[float]],
    texts: Sequence[str],
    *,
    sentence: str = "Once, a fox named Ella lost a red kite. Ella",
) -> Panel:
    """What a model said, wrote and looked at while it learnt.

    Args:
        model: One of the shape that was trained; it is not changed.
        tokenizer: What cut the texts.
        kept: For each step, the weights there.
        losses: Curves by their names, with a loss for each of those steps.
        texts: What a model in the browser can train on; the first ones are taken.
        sentence: Where the looks are shown; short, for all of them are stored.
    """
    learner, steps = deepcopy(model), []
    for step, weights in kept.items():
        learner.load(weights)
        text, found = written(learner, tokenizer), looks(learner, tokenizer, sentence)
        steps.append({"step": step, "text": text, "attention": found})
    tokens = tokenizer.encode(sentence)
    data: dict[str, Any] = {
        "guess": round(float(np.log(tokenizer.size)), 4),
        "prompt": PROMPT,
        "losses": [
            {"name": name, "values": [round(float(loss), 4) for _, loss in zip(kept, curve, strict=True)]}
            for name, curve in losses.items()
        ],
        "words": ["(start)", *(visible(tokenizer, token) for token in tokens)],
        "layers": len(model.blocks),
        "heads": model.n_heads,
        "steps": steps,
        "small": SMALL,
    }
    # For its tokenizer: what it weighs is small, and never used.
    least = GPTModel(
        vocab_size=tokenizer.size, d_model=4, n_heads=1, n_layers=1, context=4, rng=np.random.default_rng(0)
    )
    files = {"weights": pack_model(least, tokenizer), "texts": json.dumps(texts[:READ]).encode()}
    lines = [(str(step), *(f"{curve[i]:.2f}" for curve in losses.values())) for i, step in enumerate(kept)]
    caption = f"The loss after each step, in nats for each token; guessing costs {data['guess']:.2f}"
    return Panel("training.js", data, table(caption, ("step", *losses), lines), files)


def written(model: GPTModel, tokenizer: Tokenizer) -> str:
    """What a model writes, with the same dice each time."""
    return generate(model, tokenizer, PROMPT, rng=np.random.default_rng(5), max_tokens=50, temperature=0.5)


def looks(model: GPTModel, tokenizer: Tokenizer, sentence: str) -> list[list[int]]:
    """For each layer the weights of all heads in thousandths: of each position those up to itself, the rest being 0."""
    tokens = [tokenizer.end, *tokenizer.encode(sentence)]
    _, cache = model.body(np.array([tokens]))
    past = np.tril_indices(len(tokens))
    thousandths = [np.rint(1000 * block.attention.attended.weights[0]).astype(int) for block in cache.blocks]
    return [weights[:, past[0], past[1]].ravel().tolist() for weights in thousandths]
