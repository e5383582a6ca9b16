"""The code of cells that have run, given the lines that they have now: for tracebacks, warnings and `inspect`."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from types import CodeType, FunctionType

from ..model import JSON

Move = tuple[str, int, int, int]
"""A file, the first and the last line of a cell as they were, and by how many lines it has moved."""


def move(before: JSON, after: JSON) -> None:
    """Give the functions that cells have defined their new lines.

    Args:
        before: The cells of the job that ran them.
        after: The cells of the job that goes on; those of the same number are the same, maybe elsewhere.
    """
    both = ((before[number], after[number]) for number in before.keys() & after.keys())
    moves = [
        (cell["file"], min(cell["lines"]), max(cell["lines"]), now["lines"][0] - cell["lines"][0])
        for cell, now in both
        if now["lines"] != cell["lines"] and len(now["lines"]) == len(cell["lines"])
    ]
    files = {file for file, *_ in moves}
    for item in gc.get_objects() if moves else ():
        # By its type: a value's own `__class__` may be code of the author's.
        if type(item) is FunctionType and item.__code__.co_filename in files:
            item.__code__ = _moved(item.__code__, moves)


def _moved(code: CodeType, moves: Iterable[Move]) -> CodeType:
    """Code with the lines that it has now, and all code within it. The table of lines counts from the first."""
    name, line = code.co_filename, code.co_firstlineno
    by = next((by for file, first, last, by in moves if file == name and first <= line <= last), 0)
    inner = tuple(_moved(item, moves) if isinstance(item, CodeType) else item for item in code.co_consts)
    return code.replace(co_firstlineno=line + by, co_consts=inner)
