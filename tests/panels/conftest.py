"""The panels' engine in Chromium, beside the library whose numbers it must give."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from mkdocs_fathom.model import CellResult
from mkdocs_fathom.model import Run as Results
from mkdocs_fathom.rendering import live
from mkdocs_fathom.rendering.addresses import ASSETS
from snippets.corpus import reading
from snippets.gpt import GPTModel
from snippets.panels.panel import Panel
from snippets.tokenizer import Tokenizer
from snippets.weights import pack_model
from tests.browser.conftest import serve

ENGINE = Path(__file__).parents[2] / "docs" / "assets" / "panels"
# Letters beyond ASCII, often enough that merges reach across their bytes.
FOREIGN = ("Le café était déjà fermé, naïve fée. ", "子狐は森に住んでいた。", "Лиса 🦊 живёт 👩‍👩‍👧 в лесу, ١٢٣ раза. ")
SCRIPT = """async ([body, given]) => {
  const engine = await import(new URL("engine/gpt.js", location.href));
  const train = await import(new URL("engine/train.js", location.href));
  const { ask } = await import(new URL("engine/engine.js", location.href));
  const get = async (name) => engine.unpack(await (await fetch(name)).arrayBuffer());
  const loaded = async (name) => {
    const unpacked = await get(name);
    return { model: new engine.GPT(unpacked), tokenizer: new engine.Tokenizer(unpacked.meta) };
  };
  // Bytes as text: numbers would be rounded, and arrays of them are slow to hand over.
  const bytes = (array) => {
    const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    let text = "";
    for (let i = 0; i < all.length; i += 8192) text += String.fromCharCode(...all.subarray(i, i + 8192));
    return btoa(text);
  };
  const names = ["engine", "train", "ask", "get", "loaded", "bytes", "given"];
  const values = [engine, train, ask, get, loaded, bytes, given];
  const AsyncFunction = (async () => {}).constructor;
  return await new AsyncFunction(...names, body)(...values);
}"""

PANEL = """<!doctype html><html lang=en><meta charset=utf-8><title>A</title><main><h1>A</h1>{}</main>
<script type=module>
const place = document.querySelector("fathom-panel");
window.panel = await import(new URL(place.dataset.module, location.href));
await window.panel.default(place, new URL(place.dataset.source, location.href));
window.ready = true;
</script>"""

Run = Callable[..., Any]
"""Runs the body of an asynchronous function in the page; what it is given follows by name."""


def floats(text: str) -> NDArray[np.float32]:
    """What the page's `bytes` wrote."""
    return np.frombuffer(base64.b64decode(text), np.float32)


def new_model(vocab_size: int, seed: int = 0, context: int = 80) -> GPTModel:
    """A model of the course's size, whose every parameter matters: as it starts, biases are 0 and logits tiny."""
    rng = np.random.default_rng(seed)
    model = GPTModel(vocab_size=vocab_size, d_model=64, n_heads=4, n_layers=2, context=context, rng=rng)
    model.load({name: array + rng.normal(0, 0.12, array.shape) for name, array in model.parameters().items()})
    return model


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """Some of the course's texts, and some in other scripts."""
    return Tokenizer.train([*reading(150, np.random.default_rng(0)), *FOREIGN * 20], 640)


@pytest.fixture(scope="session")
def model(tokenizer: Tokenizer) -> GPTModel:
    return new_model(tokenizer.size)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, model: GPTModel, tokenizer: Tokenizer) -> Path:
    """What is served: the engine, the model in both precisions, and whatever a test puts there."""
    folder = tmp_path_factory.mktemp("panels")
    shutil.copytree(ENGINE, folder / "engine")
    (folder / "index.html").write_text("<!doctype html><title>Panels</title>", encoding="utf-8")
    (folder / "model.bin").write_bytes(pack_model(model, tokenizer, "float32"))
    (folder / "rounded.bin").write_bytes(pack_model(model, tokenizer))
    return folder


@pytest.fixture(scope="session")
def run(chromium: Browser, folder: Path) -> Iterator[Run]:
    """A function that runs JavaScript beside the engine."""
    with serve(folder) as address:
        page = chromium.new_page()
        page.goto(address)

        def evaluate(body: str, **given: object) -> object:
            known: Mapping[str, object] = {"address": address, **given}
            result: object = page.evaluate(SCRIPT, [body, known])
            return result

        yield evaluate
        page.close()


@contextmanager
def standing(folder: Path, panel: Panel) -> Iterator[str]:
    """A page with a panel, as a site would have it but for the theme. Yields its address."""
    value = panel._repr_mimebundle_()[live.KIND]
    run = Results("a.md", "", (CellResult(0, ({"output_type": "display_data", "data": {live.KIND: value}},), 0.1),))
    panels = folder / "assets" / "panels"
    shutil.copytree(ENGINE, panels)
    for file in live.files([{"": run}]):
        place = folder / ASSETS / live.FOLDER / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
    (folder / "index.html").write_text(PANEL.format(live.html(value, panel.static)), encoding="utf-8")
    with serve(folder) as address:
        yield address


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """A panel that stands: a module of tests says at which `address`."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_function("window.ready")
        yield page
