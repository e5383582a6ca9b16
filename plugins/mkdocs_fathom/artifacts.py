"""Files that one chapter publishes and later chapters load: trained weights, a tokenizer, a loss curve.

    from mkdocs_fathom import artifacts

    np.savez(artifacts.publish("pretrained.npz"), **weights)   # in chapter 5
    weights = np.load(artifacts.load("pretrained.npz"))        # in chapter 6, whose front matter says `needs: 05-…`

Outside a Fathom run, in a notebook say, both mean the folder `artifacts` beside the notebook.

A cell works in an empty folder of its own. `artifacts.source("data/letters.csv")` is a file of the project, to read.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath

PUBLISH_VARIABLE = "FATHOM_PUBLISH"
NEEDS_VARIABLE = "FATHOM_NEEDS"
ROOT_VARIABLE = "FATHOM_ROOT"
_FALLBACK = "artifacts"


def publish(name: str) -> Path:
    """The path to write an artifact to; its folder exists.

    Raises:
        ValueError: The name is absolute or leaves the folder of artifacts.
    """
    path = Path(os.environ.get(PUBLISH_VARIABLE, _FALLBACK)) / _checked(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def load(name: str) -> Path:
    """The path of an artifact that a chapter named in `needs:` has published.

    Raises:
        ValueError: The name is absolute or leaves the folder of artifacts.
        FileNotFoundError: No needed chapter published it; the message names what is there.
    """
    folder = Path(os.environ.get(NEEDS_VARIABLE, _FALLBACK))
    checked = _checked(name)
    sys.audit("fathom.load", str(checked))  # it counts whether it is there or not, and opened or not
    path = folder / checked
    if path.is_file():
        return path
    there = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    known = f"published by the chapters it needs: {', '.join(there)}" if there else "no needed chapter published any"
    raise FileNotFoundError(f"no artifact {name!r}: {known}")


def source(name: str) -> Path:
    """The path of a file of the project, by its name below the project's root.

    Raises:
        ValueError: The name is absolute or leaves the project.
        FileNotFoundError: There is no such file.
    """
    path = Path(os.environ.get(ROOT_VARIABLE, "")).absolute() / _checked(name)
    if not path.exists():
        raise FileNotFoundError(f"the project has no file {name!r}; the name counts from the folder of `mkdocs.yml`")
    return path


def _checked(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name:
        raise ValueError(f"the name is a relative path without `..`, not {name!r}")
    return path
