"""Panels: what a chapter computed, alive in the page. Each module has a script of its name in `docs/assets/panels`."""
