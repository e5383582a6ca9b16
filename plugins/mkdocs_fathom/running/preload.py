"""Readies a process for running cells: imports what is slow to import, before workers are forked from it."""

from __future__ import annotations

import gc
import importlib
import importlib.machinery
import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..model import JSON
from . import measuring
from .guard import Guard, below, installed_folders
from .session import Shell, create_shell

Tell = Callable[[JSON], None]
"""Tells the parent process something."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What every worker needs and is made once."""

    shell: Shell
    """The shell that runs the cells."""
    guard: Guard
    """The watch, which has seen what the preloaded modules read."""


def prepare(settings: JSON, tell: Tell) -> Prepared:
    """Import the modules that the site's author wants imported once. Says so where one cannot be.

    Args:
        settings: As `Pool.settings` makes them.
        tell: Told of each import before it begins, and of each that fails.
    """
    folders = settings["pythonpath"]
    sys.path[:0] = folders
    # For the Python processes that cells start.
    os.environ["PYTHONPATH"] = os.pathsep.join([*folders, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    shell = create_shell(settings["figure_format"])
    _import_project_afresh(Path(settings["root"]))
    guard = Guard(Path(settings["root"]))
    guard.install()
    for name in settings["preload"]:
        tell({"event": "importing", "module": name})
        problem = _import(name, optional=name in settings["optional"])
        if problem:
            tell({"event": "say", "text": f"fathom's `preload`: cannot import `{name}`: {problem}"})
    with guard.off():
        measuring.preload()
        _warm_up(settings["figure_format"])
    tell({"event": "ready", "dependencies": guard.dependencies()})
    return Prepared(shell, guard)


def _warm_up(figure_format: str) -> None:
    """Do what costs something only the first time, so that no worker pays for it."""
    if "numpy" in sys.modules:
        importlib.import_module("numpy.random")
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot:
        # The backend must be in place before the hook is taken out that comes with it: with every cell's end that hook
        # would draw each figure once more, for a window that there is not. Showing figures is another hook's work.
        pyplot.switch_backend(pyplot.get_backend())
        pyplot.uninstall_repl_displayhook()
        with pyplot.ioff():
            figure, axes = pyplot.subplots()
            axes.plot([0, 1], label="line")
            axes.legend()
            figure.savefig(io.BytesIO(), format=figure_format, bbox_inches="tight")
            pyplot.close(figure)
    # What lives now lives as long as the workers: they need not look through it for garbage.
    gc.collect()
    gc.freeze()


def _import(name: str, *, optional: bool) -> str:
    """Import a module; returns what went wrong, or nothing."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        absent = optional and error.name == name.partition(".")[0]
        return "" if absent else str(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a module may raise anything; its chapters will tell
        return f"{type(error).__name__}: {error}"
    return ""


def private_output() -> Tell:
    """Take standard output for our own messages: what an imported module prints goes to standard error."""
    descriptor = os.dup(1)
    os.dup2(2, 1)

    def tell(message: JSON) -> None:
        os.write(descriptor, json.dumps(message).encode() + b"\n")

    return tell


class _FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles modules that are not installed from their source each time, so that the watch sees it opened.

    Byte code is matched to its source by whole seconds and size: two edits within a second could pass for one.
    """

    def path_stats(self, path: Any) -> Any:
        raise OSError(f"no byte code for {path}")


def _import_project_afresh(root: Path) -> None:
    installed = installed_folders(root)
    extensions = (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES)
    source = (_FreshLoader, importlib.machinery.SOURCE_SUFFIXES)
    compiled = (importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES)

    def finder(path: str) -> importlib.machinery.FileFinder:
        full = Path(path).resolve()
        if full.is_file() or below(str(full), installed):
            raise ImportError(f"not a folder of the project: {path}")
        return importlib.machinery.FileFinder(path, extensions, source, compiled)

    sys.path_hooks.insert(0, finder)
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = True
