"""pytest in a process of its own, on a small site whose chapters are given as text."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MKDOCS = "site_name: Test\nplugins: [fathom: {preload: [IPython]}]\n"
Tester = Callable[..., str]


@pytest.fixture
def tester(tmp_path: Path) -> Tester:
    """A function that writes files, given by name, and returns what pytest says of them, without seconds.

    A name with `__` stands for a path; `docs__a` for `docs/a.md`.
    """
    return session(tmp_path)


def session(folder: Path) -> Tester:
    """The same in any folder."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")

    def run(arguments: str | list[str], code: int = 0, **files: str) -> str:
        for name, text in {"mkdocs": MKDOCS, **files}.items():
            file = folder / (name.replace("__", "/") + (".yml" if name == "mkdocs" else ".md"))
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        words = arguments.split() if isinstance(arguments, str) else arguments
        command = [sys.executable, "-m", "pytest", "-q", "--basetemp", str(folder / "tmp"), *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return re.sub(r"\d+\.\d\ds", "N s", done.stdout)

    return run


def fences(*sources: str) -> str:
    """A cell for each source: the first one's fence is line 2."""
    return "".join(f"\n```python\n{source}\n```\n" for source in sources)


CHAPTER = f"# Page\n{fences('x = 1')}\n<!-- DEEP -->{fences('assert x == 2')}<!-- /DEEP -->\n{fences('x')}"
"""A page whose deep cell fails: a shared cell at line 3, a deep one at line 8, a shared one at line 13."""
