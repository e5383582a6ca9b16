"""Damaged text is found; text in any language is not damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom import config
from mkdocs_fathom.parsing import mojibake, parse

SITE = config.Config(Path("/nowhere"), Path("/nowhere/docs"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Model \uf8ffüé®", [(8, "\uf8ffüé®", "🎨")]),
        ("‚ö†Ô∏è **Overfitting**", [(0, "‚ö†Ô∏è", "⚠️")]),
        ("donâ€™t", [(0, "donâ€™t", "don’t")]),
        ("cafÃ© and naÃ¯ve", [(0, "cafÃ©", "café"), (10, "naÃ¯ve", "naïve")]),
        ("L‚Äôhomme", [(1, "‚Äô", "’")]),
        ("a ‚Üí b ‚Üí c", [(2, "‚Üí", "→"), (8, "‚Üí", "→")]),
        ("ðŸŽ‰ done", [(0, "ðŸŽ‰", "🎉")]),
    ],
)
def test_damage_is_found_with_its_exact_repair(text: str, expected: list[tuple[int, str, str]]) -> None:
    """And where it stands."""
    assert mojibake.damages(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "L’été, où « l’œuvre » – naïve ? – coûte 3 € à Noël… Ça, là-bas, déjà, Œdipe, ÉTÉ “été”.",
        "Größe, Äpfel, „Übung“, »Straße«, ‚Öl‘, MENÜ“, Ärger…",
        "Tiếng Việt rất đẹp; Đà Nẵng, Huế, ừ, ở, ế.",
        "Η ελληνική γλώσσα είναι όμορφη.",
        "Русский язык – это «хорошо».",
        "机器学习很有趣。深度学习也是。「引用」",
        "日本語のテキストです。カタカナ。",
        "한국어 텍스트",
        "النص العربي جميل",
        "עברית",
        "हिन्दी पाठ",
        "Señor, ¿qué? ¡Sí! El niño comió piñas. Ação, não, coração, Ímã.",
        "Łódź, žluťoučký kůň, ÅÄÖ, þæð, Íslenska, ÓÐ“",
        "🎨 ⚠️ 👩‍🔬 ✅ → ≤ ≥ ≠ ∑ √2 √π ∂x ∆x ≈ 3 µm ± 2° × ÷ ∞ ∫ Ω ¬p ¬π",
        "x² − y² · ½ ‰ 5 ‡† © ® ™ § ¶ • 20 °C",
        "plain",
    ],
)
def test_text_in_any_language_is_left_alone(text: str) -> None:
    """No warning, as a whole or word by word."""
    assert mojibake.damages(text) == []


def test_code_and_comments_are_left_alone() -> None:
    """A chapter may show what damage looks like."""
    text = "Write `üé` not `cafÃ©`.\n\n```text\ncafÃ©\n```\n\n<!-- cafÃ© -->\n"
    assert not parse.parse(text, "a.md", SITE).problems


def test_the_warning_says_where_and_how() -> None:
    """In the author's words."""
    assert [str(problem) for problem in parse.parse("a\n> # cafÃ©!\n", "a.md", SITE).problems] == [
        "a.md:2:5: warning: the text `cafÃ©!` was decoded wrongly\n  Write `café!`."
    ]


@given(st.text(alphabet="🎨⚠️→’—“”€✅😀", min_size=1, max_size=5))
def test_what_was_read_as_mac_roman_is_restored(text: str) -> None:
    """Every sign of three or four bytes; a single letter could be chance."""
    damaged = text.encode().decode("mac_roman")
    found = mojibake.damages(f"a {damaged} b")
    assert "".join(repair for _, _, repair in found) == text
