"""Includes: what is put in, where each line comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.config import Config
from mkdocs_fathom.parsing import include, parse

LIBRARY = """\
import os
# --8<-- [start:layer]
class Layer:
    # --8<-- [start:forward]
    def forward(self, x):

        return x
    # --8<-- [end:forward]
# --8<-- [end:layer]
# --8<-- [start:open]
last = 1
"""


@pytest.fixture
def site(tmp_path: Path) -> Config:
    """A project with two folders to include from."""
    for name, text in {
        "snippets/lib.py": LIBRARY,
        "snippets/part.md": "one\n\ntwo\n",
        "snippets/sub/deep.md": '--8<-- "part.md"\n',
        "snippets/a.md": 'a\n--8<-- "b.md"\n',
        "snippets/b.md": '--8<-- "a.md"\n',
        "snippets/self.md": '--8<-- "self.md"\n',
        "snippets/wrong.md": '--8<-- "missing.md"\n',
        "snippets/empty.md": "",
        "docs/page.md": "page\n",
        "docs_secret/key.md": "secret\n",
        "outside.md": "outside\n",
    }.items():
        file = tmp_path / "root" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "root/snippets/latin.md").write_bytes(b"caf\xe9\n")
    (tmp_path / "root/snippets/crlf.md").write_bytes(b"\xef\xbb\xbfa\r\nb\r\n")
    (tmp_path / "private.md").write_text("private\n", encoding="utf-8")
    (tmp_path / "root/snippets/out.md").symlink_to(tmp_path / "private.md")
    (tmp_path / "root/snippets/secret.md").symlink_to(tmp_path / "root/docs_secret/key.md")
    (tmp_path / "root/snippets/up").symlink_to(tmp_path)
    (tmp_path / "root/docs/inner.md").symlink_to(tmp_path / "root/snippets/part.md")
    root = tmp_path / "root"
    return config.Config(root, root / "docs", include=("snippets", "docs"))


def lines(text: str, site: Config) -> list[str]:
    """The lines, as `file:number text`; nothing may be wrong."""
    found, problems = include.expand(text, "docs/x.md", site)
    assert not problems
    return [f"{line.path.rpartition('/')[2]}:{line.number} {line.text}" for line in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\n\ntext\n", ["x.md:1 plain", "x.md:2 ", "x.md:3 text"]),
        ('a\n--8<-- "part.md"\nb', ["x.md:1 a", "part.md:1 one", "part.md:2 ", "part.md:3 two", "x.md:3 b"]),
        ("--8<-- 'part.md'", ["part.md:1 one", "part.md:2 ", "part.md:3 two"]),
        ('-8<----\t"part.md"', ["part.md:1 one", "part.md:2 ", "part.md:3 two"]),
        ('    --8<-- "part.md"', ["part.md:1     one", "part.md:2 ", "part.md:3     two"]),
        ('> --8<-- "part.md"', ["part.md:1 > one", "part.md:2 >", "part.md:3 > two"]),
        ('--8<-- "page.md"', ["page.md:1 page"]),
        ('--8<-- "sub/deep.md"', ["part.md:1 one", "part.md:2 ", "part.md:3 two"]),
        ('--8<-- "inner.md"', ["part.md:1 one", "part.md:2 ", "part.md:3 two"]),
        ('--8<-- "part.md:3"', ["part.md:3 two"]),
        ('--8<-- "part.md:1:1"', ["part.md:1 one"]),
        ('--8<-- "part.md::1"', ["part.md:1 one"]),
        ('--8<-- "part.md:3:3,1:1"', ["part.md:3 two", "part.md:1 one"]),
        ('--8<-- "part.md:-1"', ["part.md:3 two"]),
        ('--8<-- "crlf.md"', ["crlf.md:1 a", "crlf.md:2 b"]),
        ('--8<-- "empty.md"', []),
        ('--8<-- "lib.py:forward"', ["lib.py:5 def forward(self, x):", "lib.py:6 ", "lib.py:7     return x"]),
        (
            '--8<-- "lib.py:layer"',
            ["lib.py:3 class Layer:", "lib.py:5     def forward(self, x):", "lib.py:6 ", "lib.py:7         return x"],
        ),
        (
            "--8<--\npart.md:1:1\n\n; commented.md\n  page.md\n--8<--\nz",
            ["part.md:1 one", "x.md:3 ", "page.md:1   page", "x.md:7 z"],
        ),
        (';--8<-- "part.md"', ['x.md:1 --8<-- "part.md"']),
        (';;--8<-- "part.md"', ['x.md:1 ;--8<-- "part.md"']),
        ("  ;--8<--", ["x.md:1   --8<--"]),
        ("# ;--8<-- [start:x]", ["x.md:1 # --8<-- [start:x]"]),
        ("<!-- --8<-- [start:x] -->\na", ["x.md:2 a"]),
        ("a --8<-- b and `--8<--`", ["x.md:1 a --8<-- b and `--8<--`"]),
    ],
)
def test_lines_are_put_in_and_keep_their_origin(text: str, expected: list[str], site: Config) -> None:
    """Files, sections, ranges and blocks, behind what stands before them."""
    assert lines(text, site) == expected


def test_the_first_line_of_a_body_has_its_own_number(site: Config) -> None:
    """Behind front matter, say."""
    found, _ = include.expand('a\n--8<-- "page.md"\nb', "docs/x.md", site, first_line=5)
    assert [(line.path, line.number) for line in found] == [("docs/x.md", 5), ("docs/page.md", 1), ("docs/x.md", 7)]


WHERE = "Includes are looked for below `snippets`, `docs`."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('--8<-- "libb.py"', "1:1: no file `libb.py` to include\n  Did you mean `lib.py`?"),
        ('a\n  --8<-- "nothing like it"', f"2:3: no file `nothing like it` to include\n  {WHERE}"),
        ('--8<-- "sub"', f"1:1: no file `sub` to include\n  {WHERE}"),
        ('--8<-- "lib.py:forwards"', "1:1: no section `forwards` in `lib.py`\n  Did you mean `forward`?"),
        ('--8<-- "lib.py:zzz"', "1:1: no section `zzz` in `lib.py`\n  Its sections: `forward`, `layer`, `open`."),
        ('--8<-- "part.md:zzz"', "1:1: no section `zzz` in `part.md`\n  It has no sections."),
        (
            '--8<-- "lib.py:open"',
            "1:1: the section `open` of `lib.py` has no end\n  Add `--8<-- [end:open]` behind its last line.",
        ),
        ('--8<-- "part.md:2:9"', "1:1: `part.md:2:9` asks for lines that are not there\n  The file has 3 lines."),
        ('--8<-- "part.md:3:2"', "1:1: `part.md:3:2` asks for lines that are not there\n  The file has 3 lines."),
        ('--8<-- "part.md:0"', "1:1: `part.md:0` asks for lines that are not there\n  The file has 3 lines."),
        ('--8<-- "part.md:1,,2"', "1:1: cannot read the lines of `part.md:1,,2`\n  Write them as `file:3:9`."),
        ('--8<-- "part.md:-"', "1:1: cannot read the lines of `part.md:-`\n  Write them as `file:3:9`."),
        (
            '--8<-- "part.md:a b"',
            "1:1: cannot read the include `part.md:a b`\n  Write `file`, `file:section` or `file:3:9`.",
        ),
        (
            "--8<-- part.md",
            (
                "1:1: an include whose path is not in quotes\n"
                '  Write `--8<-- "file.py"`, or `;--8<--` to show the text itself.'
            ),
        ),
        (
            "--8<--\n",
            "1:1: the block of includes is never closed\n  Add a line `--8<--` behind its last path.",
        ),
        (
            '--8<-- "https://example.org/x.py"',
            (
                "1:1: `https://example.org/x.py` is no file of this project\n"
                "  Copy it into the project and include the copy."
            ),
        ),
        ('--8<-- "../outside.md"', f"1:1: the include `../outside.md` leaves the project's include folders\n  {WHERE}"),
        (
            '--8<-- "sub/../../outside.md"',
            f"1:1: the include `sub/../../outside.md` leaves the project's include folders\n  {WHERE}",
        ),
        (
            '--8<-- "../docs_secret/key.md"',
            f"1:1: the include `../docs_secret/key.md` leaves the project's include folders\n  {WHERE}",
        ),
        ('--8<-- "/etc/hostname"', f"1:1: the include `/etc/hostname` leaves the project's include folders\n  {WHERE}"),
        ('--8<-- "C:/x.md"', f"1:1: the include `C:/x.md` leaves the project's include folders\n  {WHERE}"),
        ('--8<-- "..\\x.md"', f"1:1: the include `..\\x.md` leaves the project's include folders\n  {WHERE}"),
        (
            '--8<-- "out.md"',
            f"1:1: the include `out.md` is a link that leaves the project's include folders\n  {WHERE}",
        ),
        (
            '--8<-- "secret.md"',
            f"1:1: the include `secret.md` is a link that leaves the project's include folders\n  {WHERE}",
        ),
        (
            '--8<-- "up/private.md"',
            f"1:1: the include `up/private.md` is a link that leaves the project's include folders\n  {WHERE}",
        ),
    ],
)
def test_includes_that_are_refused(text: str, expected: str, site: Config) -> None:
    """At the including line; nothing is put in."""
    found, problems = include.expand(text, "docs/x.md", site)
    assert [str(problem) for problem in problems] == [f"docs/x.md:{expected}"]
    assert {line.path for line in found} <= {"docs/x.md"}


@pytest.mark.parametrize(
    ("name", "place", "cycle"),
    [
        ("a.md", "snippets/b.md", "`snippets/a.md` → `snippets/b.md` → `snippets/a.md`"),
        ("self.md", "snippets/self.md", "`snippets/self.md` → `snippets/self.md`"),
        ("page.md", "docs/page.md", "`docs/page.md` → `docs/page.md`"),
    ],
)
def test_a_circle_of_includes_is_named(name: str, place: str, cycle: str, site: Config) -> None:
    """At the line that closes it."""
    _, problems = include.expand(f'--8<-- "{name}"', "docs/page.md", site)
    assert [str(problem) for problem in problems] == [
        f"{place}:{problems[0].span.line}:1: the include goes in a circle: {cycle}\n  Take one of these includes out."
    ]


def test_a_fault_of_an_included_file_is_reported_in_that_file(site: Config) -> None:
    """Where the author has to mend it."""
    _, problems = include.expand('--8<-- "wrong.md"\n--8<-- "latin.md"', "docs/x.md", site)
    assert [str(problem.span) for problem in problems] == ["snippets/wrong.md:1:1", "snippets/latin.md:1:4"]


def test_a_folder_outside_the_root_is_not_searched(site: Config) -> None:
    """Even if the site names it."""
    outer = config.Config(site.root, site.docs, include=("..",))
    found, problems = include.expand('--8<-- "private.md"', "docs/x.md", outer)
    assert not found
    assert [problem.what for problem in problems] == ["no file `private.md` to include"]


def test_files_that_include_one_another_without_end_are_stopped(site: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty files, each of which includes the next one twice, are a million lines."""
    monkeypatch.setattr(include, "MOST_LINES", 100)
    for number in range(20):
        (site.root / f"snippets/n{number}.md").write_text(f'--8<-- "n{number + 1}.md"\n' * 2, encoding="utf-8")
    (site.root / "snippets/n20.md").write_text("x\n", encoding="utf-8")
    found, problems = include.expand('--8<-- "n0.md"', "docs/x.md", site)
    assert len(found) <= 100
    assert {problem.what for problem in problems} == {"the includes give more than 100 lines"}
    assert len(problems) == 1


def test_a_cell_of_an_include_keeps_the_lines_of_its_file(site: Config) -> None:
    """So that a traceback shows the author's own file."""
    text = '- item\n\n    ```python\n    a = 1\n    --8<-- "lib.py:forward"\n    ```\n'
    cell = parse.parse(text, "docs/x.md", site).checked().cells[0]
    assert cell.source == "a = 1\ndef forward(self, x):\n\n    return x\n"
    assert cell.origins == (
        ("docs/x.md", 4),
        ("snippets/lib.py", 5),
        ("snippets/lib.py", 6),
        ("snippets/lib.py", 7),
    )


def test_an_include_may_hold_fences_and_markers(site: Config) -> None:
    """They count as if they stood in the chapter; front matter is never expanded."""
    (site.root / "snippets/cells.md").write_text("<!-- DEEP -->\n```python\n1\n```\n<!-- /DEEP -->\n", encoding="utf-8")
    text = '---\nx: \'--8<-- "cells.md"\'\n---\n--8<-- "cells.md"\n'
    chapter = parse.parse(text, "docs/x.md", site).checked()
    assert [str(cell.span) for cell in chapter.cells] == ["snippets/cells.md:2:1"]
    assert [region.depth for region in chapter.regions] == ["DEEP"]
