"""pytest marks and their conditions, evaluated without running what an author wrote.

A chapter is parsed outside the worker's limits. So a condition may look at `sys`, `os` and `platform`, compare and
combine, and call the few functions that only look; nothing else.
"""

from __future__ import annotations

import ast
import os
import platform
import sys
from dataclasses import dataclass

_METHODS = frozenset("startswith endswith get getenv lower upper strip cpu_count getwindowsversion".split())
_NODES = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.cmpop, ast.Attribute,
    ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List, ast.Subscript, ast.Slice, ast.Call, ast.IfExp,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """A pytest mark."""

    name: str
    """`skip` in `pytest.mark.skip(…)`."""
    reason: str = ""
    """Its `reason`."""
    condition: str | None = None
    """The condition of `skipif` or `xfail`, as written; None where it has none."""
    run: bool = True
    """Whether what `xfail` marks is run at all."""


def read_mark(text: str) -> Mark:
    """Read `pytest.mark.name` or `pytest.mark.name(…)`.

    Raises:
        ValueError: It is neither, or `skipif` has no condition.
    """
    node = _parse(text)
    call = node if isinstance(node, ast.Call) else None
    target = call.func if call else node
    if not isinstance(target, ast.Attribute) or ast.unparse(target.value) != "pytest.mark":
        raise ValueError("it is no mark")
    keywords = {each.arg: each.value for each in call.keywords} if call else {}
    reason = keywords.get("reason")
    given = call.args[0] if call and call.args else keywords.get("condition")
    if target.attr == "skipif" and given is None:
        raise ValueError("`skipif` needs a condition")
    if target.attr == "skip" and call and call.args:
        reason, given = call.args[0], None
    said = reason.value if isinstance(reason, ast.Constant) and isinstance(reason.value, str) else ""
    judged = target.attr in {"skipif", "xfail"} and given is not None
    run = keywords.get("run")
    runs = target.attr != "xfail" or not isinstance(run, ast.Constant) or bool(run.value)
    return Mark(target.attr, said, ast.unparse(given) if judged and given else None, runs)


def evaluate(condition: str) -> bool:
    """Whether a condition holds here.

    Raises:
        ValueError: It is no expression, or one that does more than look.
    """
    node = _parse(condition)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        # pytest takes a condition as a string as well.
        node = _parse(node.value)
    for each in ast.walk(node):
        _check(each)
    names = {"sys": sys, "os": os, "platform": platform, "__builtins__": {}}
    try:
        return bool(eval(compile(ast.Expression(node), "<condition>", "eval"), names))  # noqa: S307 - checked above
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(getattr(error, "msg", None) or str(error)) from error


def _check(node: ast.AST) -> None:
    """Refuse a part of a condition that could do more than look."""
    if not isinstance(node, _NODES):
        raise ValueError(f"`{type(node).__name__}` is not allowed in a condition")  # noqa: TRY004 - of a text, not a type
    if isinstance(node, ast.Name) and node.id not in {"sys", "os", "platform"}:
        raise ValueError(f"`{node.id}` is not known")
    if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
        raise ValueError(f"`{node.attr}` is not allowed in a condition")
    if isinstance(node, ast.Call):
        target = node.func
        looks = isinstance(target, ast.Attribute) and (
            target.attr in _METHODS or (isinstance(target.value, ast.Name) and target.value.id == "platform")
        )
        if not looks:
            raise ValueError(f"`{ast.unparse(target)}` is not allowed in a condition")
