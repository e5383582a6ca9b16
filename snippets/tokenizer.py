"""Text -> numbers and back: byte-pair encoding (Gage, 1994; Sennrich et al., 2016) over bytes, as in GPT-2."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

Pair = tuple[int, int]
PIECES = re.compile(r" ?\w+| ?[^\w\s]+|\s+")
"""A word or a run of signs with the blank before it, or white space: merges never cross these borders."""


# --8<-- [start:merge]
def merge(ids: tuple[int, ...], pair: Pair, new: int) -> tuple[int, ...]:
    """The sequence with every occurrence of the pair replaced by the new token."""
    out, i = [], 0
    while i < len(ids):
        if ids[i : i + 2] == pair:
            out.append(new)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return tuple(out)


# --8<-- [end:merge]


# --8<-- [start:learn]
def learn(texts: Iterable[str], n_merges: int) -> list[Pair]:
    """The merges, most useful first: join the most frequent neighbours, again and again."""
    counts = Counter(piece for text in texts for piece in PIECES.findall(text))
    words = {piece: tuple(piece.encode()) for piece in counts}  # each piece as its bytes, to begin with
    frequency: Counter[Pair] = Counter()
    where: dict[Pair, set[str]] = defaultdict(set)
    for piece, ids in words.items():
        _count(ids, piece, counts[piece], frequency, where)
    merges: list[Pair] = []
    while len(merges) < n_merges and frequency:
        count, best = max(zip(frequency.values(), frequency, strict=True))  # ties go to the pair with the larger tokens
        if count <= 1:
            break
        merges.append(best)
        for piece in sorted(where.pop(best)):  # only the pieces that hold the pair change their counts
            _count(words[piece], piece, -counts[piece], frequency, where)
            words[piece] = merge(words[piece], best, 255 + len(merges))
            _count(words[piece], piece, counts[piece], frequency, where)
        del frequency[best]
    return merges


def _count(ids: tuple[int, ...], piece: str, by: int, frequency: Counter[Pair], where: dict[Pair, set[str]]) -> None:
    for pair in pairwise(ids):
        frequency[pair] += by
        where[pair].add(piece)


# --8<-- [end:learn]


class Tokenizer:
    """Byte-level BPE. Tokens 0–255 are the bytes, then come the merges, and last the mark between texts.

    Attributes:
        merges: The pairs, in the order in which they were learnt; pair `i` makes token `256 + i`.
        end: The token that stands between texts.
        size: How many tokens there are.
    """

    def __init__(self, merges: Iterable[Pair]) -> None:
        self.merges = [(left, right) for left, right in merges]
        self.end = 256 + len(self.merges)
        self.size = self.end + 1
        self._rank = {pair: i for i, pair in enumerate(self.merges)}
        self._bytes = [bytes([i]) for i in range(256)]
        for left, right in self.merges:
            self._bytes.append(self._bytes[left] + self._bytes[right])
        self._known: dict[str, tuple[int, ...]] = {}

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> Tokenizer:
        """A tokenizer of at most `size` tokens, learnt from the texts."""
        return cls(learn(texts, size - 257))

    # --8<-- [start:encode]
    def encode(self, text: str) -> list[int]:
        """The text's tokens."""
        return [token for piece in PIECES.findall(text) for token in self._encode_piece(piece)]

    def _encode_piece(self, piece: str) -> tuple[int, ...]:
        """Apply the merges in the order in which they were learnt; remember the piece, for words come again."""
        if piece not in self._known:
            ids = tuple(piece.encode())
            while True:
                pairs = [pair for pair in pairwise(ids) if pair in self._rank]
                if not pairs:
                    break
                first = min(pairs, key=self._rank.__getitem__)
                ids = merge(ids, first, 256 + self._rank[first])
            self._known[piece] = ids
        return self._known[piece]

    def decode(self, tokens: Iterable[int]) -> str:
        """The tokens' text. The mark between texts has none; bytes that are no UTF-8 become `�`."""
        return b"".join(self._bytes[token] for token in tokens if token != self.end).decode(errors="replace")

    # --8<-- [end:encode]

    def to_json(self) -> str:
        """The tokenizer as text: its merges are all there is to it."""
        return json.dumps(self.merges)

    @classmethod
    def from_json(cls, text: str) -> Tokenizer:
        """The tokenizer that `to_json` wrote."""
        return cls(json.loads(text))
