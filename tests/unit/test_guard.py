"""What the watch refuses, and what it finds a chapter to depend on. Each case is a program: a hook stays for good."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from mkdocs_fathom.store.keys import ABSENT, directory_state, file_state

PROGRAM = """
import json, os, shutil, socket, sqlite3, subprocess, sys, threading
from pathlib import Path
from mkdocs_fathom.running.guard import Guard
os.chdir(sys.argv[1])
root, run = Path("project").resolve(), Path("run").resolve()
if len(sys.argv) > 3:
    sys.prefix = sys.base_prefix = sys.argv[3]
guard = Guard(root)
guard.install()
before = open("project/before.txt").read()
guard.confine(run, (run / "1" / "work", run / "1" / "publish"), run.parent / "needs", 2)
os.chdir("run/1/work")
sys.path.insert(0, str(root))
outside, project = run.parent / "outside", root
refused = ""
try:
    exec(sys.argv[2])
except PermissionError as error:
    refused = f"{type(error).__name__}: {error}"
print(json.dumps([refused, [row for row in guard.dependencies() if row[0] != "module"]]))
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder with a project, a chapter's folders, and one that is neither."""

    root: Path

    def __call__(self, code: str, *prefix: str) -> tuple[str, set[tuple[str, str, str]]]:
        """What was refused, and the dependencies, of a piece of code."""
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(self.root), code, *prefix], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        refused, rows = json.loads(done.stdout.splitlines()[-1])
        rows = [row for row in rows if not (row[2] == ABSENT and row[1].startswith("/"))]  # beside an editable install
        return refused, {tuple(row) for row in rows} - {
            ("file", "before.txt", file_state(self.root / "project/before.txt"))
        }


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    for folder in ("project/data", "run/0/work", "run/1/work", "run/1/publish", "needs", "outside/below"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("project/before.txt", "project/data/a.csv", "needs/w.npz", "outside/file", "outside/below/file"):
        (tmp_path / file).write_text(file)
    (tmp_path / "project/helper.py").write_text("x = 1\n")
    (tmp_path / "project/latest.csv").symlink_to("data/a.csv")
    (tmp_path / "project/now").symlink_to("data")
    (tmp_path / "run/1" / "work" / "link").symlink_to(tmp_path / "outside/file")
    return Watched(tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        "open('a', 'w').close(); os.rename('a', 'b'); os.remove('b')",
        "os.makedirs('x/y'); shutil.rmtree('x')",
        "(run / '1/publish/w').write_text('')",
        "os.remove('link')",
        "os.symlink(outside / 'file', 'other')",
        "os.makedirs(outside, exist_ok=True)",
        "open(os.devnull, 'w').write('x')",
        "open(outside / 'file').read()",
        "sqlite3.connect('own.db').close()",
        "sqlite3.connect(':memory:').close()",
        "fd = os.open('.', os.O_RDONLY); os.mkdir('z', dir_fd=fd); os.rmdir('z', dir_fd=fd)",
        "shutil.copy(outside / 'file', 'copy'); os.utime('copy'); os.chmod('copy', 0o600); os.truncate('copy', 0)",
        "socket.socketpair()",
        "guard.network = True; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))",
        "[subprocess.run(['true']) for _ in range(5)]",
    ],
)
def test_allowed(watched: Watched, code: str) -> None:
    assert watched(code)[0] == ""


WRITE = "RefusedError: a cell may write in its working folder and through `artifacts.publish`, not to "


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("open(project / 'data/a.csv', 'a')", "data/a.csv"),
        ("open('../../../project/new', 'w')", "new"),
        ("os.open(project / 'new', os.O_CREAT | os.O_WRONLY)", "new"),
        ("open('link', 'w')", "{outside}/file"),
        ("os.remove(outside / 'file')", "{outside}/file"),
        ("os.rename(outside / 'file', 'mine')", "{outside}/file"),
        ("os.rename('link', outside / 'link')", "{outside}/link"),
        ("os.mkdir(outside / 'new')", "{outside}/new"),
        ("os.rmdir(outside / 'below')", "{outside}/below"),
        ("shutil.rmtree(outside / 'below')", "{outside}/below/file"),
        ("os.symlink('a', outside / 'a')", "{outside}/a"),
        ("os.link(outside / 'file', 'hard')", "{outside}/file"),
        ("os.truncate(outside / 'file', 0)", "{outside}/file"),
        ("os.chmod('link', 0)", "{outside}/file"),
        ("os.utime(outside / 'file')", "{outside}/file"),
        ("sqlite3.connect(project / 'my.db')", "my.db"),
        ("fd = os.open(outside, os.O_RDONLY); os.unlink('file', dir_fd=fd)", "{outside}/file"),
        ("with guard.off(): f = open(outside / 'file', 'a')\nos.ftruncate(f.fileno(), 0)", "{outside}/file"),
        (
            (
                "e = []\nt = threading.Thread(target=lambda: [e.append(1), (outside / 'x').touch()])\n"
                "threading.excepthook = lambda a: e.append(a.exc_value)\nt.start(); t.join(); raise e[1]"
            ),
            "{outside}/x",
        ),
    ],
)
def test_writing_elsewhere_is_refused(watched: Watched, code: str, name: str) -> None:
    """By whatever name, through a link, relative to an open folder, from another thread: and nothing has changed."""
    refused, _ = watched(code)
    assert refused == WRITE + name.format(outside=watched.root / "outside")
    assert sorted(path.name for path in (watched.root / "outside").rglob("*")) == ["below", "file", "file"]
    assert (watched.root / "outside/file").read_text() == "outside/file"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "open(run / '0' / 'work' / 'a', 'w')",
            (
                "the folder of `a` belongs to the cells above, which several depths share; "
                "each depth has a copy of it: ask for the path again in this cell"
            ),
        ),
        (
            "socket.create_connection(('192.0.2.1', 80))",
            "this cell may not use the network (192.0.2.1:80); allow it with `network` on its fence",
        ),
        (
            "socket.gethostbyname('example.org')",
            "this cell may not use the network (example.org); allow it with `network` on its fence",
        ),
        (
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 53))",
            "this cell may not use the network (192.0.2.1:53); allow it with `network` on its fence",
        ),
        (
            "[subprocess.Popen(['sleep', '5']) for _ in range(9)]",
            "process limit: a chapter may have 2 processes at once",
        ),
        ("os.execv('/bin/true', ['true'])", "a cell may not replace the process it runs in; use `subprocess`"),
    ],
)
def test_refused(watched: Watched, code: str, message: str) -> None:
    code = f"os.setpgid(0, 0); {code}" if "sleep" in code else code
    assert watched(code)[0] == f"RefusedError: {message}"


def test_dependencies(watched: Watched) -> None:
    """Files and folders of the project and elsewhere, as they were; not the interpreter's, not the chapter's own."""
    data = watched.root / "project/data"
    cases: dict[str, set[tuple[str, str, str]]] = {
        "open(project / 'data/a.csv')": {("file", "data/a.csv", file_state(data / "a.csv"))},
        "sqlite3.connect(f'file:{project}/data/a.csv?mode=ro', uri=True)": {
            ("file", "data/a.csv", file_state(data / "a.csv"))
        },
        "(project / 'none').exists() or open(project / 'before.txt')": set(),
        "os.listdir(project / 'data')": {("directory", "data", directory_state(data))},
        "list((project / 'data').glob('*.csv'))": {("directory", "data", directory_state(data))},
        "import helper": {("file", "helper.py", file_state(watched.root / "project/helper.py"))},
        "try: import optional\nexcept ImportError: pass": {
            ("file", name, ABSENT) for name in ("optional.py", "optional/__init__.py")
        },
        "import importlib.util; importlib.util.find_spec('optional')": {
            ("file", name, ABSENT) for name in ("optional.py", "optional/__init__.py")
        },
        "open('link')": {("file", str(watched.root / "outside/file"), file_state(watched.root / "outside/file"))},
        "open(project / 'latest.csv')": {
            ("file", name, file_state(data / "a.csv")) for name in ("data/a.csv", "latest.csv")
        },
        "os.listdir(project / 'now')": {("directory", name, directory_state(data)) for name in ("data", "now")},
        "open(run.parent / 'needs/w.npz')": {("artifact", "w.npz", "")},
        "sys.audit('fathom.load', 'w.npz')": {("artifact", "w.npz", "")},
        "import colorsys, xml.dom; open(os.__file__); open('/etc/hostname')": set(),
        "open('a', 'w').write('x'); open('a').read(); os.listdir()": set(),
        "try: open(project / 'absent')\nexcept FileNotFoundError: pass": {("file", "absent", ABSENT)},
    }
    found = {code: watched(code)[1] for code in cases}
    assert found == cases


def test_a_project_in_the_folder_of_the_interpreter(watched: Watched) -> None:
    """Its files count all the same; installed packages and the standard library do not."""
    code = "import helper, colorsys, xml.dom, yaml; open(os.__file__); open(yaml.__file__)"
    expected = {("file", "helper.py", file_state(watched.root / "project/helper.py"))}
    assert watched(code, str(watched.root))[1] == expected
    assert watched("import helper", str(watched.root / "project/data"))[1] == expected
