"""Any text has the same tokens in the browser and in Python."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import numpy as np

from snippets.tokenizer import PIECES, Tokenizer
from tests.panels.conftest import FOREIGN, Run

ENCODE = 'const { tokenizer } = await loaded("model.bin"); return given.texts.map((text) => tokenizer.encode(text));'
SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\ufeff"
ODD = [
    "\u200b",
    "\u200d",
    "\u2060",
    "\u0301",
    "\u0308",
    "\u20dd",
    "\ufe0f",
    "\0",
    "\x7f",
    "²",
    "½",
    "Ⅷ",
    "一",
    "_",
    "'",
]
EMOJI = ["👩‍👩‍👧", "🏳️‍🌈", "🦊", "👍🏽", "🇩🇪", "𝔘", "𐍈", "\U000e0041", "\U0010ffff", "\ufffd", "é", "각"]
WORDS = [*"".join(FOREIGN).split(" "), "Once", " upon", " a", " time", ", there", " was", '"', " named", " the", "  "]


def random_texts(n: int) -> list[str]:
    """Words, white space, signs, and any code points of all, by chance but the same ones each time."""
    rng = np.random.default_rng(7)

    def anything() -> str:
        point = int(rng.integers(0, sys.maxunicode + 1 - 2048))
        return chr(point if point < 0xD800 else point + 2048)  # no halves of surrogate pairs

    def part() -> str:
        kinds = (WORDS, list(SPACES), ODD, EMOJI, None, None)
        kind = kinds[int(rng.integers(len(kinds)))]
        return anything() if kind is None else kind[int(rng.integers(len(kind)))]

    return ["".join(part() for _ in range(int(rng.integers(0, 40)))) for _ in range(n)]


def test_tokens_are_equal_and_come_back(run: Run, tokenizer: Tokenizer) -> None:
    texts = random_texts(1000)
    ids = run(ENCODE, texts=texts)
    assert ids == [tokenizer.encode(text) for text in texts]
    body = (
        'const { tokenizer } = await loaded("model.bin"); return given.ids.map((tokens) => tokenizer.decode(tokens));'
    )
    assert run(body, ids=ids) == texts
    assert sum(token > 255 for tokens in ids for token in tokens) > 1000  # merges took part


def test_every_character_falls_into_the_same_kind_of_piece(run: Run) -> None:
    everything = "".join(chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000)
    body = """
      const { tokenizer } = await loaded("model.bin");
      let text = "";
      for (let point = 0; point < 0x110000; point++) {
        if (point < 0xd800 || point >= 0xe000) text += String.fromCodePoint(point);
      }
      return bytes(Int32Array.from(tokenizer.pieces(text), (piece) => [...piece].length));
    """
    lengths = np.frombuffer(base64.b64decode(run(body)), np.int32)
    assert lengths.tolist() == [len(piece) for piece in PIECES.findall(everything)]


def test_half_a_pair_becomes_the_sign_for_it(run: Run, tokenizer: Tokenizer) -> None:
    """A text that leaves a browser has no such halves, so Python never meets one."""
    body = r"""
      const { tokenizer } = await loaded("model.bin");
      return ["\ud83e", "a\udd8a b", "\ud83e\ud83e\udd8a"].map((text) => tokenizer.encode(text));
    """
    assert run(body) == [tokenizer.encode(text) for text in ("\ufffd", "a\ufffd b", "\ufffd🦊")]


def test_any_tokens_decode_alike(run: Run, tokenizer: Tokenizer) -> None:
    rng = np.random.default_rng(3)
    ids = [rng.integers(0, tokenizer.size, int(rng.integers(1, 30))).tolist() for _ in range(500)]
    ids += [rng.integers(120, 256, 20).tolist() for _ in range(500)]  # bytes that are hardly ever UTF-8
    ids += [[0xEF, 0xBB, 0xBF, 65], [0xF0, 0x9F], [tokenizer.end]]
    body = """
      const { tokenizer } = await loaded("model.bin");
      return given.ids.map((tokens) => {
        const read = tokenizer.reader();
        return [tokenizer.decode(tokens), tokens.map((token) => read(token)).join("") + read()];
      });
    """
    assert run(body, ids=ids) == [[tokenizer.decode(tokens)] * 2 for tokens in ids]


def test_steps_lead_from_bytes_to_tokens(run: Run, tokenizer: Tokenizer) -> None:
    text = "Once upon a time, the fox was déjà kind."
    body = 'const { tokenizer } = await loaded("model.bin"); return [...tokenizer.steps(given.text)];'
    first, *merges = run(body, text=text)
    assert [bytes(ids) for ids in first["pieces"]] == [piece.encode() for piece in PIECES.findall(text)]
    assert [token for ids in merges[-1]["pieces"] for token in ids] == tokenizer.encode(text)
    assert [step["token"] for step in merges] == sorted({step["token"] for step in merges})  # in the order of learning
    assert all(tokenizer.merges[step["token"] - 256] == tuple(step["pair"]) for step in merges)


def test_a_text_of_100_kilobytes_without_a_blank(run: Run, tokenizer: Tokenizer) -> None:
    letters = np.random.default_rng(5).integers(97, 123, 100_000, dtype=np.uint8).tobytes().decode()
    texts = [letters, "the" * 33_000]
    assert run(ENCODE, texts=texts) == [tokenizer.encode(text) for text in texts]


def test_a_tokenizer_without_merges(run: Run, folder: Path) -> None:
    body = """
      const { meta } = await get("model.bin");
      return new engine.Tokenizer({ merges: [], word: meta.word }).encode("aé ");
    """
    assert run(body) == Tokenizer([]).encode("aé ")
