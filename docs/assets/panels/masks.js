/*
 * One sentence with a gap, and models that differ in who may look at whom: where each looks, and what it expects there.
 */
import { best, visible } from "./attention.js";
import { button, fetched, field, make, nameOf, styled } from "./elements.js";
import { heatmap } from "./heatmap.js";
import { remote } from "./remote.js";

const GAP = "___";
/** Longer texts are cut: these models read one sentence. */
const READ = 1000;
const NAMED = 4;

/**
 * @typedef {{ name: string, full: boolean, looks: ArrayLike<number>, next: { word: string, p: number }[] }} Family
 * @typedef {{ words: string[], at: number, families: Family[], note?: string }} Seen
 */

/** What stands on both sides of the gap. Without one, it comes last. */
export const sides = (/** @type {string} */ text) => {
  const at = text.indexOf(GAP);
  const [left, right] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + GAP.length)];
  return { left: left.trim() && ` ${left.trim()}`, right: right.trimEnd() };
};

/** The mean of all heads, (T, T), out of (H, T, T). */
export const mean = (/** @type {Float32Array} */ weights, T) => {
  const heads = weights.length / T / T;
  return Float32Array.from({ length: T * T }, (_, i) => {
    let sum = 0;
    for (let h = 0; h < heads; h++) sum += weights[h * T * T + i];
    return sum / heads;
  });
};

/**
 * What a model expects between two sides: a decoder has read the left one, an encoder both.
 * @returns {Promise<{ looks: Float32Array, logits: Float32Array }>}
 */
export const expect = async (ask, full, end, gap, left, right) => {
  const tokens = full ? [end, ...left, gap, ...right] : [end, ...left];
  const { attention, logits } = await ask("attention", { tokens });
  const outputs = logits.length / tokens.length;
  const at = left.length + (full ? 1 : 0);
  return { looks: mean(attention.at(-1), tokens.length), logits: logits.slice(at * outputs, (at + 1) * outputs) };
};

const percent = (p) => (p < 0.005 ? "< 1 %" : `${Math.round(p * 100)} %`);
const nameOfToken = (bytes, end, gap) => (token) => {
  if (token === end) return "(start)";
  // Most tokens are words here, which keep the blank before them to themselves.
  return token === gap ? GAP : visible(bytes[token]).replace(/^␣+(?=.)|␣+$/gu, "") || "␣";
};

/** One model's guesses under a radio button that shows where it looks. */
const card = (id, { name, full }, checked, choose) => {
  const input = make("input", { type: "radio", name: `${id}-family`, value: name });
  input.checked = checked;
  input.addEventListener("change", choose);
  const list = make("ol", { class: "panel-guesses", "aria-label": `What the ${name} expects` });
  const sees = full ? "sees both sides" : "sees what came before";
  const element = make("div", { class: "panel-family" }, make("label", {}, input, " ", make("b", {}, name), ` ${sees}`), list);
  const show = (next) => list.replaceChildren(...next.map(({ word, p }) => {
    const bar = make("span", { class: "panel-bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", p);
    return make("li", {}, bar, make("span", { class: "panel-word" }, word), " ", make("span", { class: "panel-share" }, percent(p)));
  }));
  return { element, show, input };
};

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [data] = await Promise.all([fetched(source), styled("heatmap.css", "masks.css")]);
  const id = nameOf(source);
  const models = data.start.families.map((_, i) =>
    remote(new URL(data[`weights${i}`], source), data.sizes[`weights${i}`], () => show()));
  const [label, text] = field(id, `A sentence with a gap, ${GAP}:`, data.start.text);
  const note = make("p", { class: "panel-note" });
  const status = make("p", { role: "status", class: "panel-status" });
  const map = heatmap("Who looks at whom");
  const row = make("p", { class: "panel-note" });
  const last = data.start.families.length - 1;
  let [shown, asked, tried] = [last, 0, -1];
  /** @type {Seen} */
  let seen;

  const cards = data.start.families.map((family, i) => card(id, family, i === last, () => {
    shown = i;
    draw();
  }));
  /** A decoder has not read what stands behind the gap: there it has columns, but no rows. */
  const draw = () => {
    const { full, looks } = seen.families[shown];
    const [T, S] = [full ? seen.words.length : seen.at, seen.words.length];
    const [weights, sees] = [new Float32Array(T * S), new Uint8Array(T * S)];
    for (let t = 0; t < T; t++) {
      for (let s = 0; s < (full ? S : t + 1); s++) {
        weights[t * S + s] = looks[t * T + s];
        sees[t * S + s] = 1;
      }
    }
    map.show({ looks: seen.words.slice(0, T), at: seen.words, weights, sees });
    map.follow(full ? seen.at : seen.at - 1);
    row.textContent = full
      ? "Everyone looks at everyone, and what it expects is read off at the gap. Weights are the mean of its heads."
      : "Nobody looks ahead, and what it expects is read off just before the gap. Weights are the mean of its heads.";
  };
  const take = (/** @type {Seen} */ found) => {
    seen = found;
    found.families.forEach(({ next }, i) => cards[i].show(next));
    note.textContent = found.note ?? "";
    cut.disabled = !sides(text.value).right;
    draw();
  };
  const read = async (given) => {
    const { end, bytes } = await models[0].ask("load");
    const { left, right } = sides(given);
    const [before, after] = await Promise.all([left, right].map(async (side) => (await models[0].ask("encode", { text: side })).tokens));
    const kept = before.slice(0, data.context - 2);
    const behind = after.slice(0, data.context - 2 - kept.length);
    const name = nameOfToken(bytes, end, data.gap);
    const families = await Promise.all(data.start.families.map(async ({ name: kind, full }, i) => {
      const { looks, logits } = await expect(models[i].ask, full, end, data.gap, kept, behind);
      return { name: kind, full, looks, next: best(logits, name, NAMED) };
    }));
    const over = before.length + after.length - kept.length - behind.length;
    const long = over ? `These models read ${data.context - 2} tokens beside the gap, and leave out the last ${over}. ` : "";
    const none = given.includes(GAP) ? "" : `There is no ${GAP}, so the gap comes last.`;
    return { words: [end, ...kept, data.gap, ...behind].map(name), at: kept.length + 1, families, note: long + none };
  };
  /** Only the last question's answer counts. */
  const show = async (told = false) => {
    const number = ++asked;
    try {
      const found = await read(text.value.slice(0, READ));
      if (number !== asked) return;
      take(found);
      status.textContent = told ? found.families.map(({ name, next }) => `The ${name} expects ${next[0].word}, ${percent(next[0].p)}.`).join(" ") : "";
    } catch (_error) {
      // The line says what is missing; what stands remains.
    }
  };
  const write = (value) => {
    text.value = value;
    return show(true);
  };
  const cut = button("Cut off what follows", () => write(`${sides(text.value).left.trim()} ${GAP}`.trim()));
  const buttons = make("p", {}, cut);
  if (data.others.length) {
    buttons.append(button("Another sentence", () => write(data.others[(tried = (tried + 1) % data.others.length)])));
  }
  buttons.append(button("Start again", () => {
    [text.value, asked, tried, shown] = [data.start.text, asked + 1, -1, last];
    cards[last].input.checked = true;
    status.textContent = "";
    take(data.start);
  }));
  text.addEventListener("input", () => show());

  const panel = make("div", { class: "panel panel-masks", role: "group", "aria-label": "Fill the gap" });
  const families = make("div", { class: "panel-families", role: "radiogroup", "aria-label": "Whose looks to show" });
  families.append(...cards.map(({ element }) => element));
  panel.append(label, text, note, ...models.map(({ line }) => line), families, row, map.element, buttons, status);
  place.replaceChildren(panel);
  take(data.start);
};
