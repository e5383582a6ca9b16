"""All messages of the package, read from its code: for the guide's list, which so cannot be out of date.

A message is what a call that reports says, and what it says to do. A part that is only known when it happens is `…`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType

GAP = "…"
"""What stands for a part that is only known when it happens."""
REPORTS = MappingProxyType(
    {
        **dict.fromkeys(("Problem", "at", "Finding", "Fault", "fault", "Failure"), 1),
        **dict.fromkeys(("_not_ready", "Suspect"), 0),
        # Methods that know the place by other means: the last two arguments.
        **dict.fromkeys(("problem", "_problem"), -2),
    }
)
"""The calls that report, by name, with the position of what is wrong; what to do about it comes next."""
RAISES = frozenset({"RefusedError", "ValueError", "FileNotFoundError", "EOFError", "UsageError"})
"""Errors whose only argument is the whole message. A `ValueError` says what was expected, or why it is not so."""
RETURNS = frozenset({"_words", "_death", "_elsewhere", "_judge", "_without_depth"})
"""Functions that return what is wrong and what to do."""
HINTS = frozenset({"_similar", "for_error", "_for_file", "_publisher"})
"""Functions that return what to do about an exception."""


TITLES = MappingProxyType(
    {
        "The site and its options": ("config", "site_file", "mkdocs_build", "scheduling.chapters"),
        "Files and front matter": ("parsing.source", "parsing.parse", "parsing.frontmatter"),
        "Markers": ("parsing.markers",),
        "Fences and options": ("parsing.scan", "parsing.fences", "parsing.syntax", "parsing.census"),
        "Comments": ("parsing.directives", "parsing.conditions", "linting.ignored"),
        "Includes": ("parsing.include",),
        "Notebooks": ("parsing.notebook", "assets"),
        "Rules": ("parsing.mojibake", "linting"),
        "Cells that fail": (
            "running.advice",
            "running.failures",
            "running.session",
            "running.guard",
            "scheduling.expected",
        ),
        "Artifacts and needs": ("artifacts", "scheduling.needs", "scheduling.lookup", "scheduling.report"),
        "Runs that do not come about": ("running", "scheduling", "store"),
        "Pages": ("rendering", "markdown_extension", "mkdocs_plugin"),
        "Commands and pytest": ("cli", "cli_screen", "commands", "pytest_plugin"),
    }
)
"""The list's headings, each with the modules, or parts of the package, whose messages stand below it."""
OTHERS = "Others"
"""The heading of those that none of these names."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message, with its parts that are known beforehand."""

    what: str
    """What happened."""
    hints: tuple[str, ...]
    """What to do: one of these."""

    @property
    def known(self) -> bool:
        """Whether any word of it is known beforehand."""
        return any(letter.isalpha() for letter in self.what)


@dataclass(frozen=True, slots=True)
class Module:
    """A module and what it may say."""

    name: str
    """Its dotted name below the package."""
    messages: tuple[Message, ...]
    """Its messages, in order."""
    hints: tuple[str, ...]
    """What it says to do about an exception that a cell has raised."""
    silent: tuple[int, ...]
    """The lines of calls that report and of which no word is known beforehand."""


def modules(package: Path) -> list[Module]:
    """All modules of a package that say something."""
    found = []
    for file in sources(package):
        name = file.relative_to(package).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        module = _module(name, ast.parse(file.read_text("utf-8")))
        if module.messages or module.hints or module.silent:
            found.append(module)
    return found


def sources(package: Path) -> list[Path]:
    """The modules of a package, without a look at what Python keeps beside them."""
    below = [folder for folder in package.iterdir() if folder.is_dir() and folder.name != "__pycache__"]
    return sorted([*package.glob("*.py"), *(file for folder in below for file in sources(folder))])


def grouped(found: list[Module]) -> dict[str, list[Module]]:
    """Modules by the heading that names them most exactly."""
    groups: dict[str, list[Module]] = {title: [] for title in (*TITLES, OTHERS)}
    for module in (each for each in found if each.messages or each.hints):
        parts = [module.name, module.name.partition(".")[0]]
        title = next((title for part in parts for title, names in TITLES.items() if part in names), OTHERS)
        groups[title].append(module)
    return {title: group for title, group in groups.items() if group}


def html(found: list[Module]) -> str:
    """The list as a reader sees it: what happened, and below it what to do."""
    parts = []
    for title, group in grouped(found).items():
        hints = dict.fromkeys(hint for module in group for hint in module.hints)
        merged: dict[str, dict[str, None]] = {}
        for message in (message for module in group for message in module.messages):
            merged.setdefault(message.what, {}).update(dict.fromkeys(message.hints))
        if hints:
            merged["What is only known when it happens"] = hints
        parts.append(f"<h3>{inline(title)}</h3><ul>")
        parts += [_item(what, answers) for what, answers in merged.items()]
        parts.append("</ul>")
    return "\n".join(parts)


def _item(what: str, hints: Mapping[str, None]) -> str:
    return f"<li>{'<br>'.join([f'<strong>{inline(what)}</strong>', *map(inline, hints)])}</li>"


def inline(text: str) -> str:
    """A text with its code as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _module(name: str, tree: ast.Module) -> Module:
    messages: dict[Message, None] = {}
    hints: dict[str, None] = {}
    silent = []
    shared = _Names(tree, {})
    for function in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]:
        names = shared if function is tree else _Names(function, shared.everything)
        for node in _own(function):
            found = list(_said(node, names))
            messages |= dict.fromkeys(message for message in found if message.known)
            hints |= dict.fromkeys(hint for message in found if not message.known for hint in message.hints)
            if found and not any(message.known for message in found):
                silent.append(found_at(node))
            if isinstance(node, ast.Return) and node.value and _name(function) in HINTS:
                hints |= dict.fromkeys(text for text, _ in names.texts(node.value, node) if len(text) > 1)
    return Module(name, tuple(messages), tuple(hints), tuple(silent))


def found_at(node: ast.AST) -> int:
    """The line of a node."""
    return int(getattr(node, "lineno", 1))


def _said(node: ast.AST, names: _Names) -> Iterator[Message]:
    """What a statement or call says; nothing where it is none that reports."""
    if isinstance(node, ast.Call):
        name = _name(node.func)
        given = [*node.args, *(item.value for item in node.keywords if item.arg in {"what", "hint"})]
        method = REPORTS.get(name, 0) >= 0 or isinstance(node.func, ast.Attribute)
        if name in REPORTS and method and len(given) > max(REPORTS[name], 1):
            at = REPORTS[name] % len(given)
            yield from names.messages(given[at : at + 2], node)
        elif name in RAISES and given:
            yield from names.messages(given[:1], node)
    elif isinstance(node, ast.Return | ast.Yield) and isinstance(node.value, ast.Tuple) and names.name in RETURNS:
        yield from names.messages(node.value.elts, node)


class _Names:
    """What the names of a function, or of a module, may stand for."""

    def __init__(self, function: ast.AST, shared: Mapping[str, list[ast.expr]]) -> None:
        """Collect its assignments; `shared` are those of the module."""
        self.name = _name(function)
        self._shared = shared
        # By name: the value, the line, the lines of the block that it stands in, and whether that block is left.
        self._given: dict[str, list[tuple[ast.expr, int, range, bool]]] = {}
        self._collect(function)

    @property
    def everything(self) -> dict[str, list[ast.expr]]:
        """All values by name."""
        return {name: [value for value, *_ in given] for name, given in self._given.items()}

    def messages(self, parts: list[ast.expr], node: ast.AST) -> Iterator[Message]:
        """The messages of what is wrong and what to do; where both were chosen in one branch, they belong together."""
        whats = self.texts(parts[0], node)
        hints = self.texts(parts[1], node) if len(parts) > 1 else []
        for what, block in whats:
            same = [hint for hint, other in hints if block is not None and other == block]
            chosen = same or [hint for hint, _ in hints]
            yield Message(what, tuple(dict.fromkeys(hint for hint in chosen if len(hint) > 1)))

    def texts(self, node: ast.expr, user: ast.AST, depth: int = 0) -> list[tuple[str, range | None]]:
        """The texts that an expression may have, each with the branch in which it was chosen."""
        match node:
            case ast.Constant(value=str(text)):
                return [(text, None)]
            case ast.JoinedStr(values=parts):
                return [("".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in parts), None)]
            case ast.IfExp(body=one, orelse=other):
                return [*self.texts(one, user, depth), *self.texts(other, user, depth)]
            case ast.Subscript(value=ast.Name() as table):
                return self.texts(table, user, depth)
            case ast.Dict(values=entries):
                return [text for entry in entries for text in self.texts(entry, user, depth)]
            case ast.BinOp(op=ast.Add(), left=one, right=other):
                ends = self.texts(other, user, depth)
                return [(text + end, block) for text, block in self.texts(one, user, depth) for end, _ in ends]
            case ast.Name(id=name) if depth < 4 and (name in self._given or name in self._shared):
                values = self._values(name, user)
                return [(text, block) for value, block in values for text, _ in self.texts(value, user, depth + 1)]
        return [(GAP, None)]

    def _values(self, name: str, user: ast.AST) -> list[tuple[ast.expr, range | None]]:
        """The values that a name may have where it is used."""
        line = found_at(user)
        found: list[tuple[ast.expr, range | None]] = []
        for value, at, block, left in reversed(self._given.get(name, [])):
            if at <= line and (line in block or not left):
                found.append((value, block))
                if line in block:
                    break  # it stands on the way here, whatever came before
        return found[::-1] or [(value, None) for value in self._shared.get(name, [])]

    def _collect(self, node: ast.AST) -> None:
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            block = getattr(node, field, [])
            if not isinstance(block, list) or not block:
                continue
            # A pattern's case has no line of its own.
            lines = [found_at(each) for each in block if hasattr(each, "lineno")]
            inside = range(min(lines, default=0), (getattr(block[-1], "end_lineno", 0) or 0) + 1)
            left = isinstance(block[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)
            for each in block:
                if isinstance(each, ast.Assign):
                    self._assign(each, inside, left=left)
                elif not isinstance(each, ast.FunctionDef | ast.ClassDef):
                    self._collect(each)

    def _assign(self, node: ast.Assign, block: range, *, left: bool) -> None:
        for target in node.targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for name, value in zip(names, values, strict=False):
                if isinstance(name, ast.Name):
                    self._given.setdefault(name.id, []).append((value, node.lineno, block, left))


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, or of a module, without those of the functions in it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef):
            yield node
            yield from _own(node)


def _name(node: ast.AST) -> str:
    """What a function is called, where it is defined or called."""
    if isinstance(node, ast.FunctionDef):
        return node.name
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
