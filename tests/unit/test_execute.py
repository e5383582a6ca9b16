"""Running real chapters: reading paths, what a cell sees and leaves, and workers that cannot be had."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mkdocs_fathom.errors import FathomError
from mkdocs_fathom.model import Dependency, Failure, Run
from mkdocs_fathom.parsing.parse import parse
from mkdocs_fathom.running import branch
from mkdocs_fathom.running.collect import Need
from mkdocs_fathom.running.execute import execute
from mkdocs_fathom.running.pool import Pool, worker_environment
from tests.running import Runner, cells, printed, region, shown, site, streams

Start = Callable[..., Runner]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a pool of its own for a site in `tmp_path`, whose options decide how its server is made."""
    pools = []
    said: list[str] = []

    def make(*, fork: bool = True, patience: float = 60, **options: Any) -> Runner:
        config = site(tmp_path, **{"preload": [], "timeout": 20, **options})
        pools.append(Pool(config, said.append, fork=fork, patience=patience))
        runner = Runner(pools[-1])
        runner.said = said
        return runner

    yield make
    for pool in pools:
        pool.close()


# Reading paths


def test_the_common_prefix_runs_once(run: Runner) -> None:
    """And what is behind it runs for each depth, with what the prefix left."""
    text = (
        cells("x = []", "x.append(1)") + region("SHALLOW", "x.append(2)") + region("DEEP", "x.append(3)") + cells("x")
    )
    runs = run(text)
    assert shown(runs["SHALLOW"].results[-1]) == ["[1, 2]"]
    assert shown(runs["DEEP"].results[-1]) == ["[1, 3]"]
    both = ("SHALLOW", "DEEP")
    assert sorted(run.started) == [
        (0, both),
        (1, both),
        (2, ("SHALLOW",)),
        (3, ("DEEP",)),
        (4, ("DEEP",)),
        (4, ("SHALLOW",)),
    ]


def test_a_path_has_a_namespace_of_its_own(run: Runner) -> None:
    """What one depth defines, another one's reader never sees; the error says so in these words."""
    text = "\n" * 85 + region("DEEP", "head_w = 1") + "\n" * 26 + cells("print(head_w)")
    failure = run(text)["SHALLOW"].results[-1].failure
    assert failure is not None
    assert failure.what == "`head_w` is defined at DEEP only (line 89); a SHALLOW reader of line 121 never sees it"
    assert failure.hint == "Define `head_w` outside the DEEP region, or at SHALLOW too."
    assert not run(text)["DEEP"].failed


def test_a_chapter_has_a_namespace_of_its_own(run: Runner) -> None:
    assert run.cell("left = 1").failure is None
    assert run.failure("left").what == "NameError: name 'left' is not defined"


def test_three_depths(start: Start) -> None:
    runner = start(depths=["LOW", "MIDDLE", "HIGH"])
    text = cells("x = 0") + region("MIDDLE", "x = 1") + region("HIGH", "x = 2") + cells("x") + region("HIGH", "-x")
    runs = runner(text)
    assert {depth: shown(item.results[-1]) for depth, item in runs.items()} == {
        "LOW": ["0"],
        "MIDDLE": ["1"],
        "HIGH": ["-2"],
    }


def test_random_numbers_go_on_where_paths_part(run: Runner) -> None:
    """As if each path had run by itself: also Python's own, which a fork reseeds."""
    draw = "import random\nimport numpy as np\nprint(random.random(), np.random.rand())"
    apart = run(cells(draw) + region("SHALLOW", draw) + region("DEEP", draw))
    whole = run.shallow(cells(draw, draw))
    assert printed(whole[0]) == "0.8444218515250481 0.5488135039273248\n"
    for depth in apart.values():
        assert [printed(result) for result in depth.results] == [printed(result) for result in whole]


def test_numpy_is_seeded_when_a_cell_imports_it(start: Start) -> None:
    code = "import numpy as np\nprint(np.random.rand())"
    assert (
        printed(start(preload=[]).cell(code)) == printed(start(preload=["numpy"]).cell(code)) == "0.5488135039273248\n"
    )
    assert printed(start(preload=[], seed=1).cell(code)) == "0.417022004702574\n"


def test_files_of_the_prefix_are_copied(run: Runner) -> None:
    """Siblings start with the same files, in the same folder, and do not see each other's."""
    write = "open('a.txt', 'a').write('{}');"
    first = "import os\nos.mkdir('below'); os.chdir('below')\nos.symlink('a.txt', 'link')\n" + write.format("x")
    read = "open('link').read(), sorted(os.listdir())"
    runs = run(
        cells(first)
        + region("SHALLOW", write.format("s"), "open('own', 'w').close()")
        + region("DEEP", write.format("d"))
        + cells(read)
    )
    assert shown(runs["SHALLOW"].results[-1]) == ["('xs', ['a.txt', 'link', 'own'])"]
    assert shown(runs["DEEP"].results[-1]) == ["('xd', ['a.txt', 'link'])"]


def test_a_path_of_the_prefix_is_refused(run: Runner) -> None:
    """Siblings would write to the same file by it, and which one wins would be chance."""
    text = cells("from pathlib import Path\nhere = Path('a').absolute()") + region("DEEP", "here.write_text('x')")
    failure = run(text)["DEEP"].results[-1].failure
    assert failure is not None
    assert failure.what == (
        "RefusedError: the folder of `a` belongs to the cells above, which several depths share; "
        "each depth has a copy of it: ask for the path again in this cell"
    )


def test_temporary_files_are_in_the_scratch_folder(run: Runner) -> None:
    code = "import os, tempfile\nos.path.samefile(tempfile.gettempdir(), '.')"
    runs = run(cells(code) + region("DEEP", code))
    assert [shown(result) for result in runs["DEEP"].results] == [["True"], ["True"]]


def test_published_in_the_prefix_and_in_branches(run: Runner) -> None:
    """A path's artifacts are what it would have published by itself."""
    publish = "from mkdocs_fathom import artifacts\nopen(artifacts.publish('{}'), 'a').write('{}');"
    runs = run(
        cells(publish.format("shared", "x"))
        + region("SHALLOW", publish.format("shared", "s"))
        + region("DEEP", publish.format("deep/own", "d"))
    )
    assert [artifact.name for artifact in runs["DEEP"].artifacts] == ["deep/own", "shared"]
    assert [(artifact.name, artifact.size) for artifact in runs["SHALLOW"].artifacts] == [("shared", 2)]
    assert (run.folders["SHALLOW"] / "shared").read_text() == "xs"
    assert (run.folders["DEEP"] / "shared").read_text() == "x"


def test_needed_artifacts(run: Runner, tmp_path: Path) -> None:
    """They are there to be loaded, cannot be changed, and are dependencies."""
    (tmp_path / "blob").write_text("weights")
    needs = {"w.txt": Need("docs/one.md#w.txt", "digest", tmp_path / "blob")}
    load = "from mkdocs_fathom import artifacts\npath = artifacts.load('w.txt')\nprint(path.read_text(), path)"
    item = run(cells(load), needs=needs)["DEEP"]
    assert printed(item.results[0]) == "weights artifacts/w.txt\n"
    assert Dependency("artifact", "docs/one.md#w.txt", "digest") in item.dependencies
    failure = run(cells(load + "\npath.write_text('')"), needs=needs)["DEEP"].results[0].failure
    assert failure is not None
    assert failure.what.startswith("RefusedError: a cell may write in its working folder")


# What a cell shows


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("1 + 1", ["2"]),
        ("1 + 1;", []),
        ("None", []),
        ("x = 1", []),
        ("1\n2", ["2"]),
        ("from IPython.display import display\ndisplay(1, 2)\n3", ["1", "2", "3"]),
        ("from IPython.display import display\nh = display(1, display_id=True)\ndisplay(2); h.update(3);", ["3", "2"]),
        ("from IPython.display import display, clear_output\ndisplay(1); clear_output(); display(2);", ["2"]),
        ("from IPython.display import display, clear_output\ndisplay(1); clear_output(wait=True);", ["1"]),
        ("from IPython.display import display, clear_output\ndisplay(1); clear_output(wait=True); display(2);", ["2"]),
        ("import asyncio\nawait asyncio.sleep(0, 5)", ["5"]),
        ("async def f(): return 6\nawait f()", ["6"]),
        ("from pathlib import Path\nPath.cwd() / 'a'", ["PosixPath('a')"]),
    ],
)
def test_values(run: Runner, code: str, values: list[str]) -> None:
    assert shown(run.cell(code)) == values


def test_a_figure_is_the_same_bytes_each_time(run: Runner) -> None:
    """An SVG without a date and with ids that do not change; a figure is shown once, and not again by the next cell."""
    draw = (
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2]); ax.fill_between([0, 1], [1, 2]);"
    )
    first, second = (run.shallow(cells(draw, "1")) for _ in range(2))
    (figure,) = first[0].outputs
    assert figure["data"]["image/svg+xml"].lstrip().startswith("<?xml")
    assert first[0].outputs == second[0].outputs
    assert shown(first[1]) == ["1"]


def test_a_backend_with_windows_is_not_used(run: Runner) -> None:
    """Fault 41: no cell can wait for a window that nobody closes."""
    code = (
        "import matplotlib\nimport matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\nprint(matplotlib.get_backend())"
    )
    assert "inline" in printed(run.cell(code))


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (r"import matplotlib.pyplot as plt; plt.title('$\\bad{$');", r"ValueError: \bad{"),
        ("class A:\n    def __repr__(self): raise KeyError('r')\nA()", "KeyError: 'r'"),
        ("class A:\n    def _repr_html_(self): raise KeyError('h')\nA()", "KeyError: 'h'"),
        ("class A(Exception):\n    def __str__(self): raise KeyError\nraise A", "A: <exception str() failed>"),
        ("exit()", "the cell ended the program: SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import os; os.execv('/bin/true', ['true'])", "RefusedError: a cell may not replace the process it runs in; "),
        ("1/0 if True else 2", "ZeroDivisionError: division by zero"),
        ("raise ValueError('\\n\\nsecond')", "ValueError: second"),
        ("raise ValueError('x' * 10**6)", "ValueError: " + "x" * 300),
    ],
)
def test_failures(run: Runner, code: str, what: str) -> None:
    """Also those of showing a value or a figure, which IPython would only print."""
    assert run.failure(code).what.startswith(what)


def test_tracebacks_show_code_as_it_runs(run: Runner) -> None:
    """A cell in a list or a quotation has its marks taken off, so that the carets stand where they belong."""
    text = "- a list\n\n    > ```python\n    > def f(x):\n    >     return x.y\n    > f(1)\n    > ```\n"
    failure = run(text)["DEEP"].results[0].failure
    assert failure is not None
    assert failure.traceback.splitlines()[3:6] == [
        '  File "docs/a.md", line 5, in f',
        "    return x.y",
        "           ^^^",
    ]
    look = text.replace("f(1)", "import inspect; print(inspect.getsource(f))")
    assert printed(run(look)["DEEP"].results[0]) == "def f(x):\n    return x.y\n\n"


def test_this_machines_folders_are_hidden(run: Runner) -> None:
    code = f"""
        import os
        print(os.getcwd(), os.path.abspath("a"), {str(run.pool.config.root / "b")!r}, "https://x//y")
        os.chdir("/")
        print("https://x//y")
        """
    assert printed(run.cell(code)) == ". a b https://x//y\nhttps://x//y\n"


# What a cell finds


def test_environment(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that nobody allowed are not there; what makes results the same everywhere is."""
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    monkeypatch.setenv("ALLOWED", "yes")
    names = set(worker_environment(run.pool.config))
    assert not {"SECRET_TOKEN", "ALLOWED"} & names
    allowed = worker_environment(dataclasses.replace(run.pool.config, environment=("ALLOWED", "ABSENT")))
    assert set(allowed) - names == {"ALLOWED"}
    code = "import json, os\nprint(json.dumps(dict(os.environ)))"
    seen = json.loads(printed(run.cell(code)))
    assert seen["OMP_NUM_THREADS"] == seen["OPENBLAS_NUM_THREADS"] == "1"
    assert seen["MALLOC_MMAP_THRESHOLD_"] == seen["MALLOC_TRIM_THRESHOLD_"] == str(2**30)
    assert (seen["PYTHONHASHSEED"], seen["TZ"]) == ("0", "UTC")
    assert not {"SECRET_TOKEN", "ALLOWED"} & set(seen)


def test_a_child_that_runs_out_of_the_cell(run: Runner) -> None:
    """It ends where a script's child would, with the status of one, and its error is seen."""
    fork = "import os\npid = os.fork()\n"
    told = "if pid:\n    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    assert printed(run.cell(f"{fork}{told}else:\n    print('child')")) == "child\n0\n"
    assert printed(run.cell(f"{fork}{told}else:\n    raise SystemExit(3)")) == "3\n"
    failed = run.cell(f"{fork}{told}else:\n    1/0")
    assert [name for name, _ in streams(failed)] == ["stderr", "stdout"]
    assert streams(failed)[0][1].endswith("ZeroDivisionError: division by zero\n")
    assert printed(failed) == "1\n"


def test_multiprocessing(run: Runner) -> None:
    code = "import multiprocessing as m\ndef f(x): return x * x\nwith m.Pool(2) as p: print(p.map(f, range(4)))"
    assert printed(run.cell(code)) == "[0, 1, 4, 9]\n"


def test_threads_print_in_full(run: Runner) -> None:
    code = """
        import threading
        threads = [threading.Thread(target=lambda n=n: [print(n) for _ in range(300)]) for n in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """
    assert sorted(printed(run.cell(code))) == sorted("0\n1\n2\n3\n" * 300)


@pytest.mark.parametrize(
    "code", ["import os; os.close(1); os.close(2)", "import os, shutil; shutil.rmtree(os.getcwd())"]
)
def test_what_a_cell_takes_away_does_not_harm_the_next(run: Runner, code: str) -> None:
    """Nor the branches behind it."""
    runs = run(cells(code) + region("DEEP", "import os; print('here', os.path.isdir('.'))"))
    assert [result.failure for result in runs["DEEP"].results] == [None, None]
    assert printed(runs["DEEP"].results[1]).startswith("here")


def test_a_shared_path_ends_with_a_thread_that_prints(run: Runner) -> None:
    """While branches run, nobody is answerable for what threads of the prefix print: it is dropped."""
    flood = """
        import threading, time
        def flood():
            time.sleep(0.3)
            while True: print("x" * 10_000)
        threading.Thread(target=flood).start()
        """
    runs = run(cells(flood) + region("DEEP", "import time\ntime.sleep(1)\nprint('done')"), output=10**5)
    assert printed(runs["DEEP"].results[1]) == "done\n"


def test_a_chapters_processes_outlive_other_chapters(run: Runner) -> None:
    """What a chapter lets run in the background is not ended with the chapter that ends first."""
    behind = "import os, subprocess, time\npid = int(subprocess.check_output('sleep 99 >&- & echo $!', shell=True))\n"
    text = cells(behind + "time.sleep(1)\nprint(open(f'/proc/{pid}/stat').read().split()[2])")
    chapter = parse(text, "docs/b.md", run.pool.config).checked()
    results: dict[str, tuple[Run, Path]] = {}
    thread = threading.Thread(target=lambda: results.update(execute(run.pool, chapter, ["DEEP"], {}, lambda *_: None)))
    thread.start()
    while thread.is_alive():
        run.cell("1")
    assert printed(results["DEEP"][0].results[0]) == "S\n"
    assert run.processes == []


# Workers that cannot be had


def same(runs: dict[str, Run]) -> dict[str, Run]:
    """Runs without what differs from one to the next."""
    return {
        depth: dataclasses.replace(
            item, seconds=0, results=tuple(dataclasses.replace(result, seconds=0) for result in item.results)
        )
        for depth, item in runs.items()
    }


def test_without_forks(start: Start) -> None:
    """Where there is no fork, each path runs in a process of its own, and comes to the same."""
    text = (
        cells("import random\nfrom mkdocs_fathom import artifacts\nartifacts.publish('a').touch()\nx = random.random()")
        + region("SHALLOW", "print(x)\nopen('f', 'w').close()")
        + region("DEEP", "x += 1\nprint(__import__('os').listdir())")
        + cells("x", "y", "never")
    )
    forked, spawned = start(), start(fork=False)
    expected = forked(text)
    assert same(spawned(text)) == same(expected)
    assert [failure.what for depth in expected.values() for failure in _failures(depth)] == [
        "NameError: name 'y' is not defined"
    ] * 2
    assert {len(depths) for _, depths in forked.started} == {1, 2}
    assert {len(depths) for _, depths in spawned.started} == {1}


def _failures(item: Run) -> list[Failure]:
    return [result.failure for result in item.results if result.failure]


@pytest.mark.parametrize("code", ["import os; os._exit(3)", "import ctypes; ctypes.string_at(0)", "while True: pass"])
def test_without_forks_a_crash(start: Start, code: str) -> None:
    runner = start(fork=False, timeout=1)
    failures = _failures(runner(cells(code))["DEEP"])
    assert [failure.what for failure in failures] in (
        ["the cell ended its process with status 3"],
        ["the cell's process was killed by SIGSEGV (Segmentation fault)"],
        ["time limit: the cell still ran after 1 s and was ended"],
    )


def test_default_preloads_need_not_be_installed(start: Start, tmp_path: Path) -> None:
    """A site that does not compute needs no numpy; one that names a module of its own is told, once."""
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError('No module', name='numpy')\n")
    runner = start(preload=["numpy", "nosuch"])
    assert not runner(cells("1"))["DEEP"].failed
    assert not runner(cells("2"))["DEEP"].failed
    assert runner.said == ["fathom's `preload`: cannot import `nosuch`: No module named 'nosuch'"]


def test_a_preload_that_fails(start: Start, tmp_path: Path) -> None:
    """What it prints does not get in the way."""
    (tmp_path / "bad.py").write_text("print('printed', flush=True)\nraise SystemExit(2)\n")
    runner = start(preload=["bad"], fork=False)
    assert printed(runner(cells("print(1)"))["DEEP"].results[0]) == "1\n"
    assert runner.said == ["fathom's `preload`: cannot import `bad`: SystemExit: 2"]


@pytest.mark.parametrize("fork", [True, False])
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os; os._exit(7)", "ended the process (status 7)"),
        ("import os; os.abort()", "ended the process (SIGABRT)"),
        ("import time; time.sleep(1000)", "takes more than 1 s"),
    ],
)
def test_a_preload_that_crashes_or_hangs(start: Start, tmp_path: Path, source: str, words: str, *, fork: bool) -> None:
    (tmp_path / "bad.py").write_text(source)
    hangs = "sleep" in source
    runner = start(preload=["bad"], fork=fork, patience=1 if hangs else 60)
    for _ in range(2):
        with pytest.raises(FathomError) as caught:
            runner(cells("1"))
        assert str(caught.value) == (
            f"mkdocs.yml:1:1: workers cannot be made ready: importing `bad` {words}\n"
            "  Mend the module, or take it out of fathom's `preload`."
        )


def test_what_a_preload_reads_is_a_dependency(start: Start, tmp_path: Path) -> None:
    """It decides results as much as what a cell reads."""
    (tmp_path / "mine.py").write_text("x = open('/data.csv'.replace('/', __file__[:-7])).read()\n")
    (tmp_path / "data.csv").write_text("1,2")
    item = start(preload=["mine"])(cells("import mine\nmine.x"))["DEEP"]
    assert shown(item.results[0]) == ["'1,2'"]
    assert {"mine.py", "data.csv"} <= {dependency.name for dependency in item.dependencies}


def test_a_server_that_dies_is_replaced(start: Start) -> None:
    """The chapter that ran then fails, with a word about it; the next one runs."""
    runner = start()
    assert not runner(cells("1"))["DEEP"].failed
    kill = "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(1000)"
    (failure,) = _failures(runner(cells(kill))["DEEP"])
    assert failure.what == "the cell's process ended without a word"
    assert not runner(cells("1"))["DEEP"].failed


def test_a_long_path_to_temporary_files(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's name would be too long there: another kind of socket serves as well."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    runs = start()(cells("print(1)") + region("DEEP", "print(2)"))
    assert printed(runs["DEEP"].results[1]) == "2\n"
    assert list(folder.iterdir())


def test_no_room_for_temporary_files(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(FathomError) as caught:
        start()(cells("1"))
    problem = caught.value.problems[0]
    assert problem.what.startswith("cannot make a folder for running cells: [Errno 2] No such file or directory")
    assert problem.hint == "Make room in the folder for temporary files, or name another in the variable `TMPDIR`."


def test_without_a_home(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    assert not start()(cells("1"))["DEEP"].failed


def test_the_authors_home_is_left_alone(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython would make a folder there."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert not start()(cells("1"))["DEEP"].failed
    assert list(home.iterdir()) == []


def test_nothing_is_left_of_a_pool(start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No descriptor, no thread, no process, no folder."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    this = psutil.Process()
    before = this.num_fds(), threading.active_count(), len(this.children(recursive=True))
    for fork in (True, False):
        runner = start(fork=fork)
        runner(cells("1") + region("DEEP", "2"))
        runner.pool.close()
    assert (this.num_fds(), threading.active_count(), len(this.children(recursive=True))) == before
    assert list((tmp_path / "tmp").iterdir()) == []


# Cells that mix their own lines with included ones


@pytest.mark.parametrize(
    ("code", "included", "out"),
    [
        ('def f():\n--8<-- "body.py"\nprint(f())', "    a = 1\n    return a\n", "1\n"),
        ('x = 0\n--8<-- "body.py"\nprint(y)', "y = max(\n    1,\n    2,\n)\n", "2\n"),
        ('z = max(\n    1,\n--8<-- "body.py"\nprint(z)', "    3,\n)\n", "3\n"),
    ],
)
def test_an_include_between_own_lines(start: Start, tmp_path: Path, code: str, included: str, out: str) -> None:
    runner = start()
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets" / "body.py").write_text(included)
    result = runner.cell(code)
    assert result.failure is None
    assert printed(result) == out


# What a cell's own processes break


@pytest.mark.parametrize("folder", ["../../*", "../../../*"])
def test_a_cell_whose_child_removes_our_folders(run: Runner, folder: str) -> None:
    """It fails; nothing else does."""
    failure = run.failure(f"import os, time\nos.system('rm -rf {folder}')\ntime.sleep(10)")
    assert failure.what == "the cell could not be run: FileNotFoundError: No such file or directory: `capture.out`"
    assert run.cell("1").failure is None


def test_a_branch_that_never_begins(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its paths fail; what ran before is kept."""
    monkeypatch.setattr(branch, "_OWN", 1.0)
    hang = "import os, time\nos.register_at_fork(after_in_child=lambda: time.sleep(1000))\nprint(1)"
    runs = run(cells(hang) + region("DEEP", "2"), timeout=3)
    first, second = runs["DEEP"].results
    assert (printed(first), first.failure) == ("1\n", None)
    assert second.failure is not None
    assert second.failure.what == "the cell could not be run: a process that it was to run in did not begin within 1 s"
    assert run.cell("1").failure is None


# Outputs that show where a line stands


@pytest.mark.parametrize(
    ("code", "shows"),
    [
        ("import warnings\nwarnings.warn('w')", True),
        ("print('a.md')", True),
        ('--8<-- "warn.py"', True),
        ("print('b.md', 'other.py')", False),
    ],
)
def test_lines_are_dependencies_where_an_output_names_their_file(
    start: Start, tmp_path: Path, code: str, *, shows: bool
) -> None:
    """The chapter's or that of an included cell, whose places then are the state."""
    runner = start()
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets" / "warn.py").write_text("import warnings\nwarnings.warn('w')\n")

    def lines(text: str) -> list[Dependency]:
        return [item for item in runner(text)["SHALLOW"].dependencies if item.kind == "line"]

    before = lines(cells(code))
    assert bool(before) == shows
    assert lines(cells(code)) == before
    assert (lines("\n" + cells(code)) != before) == shows


def test_the_state_of_a_line_tells_where_included_lines_stand(start: Start, tmp_path: Path) -> None:
    runner = start()
    (tmp_path / "snippets").mkdir()
    file = tmp_path / "snippets" / "warn.py"
    states = []
    for above in ("", "# x\n"):
        file.write_text(f"{above}# --8<-- [start:w]\nimport warnings\nwarnings.warn('w')\n# --8<-- [end:w]\n")
        run = runner(cells('--8<-- "warn.py:w"'))["SHALLOW"]
        states += [item.state for item in run.dependencies if item.kind == "line"]
    assert len(set(states)) == len(states) == 2
