"""pytest-codeblocks' comment directives, with the meaning that they have there.

They stand alone on their line and apply to the next fence, except the kinds of expected output, which make the next
fence the declared output of the cell before. One kind is our own, because pytest-codeblocks refuses what it does not
know: `<!--fathom:expected-output close rel=1e-6-->`. A directive that would do nothing is an error.
"""

from __future__ import annotations

import difflib
import importlib.machinery
import math
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..config import Config
from ..errors import Problem
from ..model import CellOptions, Expected, Line, Span, Tolerance
from .conditions import Mark, evaluate, read_mark
from .scan import Prose

_DIRECTIVE = re.compile(r"[-\s]*pytest-codeblocks:(.*)")
_OWN = re.compile(r"[-\s]*fathom\s*:\s*(expect.*)", re.DOTALL)
_MARK = re.compile(r"[-\s]*(pytest\.mark\..*)")
_NEARLY = re.compile(r"[-\s]*(pytest[-_ ]?code[-_ ]?blocks?\s*[:\-]|pytest\.marks?\b)", re.IGNORECASE)
_ARGUMENT = re.compile(r"(skipif|importorskip)\s*(?:\((.*)\))?$")
_EXPECTED = frozenset({"expected-output", "expected-output-ignore-whitespace"})
_CLOSE = re.compile(r"expected-output\s+close((?:\s+\S+)*)$")
_TOLERANCE = Tolerance(1e-6, 1e-12)
"""What `pytest.approx` allows."""
_XFAIL = frozenset({"expect-exception", "expect-error"})
_KNOWN = ("cont", "skip", "skipif", "skipfile", "importorskip", *sorted(_EXPECTED), *sorted(_XFAIL))


@dataclass(frozen=True, slots=True)
class _Pending:
    """A directive that waits for its fence."""

    text: str
    """The comment as messages show it."""
    span: Span
    """Where it stands."""
    reason: str | None = None
    """Why the cell is exempt."""
    may_raise: bool = False
    """Whether the cell may raise."""
    mark: str = ""
    """The pytest mark to record."""
    joins: bool = False
    """Whether it joins the cell with the one before."""


@dataclass(frozen=True, slots=True)
class _Output:
    """A declaration of output that waits for its fence."""

    directive: _Pending
    """The directive."""
    cell: int
    """The cell whose output it declares."""
    since: int | None
    """The first of the cells that are joined with it, if any are."""
    ignore_whitespace: bool
    """Whether white space does not count."""
    tolerance: Tolerance | None
    """How far numbers may be apart."""


@dataclass(slots=True)
class Directives:
    """Collects directives while the events of a chapter pass by, and hands them to the fences they apply to."""

    lines: Sequence[Line]
    """The chapter's lines."""
    body: int
    """Position of the first line after the front matter."""
    config: Config
    """Where cells import from."""
    problems: list[Problem] = field(default_factory=list)
    """What is wrong so far."""
    _pending: list[_Pending] = field(default_factory=list)
    _output: _Output | None = None
    _last: tuple[int | None] | None = None
    _since: int | None = None
    _declared: set[int] = field(default_factory=set)
    _skipfile: str | None = None
    _everywhere: list[_Pending] = field(default_factory=list)

    def mark_all(self, text: str, span: Span) -> None:
        """Take in a mark of all cells, from the front matter."""
        self._everywhere.append(self._mark(text.strip(), text, span))

    def take(self, event: Prose) -> None:
        """Take in the comments of a line of prose."""
        for comment in event.comments:
            text = self.lines[event.index].text
            line = self.lines[event.index]
            span = Span(line.path, line.number, comment.start + 1)
            shown = text[comment.start : comment.end]
            directive, mark, own = (each.match(comment.text) for each in (_DIRECTIVE, _MARK, _OWN))
            if not directive and not mark and not own:
                if _NEARLY.match(comment.text):
                    hint = "Write `<!--pytest-codeblocks:…-->` or `<!--pytest.mark.…-->`."
                    self._problem(span, f"`{shown}` is no directive of pytest-codeblocks", hint)
                continue
            if text[len(event.prefix) : comment.start].strip() or text[comment.end :].strip():
                self._problem(span, f"`{shown}` does not stand alone on its line", "Put it on a line of its own.")
            elif directive:
                self._directive(directive[1].strip("- \t"), shown, span, event.index)
            elif own:
                self._own(own[1].strip("- \t\n"), shown, span)
            elif mark:
                self._pending.append(self._mark(mark[1].strip(" \t"), shown, span))

    def expected(self, span: Span, content: Iterable[str]) -> tuple[int, Expected] | None:
        """The cell whose declared output the fence at `span` is, and that output; None: the fence stands for itself."""
        if self._output is None:
            return None
        output, self._output = self._output, None
        self._declared.add(output.cell)
        text = "".join(line + "\n" for line in content)
        return output.cell, Expected(text, output.ignore_whitespace, span, output.since, output.tolerance)

    def applied(self, options: CellOptions, span: Span) -> tuple[CellOptions, tuple[str, ...]]:
        """A cell's options with the waiting directives put in, and its pytest marks."""
        if options.raises is not None and any(each.may_raise for each in self._pending):
            what = f"the cell must raise `{options.raises}`, and a directive says that it may raise anything"
            self._problem(span, what, "Take one of the two out.")
        every = [*self._everywhere, *self._pending]
        reasons = [each.reason for each in every if each.reason is not None]
        if options.reason is None and reasons:
            options = replace(options, reason=reasons[0])
        if options.reason is None and self._skipfile is not None:
            options = replace(options, reason=self._skipfile)
        if any(each.may_raise for each in every) and options.raises is None:
            options = replace(options, may_raise=True)
        return options, tuple(each.mark for each in every if each.mark)

    def passed(self, number: int | None, language: str = "") -> None:
        """Note that a fence has passed: the cell `number`, or None for one of another language."""
        joins = next((each for each in self._pending if each.joins), None)
        if joins and number is None and not language:
            self._problem(joins.span, f"`{joins.text}` joins a fence that names no language", "Write ```python.")
        before = self._last[0] if self._last and joins else None
        # `since` stays where a chain of three began.
        self._since = None if before is None else before if self._since is None else self._since
        self._last = (number,)
        self._pending.clear()

    def finish(self) -> None:
        """Report the directives that no fence followed."""
        waiting = [*self._pending, *([self._output.directive] if self._output else [])]
        for each in waiting:
            self._problem(each.span, f"`{each.text}` applies to nothing: no fence follows", "Take it out, or move it.")

    def _problem(self, span: Span, what: str, hint: str) -> None:
        self.problems.append(Problem(span, what, hint))

    def _directive(self, keyword: str, shown: str, span: Span, index: int) -> None:
        """Take in `pytest-codeblocks:keyword`."""
        argument = _ARGUMENT.match(keyword)
        waiting = _Pending(shown, span)
        if keyword in _EXPECTED:
            self._expect(waiting, ignore_whitespace=keyword != "expected-output")
        elif keyword == "skipfile":
            self._skip_file(span, shown, index)
        elif keyword == "cont":
            if self._last is None:
                self._problem(span, f"`{shown}` continues nothing: no block stands before it", "Take it out.")
            else:
                self._pending.append(replace(waiting, joins=True))
        elif keyword == "skip":
            self._pending.append(replace(waiting, reason=f"skipped by `{shown}`", mark="pytest.mark.skip"))
        elif keyword in _XFAIL:
            self._pending.append(replace(waiting, may_raise=True, mark="pytest.mark.xfail"))
        elif argument and argument[2] and argument[2].strip():
            self._conditional(argument[1], argument[2].strip(), waiting)
        elif argument:
            self._problem(span, f"`{shown}` names nothing in parentheses", f"Write `{argument[1]}(…)`.")
        else:
            near = difflib.get_close_matches(keyword.partition("(")[0], _KNOWN, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Known directives: {', '.join(_KNOWN)}."
            self._problem(span, f"unknown directive `{keyword}` of pytest-codeblocks", hint)

    def _own(self, words: str, shown: str, span: Span) -> None:
        """Take in `fathom:…`."""
        close = _CLOSE.match(words)
        if not close:
            hint = (
                "Write `<!--fathom:expected-output close rel=1e-6-->`; `expected-output` alone is pytest-codeblocks'."
            )
            self._problem(span, f"unknown directive `{words}` of fathom", hint)
            return
        try:
            tolerance = _tolerance(close[1].split())
        except ValueError as error:
            self._problem(span, f"`{shown}`: {error}", "Write `rel=` or `abs=` and a number: `rel=1e-3`.")
            tolerance = _TOLERANCE
        self._expect(_Pending(shown, span), tolerance=tolerance)

    def _expect(
        self, waiting: _Pending, *, ignore_whitespace: bool = False, tolerance: Tolerance | None = None
    ) -> None:
        """Take in a declaration of output."""
        hint = "Put it between a cell and the fence that holds the cell's output."
        if self._last is None:
            self._problem(waiting.span, f"`{waiting.text}` has no block before it", hint)
        elif self._last[0] is None:
            self._problem(waiting.span, f"`{waiting.text}` follows a fence that does not run", hint)
        elif self._last[0] in self._declared or self._output:
            self._problem(waiting.span, f"`{waiting.text}`: the block before it has its expected output already", hint)
        else:
            self._output = _Output(waiting, self._last[0], self._since, ignore_whitespace, tolerance)

    def _skip_file(self, span: Span, shown: str, index: int) -> None:
        if index == self.body:
            self._skipfile = f"skipped by `{shown}`"
            return
        hint = "Move it to the first line of the file or behind the front matter."
        self._problem(span, f"`{shown}` does not stand on the first line", hint)

    def _conditional(self, kind: str, argument: str, waiting: _Pending) -> None:
        """Take in `skipif(…)` or `importorskip(…)`."""
        if kind == "importorskip":
            name = argument.strip("\"'")
            missing = not self._importable(name)
            reason = f"the module `{name}` is not installed" if missing else None
            self._pending.append(replace(waiting, reason=reason))
            return
        mark = f"pytest.mark.skipif({argument}, reason='')"
        try:
            reason = f"skipped by `{waiting.text}`" if evaluate(argument) else None
        except ValueError as error:
            self._problem(waiting.span, f"cannot evaluate the condition `{argument}`: {error}", _CONDITION_HINT)
            reason = None
        self._pending.append(replace(waiting, reason=reason, mark=mark))

    def _importable(self, name: str) -> bool:
        """Whether a module is there, without importing it."""
        top = name.partition(".")[0]
        folders = [str(self.config.root / folder) for folder in self.config.pythonpath]
        finder = importlib.machinery.PathFinder
        return top in sys.builtin_module_names or finder.find_spec(top, [*folders, *sys.path]) is not None

    def _mark(self, text: str, shown: str, span: Span) -> _Pending:
        """What `pytest.mark.…` asks for."""
        waiting = _Pending(shown, span, mark=text)
        try:
            mark = read_mark(text)
            holds = mark.condition is None or evaluate(mark.condition)
        except ValueError as error:
            self._problem(span, f"cannot read the mark `{text}`: {error}", _CONDITION_HINT)
            mark, holds = Mark(""), False
        if (mark.name in {"skip", "skipif"} or not mark.run) and holds:
            waiting = replace(waiting, reason=mark.reason or f"skipped by `{shown}`")
        elif mark.name == "xfail" and holds:
            waiting = replace(waiting, may_raise=True)
        return waiting


def _tolerance(words: Iterable[str]) -> Tolerance:
    """`rel=…` and `abs=…`, of which one may be left out.

    Raises:
        ValueError: It is neither, or no number from 0 on.
    """
    given: dict[str, float] = {}
    for word in words:
        name, _, value = word.partition("=")
        number = float(value) if re.fullmatch(r"[0-9.]+(e[-+]?[0-9]+)?", value, re.IGNORECASE) else math.inf
        if name not in {"rel", "abs"} or name in given or not math.isfinite(number):
            raise ValueError(f"cannot read `{word}`")
        given[name] = number
    # Who names one of the two wants that one.
    return Tolerance(given.get("rel", 0.0), given.get("abs", 0.0)) if given else _TOLERANCE


_CONDITION_HINT = "Conditions compare what `sys`, `os` and `platform` say: `sys.platform == 'win32'`."
