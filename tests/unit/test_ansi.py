"""Terminal output as HTML."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom.rendering import ansi


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("\x1b[31mred\x1b[0m plain", '<span class="ansi-red-fg">red</span> plain'),
        (
            "\x1b[1;4;31mx\x1b[22my",
            (
                '<span class="ansi-red-fg ansi-bold ansi-underline">x</span>'
                '<span class="ansi-red-fg ansi-underline">y</span>'
            ),
        ),
        ("\x1b[31ma\nb\x1b[39mc", '<span class="ansi-red-fg">a</span>\n<span class="ansi-red-fg">b</span>c'),
        ("\x1b[38;5;9mx", '<span class="ansi-red-intense-fg">x</span>'),
        ("\x1b[38;5;196mx", '<span class="ansi-red-intense-fg">x</span>'),
        ("\x1b[38;2;0;200;0mx", '<span class="ansi-green-fg">x</span>'),
        ("\x1b[48;5;21;1mx", '<span class="ansi-blue-bg ansi-bold">x</span>'),
        ("\x1b[97;104mx", '<span class="ansi-white-intense-fg ansi-blue-intense-bg">x</span>'),
        ("\x1b[31m<b>", '<span class="ansi-red-fg">&lt;b&gt;</span>'),
        ("\x1b[2J\x1b[10;20Hx", "x"),
        ("\x1b]8;;https://example.org\x1b\\text\x1b]8;;\x07", "text"),
        ("\x1b]never ended", "never ended"),
        ("\x1b(Bx\x1b=y\x1b", "xy"),
        ("\x1b[99999999999;mx", "x"),
        ("\x9b31mx", '<span class="ansi-red-fg">x</span>'),
    ],
)
def test_colours_are_classes_and_other_sequences_go(text: str, expected: str) -> None:
    """Colours and styles become classes; nothing else that a terminal obeys gets through."""
    assert ansi.html(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10%\r50%\r100%\n", "100%\n"),
        ("100%\r7%", "7%0%"),
        ("loading...\r\x1b[Kdone", "done"),
        ("abc\x1b[1K", "   "),
        ("abc\x1b[2Kd", "   d"),
        ("abc\b\bX", "aXc"),
        ("\b\bx", "x"),
        ("a\r\nb", "a\nb"),
        ("a\tb", "a\tb"),
    ],
)
def test_lines_are_overwritten_as_a_terminal_does(text: str, expected: str) -> None:
    """What a progress bar wrote over is gone; what it did not reach stays."""
    assert ansi.plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\0b", "a␀b"),
        ("\x02wzxhzdk:0\x03", "␂wzxhzdk:0␃"),
        ("\x07\x7f", "␇␡"),
        ("\ud800\udfff", "\ufffd\ufffd"),
        ("\x85\ufffe\uffff", "\ufffd\ufffd\ufffd"),
        ("é🎨\n\t", "é🎨\n\t"),
    ],
)
def test_what_html_cannot_hold_is_replaced_visibly(text: str, expected: str) -> None:
    """No character is lost in silence."""
    assert ansi.visible(text) == expected
    assert ansi.html(text) == expected


@given(st.text(st.sampled_from("ab<&\n\r\b\x1b[]m;K0138\x07\\\x9b\x00\ud800")))
def test_any_output_is_safe(text: str) -> None:
    """Whatever is printed, what comes out can be encoded and holds no markup but our own."""
    out = ansi.html(text)
    out.encode()
    assert not set("\x00\x07\x08\r\x1b\x9b") & set(out)
    pieces = out.replace("</span>", "").split('<span class="ansi-')
    rest = pieces[0] + "".join(piece.partition('">')[2] for piece in pieces[1:])
    assert "<" not in rest
    assert html.unescape(rest) == ansi.plain(text)
