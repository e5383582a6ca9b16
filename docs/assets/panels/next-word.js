/*
 * Write with the bigram model that the page has counted: what may come next, as bars; a press appends it.
 */
import { bars, draw, soften } from "./bars.js";
import { button, fetched, field, make, nameOf, slider, styled } from "./elements.js";

/** The words as `exercises` in the chapter cuts them: each keeps the blank before it. */
const WORDS = /\s*[\p{L}\p{N}_]+|\s*[^\p{L}\p{N}_\s]/gu;

/** @typedef {{ words: string[], rows: Record<number, [number, number][]>, start: string, end: string }} Model */

/** What follows a text, likeliest first; undefined where the model has no row for its last word. */
export const distribution = (/** @type {Model} */ model, /** @type {string} */ text, temperature = 1) => {
  const last = text.match(WORDS)?.at(-1) ?? model.end;
  const row = model.rows[model.words.indexOf(last)];
  if (!row) return undefined;
  return soften(row.map(([index, count]) => ({ word: model.words[index], score: Math.log(count) })), temperature);
};

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [model] = await Promise.all([fetched(source), styled("bars.css")]);
  const id = nameOf(source);
  const [label, text] = field(id, "A text begins:", model.start);
  const range = { min: 0.2, max: 3, step: 0.1, value: 1 };
  const { line, input: bend, said } = slider(`${id}-temperature`, "Temperature", range, () => show());
  const { list, rest, show: showBars } = bars("What may come next: press a word to append it", ({ word }) => append(word));
  const status = make("p", { role: "status", class: "panel-status" });

  const ended = () => text.value.endsWith(model.end);
  const nameOfWord = (word) => (word === model.end ? "(the end)" : word.trim());
  const show = () => {
    const temperature = Number(bend.value);
    said.textContent = temperature.toFixed(1);
    const found = ended() ? [] : distribution(model, text.value, temperature);
    const choices = (found ?? []).map((each) => ({ ...each, name: nameOfWord(each.word) }));
    const none = "This word never came up in what was counted, so the table has no row for it.";
    showBars(choices, ended() ? "The text is over." : none);
    for (const each of drawing) each.disabled = !choices.length;
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
    for (let left = count, choices = show(); left > 0 && choices.length; left -= 1) choices = append(draw(choices).word);
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
