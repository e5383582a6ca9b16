"""The YAML between `---` lines at the very start of a chapter."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..errors import Problem
from ..model import Span

_KEYS = ("timeout", "ignore", "notebook")
_QUOTE = "put the value in quotation marks"
_REMEDIES = {
    "mapping values are not allowed": f"A `: ` makes a key: {_QUOTE}, or give keys of one level the same indentation.",
    "could not find expected ':'": "Write `key: value`, with a colon and a blank behind the key.",
    "'\\t' that cannot start": "Indent with blanks, not with tabs.",
    "that cannot start any token": f"That character means something to YAML: {_QUOTE}.",
    "expected alphabetic or numeric character": f"`*` and `&` mean something to YAML: {_QUOTE}.",
    "undefined alias": f"`*` means something to YAML: {_QUOTE}.",
    "expected <block end>": "Give keys of one level the same indentation, and each a line of its own.",
    "constructor for the tag": f"`!` means something to YAML: {_QUOTE}.",
}
"""What to do, by what PyYAML says."""
_PAIRS = {"[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Front:
    """A chapter's front matter."""

    length: int = 0
    """How many lines it takes, its two `---` included; 0 where there is none."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """All of it."""
    needs: tuple[str, ...] = ()
    """The chapters whose artifacts this one loads."""
    timeout: float | None = None
    """Seconds that a cell may take where it does not say."""
    marks: tuple[str, ...] = ()
    """The pytest marks of all its cells, in the author's words."""
    marks_place: Span | None = None
    """Where these stand."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with it."""


def read_front(lines: Sequence[str], path: str, first_line: int = 1) -> Front:
    """Read the front matter of a chapter, as MkDocs finds it: from a first line `---` to a line `---` or `...`."""
    if not lines or not re.fullmatch(r"---[ \t]*", lines[0]):
        return Front()
    end = next((at for at in range(1, len(lines)) if re.fullmatch(r"(---|\.\.\.)[ \t]*", lines[at])), None)
    if end is None:
        if len(lines) > 1 and re.match(r"[A-Za-z_][\w-]*:(\s|$)", lines[1]):
            hint = "Add a line `---` behind its last key."
            return Front(problems=(Problem(Span(path, first_line), "the front matter is never closed", hint),))
        return Front()
    return _Reader(path, first_line).read("\n".join(lines[1:end]) + "\n", end + 1)


@dataclass(slots=True)
class _Reader:
    """Reads one front matter."""

    path: str
    first_line: int
    problems: list[Problem] = field(default_factory=list)
    marks: dict[str, Span] = field(default_factory=dict)

    def read(self, text: str, length: int) -> Front:
        """Read the text between the two lines."""
        try:
            data = self.load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            what = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
            span = self.span(mark) if mark else Span(self.path, self.first_line)
            hint = _remedy(error, text, self.first_line + 1)
            return Front(length, problems=(Problem(span, f"the front matter is not YAML: {what}", hint),))
        except (ValueError, TypeError, OverflowError, RecursionError, AttributeError) as error:
            # PyYAML lets these escape from scalars that look like a date or a number and are none.
            span = Span(self.path, self.first_line)
            what = f"the front matter is not YAML: {error}"
            return Front(length, problems=(Problem(span, what, f"If it is text, {_QUOTE}."),))
        if data is None:
            return Front(length)
        if not isinstance(data, dict):
            # Two rules with text between them: MkDocs shows them as they are.
            return Front()
        needs, timeout, marks = self.needs(data), self.timeout(data), self.pytestmark(data)
        return Front(length, data, needs, timeout, marks, self.marks.get("pytestmark"), tuple(self.problems))

    def load(self, text: str) -> Any:
        """The data, with the place of each key kept."""
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if isinstance(node, yaml.MappingNode):
                self.mark(node, "")
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()

    def mark(self, node: yaml.MappingNode, above: str) -> None:
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                self.marks[above + key.value] = self.span(key.start_mark)
                if isinstance(value, yaml.MappingNode) and not above and key.value == "fathom":
                    self.mark(value, "fathom.")

    def span(self, mark: Any) -> Span:
        # The text begins on the line after the first `---`.
        return Span(self.path, self.first_line + 1 + mark.line, mark.column + 1)

    def problem(self, key: str, what: str, hint: str) -> None:
        self.problems.append(Problem(self.marks.get(key, Span(self.path, self.first_line)), what, hint))

    def needs(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        """The chapters named under `needs`."""
        value = data.get("needs")
        values = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) and item.strip() for item in values):
            hint = "Write `needs: chapter-05`, or a list of such names."
            self.problem("needs", "`needs` is no list of chapters", hint)
            return ()
        return tuple(values)

    def pytestmark(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        """The marks under `pytestmark`, which is pytest's name for those of a whole file."""
        value = data.get("pytestmark")
        values = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            self.problem("pytestmark", "`pytestmark` is no list of marks", "Write `pytestmark: pytest.mark.slow`.")
            return ()
        return tuple(values)

    def timeout(self, data: Mapping[str, Any]) -> float | None:
        """The default under `fathom: timeout:`."""
        options = data.get("fathom")
        if options is None:
            return None
        if not isinstance(options, dict):
            self.problem("fathom", "`fathom` is no mapping", "Write `fathom:`, and below it, indented, `timeout: 120`.")
            return None
        for key in options:
            if key not in _KEYS:
                near = difflib.get_close_matches(str(key), _KEYS, 1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(_KEYS)}."
                self.problem(f"fathom.{key}", f"unknown key `{key}` of `fathom`", hint)
        self.ignored(options.get("ignore"))
        if not isinstance(options.get("notebook", True), bool):
            hint = "Write `notebook: false` for a page without one."
            self.problem("fathom.notebook", "`notebook` is neither `true` nor `false`", hint)
        value = options.get("timeout")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            self.problem("fathom.timeout", "`timeout` is no number of seconds above 0", "Write `timeout: 120`.")
            return None
        return float(value)

    def ignored(self, value: Any) -> None:
        """Check `fathom: ignore:`; which names are rules, `linting` knows."""
        values = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            self.problem("fathom.ignore", "`ignore` is no list of rules", "Write `ignore: [missing-alt]`.")


def _remedy(error: yaml.YAMLError, text: str, first: int) -> str:
    """What to do about front matter that is no YAML.

    Args:
        error: What PyYAML says.
        text: The front matter.
        first: The line on which it begins.
    """
    said, start = str(getattr(error, "problem", "")), getattr(error, "context_mark", None)
    if start and "quoted scalar" in str(getattr(error, "context", "")):
        return f"Close the quotation mark of line {first + start.line}."
    if ("stream end" in said or "expected ',' or" in said) and (opened := _unclosed(text)):
        sign, line = opened
        return f"`{sign}` of line {first + line} is not closed: add `{_PAIRS[sign]}`."
    return next((hint for words, hint in _REMEDIES.items() if words in said), f"Write `key: value`; else {_QUOTE}.")


def _unclosed(text: str) -> tuple[str, int] | None:
    """The last bracket that is not closed, and its line from 0; brackets in quotation marks are text."""
    opened: list[tuple[str, int]] = []
    for match in re.finditer(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[\[\]{}]", text):
        sign = match[0]
        if sign in _PAIRS:
            opened.append((sign, text.count("\n", 0, match.start())))
        elif opened and sign == _PAIRS[opened[-1][0]]:
            opened.pop()
    return opened[-1] if opened else None
