"""pytest-codeblocks' directives: our collector comes to the same verdicts as its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import pytest

from tests.sessions import session

CONT = "<!--pytest-codeblocks:cont-->\n"


def code(text: str, comment: str = "") -> str:
    return f"{comment}\n```python\n{text}\n```\n" if comment else f"```python\n{text}\n```\n"


def directive(keyword: str, text: str = "1 / 0") -> str:
    return code(text, f"<!--pytest-codeblocks:{keyword}-->")


def mark(name: str, text: str = "1 / 0") -> str:
    return code(text, f"<!--pytest.mark.{name}-->")


def output(text: str, kind: str = "") -> str:
    return f"text\n\n<!--pytest-codeblocks:expected-output{kind}-->\n```\n{text}\n```\n"


PRINTS = code("print(1)\nprint('b')")
JOINED = code("print(1)") + CONT + code("print(2)")
CASES: Mapping[str, tuple[str, set[str]]] = MappingProxyType(
    {
        "plain": (code("1 + 1"), {"PASSED"}),
        "fails": (code("1 / 0"), {"FAILED"}),
        "long_fence": ("````python\ntext = '''\n```\n'''\n````\n", {"PASSED"}),
        "cont": (code("a = 1") + "text\n" + CONT + code("a + 1"), {"PASSED"}),
        "cont_first": (CONT + code("1"), {"ERROR"}),
        "cont_prints": (JOINED + output("1\n2"), {"PASSED"}),
        "prints": (PRINTS + output("1\nb"), {"PASSED"}),
        "prints_otherwise": (PRINTS + output("1"), {"FAILED"}),
        "prints_spaces": (PRINTS + output("1\n b"), {"FAILED"}),
        "prints_no_end": (code("print(1, end='')") + output("1"), {"FAILED"}),
        "loose": (PRINTS + output("\n  1\n\n b", "-ignore-whitespace"), {"PASSED"}),
        "loose_otherwise": (PRINTS + output("1", "-ignore-whitespace"), {"FAILED"}),
        "output_first": (output("1"), {"ERROR"}),
        "output_twice": (PRINTS + output("1\nb") + output("1\nb"), {"ERROR"}),
        "importorskip": (directive("importorskip(no_such_module)"), {"SKIPPED"}),
        "importorskip_there": (directive("importorskip(json)", "1"), {"PASSED"}),
        "importorskip_empty": (directive("importorskip", "1"), {"ERROR"}),
        "skip": (directive("skip"), {"SKIPPED"}),
        "skip_apart": ("<!--pytest-codeblocks:skip-->\n\ntext\n\n" + code("1 / 0") + code("1"), {"SKIPPED", "PASSED"}),
        "skipif": (directive("skipif(sys.maxsize > 0)"), {"SKIPPED"}),
        "skipif_not": (directive("skipif(sys.maxsize < 0)", "1"), {"PASSED"}),
        "skipif_empty": (directive("skipif", "1"), {"ERROR"}),
        "expect_exception": (directive("expect-exception"), {"XFAIL"}),
        "expect_error": (directive("expect-error", "raise KeyError(3)"), {"XFAIL"}),
        "expect_error_none": (directive("expect-error", "1"), {"XPASS"}),
        "unknown": (directive("no-such", "1"), {"ERROR"}),
        "mark_skip": (mark("skip(reason='later')"), {"SKIPPED"}),
        "mark_skipif": (mark("skipif(sys.maxsize > 0, reason='later')"), {"SKIPPED"}),
        "mark_xfail": (mark("xfail"), {"XFAIL"}),
        "mark_xfail_none": (mark("xfail", "1"), {"XPASS"}),
        "mark_xfail_strict": (mark("xfail(strict=True)", "1"), {"FAILED"}),
        "mark_xfail_not": (mark("xfail(sys.maxsize < 0, reason='never')"), {"FAILED"}),
        "mark_xfail_another": (mark("xfail(raises=KeyError)"), {"FAILED"}),
        "mark_xfail_unrun": (mark("xfail(run=False, reason='endless')", "1"), {"XFAIL"}),
        "mark_own": (mark("slow", "1"), {"PASSED"}),
        "mark_two": ("<!--pytest.mark.slow-->\n" + mark("xfail"), {"XFAIL"}),
        "spaces": (code("1 / 0", "<!-- pytest-codeblocks:skip -->"), {"SKIPPED"}),
        "dashes": (code("1 / 0", "<!--- pytest-codeblocks:skip --->"), {"SKIPPED"}),
        "skips_one": (code("1") + directive("skip"), {"PASSED", "SKIPPED"}),
        "unclosed": ("```python\n1\n", {"ERROR"}),
        "unicode": (code("print('ö → ∞')") + output("ö → ∞"), {"PASSED"}),
        "other_language": ("```ruby\nputs 1\n```\n", set()),
    }
)
OURS: Mapping[str, tuple[str, set[str]]] = MappingProxyType(
    {
        # Each of their cells is run by itself; ours are one program.
        "names": (code("a = 1") + code("a"), {"PASSED"}),
        # Theirs has no test then; the reason stands in ours.
        "skipfile": ("<!--pytest-codeblocks:skipfile-->\n" + code("1 / 0"), {"SKIPPED"}),
        # Theirs are passed over.
        "title": ('```python title="x"\n1 / 0\n```\n', {"FAILED"}),
        # Theirs is an exception of the collector's own.
        "xfail_raises": (mark("xfail(raises=ArithmeticError)"), {"XFAIL"}),
        # Theirs run it as Python; here a fence without a language is text.
        "cont_bare": (code("a = 1") + CONT + "```\na\n```\n", {"ERROR"}),
        # What stands in a comment does not run.
        "cont_hidden": (f"<!--\n{code('a = 1')}-->\n{CONT}{code('a')}", {"ERROR"}),
        # Theirs makes one test of cells that it joins; ours tells which of them fails.
        "cont_fails": (code("a = 1") + CONT + code("assert a == 2"), {"PASSED", "FAILED"}),
        "cont_prints_last": (JOINED + output("2"), {"PASSED", "FAILED"}),
    }
)
LINE = re.compile(
    r"^(?:docs/(\w+)\.md::line .*? (PASSED|FAILED|SKIPPED|XFAIL|XPASS)|ERROR docs/(\w+)\.md)", re.MULTILINE
)


def verdicts(
    folder: str, cases: Mapping[str, tuple[str, set[str]]], factory: pytest.TempPathFactory
) -> dict[str, set[str]]:
    """What becomes of each case: its outcomes."""
    tester = session(factory.mktemp(folder))
    uses = {"mkdocs": "site_name: Test\n"} if folder == "theirs" else {}
    files = {f"docs__{name}": text for name, (text, _) in cases.items()}
    said = tester("--codeblocks docs -vv --continue-on-collection-errors -p no:cacheprovider", 1, **uses, **files)
    found: dict[str, set[str]] = {name: set() for name in cases}
    for name, outcome, wrong in LINE.findall(said):
        found[name or wrong].add(outcome or "ERROR")
    return found


@pytest.mark.parametrize("collector", ["ours", "theirs"])
def test_verdicts(collector: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Case by case."""
    assert verdicts(collector, CASES, tmp_path_factory) == {name: outcomes for name, (_, outcomes) in CASES.items()}


def test_verdicts_that_differ(tmp_path_factory: pytest.TempPathFactory) -> None:
    """For a reason each."""
    assert verdicts("ours", OURS, tmp_path_factory) == {name: outcomes for name, (_, outcomes) in OURS.items()}
    theirs = verdicts("theirs", OURS, tmp_path_factory)
    assert {name for name, (_, outcomes) in OURS.items() if theirs[name] == outcomes} == set()
