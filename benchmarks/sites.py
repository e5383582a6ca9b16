"""Writes the same pages for several builders, so that their builds can be compared.

A page has about 1,500 words, a table, two sets of tabs (Shallow and Deep), eight cells of Python and one figure of
Matplotlib; its cells compute for about 0.1 s. Pages differ in their words and numbers, and are the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BUILDERS = ("fathom", "markdown-exec", "plain")
"""What is compared. `plain` is MkDocs with Material, which shows the code and runs nothing."""

_CONFIG = """\
site_name: Benchmark
theme:
  name: material
  font: false
plugins:
{plugins}
markdown_extensions:
  - admonition
  - attr_list
  - md_in_html
  - tables
  - toc:
      permalink: true
  - pymdownx.blocks.tab:
      alternate_style: true
  - pymdownx.highlight
  - pymdownx.superfences
"""
_PLUGINS = {"fathom": ("search", "fathom"), "markdown-exec": ("search", "markdown-exec"), "plain": ("search",)}

_CELLS = (
    """\
import matplotlib.pyplot as plt
import numpy as np

SEED = {seed}
rng = np.random.default_rng(SEED)
print("cell", 1, "gives", SEED)""",
    """\
data = rng.normal(size=(400, 8)).astype(np.float32)  # [rows, features]
target = data @ np.arange(8, dtype=np.float32) + rng.normal(size=400)
print("cell", 2, "gives", data.shape)""",
    """\
weights = np.zeros(8)
losses = []
for _ in range(400):
    error = data @ weights - target
    losses.append(float(error @ error) / len(target))
    weights -= 0.01 * data.T @ error / len(target)
print("cell", 3, "gives", round(losses[-1], 6))""",
    """\
state, counts = SEED, [0] * 16
for _ in range(120_000):
    state = (1103515245 * state + 12345) % 2147483648
    counts[state >> 27] += 1
print("cell", 4, "gives", max(counts))""",
    """\
def softmax(scores):
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


print("cell", 5, "gives", softmax(np.outer(weights, weights)).round(3).sum())""",
    """\
fig, ax = plt.subplots(figsize=(5, 3))
ax.plot(losses, label="loss")
ax.plot(np.cumsum(counts) / sum(counts), label="counts")
ax.set_xlabel("step")
ax.set_ylabel("loss")
ax.legend()
print("cell", 6, "gives", len(losses))""",
    """\
print("cell", 7, "gives", weights.round(2).tolist())""",
    """\
spread = np.linalg.svd(data, compute_uv=False)
print("cell", 8, "gives", round(float(spread[0] / spread[-1]), 4))""",
)
_FIGURE = 6
# A figure is shown by itself with Fathom. With markdown-exec it is printed; this is the way its documentation gives.
_PRINT_FIGURE = """

from io import StringIO

buffer = StringIO()
fig.savefig(buffer, format="svg")
plt.close(fig)
print(buffer.getvalue())"""

_WORDS = """
a about above after again all also an and another are around as at away be because before below between both but by
can change close come could data deep depth different do down each early edge end error even every example few figure
find first follow for form from function give go good gradient group half hand have head here high how idea if in into
is it its just keep kind layer learn least left less letter line list little long look loss low make many matter mean
measure model more most move much must name near never new next no not now number of off often on once one only open
or order other out over page part path place plain point put read reason right rule run same see set several shape
short should show side sign simple small so some space start step still stop such table take than that the their them
then there these they thing this those through time to together token too top train turn two under until up use value
vector very walk way weight well what when where which while white whole why will with word work would write year yet
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A folder with the pages as one builder wants them."""

    builder: str
    """One of `BUILDERS`."""
    root: Path
    """The folder of `mkdocs.yml`."""
    pages: int
    """How many pages there are."""

    def write(self) -> None:
        """Write all files."""
        (self.root / "docs").mkdir(parents=True)
        plugins = "\n".join(f"  - {name}" for name in _PLUGINS[self.builder])
        (self.root / "mkdocs.yml").write_text(_CONFIG.format(plugins=plugins), encoding="utf-8")
        for number in range(self.pages):
            self.write_page(number, number)

    def write_page(self, number: int, seed: int) -> None:
        """Write one page; its code has the seed in its first cell."""
        name = "index.md" if number == 0 else f"page-{number:03}.md"
        text = "\n\n".join(_page(self.builder, number, seed)) + "\n"
        (self.root / "docs" / name).write_text(text, encoding="utf-8")

    def html(self, number: int) -> str:
        """A finished page."""
        name = "index.html" if number == 0 else f"page-{number:03}/index.html"
        return (self.root / "site" / name).read_text(encoding="utf-8")


def script(seed: int) -> str:
    """A page's cells as a program: what running the page costs without any builder."""
    cells = list(_CELLS)
    cells[_FIGURE - 1] += _PRINT_FIGURE
    return "\n\n".join(cells).format(seed=seed) + "\n"


def _page(builder: str, number: int, seed: int) -> Iterator[str]:
    """The blocks of a page. The cells in tabs come last, so that both depths share what comes before."""
    prose = random.Random(number)  # noqa: S311 - the same words each time
    cells = [_cell(builder, position, seed) for position in range(1, len(_CELLS) + 1)]
    yield f"# Page {number}: {_words(prose, 4)}"
    yield from _paragraphs(prose, 2)
    yield from _tabs(builder, [*_paragraphs(prose, 1)], [*_paragraphs(prose, 2)])
    for position, cell in enumerate(cells[:6], 1):
        yield f"## Part {position}: {_words(prose, 3)}"
        yield from _paragraphs(prose, 2)
        yield cell
    yield "## Numbers"
    yield _table(prose)
    yield from _paragraphs(prose, 1)
    yield from _tabs(builder, [*_paragraphs(prose, 1), cells[6]], [*_paragraphs(prose, 2), cells[7]])
    yield from _paragraphs(prose, 1)


def _cell(builder: str, position: int, seed: int) -> str:
    code = _CELLS[position - 1].replace("{seed}", str(seed))
    info = "python"
    if builder == "markdown-exec":
        shown = 'html="true"' if position == _FIGURE else 'result="text"'
        info = f'python exec="true" session="page" source="above" {shown}'
        code += _PRINT_FIGURE if position == _FIGURE else ""
    return f"```{info}\n{code}\n```"


def _tabs(builder: str, shallow: list[str], deep: list[str]) -> Iterator[str]:
    for name, blocks in (("Shallow", shallow), ("Deep", deep)):
        yield f"<!-- {name.upper()} -->" if builder == "fathom" else f"/// tab | {name}"
        yield from blocks
        yield f"<!-- /{name.upper()} -->" if builder == "fathom" else "///"


def _table(prose: random.Random) -> str:
    rows = [f"| {_words(prose, 2)} | {prose.randrange(1000)} | `{_words(prose, 1).lower()}` |" for _ in range(8)]
    return "\n".join(["| Name | Count | Code |", "|---|---|---|", *rows])


def _paragraphs(prose: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        sentences = [f"{_words(prose, prose.randint(6, 16))}." for _ in range(6)]
        sentences[2] = f"**{_words(prose, 2)}**: `{_words(prose, 1).lower()}` and [{_words(prose, 2)}](index.md)."
        yield " ".join(sentences)


def _words(prose: random.Random, count: int) -> str:
    return " ".join(prose.choices(_WORDS.split(), k=count)).capitalize()
