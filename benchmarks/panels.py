"""Times the panels' engine in Chromium: how soon a model of the course's size writes, and how quickly.

    python -m benchmarks.panels --rounds 7

The model has the size of the chapter on pretraining, and weights by chance. The page asks the worker, as panels do; so
what is timed includes the way to it and back. A figure that misses its target is marked, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.build import _processor
from benchmarks.model import CONTEXT, HEADS, LAYERS, VOCABULARY, WIDTH
from benchmarks.quality import FLAGS, _served
from snippets.corpus import reading
from snippets.gpt import GPTModel
from snippets.tokenizer import Tokenizer
from snippets.weights import pack_model

ENGINE = Path(__file__).parents[1] / "docs" / "assets" / "panels"
INFERENCE = ("gpt.js", "blob.js", "layers.js", "random.js", "tokenizer.js")
"""What is loaded to ask a model; `train.js` comes when a reader trains."""
LIMIT = 10
"""How large that may be, in KiB, gzip."""
MEASURE = """async ({ texts, long, prompt, most }) => {
  const { ask } = await import(new URL("engine/engine.js", location.href));
  const load = performance.now();
  await ask("load", { url: "model.bin" });
  const loaded = performance.now() - load;
  const timed = async (type, message, update) => {
    const start = performance.now();
    const answer = await ask(type, { url: "model.bin", ...message }, { update });
    return { answer, took: performance.now() - start };
  };
  let first;
  const begun = performance.now();
  await timed("generate", { text: prompt, most: 1 }, () => { first ??= performance.now() - begun; });
  // A text may end early: other seeds go on, until there are enough tokens.
  let [tokens, milliseconds] = [0, 0];
  for (let seed = 0; tokens < most; seed++) {
    const { answer, took } = await timed("generate", { text: prompt, most: most - tokens, seed, temperature: 0.8 });
    tokens += answer.tokens.length;
    milliseconds += took;
  }
  const steps = 20;
  const fresh = { width: 32, heads: 2, layers: 1, context: 32 };
  const trained = await timed("train", { texts, steps, rows: 8, fresh });
  return {
    loaded, first, speed: tokens / milliseconds * 1000,
    attention: (await timed("attention", { text: texts[0] })).took,
    encode: (await timed("encode", { text: texts[1] })).took,
    long: (await timed("encode", { text: long })).took,
    step: trained.took / steps,
  };
}"""
ROWS: Mapping[str, tuple[str, str, float | None]] = {
    "loaded": ("worker started, weights there", "ms", None),
    "first": ("first token after that", "ms", 150),
    "speed": ("tokens written in a second", "", 300),
    "attention": ("attention of a full window", "ms", 50),
    "encode": ("a text to tokens", "ms", 50),
    "long": ("100 KB without a blank to tokens", "ms", None),
    "step": ("a step of training a tiny model", "ms", None),
}
"""What each figure is, its unit, and its target: at least, for the speed, at most for all others."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Time the panels' engine in Chromium.")
    parser.add_argument("--rounds", type=int, default=7, help="how many rounds; the medians are printed (7)")
    parser.add_argument("--tokens", type=int, default=1000, help="how many tokens are written in a round (1000)")
    options = parser.parse_args(arguments)
    if min(options.rounds, options.tokens) < 1:
        parser.error("--rounds and --tokens take 1 or more")
    texts = reading(1000, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = lay_out(folder, texts)
        runs = measure(folder, texts, options.rounds, options.tokens)
    print(f"vocabulary {VOCABULARY}, width {WIDTH}, {LAYERS} layers, {HEADS} heads, context {CONTEXT}; {sizes}")
    print(f"{options.rounds} rounds; {platform.platform()}, {_processor()}, load {os.getloadavg()[0]:.1f}\n")
    sys.exit(not report(runs))


def lay_out(folder: Path, texts: Sequence[str]) -> str:
    """What the page is served; returns how large the weights are."""
    shutil.copytree(ENGINE, folder / "engine")
    (folder / "index.html").write_text("<!doctype html><title>Panels</title>", encoding="utf-8")
    tokenizer = Tokenizer.train(texts, VOCABULARY)
    rng = np.random.default_rng(0)
    model = GPTModel(vocab_size=tokenizer.size, d_model=WIDTH, n_heads=HEADS, n_layers=LAYERS, context=CONTEXT, rng=rng)
    blob = pack_model(model, tokenizer)
    (folder / "model.bin").write_bytes(blob)
    return f"weights {len(blob) / 1024:.0f} KiB, gzip {len(gzip.compress(blob)) / 1024:.0f} KiB"


def measure(folder: Path, texts: Sequence[str], rounds: int, tokens: int) -> list[dict[str, float]]:
    """Each round in a page of its own, so that each starts its own worker."""
    letters = np.random.default_rng(0).integers(97, 123, 100_000, dtype=np.uint8).tobytes().decode()
    given = {"texts": texts[:50], "long": letters, "prompt": "Once upon a time", "most": tokens}
    named = os.environ.get("FATHOM_CHROMIUM") or shutil.which("chromium")
    runs: list[dict[str, float]] = []
    with _served(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named, args=list(FLAGS))
        for _ in range(rounds):
            page = browser.new_page()
            page.goto(address)
            runs.append(page.evaluate(MEASURE, given))
            page.close()
        browser.close()
    return runs


def report(runs: Sequence[Mapping[str, float]]) -> bool:
    """Print the tables; whether all targets are met."""
    met = True
    print(f"{'':36}{'median':>9}{'lowest':>9}{'highest':>9}")
    for key, (title, unit, target) in ROWS.items():
        found = [run[key] for run in runs]
        missed = target is not None and (median(found) < target if key == "speed" else median(found) > target)
        met = met and not missed
        aim = "" if target is None else f"  {'≥' if key == 'speed' else '≤'} {target:g}{'  MISSED' if missed else ''}"
        print(f"{title:36}{median(found):9.4g}{min(found):9.4g}{max(found):9.4g} {unit:2}{aim}")
    print(f"\n{'gzip, KiB':36}{'':>9}")
    weights = {file.name: len(gzip.compress(file.read_bytes())) / 1024 for file in sorted(ENGINE.glob("*.js"))}
    for name, weight in weights.items():
        print(f"{name:36}{weight:9.2f}")
    total = sum(weights[name] for name in INFERENCE)
    print(f"{'gpt.js with what it imports':36}{total:9.2f}  ≤ {LIMIT}{'' if total <= LIMIT else '  MISSED'}")
    return met and total <= LIMIT


if __name__ == "__main__":
    main()
