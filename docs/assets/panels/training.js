/*
 * The page's own training run, step by step: what each loss was, what the model wrote, and where it looked.
 */
import { chart } from "./chart.js";
import { button, fetched, make, nameOf, slider, styled } from "./elements.js";
import { heatmap, thumbnail } from "./heatmap.js";
import { nats, present, radios } from "./training-here.js";

/** Losses so little above guessing are not called worse: new models, whose scores are not quite even, begin there. */
const NEAR = 0.1;

/** Weights (heads, T, T) out of thousandths, of which only those up to each position are stored. */
export const squares = (/** @type {number[]} */ stored, T) => {
  const size = (T * (T + 1)) / 2;
  return Array.from({ length: stored.length / size }, (_, head) => {
    const square = new Float32Array(T * T);
    let from = head * size;
    for (let t = 0; t < T; t++) for (let s = 0; s <= t; s++) square[t * T + s] = stored[from++] / 1000;
    return square;
  });
};

/** Where the wall of the triangle is: who may look at whom. */
const causal = (T) => Uint8Array.from({ length: T * T }, (_, i) => (i % T <= Math.floor(i / T) ? 1 : 0));

/** Where the model looks, in each layer and head, at a step. */
const looking = (id, { words, layers, heads }) => {
  const T = words.length;
  const map = heatmap("Attention weights at this step");
  const heading = make("p", { id: `${id}-looks`, class: "panel-heading" }, "Where it looks in one sentence:");
  const all = Array.from({ length: layers * heads }, (_, i) => ({
    value: i, text: `Layer ${Math.floor(i / heads) + 1}, head ${(i % heads) + 1}`,
    before: [make("canvas", { class: "panel-thumbnail", "aria-hidden": "true" })],
  }));
  let [chosen, shown, own] = [0, [], false];
  /** The last token's largest weight is told, until the reader chooses a cell. */
  const draw = () => {
    map.show({ looks: words, weights: shown[chosen], sees: causal(T) });
    if (!own) map.follow(T - 1);
  };
  for (const kind of ["click", "keydown"]) map.element.addEventListener(kind, () => { own = true; });
  const pick = (value) => {
    chosen = value;
    draw();
  };
  const group = radios(`${id}-head`, "Layer and head:", all, pick, "panel-heads");
  const show = ({ attention }) => {
    shown = attention.flatMap((stored) => squares(stored, T));
    all.forEach(({ before: [picture] }, i) => thumbnail(picture, shown[i], T));
    draw();
  };
  return { elements: [heading, group, map.element], show };
};

/** The run of the page. */
const past = (id, data, numbers) => {
  const { losses, steps, guess } = data;
  const last = steps.length - 1;
  const pick = (step) => {
    const far = steps.map((each) => Math.abs(each.step - step));
    show(far.indexOf(Math.min(...far)));
  };
  const curves = chart("The losses of this page's run. The numbers are below.", { steps: steps[last].step, guess, pick });
  const { line, input, said } = slider(`${id}-step`, "Step", { min: 0, max: last, step: 1, value: 0 }, () => show(Number(input.value)));
  const words = make("p", { class: "panel-losses" });
  const text = make("p", { class: "panel-text" });
  const heard = make("p", { class: "panel-heard", role: "status" });
  const looks = looking(id, data);
  const sentence = (i) => losses.map(({ name, values }) =>
    `“${name}” ${nats(values[i])}${values[i] > guess + NEAR ? " (worse than guessing)" : ""}`).join(", ");
  const show = (i) => {
    const { step } = steps[i];
    input.value = i;
    input.setAttribute("aria-valuetext", `step ${step}`);
    said.textContent = step;
    [earlier.disabled, later.disabled] = [i === 0, i === last];
    words.textContent = `Loss after ${step} steps: ${sentence(i)}. Guessing costs ${guess.toFixed(2)}.`;
    text.textContent = steps[i].text;
    curves.mark(step);
    looks.show(steps[i]);
  };
  const move = (by, other) => () => {
    show(Number(input.value) + by);
    if (document.activeElement?.disabled || document.activeElement === document.body) other().focus();
    heard.textContent = words.textContent;
  };
  const earlier = button("Earlier", move(-1, () => later));
  const later = button("Later", move(1, () => earlier));
  line.append(earlier, later);
  curves.show(losses.map(({ name, values }) => ({ name, points: values.map((loss, i) => [steps[i].step, loss]) })));
  const all = make("div", { class: "panel-numbers", tabindex: 0, role: "group", "aria-label": "All losses" }, numbers ?? "");
  const fold = make("details", {}, make("summary", {}, "All losses in numbers"), all);
  const wrote = make("p", { class: "panel-heading" }, `What it writes after “${data.prompt}”:`);
  return { elements: [curves.element, line, words, fold, heard, wrote, text, ...looks.elements], start: () => show(0) };
};

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [data] = await Promise.all([fetched(source), styled("heatmap.css", "attention.css", "training.css")]);
  const id = nameOf(source);
  const { elements, start } = past(id, data, place.querySelector("table"));
  const panel = make("div", { class: "panel panel-training", role: "group", "aria-label": "How the model learnt" });
  panel.append(...elements, present(id, data, source, place));
  place.replaceChildren(panel);
  start();
};
