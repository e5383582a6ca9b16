"""The MkDocs plugin: what a build runs, shows, serves and refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mkdocs.commands.build import build
from mkdocs.config.base import load_config
from mkdocs.exceptions import Abort

CONFIG = """\
site_name: Test
theme: {name: mkdocs, highlightjs: false}
plugins: [fathom: {preload: [IPython]}]
"""
PRINT = "# Page\n\n```python\nprint(6 * 7)\n```\n"
DEEP = "\n<!-- DEEP -->\nDeep text.\n<!-- /DEEP -->\n"


class Site:
    """A site's folder, built in this process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("mkdocs.yml", CONFIG)

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def build(self, *, strict: bool = False) -> None:
        config = load_config(str(self.root / "mkdocs.yml"), strict=strict)
        config.plugins.on_startup(command="build", dirty=False)
        build(config)

    def page(self, name: str = "index.html") -> str:
        return (self.root / "site" / name).read_text(encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with MkDocs' plainest theme."""
    return Site(tmp_path / "site")


def output(html: str) -> str:
    """The text of a page."""
    return re.sub(r"<[^>]+>", "", html)


@pytest.mark.parametrize(
    "entry",
    [
        "plugins: [fathom: {preload: [IPython]}]",
        "plugins: {fathom: {preload: [IPython]}}",
        "plugins: [search, fathom: {preload: [IPython]}]\nmarkdown_extensions: [admonition, fathom]",
        "plugins: [fathom]\nmarkdown_extensions: [fathom: {preload: [IPython]}]",
        "plugins: [fathom]\nmarkdown_extensions: [mkdocs_fathom.markdown_extension: {preload: [IPython]}]",
    ],
)
def test_ways_to_say_it(site: Site, entry: str) -> None:
    """However a site lists us, a page has its outputs once, and its depths as tabs."""
    site.write("mkdocs.yml", CONFIG.replace("plugins: [fathom: {preload: [IPython]}]", entry))
    site.write("docs/index.md", PRINT + DEEP)
    site.build(strict=True)
    html = site.page()
    assert output(html).count("42") == 1
    assert html.count("data-fathom-tabs") == 1
    assert 'href="assets/fathom/fathom.css"' in html
    assert (site.root / "site" / "assets" / "fathom" / "fathom.css").is_file()


def test_second_build_runs_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The site itself, and the store, are no dependencies, even of a chapter that imports from their folder."""
    site.write("helper.py", "x = 1\n")
    site.write("docs/index.md", PRINT.replace("print", "import helper\nprint"))
    caplog.set_level("INFO", "mkdocs.plugins.fathom")
    site.build()
    assert "fathom: 1 chapter: 1 cell run, 0 cached, 0 exempt, in " in caplog.text
    caplog.clear()
    site.build()
    assert "fathom: 1 chapter: 0 cells run, 1 cached, 0 exempt, in " in caplog.text


@pytest.mark.parametrize(
    ("line", "page"),
    [
        ("docs_dir: pages", "a/index.html"),
        ("use_directory_urls: false", "a.html"),
        ("site_dir: out/html", "a/index.html"),
    ],
)
def test_layouts(site: Site, line: str, page: str) -> None:
    """Pages may stand and be served elsewhere."""
    site.write("mkdocs.yml", f"{CONFIG}{line}\n")
    folder = "pages" if "pages" in line else "docs"
    site.write(f"{folder}/index.md", "# Home\n\n[Page](a.md)\n")
    site.write(f"{folder}/a.md", PRINT)
    site.build(strict=True)
    where = site.root / ("out/html" if "out" in line else "site")
    assert "42" in output((where / page).read_text(encoding="utf-8"))


def test_site_behind_a_link(site: Site, tmp_path: Path) -> None:
    """A site that is reached through a link runs like any other."""
    site.write("docs/index.md", PRINT)
    (tmp_path / "link").symlink_to(site.root, target_is_directory=True)
    linked = Site(tmp_path / "link")
    linked.build(strict=True)
    assert "42" in output(linked.page())


def test_page_that_is_no_chapter(site: Site) -> None:
    """A page outside the option `chapters` is left as it is: only what serves the whole site is in its head."""
    text = "# Page\n\n<!-- DEEP -->\nText\n<!-- /DEEP -->\n\n```python\n1 / 0\n```\n\n```{.python exec='x'}\n1\n```\n"
    site.write("docs/notes.md", text)
    site.write("docs/index.md", PRINT)
    site.write("mkdocs.yml", CONFIG.replace("IPython]", "IPython], chapters: [index.md]"))
    site.build()
    ours = site.page("notes/index.html")
    site.write("mkdocs.yml", CONFIG.replace("plugins: [fathom: {preload: [IPython]}]", "plugins: []"))
    site.build()
    ours = re.sub(
        r'<link href="../assets/fathom/fathom.css" rel="stylesheet">|<script [^>]*fathom.js[^>]*></script>', "", ours
    )
    assert [line.strip() for line in ours.splitlines() if line.strip()] == [
        line.strip() for line in site.page("notes/index.html").splitlines() if line.strip()
    ]


def test_readme_as_index(site: Site) -> None:
    """`README.md` is the index of its folder."""
    site.write("docs/README.md", PRINT)
    site.build(strict=True)
    assert "42" in output(site.page())


@pytest.mark.parametrize("option", ["exclude_docs", "draft_docs"])
def test_excluded_pages(site: Site, option: str) -> None:
    """A page that is not on the site is not run."""
    site.write("mkdocs.yml", f"{CONFIG}{option}: |\n  draft.md\n")
    site.write("docs/index.md", PRINT)
    site.write("docs/draft.md", "# Draft\n\n```python\n1 / 0\n```\n")
    site.build(strict=True)
    assert not (site.root / "site" / "draft").exists()


HOOK = """\
from mkdocs.structure.files import File

def on_files(files, config):
    files.append(File.generated(config, "made.md", content={content!r}))
    return files
"""


@pytest.mark.parametrize(
    ("content", "line"), [("# Made\n\nText.\n", None), ("```text\na\n```\n", None), (PRINT, 3), (DEEP, 2)]
)
def test_page_of_another_plugin(site: Site, content: str, line: int | None, caplog: pytest.LogCaptureFixture) -> None:
    """A page that another plugin made is not run: it has no file. If it has code or depths, this is said."""
    site.write("mkdocs.yml", f"{CONFIG}hooks: [hook.py]\n")
    site.write("hook.py", HOOK.format(content=content))
    site.write("docs/index.md", PRINT)
    site.build()
    assert (site.root / "site" / "made" / "index.html").is_file()
    said = (
        f"fathom: made.md:{line}:1: warning: another plugin (`hook.py`) made this page, so its code is not run and its "
        "depths are not tabs\n  Keep the page as a file below `docs_dir`, or out of the option `chapters`."
    )
    found = [record.getMessage() for record in caplog.records if "made this page" in record.getMessage()]
    assert found == ([said] if line else [])


PUBLISH = "# Page\n\n```python\nfrom mkdocs_fathom import artifacts\nartifacts.publish('x.txt').write_text({!r})\n```\n"


def test_artifacts_are_served(site: Site) -> None:
    """What chapters publish is part of the site, each under its own chapter; links to it are checked."""
    site.write("docs/a/one.md", PUBLISH.format("abc"))
    site.write("docs/b/one.md", PUBLISH.format("abd"))
    site.write("docs/index.md", "[x](assets/fathom/artifacts/a/one/x.txt)\n")
    site.build(strict=True)
    served = site.root / "site" / "assets" / "fathom" / "artifacts"
    assert (served / "a" / "one" / "x.txt").read_text() == "abc"
    assert (served / "b" / "one" / "x.txt").read_text() == "abd"


def test_artifacts_without_a_store(site: Site) -> None:
    """Artifacts reach the site though nothing can be stored."""
    site.write(".cache", "in the way")
    site.write("docs/index.md", PUBLISH.format("abc"))
    site.build()
    assert (site.root / "site" / "assets" / "fathom" / "artifacts" / "index" / "x.txt").read_text() == "abc"


def test_chapter_that_changes_while_the_site_is_built(site: Site) -> None:
    """A page never shows new code with the output of the old."""
    site.write("docs/index.md", PRINT)
    site.write("mkdocs.yml", f"{CONFIG}hooks: [hook.py]\n")
    site.write(
        "hook.py",
        "from pathlib import Path\n\ndef on_nav(nav, config, files):\n"
        "    Path(config.docs_dir, 'index.md').write_text('# Page\\n\\n```python\\nprint(43)\\n```\\n')\n",
    )
    with pytest.raises(Abort):
        site.build()
    assert not (site.root / "site" / "index.html").exists()
    site.write("mkdocs.yml", CONFIG)
    site.build()
    assert "43" in output(site.page())


def test_damaged_store(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """What is wrong with the store is said, and does not end even a strict build: the pages are right."""
    site.write("docs/index.md", PRINT)
    site.build(strict=True)
    next((site.root / ".cache" / "fathom").glob("runs/*/*/*.json")).write_bytes(b"")
    caplog.set_level("INFO", "mkdocs.plugins.fathom")
    site.build(strict=True)
    assert caplog.text.count("is damaged; its cells run again") == 1
    assert "42" in output(site.page())


WARM = """\
import sys
started = []
starts = {"subprocess.Popen", "os.fork", "os.posix_spawn"}
sys.addaudithook(lambda event, _: started.append(event) if event in starts else None)
from mkdocs.__main__ import cli
cli(["build", "-q"], standalone_mode=False)
print(started, *list(sys.modules))
"""
RUNNERS = tuple(f"mkdocs_fathom.running.{name}" for name in ("execute", "pool", "worker"))
HEAVY = ("numpy", "matplotlib", "IPython", "ftfy", "nh3", "psutil", *RUNNERS)


def test_nothing_heavy_when_all_is_stored(site: Site) -> None:
    """With every result in the store, a build imports nothing that only running needs, and starts no process."""
    site.write("docs/index.md", PRINT + "\nAn em dash — and a “quotation”.\n")
    cold, warm = (
        subprocess.run([sys.executable, "-c", WARM], cwd=site.root, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    )
    assert cold.startswith("['subprocess.Popen'")
    assert warm.startswith("[] ")
    assert not set(warm.split()) & set(HEAVY)


CENSUS = """\
from collections import Counter
from mkdocs_fathom.parsing import census

census.count = lambda lines: Counter(python=2)
"""
FAILURES = {
    "failing cell": (
        {"docs/index.md": "# Page\n\n```python\n1 / 0\n```\n"},
        "docs/index.md:4:1: ZeroDivisionError: division by zero",
    ),
    "bad marker": ({"docs/index.md": "<!-- DEEP -->\n"}, "docs/index.md:1:1: `<!-- DEEP -->` is never closed"),
    "unknown option": (
        {"docs/index.md": PRINT, "mkdocs.yml": CONFIG.replace("{preload: [IPython]}", "{tmeout: 3}")},
        "mkdocs.yml:3:20: unknown option `tmeout` of fathom\n  Did you mean `timeout`?",
    ),
    "census": (
        {"docs/index.md": PRINT, "mkdocs.yml": f"{CONFIG}hooks: [hook.py]\n", "hook.py": CENSUS},
        "docs/index.md:1:1: of 2 fences of Python, 1 ran and 0 are exempt",
    ),
    "need": (
        {"docs/index.md": "---\nneeds: gone\n---\n"},
        "docs/index.md:2:8: no chapter `gone` to need",
    ),
    "pattern": (
        {"docs/index.md": PRINT, "mkdocs.yml": CONFIG.replace("{preload: [IPython]}", "{chapters: [corse/*.md]}")},
        "mkdocs.yml:3:20: option `chapters` of fathom: no page matches `corse/*.md`",
    ),
}


def mkdocs(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("case", FAILURES)
def test_failures_end_the_build(site: Site, case: str) -> None:
    """No failure ends a build with 0, whatever the flags, nor leaves it without a word of where and what."""
    files, message = FAILURES[case]
    for name, text in files.items():
        site.write(name, text)
    for flags in ((), ("--strict", "-q")):
        done = mkdocs(site.root, "build", *flags)
        assert done.returncode == 1
        assert message in done.stdout + done.stderr
        assert 'Traceback (most recent call last):\n  File "/' not in done.stderr
        assert not (site.root / "site" / "index.html").exists()


def test_warnings_are_errors_in_strict_mode(site: Site) -> None:
    """Damaged text is said, and ends a strict build even where MkDocs is told to be quiet."""
    site.write("docs/index.md", "# Page\n\nThe cafÃ© is open.\n")
    done = mkdocs(site.root, "build")
    assert (done.returncode, "WARNING -  fathom: docs/index.md:3:5: warning: " in done.stderr) == (0, True)
    done = mkdocs(site.root, "build", "--strict", "-q")
    assert (done.returncode, "docs/index.md:3:5: warning: " in done.stderr) == (1, True)


DEPTHS = {"SHALLOW": "Shallow", "DEEP": "Deep", "EXPERT": "For experts"}


def test_three_depths(build_site: Callable[..., Any]) -> None:
    """A site may have depths of its own: each has its tab, its path and its output; the site says which comes first."""
    built = build_site("three-depths")
    assert built.code == 0, built.stderr
    html = built.page()
    for name, label in DEPTHS.items():
        assert re.search(rf'<label[^>]*data-fathom-depth="{name.lower()}"[^>]*>{label}</label>', html)
        assert f"read at {name.lower()}" in output(html)
    assert set(re.findall(r'<input checked="checked" data-fathom-depth="(\w+)"', html)) == {"deep"}
