/*
 * What may come next, as bars: a press appends it to a text. Shared by the panels that write.
 *
 * The looks: `styled("bars.css")`.
 */
import { button, make } from "./elements.js";

const SHOWN = 8;

/** @typedef {{ name: string, p: number }} Choice  and whatever the panel needs to append it */

export const percent = (/** @type {number} */ p) => (p < 0.005 ? "< 1 %" : `${Math.round(p * 100)} %`);

/**
 * The likeliest first, at a temperature.
 * @template {Record<string, any>} T
 * @param {T[]} choices  each with a `score`, the logarithm of how likely it is, give or take what all have in common
 * @returns {(T & { p: number })[]}
 */
export const soften = (choices, temperature = 1) => {
  const most = choices.reduce((largest, { score }) => Math.max(largest, score), -Infinity);
  // The largest first: a small temperature would make exponentials too large for any number.
  const bent = choices.map((choice) => ({ ...choice, p: Math.exp((choice.score - most) / temperature) }));
  const sum = bent.reduce((all, { p }) => all + p, 0);
  for (const choice of bent) choice.p /= sum;
  return bent.sort((a, b) => b.p - a.p);
};

/** One of them, by chance. */
export const draw = (/** @type {Choice[]} */ choices) => {
  let dart = Math.random();
  return choices.find(({ p }) => (dart -= p) < 0) ?? choices[0];
};

/**
 * The likeliest as buttons, and a line about the others.
 * @param {string} label  what the list is
 * @param {(choice: Choice) => void} press
 * @returns {{ list: HTMLElement, rest: HTMLElement, show: (choices: Choice[], instead?: string) => void }}  `instead` is
 *   said where there is nothing to choose
 */
export const bars = (label, press) => {
  const list = make("ol", { class: "panel-choices", "aria-label": label });
  const rest = make("p");
  const item = (/** @type {Choice} */ choice) => {
    const bar = make("span", { class: "panel-bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", choice.p);
    const name = make("span", { class: "panel-word" }, choice.name);
    const line = button("", () => press(choice));
    line.append(bar, name, " ", make("span", { class: "panel-share" }, percent(choice.p)));
    return make("li", {}, line);
  };
  const show = (choices, instead = "") => {
    const held = [...list.children].findIndex((child) => child.contains(document.activeElement));
    list.replaceChildren(...choices.slice(0, SHOWN).map(item));
    list.children[Math.min(held, list.children.length - 1)]?.querySelector("button").focus({ preventScroll: true });
    const others = choices.slice(SHOWN);
    const share = percent(others.reduce((all, { p }) => all + p, 0));
    if (!choices.length) rest.textContent = instead;
    else rest.textContent = others.length ? `and ${others.length} more, together ${share}` : "and nothing else";
  };
  return { list, rest, show };
};
