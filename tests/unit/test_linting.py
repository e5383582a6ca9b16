"""The rules: what each finds, what it leaves alone, and how it is switched off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mkdocs_fathom import config, site_file
from mkdocs_fathom.linting import lint, mend
from mkdocs_fathom.linting.lengths import LEAST, RATIO
from mkdocs_fathom.model import Chapter, Span
from mkdocs_fathom.parsing import minutes, parse
from mkdocs_fathom.scheduling.chapters import chapter_files

ROOT = Path(__file__).parents[2]


def site(**options: Any) -> config.Config:
    return config.build(Path("/nowhere"), Path("/nowhere/docs"), options, Span("mkdocs.yml", 1))


def chapter(text: str, path: str = "docs/a.md") -> Chapter:
    return parse.parse(text, path, site()).checked()


def found(text: str, *others: Chapter, **options: Any) -> list[str]:
    """Line, column and rule of each finding in a page."""
    every = [chapter(text), *others]
    problems = lint.findings(every[:1], site(**options), every)
    assert all(problem.severity == "warning" for problem in problems)
    return [f"{problem.span.line}:{problem.span.column} {problem.rule or problem.what}" for problem in problems]


def said(text: str, *others: Chapter) -> list[str]:
    """What is told of a page."""
    return [str(problem).removeprefix("docs/a.md:") for problem in lint.findings([chapter(text), *others], site())]


def code(source: str, options: str = "") -> str:
    return f"```python {options}".rstrip() + f"\n{source}\n```\n"


def region(depth: str, text: str) -> str:
    return f"<!-- {depth} -->\n{text}\n<!-- /{depth} -->\n"


def test_names_are_unique() -> None:
    """A rule is switched off by its name."""
    assert len(set(lint.NAMES)) == len(lint.RULES)


def test_the_course_has_no_findings() -> None:
    """Rules hold for what the course's authors mean as they wrote it."""
    settings = site_file.load(ROOT / "mkdocs.yml")
    chapters = [parse.read(file, settings).chapter for file in chapter_files(settings)]
    assert list(map(str, lint.findings(chapters, settings))) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\n### B\n", ["3:1 heading-skip"]),
        ("# A\n\n## B\n\n# C\n\n## D\n\n### E\n", []),
        ("## A\n\n### B\n", []),
        ("# A\n\n??? note\n\n    ### B\n\n> ### C\n", []),
        ("# A\n\n" + region("DEEP", "## B") + "\n### C\n\nText\n", ["7:1 heading-skip"]),
        ("# A\n\n" + region("SHALLOW", "## B\n\ntext") + region("DEEP", "### B\n\ntext"), ["9:1 heading-skip"]),
        ("# A\n\n" + region("SHALLOW", "## B\n\ntext\n\n#### C\n\ntext"), ["8:1 heading-skip"]),
    ],
)
def test_heading_skip(text: str, expected: list[str]) -> None:
    """What counts is what a reader at some depth meets, one heading after the other."""
    assert [item for item in found(text) if "heading" in item] == expected


def test_heading_skip_names_the_readers() -> None:
    """A shared heading may follow well for one reader and not for another."""
    text = "# A\n\n" + region("DEEP", "## B\n\ntext") + "\n### C\n\nText\n"
    assert said(text) == [
        (
            "9:1: warning: this heading of level 3 follows one of level 1 for a reader at SHALLOW: “A”\n"
            "  Write `## C`, or give it the heading that is left out."
        )
    ]


def indented(blanks: int, before: str, language: str = "python") -> str:
    """A fence behind some text."""
    return before + "".join(f"{' ' * blanks}{line}\n" for line in (f"```{language}", "x = 1", "```"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (indented(2, "- a\n\n"), ["3:3"]),
        (indented(3, "1. a\n"), ["2:4"]),
        (indented(2, "- a\ngoes on\n\n"), ["4:3"]),
        (indented(2, "- a\n\n    more\n\n"), ["5:3"]),
        (indented(3, "text\n- a\n\n", "text"), ["4:4"]),
        (indented(6, "- a\n\n    - b\n\n"), ["5:7"]),
        (indented(2, indented(4, "- a\n\n") + "\n"), ["7:3"]),
        (indented(4, "- a\n\n"), []),
        (indented(0, "- a\n\n"), []),
        (indented(2, "- a\n\ntext\n\n"), []),
        (indented(2, "text\n\n"), []),
        (indented(2, "* * *\n\n"), []),
        (indented(2, indented(0, "- a\n\n") + "\n"), []),
        (indented(2, indented(0, "").replace("x = 1", "- a") + "\n"), []),
        ("- ```python\n  x = 1\n  ```\n", []),
        ("> - a\n>\n>   ```python\n>   x = 1\n>   ```\n", ["3:5"]),
        ("- a\n\n>   ```python\n>   x = 1\n>   ```\n", []),
    ],
)
def test_fence_outside_list(text: str, expected: list[str]) -> None:
    """Told of a fence that other dialects put into the item; not of one that stands nowhere near a list."""
    assert found(text) == [f"{place} fence-outside-list" for place in expected]


@pytest.mark.parametrize("key", ["need", "need s", "Needs", "nedes", "needss", "pytest_mark", "pytestmarks", "fathoms"])
def test_a_key_that_is_nearly_ours(key: str) -> None:
    """It is told where it stands."""
    assert found(f"---\ntitle: A\n{key}: b\n---\n\n# A\n") == ["3:1 misspelt-key"]


@pytest.mark.parametrize(
    "front",
    [
        "needs: b",
        "feeds: b",
        "seeds: b",
        "weed: b",
        "nee: b",
        "needless: b",
        "3: b",
        "needs: b\nneed: b",
        "tags: [need]",
    ],
)
def test_a_key_that_is_the_sites(front: str) -> None:
    """Words of another beginning, words two letters away, and whatever stands beside the right key."""
    assert found(f"---\n{front}\n---\n\n# A\n") == []


def test_a_key_that_is_nearly_ours_can_be_kept() -> None:
    """As any rule, this one is switched off by its name."""
    assert found("---\nneed: b\nfathom: {ignore: misspelt-key}\n---\n\n# A\n") == []
    assert said("---\nneed: b\n---\n\n# A\n") == [
        "2:1: warning: nobody reads the key `need` of the front matter\n  Did you mean `needs`?"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (region("DEEP", code("1", 'hide="all"')), ["1:1 empty-region"]),
        (region("DEEP", "## A"), ["1:1 empty-region"]),
        (region("DEEP", "## A") + "\n## B\n", ["1:1 empty-region"]),
        (region("DEEP", "## A") + region("SHALLOW", "text") + "\n## B\n", ["1:1 empty-region"]),
        (region("DEEP", "## A") + "\ntext\n", []),
        (region("DEEP", "## A") + region("SHALLOW", "text") + "\n" + code("1"), []),
        (region("DEEP", "## A") + "\n### B\n\ntext\n", []),
        (region("DEEP", code("1", "setup")), []),
        (region("DEEP", "```text\nx\n```"), []),
    ],
)
def test_empty_region(text: str, expected: list[str]) -> None:
    """A heading may introduce what all readers share; hidden code alone shows nothing."""
    assert found(text) == expected


def test_depth_imbalance() -> None:
    """Told where the long depth begins, if it is long at all, and much longer."""
    long = "word " * int(200 * LEAST * 1.2)
    short = "word " * int(200 * LEAST * 1.2 / RATIO / 2)
    text = region("SHALLOW", short) + region("DEEP", long)
    assert said(text) == [
        (
            "4:1: warning: the DEEP reading takes 6 minutes and the SHALLOW one less than one\n"
            "  Tell more at SHALLOW, cut at DEEP, or move to the shared text what both should meet."
        )
    ]
    assert found("word " * 200 * 2 + "\n\n" + text) == []
    assert found(region("SHALLOW", "word") + region("DEEP", "word " * 300)) == []
    assert found(text.replace("DEEP -->\n", "DEEP -->\n<!-- fathom: ignore depth-imbalance -->\n", 1)) == []


def test_minutes() -> None:
    """Words and lines of code that a reader meets; what is hidden or folded takes no time."""
    text = (
        "---\ntitle: no word of this\n---\n"
        + "word " * 100
        + "\n\n<!-- not this -->\n\n"
        + code("a = 1\n\nb = 2\nc = 3")
        + region("DEEP", "it's well-known " * 50 + "\n\n" + code("d = 4", "setup") + code("e = 5", 'hide="code"'))
    )
    assert minutes.words(chapter(text), "SHALLOW") == 100
    assert minutes.words(chapter(text), "DEEP") == 200
    assert minutes.lines(chapter(text), "DEEP") == 3
    assert minutes.by_depth(chapter(text)) == pytest.approx({"SHALLOW": 0.7, "DEEP": 1.2})


HERE = (
    "# A\n\n## Shared\n\n" + region("DEEP", "## Freezing *Strategies*\n\ntext") + region("SHALLOW", "## Café\n\ntext")
)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (region("DEEP", code("tau = 1")) + code("print(tau)"), ["8:7"]),
        (region("DEEP", code("import math as tau")) + code("def f(): return tau"), ["8:17"]),
        (region("DEEP", code("tau = 1")) + region("SHALLOW", code("print(tau)")), ["9:7"]),
        (region("DEEP", code("tau = 1")) + region("SHALLOW", code("tau = 2")) + code("print(tau)"), []),
        (region("DEEP", code("tau = 1")) + code("tau = 2") + code("print(tau)"), []),
        (region("DEEP", code("tau = 1")) + code("[tau for tau in (1, 2)]") + code("def f(tau): return tau"), []),
        (region("DEEP", code("tau = 1")) + code("print(nobody)"), []),
        (region("DEEP", code("print = 1")) + code("print(2)"), []),
        (region("DEEP", code("tau = 1")) + code("from math import *") + code("print(tau)"), []),
        (region("DEEP", code("tau = 1")) + '```python raises="NameError"\ntau\n```\n', []),
    ],
)
def test_foreign_name(text: str, places: list[str]) -> None:
    """What a path uses and another path defines is told without a run, once, where it is used first."""
    assert [each for each in found(text) if "foreign-name" in each] == [f"{place} foreign-name" for place in places]


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("#shared", ""),
        ("#freezing-strategies", "leads nowhere: that heading stands at DEEP only"),
        ("#cafe", "leads nowhere: that heading stands at SHALLOW only"),
        ("#freezing-strategies--deep", "leads every reader into the DEEP reading without a word"),
        ("#freezing-strategys--deep", "leads nowhere: no heading at DEEP has this text"),
        ("#nowhere", ""),
        ("b.md#more", "leads nowhere: that heading stands at DEEP only"),
        ("../docs/b.md#more--deep", "leads every reader into the DEEP reading without a word"),
        ("c.md#more", ""),
        ("https://example.org/b.md#more", ""),
    ],
)
def test_link_into_depth(link: str, told: str) -> None:
    """Links that cannot work, and those that take a reader elsewhere in silence; the rest is the host's to check."""
    other = chapter(region("DEEP", "## More\n\ntext"), "docs/b.md")
    problems = lint.findings([chapter(f"{HERE}\n[text]({link})\n"), other], site())
    assert [problem.what.partition("` ")[2] for problem in problems] == ([told] if told else [])
    assert all(problem.span == Span("docs/a.md", 16, 8) for problem in problems)


def test_link_that_says_where_it_leads() -> None:
    """Within a depth, or with its name beside the link, nobody is surprised; nor where an author gave the id."""
    link = "[text](#freezing-strategies--deep)"
    assert found(f"{HERE}\n{link} (deep)\n") == []
    assert found(HERE + region("DEEP", link)) == []
    assert found(HERE + region("SHALLOW", link)) == ["16:8 link-into-depth"]
    assert found(HERE.replace("*\n", "* { #freezing-strategies }\n") + "\n[text](#freezing-strategies)\n") == []
    assert found(f"{HERE}\n`[text](#freezing-strategies)`\n") == []


PLOT = "import matplotlib.pyplot as plt\nplt.plot([1])"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![](a.png)\n", ["1:1 missing-alt"]),
        ("text ![ ][a]\n", ["1:6 missing-alt"]),
        ("![A cat](a.png) `![](a.png)`\n", []),
        ("```text\n![](a.png)\n```\n", []),
        ('<p><img src="a.png"></p>\n', ["1:4 missing-alt"]),
        ('<img src="a.png" alt="">\n', []),
        (code(PLOT), ["1:1 missing-alt"]),
        (code(PLOT, 'alt="A line"'), []),
        (code(PLOT, 'hide="output"'), []),
        (code(PLOT, 'exec="false" reason="shown"'), []),
        (code(PLOT + "\nplt.close()"), []),
        (code("import matplotlib.pyplot as plt\n\ndef draw():\n    plt.plot([1])"), []),
        (code("import matplotlib.pyplot as plt\nplt.rcParams['font.size'] = 9\nplt.style.use('x')"), []),
        (code("story.plot([1])"), []),
    ],
)
def test_missing_alt(text: str, expected: list[str]) -> None:
    """Images and cells that draw; preparing to draw is no drawing."""
    assert found(text) == expected


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("x = 3\nx == 3\ny = 1", ["3:1"]),
        ("x = 3\nx == 3", []),
        ("x = 3\nx\nx + 1", ["3:1"]),
        ("for x in range(3):\n    x + 1", ["3:5"]),
        ("if True:\n    3 > 2\nelse:\n    len('a') == 1", ["3:5", "5:5"]),
        ("'''words'''\n...\n3\nprint(1)", []),
        ("(print(1), print(2))\n[print(x) for x in 'ab']\nTrue and print(3)\nprint(4)", []),
        ("[1, 2]\nprint(1)", ["2:1"]),
        ("first >> second\nprint(1)", []),
        ("def f():\n    3 == 3\nf()", []),
        ("try:\n    {}['a']\nexcept KeyError:\n    print(1)", []),
        ("with raises(KeyError):\n    {}['a']", []),
        ("x = 3\nassert x == 3", []),
        ("class A:\n    x: int\n    3 == 3", []),
    ],
)
def test_unshown_value(source: str, places: list[str]) -> None:
    """Expressions that can only have been meant to be seen; no call, and nothing where an error may be wanted."""
    assert found(code(source)) == [f"{place} unshown-value" for place in places]


def test_unshown_value_that_nobody_wants_to_see() -> None:
    """Where the output is hidden, or an error is what is shown."""
    source = "x = {}\nx['a']\nprint(1)"
    assert found(code(source, 'hide="all"')) == []
    assert found(code(source, 'raises="KeyError"')) == []
    assert found(code(source, 'exec="false" reason="shown"')) == []
    assert said(code("1 == 1\nx = 1")) == [
        (
            "2:1: warning: the value of `1 == 1` is computed and never shown\n"
            "  Print it, assert it, or put it on the cell's last line, which is shown."
        )
    ]


@pytest.mark.parametrize(("source", "expected"), [("", 1), ("# later", 1), ("pass", 1), ("'words'", 0), ("x = 1", 0)])
def test_idle_cell(source: str, expected: int) -> None:
    """No code, or none that does anything."""
    assert found(code(source)) == ["1:1 idle-cell"] * expected


def test_mojibake_is_a_rule() -> None:
    """It is found while a chapter is read, and switched off as the others are."""
    parsed = parse.parse("<!-- fathom: ignore mojibake -->\ncafÃ©\n\ncafÃ©\n", "docs/a.md", site())
    heeded = lint.heeded(parsed.problems, [parsed.chapter], site())
    assert [(problem.rule, problem.span.line) for problem in heeded] == [("mojibake", 4)]
    assert lint.heeded(parsed.problems, [parsed.chapter], site(ignore=["mojibake"])) == []


def test_ignored_by_the_site_and_by_a_page() -> None:
    """By name, one or several."""
    text = "![](a.png)\n\n" + code("")
    assert found(text) == ["1:1 missing-alt", "3:1 idle-cell"]
    assert found(text, ignore=["missing-alt"]) == ["3:1 idle-cell"]
    assert found("---\nfathom:\n  ignore: idle-cell\n---\n" + text) == ["5:1 missing-alt"]
    assert found("---\nfathom: {ignore: [idle-cell, missing-alt]}\n---\n" + text) == []


COMMENT = "<!-- fathom: ignore missing-alt -->\n"
UNUSED = "`fathom: ignore missing-alt` switches nothing off: the rule finds nothing here"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{COMMENT}![](a.png)\nand ![](b.png)\n\n![](c.png)\n", ["5:1 missing-alt"]),
        (f"{COMMENT}\n\n![](a.png)\n", []),
        (f"![](a.png)\n\n{COMMENT}\ntext\n", ["1:1 missing-alt", f"3:1 {UNUSED}"]),
        (f"{COMMENT}{code('# a' + chr(10) + chr(10) + '# b')}", [f"1:1 {UNUSED}", "2:1 idle-cell"]),
        (f"{COMMENT}text\n{code(PLOT)}", [f"1:1 {UNUSED}", "3:1 missing-alt"]),
        (COMMENT.replace("missing-alt", "missing-alt, unshown-value") + code(f"3 == 3\n\n4 == 4\n{PLOT}"), []),
        (
            COMMENT.replace("alt", "alt idle-cell") + "![](a.png)\n",
            [f"1:1 {UNUSED.replace('missing-alt', 'idle-cell')}"],
        ),
        (region("DEEP", f"<!-- fathom: ignore empty-region -->\n{code('1', 'hide=all')}"), []),
    ],
)
def test_ignored_for_a_place(text: str, expected: list[str]) -> None:
    """A comment holds for the block behind it, and no further; one that nothing needs is told."""
    assert found(text) == expected


def test_what_the_site_ignores_is_not_in_vain_elsewhere() -> None:
    """Nor what is found while a chapter is read, before any rule is asked."""
    assert found(COMMENT + "![](a.png)\n", ignore=["missing-alt"]) == []
    assert found("<!-- fathom: ignore mojibake -->\ntext\n") == []


def test_wrong_names() -> None:
    """What would switch nothing off is told, each with the right word."""
    assert said("<!-- fathom: ignre x -->\n<!-- fathom: ignore -->\n<!-- fathom:ignore missing-atl -->\n") == [
        (
            "1:1: warning: `fathom: ignre` is nothing that a comment can say\n"
            "  Write `<!-- fathom: ignore missing-alt -->`, with the rules' names."
        ),
        (
            "2:1: warning: `fathom: ignore` names no rule\n"
            "  Write `<!-- fathom: ignore missing-alt -->`, with the rules' names."
        ),
        "3:1: warning: no rule `missing-atl` to ignore\n  Did you mean `missing-alt`?",
    ]
    assert said("---\nfathom:\n  ignore: xyz\n---\n") == [
        f"1:1: warning: no rule `xyz` to ignore\n  Rules: {', '.join(lint.NAMES)}."
    ]
    (problem,) = lint.findings([], site(ignore=["idle"]))
    assert str(problem) == "mkdocs.yml:1:1: warning: no rule `idle` to ignore\n  Did you mean `idle-cell`?"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_mending_leaves_every_other_byte(ending: str, mark: str, tmp_path: Path) -> None:
    """Line endings, byte-order mark, code, blanks at the end of lines, and no line feed at the end of the file."""
    lines = ["cafÃ© and naÃ¯ve  ", "", "`cafÃ©` \x0c\u2028", "```text", "cafÃ©", "```", "> \t donâ€™t"]
    (tmp_path / "docs").mkdir()
    file = tmp_path / "docs/a.md"
    file.write_bytes((mark + ending.join(lines)).encode())
    settings = config.build(tmp_path, tmp_path / "docs", {}, Span("mkdocs.yml", 1))
    (mended,) = mend.mended(parse.read(file, settings).problems, settings.root)
    mended.write(settings.root)
    lines[0], lines[-1] = "café and naïve  ", "> \t don’t"
    assert file.read_bytes() == (mark + ending.join(lines)).encode()
    assert len(mended.problems) == 3
    assert mended.diff().splitlines()[:4] == [
        "--- a/docs/a.md",
        "+++ b/docs/a.md",
        "@@ -1,2 +1,2 @@",
        f"-{mark}cafÃ© and naÃ¯ve  ",
    ]
    assert list(mend.mended(parse.read(file, settings).problems, settings.root)) == []


def test_mending_what_is_not_there(tmp_path: Path) -> None:
    """A file that has changed since it was read stays as it is."""
    (tmp_path / "a.md").write_text("cafÃ©\n")
    settings = config.build(tmp_path, tmp_path, {}, Span("mkdocs.yml", 1))
    problems = parse.read(tmp_path / "a.md", settings).problems
    (tmp_path / "a.md").write_text("tea\n")
    assert len(problems) == 1
    assert list(mend.mended(problems, tmp_path)) == []
