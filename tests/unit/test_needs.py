"""`needs:` by the names that authors write."""

from __future__ import annotations

from pathlib import Path

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.model import Chapter, Span
from mkdocs_fathom.parsing import parse
from mkdocs_fathom.scheduling import needs

SETTINGS = config.build(Path("/site"), Path("/site/docs"), {}, Span("mkdocs.yml", 1))


def chapter(path: str, front: str = "") -> Chapter:
    text = f"---\n{front}\n---\n# Page\n" if front else "# Page\n"
    return parse.parse(text, f"docs/{path}", SETTINGS).checked()


def resolve(**fronts: str) -> dict[str, tuple[str, ...]]:
    return needs.resolve([chapter(f"{name}.md", front) for name, front in fronts.items()], SETTINGS)


@pytest.mark.parametrize(
    "name", ["05-train", "05-train.md", "part/05-train", "part/05-train.md", "docs/part/05-train.md"]
)
def test_names(name: str) -> None:
    """A chapter goes by its file's name or its path, with or without its ending."""
    graph = needs.resolve([chapter("part/05-train.md"), chapter("06.md", f"needs: {name}")], SETTINGS)
    assert graph == {"docs/part/05-train.md": (), "docs/06.md": ("docs/part/05-train.md",)}


def test_path_goes_before_name() -> None:
    """What is a path is not taken for another file's name."""
    graph = needs.resolve([chapter("index.md"), chapter("a/index.md"), chapter("b.md", "needs: index")], SETTINGS)
    assert graph["docs/b.md"] == ("docs/index.md",)


def test_several_needs_in_order() -> None:
    """Each needed chapter stands once, in the author's order."""
    assert resolve(a="", b="", c="needs: [b, a, b.md]")["docs/c.md"] == ("docs/b.md", "docs/a.md")


@pytest.mark.parametrize(
    ("front", "place", "hint"),
    [
        ("needs: lettres", "2:8", "Did you mean `letters`?"),
        ("title: lettres\nneeds:\n  - words\n  - lettres", "5:5", "Did you mean `letters`?"),
        ("needs: [words, lettres]", "2:16", "Did you mean `letters`?"),
        ("needs: lettres # letters", "2:8", "Did you mean `letters`?"),
        ("needs: needles", "2:8", "Name a chapter by its file, with or without `.md`."),
    ],
)
def test_unknown_name(front: str, place: str, hint: str) -> None:
    """An unknown name is shown where it stands, with the nearest known one."""
    name = "needles" if "needles" in front else "lettres"
    with pytest.raises(FathomError) as error:
        resolve(letters="", words="", page=front)
    assert str(error.value) == f"docs/page.md:{place}: no chapter `{name}` to need\n  {hint}"


def test_name_of_two_chapters() -> None:
    """A name that could be either of two is not guessed at."""
    with pytest.raises(FathomError) as error:
        needs.resolve([chapter("a/x.md"), chapter("b/x.md"), chapter("c.md", "needs: x")], SETTINGS)
    assert str(error.value) == (
        "docs/c.md:2:8: `x` could be any of `docs/a/x.md`, `docs/b/x.md`\n  Write its path below `docs_dir`."
    )


@pytest.mark.parametrize(
    ("fronts", "said"),
    [
        ({"a": "needs: a"}, "docs/a.md:2:8: chapters need each other: `docs/a.md` → `docs/a.md`"),
        (
            {"a": "needs: b", "b": "title: B\nneeds: [a, c]", "c": ""},
            "docs/a.md:2:8: chapters need each other: `docs/a.md` → `docs/b.md` → `docs/a.md`",
        ),
    ],
)
def test_circle(fronts: dict[str, str], said: str) -> None:
    """A circle is shown from one need to the next, at the line of the first."""
    with pytest.raises(FathomError) as error:
        resolve(**fronts)
    lines = str(error.value).splitlines()
    assert lines == [said, "  Take one of these needs away."]


def test_place_without_front_matter() -> None:
    """What needs nothing is shown at its first line."""
    assert needs.place(chapter("a.md"), "b") == Span("docs/a.md", 1)


def test_some_of_the_chapters() -> None:
    """A name that is nearly another chapter's is found among all of the site, and a right one needs no more."""
    some = [chapter("b.md", "needs: [chapter-on, c]")]
    with pytest.raises(FathomError, match="Did you mean `chapter-one`"):
        needs.resolve(some, SETTINGS, ["docs/b.md", "docs/c.md", "docs/chapter-one.md"])
    assert needs.resolve([chapter("b.md", "needs: c")], SETTINGS, ["docs/b.md", "docs/c.md"]) == {
        "docs/b.md": ("docs/c.md",)
    }
