"""What a report of a bug needs to say of the machine."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

_PACKAGES = ("mkdocs", "mkdocs-material", "markdown", "pymdown-extensions", "ipython", "numpy", "matplotlib")


def lines() -> Iterator[str]:
    """Python, and the packages that can matter, with their versions."""
    yield f"Python {platform.python_version()} ({platform.python_implementation()}, {platform.platform()})"
    for name in _PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} is not installed"
