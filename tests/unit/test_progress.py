"""What is on the screen while chapters run."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mkdocs_fathom import config
from mkdocs_fathom.model import CellResult, Failure, Run, Span
from mkdocs_fathom.parsing import parse
from mkdocs_fathom.scheduling import progress

SETTINGS = config.build(Path("/site"), Path("/site/docs"), {}, Span("mkdocs.yml", 1))
FENCES = "".join(f"\n```python\n{number}\n```\n" for number in range(4))
CHAPTER = parse.parse(f"# Page\n{FENCES}", "docs/a.md", SETTINGS).checked()
SHALLOW, DEEP = ("SHALLOW",), ("DEEP",)
BOTH = (*SHALLOW, *DEEP)


def run(*numbers: int, cached: bool = False, failed: bool = False, seconds: float = 1.24) -> dict[str, Run]:
    failure = Failure(Span("docs/a.md", 3), "no", "") if failed else None
    results = tuple(CellResult(number, (), 0.1, failure) for number in numbers)
    return {"DEEP": Run("docs/a.md", "DEEP", results, seconds=seconds, cached=cached)}


@pytest.mark.parametrize(
    ("runs", "line"),
    [
        (run(0), "docs/a.md: 1 cell in 1.2 s"),
        (run(0, 1), "docs/a.md: 2 cells in 1.2 s"),
        (run(0, failed=True), "docs/a.md: 1 cell in 1.2 s, failed"),
        ({**run(0), "SHALLOW": run(1, 2, cached=True, seconds=9)["DEEP"]}, "docs/a.md: 1 cell in 1.2 s"),
    ],
)
def test_summary(runs: dict[str, Run], line: str) -> None:
    """Elsewhere than on a terminal, a chapter that ran leaves one line, of the cells that ran now."""
    lines: list[str] = []
    plain = progress.PlainProgress(lines.append)
    plain.started(CHAPTER, 4)
    plain.cell(CHAPTER, CHAPTER.cells[0], BOTH)
    assert lines == []
    plain.finished(CHAPTER, runs)
    assert lines == [line]


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def screen(text: str) -> list[str]:
    """The lines that a terminal shows after all that was written to it."""
    lines = [""]
    for part in re.split(r"(\x1b\[\d*[FJ]|\n)", text):
        if part == "\n":
            lines.append("")
        elif up := re.fullmatch(r"\x1b\[(\d+)F", part):
            del lines[len(lines) - int(up[1]) :]
            lines[-1] = ""
        elif part != "\x1b[J":
            lines[-1] += part
    return lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until its last value is changed; nothing is repainted by itself."""
    now = [100.0]
    monkeypatch.setattr("mkdocs_fathom.scheduling.progress.time.monotonic", lambda: now[-1])
    monkeypatch.setattr(progress, "_REPAINT", 1000)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "5")
    return now


def test_live_line(clock: list[float]) -> None:
    """A chapter's line shows cells done, the cell that runs now with its line and seconds, and the slowest so far."""
    terminal = Terminal()
    live = progress.LiveProgress(terminal)
    live.started(CHAPTER, 4)
    shown = []
    for number, seconds in enumerate((1.5, 0.3, 0.0)):
        live.cell(CHAPTER, CHAPTER.cells[number], BOTH)
        clock.append(clock[-1] + seconds)
        live.say("note")
        shown.append(screen(terminal.getvalue())[-2])
    assert shown == [
        "docs/a.md  0/4 cells, line 3 for 1.5 s",
        "docs/a.md  1/4 cells, line 7 for 0.3 s, slowest line 3 (1.5 s)",
        "docs/a.md  2/4 cells, line 11 for 0.0 s, slowest line 3 (1.5 s)",
    ]
    assert screen(terminal.getvalue())[:3] == ["note", "note", "note"]
    live.finished(CHAPTER, run(0, 1))
    assert screen(terminal.getvalue()) == ["note", "note", "note", "docs/a.md: 2 cells in 1.2 s", ""]


def test_paths_that_have_parted(clock: list[float]) -> None:
    """After paths part, each shows the cell that it runs; a cell that both run counts once."""
    terminal = Terminal()
    live = progress.LiveProgress(terminal)
    live.started(CHAPTER, 4)
    live.cell(CHAPTER, CHAPTER.cells[0], BOTH)
    clock.append(102.0)
    live.cell(CHAPTER, CHAPTER.cells[1], DEEP)
    live.cell(CHAPTER, CHAPTER.cells[3], SHALLOW)
    clock.append(103.0)
    live.say("note")
    line = "docs/a.md  1/4 cells, line 7 for 1.0 s, line 15 for 1.0 s, slowest line 3 (2.0 s)"
    assert screen(terminal.getvalue())[-2] == line
    live.cell(CHAPTER, CHAPTER.cells[3], DEEP)
    live.say("note")
    assert screen(terminal.getvalue())[-2].startswith("docs/a.md  2/4 cells, line 15 for 1.0 s, line 15 for 0.0 s")


@pytest.mark.parametrize(("size", "width", "height"), [("20 5", 19, 4), ("200 2", 45, 1)])
def test_small_terminal(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, size: str, width: int, height: int
) -> None:
    """Live lines never wrap or scroll, or they could not be taken away again."""
    for name, value in zip(("COLUMNS", "LINES"), size.split(), strict=True):
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    live = progress.LiveProgress(terminal)
    for number in range(6):
        page = parse.parse("# Page\n", f"docs/{number}-{'long' * 6}.md", SETTINGS).checked()
        live.started(page, 1)
    live.say("note")
    shown = screen(terminal.getvalue())[1:-1]
    assert len(shown) == height
    assert max(map(len, shown)) == width
    assert clock == [100.0]


def test_nothing_is_left(clock: list[float]) -> None:
    """At the end, live lines are gone, even if a chapter is still running."""
    terminal = Terminal()
    with progress.LiveProgress(terminal) as live:
        live.started(CHAPTER, 4)
        live.say("note")
        assert screen(terminal.getvalue())[1] == "docs/a.md  0/4 cells"
    assert screen(terminal.getvalue()) == ["note", ""]
    assert clock == [100.0]


def test_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a terminal that can go back to a line gets live lines."""
    plain = progress.PlainProgress(print)
    monkeypatch.setenv("TERM", "xterm")
    with progress.choose(Terminal(), plain) as chosen:
        assert isinstance(chosen, progress.LiveProgress)
    with progress.choose(io.StringIO(), plain) as chosen:
        assert chosen is plain
    monkeypatch.setenv("TERM", "dumb")
    with progress.choose(Terminal(), plain) as chosen:
        assert chosen is plain


def on_terminal(root: Path) -> str:
    """What `fathom run` writes to a real terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mkdocs_fathom.cli", "run"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(command, cwd=root, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                data = os.read(ours, 1 << 16)
            except OSError:  # Linux tells the end of a terminal in this way
                break
            if not data:
                break
            written += data
    os.close(ours)
    assert process.returncode == 0
    return written.decode().replace("\r\n", "\n")


def test_real_terminal(tmp_path: Path) -> None:
    """On a terminal, lines come and go while chapters run; what stays is one line for each, and the sum."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("plugins: [fathom: {preload: [IPython]}]")
    (tmp_path / "docs" / "a.md").write_text("# Page\n\n```python\nimport time\ntime.sleep(0.5)\n```\n")
    written = on_terminal(tmp_path)
    assert re.search(r"docs/a\.md  0/1 cells, line 3 for 0\.[1-9] s\n", written)
    first, last, end = screen(written)
    assert re.fullmatch(r"docs/a\.md: 1 cell in \d+\.\d s", first)
    assert re.fullmatch(r"1 chapter: 1 cell run, 0 cached, 0 exempt, in \d+\.\d s", last)
    assert end == ""
    assert re.fullmatch(r"1 chapter: 0 cells run, 1 cached, 0 exempt, in \d+\.\d s\n", on_terminal(tmp_path))
