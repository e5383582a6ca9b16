"""The same random numbers in each run: Python's, and NumPy's as soon as a chapter imports it."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_NUMPY = "numpy.random"


def seed(number: int) -> None:
    """Seed the generators that programs share.

    Args:
        number: Below 2**32, as NumPy wants it.
    """
    random.seed(number)
    if _NUMPY in sys.modules:
        sys.modules[_NUMPY].seed(number)
    else:
        sys.meta_path.insert(0, _Finder(number))


class _Finder(MetaPathFinder):
    """Finds NumPy's random numbers as they are found without it, and has them seeded."""

    def __init__(self, number: int) -> None:
        self._number = number

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002 - the protocol's
        """Answer for that one module, once."""
        if name != _NUMPY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and spec.loader:
            spec.loader = _Seeded(spec.loader, self._number)
        return spec


class _Seeded(Loader):
    """Loads a module as another loader does, then seeds it."""

    def __init__(self, loader: Loader, number: int) -> None:
        self._loader = loader
        self._number = number

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        module.seed(self._number)
