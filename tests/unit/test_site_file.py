"""`mkdocs.yml`, read without MkDocs and to the same effect."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from mkdocs.config.base import load_config

from mkdocs_fathom import site_file
from mkdocs_fathom.errors import FathomError


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """A function that writes `mkdocs.yml`, and other files by name."""
    (tmp_path / "docs").mkdir()

    def lay_out(text: str = "", **others: str) -> Path:
        for name, content in {"mkdocs": text, **others}.items():
            (tmp_path / f"{name}.yml").write_text(textwrap.dedent(content), encoding="utf-8")
        return tmp_path / "mkdocs.yml"

    return lay_out


def message(file: Path) -> str:
    """What is said of a file."""
    with pytest.raises(FathomError) as error:
        site_file.load(file)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "plugins: [fathom: {jobs: 3}]",
        "plugins: {fathom: {jobs: 3}}",
        "plugins:\n  - search\n  - fathom:\n      jobs: 3",
        "markdown_extensions: [fathom: {jobs: 3}]",
        "markdown_extensions: {fathom: {jobs: 3}}",
        "markdown_extensions: [mkdocs_fathom.markdown_extension: {jobs: 3}]",
        "plugins: [fathom]\nmarkdown_extensions: [fathom: {jobs: 3}]",
        "plugins: [fathom: {jobs: 3}]\nmarkdown_extensions: [fathom: {jobs: 4}]",
        "x: &options {jobs: 3}\nplugins: [fathom: *options]",
        "x: &options {jobs: 3}\nplugins: [fathom: {<<: *options}]",
        "INHERIT: base.yml\nplugins: {fathom: {jobs: 3}}",
        "INHERIT: base.yml\nextra: 1",
    ],
)
def test_where_options_stand(write: Any, text: str) -> None:
    """Options are found wherever a site may write them; the plugin's go before the extension's."""
    file = write(text, base="site_name: Base\nplugins: {fathom: {jobs: 3, seed: 5}}")
    assert site_file.load(file).jobs == 3
    assert site_file.read(file).uses_fathom


@pytest.mark.parametrize(
    "text", ["", "site_name: Test", "plugins: [search]", "plugins:", "plugins: fathoms", "plugins: [1]"]
)
def test_site_without_fathom(write: Any, text: str) -> None:
    """A site may have no options of ours, and need not use us at all."""
    file = write(text)
    assert site_file.load(file).seed == 0
    assert not site_file.read(file).uses_fathom


def test_inherited_mappings_are_merged(write: Any) -> None:
    """Mappings are merged, as MkDocs merges them; folders are relative to the file that inherits."""
    file = write(
        "INHERIT: base.yml\nplugins: {fathom: {jobs: 3}}",
        base="INHERIT: ground.yml\nplugins: {fathom: {seed: 5, jobs: 1}}",
        ground="docs_dir: docs\nplugins: {fathom: {timeout: 7}}",
    )
    found = site_file.load(file)
    assert (found.jobs, found.seed, found.timeout) == (3, 5, 7)
    assert found.docs == file.parent / "docs"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!ENV JOBS", 4),
        ("!ENV [NOT_SET, JOBS, 9]", 4),
        ("!ENV [NOT_SET, 7]", 7),
        ("!ENV [JOBS, 7]", 4),
    ],
)
def test_environment(write: Any, monkeypatch: pytest.MonkeyPatch, value: str, expected: int) -> None:
    """`!ENV` means what it means to MkDocs."""
    monkeypatch.setenv("JOBS", "4")
    monkeypatch.delenv("NOT_SET", raising=False)
    file = write(f"site_name: T\nextra: {{jobs: {value}}}\nplugins: [fathom: {{jobs: {value}}}]")
    assert site_file.load(file).jobs == expected
    assert load_config(str(file))["extra"]["jobs"] == expected


def test_environment_without_value(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set counts as nothing written."""
    monkeypatch.delenv("NOT_SET", raising=False)
    assert site_file.load(write("docs_dir: !ENV NOT_SET")).docs.name == "docs"


def test_other_tags(write: Any) -> None:
    """Tags that only MkDocs or an extension understands do no harm."""
    text = """\
        markdown_extensions:
          - pymdownx.emoji:
              emoji_index: !!python/name:material.extensions.emoji.twemoji
          - pymdownx.snippets:
              base_path: !relative $config_dir
        plugins: [fathom: {jobs: 3}]
        """
    assert site_file.load(write(text)).jobs == 3


def test_docs_dir(write: Any) -> None:
    """Pages may stand elsewhere."""
    file = write("docs_dir: pages/here")
    said = f"mkdocs.yml:1:1: there is no folder `{file.parent}/pages/here` for pages\n  Make it, or mend `docs_dir`."
    assert message(file) == said
    (file.parent / "pages" / "here").mkdir(parents=True)
    assert site_file.load(file).docs == file.parent / "pages" / "here"


def test_linked_site(write: Any, tmp_path: Path) -> None:
    """A site that is reached through a link is the site that it leads to."""
    file = write("plugins: [fathom]")
    link = tmp_path / "link"
    link.symlink_to(file.parent, target_is_directory=True)
    found = site_file.load(link / "mkdocs.yml")
    assert (found.root, found.docs) == (file.parent, file.parent / "docs")


MEND = "\n  Mend the file."
GONE = (
    "mkdocs.yml:1:1: cannot read it: No such file or directory\n"
    "  Run this in the folder of `mkdocs.yml`, or name it with `-f`."
)
JOBS = (
    f"mkdocs.yml:4:7: option `jobs` of fathom: expected a whole number from 0 to {2**31}\n"
    "  How many chapters run at once; 0: as many as there are processors."
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plugins: [fathom", "mkdocs.yml:1:17: not YAML: expected ',' or ']', but got '<stream end>'" + MEND),
        ("a: b: c", "mkdocs.yml:1:5: not YAML: mapping values are not allowed here" + MEND),
        ("when: 2024-02-30", "mkdocs.yml:1:1: not YAML: day is out of range for month" + MEND),
        ("- fathom", "mkdocs.yml:1:1: not a mapping of options\n  Begin with `site_name: …`."),
        ("plugins:\n  - search\n  - fathom:\n      jobs: -1", JOBS),
        (
            "markdown_extensions:\n  fathom:\n    tmeout: 3",
            "mkdocs.yml:3:5: unknown option `tmeout` of fathom\n  Did you mean `timeout`?",
        ),
        (
            "plugins:\n  - fathom:\n      depths: [A, B]\n      default_depth: C",
            "mkdocs.yml:4:7: option `default_depth` of fathom: no depth `C`\n  Depths: A, B.",
        ),
        ("INHERIT: wrong.yml", "wrong.yml:3:9: unknown option `cash` of fathom\n  Did you mean `cache`?"),
        ("INHERIT: mkdocs.yml", "mkdocs.yml:1:1: `INHERIT` goes in a circle\n  Take it out of one of the files."),
        (
            "INHERIT: gone.yml",
            GONE.replace("mkdocs", "gone", 1),
        ),
    ],
)
def test_wrong_file(write: Any, text: str, said: str) -> None:
    """Whatever is wrong is said with its file and line."""
    assert message(write(text, wrong="plugins:\n  fathom: {cash: 3}".replace("{", "\n        ").rstrip("}"))) == said


def test_not_text(write: Any) -> None:
    """A file in another encoding is no traceback."""
    file = write()
    file.write_bytes(b"site_name: \xff")
    assert message(file).startswith("mkdocs.yml:1:1: not YAML: 'utf-8' codec can't decode byte 0xff")


def test_missing_file(tmp_path: Path) -> None:
    """Outside a site, the remedy is named."""
    assert message(site_file.find(tmp_path)) == GONE
    (tmp_path / "mkdocs.yaml").write_text("site_name: T")
    assert site_file.find(tmp_path).name == "mkdocs.yaml"
