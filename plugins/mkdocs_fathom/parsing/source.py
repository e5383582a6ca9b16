"""The bytes of an author's file → its text and lines, whatever wrote it."""

from __future__ import annotations

import codecs

from ..errors import FathomError
from ..model import Span

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(data: bytes, path: str) -> str:
    """The text of a file: UTF-8, without a byte-order mark, every line ending a line feed.

    Raises:
        FathomError: The bytes are no UTF-8; names the first wrong byte and its line.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The decoder counts from behind the byte-order mark where there is one.
        start = error.start + (len(data) - len(error.object))
        before = unified(data[:start].decode("utf-8-sig")).split("\n")
        span = Span(path, len(before), len(before[-1]) + 1)
        what = f"not UTF-8: byte 0x{data[start]:02X} at offset {start}"
        if data.startswith(_UTF_16):
            what = "not UTF-8: the file begins as UTF-16 does"
        raise FathomError.at(span, what, "Save the file as UTF-8.") from error
    return unified(text)


def unified(text: str) -> str:
    """The text with every line ending as a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def lines(text: str) -> list[str]:
    """The lines of a text; a line feed at its end begins no further line.

    Not `str.splitlines`, which also breaks at form feeds and at U+2028, where no editor and no Markdown does.
    """
    parts = unified(text).split("\n")
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts if text else []
