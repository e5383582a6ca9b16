"""The options: what is accepted, and what is said of anything else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.model import Depth, Span

PLACE = Span("mkdocs.yml", 7, 5)


def build(**options: Any) -> config.Config:
    return config.build(Path("/site"), Path("/site/docs"), options, PLACE)


def message(**options: Any) -> str:
    """What is said of wrong options."""
    with pytest.raises(FathomError) as error:
        build(**options)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("chapters", "course/*.md", ("course/*.md",)),
        ("chapters", ["a.md", "b/**"], ("a.md", "b/**")),
        ("depths", ["SHALLOW", "VERY_DEEP"], (Depth("SHALLOW", "Shallow"), Depth("VERY_DEEP", "Very deep"))),
        ("depths", [{"name": "A", "label": "α"}, {"name": "B"}], (Depth("A", "α"), Depth("B", "B"))),
        ("default_depth", "DEEP", "DEEP"),
        ("cache_readonly", True, True),
        ("cache_size", "1.5 GiB", 3 * 2**29),
        ("memory", 1024, 1024),
        ("output", "2kB", 2000),
        ("timeout", 3, 3.0),
        ("jobs", 0, 0),
        ("seed", 2**32 - 1, 2**32 - 1),
        ("figure_format", "png", "png"),
        ("environment", [], ()),
    ],
)
def test_accepted(name: str, value: Any, expected: Any) -> None:
    """Each option takes what its kind is written as."""
    assert getattr(build(**{name: value}), name) == expected


STRINGS = "expected a list of strings"
PATTERNS = "expected patterns below `docs_dir`, such as `course/**/*.md`"
SIZE = "expected a size such as `2 GiB` or `512 MiB`"
SECONDS = "expected a number of seconds above 0"
DEPTH = "expected each depth as a name, or as `name:` and `label:`"


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("chapters", 3, STRINGS),
        ("chapters", [3], STRINGS),
        ("chapters", [""], STRINGS),
        ("chapters", None, STRINGS),
        ("chapters", [], PATTERNS),
        ("chapters", ["/etc/*.md"], PATTERNS),
        ("chapters", ["a/../../*.md"], PATTERNS),
        ("depths", [], "expected a list of depths, shallowest first"),
        ("depths", "SHALLOW", "expected a list of depths, shallowest first"),
        ("depths", ["shallow"], "the depth `shallow` must be a word in capitals, as its marker writes it"),
        ("depths", [{"label": "Deep"}], DEPTH),
        ("depths", [{"name": "DEEP", "lable": "Deep"}], DEPTH),
        ("depths", [{"name": "DEEP", "label": " "}], "the label of `DEEP` must be a text"),
        ("depths", ["DEEP", "DEEP"], "a depth is named twice"),
        ("cache", 3, "expected a string"),
        ("cache_readonly", "no", "expected `true` or `false`"),
        ("cache_size", "2 GB/s", SIZE),
        ("cache_size", True, SIZE),
        ("cache_size", 0, "expected a size from 1 byte to 8 EiB"),
        ("cache_size", "9" * 400, "expected a size from 1 byte to 8 EiB"),
        ("timeout", 0, SECONDS),
        ("timeout", float("inf"), SECONDS),
        ("timeout", float("nan"), SECONDS),
        ("timeout", "60", SECONDS),
        ("jobs", -1, f"expected a whole number from 0 to {2**31}"),
        ("jobs", True, f"expected a whole number from 0 to {2**31}"),
        ("processes", 0, f"expected a whole number from 1 to {2**31}"),
        ("seed", 2**32, f"expected a whole number from 0 to {2**32 - 1}"),
        ("figure_format", "pdf", "expected `svg` or `png`"),
        ("environment", ["LANG", "PYTHONHASHSEED"], "`PYTHONHASHSEED` is set by Fathom itself"),
    ],
)
def test_wrong_value(name: str, value: Any, what: str) -> None:
    """A value of the wrong kind is refused, with what the option is for."""
    doc = next(item.metadata["doc"] for item in config.option_fields() if item.name == name)
    assert message(**{name: value}) == f"mkdocs.yml:7:5: option `{name}` of fathom: {what}\n  {doc}"


def test_unknown_option() -> None:
    """An unknown option is refused with the nearest known one, or with all of them."""
    assert message(timout=3) == "mkdocs.yml:7:5: unknown option `timout` of fathom\n  Did you mean `timeout`?"
    known = ", ".join(item.name for item in config.option_fields())
    assert message(xyz=3) == f"mkdocs.yml:7:5: unknown option `xyz` of fathom\n  Known options: {known}."


def test_all_problems_at_once() -> None:
    """Everything that is wrong is said in one go, each at its own place where that is known."""
    places = {"jobs": Span("mkdocs.yml", 9, 7)}
    with pytest.raises(FathomError) as error:
        config.build(Path("/site"), Path("/site/docs"), {"jobs": -1, "cash": ""}, PLACE, places)
    assert [problem.span.line for problem in error.value.problems] == [7, 9]


def test_default_depth_must_exist() -> None:
    """The depth that a reader meets first is one of the site's."""
    said = "mkdocs.yml:7:5: option `default_depth` of fathom: no depth `EXPERT`\n  Depths: SHALLOW, DEEP."
    assert message(default_depth="EXPERT") == said
    assert build().start_depth == "SHALLOW"
    assert build(default_depth="DEEP").start_depth == "DEEP"


def test_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site says how many chapters run at once; else the processors do, whatever the system can tell of them."""
    assert build(jobs=3).worker_count == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 5}, raising=False)
    assert build().worker_count == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert build().worker_count == 7
    assert build(jobs=3).worker_count == 3


def test_relative() -> None:
    """Files below the root are shown relative to it, others as they are."""
    site = build()
    assert site.relative(Path("/site/docs/a.md")) == "docs/a.md"
    assert site.relative(Path("/other/a.md")) == "/other/a.md"


def test_every_option_has_a_type_and_a_line() -> None:
    """The reference of options is made from the options themselves."""
    types = config.option_types()
    assert list(types) == [item.name for item in config.option_fields()]
    assert all(item.metadata["doc"].endswith(".") for item in config.option_fields())
