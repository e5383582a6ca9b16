"""pytest-xdist: the tests of a chapter stay on one worker, which runs it once."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from ..scheduling.chapters import PAGES


def scheduler(config: pytest.Config, log: Any) -> Any:
    """A scheduler that deals out pages whole, and any other test as `--dist` says.

    Returns:
        None where pytest-xdist's own keeps them together, or is to do something else altogether.
    """
    from xdist.scheduler import LoadGroupScheduling, LoadScopeScheduling  # type: ignore[import-untyped]

    class ByPage(LoadScopeScheduling):  # type: ignore[misc]  # without types
        """Any other test by itself."""

        def _split_scope(self, nodeid: str) -> str:
            return _page(nodeid) or nodeid

    class ByPageOrGroup(LoadGroupScheduling):  # type: ignore[misc]  # without types
        """Any other test with its group."""

        def _split_scope(self, nodeid: str) -> str:
            return _page(nodeid) or str(super()._split_scope(nodeid))

    # Tests by themselves are dealt out as workers ask for them, which is what `worksteal` wants.
    kind = {"load": ByPage, "worksteal": ByPage, "loadgroup": ByPageOrGroup}.get(config.getoption("dist"))
    return kind(config, log) if kind else None


def _page(nodeid: str) -> str:
    """The path of the page that a test is of; empty where it is of something else."""
    path = nodeid.partition("::")[0]
    return path if PurePosixPath(path).suffix in PAGES else ""
