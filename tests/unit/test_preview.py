"""The live preview: what an author sees at the page's address, through edits and mistakes."""

from __future__ import annotations

import html
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mkdocs_fathom.model import Chapter
from mkdocs_fathom.scheduling.preview import Shared
from mkdocs_fathom.store.codec import TEMPORARY
from tests.running import cells, region, site
from tests.serving import CONFIG, Served, until

Serve = Callable[[dict[str, str]], Served]


def marked(page: str, name: str) -> list[str]:
    """The texts of the elements of a class, tags left out; none of them holds a `div`."""
    found = re.findall(rf'<div class="{name}"[^>]*>\n(.*?)</div>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", text)).rstrip("\n") for text in found]


def test_edits(serve: Serve) -> None:
    """A preview follows its author: through an edit, a mistake, its repair, and that of what a chapter imports."""
    site = serve(
        {
            "helper.py": "x = 6\n",
            "docs/index.md": cells("import helper\nprint(helper.x * 7)"),
            "docs/draft.md": cells("print(5 * 5)") + region("DEEP", "1"),
            "mkdocs.yml": CONFIG + "draft_docs: draft.md\n",
        }
    )
    assert "42" in site.page()
    assert "25" in site.page("draft/")
    site.edit("docs/index.md", cells("import helper\nprint(helper.x * 8)"))
    assert "48" in site.page()
    said = site.edit("docs/index.md", cells("print(helper.x * 8)"))
    assert "docs/index.md:2:1: NameError: name 'helper' is not defined" in said
    site.edit("docs/index.md", cells("import helper\nprint(helper.x * 9)"))
    assert "54" in site.page()
    site.write("other.py", "x = 7 / 0\n")
    said = site.edit("docs/index.md", cells("import other\nprint(other.x * 9)"))
    assert "docs/index.md:2:1: ZeroDivisionError: division by zero" in said
    site.edit("other.py", "x = 7\n")
    assert "63" in site.page()
    assert "fathom-mistake" not in site.html()


def test_what_is_on_screen_runs_first(serve: Serve) -> None:
    """When a module changes, the chapter that a browser asked for last is the first to run, with what it needs."""
    code = cells("import helper\nprint(helper.x)")
    site = serve(
        {
            "helper.py": "x = 1\n",
            "mkdocs.yml": CONFIG.replace("[IPython]", "[IPython], jobs: 1"),
            **{f"docs/{name}.md": code for name in ("index", "a", "b", "d")},
            "docs/c.md": f"---\nneeds: d\n---\n{code}",
        }
    )
    for page, order in (("c/", "dcab"), ("b/", "bdca")):
        site.html(page)
        site.write("helper.py", f"x = {len(site.said)}\n")
        said = site.wait_for("Reloading browsers")
        assert "".join(re.findall(r"docs/(\w)\w*\.md: 1 cell", said))[:4] == order


def test_failing_cell(serve: Serve) -> None:
    """Its error stands at its place, the last outputs from there on stay, marked; other pages are served."""
    site = serve(
        {"docs/index.md": cells("print('one')", "print('two')", "print('three')"), "docs/b.md": cells("print(5 * 5)")}
    )
    said = site.edit("docs/index.md", cells("print('uno')", "print('half')\nx = 1 / 0", "print('three')"))
    assert "ERROR   -  fathom: docs/index.md:7:1: ZeroDivisionError: division by zero" in said
    page = site.html()
    (mistake,) = marked(page, "fathom-mistake")
    lines = mistake.split("\n")
    assert lines[:2] == ["Error at docs/index.md:7:1", "ZeroDivisionError: division by zero"]
    assert lines[2].startswith("If the error is what you want to show, declare it")
    assert lines[3] == "Traceback (most recent call last):"
    assert lines[-2:] == ["The cell had printed:", "  half"]
    assert marked(page, "fathom-stale") == [
        "From before the error: what other code gave here\ntwo",
        "From before the error:\nthree",
    ]
    text = site.page()
    assert "Not run: the cell at line 5 failed." in text
    assert text.index("uno") < text.index("division by zero") < text.index("two\n") < text.index("three\n")
    assert "one\n" not in text
    assert "25" in site.page("b/")


def test_first_start_with_a_failing_cell(serve: Serve) -> None:
    """A preview can begin with what is wrong; with no output known from before, none is shown."""
    site = serve({"docs/index.md": cells("1 / 0", "print(6)"), "docs/b.md": cells("print(5 * 5)")})
    assert "docs/index.md:2:1: ZeroDivisionError: division by zero" in site.said
    assert marked(site.html(), "fathom-mistake")[0].startswith("Error at docs/index.md:2:1")
    assert marked(site.html(), "fathom-stale") == []
    assert "25" in site.page("b/")
    site.edit("docs/index.md", cells("6 * 7"))
    assert "42" in site.page()


def test_broken_marker(serve: Serve) -> None:
    """The error stands above the page, which is shown without depths; the chapter that needs it says so."""
    right = "# Page\n\nText.\n\n" + region("DEEP", "print('deep')")
    needing = "---\nneeds: index\n---\n" + cells("print('needing')")
    site = serve({"docs/index.md": right, "docs/b.md": needing})
    said = site.edit("docs/index.md", right.replace("<!-- /DEEP -->", ""))
    assert said.count("docs/index.md:5:1: `<!-- DEEP -->` is never closed") == 1
    page = site.html()
    (mistake,) = marked(page, "fathom-mistake")
    assert mistake.startswith("Error at docs/index.md:5:1\n`<!-- DEEP -->` is never closed\nAdd `<!-- /DEEP -->`")
    assert page.index("fathom-mistake") < page.index("Text.")
    assert "print('deep')" in site.page()
    assert "not run: `docs/index.md`, which it needs, failed" in marked(site.html("b/"), "fathom-mistake")[0]
    assert marked(site.html("b/"), "fathom-stale") == ["From before the error:\nneeding"]
    site.edit("docs/index.md", right)
    assert "fathom-mistake" not in site.html() + site.html("b/")
    assert "data-fathom-tabs" in site.html()


def test_notebooks(serve: Serve) -> None:
    """The notebooks that a page offers are those of what it shows, below a path of the site, too."""
    site = serve(
        {
            "docs/index.md": cells("6 * 7"),
            "docs/schön er.md": cells("5 * 5"),
            "mkdocs.yml": CONFIG + "site_url: http://localhost/below/\n",
        }
    )
    assert '"42"' in site.html("below/index.ipynb")
    assert '"25"' in site.html("below/sch%C3%B6n%20er/sch%C3%B6n%20er.ipynb")
    site.edit("docs/index.md", cells("6 * 8"))
    assert '"48"' in site.html("below/index.ipynb")
    with pytest.raises(OSError, match="404"):
        site.html("below/other.ipynb")


def test_a_page_that_is_no_text(serve: Serve) -> None:
    """MkDocs cannot read it either; the preview shows what is wrong, and goes on."""
    site = serve({"docs/index.md": "# Page\n", "docs/b.md": "# Other\n"})
    (site.root / "docs/index.md").write_bytes("# Page".encode("utf-16"))
    said = site.edit("docs/b.md", "# Another\n")
    assert "Traceback" not in said
    (mistake,) = marked(site.html(), "fathom-mistake")
    assert mistake.startswith("Error at docs/index.md:1:1\n")
    assert "Another" in site.html("b/")


def test_a_wrong_option(serve: Serve) -> None:
    """It is said, and the preview keeps those that it had: requests must not wait until it is mended."""
    site = serve({"docs/index.md": "# Page\n\n" + cells("print(6 * 7)"), "mkdocs.yml": CONFIG})
    said = site.edit("mkdocs.yml", CONFIG.replace("preload: ", "timeot: 3, preload: "))
    assert "unknown option `timeot`" in said
    assert "42" in site.page()


def test_syntax_error(serve: Serve) -> None:
    """It stands at its cell, said before anything runs; the page keeps its depths and all its outputs, marked."""
    text = cells("print('one')") + region("DEEP", "print('deep')")
    site = serve({"docs/index.md": text, "docs/b.md": cells("print('b')")})
    site.write("docs/b.md", cells("print('c')"))
    said = site.edit("docs/index.md", text.replace("('deep')", "('deep'"))
    assert said.index("docs/index.md:7:6: SyntaxError: '(' was never closed") < said.index(
        "fathom: docs/b.md: 1 cell in"
    )
    assert marked(site.html(), "fathom-stale") == [
        "From before the error:\none",
        "From before the error: what other code gave here\ndeep",
    ]
    assert "Not run: line 7 of `docs/index.md` has an error." in site.page()
    assert marked(site.html(), "fathom-mistake")[0].startswith("Error at docs/index.md:7:6\nSyntaxError")
    assert "data-fathom-tabs" in site.html()
    assert "c" in site.page("b/")


def test_unexpected_output(serve: Serve) -> None:
    """A cell that prints something else than its block says shows what it printed, and what is wrong with that."""
    site = serve({"docs/index.md": cells("print(6)") + "\n<!--pytest-codeblocks:expected-output-->\n\n```\n7\n```\n"})
    (mistake,) = marked(site.html(), "fathom-mistake")
    assert mistake.startswith("Error at docs/index.md:7:1\nthe cell at line 1 does not print what this block expects")
    assert site.html().index("fathom-cell") < site.html().index("fathom-mistake")
    assert marked(site.html(), "fathom-stale") == []
    assert re.search(r'<pre class="fathom-stream[^>]*>6</pre>', site.html())


def test_wrong_needs(serve: Serve) -> None:
    """Chapters that need each other, or nobody, say so; the others are served."""
    site = serve(
        {
            "docs/index.md": cells("print(5 * 5)"),
            "docs/a.md": "---\nneeds: b\n---\n" + cells("1"),
            "docs/b.md": "---\nneeds: a\n---\n" + cells("1"),
            "docs/c.md": "---\nneeds: gone\n---\n" + cells("1"),
        }
    )
    assert "25" in site.page()
    assert "no chapter `gone` to need" in site.page("c/")
    assert "chapters need each other: `docs/a.md` → `docs/b.md` → `docs/a.md`" in site.page("a/") + site.page("b/")


def test_code_changed_by_another_plugin(serve: Serve) -> None:
    """What is found only while the page is made stands above it, too."""
    hook = "def on_page_markdown(markdown, **_):\n    return markdown.replace('print(6)', 'print(7)')\n"
    site = serve({"docs/index.md": cells("print(6)"), "mkdocs.yml": CONFIG + "hooks: [hook.py]\n", "hook.py": hook})
    assert "docs/index.md:1:1: this cell is not the same in the text that another plugin" in site.said
    assert "this cell is not the same in the text that another plugin" in marked(site.html(), "fathom-mistake")[0]


def test_what_the_workers_imported_changes(serve: Serve) -> None:
    """Workers are kept from one build to the next, but not with a module that is out of date."""
    preload = CONFIG.replace("[IPython]", "[IPython, helper]")
    site = serve(
        {"helper.py": "x = 6\n", "docs/index.md": cells("import helper\nprint(helper.x)"), "mkdocs.yml": preload}
    )
    server = {process.pid for process in site.processes()}
    site.edit("docs/index.md", cells("import helper\nprint(7 * helper.x)"))
    assert "42" in site.page()
    assert {process.pid for process in site.processes()} == server
    site.edit("helper.py", "x = 9\n")
    assert "63" in site.page()


WAIT = "import time\nprint('begun', flush=True)\ntime.sleep(1000)"


def begun(site: Served) -> bool:
    """Whether the cell `WAIT` runs."""
    return any(file.read_bytes().endswith(b"begun\n") for file in site.temporary.glob("fathom-*/*/run/*/capture.out"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("busy", [True, False])
def test_its_end(serve: Serve, number: signal.Signals, *, busy: bool) -> None:
    """However it ends, while a cell runs or nothing does: no process is left, no folder, no half-written store."""
    slow = "import time\ntime.sleep(0.6)"  # it leaves a copy of its worker asleep
    site = serve({"docs/index.md": cells(slow, "print(7)")})
    if busy:
        site.write("docs/index.md", cells(slow, WAIT))
        until(lambda: begun(site))
    processes = site.processes()
    assert len(processes) == (4 if busy else 3)  # the preview, the server of workers, the copy, a worker
    site.stop(number)
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []
    until(lambda: not list(site.temporary.glob("fathom-*")), 5)
    assert "Traceback" not in site.said
    assert [file for file in (site.root / ".cache").rglob("*") if file.name.startswith(TEMPORARY)] == []


def test_saving_while_a_build_runs(serve: Serve) -> None:
    """The last save wins: the page shows it, and what was being run for the one before is not waited for."""
    site = serve({"docs/index.md": cells("print('first')"), "docs/b.md": cells("print(5 * 5)")})
    site.write("docs/index.md", cells("print('second')", WAIT))
    until(lambda: begun(site))
    site.write("docs/index.md", cells("print('third')"))
    site.wait_for("Reloading browsers")
    until(lambda: "third\n" in site.page())
    assert "fathom-mistake" not in site.html()


def test_a_chapter_is_read_again(tmp_path: Path) -> None:
    """When it, or what it includes, was saved since; one that nobody touched is not."""
    config = site(tmp_path)
    file, included = config.docs / "a.md", tmp_path / "snippets" / "b.py"
    included.parent.mkdir()
    shared = Shared()

    def read() -> Chapter | None:
        return shared.read(file, config)[0]

    def save(at: Path, text: str) -> None:
        at.write_text(text)
        os.utime(at, (1, len(text)))

    save(included, "x = 1\n")
    save(file, '```python\n--8<-- "b.py"\n```\n')
    first = read()
    assert first is not None
    assert read() is first
    save(included, "xyz = 2\n")
    second = read()
    assert second is not None
    assert second.cells[0].source == "xyz = 2\n"
    save(file, "```python\n1\n```\n")
    third = read()
    assert third is not None
    assert third.cells[0].source == "1\n"
    file.write_text("```python\n2\n```\n")  # just now: it may be saved once more at the same time
    assert read() is not read()
