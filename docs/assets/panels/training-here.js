/*
 * A small model that learns in the reader's browser, as fast as the reader says.
 */
import { chart } from "./chart.js";
import { button, make } from "./elements.js";
import { ask } from "./engine.js";
import { remote } from "./remote.js";

/** So often it writes while it learns. */
const WRITES = 40;
/** A mean over so many steps is drawn: single ones jump. */
const MEAN = 10;
const CHANCE = { temperature: 0.5, seed: 5, most: 40 };

/** Of losses, one a step: at each step the mean of the last ones. */
export const means = (/** @type {number[]} */ losses, count = MEAN) => losses.map((_, i) => {
  const last = losses.slice(Math.max(0, i + 1 - count), i + 1);
  return last.reduce((sum, loss) => sum + loss, 0) / last.length;
});

/** A loss in words. */
export const nats = (loss) => (Number.isFinite(loss) ? loss.toFixed(2) : "beyond all numbers");

/** Radio buttons under a legend; each label may begin with a picture. */
export const radios = (name, legend, choices, change, looks) => {
  const group = make("fieldset", { class: looks }, make("legend", {}, legend));
  choices.forEach(({ text, value, before = [] }, i) => {
    const input = make("input", { type: "radio", name, value });
    input.checked = i === 0;
    input.addEventListener("change", () => change(value));
    group.append(make("label", {}, ...before, make("span", {}, input, ` ${text}`)));
  });
  return group;
};

/** A run of the reader's. */
class Run {
  /** @type {number[]} */
  losses = [];
  controller = new AbortController();
  written = 0;

  constructor(rate, as) {
    [this.rate, this.as] = [rate, as];
  }

  get mean() {
    return means(this.losses.slice(-MEAN)).at(-1);
  }

  /** The curve so far. */
  get points() {
    return means(this.losses).map((loss, i) => [i + 1, loss]);
  }

  get speed() {
    return (this.losses.length - 1) / ((performance.now() - this.began) / 1000);
  }

  add(loss) {
    this.began ??= performance.now();
    this.losses.push(loss);
  }

  /** What the model writes as it is now. */
  async write(prompt, show) {
    const step = this.losses.length;
    const { text } = await ask("generate", { url: this.as, text: prompt, ...CHANCE });
    if (step < this.written) return; // a shorter text came before it
    this.written = step;
    show(step, prompt + (text || " (and there it ends)"));
  }
}

/** A model that learns here and now. */
export const present = (id, data, source, place) => {
  const { fresh, steps: most, rows, seed, rates } = data.small;
  const { line, ask: get } = remote(new URL(data.weights, source), data.sizes.weights, () => press());
  const losses = chart("The losses of the runs here. The line below says where they are.", { steps: most, guess: data.guess });
  const words = make("p", { class: "panel-losses" }, `Guessing costs ${data.guess.toFixed(2)} nats for each token.`);
  const wrote = make("p", { class: "panel-heading", hidden: "" });
  const text = make("p", { class: "panel-text", hidden: "" });
  const heard = make("p", { class: "panel-heard", role: "status" });
  /** @type {Map<number, Run>} The last run of each rate. */
  const runs = new Map();
  let [rate, texts] = [rates[data.small.usual], undefined];
  /** @type {Run | undefined} */
  let running;

  const draw = () => losses.show([...runs.values()].filter((run) => run.losses.length)
    .map((run) => ({ name: String(run.rate), points: run.points, kind: rates.indexOf(run.rate) })));
  const say = (run, done = "") => {
    const count = run.losses.length;
    words.textContent = count
      ? `${done || `Step ${count} of ${most}`}: loss ${nats(run.mean)}, the mean of the last ${Math.min(MEAN, count)} steps; ${run.speed > 0 ? Math.round(run.speed) : "…"} steps per second.`
      : done || "One moment …";
  };
  const read = (run) => (step, written) => {
    if (runs.get(run.rate) !== run) return; // begun again since
    wrote.hidden = text.hidden = false;
    wrote.textContent = `What it writes after ${step} steps:`;
    text.textContent = written;
  };
  /** Where it fails, training fails too, and says so. */
  const write = (run) => run.write(data.prompt, read(run)).catch(() => {});
  const update = (run) => ({ step, loss }) => {
    if (loss === undefined || run.controller.signal.aborted) return;
    if (!place.isConnected) return void run.controller.abort(); // the reader is on another page
    run.add(loss);
    draw();
    say(run);
    if (step % WRITES === WRITES - 1 && step + 1 < most) write(run);
  };
  const lesson = async () => {
    const answer = await fetch(new URL(data.texts, source)).catch(() => undefined);
    if (!answer?.ok) throw new Error("The texts could not be fetched. Are you offline?");
    return answer.json();
  };
  const end = (run, done) => {
    if (running !== run) return;
    running = undefined;
    main.textContent = "Train a small model here";
    say(run, done);
    heard.textContent = run.losses.length ? `${done}: loss ${nats(run.mean)}.` : done;
    if (run.losses.length) write(run);
  };
  const train = async (run) => {
    const { signal } = run.controller;
    try {
      await get("load");
      texts ??= await lesson();
      if (signal.aborted) return;
      const lessons = { texts, steps: most, rows, peak: run.rate, seed, fresh, as: run.as };
      await get("train", lessons, { update: update(run), signal });
      end(run, `Done, ${run.losses.length} steps`);
    } catch (error) {
      end(run, line.textContent ? "Not trained." : error.message);
    }
  };
  const stop = () => {
    if (!running) return;
    running.controller.abort();
    end(running, `Stopped after ${running.losses.length} steps`);
  };
  const press = () => {
    main.focus();
    if (running) return stop();
    running = new Run(rate, `${id}-learner`);
    runs.set(rate, running);
    main.textContent = "Stop";
    clear.disabled = false;
    say(running);
    heard.textContent = "Training begins.";
    return train(running);
  };
  const main = button("Train a small model here", press);
  main.className = "panel-main";
  const clear = button("Start again", () => {
    stop();
    runs.clear();
    draw();
    wrote.hidden = text.hidden = true;
    words.textContent = heard.textContent = "";
    main.focus();
    clear.disabled = true;
  });
  clear.disabled = true;
  const choices = rates.map((value, i) => ({ value, text: `${value}${i === data.small.usual ? ", as on this page" : ""}` }));
  const group = radios(`${id}-rate`, "Learning rate at its peak, which is how far each step goes:", choices, (value) => { rate = value; }, "panel-rates");
  group.querySelectorAll("input")[data.small.usual].checked = true;
  const heading = make("p", { id: `${id}-here`, class: "panel-heading" }, "A run of your own");
  const size = `One layer of width ${fresh.width} with ${fresh.heads} heads: it starts from chance, and at each step reads ${rows} windows of ${fresh.context} tokens out of some of this page's texts. All runs start alike and read the same, so only the learning rate makes them differ.`;
  draw();
  return make("div", { role: "group", class: "panel-here", "aria-labelledby": heading.id },
    heading, make("p", {}, size), group, make("p", {}, main, clear), line, losses.element, words, heard, wrote, text);
};
