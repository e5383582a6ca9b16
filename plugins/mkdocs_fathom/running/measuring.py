"""Coverage of the modules that cells import, measured in the workers where whoever runs them measures, too.

Each worker writes a data file of its own beside the one of its parent, which combines them at its end. What a worker
counted that had to be ended is lost.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator

VARIABLE = "FATHOM_COVERAGE"
"""The environment variable that asks the workers to measure."""


def request() -> str:
    """What asks workers to measure as this process does now; empty where it does not."""
    coverage = sys.modules.get("coverage")
    current = coverage.Coverage.current() if coverage else None
    if current is None or not hasattr(current.config, "serialize"):
        return ""
    return json.dumps({"config": current.config.serialize(), "folder": os.getcwd()})  # noqa: PTH109 - a text


@contextlib.contextmanager
def asked(request: str) -> Iterator[None]:
    """Workers that start within this do what a request says; nothing, if it is empty."""
    if request:
        os.environ[VARIABLE] = request
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)


def preload() -> None:
    """Import what measuring needs, before workers are forked."""
    if VARIABLE in os.environ:
        importlib.import_module("coverage")


def start() -> Callable[[], None]:
    """Measure from here on, if that was asked for; returns what is to be called at the process's end.

    A process that is forked later goes on measuring, and saves its own.
    """
    told = json.loads(os.environ.pop(VARIABLE, "null"))
    if not told:
        return lambda: None
    coverage = importlib.import_module("coverage")
    here = os.getcwd()  # noqa: PTH109 - a text
    os.chdir(told["folder"])  # the folders to measure are relative to it
    try:
        measure = coverage.Coverage(config_file=f":data:{told['config']}", data_suffix=True, messages=False)
        # A chapter need not import all that is measured.
        measure._warn_no_data = measure._warn_unimported_source = False  # noqa: SLF001 - as pytest-cov does
        measure.start()
    finally:
        os.chdir(here)

    def finish() -> None:
        measure.stop()
        measure.save()

    return finish
