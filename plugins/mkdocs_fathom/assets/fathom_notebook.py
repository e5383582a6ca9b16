"""What a notebook made of a chapter does before its cells: it begins as the chapter's run did, and gets its artifacts.

A notebook carries this file, its library and its data with it, in the first cell. Standard library only.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import random
import shutil
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path("artifacts")
"""Where `artifacts.load` looks in a notebook."""
SECONDS = 10
"""How long to wait for the site."""


def begin(seed: int) -> None:
    """Seed the generators that programs share, and forget what an earlier part set for its figures."""
    random.seed(seed)
    if importlib.util.find_spec("numpy"):
        importlib.import_module("numpy.random").seed(seed)
    if "matplotlib" in sys.modules:
        sys.modules["matplotlib"].rcdefaults()


def provide(names: Sequence[str], artifacts: Mapping[str, Any], programs: Mapping[str, Any]) -> None:
    """Put artifacts beside the notebook: those of the site if they can be had, else computed here.

    Args:
        names: The artifacts.
        artifacts: Of each that may be wanted: `chapter`, `sha256`, and `addresses` of the site's own.
        programs: Of each chapter that publishes some: its `title`, its `cells`, what it `needs`, and how many
            `seconds` it took when the site was built.
    """
    for name in names:
        known = artifacts[name]
        file = FOLDER / name
        if file.is_file():
            if _digest(file) != known["sha256"]:
                print(f"{file} differs from what made the outputs below. It is used.")
        elif not _fetch(file, known["addresses"], known["sha256"]):
            program = programs[known["chapter"]]
            provide(program["needs"], artifacts, programs)
            _compute(file, program)


def _fetch(file: Path, addresses: Sequence[str], digest: str) -> bool:
    """Copy or download the site's own artifact; whether it could be had, and is the right one."""
    for address in addresses:
        part = file.with_name(f"{file.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            if address.startswith(("http://", "https://")):
                with urllib.request.urlopen(address, timeout=SECONDS) as source, part.open("wb") as target:  # noqa: S310 - the two schemes of the line above
                    shutil.copyfileobj(source, target)
            else:
                shutil.copyfile(address, part)
        except OSError:
            continue  # not there, or no network
        if _digest(part) == digest:
            part.replace(file)
            print(f"{file} comes from {address}")
            return True
        part.unlink()
    return False


def _compute(file: Path, program: Mapping[str, Any]) -> None:
    """Make an artifact by running the chapter that publishes it, in a memory of its own."""
    print(
        f"{file} is computed with the cells of “{program['title']}”, which took {program['seconds']} s for the site …"
    )
    begun = time.monotonic()
    shell = importlib.import_module("IPython").get_ipython()
    capture = importlib.import_module("IPython.utils.capture").capture_output
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, (source, may_raise) in enumerate(program["cells"], 1):
        code = compile(shell.transform_cell(source), f"<{program['title']}, cell {number}>", "exec")
        try:
            with capture():
                exec(code, names)  # noqa: S102 - it is the course's own code, which the reader is about to run
        except Exception:
            if not may_raise:
                raise
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    if not file.is_file():
        raise FileNotFoundError(f"the cells of “{program['title']}” did not publish {file.name}")
    print(f"… done in {time.monotonic() - begun:.0f} s")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
