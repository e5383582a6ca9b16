"""The info string of a fence → its language and what its author asks of it.

Options stand behind the language, as `pymdownx.superfences` reads them: `key="value"` and bare `key`, or all of it
in braces, `{.python .class #id key="value"}`. An option that nobody reads is an error.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from ..model import CellOptions

PYTHON = frozenset({"python", "python3", "py", "py3"})
"""The languages whose fences are cells."""

_NEIGHBOURS = frozenset(
    "python2 python2.7 py2 pycon pytb py2tb py3tb python-repl python-console python-traceback ipython ipython2 ipython3"
    " ipythonconsole cython jython rpython bpython brython micropython circuitpython pypy pypylog pythontex py-spy"
    " python-doctest pyx pyi".split()
)
_LONGEST = 20
"""No misspelling of `python` is longer, and comparing long words takes long."""
_DIRECTIVES = frozenset({"code", "code-cell", "code-block", "sourcecode", "python-exec"})
_TOKEN = re.compile(
    r"(?P<brace>[{}])"
    r"|(?P<key>[A-Za-z_][\w:-]*)=(?P<value>\"[^\"]*\"|'[^']*'|[^\s{}\"'`=]+)(?=[\s}]|$)"
    r"|(?P<flag>[A-Za-z_][\w:-]*)(?=[\s}]|$)"
    r"|\.(?P<class>[^\s{}.#=\"']+)|\#(?P<id>[^\s{}.#=\"']+)|(?P<junk>[^\s}]+)"
)

_OPENED = re.compile(r"""([A-Za-z_][\w:-]*)=(["'])""")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in an info string."""

    at: int
    """Where in the info string, counted from 0."""
    what: str
    """What happened."""
    hint: str
    """What to do."""


@dataclass(frozen=True, slots=True)
class Info:
    """An info string, read."""

    language: str
    """The language in lower case; empty where there is none."""
    options: CellOptions
    """What the author asked of a cell."""
    display: Mapping[str, str]
    """What only the highlighter reads."""
    faults: tuple[Fault, ...]
    """What is wrong."""

    @property
    def python(self) -> bool:
        """Whether the fence is a cell."""
        return self.language in PYTHON


def read_info(info: str) -> Info:
    """Read what follows a fence's opening run. Of a fence that is no Python, only the language is read."""
    word, start, end = _language(info)
    language = word.lower()
    if fault := _misspelt(word, start, info):
        return Info(language, CellOptions(), {}, (fault,))
    if language not in PYTHON:
        return Info(language, CellOptions(), {}, ())
    reader = _Reader(info[:end].count("{"))
    for token in _TOKEN.finditer(info, end):
        reader.take(token)
        if reader.cut:
            break
    return Info(language, reader.options(), reader.display(), tuple(sorted(reader.faults, key=lambda fault: fault.at)))


def _language(info: str) -> tuple[str, int, int]:
    """The word that names the language, and from where to where it stands; its first class in braces."""
    match = re.match(r"[ \t]*\{[ \t]*\.?([^\s{}.#=\"']*)(?![^\s}])|[ \t]*\.?([^\s{]*)", info)
    if not match:
        return "", 0, 0
    group = 1 if match[1] is not None else 2
    return match[group], match.start(group), match.end()


def _misspelt(word: str, start: int, info: str) -> Fault | None:
    """The fault of a word that means Python and does not say so."""
    lower = word.lower()
    bare = info[:start].strip() == "{"
    if bare and (lower in PYTHON or lower in _DIRECTIVES):
        hint = f"Write `{lower if lower in PYTHON else 'python'}`, or `{{.{lower if lower in PYTHON else 'python'}}}`."
        return Fault(start, f"unknown language spelling `{{{word}}}`", hint)
    lead = re.split(r"[^\w-]", lower, maxsplit=1)[0]
    if lower in PYTHON:
        near = lower if word != lower else ""
    elif lower in _NEIGHBOURS or len(lead) > _LONGEST:
        near = ""
    elif lead in PYTHON:
        near = lead
    else:
        near = next(iter(difflib.get_close_matches(lead, ("python", "python3"), 1, 0.8)), "")
    return Fault(start, f"unknown language spelling `{word}`", f"Write `{near}`.") if near else None


def _flag(value: str) -> bool:
    if value not in {"", "true", "false"}:
        raise ValueError("`true`, `false`, or the bare word")
    return value != "false"


def _matching(pattern: str, allowed: str) -> Callable[[str], str]:
    """A check that a value matches."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(allowed)
        return value

    return check


def _seconds(value: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII) or float(value) == 0:
        raise ValueError("a number of seconds above 0")
    return float(value)


_CHECKS: Mapping[str, Callable[[str], object]] = {
    "exec": _flag,
    "reason": _matching(r"(?s).*\S.*", "a text"),
    "hide": _matching("code|output|all", "`code`, `output` or `all`"),
    "setup": _flag,
    "raises": _matching(r"[A-Za-z_]\w*", "the name of an exception, without its module"),
    "timeout": _seconds,
    "network": _flag,
    "id": _matching(r"[^\s\"'<>&]+", "a word"),
    "alt": _matching(r"(?s).*", "a text"),
    "title": _matching(r"(?s).*", "a text"),
    "title_mode": _matching("text|html", "`text` or `html`"),
    "hl_lines": _matching(r"\d+(-\d+)?([ \t]+\d+(-\d+)?)*", "lines and ranges such as `1 3-4`"),
    "linenums": _matching(r"\d+([ \t]+\d+){0,2}", "a first number, such as `1`"),
}
_DISPLAY = ("title", "title_mode", "hl_lines", "linenums")
_FLAGS = frozenset({"exec", "setup", "network"})
_RUNNING = ("hide", "raises", "timeout", "network", "alt")


class _Reader:
    """Collects the options of one info string."""

    def __init__(self, depth: int) -> None:
        self.values: dict[str, object] = {}
        self.places: dict[str, int] = {}
        self.classes: list[str] = []
        self.faults: list[Fault] = []
        self.depth = depth
        self.cut = False

    def take(self, token: re.Match[str]) -> None:
        """Take in the next token."""
        at = token.start()
        if token["brace"]:
            self.depth += 1 if token["brace"] == "{" else -1
        elif token["class"]:
            self.classes.append(token["class"])
        elif token["id"]:
            self.put("id", token["id"], at)
        elif token["flag"]:
            self.put(token["flag"], None, at)
        elif token["key"]:
            value = token["value"]
            self.put(token["key"], value[1:-1] if value[0] in "\"'" else value, at)
        elif opened := _OPENED.match(token["junk"]):
            # What follows may all be part of the value: nothing more can be said of this fence.
            self.cut = True
            what = f"the quotation mark of `{opened[1]}={opened[2]}…` is never closed"
            self.fault(at, what, f"Write `{opened[1]}={opened[2]}…{opened[2]}`.")
        else:
            self.fault(at, f"cannot read `{token['junk']}` as an option", 'Write options as `name="value"`.')

    def fault(self, at: int, what: str, hint: str) -> None:
        self.faults.append(Fault(at, what, hint))

    def put(self, key: str, value: str | None, at: int) -> None:
        """Take in one option."""
        check = _CHECKS.get(key)
        if key.startswith("data-"):
            check = _matching(r"(?s).*", "a text")
        if check is None:
            near = difflib.get_close_matches(key, _CHECKS, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Known options: {', '.join(_CHECKS)}."
            self.fault(at, f"unknown option `{key}`", hint)
        elif key in self.places:
            self.fault(at, f"option `{key}` is given twice", "Keep one of them.")
        else:
            self.places[key] = at
            try:
                self.values[key] = check(value or "") if value is not None or key in _FLAGS else _missing(check)
            except ValueError as error:
                shown = key if value is None else f'{key}="{value}"'
                self.fault(at, f"option `{shown}` of a cell is not valid", f"Allowed: {error}.")

    def options(self) -> CellOptions:
        """What the author asked for, once what contradicts itself was reported."""
        self.check_together()
        names = ("hide", "setup", "raises", "timeout", "network", "id", "alt")
        # Each value passed its check, so it has the type of its field.
        given: dict[str, Any] = {name: self.values[name] for name in names if name in self.values}
        options = replace(CellOptions(), **given)
        if self.values.get("exec") is False:
            options = replace(options, reason=str(self.values.get("reason", "")))
        return options

    def check_together(self) -> None:
        """Report options that are right by themselves and wrong together."""
        if self.cut:
            return
        if self.depth:
            self.fault(0, "the braces of the options do not match", "Close each `{` with `}`.")
        exempt = self.values.get("exec") is False
        if exempt and "reason" not in self.places:
            hint = 'Add `reason="…"`: why the cell does not run.'
            self.fault(self.places["exec"], '`exec="false"` without a reason', hint)
        if "reason" in self.places and not exempt and self.values.get("exec", True):
            hint = 'Write `exec="false"` as well, or take the reason out.'
            self.fault(self.places["reason"], "`reason` on a cell that runs", hint)
        for name in _RUNNING:
            if exempt and name in self.values:
                self.fault(self.places[name], f'`{name}` on a cell with `exec="false"`', "Take one of the two out.")
        if self.values.get("setup") and self.values.get("hide") in {"code", "all"}:
            hint = "A setup cell is shown folded: take one of the two out."
            self.fault(self.places["hide"], f'`setup` and `hide="{self.values["hide"]}"` contradict each other', hint)

    def display(self) -> dict[str, str]:
        """What only the highlighter reads."""
        shown = {key: str(value) for key, value in self.values.items() if key in _DISPLAY or key.startswith("data-")}
        return shown | ({"class": " ".join(self.classes)} if self.classes else {})


def _missing(check: Callable[[str], object]) -> NoReturn:
    """Refuse an option without a value, in the words of its check."""
    check("\n")
    raise ValueError("a text")
