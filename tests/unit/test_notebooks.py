"""Chapters as notebooks: what a site offers, what the files hold, and that they run where nothing of the site is."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from mkdocs_fathom.config import Config
from mkdocs_fathom.model import CellResult, Chapter, Run
from mkdocs_fathom.parsing.parse import parse
from mkdocs_fathom.rendering.addresses import Address
from mkdocs_fathom.rendering.notebooks import notebook
from mkdocs_fathom.rendering.notebooks_needs import Sources, first_cell, literal
from tests.conftest import Built
from tests.kernels import execute, printed, read
from tests.running import site as configured

ONE = """\
# One

```python
from mkdocs_fathom import artifacts
from lib.numbers import squares

artifacts.publish("squares.json").write_text(str(squares(4)))
```

```python
print("this comes after what others need")
```
"""
TWO = """\
---
needs: [one]
---
# Two

After [one](one.md).

```python setup
import random

from mkdocs_fathom import artifacts

values = artifacts.load("squares.json").read_text()
```

<!-- SHALLOW -->
```python
own = other = "shallow"
print(own, values, random.random())
```
<!-- /SHALLOW -->

<!-- DEEP -->
??? success "Solution"
    ```python
    own = "deep"
    print(own, random.random())
    ```

```python raises=ZeroDivisionError hide="code"
1 / 0
```
<!-- /DEEP -->

```python
print(sorted(name for name in globals() if name in {"own", "other", "bring", "fathom_notebook"}))
artifacts.source("data/numbers.txt").read_text()
```
"""
SITE = {
    "mkdocs.yml": """\
site_name: Test
repo_url: https://github.com/me/it
theme: {name: material, font: false}
plugins: [search, fathom: {include: [lib]}]
markdown_extensions: [pymdownx.details, pymdownx.superfences]
""",
    "docs/index.md": "# Home\n\nNo cells.\n",
    "docs/course/one.md": ONE,
    "docs/course/two.md": TWO,
    "lib/__init__.py": "",
    "lib/numbers.py": "def squares(n: int) -> list[int]:\n    return [i * i for i in range(n)]\n",
    "data/numbers.txt": "1 2 3",
}
PLAIN = SITE["mkdocs.yml"].replace("repo_url: https://github.com/me/it\n", "")
Build = Callable[..., Built]


def sources(chapter: Chapter, config: Config, text: str) -> Sources:
    """A site of one chapter with one cell, which printed this text."""
    results = (CellResult(0, ({"output_type": "stream", "name": "stdout", "text": text},), 0.1),)
    runs: Mapping[str, Run] = {depth.name: Run(chapter.path, depth.name, results) for depth in chapter.depths}
    return Sources(config, {chapter.path: chapter}, {chapter.path: runs}, Address("", directories=True))


@pytest.fixture(scope="module")
def built(build_site: Build) -> Built:
    """The site, built."""
    done = build_site(SITE, "mkdocs build")
    assert done.code == 0, done.stderr
    return done


def code(notebook: Any) -> dict[str, Any]:
    """The code cells by their ids."""
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def brought(notebook: Any) -> str:
    """What the first cell said when it was run."""
    return "".join(output.text for output in code(notebook)["cell-needs"].outputs)


@pytest.mark.parametrize("name", ["two.shallow", "two.deep", "two"])
def test_a_notebook_runs_with_nothing_around_it(built: Built, tmp_path: Path, name: str) -> None:
    """In an empty folder and without Fathom it computes what it needs, and says what it said on the page."""
    file = built.site / "course" / "two" / f"{name}.ipynb"
    done = execute(file, tmp_path)
    assert printed(done) == printed(read(file))
    assert "artifacts/squares.json is computed with the cells of “One”" in brought(done)
    assert (tmp_path / "work" / "artifacts" / "squares.json").read_text() == "[0, 1, 4, 9]"


def test_the_site_s_artifact_is_taken_and_the_reader_s_file_is_kept(built: Built, tmp_path: Path) -> None:
    """Opened in a copy of the site, nothing is computed; a file that its reader has changed is used, which is said."""
    site = shutil.copytree(built.site, tmp_path / "site")
    own = site / "course" / "two" / "two-files" / "data" / "numbers.txt"
    own.parent.mkdir(parents=True)
    own.write_text("4")
    done = execute(site / "course" / "two" / "two.deep.ipynb", tmp_path, work=site / "course" / "two")
    assert "artifacts/squares.json comes from ../../assets/fathom/artifacts/course/one/squares.json" in brought(done)
    assert "two-files/data/numbers.txt differs from what made the outputs below" in brought(done)
    assert printed(done)["cell-deep-5"].endswith("'4'")


def test_what_cells_show_and_hide(built: Built) -> None:
    """What the page folds is folded, what must raise lets a run go on, and outputs are counted."""
    cells = code(read(built.site / "course" / "two" / "two.deep.ipynb"))
    assert list(cells) == ["cell-needs", "cell-deep-1", "cell-deep-3", "cell-deep-4", "cell-deep-5"]
    hidden = {name: set(cell.metadata.get("jupyter", ())) for name, cell in cells.items()}
    assert hidden["cell-deep-1"] == hidden["cell-needs"] == hidden["cell-deep-4"] == {"source_hidden"}
    assert hidden["cell-deep-3"] == {"source_hidden", "outputs_hidden"}
    assert hidden["cell-deep-5"] == set()
    assert cells["cell-deep-4"].metadata.tags == ["raises-exception"]
    assert cells["cell-deep-4"].outputs[0].ename == "ZeroDivisionError"
    assert cells["cell-deep-5"].outputs[1].execution_count == cells["cell-deep-5"].execution_count == 5


def test_only_what_makes_an_artifact_is_carried(built: Built) -> None:
    """Cells behind the one that publishes it are none of the notebook's business."""
    source = code(read(built.site / "course" / "two" / "two.ipynb"))["cell-needs"].source
    assert 'artifacts.publish("squares.json")' in source
    assert "this comes after" not in source


def test_a_page_offers_its_notebooks(built: Built) -> None:
    """With links that lead somewhere, below its title; the search finds none of their words."""
    html = built.page("course/two/index.html")
    line = html.partition("</h1>")[2]
    assert '<nav class="fathom-notebooks"' in line.partition("<p>")[0]
    for name in ("two.shallow.ipynb", "two.deep.ipynb", "two.ipynb"):
        assert f'<a href="{name}" download>' in line
        assert f'href="https://colab.research.google.com/github/me/it/blob/gh-pages/course/two/{name}"' in line
        assert (built.site / "course" / "two" / name).is_file()
    assert "Notebook" not in (built.site / "search" / "search_index.json").read_text()
    assert built.page("course/one/index.html").count(".ipynb") == 2
    assert "fathom-notebooks" not in built.page()


def test_a_site_or_a_page_may_do_without(build_site: Build) -> None:
    """Then there are neither files nor links; and without GitHub, Colab has nothing to open."""
    config = PLAIN.replace("theme: {name: material, font: false}", "theme: mkdocs")
    cell = "```python\n1\n```\n"
    files = {"docs/index.md": f"# T\n\n{cell}", "docs/off.md": f"---\nfathom:\n  notebook: false\n---\n# T\n\n{cell}"}
    done = build_site({**files, "mkdocs.yml": config}, "mkdocs build")
    assert 'href="index.ipynb" download' in done.page()
    assert "colab" not in done.page()
    assert "ipynb" not in done.page("off/index.html")
    assert [file.name for file in done.site.rglob("*.ipynb")] == ["index.ipynb"]
    done.write("mkdocs.yml", config.replace("fathom: {", "fathom: {notebooks: false, "))
    without = build_site(done, "mkdocs build")
    assert without.code == 0
    assert "ipynb" not in without.page()
    assert not list(without.site.rglob("*.ipynb"))


@pytest.mark.parametrize(
    ("imported", "carried", "told"),
    [
        ("from mkdocs_fathom import artifacts", True, False),
        ("import mkdocs_fathom.artifacts", True, False),
        ("from mkdocs_fathom.errors import FathomError", False, True),
        ("import json", False, False),
    ],
)
def test_what_is_carried_of_fathom(tmp_path: Path, imported: str, carried: bool, told: bool) -> None:  # noqa: FBT001 - a table
    """What chapters publish and load with; whoever imports more has to install it, and is told."""
    config = configured(tmp_path)
    chapter = parse(f"# T\n\n```python\n{imported}\n```\n", "docs/a.md", config).checked()
    source = first_cell(chapter, ["DEEP"], sources(chapter, config, ""))
    assert ("mkdocs_fathom/artifacts.py" in source) is carried
    assert ("pip install mkdocs-fathom" in source) is told


def test_pictures_of_a_chapter_that_is_a_notebook(tmp_path: Path) -> None:
    """They are held in the text: a notebook's attachments belong to its cells, of which each depth has others."""
    config = configured(tmp_path)
    cell = {"cell_type": "markdown", "attachments": {"p.png": {"image/png": "iVBO"}}, "metadata": {}, "source": ["A"]}
    (tmp_path / "docs" / "a.ipynb").write_text(json.dumps({"cells": [cell]}))
    text = "# T\n\n![p](attachment:1/p.png)\n\n```python\n1\n```\n"
    chapter = parse(text, "docs/a.ipynb", config).checked()
    made = json.loads(notebook(chapter, "", sources(chapter, config, "")))
    assert made["cells"][0]["source"][-1] == "![p](data:image/png;base64,iVBO)"


def test_files_that_cannot_be_carried_are_named(build_site: Build) -> None:
    """Bytes travel in base 64; a file above one MiB stays where it is, and the notebook says where to put it."""
    cell = "\n".join(f"artifacts.source('{name}').read_bytes()" for name in ("a.bin", "b.txt"))
    page = f"# T\n\n```python\nfrom mkdocs_fathom import artifacts\n{cell}\n```\n"
    done = build_site({"mkdocs.yml": SITE["mkdocs.yml"], "docs/index.md": page}, "fathom check")
    (done.root / "a.bin").write_bytes(b"\xff\xfe")
    (done.root / "b.txt").write_bytes(b"x" * (2**20 + 1))
    source = code(read(build_site(done, "mkdocs build").site / "index.ipynb"))["cell-needs"].source
    assert "'a.bin': ('base64', '//4=')" in source
    assert "# Not carried: `b.txt`, 1,048,577 bytes. Put it at `index-files/b.txt`." in source
    assert len(source) < 100_000


def test_export_writes_what_the_site_has(built: Built, build_site: Build) -> None:
    """All of them, or one depth of one chapter; nothing is run."""
    every = build_site(built, "fathom export -o out")
    assert every.code == 0, every.stderr
    names = [Path(line).name for line in every.stdout.splitlines()]
    assert names == ["one.ipynb", "two.shallow.ipynb", "two.deep.ipynb", "two.ipynb"]
    for name in names[1:]:
        assert (built.root / "out/course" / name).read_bytes() == (built.site / "course/two" / name).read_bytes()
    one = build_site(built, "fathom export docs/course/two.md --depth deep -o out2")
    assert one.stdout.split() == ["out2/course/two.deep.ipynb"]


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("fathom export --depth dep", 2, "no depth `dep`; depths: SHALLOW, DEEP"),
        ("fathom export mkdocs.yml", 2, "no chapter `mkdocs.yml`"),
        ("fathom export docs/index.md", 1, "there are no stored results for a notebook of this chapter"),
    ],
)
def test_export_refuses(built: Built, build_site: Build, command: str, status: int, said: str) -> None:
    """In one message, with the status of the others."""
    done = build_site(built, command)
    assert done.code == status
    assert said in done.stderr


@example("'''\n")
@example("a\n'")
@example("a\\\n\\")
@example("a\r\nb\0\n")
@example("%%time\n!ls\n%magic\nwhat?\n")
@given(st.text(st.sampled_from("'\\\n\r\0\"ab%!?é\u2028")))
def test_a_file_arrives_as_it_is(text: str) -> None:
    """Whatever stands in it, through IPython's reading of the cell."""
    cell = TransformerManager().transform_cell(f"f = {literal({'a': [text, (text, 1.5, True)]})}")
    names: dict[str, Any] = {}
    exec(cell, names)  # noqa: S102 - what a notebook does
    assert names["f"] == {"a": [text, (text, 1.5, True)]}


def test_figures_keep_their_words(tmp_path: Path) -> None:
    """What a figure shows is said to who cannot see it, whatever signs its author uses."""
    config = configured(tmp_path)
    chapter = parse('# T\n\n```python alt="a \\1 < b"\n1\n```\n', "docs/a.md", config).checked()
    figure = {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": '<?xml?><svg width="1"></svg>'}}
    runs = {depth.name: Run("docs/a.md", depth.name, (CellResult(0, (figure,), 0.1),)) for depth in chapter.depths}
    known = dataclasses.replace(sources(chapter, config, ""), runs={"docs/a.md": runs})
    made = json.loads(notebook(chapter, "", known))["cells"][-1]["outputs"][0]
    assert made["data"]["image/svg+xml"] == '<?xml?><svg role="img" aria-label="a \\1 &lt; b" width="1"></svg>'
