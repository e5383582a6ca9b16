"""Faults 22 to 38: what a cell's code may do wrong, and what its author is told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import psutil
import pytest

from mkdocs_fathom.model import Run
from tests.conftest import Built
from tests.running import Runner, cells, printed, region, shown, streams

Build = Callable[..., Built]


def blocked(run: Run) -> list[int | None]:
    """For each cell of a path, the one that kept it from running."""
    return [result.blocked_by for result in run.results]


def test_22_exception(build_site: Build) -> None:
    """The build fails with the author's file and lines, and nothing of ours or of IPython's."""
    page = cells("def half(x):\n    return x / 0\n", "half(1)", "print('after')")
    built = build_site({"docs/index.md": page})
    assert built.code == 1
    error = built.stderr[built.stderr.index("docs/index.md:3") :]
    assert error.splitlines()[:9] == [
        "docs/index.md:3:1: ZeroDivisionError: division by zero",
        '  If the error is what you want to show, declare it: ```python raises="ZeroDivisionError".',
        "    Traceback (most recent call last):",
        '      File "docs/index.md", line 7, in <module>',
        "        half(1)",
        '      File "docs/index.md", line 3, in half',
        "        return x / 0",
        "               ~~^~~",
        "    ZeroDivisionError: division by zero",
    ]
    assert not built.site.exists() or not (built.site / "index.html").exists()


def test_23_a_declared_exception_that_does_not_come(run: Runner) -> None:
    failure = run.failure("1 + 1", fence='python raises="ValueError"')
    assert failure.what == 'the fence declares raises="ValueError", but the cell raised nothing'
    assert failure.hint == "Take the declaration away, or let the code raise it."
    assert str(failure.span) == "docs/a.md:1:1"


def test_24_syntax_error(build_site: Build) -> None:
    """It is told before anything runs: the good cell above leaves no trace."""
    page = cells("from mkdocs_fathom import artifacts\nartifacts.publish('ran').touch()\nprint('ran')", "x = = 1")
    built = build_site({"docs/index.md": page}, "fathom run")
    assert built.code == 1
    assert "docs/index.md:8:5: SyntaxError" in built.stderr
    assert "cells run" not in built.stderr
    assert not list(built.root.glob(".cache/fathom/**/*.json"))


def test_25_sys_exit(run: Runner) -> None:
    shallow = run(cells("import sys\nsys.exit(0)", "print('after')"))["SHALLOW"]
    failure = shallow.results[0].failure
    assert failure is not None
    assert (failure.what, failure.span.line) == ("the cell ended the program: SystemExit(0)", 3)
    assert blocked(shallow) == [None, 0]


def test_26_os_exit(run: Runner, build_site: Build) -> None:
    failure = run.failure("import os\nos._exit(0)")
    assert failure.what == "the cell ended its process with status 0"
    assert failure.hint == "Leave out `os._exit()`: the chapter goes on after this cell."
    built = build_site(
        {"docs/a.md": cells("import os\nos._exit(0)"), "docs/index.md": cells("print('unharmed')")}, "fathom run"
    )
    assert built.code == 1
    assert built.stderr.count("error") == 0
    assert "docs/a.md:1:1: the cell ended its process with status 0" in built.stderr
    assert "docs/index.md:" not in "".join(re.findall(r"^docs/index.md:\d.*", built.stderr, re.MULTILINE))


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        ("import ctypes\n\nctypes.string_at(0)", 4, "SIGSEGV (Segmentation fault)"),
        ("import os\nos.abort()", 3, "SIGABRT (Aborted)"),
    ],
)
def test_27_segfault(run: Runner, code: str, line: int, words: str) -> None:
    """The signal has its name, and the author's line is told, in a function of the standard library or not."""
    failure = run.failure(code)
    assert (failure.what, failure.span.line) == (f"the cell's process was killed by {words}", line)


ENDLESS = {
    "python": ("x = 0\nwhile True:\n    x += 1", {3, 4}),
    "c": (
        """
        import ctypes, signal
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        ctypes.CDLL(None).sleep(1000)
        """,
        {1},
    ),
    "ignores": ("import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(1000)", {4}),
}


@pytest.mark.parametrize("code", ENDLESS)
def test_28_endless(run: Runner, code: str) -> None:
    """The parent keeps the deadline, whatever the code ignores, and tells the line where that can be found out."""
    source, lines = ENDLESS[code]
    result = run.cell(source, fence='python timeout="0.5"')
    failure = result.failure
    assert failure is not None
    assert failure.what == "time limit: the cell still ran after 0.5 s and was ended"
    assert failure.hint == 'Make it faster, or allow more: ```python timeout="1".'
    assert failure.span.line in lines
    assert 0.5 <= result.seconds <= 2.5  # the promise itself: at most 2 s late


def test_29_input(run: Runner) -> None:
    """It is told at once, with the question."""
    failure = run.failure("input('name? ')", fence='python timeout="10"')
    assert failure.what == "EOFError: `input()` has nobody to ask while a site is built"
    assert failure.output == "name? "


LEFT = {
    "thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
    "child": "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])",
    "daemon": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
        _ = os.wait()
        """,
    "crash": """
        import ctypes, os, time
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)
        ctypes.string_at(0)
        """,
}


@pytest.mark.parametrize("code", LEFT)
def test_30_left_running(run: Runner, code: str) -> None:
    """What a chapter leaves behind ends with it, even what left its process group or outlives a crash."""
    results = run.shallow(cells(LEFT[code]), timeout=10.0)
    assert run.processes == []
    what = results[0].failure and results[0].failure.what
    assert what == ("the cell's process was killed by SIGSEGV (Segmentation fault)" if code == "crash" else None)


MEMORY = {
    "large": "x = []\nwhile True:\n    x.append(bytearray(2**20))",
    "small": "x = []\nwhile True:\n    x.append([None])",
    "to the last byte": """
        def fill(x):
            print("x" * 10**6)
            for size in 2**20, 2**14, 2**9, 64:
                try:
                    while True: x.append(bytearray(size))
                except MemoryError: pass
            raise MemoryError
        x = []; fill(x)
        """,
    "at once": "x = 0\n\nbytearray(2**40)",
}


@pytest.mark.parametrize("code", MEMORY)
def test_31_memory(run: Runner, code: str) -> None:
    """The limit is told, even when the cell has used up all that it may."""
    failure = run.failure(MEMORY[code], memory=300 * 2**20)
    assert failure.what == "memory limit: the cell needs more than 300 MiB (MemoryError)"
    assert failure.hint == "Compute with less, or raise fathom's `memory` in `mkdocs.yml`."
    assert failure.span.line == (8 if code == "to the last byte" else 4)


BOMBS = {
    "python": "import os\nwhile True:\n    os.fork()",
    "bash": "import subprocess, time\nsubprocess.run(['bash', '-c', ':(){ :|:& };:'])\ntime.sleep(1000)",
    "threads": "import subprocess\nx = [subprocess.Popen(['sleep', '1000']) for _ in range(1000)]",
}


@pytest.mark.parametrize("code", BOMBS)
def test_32_fork_bomb(run: Runner, code: str) -> None:
    failure = run.failure(BOMBS[code], processes=16)
    assert "process limit" in failure.what
    assert run.processes == []


FLOODS = {
    "python": "while True:\n    print('x' * 100)",
    "c": "import ctypes\nlibrary = ctypes.CDLL(None)\nwhile True:\n    library.puts(b'x')",
    "child": "import subprocess\nsubprocess.run(['yes'])",
    "thread": "import threading, time\nthreading.Thread(target=lambda: [print('x') for _ in iter(int, 1)]).start()\n"
    "time.sleep(1000)",
}


@pytest.mark.parametrize("code", FLOODS)
def test_33_endless_printing(run: Runner, code: str) -> None:
    """It is ended, its output is cut, and the page's author is told."""
    result = run.cell(FLOODS[code], output=20_000)
    failure = result.failure
    assert failure is not None
    assert failure.what == "output limit: the cell printed more than 19.5 KiB and was ended"
    assert failure.hint == "Print less, or raise fathom's `output` in `mkdocs.yml`."
    assert 0 < len(printed(result)) <= 20_000


def test_33_endless_display(run: Runner) -> None:
    result = run.cell("from IPython.display import HTML\nHTML('x' * 10**6)", output=20_000)
    failure = result.failure
    assert failure is not None
    assert failure.what == "output limit: what the cell displays is 977 KiB; the limit is 19.5 KiB"
    assert result.outputs == ()


def test_34_every_way_to_print(run: Runner) -> None:
    """Python, C with and without a line's end, a child and a raw write: all captured, in order."""
    code = """
        import ctypes, os, subprocess, sys
        library = ctypes.CDLL(None)
        print(1)
        library.puts(b"2")
        sys.stdout.write("3 ")
        library.printf(b"4 ")
        print(5)
        library.puts(b"6")
        done = subprocess.run(["echo", "7"])
        done = os.write(1, b"8\\n")
        sys.stdout.buffer.write(b"9\\n");
        """
    assert streams(run.cell(code)) == [("stdout", "1\n2\n3 4 5\n6\n7\n8\n9\n")]


def test_35_errors_between(run: Runner) -> None:
    """Standard error and displayed values stand where they came."""
    code = """
        import subprocess, sys
        print("a")
        print("b", file=sys.stderr)
        display("c")
        done = subprocess.run("echo d; echo e >&2; echo f", shell=True)
        print("g")
        """
    result = run.cell("from IPython.display import display\n" + code.replace("        ", ""))
    order = [output.get("text") or output["data"]["text/plain"] for output in result.outputs]
    assert order == ["a\n", "b\n", "'c'", "d\nf\n", "e\n", "g\n"]


def test_36_colour(build_site: Build) -> None:
    """Colours are styled on the page, and no control character is left in it."""
    built = build_site({"docs/index.md": cells(r"print('\033[31mred\033[0m \033[1Aplain')")})
    assert built.code == 0, built.stderr
    (output,) = re.findall(r'<pre class="fathom-stream[^>]*>(.*?)</pre>', built.page(), re.DOTALL)
    assert re.fullmatch(r"<span[^>]*>red</span> plain\s*", output)


def test_37_characters_that_are_none(run: Runner) -> None:
    """What is not UTF-8 becomes U+FFFD, one for each byte that makes no sense."""
    code = r"""
        import os
        print("a\0b", "\ud800")
        done = os.write(1, b"\xff\xfe|\n")
        """
    (stream,) = streams(run.cell(code))
    assert stream == ("stdout", "a\0b \ufffd\ufffd\ufffd\n\ufffd\ufffd|\n")


def test_37_on_the_page(build_site: Build) -> None:
    built = build_site({"docs/index.md": cells(r"print('a\0b')")})
    assert built.code == 0, built.stderr
    assert "\0" not in built.page()
    assert "a␀b" in built.page()


CHANGES = """
    import os, random, sys
    import matplotlib, numpy
    os.mkdir("here")
    os.chdir("here")
    os.environ["SEEN"] = "1"
    os.umask(0o777)
    random.seed(99)
    numpy.random.seed(99)
    numpy.set_printoptions(precision=1)
    matplotlib.rcParams["lines.linewidth"] = 99
    sys.path.append("/nowhere")
    sys.modules["json"] = None
    builtins = __builtins__
    """
LOOKS = """
    import os, random, sys
    import json, matplotlib, numpy
    print(os.listdir(), os.environ.get("SEEN"), oct(os.umask(0)), "/nowhere" in sys.path)
    print(random.random(), numpy.random.rand(), numpy.array([0.123456789]), matplotlib.rcParams["lines.linewidth"])
    print("builtins" in globals())
    """


def test_38_changes_stay_in_their_chapter(run: Runner) -> None:
    """Working folder, environment, random state, print options, rcParams and modules: as if nobody had been here."""
    before = printed(run.cell(LOOKS))
    assert run.cell(CHANGES).failure is None
    assert printed(run.cell(LOOKS)) == before
    assert before.splitlines()[0].startswith("[] None ")
    # The same holds between two paths of one chapter.
    runs = run(region("SHALLOW", CHANGES) + region("DEEP", LOOKS))
    assert runs["SHALLOW"].results[0].failure is None
    assert printed(runs["DEEP"].results[0]) == before


def test_38_nothing_is_left_of_the_test_itself(run: Runner) -> None:
    """The tests' own process has none of it either."""
    started = time.time()
    run.cell("import os\nos.environ['SEEN'] = '1'")
    assert "SEEN" not in psutil.Process().environ()
    assert started <= time.time()
    assert shown(run.cell("'SEEN' in __import__('os').environ")) == ["False"]
