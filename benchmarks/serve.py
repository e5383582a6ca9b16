"""Edits a site that `mkdocs serve` shows, and times from each save to the new page; no page may ever stay out of date.

    python -m benchmarks.serve --edits 200 --pages 8
    python -m benchmarks.serve --edits 40 --pages 160 --slow 0.6

The edits are drawn by chance, the same ones each time: of prose, of a last cell behind a slow one, of a module that all
pages import, mistakes in code and in markers, and saves while the save before is still being run. The same site without
Fathom, its code highlighted all the same, is served beside it and edited in turn, which says what MkDocs itself needs:
it looks for changes twice a second.
"""

from __future__ import annotations

import argparse
import html
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

_CONFIG = """
site_name: Edits
theme: {name: material, font: false}
markdown_extensions: [pymdownx.superfences]
plugins: [%s]
"""
_WAIT = 120.0
"""Seconds after which a page that has not changed is out of date."""
PLAIN = "plain MkDocs"


@dataclass(slots=True)
class Page:
    """A page as its author has it now."""

    number: int
    """Its place in the site."""
    prose: str = "words"
    """A word in its text."""
    code: str = "code"
    """What its last cell prints."""
    broken: str = ""
    """What is wrong with it: `cell`, `marker`, or nothing."""
    wait: float = 0.0
    """Seconds that its last cell takes."""
    slow: float = 2.0
    """Seconds that its first cell takes."""

    @property
    def address(self) -> str:
        """Its address below the site's."""
        return f"page{self.number}/" if self.number else ""

    @property
    def file(self) -> str:
        """Its file below the docs folder."""
        return f"page{self.number}.md" if self.number else "index.md"

    def text(self) -> str:
        """Its Markdown."""
        failure = "raise ValueError('broken')\n" if self.broken == "cell" else ""
        close = "" if self.broken == "marker" else "<!-- /DEEP -->\n"
        return (
            f"# Page {self.number}\n\nText: {self.prose}.\n\n<!-- DEEP -->\nDeep text.\n{close}\n"
            f"```python\nimport time\n\nimport helper\n\ntime.sleep({self.slow})\n```\n\n"
            f"```python\ntime.sleep({self.wait})\n{failure}print('{self.code}', helper.word)\n```\n"
        )


@dataclass(slots=True)
class Site:
    """A site that is served."""

    root: Path
    """Its folder."""
    address: str
    """Where it is served."""
    pages: list[Page]
    """Its pages."""
    word: str = "word"
    """What the module holds that all pages import."""
    runs: bool = True
    """Whether code is run."""
    printed: dict[int, str] = field(default_factory=dict)
    """What each page's last cell printed when it last ran well."""

    def save(self, page: Page) -> None:
        """Write a page."""
        (self.root / "docs" / page.file).write_text(page.text(), encoding="utf-8")

    def save_module(self) -> None:
        """Write the module."""
        (self.root / "helper.py").write_text(f"word = '{self.word}'\n", encoding="utf-8")

    def is_current(self, page: Page) -> bool:
        """Whether a page shows what its author has."""
        shown = self._read(page)
        if f"Text: {page.prose}." not in shown:
            return False
        output = f"{page.code} {self.word}\n"
        wrong = {"": "", "cell": "ValueError: broken", "marker": "is never closed"}[page.broken]
        if not self.runs or wrong:
            last = self.printed.get(page.number, "")
            stale = page.broken != "cell" or not last or ("From before the error:" in shown and last in shown)
            return wrong in shown and stale
        if output in shown and "Error at" not in shown:
            self.printed[page.number] = output
            return True
        return False

    def _read(self, page: Page) -> str:
        try:
            with urllib.request.urlopen(f"http://{self.address}/{page.address}", timeout=_WAIT) as answer:
                text = answer.read().decode()
        except OSError:
            return ""
        return html.unescape(re.sub(r"<[^>]+>", "", text))

    def wait(self, pages: Sequence[Page], since: float) -> float:
        """Seconds from a moment until pages are up to date.

        Raises:
            SystemExit: They never are.
        """
        while not all(map(self.is_current, pages)):
            if time.monotonic() - since > _WAIT:
                raise SystemExit(f"out of date: {[page for page in pages if not self.is_current(page)]}")
            time.sleep(0.02)
        return time.monotonic() - since


def main(arguments: Sequence[str] | None = None) -> None:
    """Edit, compare, print."""
    parser = argparse.ArgumentParser(description="Time from saving a page to seeing it.")
    parser.add_argument("--edits", type=int, default=20, help="how many edits (20)")
    parser.add_argument("--pages", type=int, default=8, help="how many pages the site has (8)")
    parser.add_argument("--slow", type=float, default=2.0, help="seconds that the first cell of each page takes (2)")
    options = parser.parse_args(arguments)
    times: dict[str, list[float]] = {}
    chance = random.Random(1)  # noqa: S311 - the same edits each time are what is wanted
    counts = options.pages, options.slow
    with _served(*counts, runs=False) as plain, _served(*counts, runs=True) as site:
        for number in range(options.edits):
            times.setdefault(PLAIN, []).append(_prose(plain, plain.pages[0], f"plain{number}"))
            kind = chance.choice(list(EDITS))
            page = chance.choice(site.pages)
            page.broken = ""
            times.setdefault(kind, []).append(EDITS[kind](site, page, f"new{number}"))
            site.wait(site.pages, time.monotonic())
    print(f"{options.edits} edits of {options.pages} pages: none stayed out of date, no process was left.")
    print(f"Load of the machine: {', '.join(f'{load:.1f}' for load in os.getloadavg())}.")
    print(f"\n{'edit':<16}{'number':>8}{'median s':>10}{'largest s':>11}")
    for kind, seconds in times.items():
        print(f"{kind:<16}{len(seconds):>8}{median(seconds):>10.2f}{max(seconds):>11.2f}")


def _timed(site: Site, pages: Sequence[Page]) -> float:
    since = time.monotonic()
    site.save(pages[0])
    return site.wait(pages, since)


def _prose(site: Site, page: Page, word: str) -> float:
    page.prose = word
    return _timed(site, [page])


def _last_cell(site: Site, page: Page, word: str) -> float:
    page.code = word
    return _timed(site, [page])


def _again(site: Site, page: Page, word: str) -> float:
    """Edit what was edited just before: its slow cell need not run."""
    _last_cell(site, page, f"{word}a")
    return _last_cell(site, page, f"{word}b")


def _module(site: Site, _page: Page, word: str) -> float:
    site.word = word
    for page in site.pages:
        site.save(page)
    since = time.monotonic()
    site.save_module()
    return site.wait(site.pages, since)


def _mistake(site: Site, page: Page, _word: str) -> float:
    page.broken = "cell"
    return _timed(site, [page])


def _marker(site: Site, page: Page, _word: str) -> float:
    page.broken = "marker"
    return _timed(site, [page])


def _twice(site: Site, page: Page, word: str) -> float:
    """Save what takes long, and something else while it is run."""
    page.code, page.wait = "old", 30.0
    site.save(page)
    time.sleep(1.5)
    page.code, page.wait = word, 0.0
    return _timed(site, [page])


EDITS: dict[str, Callable[[Site, Page, str], float]] = {
    "prose": _prose,
    "last cell": _last_cell,
    "and again": _again,
    "module": _module,
    "mistake": _mistake,
    "marker": _marker,
    "while it runs": _twice,
}


@contextmanager
def _served(count: int, slow: float, *, runs: bool) -> Iterator[Site]:
    """A site while it is served.

    Raises:
        SystemExit: A process is left.
    """
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        site = Site(
            Path(folder), f"127.0.0.1:{free.getsockname()[1]}", [Page(number, slow=slow) for number in range(count)]
        )
        site.runs = runs
        free.close()
        (site.root / "docs").mkdir()
        (site.root / "mkdocs.yml").write_text(_CONFIG % ("fathom" if runs else ""), encoding="utf-8")
        site.save_module()
        for page in site.pages:
            site.save(page)
        process = subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "serve", "--quiet", "--dev-addr", site.address],
            cwd=site.root,
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
            stderr=subprocess.DEVNULL,
        )
        try:
            site.wait(site.pages, time.monotonic())
            yield site
        finally:
            processes = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
            _, alive = psutil.wait_procs(processes, timeout=5)
        if alive:
            raise SystemExit(f"left behind: {alive}")


if __name__ == "__main__":
    main()
