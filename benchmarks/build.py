"""Times builds of the same site with Fathom and with what people would use otherwise.

    python -m benchmarks.build --pages 40 --runs 5

Runs are interleaved (A B C A B C …) and compared pair by pair, so that what else the machine does falls on all alike.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median

from benchmarks.sites import BUILDERS, Site, script

STATES = ("cold", "warm", "edited")
"""No results and no site; nothing changed; the code of one page changed."""
OWN = "own run"
"""The cells of the edited page as a program, in a process of its own."""

_PACKAGES = ("mkdocs-fathom", "markdown-exec", "mkdocs", "mkdocs-material", "markdown", "pymdown-extensions")
_RUNTIME = ("ipython", "numpy", "matplotlib")
_TARGETS = {"cold": 0.8, "warm": 1.15, "edited": 1.0}


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process used, with those that it started and waited for."""

    wall: float
    """Seconds by the clock."""
    cpu: float
    """Seconds of processor time, user and system."""
    memory: float
    """MB of resident memory at the peak of the largest of the processes."""


Results = dict[tuple[str, str], list[Usage]]
"""By builder and state; one for each round."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Build, compare, print."""
    parser = argparse.ArgumentParser(description="Time builds of one site with several builders.")
    parser.add_argument("--pages", type=int, default=40, help="how many pages the site has (40)")
    parser.add_argument("--runs", type=int, default=5, help="how many rounds; the medians are printed (5)")
    options = parser.parse_args(arguments)
    print(_surroundings(options.pages, options.runs))
    # As pip does when it installs. Other installers leave it to the first import, which some processes may not store.
    compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        results = measure(Path(folder), options.pages, options.runs)
    for title, value in (("Wall time", _wall), ("Processor time", _cpu)):
        print(f"\n{title}, seconds, medians\n\n{_table(results, value)}\n\n{_ratios(results, value)}")


def measure(folder: Path, pages: int, runs: int) -> Results:
    """Build each state with each builder in turn, `runs` times, after a round that is not counted."""
    sites = [Site(builder, folder / builder, pages) for builder in BUILDERS]
    for site in sites:
        site.write()
    results: Results = {}
    for turn in range(-1, runs):
        seed = 1000 + turn
        for state in STATES:
            for site in sites:
                prepare(site, state, seed)
                usage = timed([sys.executable, "-m", "mkdocs", "build", "-q"], site.root)
                check(site, seed if state == "edited" else 0)
                _keep(results, (site.builder, state), usage, turn)
        (folder / "own.py").write_text(script(seed), encoding="utf-8")
        _keep(results, (OWN, "edited"), timed([sys.executable, "own.py"], folder), turn)
    return results


def _keep(results: Results, key: tuple[str, str], usage: Usage, turn: int) -> None:
    # The first round fills caches that no builder owns: byte code, fonts, the file system's.
    if turn >= 0:
        results.setdefault(key, []).append(usage)
    print(f"round {turn + 1}: {' '.join(key)}: {usage.wall:.2f} s", file=sys.stderr)


def prepare(site: Site, state: str, seed: int) -> None:
    """Bring a site's folder into the state that is built next."""
    if state == "cold":
        site.write_page(0, 0)
        for name in ("site", ".cache"):
            shutil.rmtree(site.root / name, ignore_errors=True)
    elif state == "edited":
        site.write_page(0, seed)


def timed(command: list[str], folder: Path) -> Usage:
    """Run a command in a folder.

    Raises:
        SystemExit: It failed; its output is the message.
    """
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as log:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"{' '.join(command)} failed in {folder}:\n{log.read().decode(errors='replace')}")
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def check(site: Site, seed: int) -> None:
    """Refuse to compare a build that did not do its work: every cell's own output stands on every page.

    Raises:
        SystemExit: An output or a figure is missing, is there although nothing runs, or is that of older code.
    """
    expected = list("12345678") if site.builder != "plain" else []
    for number in range(site.pages):
        html = site.html(number)
        outputs = re.findall(r"cell (\d) gives (\d*)", html)
        figures = len(re.findall(r'<svg[^>]* width="[\d.]+pt"', html))
        fresh = not outputs or outputs[0][1] == str(seed if number == 0 else number)
        if [cell for cell, _ in outputs] != expected or bool(figures) != bool(expected) or not fresh:
            raise SystemExit(f"{site.builder}, page {number}: found outputs {outputs} and {figures} figures")


def _wall(usage: Usage) -> float:
    return usage.wall


def _cpu(usage: Usage) -> float:
    return usage.cpu


def _table(results: Results, value: Callable[[Usage], float]) -> str:
    lines = ["| builder | cold | warm | edited | peak memory MB, cold |", "|---|---|---|---|---|"]
    for builder in BUILDERS:
        cells = [f"{median(map(value, results[builder, state])):.2f}" for state in STATES]
        memory = median(usage.memory for usage in results[builder, "cold"])
        lines.append(f"| {builder} | {' | '.join(cells)} | {memory:.0f} |")
    return "\n".join([*lines, f"| {OWN} | | | {median(map(value, results[OWN, 'edited'])):.2f} | |"])


def _ratios(results: Results, value: Callable[[Usage], float]) -> str:
    """Each of Fathom's builds against its target, round by round."""

    def times(builder: str, state: str) -> list[float]:
        return [value(usage) for usage in results[builder, state]]

    sums = [sum(pair) for pair in zip(times("fathom", "warm"), times(OWN, "edited"), strict=True)]
    others = {
        "cold": ("markdown-exec cold", times("markdown-exec", "cold")),
        "warm": ("plain warm", times("plain", "warm")),
        "edited": ("(fathom warm + own run)", sums),
    }
    lines = ["| ratio | median | lowest | highest | target |", "|---|---|---|---|---|"]
    for state, (name, base) in others.items():
        found = [mine / theirs for mine, theirs in zip(times("fathom", state), base, strict=True)]
        numbers = " | ".join(f"{number:.2f}" for number in (median(found), min(found), max(found)))
        lines.append(f"| fathom {state} / {name} | {numbers} | ≤ {_TARGETS[state]} |")
    return "\n".join(lines)


def _surroundings(pages: int, runs: int) -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in (*_PACKAGES, *_RUNTIME))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    return (
        f"{pages} pages, {runs} rounds\n"
        f"Python {platform.python_version()}, {versions}\n"
        f"{platform.platform()}, {_processor()}, {cores} processors, load at the start {load}"
    )


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
