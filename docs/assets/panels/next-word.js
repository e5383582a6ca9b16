/*
 * Write with the bigram model that the page has counted: what may come next, as bars; a press appends it.
 */

import { button, fetched, field, make, nameOf, slider, styled } from "./elements.js";

/** The words as `exercises` in the chapter cuts them: each keeps the blank before it. */
const WORDS = /\s*[\p{L}\p{N}_]+|\s*[^\p{L}\p{N}_\s]/gu;
const SHOWN = 8;

/**
 * @typedef {{ words: string[], rows: Record<number, [number, number][]>, start: string, end: string }} Model
 * @typedef {{ word: string, p: number }} Choice
 */

/** What follows a text, likeliest first; undefined where the model has no row for its last word. */
export const distribution = (/** @type {Model} */ model, /** @type {string} */ text, temperature = 1) => {
  const last = text.match(WORDS)?.at(-1) ?? model.end;
  const row = model.rows[model.words.indexOf(last)];
  if (!row) return undefined;
  const most = Math.max(...row.map(([, count]) => count));
  // Divided by the largest first: a small temperature would make powers too large for any number.
  const bent = row.map(([index, count]) => ({ word: model.words[index], p: (count / most) ** (1 / temperature) }));
  const sum = bent.reduce((all, { p }) => all + p, 0);
  return bent.map(({ word, p }) => ({ word, p: p / sum })).sort((a, b) => b.p - a.p);
};

/** One of them, by chance. */
const draw = (/** @type {Choice[]} */ choices) => {
  let dart = Math.random();
  return choices.find(({ p }) => (dart -= p) < 0) ?? choices[0];
};

const percent = (p) => (p < 0.005 ? "< 1 %" : `${Math.round(p * 100)} %`);

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [model] = await Promise.all([fetched(source), styled("next-word.css")]);
  const id = nameOf(source);
  const [label, text] = field(id, "A text begins:", model.start);
  const range = { min: 0.2, max: 3, step: 0.1, value: 1 };
  const { line, input: bend, said } = slider(`${id}-temperature`, "Temperature", range, () => show());
  const list = make("ol", { class: "panel-choices", "aria-label": "What may come next: press a word to append it" });
  const rest = make("p");
  const status = make("p", { role: "status", class: "panel-status" });

  const ended = () => text.value.endsWith(model.end);
  const show = () => {
    const temperature = Number(bend.value);
    said.textContent = temperature.toFixed(1);
    const choices = ended() ? [] : distribution(model, text.value, temperature);
    const held = [...list.children].findIndex((item) => item.contains(document.activeElement));
    list.replaceChildren(...(choices ?? []).slice(0, SHOWN).map(({ word, p }) => {
      const bar = make("span", { class: "panel-bar", "aria-hidden": "true" });
      bar.style.setProperty("--share", p);
      const name = word === model.end ? "(the end)" : word.trim();
      const line = button("", () => append(word));
      line.append(bar, make("span", { class: "panel-word" }, name), " ", make("span", { class: "panel-share" }, percent(p)));
      return make("li", {}, line);
    }));
    list.children[Math.min(held, list.children.length - 1)]?.querySelector("button").focus();
    const others = (choices ?? []).slice(SHOWN);
    const share = percent(others.reduce((all, { p }) => all + p, 0));
    if (ended()) rest.textContent = "The text is over.";
    else if (!choices) rest.textContent = "This word never came up in what was counted, so the table has no row for it.";
    else rest.textContent = others.length ? `and ${others.length} more, together ${share}` : "and nothing else";
    for (const each of drawing) each.disabled = !choices?.length;
    return choices;
  };
  const append = (word) => {
    text.value += word;
    text.scrollTop = text.scrollHeight;
    status.textContent = word === model.end ? "The text is over." : `Added: ${word.trim()}`;
    return show();
  };
  const drawSome = (count) => {
    const before = text.value.length;
    for (let left = count, choices = show(); left > 0 && choices?.length; left -= 1) choices = append(draw(choices).word);
    status.textContent = `Drawn: ${text.value.slice(before).replace(model.end, " (the end)").trim()}`;
  };
  const drawing = [button("Draw a word", () => drawSome(1)), button("Draw twenty", () => drawSome(20))];
  const again = button("Start again", () => {
    text.value = model.start;
    bend.value = 1;
    show();
  });

  text.addEventListener("input", show);
  show();
  const buttons = make("p", {}, ...drawing, again);
  const panel = make("div", { class: "panel", role: "group", "aria-label": "Write with the model" });
  panel.append(label, text, list, rest, line, buttons, status);
  place.replaceChildren(panel);
};
