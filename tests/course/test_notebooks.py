"""The course's chapters as notebooks. `python -m tests.kernels` runs all of them, which takes half an hour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import Built
from tests.kernels import execute, printed, read

ROOT = Path(__file__).parents[2]
CHAPTER = "docs/chapters/04-the-gpt-model.md"


def test_a_chapter_runs_in_a_fresh_kernel(build_site: Callable[..., Built], tmp_path: Path) -> None:
    """Both depths of it, with the library that the notebook carries: every number is the page's."""
    names = [CHAPTER, *(file.relative_to(ROOT).as_posix() for file in (ROOT / "snippets").rglob("*.py"))]
    run = build_site({name: (ROOT / name).read_text(encoding="utf-8") for name in names}, "fathom run")
    assert run.code == 0, run.stderr
    assert build_site(run, "fathom export -o out").code == 0
    file = run.root / "out" / "chapters" / "04-the-gpt-model.ipynb"
    assert printed(execute(file, tmp_path)) == printed(read(file))
