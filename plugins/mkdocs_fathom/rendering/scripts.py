"""The scripts of a finished page: ours in its head, and Material's, which may wait until the reader does something."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape

from ..config import Config

FILES = ("fathom.js", "late.js")
"""Our scripts, below `assets`."""
_THEME = re.compile(r'<script src="([^"]*/javascripts/bundle\.[^"/]*\.js)"></script>')


def put_in(page: str, config: Config, address: Callable[[str], str], folder: str) -> str:
    """The page with its scripts.

    Args:
        page: The page as the theme has made it.
        config: The options.
        address: Where something of the site is, relative to the page.
        folder: Where the site serves our files.
    """
    # Several sites may share one origin, and each has its own memory: the script is told which one this is.
    start = next(depth for depth in config.depths if depth.name == config.start_depth)
    depths = " ".join(depth.slug for depth in config.depths)
    head = _script(address(f"{folder}/fathom.js"), base=address("."), depths=depths, start=start.slug)
    if config.late_theme and (theme := _THEME.search(page)):
        page = page.replace(theme[0], "", 1)
        head = _script(address(f"{folder}/late.js"), theme=unescape(theme[1])) + head
    return page.replace("</head>", f"{head}</head>", 1)


def _script(address: str, **data: str) -> str:
    given = "".join(f' data-fathom-{name}="{escape(value)}"' for name, value in data.items())
    return f'<script src="{escape(address)}"{given}></script>'
