"""Fixtures that all tests share: a browser, and sites that are built by a real process."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, Error, sync_playwright

SITES = Path(__file__).parent / "sites"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: containers seldom allow it. No background traffic: a test counts the requests of a page.
CHROMIUM_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
MINIMAL_SITE = """\
site_name: Test
theme: {name: material, font: false}
plugins: [fathom]
"""

# Inputs of tests; pytest must not collect their Markdown as chapters.
collect_ignore_glob = ["sites/*", "golden/*", "data/*"]

# No deadline: a busy machine is no failure. In CI the examples are the same in every run.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if "CI" in os.environ else "local")


@dataclass(frozen=True, slots=True)
class Built:
    """What one command did in a site's folder."""

    root: Path
    """The site's folder: a copy, which a test may change and build again."""
    code: int
    """The exit code; negative: the signal that ended it."""
    stdout: str
    """What it printed to standard output."""
    stderr: str
    """What it printed to standard error."""

    @property
    def site(self) -> Path:
        """The folder of the finished pages."""
        return self.root / "site"

    def page(self, name: str = "index.html") -> str:
        """The HTML of a finished page."""
        return (self.site / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        """Put a file into the site's folder."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")


@pytest.fixture(scope="session")
def build_site(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    """A function that builds a site as a user does, in a process of its own.

    Its first argument is the name of a folder below `tests/sites`, or files as a mapping of name to text
    (a small `mkdocs.yml` is added where they have none), or what an earlier call returned, to go on in its folder.
    `command` is what to run there: `mkdocs build`, or a `fathom` command. `environment` adds variables.
    """

    def build(
        source: str | Mapping[str, str] | Built,
        command: str = "mkdocs build --strict",
        *,
        environment: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> Built:
        root = source.root if isinstance(source, Built) else _lay_out(source, tmp_path_factory.mktemp("site"))
        return _run(root, shlex.split(command), environment or {}, timeout)

    return build


def _lay_out(source: str | Mapping[str, str], root: Path) -> Path:
    if isinstance(source, str):
        return Path(shutil.copytree(SITES / source, root, dirs_exist_ok=True))
    empty = Built(root, 0, "", "")
    for name, text in {"mkdocs.yml": MINIMAL_SITE, **source}.items():
        empty.write(name, text)
    return root


def _run(root: Path, command: list[str], environment: Mapping[str, str], timeout: float) -> Built:
    """Run a command in a process group of its own, so that nothing is left of it after the deadline."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    program = [sys.executable, "-m", "mkdocs"] if command[0] == "mkdocs" else [str(_script(command[0]))]
    with subprocess.Popen(
        [*program, *command[1:]],
        cwd=root,
        env={**inherited, "NO_MKDOCS_2_WARNING": "1", "COLUMNS": "200", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="backslashreplace",
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            pytest.fail(f"`{shlex.join(command)}` took more than {timeout} s:\n{stdout}\n{stderr}")
    return Built(root, process.returncode, stdout, stderr)


def _script(name: str) -> Path:
    """A console script of the environment that runs the tests."""
    return Path(sys.executable).parent / name


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A Chromium: `FATHOM_CHROMIUM`, one on the path, or Playwright's own, in this order."""
    named = os.environ.get("FATHOM_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_FLAGS))
        except Error as error:
            _without_browser(f"no Chromium could be started; set FATHOM_CHROMIUM to the path of one. {error.message}")
        yield browser
        browser.close()


def _without_browser(reason: str) -> None:
    """Where all must be tested, a missing browser fails; elsewhere it is said among the skipped tests."""
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)
