"""Info strings: languages, options, and what is wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom.model import CellOptions
from mkdocs_fathom.parsing import fences


def faults(info: str) -> list[str]:
    """What is wrong, as `position: what / hint`."""
    return [f"{fault.at}: {fault.what} / {fault.hint}" for fault in fences.read_info(info).faults]


@pytest.mark.parametrize(
    "info",
    [
        "python",
        " python",
        "\tpy",
        "python3 ",
        "py3",
        ".python",
        "{.python}",
        "{ .py }",
        "{.python .a #b}",
        "python {.a}",
        "python{.a}",
    ],
)
def test_usual_spellings_of_python_are_cells(info: str) -> None:
    """And nothing is wrong with them."""
    read = fences.read_info(info)
    assert read.python
    assert not read.faults


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("", ""),
        ("   ", ""),
        ("pycon", "pycon"),
        ("python-repl title=x whatever", "python-repl"),
        ("ipython", "ipython"),
        ("pytb", "pytb"),
        ("python2", "python2"),
        ("cython", "cython"),
        ("Rust", "rust"),
        ("{.bash .x}", "bash"),
        ("{}", ""),
        ("c++", "c++"),
        ("text title=`x`", "text"),
        ("php", "php"),
        ("pug", "pug"),
        ("toml", "toml"),
        ("{note}", "note"),
        ('{title="x"}', ""),
    ],
)
def test_other_languages_are_left_alone(info: str, language: str) -> None:
    """Whatever stands behind them."""
    read = fences.read_info(info)
    assert (read.language, read.python, read.faults) == (language, False, ())


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ("Python", "0: unknown language spelling `Python` / Write `python`."),
        (" PYTHON", "1: unknown language spelling `PYTHON` / Write `python`."),
        ("Py", "0: unknown language spelling `Py` / Write `py`."),
        ("pyhton", "0: unknown language spelling `pyhton` / Write `python`."),
        ("pyton title=x", "0: unknown language spelling `pyton` / Write `python`."),
        ("pythn3", "0: unknown language spelling `pythn3` / Write `python3`."),
        ("python,", "0: unknown language spelling `python,` / Write `python`."),
        ("python:app.py", "0: unknown language spelling `python:app.py` / Write `python`."),
        ("python3.11", "0: unknown language spelling `python3.11` / Write `python3`."),
        ("{.Python}", "2: unknown language spelling `Python` / Write `python`."),
        ("{python}", "1: unknown language spelling `{python}` / Write `python`, or `{.python}`."),
        ("{py, echo=FALSE}", "1: unknown language spelling `py,` / Write `py`."),
        ("{code-cell} python", "1: unknown language spelling `{code-cell}` / Write `python`, or `{.python}`."),
    ],
)
def test_a_word_that_means_python_and_does_not_say_so(info: str, expected: str) -> None:
    """Its code would be shown and never run."""
    assert faults(info) == [expected]


@pytest.mark.parametrize(
    ("info", "options"),
    [
        ('python exec="false" reason="Needs a GPU."', CellOptions(reason="Needs a GPU.")),
        ("python exec=true", CellOptions()),
        ("python exec", CellOptions()),
        ('python hide="code"', CellOptions(hide="code")),
        ("python hide=output", CellOptions(hide="output")),
        ("python hide='all'", CellOptions(hide="all")),
        ("python setup", CellOptions(setup=True)),
        ('python setup="true" hide="output"', CellOptions(setup=True, hide="output")),
        ('python setup="false"', CellOptions()),
        ('python raises="ValueError"', CellOptions(raises="ValueError")),
        ('{.python raises="LinAlgError"}', CellOptions(raises="LinAlgError")),
        ('python timeout="120"', CellOptions(timeout=120.0)),
        ("python timeout=0.5", CellOptions(timeout=0.5)),
        ("python network", CellOptions(network=True)),
        ('python id="loss-curve"', CellOptions(id="loss-curve")),
        ("{.python #loss}", CellOptions(id="loss")),
        ('python alt=""', CellOptions(alt="")),
        ('python alt="a = b, {c} <d>"', CellOptions(alt="a = b, {c} <d>")),
    ],
)
def test_options_of_a_cell(info: str, options: CellOptions) -> None:
    """In both syntaxes, quoted or not."""
    read = fences.read_info(info)
    assert (read.options, read.faults) == (options, ())


def test_what_only_the_highlighter_reads() -> None:
    """Kept as it is, classes together."""
    info = '{.python .a .b title="x y" title_mode=html hl_lines="1 3-4" linenums="5 1 2" data-x="y" #i}'
    read = fences.read_info(info)
    assert read.display == {
        "title": "x y",
        "title_mode": "html",
        "hl_lines": "1 3-4",
        "linenums": "5 1 2",
        "data-x": "y",
        "class": "a b",
    }
    assert (read.options, read.faults) == (CellOptions(id="i"), ())


KNOWN = "exec, reason, hide, setup, raises, timeout, network, id, alt, title, title_mode, hl_lines, linenums"


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ('python tiltle="x"', ["7: unknown option `tiltle` / Did you mean `title`?"]),
        ("{.python linenum=1}", ["9: unknown option `linenum` / Did you mean `linenums`?"]),
        ("python qqq", [f"7: unknown option `qqq` / Known options: {KNOWN}."]),
        ('python Exec="false"', ["7: unknown option `Exec` / Did you mean `exec`?"]),
        ("python hide", ["7: option `hide` of a cell is not valid / Allowed: `code`, `output` or `all`."]),
        ("python hide=Code", ['7: option `hide="Code"` of a cell is not valid / Allowed: `code`, `output` or `all`.']),
        ("python title", ["7: option `title` of a cell is not valid / Allowed: a text."]),
        (
            "python exec=on",
            ['7: option `exec="on"` of a cell is not valid / Allowed: `true`, `false`, or the bare word.'],
        ),
        (
            "python network=yes",
            ['7: option `network="yes"` of a cell is not valid / Allowed: `true`, `false`, or the bare word.'],
        ),
        (
            "python timeout=0",
            ['7: option `timeout="0"` of a cell is not valid / Allowed: a number of seconds above 0.'],
        ),
        (
            "python timeout=1e9",
            ['7: option `timeout="1e9"` of a cell is not valid / Allowed: a number of seconds above 0.'],
        ),
        (
            "python timeout=٣",
            ['7: option `timeout="٣"` of a cell is not valid / Allowed: a number of seconds above 0.'],
        ),
        (
            'python raises="Value Error"',
            [
                (
                    '7: option `raises="Value Error"` of a cell is not valid'
                    " / Allowed: the name of an exception, without its module."
                )
            ],
        ),
        ('python id="a b"', ['7: option `id="a b"` of a cell is not valid / Allowed: a word.']),
        (
            'python hl_lines="1,3"',
            ['7: option `hl_lines="1,3"` of a cell is not valid / Allowed: lines and ranges such as `1 3-4`.'],
        ),
        (
            "python linenums=true",
            ['7: option `linenums="true"` of a cell is not valid / Allowed: a first number, such as `1`.'],
        ),
        ("python id=a id=b", ["12: option `id` is given twice / Keep one of them."]),
        ("{.python #a id=b}", ["12: option `id` is given twice / Keep one of them."]),
        ('python title="x', ['7: the quotation mark of `title="…` is never closed / Write `title="…"`.']),
        (
            'python exec=false reason=\'not now title="x" nosuch',
            ["18: the quotation mark of `reason='…` is never closed / Write `reason='…'`."],
        ),
        ("python ignore,wrap", ['7: cannot read `ignore,wrap` as an option / Write options as `name="value"`.']),
        ("{.python title=x", ["0: the braces of the options do not match / Close each `{` with `}`."]),
        (
            "python exec=false",
            ['7: `exec="false"` without a reason / Add `reason="…"`: why the cell does not run.'],
        ),
        (
            'python exec=false reason=" "',
            ['18: option `reason=" "` of a cell is not valid / Allowed: a text.'],
        ),
        (
            'python reason="x"',
            ['7: `reason` on a cell that runs / Write `exec="false"` as well, or take the reason out.'],
        ),
        (
            "python exec=true reason=x",
            ['17: `reason` on a cell that runs / Write `exec="false"` as well, or take the reason out.'],
        ),
        (
            "python exec=false reason=x raises=E",
            ['27: `raises` on a cell with `exec="false"` / Take one of the two out.'],
        ),
        (
            "python hide=code exec=false reason=x",
            ['7: `hide` on a cell with `exec="false"` / Take one of the two out.'],
        ),
        (
            "python setup hide=code",
            [
                (
                    '13: `setup` and `hide="code"` contradict each other'
                    " / A setup cell is shown folded: take one of the two out."
                )
            ],
        ),
    ],
)
def test_options_that_are_wrong(info: str, expected: list[str]) -> None:
    """Each at its own place, with what is allowed."""
    assert faults(info) == expected


def test_an_exempt_cell_without_a_reason_is_still_exempt() -> None:
    """The error is about the reason; the code must not run meanwhile."""
    assert fences.read_info("python exec=false").options.reason == ""


@given(st.one_of(st.text(), st.text(alphabet="python{}.#=\"' -_:,\t")))
def test_no_info_string_ends_in_a_traceback(info: str) -> None:
    """And every fault lies within it."""
    read = fences.read_info(info)
    assert all(0 <= fault.at <= len(info) for fault in read.faults)
