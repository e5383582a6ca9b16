"""What unit tests share."""

from __future__ import annotations

from tests.running import run, session_pool
from tests.serving import serve

__all__ = ["run", "serve", "session_pool"]
