"""Times training and writing: the course's model in NumPy against the same model in PyTorch.

    python -m benchmarks.model --rounds 15 --threads 1

Both have the same weights and read the same batches. They take turns in one process and are compared round by round,
so that what else the machine does falls on both alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.build import _processor
from snippets.corpus import reading
from snippets.generate import generate_tokens
from snippets.gpt import GPTModel
from snippets.layers import Tokens, cross_entropy, cross_entropy_backward
from snippets.optim import AdamW, clip, learning_rate
from snippets.tokenizer import Tokenizer
from snippets.train import batch, stream

if TYPE_CHECKING:
    from benchmarks.twin import Twin

VOCABULARY, WIDTH, HEADS, LAYERS, CONTEXT, BATCH = 640, 64, 4, 2, 80, 16
"""The model and the batches of the chapter on pretraining."""
STEPS, TEXTS = 20, 20
"""How many steps are trained in a turn, and how many texts are written."""
LIMIT = 1e-4
"""How far the losses and the weights of the two may be apart after the first steps."""

NUMPY, TORCH = "NumPy", "PyTorch"
CACHED, PLAIN, TORCH_CACHED = "NumPy, KV cache", "PyTorch, no cache", "PyTorch, KV cache"
_TARGETS = ((NUMPY, TORCH, 0.85), (CACHED, PLAIN, 3.0), (CACHED, TORCH_CACHED, None))

_THREADS = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")
_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_TOP_PAD_": str(2**24)}


@dataclass(frozen=True, slots=True)
class Turn:
    """What one contender does in a round."""

    tokens: int
    """How many tokens it trains on, or writes."""
    work: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Speed:
    """How quick one turn was."""

    wall: float
    """Tokens in a second by the clock."""
    cpu: float
    """Tokens in a second of processor time, user and system, of all threads."""


Batches = Sequence[tuple[Tokens, Tokens]]
Results = dict[str, list[Speed]]
"""By contender; one for each round."""


class Ours:
    """The course's side of the comparison: a model with its optimizer."""

    def __init__(self, vocab_size: int) -> None:
        rng = np.random.default_rng(0)
        self.model = GPTModel(
            vocab_size=vocab_size, d_model=WIDTH, n_heads=HEADS, n_layers=LAYERS, context=CONTEXT, rng=rng
        )
        self.optimizer = AdamW()

    def step(self, inputs: Tokens, targets: Tokens, lr: float) -> float:
        """Train on one batch, as `snippets.train.pretrain` does. Returns the loss before the step."""
        logits, cache = self.model.forward(inputs)
        loss, loss_cache = cross_entropy(logits, targets)
        grads = self.model.backward(cross_entropy_backward(loss_cache), cache)
        clip(grads)
        self.optimizer.step(self.model.parameters(), grads, lr)
        return loss

    def write(self, prompt: Sequence[int], n: int) -> list[int]:
        """The `n` most probable next tokens, one after the other."""
        return list(generate_tokens(self.model, prompt, rng=np.random.default_rng(0), max_tokens=n, temperature=0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Check that both do the same, measure, print."""
    parser = argparse.ArgumentParser(description="Time the course's model against its twin in PyTorch.")
    parser.add_argument("--rounds", type=int, default=15, help="how many rounds; the medians are printed (15)")
    parser.add_argument("--threads", type=int, default=1, help="how many threads each may compute with (1)")
    options = parser.parse_args(arguments)
    if min(options.rounds, options.threads) < 1:
        parser.error("--rounds and --threads take 1 or more")
    if importlib.util.find_spec("torch") is None:
        parser.exit(
            2, "PyTorch is not installed here: `pip install torch numpy` in an environment, and run this there.\n"
        )
    settle(options.threads, sys.argv[1:] if arguments is None else arguments)
    from benchmarks.twin import Twin, set_threads  # noqa: PLC0415  # imported only where PyTorch is installed

    set_threads(options.threads)
    print(_surroundings(options.rounds, options.threads))
    batches, prompt, vocab_size = data()
    ours = Ours(vocab_size)
    theirs = Twin(ours.model.parameters(), HEADS, betas=ours.optimizer.betas, decay=ours.optimizer.decay)
    check(ours, theirs, batches, prompt)
    results = measure(contenders(ours, theirs, batches, prompt), options.rounds)
    print(f"\n{_table(results)}\n\n{_ratios(results)}")


def settle(threads: int, arguments: Sequence[str]) -> None:
    """Start this program anew unless the process has the surroundings that both are measured in.

    Thread counts and glibc's thresholds are read once, when a process starts. With the usual thresholds large arrays
    go back to the kernel after each use, which costs more than computing with them; Fathom's workers raise them too.
    """
    wanted = {f"{name}_NUM_THREADS": str(threads) for name in _THREADS} | _MEMORY
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        command = [sys.executable, "-m", "benchmarks.model", *arguments]
        os.execve(sys.executable, command, os.environ | wanted)  # noqa: S606  # ourselves, without a shell


def data() -> tuple[Batches, list[int], int]:
    """The batches of a turn, of the course's texts; the beginning of a text; the size of the vocabulary."""
    rng = np.random.default_rng(0)
    texts = reading(1000, rng)
    tokenizer = Tokenizer.train(texts, VOCABULARY)
    tokens = stream(texts, tokenizer)
    return [batch(tokens, BATCH, CONTEXT, rng) for _ in range(STEPS)], [tokenizer.end], tokenizer.size


def check(ours: Ours, theirs: Twin, batches: Batches, prompt: list[int]) -> None:
    """Refuse to compare models that do different work.

    Raises:
        SystemExit: Losses or weights are too far apart after some steps, or the two write different texts.
    """
    losses = []
    for step, (inputs, targets) in enumerate(batches):
        lr = learning_rate(step, STEPS, peak=1e-2)
        losses.append((ours.step(inputs, targets, lr), theirs.step(inputs, targets, lr)))
    apart = {"the losses": max(abs(mine - other) for mine, other in losses)}
    weights = theirs.weights()
    apart |= {name: float(np.abs(array - weights[name]).max()) for name, array in ours.model.parameters().items()}
    worst = max(apart, key=apart.__getitem__)
    if not all(value <= LIMIT for value in apart.values()):  # written so that a NaN fails, too
        raise SystemExit(f"After {STEPS} steps {worst} differ by {apart[worst]:.1e}: not the same training")
    n = CONTEXT - len(prompt)
    texts = ours.write(prompt, n), theirs.write(prompt, n, cached=False), theirs.write(prompt, n, cached=True)
    if any(text != texts[0] for text in texts):
        raise SystemExit(f"The models write different texts: {texts}")
    first, last = losses[0][0], losses[-1][0]
    print(f"{STEPS} steps, loss {first:.3f} to {last:.3f}: losses and weights differ by at most {apart[worst]:.1e}")
    print(f"{n} tokens written: the same")


def contenders(ours: Ours, theirs: Twin, batches: Batches, prompt: list[int]) -> dict[str, Turn]:
    """Who does what in a turn."""
    n = CONTEXT - len(prompt)
    texts = range(TEXTS)

    def train(model: Ours | Twin) -> None:
        for inputs, targets in batches:
            model.step(inputs, targets, 1e-3)

    read, written = len(batches) * BATCH * CONTEXT, TEXTS * n
    return {
        NUMPY: Turn(read, lambda: train(ours)),
        TORCH: Turn(read, lambda: train(theirs)),
        CACHED: Turn(written, lambda: [ours.write(prompt, n) for _ in texts]),
        PLAIN: Turn(written, lambda: [theirs.write(prompt, n, cached=False) for _ in texts]),
        TORCH_CACHED: Turn(written, lambda: [theirs.write(prompt, n, cached=True) for _ in texts]),
    }


def measure(turns: Mapping[str, Turn], rounds: int) -> Results:
    """Give each its turn, `rounds` times, after a round that is not counted. Every other round goes backwards."""
    results: Results = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name in sorted(turns, key=list(turns).index, reverse=bool(number % 2)):
            speed = timed(turns[name])
            if number:
                results[name].append(speed)
            print(f"round {number}: {name}: {speed.wall:,.0f} tokens/s", file=sys.stderr)
    return results


def timed(turn: Turn) -> Speed:
    """Do a turn's work."""
    wall, cpu = time.perf_counter(), time.process_time()
    turn.work()
    return Speed(turn.tokens / (time.perf_counter() - wall), turn.tokens / (time.process_time() - cpu))


def _wall(speed: Speed) -> float:
    return speed.wall


def _cpu(speed: Speed) -> float:
    return speed.cpu


def _table(results: Results) -> str:
    lines = ["| tokens/s, medians | by the clock | of processor time |", "|---|---|---|"]
    for name, speeds in results.items():
        numbers = " | ".join(f"{median(map(value, speeds)):,.0f}" for value in (_wall, _cpu))
        lines.append(f"| {name} | {numbers} |")
    return "\n".join(lines)


def _ratios(results: Results) -> str:
    """Ours against theirs, round by round."""
    lines = ["| ratio of speeds | measured | median | lowest | highest | target |", "|---|---|---|---|---|---|"]
    for mine, other, target in _TARGETS:
        for title, value in (("by the clock", _wall), ("processor time", _cpu)):
            found = [value(a) / value(b) for a, b in zip(results[mine], results[other], strict=True)]
            numbers = " | ".join(f"{number:.2f}" for number in (median(found), min(found), max(found)))
            lines.append(f"| {mine} / {other} | {title} | {numbers} | {f'≥ {target}' if target else ''} |")
    return "\n".join(lines)


def _surroundings(rounds: int, threads: int) -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "torch"))
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    return (
        f"{rounds} rounds, threads: {threads}; glibc keeps freed memory (MALLOC_*_THRESHOLD_ raised) for both\n"
        f"Python {platform.python_version()}, {versions}\n"
        f"{platform.platform()}, {_processor()}, {os.cpu_count()} processors, load at the start {load}"
    )


if __name__ == "__main__":
    main()
