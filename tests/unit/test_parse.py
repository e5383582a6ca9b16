"""A chapter's text, taken apart, and everything that can be wrong with it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom import config
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.model import Depth, Span
from mkdocs_fathom.parsing import census, parse

SEED = Path(__file__).parents[1] / "data" / "seed-chapter-06.md"
SITE = config.Config(Path("/nowhere"), Path("/nowhere/docs"))
OPEN, CLOSE = "<!-- DEEP -->", "<!-- /DEEP -->"


def parsed(text: str) -> parse.Parsed:
    """A chapter `a.md`."""
    return parse.parse(text, "a.md", SITE)


def said(text: str) -> list[str]:
    """What is wrong with a chapter, as it is printed."""
    return [str(problem).removeprefix("a.md:") for problem in parsed(text).problems]


MARKERS = [
    (
        f"text\n{OPEN}\nx\n",
        ["2:1: `<!-- DEEP -->` is never closed\n  Add `<!-- /DEEP -->` where that reading ends."],
    ),
    (
        f"{CLOSE}\n",
        [
            (
                "1:1: `<!-- /DEEP -->` closes nothing\n"
                "  Add `<!-- DEEP -->` where that reading begins, or take this line out."
            )
        ],
    ),
    (
        f"{OPEN}\na\n{OPEN}\nb\n{CLOSE}\nc\n{CLOSE}\n",
        [
            (
                "3:1: `<!-- DEEP -->` stands inside the `<!-- DEEP -->` of line 1\n"
                "  Close that one first with `<!-- /DEEP -->`: depths do not nest."
            )
        ],
    ),
    (
        f"<!-- SHALLOW -->\na\n{OPEN}\nb\n{CLOSE}\nc\n<!-- /SHALLOW -->\n",
        [
            (
                "3:1: `<!-- DEEP -->` stands inside the `<!-- SHALLOW -->` of line 1\n"
                "  Close that one first with `<!-- /SHALLOW -->`: depths do not nest."
            )
        ],
    ),
    (
        f"<!-- SHALLOW -->\na\n{CLOSE}\n",
        ["3:1: `<!-- /DEEP -->` closes the `<!-- SHALLOW -->` of line 1\n  Write `<!-- /SHALLOW -->`."],
    ),
    (
        f"{OPEN}\n\n \n{CLOSE}\n",
        [
            (
                "1:1: the region of `<!-- DEEP -->` is empty\n"
                "  Write what a reader at DEEP sees, or take both markers out."
            )
        ],
    ),
    (
        f"> {OPEN}\n>\n> <!-- todo -->\n> {CLOSE}\n",
        [
            (
                "1:3: the region of `<!-- DEEP -->` is empty\n"
                "  Write what a reader at DEEP sees, or take both markers out."
            )
        ],
    ),
    (
        f"<div>\n\n<!-- DEEP -->\nx\n{CLOSE}\n</div>\n",
        [
            "3:1: `<!-- DEEP -->` stands in the raw HTML of `<div>` of line 1\n  Close `<div>` before the marker.",
            "5:1: `<!-- /DEEP -->` stands in the raw HTML of `<div>` of line 1\n  Close `<div>` before the marker.",
        ],
    ),
    (
        f'<details markdown class="x">\n<details>\n</details>\n{OPEN}\n</details>\nx\n{CLOSE}\n',
        [
            (
                "4:1: `<!-- DEEP -->` stands in the raw HTML of `<details>` of line 1\n"
                "  Close `<details>` before the marker."
            )
        ],
    ),
    (
        f"{OPEN}\nx {CLOSE}\n",
        [
            (
                "2:3: `<!-- /DEEP -->` does not stand alone on its line\n"
                "  Put the marker on a line of its own, or in inline code to show it."
            )
        ],
    ),
    (
        f"{OPEN} x\n{CLOSE}\n",
        [
            (
                "1:1: `<!-- DEEP -->` does not stand alone on its line\n"
                "  Put the marker on a line of its own, or in inline code to show it."
            ),
        ],
    ),
    (
        f"- a\n    {OPEN}\n    x\n  y\n  z\n    {CLOSE}\n",
        [
            (
                "4:1: this line stands left of the region that `<!-- DEEP -->` of line 2 begins\n"
                "  Give it the indentation and quote signs of the marker, or close the region before it."
            )
        ],
    ),
    (
        f"> {OPEN}\n> x\n\n> {CLOSE}\n",
        [
            (
                "3:1: this line stands left of the region that `<!-- DEEP -->` of line 1 begins\n"
                "  Give it the indentation and quote signs of the marker, or close the region before it."
            )
        ],
    ),
    (
        f"- a\n    {OPEN}\n    x\n{CLOSE}\n",
        [
            (
                "4:1: `<!-- /DEEP -->` is not indented as the `<!-- DEEP -->` of line 2 is\n"
                "  Put both in the same column, behind the same quote signs."
            )
        ],
    ),
    (
        f"- a\n   {OPEN}\n   x\n   {CLOSE}\n",
        [
            f"{line}:4: `{marker}` is indented by 3 blanks\n"
            "  Indent it and its region by 4 blanks for each list, admonition or tab around it, else not at all."
            for line, marker in ((2, OPEN), (4, CLOSE))
        ],
    ),
    (
        f"text\n\n    {OPEN}\n",
        [
            "3:5: `<!-- DEEP -->` is never closed\n  Add `<!-- /DEEP -->` where that reading ends.",
            (
                "3:5: `<!-- DEEP -->` stands in indented code, which is shown as it is\n"
                "  Indent it less, or show it in a fence."
            ),
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), MARKERS)
def test_markers_that_are_wrong(text: str, expected: list[str]) -> None:
    """Each says where, what, and what to do."""
    assert said(text) == expected


@pytest.mark.parametrize(
    ("comment", "meant"),
    [
        ("<!-- deep -->", OPEN),
        ("<!--/Deep-->", CLOSE),
        ("<!-- DEAP -->", OPEN),
        ("<!-- SHALOW -->", "<!-- SHALLOW -->"),
        ("<!-- END DEEP -->", CLOSE),
        ("<!-- DEEP END -->", CLOSE),
        ("<!-- BEGIN DEEP -->", OPEN),
        ("<!-- DEEP/ -->", CLOSE),
        ("<!-- \\DEEP -->", CLOSE),
        ("<!-- / DEEP: -->", CLOSE),
        ("<! -- DEEP -->", OPEN),
        ("<!– DEEP –>", OPEN),
    ],
)
def test_a_misspelt_marker_is_no_ordinary_comment(comment: str, meant: str) -> None:
    """Its region would be shown to every reader."""
    assert said(comment) == [f"1:1: `{comment}` is no marker\n  Did you mean `{meant}`?"]


@pytest.mark.parametrize(
    ("comment", "named"),
    [
        ("<!--\u00a0DEEP -->", "U+00A0 NO-BREAK SPACE"),
        ("<!-- DE\u200bEP -->", "U+200B ZERO WIDTH SPACE"),
        ("<!-- \ufeffDEEP -->", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("<!--\u3000DEEP -->", "U+3000 IDEOGRAPHIC SPACE"),
    ],
)
def test_an_invisible_character_in_a_marker_is_named(comment: str, named: str) -> None:
    """The author cannot see it."""
    assert said(comment) == [f"1:1: {named} in a marker\n  Write `<!-- DEEP -->` with plain blanks."]


@pytest.mark.parametrize(
    "text",
    [
        "<!-- todo -->",
        "<!-- prettier-ignore -->",
        "<!-- KEEP -->",
        "<!-- TODO DEEP -->",
        "<!-- DEEP: say more here -->",
        "<!-- How deep is it? -->",
        "<!-- markdownlint-disable MD013 -->",
        f"Write `{OPEN}` and ``a ` {CLOSE}``.",
        f"```\n{OPEN}\n```",
        f"~~~html\n{CLOSE}\n```\n~~~",
        f"<!-- two\n{OPEN[:-4]}\nlines -->",
        "<!-- SHALLOW\n-->",
        "<!-->",
        "<!--->",
        "\\<!-- DEEP --\\>",
    ],
)
def test_other_comments_and_code_are_left_alone(text: str) -> None:
    """No problem and no region."""
    assert not said(text)
    assert not parsed(text).chapter.regions


@pytest.mark.parametrize("marker", ["<!--DEEP-->", "<!-- DEEP -->", "<!--   DEEP\t-->"])
def test_white_space_in_a_marker_does_not_matter(marker: str) -> None:
    """Its name does."""
    chapter = parsed(f"{marker}\nx\n<!--  / DEEP-->\n").checked()
    assert [(region.depth, region.first, region.last) for region in chapter.regions] == [("DEEP", 0, 2)]


@pytest.mark.parametrize(
    "prefix", ["- a\n    ", "- a\n\t", "!!! note\n    ", "> ", ">", "- a\n\n    > ", "- a\n    - b\n\n\t\t"]
)
def test_a_marker_stands_where_its_containers_content_stands(prefix: str) -> None:
    """Multiples of four, tabs, and quote signs."""
    own = prefix.rpartition("\n")[2]
    chapter = parsed(f"{prefix}{OPEN}\n{own}x\n{own}{CLOSE}\n").checked()
    assert [region.prefix for region in chapter.regions] == [own]


def test_depths_are_the_sites_own() -> None:
    """Any number, in the site's words."""
    site = config.Config(
        SITE.root, SITE.docs, depths=(Depth("ONE", "One"), Depth("TWO", "Two"), Depth("THREE", "Three"))
    )
    result = parse.parse("<!-- TWO -->\nx\n<!-- /TWO -->\n<!-- THREEE -->\n<!-- DEEP -->\n", "a.md", site)
    assert [region.depth for region in result.chapter.regions] == ["TWO"]
    assert [str(each) for each in result.problems] == [
        "a.md:4:1: `<!-- THREEE -->` is no marker\n  Did you mean `<!-- THREE -->`?"
    ]


@pytest.mark.parametrize(
    ("between", "sets"),
    [("", [2]), ("\n", [2]), (" \t\n\n", [2]), ("text\n", [1, 1]), ("<!-- todo -->\n", [1, 1]), ("```\n```\n", [1, 1])],
)
def test_regions_with_only_blank_lines_between_share_their_tabs(between: str, sets: list[int]) -> None:
    """Anything else stands between two sets of tabs."""
    text = f"<!-- SHALLOW -->\nx\n<!-- /SHALLOW -->\n{between}{OPEN}\ny\n{CLOSE}\n"
    assert [len(tabs) for tabs in parsed(text).checked().tab_sets] == sets


FENCES = [
    (
        "text\n```python\nx\n",
        ["2:1: the fence `` ```python `` is never closed\n  Add a line `` ``` `` behind its last line."],
    ),
    (
        f"{OPEN}\n~~~py\n{CLOSE}\n",
        ["2:1: the fence `~~~py` is never closed\n  Add a line `~~~` behind its last line."],
    ),
    (
        "> ```python\n> x\n\n> y\n",
        [
            (
                "1:3: the fence `` ```python `` is never closed: line 3 stands outside its quote or list item\n"
                "  Add a line `` > ``` `` before line 3."
            )
        ],
    ),
    (
        "- a\n\n    ```python\n    x\ntext\n",
        [
            (
                "3:5: the fence `` ```python `` is never closed: line 5 stands outside its quote or list item\n"
                "  Add a line ``     ``` `` before line 5."
            )
        ],
    ),
    (
        "- a\n\n    ```python\nx\n    ```\ntext\n",
        [
            (
                "3:5: line 4 stands left of the fence `` ```python `` that it is part of\n"
                "  Indent line 4 as far as the fence."
            )
        ],
    ),
    (
        "```python\nx\n ```\ntext\n",
        ["3:2: the closing fence of line 1 stands in another column than its opening\n  Put it in column 1."],
    ),
    (
        "  ```python\n  x\n```\ntext\n",
        ["3:1: the closing fence of line 1 stands in another column than its opening\n  Put it in column 3."],
    ),
    (
        "text\n\n    ```python\n    x\n    ```\n",
        [
            (
                "3:5: a fence of Python in indented code is shown as text and does not run\n"
                "  Indent it less to run it. To show a fence as text, put it in a longer fence."
            )
        ],
    ),
    (
        '```python title="`a`"\nx\n```\n```\n',
        [
            (
                "1:1: the info string of a fence of backticks holds a backtick\n"
                "  Take the backtick out, or fence the code with `~~~`."
            )
        ],
    ),
    (
        "```python id=a\n```\n\n```{.python #a}\n```\n",
        ["4:1: the id `a` is taken by the cell of line 1\n  Choose another."],
    ),
    (
        "a\n<!-- b\n```python\n```\n",
        ["2:1: the comment `<!--` is never closed\n  Add `-->` where it ends."],
    ),
    (
        "a <!-- b\n-->\n",
        [
            (
                "1:3: the comment `<!--` begins within a line and is not closed on it\n"
                "  Close it on this line, begin it at the start of a line, or write it as inline code."
            )
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), FENCES)
def test_fences_and_comments_that_are_wrong(text: str, expected: list[str]) -> None:
    """One report for one mistake, at the line where it was made."""
    assert said(text) == expected


FENCE = "\n\n    ```python\n    1\n    ```\n"


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ("", True),
        ("text", True),
        ("# heading", True),
        ("***", True),
        ("- - -", True),
        ("===", True),
        ("- item", False),
        ("10. item", False),
        ("10) item", True),
        ("- item\ngoes on", False),
        ("- item\n\n\n    goes on", False),
        ("- item\n\nended", True),
        ("- item\n# heading", True),
        ("- item\n</div>", True),
        ("- item\n<b>goes</b> on", False),
        ("- item\n<!-- comment -->", True),
        ("- item\n> quote", True),
        ("- item\n\n    > quote", False),
        ("!!! note", False),
        ("!!! note\ntext", True),
        ("!!! note\n    - item\ntext", True),
        ("???+ info", False),
        ('=== "Tab"', False),
        ('===! "Tab"', False),
        ("[^1]: note", False),
        ("term\n:   definition", False),
        ("/// tab | A", True),
        ("- item\n/// tab | A", True),
    ],
)
def test_indented_code_is_told_from_what_a_container_holds(before: str, code: bool) -> None:  # noqa: FBT001 - a column
    """As Python-Markdown tells it, since its page is what a reader sees."""
    assert [line.partition(" ")[2][:30] for line in said(before + FENCE)] == ["a fence of Python in indented "] * code


def test_deeper_than_its_container_is_code_too() -> None:
    """Four more for each level, and no more."""
    deep = "\n\n        ```python\n        1\n        ```\n"
    assert len(said("- item" + deep)) == 1
    assert said("- item\n\n    - inner" + deep) == []


def test_a_fence_that_its_container_ends_holds_what_stands_before() -> None:
    """And what follows is read on."""
    chapter = parsed("> ```python\n> 1\ntext\n# After\n").chapter
    assert [(cell.source, cell.first, cell.last) for cell in chapter.cells] == [("1\n", 0, 1)]
    assert [heading.text for heading in chapter.headings] == ["After"]


LONGER = "Add a line `` ``` `` where it ends; to show a fence as text, use a longer one."


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("```python\n1\n\nText\n\n```python\n2\n```\n", ["1\n\nText\n\n", "2\n"]),
        (f"{OPEN}\n```python\n1\n{CLOSE}\n\n## Text\n\n```py\n2\n```\n", ["1\n"]),
        ("```python\n1\n\nText\n\n```text\n2\n```\n", ["1\n\nText\n\n"]),
        ("```text\n1\n\n``` python\n2\n```\n", []),
        ("> ```python\n> 1\n> Text\n> ```python\n> 2\n> ```\n", ["1\nText\n", "2\n"]),
    ],
)
def test_a_fence_that_another_one_follows_was_meant_to_end(text: str, cells: list[str]) -> None:
    """The one that was never closed is reported, and nothing else that follows from it."""
    lines = text.split("\n")
    first, second, *_ = (number for number, line in enumerate(lines, 1) if "```" in line)
    column = lines[first - 1].index("`") + 1
    opening = lines[first - 1].lstrip("> ")
    assert said(text) == [
        f"{first}:{column}: the fence `` {opening} `` is never closed: line {second} opens another one\n  {LONGER}"
    ]
    assert [cell.source for cell in parsed(text).chapter.cells][: len(cells)] == cells


@pytest.mark.parametrize(
    "text",
    [
        "```text\n1\n```text\n2\n```\n",
        '```python\ntext = """\n```python\n"""\n```\n',
        "````markdown\n```python\n1\n```\n````\n",
        "```text\n    ```python\n```\n",
        "~~~text\n```python\n1\n```\n~~~\n",
    ],
)
def test_a_fence_that_shows_another_one(text: str) -> None:
    """What an author can have meant is left alone."""
    assert said(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "<!-- DEPP -->\nx\n<!-- /DEEP -->\n",
        "<!-- DEEP -->\nx\n<!-- /DEPP -->\n",
        "<!-- deep -->\n",
        "<! -- DEEP -->\nx\n<!-- /DEEP -->\n",
        "<!-- DEPP -->\n<!-- SHALLOW -->\nx\n<!-- /SHALLOW -->\n",
        "<!-- SHALLOW -->\nx\n<!-- DEPP -->\ny\n<!-- /SHALLOW -->\n",
        "```python title='x\n1\n```\n",
    ],
)
def test_one_mistake_is_reported_once(text: str) -> None:
    """The twin of a misspelt marker has no fault, and of a value without end nothing can be said."""
    assert len(said(text)) == 1


def test_a_fence_without_end_hides_the_end_of_a_region_without_blaming_it() -> None:
    """The author mends the fence, and nothing else."""
    assert len(said(f"{OPEN}\n```python\nx\n{CLOSE}\n")) == 1
    assert len(said(f"{OPEN}\n<!--\n{CLOSE[:-1]}\n")) == 1


@pytest.mark.parametrize("begun", ["<!-- DEEP>", "<!--/DEEP>", "<!-- DEEP ->"])
def test_a_marker_that_is_half_closed(begun: str) -> None:
    """It would be a comment up to the next arrow, and all between them gone."""
    word = "/DEEP" if "/" in begun else "DEEP"
    told = f"3:1: `{begun}` does not end the comment that it begins\n  Write `<!-- {word} -->`."
    assert told in said(f"# A\n\n{begun}\nx\n\n```python\n1\n```\n{CLOSE}\nmore\n")


def test_code_in_a_comment_does_not_run() -> None:
    """Neither do markers in it count; what follows it does."""
    chapter = parsed(f"<!-- was:\n```python\n1\n```\n{OPEN[:-4]}\n-->\n```python\n2\n```\n").checked()
    assert [cell.source for cell in chapter.cells] == ["2\n"]
    assert not chapter.regions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "---\na: [\n---\n",
            [
                (
                    "3:1: the front matter is not YAML: expected the node content, but found '<stream end>'\n"
                    "  `[` of line 2 is not closed: add `]`."
                )
            ],
        ),
        (
            "---\nx: 1\na: b: c\n---\n",
            [
                (
                    "3:5: the front matter is not YAML: mapping values are not allowed here\n"
                    "  A `: ` makes a key: put the value in quotation marks,"
                    " or give keys of one level the same indentation."
                )
            ],
        ),
        (
            "---\nday: 2020-13-45\n---\n",
            [
                (
                    "1:1: the front matter is not YAML: month must be in 1..12\n"
                    "  If it is text, put the value in quotation marks."
                )
            ],
        ),
        ("---\na: b\ntext\n", ["1:1: the front matter is never closed\n  Add a line `---` behind its last key."]),
        (
            "---\nx: 1\nneeds: {a: 1}\n---\n",
            ["3:1: `needs` is no list of chapters\n  Write `needs: chapter-05`, or a list of such names."],
        ),
        (
            "---\nneeds: [1]\n---\n",
            ["2:1: `needs` is no list of chapters\n  Write `needs: chapter-05`, or a list of such names."],
        ),
        (
            "---\nfathom: 3\n---\n",
            ["2:1: `fathom` is no mapping\n  Write `fathom:`, and below it, indented, `timeout: 120`."],
        ),
        (
            "---\nfathom:\n  timout: 3\n---\n",
            ["3:3: unknown key `timout` of `fathom`\n  Did you mean `timeout`?"],
        ),
        ("---\nfathom:\n  x: 3\n---\n", ["3:3: unknown key `x` of `fathom`\n  Known keys: timeout, ignore, notebook."]),
        (
            "---\nfathom:\n  notebook: 3\n---\n",
            ["3:3: `notebook` is neither `true` nor `false`\n  Write `notebook: false` for a page without one."],
        ),
        (
            "---\nfathom:\n  timeout: .inf\n---\n",
            ["3:3: `timeout` is no number of seconds above 0\n  Write `timeout: 120`."],
        ),
        (
            "---\nfathom:\n  timeout: -1\n---\n",
            ["3:3: `timeout` is no number of seconds above 0\n  Write `timeout: 120`."],
        ),
    ],
)
def test_front_matter_that_is_wrong(text: str, expected: list[str]) -> None:
    """Each at its own line."""
    assert said(text) == expected


def test_a_misspelt_marker_is_one_mistake() -> None:
    """Nothing is said of the region that it would begin."""
    assert said("<!-- DEEPER -->\n\n<!-- /DEEP -->\n") == [
        "1:1: `<!-- DEEPER -->` is no marker\n  Did you mean `<!-- DEEP -->`?"
    ]


@pytest.mark.parametrize(
    ("front", "hint"),
    [
        ("x: 1\nneeds: [a, b", "`[` of line 3 is not closed: add `]`."),
        ("x: {a: 1\ny: 2", "`{` of line 2 is not closed: add `}`."),
        ("x: '['\nneeds: [a\ny: 2", "`[` of line 3 is not closed: add `]`."),
        ('x: 1\ntitle: "A\ny: 2', "Close the quotation mark of line 3."),
        ("x: 1\n\ty: 2", "Indent with blanks, not with tabs."),
        ("x: 1\nneeds\ny: 2", "Write `key: value`, with a colon and a blank behind the key."),
        ("title: @a", "That character means something to YAML: put the value in quotation marks."),
        ("title: *a", "`*` means something to YAML: put the value in quotation marks."),
        ("title: !a b", "`!` means something to YAML: put the value in quotation marks."),
        (
            "x: 1\n y: 2\n- z",
            "A `: ` makes a key: put the value in quotation marks, or give keys of one level the same indentation.",
        ),
        ("title: 'a' b", "Give keys of one level the same indentation, and each a line of its own."),
    ],
)
def test_what_to_do_about_front_matter_that_is_no_yaml(front: str, hint: str) -> None:
    """The line and the sign where they are known, not that it is to be mended."""
    (problem,) = said(f"---\n{front}\n---\n")
    assert problem.splitlines()[1:] == [f"  {hint}"]


@pytest.mark.parametrize(
    ("text", "body", "needs"),
    [
        ("---\nneeds: a\n---\nx\n", 3, ("a",)),
        ("---\nneeds: [a, b]\n...\nx\n", 3, ("a", "b")),
        ("---\n---\nx\n", 2, ()),
        ("---\n\ntext between rules\n\n---\n", 0, ()),
        ("---\n", 0, ()),
        ("x\n---\nneeds: a\n---\n", 0, ()),
        ("", 0, ()),
    ],
)
def test_front_matter_stands_at_the_very_start(text: str, body: int, needs: tuple[str, ...]) -> None:
    """As MkDocs finds it."""
    chapter = parsed(text).checked()
    assert (chapter.body, chapter.needs) == (body, needs)


def test_the_lines_are_the_authors() -> None:
    """Front matter included, whatever the first line's number is."""
    text = f"---\ntitle: x\n---\n# H\n\n```python\n1\n\n2\n```\n{CLOSE}\n"
    result = parse.parse(text, "a.md", SITE, first_line=11)
    assert result.chapter.cells[0].span == Span("a.md", 16, 1)
    assert result.chapter.cells[0].origins == (("a.md", 17), ("a.md", 18), ("a.md", 19))
    assert result.problems[0].span == Span("a.md", 21, 1)
    assert [line.number for line in result.chapter.lines] == list(range(11, 22))


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_change_nothing(ending: str) -> None:
    """Nor does a byte-order mark."""
    text = SEED.read_text(encoding="utf-8")
    assert parse.decode(b"\xef\xbb\xbf" + text.replace("\n", ending).encode(), "a.md") == text
    assert parsed(text.replace("\n", ending)) == parsed(text)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ab\ncd\xff", "a.md:2:3: not UTF-8: byte 0xFF at offset 5\n  Save the file as UTF-8."),
        (b"\xef\xbb\xbfa\xe9", "a.md:1:2: not UTF-8: byte 0xE9 at offset 4\n  Save the file as UTF-8."),
        (b"a\n\x80", "a.md:2:1: not UTF-8: byte 0x80 at offset 2\n  Save the file as UTF-8."),
        ("a".encode("utf-16"), "a.md:1:1: not UTF-8: the file begins as UTF-16 does\n  Save the file as UTF-8."),
        (b"\xfe\xff\0a", "a.md:1:1: not UTF-8: the file begins as UTF-16 does\n  Save the file as UTF-8."),
        (b"\x80", "a.md:1:1: not UTF-8: byte 0x80 at offset 0\n  Save the file as UTF-8."),
    ],
)
def test_bytes_that_are_no_utf_8_are_placed(data: bytes, message: str) -> None:
    """By line and by offset."""
    with pytest.raises(FathomError) as caught:
        parse.decode(data, "a.md")
    assert str(caught.value) == message


def test_a_file_that_cannot_be_read_is_an_error_of_the_author(tmp_path: Path) -> None:
    """Not a traceback of ours."""
    site = config.Config(tmp_path, tmp_path)
    with pytest.raises(FathomError, match=r"^missing\.md:1:1: cannot read it: No such file or directory"):
        parse.read(tmp_path / "missing.md", site)


def test_warnings_do_not_stop_a_chapter_and_errors_do() -> None:
    """All errors, and no warning among them."""
    assert parsed("‚ö†Ô∏è\n").checked()
    with pytest.raises(FathomError) as caught:
        parsed(f"‚ö†Ô∏è\n{CLOSE}\n{CLOSE}\n").checked()
    assert [problem.span.line for problem in caught.value.problems] == [2, 3]


def test_the_seed_parses() -> None:
    """The acceptance text, byte for byte."""
    result = parse.parse(parse.decode(SEED.read_bytes(), "06.md"), "06.md", SITE)
    chapter = result.checked()
    assert [(region.depth, region.span.line, region.last + 1) for region in chapter.regions] == [
        ("SHALLOW", 3, 16),
        ("DEEP", 18, 47),
        ("DEEP", 77, 100),
    ]
    assert [len(tabs) for tabs in chapter.tab_sets] == [2, 1]
    assert [(cell.span.line, cell.depth, len(cell.origins)) for cell in chapter.cells] == [(49, None, 25)]
    assert [str(problem) for problem in result.problems] == [
        "06.md:4:23: warning: the text `\uf8ffüé®` was decoded wrongly\n  Write `🎨`.",
        "06.md:94:1: warning: the text `‚ö†Ô∏è` was decoded wrongly\n  Write `⚠️`.",
        "06.md:95:1: warning: the text `‚ö†Ô∏è` was decoded wrongly\n  Write `⚠️`.",
    ]
    assert [heading.text for heading in chapter.headings if heading.depth is None] == [
        "Chapter 6: Fine-tuning for Classification"
    ]


def test_ten_thousand_markers() -> None:
    """Each finds its twin, or is reported."""
    assert len(parsed(f"{OPEN}\nx\n{CLOSE}\n" * 5_000).checked().regions) == 5_000
    assert len(said(f"{CLOSE}\n" * 10_000)) == 10_000


FRAGMENTS = st.sampled_from(
    [
        *(
            "```",
            "````",
            "~~~",
            "python",
            "py ",
            "{.python",
            "}",
            'title="',
            "<!--",
            "-->",
            OPEN,
            CLOSE,
            "`",
            "\\",
            "---",
        ),
        *(
            "\n",
            "\n",
            "\n",
            "    ",
            "\t",
            "> ",
            "- ",
            "1. ",
            "!!! note",
            "<div>",
            "</div>",
            "===",
            "# ",
            "--8<-- ",
            '"a.py"',
        ),
        *(
            "pytest-codeblocks:",
            "skipif(",
            ")",
            "<!--pytest.mark.",
            "needs:",
            "fathom:",
            "\u00a0",
            "üé",
            "x",
            ":",
            "é",
            "\r",
        ),
    ]
)


@given(st.one_of(st.text(), st.lists(FRAGMENTS, max_size=30).map("".join)))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    """Whatever it is: problems, and a chapter whose positions hold."""
    result = parsed(text)
    chapter = result.chapter
    assert list(result.problems) == sorted(result.problems)
    assert all(problem.span.line >= 1 and problem.span.column >= 1 for problem in result.problems)
    assert all(0 <= cell.first <= cell.last < len(chapter.lines) for cell in chapter.cells)
    assert all(len(cell.origins) == cell.source.count("\n") for cell in chapter.cells)
    census.problems(chapter, {})


@given(st.binary())
def test_no_bytes_end_in_a_traceback(data: bytes) -> None:
    """They are a text, or an error that says where they are not."""
    message = ""
    try:
        parsed(parse.decode(data, "a.md"))
    except FathomError as error:
        message = str(error)
    assert message.startswith("a.md:") == (data.decode(errors="replace") != data.decode(errors="ignore"))


def test_parsing_imports_nothing_heavy() -> None:
    """A warm build starts fast."""
    code = (
        "import sys, mkdocs_fathom.parsing.parse, mkdocs_fathom.parsing.census, mkdocs_fathom.parsing.syntax;"
        "print(sorted({'ftfy', 'numpy', 'IPython', 'nh3', 'matplotlib', 'psutil'} & set(sys.modules)))"
    )
    root = str(Path(importlib.import_module("mkdocs_fathom").__path__[0]).parent)
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
