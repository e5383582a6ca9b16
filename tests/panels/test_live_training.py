"""A model learns in the browser as it does in NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snippets.corpus import reading
from snippets.gpt import GPTModel
from snippets.layers import cross_entropy, cross_entropy_backward
from snippets.optim import AdamW, clip, learning_rate
from snippets.tokenizer import Tokenizer
from snippets.train import batch, stream
from snippets.weights import pack_model
from tests.panels.conftest import Run, floats, new_model

TRAIN = """
const { model } = await loaded(given.name);
const [[first]] = given.batches;
const trainer = new train.Trainer(model, first.length, first[0].length);
const losses = given.batches.map(([inputs, targets], step) =>
  trainer.step(inputs.flat(), targets.flat(), train.learningRate(step, given.batches.length, 4e-3, 3)));
return [losses, Object.fromEntries(Object.entries(model.arrays).map(([name, array]) => [name, bytes(array)]))];
"""


@pytest.mark.parametrize("length", [1, 17, 40])
def test_gradients(run: Run, model: GPTModel, tokenizer: Tokenizer, length: int) -> None:
    """Every parameter's, relative to the largest of that parameter."""
    tokens = stream(reading(30, np.random.default_rng(1)), tokenizer)
    inputs, targets = batch(tokens, 3, length, np.random.default_rng(2))
    body = """
      const { model } = await loaded("model.bin");
      const trainer = new train.Trainer(model, 3, given.inputs[0].length);
      trainer.loss(given.inputs.flat(), given.targets.flat()); // what is left of it must not be added to
      const loss = trainer.loss(given.inputs.flat(), given.targets.flat());
      const gradients = Object.entries(trainer.gradients).map(([name, array]) => [name, bytes(array)]);
      return [loss, Object.fromEntries(gradients)];
    """
    loss, gradients = run(body, inputs=inputs.tolist(), targets=targets.tolist())
    logits, cache = model.forward(inputs)
    expected, loss_cache = cross_entropy(logits, targets)
    wanted = model.backward(cross_entropy_backward(loss_cache), cache)
    assert abs(loss - expected) < 1e-5
    assert set(gradients) == set(wanted)
    whole = max(float(np.abs(gradient).max()) for gradient in wanted.values())
    for name, gradient in wanted.items():
        # With one position to look at, no score can matter: there both have rounding errors only.
        largest = max(float(np.abs(gradient).max()), 1e-3 * whole)
        assert np.abs(floats(gradients[name]) - gradient.reshape(-1)).max() <= 1e-4 * largest, name


def test_steps_of_training(run: Run, folder: Path, tokenizer: Tokenizer) -> None:
    """The same batches lead to the same losses and weights: clipping, AdamW and schedule included."""
    model = new_model(tokenizer.size, seed=4)
    (folder / "learner.bin").write_bytes(pack_model(model, tokenizer, "float32"))
    tokens, rng = stream(reading(30, np.random.default_rng(1)), tokenizer), np.random.default_rng(5)
    batches = [batch(tokens, 4, 16, rng) for _ in range(8)]
    optimizer, losses = AdamW(), []
    for step, (inputs, targets) in enumerate(batches):
        logits, cache = model.forward(inputs)
        loss, loss_cache = cross_entropy(logits, targets)
        losses.append(loss)
        grads = model.backward(cross_entropy_backward(loss_cache), cache)
        assert clip(grads) > 1
        optimizer.step(model.parameters(), grads, learning_rate(step, len(batches), 4e-3, 3))
    given = [(inputs.tolist(), targets.tolist()) for inputs, targets in batches]
    found, arrays = run(TRAIN, name="learner.bin", batches=given)
    assert np.abs(np.array(found) - losses).max() < 1e-4
    # Adam divides by the gradient's size: a gradient of next to nothing gives a step of a full length, either way.
    apart = np.concatenate([floats(arrays[name]) - array.reshape(-1) for name, array in model.parameters().items()])
    assert np.mean(np.abs(apart) > 1e-4) < 1e-3


def test_a_new_model_learns(run: Run, tokenizer: Tokenizer) -> None:
    """From chance to less than half of the surprise, and what it writes changes with it."""
    tokens = stream(reading(40, np.random.default_rng(1)), tokenizer).tolist()
    body = """
      const random = engine.seeded(0);
      const size = { vocabulary: given.size, width: 32, heads: 2, layers: 1, context: 16 };
      const model = train.newModel(size, random);
      const write = () => bytes(model.forward(given.tokens.slice(0, 9), { last: true }).logits);
      const [before, losses] = [write(), []];
      const [trainer, options] = [new train.Trainer(model, 8), { steps: 150, peak: 1e-2, random }];
      for await (const { loss } of train.pretrain(trainer, given.tokens, options)) losses.push(loss);
      return [losses, before, write()];
    """
    losses, before, after = run(body, tokens=tokens, size=tokenizer.size)
    assert len(losses) == 150
    assert abs(losses[0] - np.log(tokenizer.size)) < 0.1
    assert np.mean(losses[-10:]) < 0.5 * losses[0]
    assert before != after


def test_too_little_text_is_refused(run: Run) -> None:
    body = "try { train.batch([1, 2, 3], 2, 3, Math.random); } catch (error) { return error.message; }"
    assert run(body) == "3 tokens are too few to read 3 and what follows."
