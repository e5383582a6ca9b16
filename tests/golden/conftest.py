"""Golden tests: inputs and what is expected of them, one case a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

# The cases themselves; the nearest conftest decides, so this lets the runners beside it be collected.
collect_ignore_glob = ["parse/*", "render/*"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/golden --update` writes what the code gives now into the files; read the difference then."""
    parser.addoption("--update", action="store_true", help="rewrite the expected part of golden files")


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as one reads them."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Callable[[Path, str, Any], None]:
    """Compare a value with the one that a golden file has under a name, or write it there."""

    def check(file: Path, name: str, value: Any) -> None:
        case = yaml.safe_load(file.read_text(encoding="utf-8"))
        if request.config.getoption("--update", default=False) and case.get(name) != value:
            text = yaml.dump({**case, name: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
            file.write_text(text, encoding="utf-8")
            pytest.skip(f"{file.name} is updated")
        assert value == case.get(name), f"{file.name}: {case['what']}"

    return check
