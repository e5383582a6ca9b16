"""What a model is made of, in the order of its forward pass, with all shapes and counts taken from its arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..attention import attend, attention
from ..gpt import GPTModel, block_forward
from ..layers import average, embedding, gelu, layer_norm, linear, softmax
from ..tokenizer import Tokenizer

Part = dict[str, Any]
"""What a diagram knows of a part: what it is called and does, its shapes, its arrays and its code."""
Dims = Sequence[int | str]
"""A shape in which the number of tokens is the letter T."""

TOKENS = "The text in pieces, each by its number in the vocabulary. The first is the mark that stands between texts."
EMBEDDING = "Each token takes its row out of a table: {d} learnt numbers. The stream begins with them."
POSITION = "Each place in the text adds a row of its own, the same for all texts. There are {c} rows: the context."
STREAM = (
    "All that the model holds about each token, as {d} numbers. Workers only read it and add to it. "
    "If the head read it here already, it would say this."
)
ATTENTION = (
    "Its norm first. Then {h} heads, side by side: in each, every token looks back, chooses where, and fetches news "
    "from there. What they fetched is added to the stream."
)
MLP = (
    "Its norm first. Then {u} units look at one token at a time, each for a pattern of its own. "
    "Those that wake write their notes, and these are added to the stream."
)
NORM = "Brings the numbers of every token to one scale, so that the head hears all of them equally loud."
HEAD = (
    "Compares what the stream holds with {v} patterns, one for each token. The scores are the logits. "
    "Softmax makes probabilities of them."
)


def parts(model: GPTModel) -> list[Part]:
    """All parts from the tokens to the head, and between them the stream, as far as it has come."""
    d = model.token_emb.shape[1]
    found = [
        part("tokens", "Tokens", (1, "T"), [("tokens", "(B, T)", (1, "T"))], Tokenizer.encode, does=TOKENS),
        embedding_part(d),
        position_part(*model.position_emb.shape),
        stream("after the embeddings", d),
    ]
    prefixes = ["", "token_emb", "position_emb", ""]
    for i in range(len(model.blocks)):
        name = f"Block {i + 1}: "
        found += [attention_part(model, i, name), stream(f"after attention {i + 1}", d)]
        found += [mlp_part(model, i, name), stream(f"after block {i + 1}", d)]
        prefixes += [f"blocks.{i}.attention.", "", f"blocks.{i}.mlp.", ""]
    found += [norm_part(d), head_part(model.head_w.shape[1])]
    place = -1
    for each, prefix in zip(found, [*prefixes, "norm.", "head_w"], strict=True):
        place += each["kind"] == "stream"
        arrays = {name: array for name, array in model.parameters().items() if prefix and name.startswith(prefix)}
        each["place"] = max(place, 0)  # how many workers have written before
        each["arrays"] = [(name.removeprefix(prefix) or name, shape(a.shape), a.size) for name, a in arrays.items()]
        each["count"] = sum(array.size for array in arrays.values())
    return found


def part(
    kind: str, name: str, dims: Dims, steps: Sequence[tuple[str, str, Dims]], *code: Callable[..., Any], does: str
) -> Part:
    """A part without its arrays. Each step has a name, a formula for shapes, and the shape that it gives."""
    return {"kind": kind, "name": name, "shape": dims, "steps": steps, "code": code, "does": does}


def embedding_part(d: int) -> Part:
    """The table of the tokens."""
    steps = [("rows of the table", "(V, D)[(B, T)]", (1, "T", d))]
    return part("embedding", "Token embedding", (1, "T", d), steps, embedding, does=EMBEDDING.format(d=d))


def position_part(context: int, d: int) -> Part:
    """The table of the places."""
    steps = [("rows of the table", "(C, D)[:T]", ("T", d)), ("added", "(B, T, D) + (T, D)", (1, "T", d))]
    return part("position", "Position embedding", ("T", d), steps, GPTModel.body, does=POSITION.format(c=context))


def stream(where: str, d: int) -> Part:
    """The residual stream at a place."""
    steps = [("the stream", "(B, T, D)", (1, "T", d))]
    return part("stream", f"Stream {where}", (1, "T", d), steps, block_forward, does=STREAM.format(d=d))


def attention_part(model: GPTModel, number: int, block: str) -> Part:
    """The attention of a block, with the norm before it."""
    d, h, wide = model.token_emb.shape[1], model.n_heads, model.blocks[number]["attention"]["qkv"]["w"].shape[1]
    steps = [
        ("queries, keys, values", "(B, T, D) @ (D, 3D)", (1, "T", wide)),
        ("each cut into heads", "(B, H, T, D/H)", (1, h, "T", d // h)),
        ("who looks where", "(B, H, T, D/H) @ (B, H, D/H, T)", (1, h, "T", "T")),
        ("what they fetch", "(B, H, T, T) @ (B, H, T, D/H)", (1, h, "T", d // h)),
        ("joined, and added", "(B, T, D) @ (D, D)", (1, "T", d)),
    ]
    does = ATTENTION.format(h=h)
    return part("attention", f"{block}attention", (1, "T", d), steps, attention, attend, does=does)


def mlp_part(model: GPTModel, number: int, block: str) -> Part:
    """The MLP of a block, with the norm before it."""
    d, units = model.blocks[number]["mlp"]["up"]["w"].shape
    steps = [
        ("up, and through the gate", "(B, T, D) @ (D, 4D)", (1, "T", units)),
        ("down, and added", "(B, T, 4D) @ (4D, D)", (1, "T", d)),
    ]
    does = MLP.format(u=units)
    return part("mlp", f"{block}MLP", (1, "T", d), steps, block_forward, gelu, linear, does=does)


def norm_part(d: int) -> Part:
    """The norm before the head."""
    steps = [("normalised", "(B, T, D)", (1, "T", d))]
    return part("norm", "Last norm", (1, "T", d), steps, layer_norm, average, does=NORM)


def head_part(v: int) -> Part:
    """What reads the stream out."""
    steps = [("logits", "(B, T, D) @ (D, V)", (1, "T", v)), ("probabilities", "(B, T, V)", (1, "T", v))]
    return part("head", "Head", (1, "T", v), steps, GPTModel.forward, softmax, does=HEAD.format(v=v))


def shape(dims: Dims, t: int = 0) -> str:
    """A shape as Python writes it, for `t` tokens."""
    return str(tuple(t if each == "T" else each for each in dims))
