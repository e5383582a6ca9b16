"""Notebooks: the Markdown that they stand for, line by line, and what is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom.config import Config
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.linting import mend
from mkdocs_fathom.parsing import attachments, census, parse
from mkdocs_fathom.parsing.notebook import is_text_notebook, to_markdown
from tests.notebooks import KERNEL, cell, code, notebook, words

KEYS = ("cell_type", "source", "metadata", "fathom", "attachments", "language", "kernelspec", "a", "image/png")
PIXEL = "iVBORw0KGgo="


def shown(text: str) -> list[tuple[int, str]]:
    """The lines of a notebook's Markdown that are not blank, with their numbers."""
    return [(at, line) for at, line in enumerate(to_markdown(text, "a.ipynb").split("\n"), 1) if line]


@pytest.mark.parametrize("indent", [1, 2, 4])
def test_lines_are_those_of_the_file(indent: int) -> None:
    """Each line of a cell stands where the file has it; a code cell's fence takes the lines of the brackets."""
    text = notebook(words('# Title\n\n"Quoted" – and \\'), code("x = 1\nprint('é')", "setup"), indent=indent)
    file = text.split("\n")
    found = shown(text)
    assert [line for _, line in found] == [
        "# Title",
        '"Quoted" – and \\',
        "```python setup",
        "x = 1",
        "print('é')",
        "```",
    ]
    assert [file[at - 1].strip().rstrip(",") for at, _ in found] == [
        '"# Title\\n"',
        '"\\"Quoted\\" – and \\\\"',
        '"source": [',
        '"x = 1\\n"',
        "\"print('é')\"",
        "]",
    ]
    assert len(to_markdown(text, "a.ipynb").split("\n")) == len(file)


def test_a_fence_is_longer_than_what_it_holds() -> None:
    """Backticks in code end no cell."""
    assert [line for _, line in shown(notebook(code("s = '''\n````\n'''")))] == [
        "`````python",
        "s = '''",
        "````",
        "'''",
        "`````",
    ]


def test_options_may_hold_backticks() -> None:
    """Such a cell's fence is one of tildes, which end nowhere in the code."""
    text = notebook(code("'~~~~'", 'title="`a`"'))
    assert [line for _, line in shown(text)] == ['~~~~~python title="`a`"', "'~~~~'", "~~~~~"]


def test_front_matter() -> None:
    """A first raw cell of YAML is the front matter: it begins on line 1, and its keys keep their lines."""
    text = notebook(cell("raw", "---\ntitle: One\n---\n"), words("Text"))
    found = shown(text)
    assert [line for _, line in found] == ["---", "title: One", "---", "Text"]
    assert found[0][0] == 1
    assert text.split("\n")[found[1][0] - 1].strip() == '"title: One\\n",'


def test_what_a_page_does_not_show() -> None:
    """Cells without text, stored outputs and other metadata are no part of the page."""
    stored = {"output_type": "stream", "name": "stdout", "text": ["<!-- DEEP -->\n", "old\n"]}
    text = notebook(code(" \n"), words(""), {**code("1"), "outputs": [stored]}, {**code(""), "source": ""})
    assert [line for _, line in shown(text)] == ["```python", "1", "```"]


SAVE = "  Open it in Jupyter and save it: each line of a cell must stand on a line of its own."
LANGUAGE = {"kernelspec": {"display_name": "R", "language": "R", "name": "ir"}}
PYTHON = '  Make it a code cell, or say why it does not run: ```python exec="false" reason="…".'
ERRORS = {
    "no JSON": (
        '{\n "cells": [\n',
        "a.ipynb:3:1: not JSON: Expecting value\n  Mend the file, or take it from before the change that broke it.",
    ),
    "an older format": (
        '{"worksheets": [], "nbformat": 3}',
        "a.ipynb:1:1: not a notebook of format 4\n  Open it in Jupyter and save it, which writes that format.",
    ),
    "no object": (
        "[]",
        "a.ipynb:1:1: not a notebook of format 4\n  Open it in Jupyter and save it, which writes that format.",
    ),
    "another language": (
        notebook(code("x <- 1"), metadata=LANGUAGE),
        (
            "a.ipynb:16:16: the notebook's language is `R`, and cells are Python\n"
            "  Choose a kernel of Python, or leave the notebook out of fathom's option `chapters`."
        ),
    ),
    "all in one line": (
        json.dumps(json.loads(notebook(code("1\n2")))),
        f"a.ipynb:1:100: the lines of cell 1 do not stand on lines of the file\n{SAVE}",
    ),
    "a cell's text as one text": (
        notebook({**code(""), "source": "1\n2"}),
        f"a.ipynb:8:14: the lines of cell 1 do not stand on lines of the file\n{SAVE}",
    ),
    "lines that run on": (
        notebook({**code(""), "source": ["1 +", " 2"]}),
        f"a.ipynb:8:14: the lines of cell 1 do not stand on lines of the file\n{SAVE}",
    ),
    "a fence of Python in Markdown": (
        notebook(words("Look:\n\n```python\n1 / 0\n```\n")),
        f"a.ipynb:9:1: a fence of Python in Markdown does not run (cell 1)\n{PYTHON}",
    ),
    "a fence that is left open": (
        notebook(words("Look:\n\n```text\nfor ever\n"), code("1")),
        "a.ipynb:9:1: the fence `` ```text `` is never closed (cell 1)\n  Add a line `` ``` `` behind its last line.",
    ),
    "a comment that is left open": (
        notebook(words("<!-- note"), code("1")),
        "a.ipynb:7:1: the comment `<!--` is never closed (cell 1)\n  Add `-->` where it ends.",
    ),
    "an option that nobody reads": (
        notebook(code("1", 'title="a" altt="b"')),
        "a.ipynb:7:28: unknown option `altt` (cell 1)\n  Did you mean `alt`?",
    ),
    "options of a Markdown cell": (
        notebook(cell("markdown", "Text", "setup")),
        (
            "a.ipynb:6:15: `fathom` in the metadata of cell 1 is not the options of a code cell\n"
            '  Write what stands behind ```python in a chapter, as a text: "fathom": "setup".'
        ),
    ),
    "a raw cell": (
        notebook(words("Text"), cell("raw", "\\LaTeX")),
        (
            "a.ipynb:14:1: cell 2 is raw, and a page does not show it\n"
            "  Make it a Markdown cell, or take it out; front matter is a raw cell in the first place, between `---`."
        ),
    ),
    "a cell of another kind": (
        notebook({"cell_type": "heading", "source": []}),
        "a.ipynb:3:3: cell 1 is no code, Markdown or raw cell\n  Take it out.",
    ),
    "a picture that is not there": (
        notebook(words("![One](attachment:one.png)", attachments={"two.png": {"image/png": PIXEL}})),
        (
            "a.ipynb:12:8: cell 1 has no attachment `one.png`\n"
            "  Paste the picture into the cell again, or take its line out."
        ),
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case: str) -> None:
    """What is refused is named with its line, and with what to do."""
    text, said = ERRORS[case]
    with pytest.raises(FathomError) as caught:
        to_markdown(text, "a.ipynb")
    assert str(caught.value) == said


def test_a_fence_of_python_that_says_why_it_does_not_run() -> None:
    """In a Markdown cell, a fence of Python may be shown, if it says why it does not run."""
    text = notebook(words('```python exec="false" reason="Only a sketch."\n1 / 0\n```\n'))
    chapter = parse.parse(to_markdown(text, "a.ipynb"), "a.ipynb", Config(Path("/"), Path("/docs"))).checked()
    assert [each.options.reason for each in chapter.cells] == ["Only a sketch."]


def test_all_errors_at_once() -> None:
    """Every error of a notebook is told in one go."""
    with pytest.raises(FathomError) as caught:
        to_markdown(notebook(cell("raw", "x"), code("1", "setupp"), words("```py\n1\n```")), "a.ipynb")
    assert len(caught.value.problems) == 3


def test_attachments() -> None:
    """Two cells may call their pictures the same; each page gets each cell's own, and nothing that is no picture."""
    held = [{"image.png": {"image/png": content}} for content in (PIXEL, "AAAA", '"><script>')]
    text = notebook(*(words("![A](attachment:image.png)", attachments=each) for each in held))
    names = [line for _, line in shown(text)]
    assert names == [f"![A](attachment:{number}/image.png)" for number in (1, 2, 3)]
    html = "".join(f'<img src="attachment:{number}/image.png">' for number in (1, 2, 3, 4))
    assert attachments.put_in(html, text) == (
        f'<img src="data:image/png;base64,{PIXEL}"><img src="data:image/png;base64,AAAA">'
        '<img src="attachment:3/image.png"><img src="attachment:4/image.png">'
    )


@pytest.mark.parametrize(
    ("front", "notebook"),
    [
        ("---\njupytext:\n  formats: md:myst\nkernelspec:\n  name: python3\n---\n", True),
        ("---\nkernelspec:\n  name: python3\n---\n", True),
        ("---\njupyter:\n  jupytext:\n    formats: md\n---\n", True),
        ("---\ntitle: jupyter\n---\njupytext: none\n", False),
        ("---\ntext: |\n  jupytext: none\n---\n", False),
        ("jupytext: none\n", False),
        ("---\njupytext: [\n---\n", False),
        ("---\njupytext: yes\n", True),
        ("", False),
    ],
)
def test_text_notebooks(front: str, *, notebook: bool, tmp_path: Path) -> None:
    """A notebook in the form of Markdown is known by the keys of its front matter."""
    file = tmp_path / "a.md"
    file.write_text(front)
    assert is_text_notebook(file) is notebook


def test_edits_keep_the_file() -> None:
    """Lines of cells that were changed, put in or taken out become texts of JSON; every other byte stays."""
    text = notebook(words("one\ntwo\nthree"), code('print("é")\nlast'), indent=2).replace("\n", "\r\n")
    lines = mend.opened(text, "a.ipynb")
    assert mend.closed(text, "a.ipynb", lines) == text
    changed = [line for line in lines if line != "two\n"]
    at = changed.index('print("é")\n')
    changed[at : at + 1] = ['print("ü")\n', "\tmore\n"]
    changed[changed.index("three\n")] = "THREE\n"
    expected = notebook(words("one\nTHREE"), code('print("ü")\n\tmore\nlast'), indent=2).replace("\n", "\r\n")
    assert mend.closed(text, "a.ipynb", changed) == expected


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["code", "markdown", "raw", "a\n", "```py\n", "---\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(cells=st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSONS)) | JSONS, max_size=3), more=JSONS)
def test_whatever_a_file_holds(cells: Any, more: Any) -> None:
    """Any JSON is read as a notebook or refused in words, and its pictures are looked for in vain."""
    text = json.dumps({"cells": cells, "metadata": more, "nbformat": 4}, indent=1)
    picture = '<img src="attachment:1/a">'
    assert attachments.put_in(picture, text).startswith("<img")
    with suppress(FathomError):
        markdown = to_markdown(text, "a.ipynb")
        assert markdown.count("\n") == text.count("\n") + 1
        parsed = parse.parse(markdown, "a.ipynb", Config(Path("/"), Path("/docs")))
        assert census.lost_in_notebook(text, parsed.chapter) == ()


def test_problems_name_their_cells(tmp_path: Path) -> None:
    """What is wrong with a chapter is told with the number of the cell, which Jupyter's readers can count."""
    config = Config(tmp_path, tmp_path / "docs")
    file = tmp_path / "docs" / "a.ipynb"
    file.parent.mkdir()
    file.write_text(notebook(words("# A"), code("1"), words("Text\n<!-- DEEP -->\nMore."), words("<!-- SHALOW -->")))
    told = [str(problem).partition("\n")[0] for problem in parse.read(file, config).problems]
    assert told == [
        "docs/a.ipynb:24:1: `<!-- DEEP -->` is never closed (cell 3)",
        "docs/a.ipynb:32:1: `<!-- SHALOW -->` is no marker (cell 4)",
    ]


def test_census() -> None:
    """Code cells are counted in the JSON itself, and must be those of the chapter."""
    config = Config(Path("/"), Path("/docs"))
    text = notebook(code("1"), code("\n"), words("Text"), code("2"))
    chapter = parse.parse(to_markdown(text, "a.ipynb"), "a.ipynb", config).checked()
    assert census.lost_in_notebook(text, chapter) == ()
    (lost,) = census.lost_in_notebook(notebook(code("1"), code("\n"), words("Text"), code("2"), code("3")), chapter)
    assert str(lost) == (
        "a.ipynb:1:1: of 3 code cells, 2 were found\n  That is a fault of Fathom: please report it with this notebook."
    )


def test_the_kernel_may_be_untold() -> None:
    """A notebook that names no language is Python's."""
    assert shown(notebook(code("1"), metadata={}))[1:2] == [(9, "1")]
    assert KERNEL["kernelspec"]["language"] == "python"
