"""Where workers come from, as the parent holds it: one server for all chapters of a build.

Where processes cannot fork there is no server: each reading path gets a process of its own, which imports everything
anew.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from .. import artifacts
from ..config import Config
from ..errors import FathomError
from ..model import JSON, Span
from ..store.keys import Surroundings, distribution_state
from . import measuring
from .checkpoints import Checkpoints, Sleeper
from .children import ASLEEP
from .launcher import Ended, Launcher

_PATIENCE = 60.0
"""Seconds that one import may take before a worker is ready."""
_ENVIRONMENT = ("PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT", "USERPROFILE")
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS")


class Pool:
    """The workers of a build; their server starts with the first chapter. Use it as a context manager."""

    def __init__(
        self,
        config: Config,
        say: Callable[[str], None],
        *,
        fork: bool = hasattr(os, "fork"),
        keeps: bool = False,
        patience: float = _PATIENCE,
    ) -> None:
        """Start nothing yet.

        Args:
            config: The site's options.
            say: Takes a sentence for the author about something that is not wrong with a chapter.
            fork: Whether workers are forked.
            keeps: Whether runs leave copies of their workers asleep, for later ones to go on from.
            patience: Seconds that one import may take before a worker is ready.
        """
        self.config = config
        self.fork = fork
        self._say = say
        self._said: set[str] = set()
        self._patience = patience
        self._lock = threading.RLock()
        self.launchers: list[Launcher] = []
        # Kept for the build: to ask for a version is to read a file, and every path has dozens of modules.
        self._owners: dict[str, tuple[tuple[str, str], ...]] = {}
        self._jobs = 0
        self._closed = False
        self._folder: Path | None = None
        self.checkpoints = Checkpoints() if keeps else None
        self._environment = worker_environment(config)

    def __enter__(self) -> Pool:  # noqa: PYI034 - `Self` would say no more: nobody inherits from it
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serves(self, config: Config, say: Callable[[str], None]) -> bool:
        """Begin another build with the same processes, if they are such as a new pool would start."""
        alike = (_settings(config), worker_environment(config)) == (_settings(self.config), self._environment)
        if self._closed or not alike or not all(launcher.alive for launcher in self.launchers) or self._is_outdated():
            return False
        self.config, self._say = config, say
        self._said.clear()
        self.__dict__.pop("_distributions", None)  # something may have been installed
        return True

    def _is_outdated(self) -> bool:
        """Whether something has changed that the server has imported, or what a run was said to use."""
        surroundings = Surroundings(self.config.root)
        seen = [item for launcher in self.launchers for item in launcher.seen if item[0] in {"file", "directory"}]
        seen += [["distribution", *owner] for owners in self._owners.values() for owner in owners]
        return any(surroundings.state(kind, name) != state for kind, name, state in seen)

    def tidy(self) -> None:
        """Remove the folders of what has run, but for those in which copies stand."""
        used = self.checkpoints.jobs() if self.checkpoints else set()
        if self._folder:
            for folder in self._folder.iterdir():
                if folder.name.isdecimal() and folder not in used:
                    shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End all workers, and remove their folders."""
        with self._lock:
            self._closed = True
        if self.checkpoints:
            self.checkpoints.close()
        for launcher in self.launchers:
            launcher.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def scratch(self) -> Path:
        """A new folder for one job; the server removes it, should this process be killed.

        Raises:
            FathomError: None can be made.
        """
        with self._lock:
            self._check_open()
            try:
                if self._folder is None:
                    self._folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="fathom-")))
                    (self._folder / ASLEEP).mkdir()
                self._jobs += 1
                folder = self._folder / str(self._jobs)
                folder.mkdir()
            except OSError as error:
                raise FathomError.at(
                    Span("mkdocs.yml", 1),
                    f"cannot make a folder for running cells: {error}",
                    "Make room in the folder for temporary files, or name another in the variable `TMPDIR`.",
                ) from error
            return folder

    def start(self, job: Path, node: int, ended: Ended, origin: Sleeper | None = None) -> None:
        """Start a worker.

        Args:
            job: The file that describes its job (see `job`).
            node: The node of the job's tree that it runs.
            ended: Told of its end.
            origin: The copy that it goes on from; None: it begins.
        """
        with self._lock:
            self._check_open()
            if origin:
                origin.order(job, node, ended)
            elif self.fork:
                self._server().order(job, node, ended)
            else:
                self._launch("worker", str(job), str(node)).when_over(ended)

    def check(self) -> None:
        """See to it that nothing hangs or has ended before it was ready; to be called now and then.

        Raises:
            FathomError: Workers cannot be made ready.
        """
        for launcher in self.launchers:
            launcher.check()

    def owners(self, module: str) -> tuple[tuple[str, str], ...]:
        """Name and version of the distributions that a top-level module comes from; none for the standard library's."""
        with self._lock:
            if module not in self._owners:
                names = sorted(set(self._distributions.get(module, ())) - {"mkdocs-fathom"})
                self._owners[module] = tuple((name, distribution_state(name)) for name in names)
            return self._owners[module]

    @cached_property
    def _distributions(self) -> Mapping[str, list[str]]:
        return importlib.metadata.packages_distributions()

    def settings(self) -> JSON:
        """What a process must know to be made ready."""
        return {**_settings(self.config), "folder": str(self._folder)}

    def _say_once(self, sentence: str) -> None:
        """Say what every process may have to say."""
        with self._lock:
            new = sentence not in self._said
            self._said.add(sentence)
        if new:
            self._say(sentence)

    def _check_open(self) -> None:
        if self._closed:
            raise InterruptedError("the pool is closed")

    def _server(self) -> Launcher:
        """The server; a new one where the last has died since it was ready."""
        if not self.launchers or not self.launchers[-1].alive:
            self.check()
            self._launch("server").write(self.settings())
            # While the server imports, this process has nothing to do: look up now what every run will ask for.
            threading.Thread(target=self.owners, args=("",), daemon=True, name="fathom-owners").start()
        return self.launchers[-1]

    def _launch(self, module: str, *arguments: str) -> Launcher:
        # IPython wants a folder, and shall not make one in the author's home.
        environment = self._environment | {"IPYTHONDIR": str(self._folder)}
        command = [f"{__package__}.{module}", *arguments]
        launcher = Launcher(command, environment=environment, say=self._say_once, patience=self._patience)
        self.launchers.append(launcher)
        return launcher


def _settings(config: Config) -> JSON:
    return {
        "root": str(config.root),
        "pythonpath": [str((config.root / path).resolve()) for path in config.pythonpath],
        "preload": config.preload,
        "optional": Config.preload,  # what we ask for ourselves need not be installed
        "figure_format": config.figure_format,
    }


def worker_environment(config: Config) -> dict[str, str]:
    """What the workers' processes see: an allow-list, and what makes results the same everywhere."""
    package = Path(__file__).resolve().parents[1]
    allowed = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    named = {name: os.environ[name] for name in (*config.environment, measuring.VARIABLE) if name in os.environ}
    own = {
        artifacts.ROOT_VARIABLE: str(config.root),
        "PYTHONPATH": str(package.parent),
        "PYTHONHASHSEED": str(config.seed % 2**32),
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "COLUMNS": "80",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": str(package / "assets" / "matplotlibrc"),
        # One thread each: chapters already share the processors, and a fork does not carry threads over.
        **{f"{name}_NUM_THREADS": "1" for name in _THREADS},
        # glibc would give large temporary arrays back to the kernel after each use, which costs more than computing.
        "MALLOC_MMAP_THRESHOLD_": str(2**30),
        "MALLOC_TRIM_THRESHOLD_": str(2**30),
        "MALLOC_TOP_PAD_": str(2**24),
    }
    return allowed | own | named
