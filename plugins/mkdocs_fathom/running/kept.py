"""A pool that several builds share, for a preview: neither the server's imports nor what has run are paid for twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..config import Config

if TYPE_CHECKING:
    from .pool import Pool


class Kept:
    """Holds the pool; none is made before something has to run."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._pool: Pool | None = None

    def pool(self, config: Config, say: Callable[[str], None]) -> Pool:
        """The pool for a build: the one that is there, or a new one where that will not do any more."""
        from .pool import Pool

        if self._pool is None or not self._pool.serves(config, say):
            self.close()
            self._pool = Pool(config, say, keeps=True)
        return self._pool

    def close(self) -> None:
        """End all processes."""
        if self._pool:
            self._pool.close()
            self._pool = None
