"""What tests of faults share."""

from __future__ import annotations

from tests.running import run, session_pool

__all__ = ["run", "session_pool"]
