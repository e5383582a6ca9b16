"""How the house is built: who imports whom, how large a part may be, what a module may hold, what a wheel contains."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import MappingProxyType

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "plugins" / "mkdocs_fathom"
ADAPTERS = frozenset(
    {
        "mkdocs_plugin",
        "mkdocs_build",
        "mkdocs_serve",
        "markdown_extension",
        "markdown_formulas",
        "markdown_tabs",
        "pytest_plugin",
        "cli",
        "cli_screen",
    }
)
HOSTS = frozenset({"click", "markdown", "mkdocs", "pymdownx", "pytest", "_pytest", "material"})
DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
CONSTRUCTORS = frozenset(
    {"list", "dict", "set", "bytearray", "defaultdict", "Counter", "OrderedDict", "deque", "ChainMap"}
    | {"SimpleNamespace", "local", "ContextVar"}
)
CHANGING_METHODS = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "move_to_end", "pop", "popitem", "remove"}
    | {"reverse", "setdefault", "sort", "update"}
)
MODULE_LINES = 300
FUNCTION_LINES = 40


def sources(folder: Path) -> Mapping[str, Path]:
    """The Python files below a folder by name; empty where there is none yet."""
    return MappingProxyType({file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*.py"))})


MODULES = MappingProxyType(
    {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): file
        for name, file in sources(PACKAGE).items()
    }
)
PARTS = tuple(name for name, file in MODULES.items() if file.name == "__init__.py")


@cache
def tree(file: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(file: Path) -> Iterator[str]:
    """Dotted names that a file imports, anywhere in it; relative ones of this package are made absolute."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = PACKAGE.parent if file.is_relative_to(PACKAGE) else ROOT
            around = file.relative_to(above).parts[: -node.level] if node.level else ()
            base = ".".join([*around, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imported_modules(file: Path) -> set[str]:
    """Modules of this package that a file imports."""
    prefix = "mkdocs_fathom."
    return {name.removeprefix(prefix) for name in imports(file) if name.startswith(prefix)} & set(MODULES)


def modules() -> pytest.MarkDecorator:
    """Once for each module of the package."""
    return pytest.mark.parametrize("module", MODULES)


def test_no_import_cycle() -> None:
    """Modules import each other in one direction, imports inside functions included."""
    graph = {module: imported_modules(file) - {module} for module, file in MODULES.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))
    assert set(order) == set(MODULES)


@modules()
def test_only_adapters_import_a_host(module: str) -> None:
    """Everything else works in any host, or in none."""
    hosts = {name for name in imports(MODULES[module]) if name.partition(".")[0] in HOSTS}
    assert module.partition(".")[0] in ADAPTERS or not hosts


@modules()
def test_only_adapters_import_an_adapter(module: str) -> None:
    """The core does not know by whom it is called."""
    adapters = imported_modules(MODULES[module]) & ADAPTERS
    assert module.partition(".")[0] in ADAPTERS or not adapters


def module_bindings(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Names and values that a module assigns at its top level, branches included."""
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from module_bindings([*node.body, *getattr(node, "orelse", [])])
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield from pairs(target, node.value)


def pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """The names of one assignment, each with what it gets."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
        for name, part in zip(target.elts, values, strict=False):
            yield from pairs(name, part)


def changed_names(module: ast.Module) -> Iterator[str]:
    """Names that code of a module changes in place or rebinds from within a function."""
    for node in ast.walk(module):
        if isinstance(node, ast.Global):
            yield from node.names
        elif isinstance(node, ast.AugAssign):
            yield ast.unparse(node.target)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            yield ast.unparse(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING_METHODS:
            yield ast.unparse(node.func.value)


def module_state(module: ast.Module) -> set[str]:
    """Names that make state of a module: what they hold changes, or may.

    A list, dictionary or set may stand as a constant: under a name in capitals, as long as nothing in the module
    changes it. A container that only a constructor makes is there to be filled, so it counts under any name.
    """
    bindings = [(name, value) for name, value in module_bindings(module.body) if name != "__all__"]
    changed = set(changed_names(module)) & {name for name, _ in bindings}
    displays = {name for name, value in bindings if isinstance(value, DISPLAYS) and not name.isupper()}
    built = {
        name
        for name, value in bindings
        if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in CONSTRUCTORS
    }
    return changed | displays | built


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("NAMES = ('a', 'b')", set()),
        ("_UNITS = {'B': 1}\ndef f(x): return _UNITS[x]", set()),
        ("UNITS = MappingProxyType({'B': 1})", set()),
        ("__all__ = ['f']", set()),
        ("def f():\n    found = []\n    found.append(1)", set()),
        ("seen = []", {"seen"}),
        ("_seen: dict[str, int] = {}", {"_seen"}),
        ("SEEN = set()", {"SEEN"}),
        ("SEEN = collections.defaultdict(list)", {"SEEN"}),
        ("_UNITS = {'B': 1}\ndef f(x): _UNITS[x] = 2", {"_UNITS"}),
        ("NAMES = ['a']\ndef f(x): NAMES.append(x)", {"NAMES"}),
        ("LAST = None\ndef f(x):\n    global LAST\n    LAST = x", {"LAST"}),
        ("if True:\n    a, seen = [], {}", {"a", "seen"}),
    ],
)
def test_state_is_recognised(code: str, state: set[str]) -> None:
    """The rule below lets constants pass and nothing else."""
    assert module_state(ast.parse(code)) == state


@modules()
def test_no_module_level_state(module: str) -> None:
    """What one build leaves behind, the next one in the same process does not see."""
    assert module_state(tree(MODULES[module])) == set()


@modules()
def test_modules_are_short(module: str) -> None:
    """A module holds one noun or verb."""
    lines = MODULES[module].read_text(encoding="utf-8").count("\n")
    assert lines <= MODULE_LINES


@modules()
def test_functions_are_short(module: str) -> None:
    """A function fits on a screen, its docstring included."""
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree(MODULES[module]))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
        if node.end_lineno - node.lineno >= FUNCTION_LINES
    }
    assert long == {}


@pytest.mark.parametrize("part", PARTS)
def test_docstring_names_every_module(part: str) -> None:
    """A package's docstring is its map: it names what is there, and nothing else."""
    named = set(re.findall(r"`([a-z_]+)`", ast.get_docstring(tree(MODULES[part])) or ""))
    folder = MODULES[part].parent
    there = {file.stem for file in folder.glob("*.py")} | {file.parent.name for file in folder.glob("*/__init__.py")}
    there -= {"__init__"}
    assert (there - named, named - there) == (set(), set()), "not named, not there"


@pytest.mark.parametrize("name", sources(ROOT / "snippets"))
def test_snippets_import_nothing_of_the_package(name: str) -> None:
    """The course's library can be read and used without Fathom."""
    assert not {found for found in imports(ROOT / "snippets" / name) if found.partition(".")[0] == "mkdocs_fathom"}


def tracked_files() -> list[Path]:
    """What belongs to the project: what git tracks, or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the repository: git knows what belongs to the project")
@pytest.mark.parametrize(
    ("thing", "pattern"),
    [
        # Each pattern is written so that it does not match itself.
        ("a registry's address", r"py[p]i\.org|python[h]osted|npm[j]s\.|(deb|security)\.debia[n]\.org"),
        ("a path of somebody's machine", r"/(hom[e]|User[s])/\w+|/roo[t]/|/wor[k]/"),
    ],
)
def test_no_file_names(thing: str, pattern: str) -> None:
    """The project installs from whatever registry its user has set up, on any machine."""
    found = [
        f"{file.relative_to(ROOT)}:{number}: {thing}: {match[0]}"
        for file in tracked_files()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if (match := re.search(pattern, line))
    ]
    assert found == []


def test_wheel_holds_the_whole_package(tmp_path: Path) -> None:
    """Whoever installs it gets the styles, the scripts and the types too."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("mkdocs_fathom/")}
    files = (file for file in PACKAGE.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    assert held == {file.relative_to(PACKAGE.parent).as_posix() for file in files}
    assert {"mkdocs_fathom/py.typed", "mkdocs_fathom/assets/fathom.css"} <= held
