"""The site's own looks, on a page that has all that the theme can show: nobody is kept out of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_FILE_PATH  # type: ignore[import-untyped, unused-ignore]  # without types
from playwright.sync_api import Browser

from tests.browser.conftest import files, serve
from tests.conftest import Built

ROOT = Path(__file__).parents[2]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGE = """\
# All of it

Text with [a link](index.md), `code`, and a note.[^1]

<!-- SHALLOW -->
## Easily

!!! warning "Mind this"
    A warning.
<!-- /SHALLOW -->

<!-- DEEP -->
## In full

| Name | Value | A column with a long name | And one more of them |
|---|---|---|---|
| a | a long value that needs some room | another long value that needs room | 3 |
<!-- /DEEP -->

```python setup
import sys
```

```python title="file.py" hl_lines="2 3"
def f(x: int, unused: str = "a text that is long enough to make the line scroll sideways on any phone") -> int:
    return x + 1  # a comment on a marked line
class A: "a text"


for name in ("a", "b"):
    print(f"{name}: {f(2)}", "and a line of output that is too long for a phone and for that matter for a page, too")
print("careful", file=sys.stderr)
```

```python raises="ZeroDivisionError"
1 / 0
```

??? question "Why?"
    Because.

[^1]: The foot.
"""


@pytest.fixture(scope="module")
def address(build_site: Callable[..., Built]) -> Iterator[str]:
    """A small site with the looks and the settings of this project's own."""
    config = re.sub(r"^nav:\n(?:[ ].*\n|\n)*", "", (ROOT / "mkdocs.yml").read_text("utf-8"), flags=re.MULTILINE)
    config = re.sub(r"^ +chapters:.*\n", "      timeout: 60\n", config, flags=re.MULTILINE)
    looks = {f"docs/assets/{name}": text for name, text in files(ROOT / "docs" / "assets", "*.[cs][sv][sg]").items()}
    built = build_site(
        {"mkdocs.yml": config, **looks, "docs/index.md": "# Home\n", "docs/all.md": PAGE}, "mkdocs build"
    )
    assert built.code == 0, built.stderr
    with serve(built.site) as served:
        yield served


@pytest.mark.parametrize("depth", ["shallow", "deep"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_barrier(chromium: Browser, address: str, width: int, scheme: str, depth: str) -> None:
    """What axe can find of WCAG 2.2, A and AA, and of good practice, the theme's own parts included."""
    with chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{address}all/?depth={depth}")
        page.wait_for_timeout(500)
        page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
        found = page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []
