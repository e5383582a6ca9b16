"""Notebooks that are run as their readers run them: in a fresh kernel, in an empty folder, without Fathom.

    fathom export -o notebooks
    python -m tests.kernels notebooks/chapters/*.ipynb

runs the course's, and says which cells say something else than the notebook holds.
"""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat

PACKAGE = Path(__file__).parents[1] / "plugins"
# This environment's kernel, but for Fathom, of which most readers have none.
START = f"""\
import sys
sys.path[:] = [path for path in sys.path if path not in ("", {str(PACKAGE)!r})]
import importlib.util
assert importlib.util.find_spec("mkdocs_fathom") is None
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""
# A process of its own: nbclient leaves sockets open, which would be a warning in some later test.
RUN = """\
import sys
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

file, specs, work, seconds = sys.argv[1:]
notebook = nbformat.read(file, as_version=4)
manager = AsyncKernelManager(kernel_name="bare", kernel_spec_manager=KernelSpecManager(kernel_dirs=[specs]))
NotebookClient(notebook, km=manager, timeout=int(seconds), resources={"metadata": {"path": work}}).execute()
nbformat.write(notebook, file)
"""


def read(file: Path) -> Any:
    """A notebook, valid."""
    notebook = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]  # as nbformat is
    nbformat.validate(notebook)
    return notebook


def execute(file: Path, folder: Path, *, work: Path | None = None, seconds: int = 120) -> Any:
    """Run a notebook from top to bottom; returns it with the outputs that it has now.

    Args:
        file: The notebook.
        folder: A folder for what this needs.
        work: The folder where its kernel works; None: an empty one.
        seconds: How long a cell may take.

    Raises:
        AssertionError: A cell failed.
    """
    kernel = folder / "kernels" / "bare" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [sys.executable, "-c", START, "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": "bare", "language": "python"}), encoding="utf-8")
    work = work or folder / "work"
    work.mkdir(exist_ok=True)
    done = folder / "done.ipynb"
    done.write_bytes(file.read_bytes())
    arguments = [str(done), str(kernel.parents[1]), str(work), str(seconds)]
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", RUN, *arguments], capture_output=True, text=True)  # noqa: PLW1510 - see below
    assert ended.returncode == 0, ended.stderr
    return read(done)


def printed(notebook: Any) -> dict[str, str]:
    """What the cells of a notebook say as text, by their ids; figures are left out, and the cell that brings files."""
    return {
        cell.id: "".join(_text(output) for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.id != "cell-needs"
    }


def _text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return "" if "image/svg+xml" in output.data or "image/png" in output.data else str(output.data["text/plain"])


def main(files: list[str]) -> int:
    """Run notebooks one after the other; 1 if any cell says something else, or fails."""
    differing = 0
    for file in map(Path, files):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            before, after = printed(read(file)), printed(execute(file, Path(folder), seconds=900))
        others = [name for name in before if before[name] != after[name]]
        differing += len(others)
        print(f"{file.name}: {len(before)} cells in {time.monotonic() - begun:.0f} s, {len(others)} say something else")  # noqa: T201 - a command
        for name in others:
            lines = (before[name].splitlines(), after[name].splitlines())
            print("\n".join(difflib.unified_diff(*lines, name, "now", lineterm="")))  # noqa: T201 - the same
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
