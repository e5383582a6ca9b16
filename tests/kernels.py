"""Notebooks that are run as their readers run them: in a fresh kernel, in a folder of their own, without Fathom."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

PACKAGE = Path(__file__).parents[1] / "plugins"
# This environment's kernel, but for Fathom, of which most readers have none.
START = f"""\
import sys
sys.path[:] = [path for path in sys.path if path not in ("", {str(PACKAGE)!r})]
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


def execute(file: Path, folder: Path, *, seconds: int = 120) -> Any:
    """Run a notebook from top to bottom; returns it with the outputs that it has now.

    Args:
        file: The notebook.
        folder: The folder where its kernel works, and where kernels are told of.
        seconds: How long a cell may take.
    """
    specs = folder / "kernels" / "bare"
    specs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", START, "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "bare", "language": "python"}
    (specs / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    work = folder / "work"
    work.mkdir(exist_ok=True)
    notebook = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]  # as nbformat is
    nbformat.validate(notebook)
    manager = AsyncKernelManager(
        kernel_name="bare", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(specs.parent)])
    )
    NotebookClient(notebook, km=manager, timeout=seconds, resources={"metadata": {"path": str(work)}}).execute()
    return notebook


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
