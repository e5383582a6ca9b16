"""Notebooks as pages: built with mkdocs-jupyter, run and shown as chapters, tested and mended as chapters."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Built
from tests.notebooks import cell, code, notebook, words
from tests.serving import Served

Build = Callable[..., Built]
Serve = Callable[[dict[str, str]], Served]

CONFIG = """\
site_name: Test
theme: {name: mkdocs, highlightjs: false}
plugins:
  - mkdocs-jupyter
  - fathom: {chapters: ["**/*.md", "*.ipynb"], preload: [IPython]}
"""
INDEX = "# Home\n"
MYST = """\
---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# As text

```{code-cell}
1 / 0
```

```python
1 / 0
```
"""


@pytest.fixture(scope="module")
def labs(build_site: Build) -> Built:
    """A site with a notebook that is a chapter and one that is not."""
    built = build_site("labs")
    assert built.code == 0, built.stderr
    return built


def text(page: str) -> str:
    """What a reader of a page's article sees."""
    article = page[page.index("<article") : page.index("</article>")]
    return html.unescape(re.sub(r"<[^>]+>", "", article))


def test_a_lab_looks_as_a_chapter(labs: Built) -> None:
    """Tabs, outputs of each path, the setup folded, links and headings: as on the page of a chapter."""
    page = labs.page("labs/first/index.html")
    assert re.findall(r'<h\d id="([^"]*)"', page) == ["the-first-lab", "in-short--shallow", "by-hand--deep"]
    assert re.findall(r'<pre class="fathom-stream[^>]*>(.*?)</pre>', page) == [
        "of 3",
        "total 9",
        "mean 3.0 False",
        "mean 3.0 True",
    ]
    assert page.count("data-fathom-tabs") == 2
    assert '<details class="fathom-setup">' in page
    assert '<a href="../../">home</a>' in page
    assert "<li>one</li>" in page
    assert re.search(r'<img alt="A pixel" src="data:image/png;base64,iVBOR', page)
    assert "an old output" not in page


def test_a_lab_asks_nobody_else(labs: Built) -> None:
    """The page is about as large as a chapter's, without mkdocs-jupyter's styles, and names no other server."""
    page = labs.page("labs/first/index.html")
    assert len(page) < 40_000
    assert "jp-" not in page
    assert set(re.findall(r'(?:src|href)="(https?://[^/"]+)', page)) <= {"https://squidfunk.github.io"}


def test_other_notebooks_are_left_alone(labs: Built) -> None:
    """What no pattern of `chapters` names is converted by mkdocs-jupyter, stored outputs and all."""
    page = labs.page("other/index.html")
    assert "as it was stored" in page
    assert "fathom-cell" not in page
    assert "2 chapters" in build_line(labs) or "1 chapter" in build_line(labs)


def build_line(built: Built) -> str:
    """The line that closes a build."""
    return next(line for line in built.stderr.splitlines() if "cells run" in line)


def test_search_and_contents(labs: Built) -> None:
    """A lab's words and headings are found, and listed."""
    found = json.loads((labs.site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    places = {each["location"]: each["text"] for each in found}
    assert "Add up and divide." in places["labs/first/#in-short--shallow"]
    assert re.search(r'href="#by-hand--deep" class="md-nav__link"', labs.page("labs/first/index.html"))


def test_commands(labs: Built, build_site: Build) -> None:
    """What is run is stored once for all: a second build runs nothing, and every command knows the lab."""
    assert "3 cells run, 0 cached" in build_line(labs)
    assert "0 cells run, 3 cached" in build_line(build_site(labs))
    listed = next(line for line in build_site(labs, "fathom list").stdout.splitlines() if "first" in line)
    assert listed.split()[:3] == ["docs/labs/first.ipynb", "2,", "1"]
    assert "nothing to mend" in build_site(labs, "fathom check").stderr
    explained = build_site(labs, "fathom explain docs/labs/first.ipynb")
    assert explained.code == 0
    assert "docs/labs/first.ipynb" in explained.stdout


def test_items(labs: Built, build_site: Build) -> None:
    """`pytest --codeblocks docs` tests every cell on each path, by the lines of the file, and the census."""
    said = build_site(labs, "pytest --codeblocks docs -p no:cacheprovider -v")
    assert said.code == 0, said.stdout
    items = re.findall(r"docs/labs/first\.ipynb::(\S.*?) PASSED", said.stdout)
    lines = (labs.root / "docs" / "labs" / "first.ipynb").read_text(encoding="utf-8").split("\n")
    opened = [at for at, line in enumerate(lines, 1) if '"source": [' in line]
    assert items == [
        f"line {opened[2]}",
        f"line {opened[4]} [deep]",
        f"line {opened[6]} [shallow]",
        f"line {opened[6]} [deep]",
        "census",
    ]
    assert "other.ipynb" not in said.stdout


def test_a_failure_names_the_line_of_the_file(build_site: Build) -> None:
    """A cell that fails, and one that is no Python, are told with the line that the file has them on."""
    files = {"mkdocs.yml": CONFIG, "docs/index.md": INDEX}
    broken = notebook(words("# Lab"), code("x = 1\ny = x / 0"))
    line = next(at for at, each in enumerate(broken.split("\n"), 1) if "x / 0" in each)
    built = build_site({**files, "docs/lab.ipynb": broken})
    assert built.code == 1
    assert f"docs/lab.ipynb:{line}:1: ZeroDivisionError: division by zero" in built.stderr
    assert f'File "docs/lab.ipynb", line {line}, in <module>\n        y = x / 0\n            ~~^~~' in built.stderr
    built.write("docs/lab.ipynb", broken.replace("x / 0", "x /"))
    checked = build_site(built, "fathom check")
    assert f"docs/lab.ipynb:{line}:8: SyntaxError: invalid syntax\n  {line} | y = x /\n" in checked.stderr
    github = build_site(built, "fathom check --format github")
    assert f"::error file=docs/lab.ipynb,line={line},col=8," in github.stdout


def test_without_mkdocs_jupyter(build_site: Build) -> None:
    """A notebook that is a chapter, and that nothing makes a page of, is an error that says what to add."""
    config = CONFIG.replace("  - mkdocs-jupyter\n", "")
    built = build_site({"mkdocs.yml": config, "docs/index.md": INDEX, "docs/lab.ipynb": notebook(words("# Lab"))})
    assert built.code == 1
    assert (
        "mkdocs.yml:4:14: nothing makes a page of the notebook `docs/lab.ipynb`, which this option names\n"
        "  Install `mkdocs-jupyter` and add it to `plugins`; if it is there, its `include` or `ignore` leaves the"
        " notebook out.\n"
    ) in built.stderr


def test_mkdocs_jupyter_executes_none_of_ours(build_site: Build) -> None:
    """Its `execute` is said not to count for chapters, which run once, and by us."""
    config = CONFIG.replace("- mkdocs-jupyter", "- mkdocs-jupyter: {execute: true, include_source: true}")
    lab = notebook(words("# Lab"), code("print('kernel', 'get_ipython' in dir())"))
    built = build_site({"mkdocs.yml": config, "docs/index.md": INDEX, "docs/lab.ipynb": lab})
    assert built.code == 0, built.stderr
    said = "`execute` of mkdocs-jupyter is for notebooks that are no chapters: Fathom runs those that are"
    assert said in built.stderr
    assert "Converting notebook" not in built.stderr
    assert (built.site / "lab" / "lab.ipynb").read_text(encoding="utf-8") == lab


def test_what_a_page_shows_is_never_stale(build_site: Build) -> None:
    """A change of a module that a lab imports changes the page, though the notebook's bytes stay the same."""
    lab = notebook(words("# Lab"), code("import helper\nprint(helper.x)"))
    files = {"mkdocs.yml": CONFIG, "docs/index.md": INDEX, "docs/lab.ipynb": lab, "helper.py": "x = 'before'\n"}
    built = build_site(files)
    assert "before" in built.page("lab/index.html")
    built.write("helper.py", "x = 'behind'\n")
    page = build_site(built).page("lab/index.html")
    assert "behind" in page
    assert "before" not in page


@pytest.mark.parametrize("jupyter", [True, False])
def test_notebooks_in_the_form_of_markdown(build_site: Build, *, jupyter: bool) -> None:
    """They are no chapters, and the build says so: mkdocs-jupyter shows them, or MkDocs as plain pages."""
    config = CONFIG if jupyter else CONFIG.replace("  - mkdocs-jupyter\n", "")
    config = config.replace(', "*.ipynb"', "")
    built = build_site({"mkdocs.yml": config, "docs/index.md": "# Home\n\n```python\n6 * 7\n```\n", "docs/a.md": MYST})
    assert built.code == 0, built.stderr
    assert "fathom: docs/a.md is a notebook in the form of Markdown, no chapter: nothing in it is run" in built.stderr
    assert "1 chapter: 1 cell run" in built.stderr
    assert ("jp-" in built.page("a/index.html")) is jupyter
    assert "1 chapter, 1 cell: nothing to mend" in build_site(built, "fathom check").stderr


def test_mending(build_site: Build) -> None:
    """`fathom check --fix` mends what stands in a notebook, and declared outputs, and leaves a notebook behind."""
    expected = "<!--pytest-codeblocks:expected-output-->\n\n```\n{}```\n"
    lab = notebook(words("# Lab\n\nA palette: {}."), code('print("a\\n\\"b\\"")'), words(expected), code("1"))
    damaged = "🎨".encode().decode("mac_roman")
    broken = lab.replace("palette: {}", f"palette: {damaged}").replace('"{}```\\n"', '"old\\n",\n    "```\\n"')
    built = build_site({"mkdocs.yml": CONFIG, "docs/index.md": INDEX, "docs/lab.ipynb": broken})
    assert build_site(built, "fathom check").code == 1
    build_site(built, "fathom check --fix")
    mended = (built.root / "docs" / "lab.ipynb").read_text(encoding="utf-8")
    whole = expected.format('a\n"b"\n')
    assert mended == notebook(words("# Lab\n\nA palette: 🎨."), code('print("a\\n\\"b\\"")'), words(whole), code("1"))
    assert build_site(built, "fathom check").code == 0


def test_preview(serve: Serve) -> None:
    """A preview shows each edit of a lab; what is wrong stands on the page, and it goes on."""
    lab = notebook(words("# Lab"), code("print(6 * 7)"))
    site = serve({"mkdocs.yml": CONFIG, "docs/index.md": INDEX, "docs/lab.ipynb": lab})
    assert "42" in site.page("lab/")
    site.edit("docs/lab.ipynb", lab.replace("6 * 7", "6 * 8"))
    assert "48" in site.page("lab/")
    site.edit("docs/lab.ipynb", lab.replace("6 * 7", "6 / 0"))
    assert "ZeroDivisionError" in site.page("lab/")
    site.edit("docs/lab.ipynb", lab.replace('"cells": [', '"cells": [,'))
    assert "docs/lab.ipynb:2:12: " not in site.page("")
    assert "not JSON" in site.page("lab/")
    site.edit("docs/lab.ipynb", notebook(words("# Lab"), cell("raw", "x"), code("1")))
    assert "cell 2 is raw" in site.page("lab/")
    site.edit("docs/lab.ipynb", lab.replace("6 * 7", "6 * 9"))
    assert "54" in site.page("lab/")
    assert "fathom-mistake" not in site.html("lab/")


def test_checkpoints_of_jupyter(build_site: Build) -> None:
    """Copies that Jupyter keeps in a hidden folder are no chapters."""
    copy = {"docs/.ipynb_checkpoints/lab-checkpoint.ipynb": notebook(code("1 / 0"))}
    config = CONFIG.replace('"*.ipynb"', '"**/*.ipynb"')
    built = build_site(
        {"mkdocs.yml": config, "docs/index.md": INDEX, "docs/lab.ipynb": notebook(words("# L"), code("1")), **copy}
    )
    assert built.code == 0, built.stderr


def test_the_course_has_stored_no_outputs() -> None:
    """The labs are kept as Jupyter writes them, without outputs, so that a change shows what was changed."""
    folder = Path(__file__).parents[2] / "docs" / "labs"
    for file in sorted(folder.glob("*.ipynb")):
        own = file.read_text(encoding="utf-8")
        data = json.loads(own)
        assert all(not each.get("outputs") and each.get("execution_count") is None for each in data["cells"])
        assert own == json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
