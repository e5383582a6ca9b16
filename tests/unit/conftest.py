"""What unit tests share."""

from __future__ import annotations

from tests.running import run, session_pool
from tests.serving import serve
from tests.sessions import tester

__all__ = ["run", "serve", "session_pool", "tester"]
