"""Faults 59 to 65: what a chapter prints, names or includes harms neither its readers nor whoever builds it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.model import CellResult, Span
from mkdocs_fathom.parsing import include, parse
from mkdocs_fathom.rendering import outputs
from tests.conftest import Built
from tests.running import cells

Build = Callable[..., Built]

SCRIPT = "<script>fired = 1</script>"
IMAGE = "<img src=x onerror=fired=1>"
ADDRESSES = frozenset({"action", "background", "cite", "data", "formaction", "href", "poster", "src", "xlink:href"})
MATERIAL = """\
site_name: Test
theme: {{name: material, font: false}}
plugins: [{{fathom: {{depths: {depths}}}}}]
markdown_extensions: [toc, pymdownx.highlight]
"""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a page."""

    name: str
    attributes: dict[str, str | None]
    text: str
    """What follows it, up to the next tag."""


class Tags(HTMLParser):
    """The tags of the part of a page that a chapter makes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Tag] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(Tag(tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            last = self.found.pop()
            self.found.append(Tag(last.name, last.attributes, last.text + data))


def harm(html: str) -> Iterator[str]:
    """What a browser would run, or load from elsewhere."""
    for tag in Tags(html).found:
        if tag.name in {"script", "iframe", "object", "embed", "style", "base", "form"}:
            yield f"<{tag.name}>{tag.text}"
        for name, value in tag.attributes.items():
            # As a browser reads it: without blanks and control characters.
            address = re.sub(r"[\x00-\x20]", "", str(value)).lower()
            outside = name in ADDRESSES and re.match("[a-z][a-z0-9+.-]*:(?!image/(?:png|jpeg|gif|webp);)", address)
            if outside or name.startswith("on") or name in {"style", "srcdoc"}:
                yield f"{name}={value}"


def article(built: Built, page: str = "index.html") -> str:
    """What a chapter makes of its page."""
    assert built.code == 0, built.stderr
    html = built.page(page)
    return html[html.index("<article") : html.index("</article>")]


def shown(html: str) -> str:
    """The outputs alone: the code above them is shown as it stands."""
    return "".join(part.partition("</div>\n</div>")[0] for part in html.split('<div class="fathom-outputs">')[1:])


def test_59_printed_html(build_site: Build) -> None:
    """What is printed is text; what is declared as HTML is shown, without what could do harm."""
    printed = f"print('{SCRIPT} &amp; <b>bold</b>')\nprint('</pre></div>{SCRIPT}')"
    raised = f"raise ValueError('</pre>{SCRIPT}')"
    declared = f"""
        class Table:
            def _repr_html_(self):
                return ('<table id=x><caption>Two</caption><tr><td onclick="fired=1" style="color:red">'
                        '2</td></tr></table>'
                        '{SCRIPT}{IMAGE}<iframe src="https://example.org"></iframe><style>p {{ color: red }}</style>'
                        '<svg onload=fired=1></svg><form action=x><button>b</button></form>')
        Table()
    """
    text = cells(printed) + cells(raised, fence='python raises="ValueError"') + cells(declared)
    html = article(build_site({"docs/index.md": text}))
    assert "&lt;script&gt;fired = 1&lt;/script&gt; &amp;amp; &lt;b&gt;bold&lt;/b&gt;\n" in shown(html)
    assert "&lt;/pre&gt;&lt;/div&gt;&lt;script&gt;" in shown(html)
    assert "ValueError: &lt;/pre&gt;&lt;script&gt;" in shown(html)
    assert "<table><caption>Two</caption><tbody><tr><td>2</td></tr></tbody></table>" in shown(html)
    assert list(harm(html)) == []


def test_60_script_in_names(build_site: Build) -> None:
    """In a heading, a depth's label, a text alternative, a title, a file's name: text wherever it is repeated.

    A page without a heading is another matter: MkDocs makes its title of the file's name, as it stands.
    """
    depths = f'[{{name: SHALLOW, label: "{SCRIPT}"}}, {{name: DEEP, label: "{IMAGE}"}}]'
    heading = f"<!-- DEEP -->\n## `{SCRIPT}` and {IMAGE} &lt;script&gt;\n<!-- /DEEP -->\n\n"
    alt = "'\">" + SCRIPT + "'"
    figure = cells("import matplotlib.pyplot as plt\nplt.plot([1]);plt.show()", fence=f"python alt={alt}")
    name = f"{IMAGE}.md"
    fence = f'python title="{SCRIPT}" raises="ValueError"'
    built = build_site(
        {
            "mkdocs.yml": MATERIAL.format(depths=depths),
            "docs/index.md": heading + figure,
            f"docs/{name}": "# Another\n\n" + cells("raise ValueError", fence=fence),
        }
    )
    html = article(built)
    assert list(harm(html)) == []
    escaped, image = ("&lt;script&gt;fired = 1&lt;/script&gt;", "&lt;img src=x onerror=fired=1&gt;")
    assert f">{escaped}</label>" in html
    assert f">{image}</label>" in html
    assert f">{escaped} and {image} &lt;script&gt;</a>" in html
    assert f'aria-label="&quot;&gt;{escaped}"' in html
    other = article(built, f"{IMAGE}/index.html")
    assert list(harm(other)) == []
    assert f'<span class="filename">{escaped}</span>' in other
    assert f"File &quot;docs/{image}.md&quot;, line 4" in other
    # Material's own scripts stand in every page; ours is in none of them, nor is there a handler.
    for page in ("index.html", f"{IMAGE}/index.html"):
        assert not [found for found in harm(built.page(page)) if "fired" in found]


def test_60_script_of_the_authors_in_a_heading(build_site: Build) -> None:
    """Markdown lets an author write HTML; where we repeat the heading, it is text."""
    text = f"<!-- DEEP -->\n## A {SCRIPT} <b onclick='fired=1'>b</b>\n<!-- /DEEP -->\n"
    html = article(build_site({"docs/index.md": text}))
    teaser = html[
        html.index('<p class="fathom-teaser"') : html.index('<div class="tabbed-block" data-fathom-depth="deep"')
    ]
    assert ">A fired = 1 b</a>" in teaser
    assert list(harm(teaser)) == []


@pytest.mark.parametrize(
    "address",
    [
        "javascript:fired=1",
        " JaVaScRiPt:fired=1",
        "java\tscript:fired=1",
        "&#106;avascript:fired=1",
        "java&Tab;script&colon;fired=1",
        "\x01javascript:fired=1",
        "vbscript:fired=1",
        "data:text/html,&lt;script>fired=1&lt;/script>",
    ],
)
def test_61_javascript_link(address: str) -> None:
    """Its words stay, its address goes: in HTML, in SVG, in Markdown, in what is printed."""
    link, xml = f'<a href="{address}">words</a>', escape(unescape(address))
    svg = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'
    data = [
        {"text/html": f'{link}<img src="{address}"><form action="{address}"></form>'},
        {"text/html": f'<map><area href="{address}"></map><q cite="{address}">words</q>'},
        {"image/svg+xml": svg.format(f'<text><a xlink:href="{xml}">words</a></text>')},
        {"image/svg+xml": svg.format(f'<text>words</text><image href="{xml}"/><use href="{xml}"/>')},
        {"text/markdown": f"[words]({address})", "text/plain": "words"},
        {"text/latex": rf"$\href{{{address}}}{{words}}$"},
    ]
    found = [{"output_type": "display_data", "data": each, "metadata": {}} for each in data]
    hyperlink = f"\x1b]8;;{address}\x1b\\words\x1b]8;;\x1b\\ {link}"
    found.append({"output_type": "stream", "name": "stdout", "text": hyperlink})
    cell = parse.parse("```python\n1\n```\n", "a.md", site(Path("/nowhere"))).chapter.cells[0]
    for output in found:
        html = outputs.html(CellResult(0, (output,), 0.0), cell)
        assert ("words" in html, list(harm(html))) == (True, []), output


def site(root: Path, *folders: str) -> config.Config:
    """A site whose include folders are these."""
    return config.build(root, root / "docs", {"include": list(folders)}, Span("mkdocs.yml", 1))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an include folder, and secrets in it and around it."""
    root = tmp_path / "docs"
    for name in ("snippets", "snippets_secret", "../docs_secret"):
        (root / name).mkdir(parents=True)
        (root / name / "key.txt").write_text("secret", encoding="utf-8")
    return root


def refused(root: Path, target: str, *folders: str) -> str:
    """What is said of an include that gives not a line."""
    lines, problems = include.expand(f'text\n\n  --8<-- "{target}"\n', "a.md", site(root, *folders or ("snippets",)))
    assert [line.text for line in lines] == ["text", ""]
    [problem] = problems
    return str(problem)


LEAVES = "leaves the project's include folders\n  Includes are looked for below `snippets`."


def test_62_include_of_a_parent_or_an_absolute_path(build_site: Build, project: Path) -> None:
    """Refused as it is written, whether there is such a file or not."""
    written = (
        "../key.txt",
        "../../docs_secret/key.txt",
        "a/../../key.txt",
        "..\\key.txt",
        "C:\\key.txt",
        "~/../key.txt",
    )
    for target in (*written, "/etc/passwd", str(project / "snippets/key.txt")):
        assert refused(project, target) == f"a.md:3:3: the include `{target}` {LEAVES}"
    assert refused(project, "file:///etc/passwd") == (
        "a.md:3:3: `file:///etc/passwd` is no file of this project\n  Copy it into the project and include the copy."
    )
    built = build_site({"docs/index.md": '--8<-- "../mkdocs.yml"\n', "snippets/a.py": ""}, "mkdocs build -q")
    assert (built.code, built.site.exists()) == (1, False)
    assert built.stderr.startswith(f"ERROR   -  docs/index.md:1:1: the include `../mkdocs.yml` {LEAVES}\n")


def test_63_include_of_a_sibling_with_the_same_beginning(project: Path) -> None:
    """A folder's name is compared as a whole: neither an include nor the option reaches `docs_secret` from `docs`."""
    (project / "snippets" / "near.txt").symlink_to(project / "snippets_secret" / "key.txt")
    assert (
        refused(project, "../snippets_secret/key.txt") == f"a.md:3:3: the include `../snippets_secret/key.txt` {LEAVES}"
    )
    assert refused(project, "near.txt") == f"a.md:3:3: the include `near.txt` is a link that {LEAVES}"
    assert refused(project, "key.txt", "../docs_secret") == (
        "a.md:3:3: no file `key.txt` to include\n  Includes are looked for below no folder. "
        "The folder `../docs_secret` is left out: it lies outside the project."
    )


def test_64_include_through_a_link(project: Path) -> None:
    """A link is followed before it is judged: of a file, of a folder, of the include folder itself."""
    secret = project.parent / "docs_secret"
    (project / "snippets" / "link.txt").symlink_to(secret / "key.txt")
    (project / "snippets" / "folder").symlink_to(secret)
    (project / "linked").symlink_to(secret)
    for target in ("link.txt", "folder/key.txt"):
        assert refused(project, target) == f"a.md:3:3: the include `{target}` is a link that {LEAVES}"
    assert refused(project, "key.txt", "linked", "docs") == (
        "a.md:3:3: no file `key.txt` to include\n  Includes are looked for below `docs`. "
        "The folder `linked` is left out: it lies outside the project."
    )
    # A link that stays inside is as good as a file.
    (project / "snippets" / "inside.txt").symlink_to(project / "snippets" / "key.txt")
    lines, problems = include.expand('--8<-- "inside.txt"', "a.md", site(project, "snippets"))
    assert ([line.text for line in lines], problems) == (["secret"], ())


def test_65_secrets_of_the_environment(build_site: Build) -> None:
    """Not in a cell's environment, nor in that of what it starts, nor in any file that the build leaves."""
    code = """
        import os, subprocess
        from pathlib import Path
        started = subprocess.run(["env"], capture_output=True, check=True).stdout
        own = Path("/proc/self/environ")
        texts = [repr(dict(os.environ)).encode(), started, own.read_bytes() if own.exists() else b"ALLOWED"]
        print("found:", [name for name in ("TOKEN", "ALLOWED") for text in texts if name.encode() in text])
        os.environ
    """
    built = build_site(
        {
            "mkdocs.yml": "site_name: Test\nplugins: [{fathom: {environment: [TEST_ALLOWED]}}]\n",
            "docs/index.md": cells(code),
        },
        environment={"TEST_TOKEN": "hunter-24601", "TEST_ALLOWED": "yes"},
    )
    assert built.code == 0, built.stderr
    assert "found: [&#x27;ALLOWED&#x27;, &#x27;ALLOWED&#x27;, &#x27;ALLOWED&#x27;]" in built.page()
    files = [file for file in built.root.rglob("*") if file.is_file()]
    assert len(files) > 5
    assert [file for file in files if b"hunter-24601" in file.read_bytes()] == []
    assert "hunter-24601" not in built.stdout + built.stderr
