/*
 * Who looks at whom in the reader's own sentence, in every layer and head, and what the model says next. One word can be
 * hidden from all later ones, to see whether what was looked at mattered.
 *
 * Two kinds of model: the one of Chapter 3, whose words are whole and which computes on the page in a millisecond, and a
 * GPT, which the worker asks.
 */
import { unpack } from "./blob.js";
import { button, fetched, field, make, nameOf, styled } from "./elements.js";
import { heatmap, thumbnail } from "./heatmap.js";
import { add, attend, linear } from "./layers.js";
import { remote } from "./remote.js";

/** Longer texts are cut: no model here sees more of them. */
const READ = 1000;
const NAMED = 5;

/**
 * @typedef {{ word: string, p: number }} Choice
 * @typedef {{ words: string[], attention: ArrayLike<number>[], next: Choice[], note: string }} Seen  for each layer
 *   who looked where (H, T, T)
 */

/** Who may look at whom, (T, T): nobody later sees what is hidden. */
export const causalTable = (T, hidden = []) => {
  const sees = new Uint8Array(T * T);
  for (let t = 0; t < T; t++) for (let s = 0; s <= t; s++) sees[t * T + s] = s === t || !hidden.includes(s) ? 1 : 0;
  return sees;
};

/** The likeliest of some scores, with their probabilities. */
export const best = (/** @type {Float32Array} */ logits, name, count = NAMED) => {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]).slice(0, count);
  return order.map((i) => ({ word: name(i), p: Math.exp(logits[i] - most) / total }));
};

/** Chapter 3's model: layers of attention, each of which adds what it found. Scores (V), and who looked where. */
export const look = ({ arrays, shapes, meta }, /** @type {number[]} */ tokens, hidden = []) => {
  const [T, [V, D]] = [tokens.length, shapes["p.word"]];
  const x = new Float32Array(T * D);
  tokens.forEach((token, t) => {
    for (let d = 0; d < D; d++) x[t * D + d] = arrays["p.word"][token * D + d] + arrays["p.position"][t * D + d];
  });
  const [qkv, mixed, found, sees] = [new Float32Array(T * 3 * D), x.slice(), x.slice(), causalTable(T, hidden)];
  const attention = [];
  const weights = (name) => ({ w: arrays[`${name}.w`], b: arrays[`${name}.b`] });
  for (let i = 0; arrays[`p.layers.${i}.qkv.w`]; i++) {
    attention.push(new Float32Array(meta.heads * T * T));
    linear(qkv, x, weights(`p.layers.${i}.qkv`), T, D, 3 * D); // (T, D) -> (T, 3D)
    attend(mixed, attention[i], qkv, sees, T, T, D, meta.heads);
    linear(found, mixed, weights(`p.layers.${i}.out`), T, D, D);
    add(x, found, T * D);
  }
  const logits = new Float32Array(V);
  linear(logits, x.subarray((T - 1) * D), { w: arrays["p.head"] }, 1, D, V);
  return { logits, attention };
};

/** A text in the words of a model that knows few: signs are left out, and so are words that it does not know. */
export const wordsOf = (/** @type {string[]} */ known, room, text) => {
  const index = new Map(known.map((word, i) => [word.toLowerCase(), i]));
  const said = text.match(/[\p{L}\p{M}\p{N}'’-]+/gu) ?? [];
  const tokens = said.map((word) => index.get(word.toLowerCase())).filter((token) => token !== undefined);
  const unknown = [...new Set(said.filter((word) => !index.has(word.toLowerCase())))];
  return { tokens: [0, ...tokens.slice(0, room - 1)], unknown, over: Math.max(0, tokens.length - room + 1) };
};

const plural = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;

/** What of a text the model does not read as it stands, in words. */
const noteOf = ({ tokens, unknown, over }, room) => {
  const notes = [];
  const named = unknown.slice(0, 3).map((word) => `“${word.slice(0, 20)}”`).join(", ");
  const more = unknown.length > 3 ? ` and ${unknown.length - 3} more` : "";
  if (unknown.length) notes.push(`Left out, for the model does not know them: ${named}${more}.`);
  if (over) notes.push(`It has places for ${room - 1} words: the last ${plural(over, "word")} ${over === 1 ? "is" : "are"} not read.`);
  const missing = room - tokens.length;
  if (missing) notes.push(`It was only ever asked after ${room - 1} words; here are ${tokens.length - 1}, so its answer is a guess.`);
  return notes.join(" ");
};

/** Weights that the page itself computes with, fetched when they are first needed. */
export const local = (url, again) => {
  const line = make("p", { class: "panel-loading", role: "status" });
  let coming;
  const get = async () => {
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error();
      const unpacked = unpack(await answer.arrayBuffer());
      line.replaceChildren();
      return unpacked;
    } catch (error) {
      coming = undefined;
      const text = error.message.includes("damaged") ? error.message : "The model could not be fetched. Are you offline?";
      line.replaceChildren(`${text} `, button("Try again", again));
      throw error;
    }
  };
  return { line, get: () => (coming ??= get()) };
};

/** @returns {{ line: HTMLElement, see: (text: string, hidden: number[]) => Promise<Seen> }} */
const wordModel = (url, again) => {
  const { line, get } = local(url, again);
  const see = async (text, hidden) => {
    const model = await get();
    const [room] = model.shapes["p.position"];
    const read = wordsOf(model.meta.words, room, text);
    const { logits, attention } = look(model, read.tokens, hidden);
    const name = (i) => model.meta.words[i];
    return { words: read.tokens.map(name), attention, next: best(logits, name), note: noteOf(read, room) };
  };
  return { line, see };
};

/** A token as people can read it: blanks as ␣, and bytes that are no whole character as their numbers. */
export const visible = (/** @type {number[]} */ bytes) => {
  if (!bytes.length) return "(end)";
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  if (text.includes("\ufffd")) return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return text.replaceAll(" ", "␣").replaceAll("\n", "↵");
};

const gptModel = (url, size, again) => {
  const { line, ask } = remote(url, size, again);
  const see = async (text, hidden) => {
    const { bytes, end } = await ask("load");
    const { tokens, attention, logits } = await ask("attention", { text, hidden });
    const name = (token) => visible(bytes[token]);
    const words = tokens.map((token, i) => (i === 0 && token === end ? "(start)" : name(token)));
    const note = tokens[0] === end ? "" : `The model sees ${tokens.length} tokens at once: these are the last ones.`;
    return { words, attention, next: best(logits.subarray(-logits.length / tokens.length), name), note };
  };
  return { line, see };
};

/** Radio buttons with a little picture each: which layer, which head. */
const choices = (id, layers, heads, change) => {
  const group = make("fieldset", { class: "panel-heads" }, make("legend", {}, heads > 1 ? "Layer and head:" : "Layer:"));
  const pictures = [];
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < heads; head++) {
      const input = make("input", { type: "radio", name: `${id}-head`, value: layer * heads + head });
      input.addEventListener("change", () => change(layer, head));
      const picture = make("canvas", { class: "panel-thumbnail", "aria-hidden": "true" });
      const name = heads > 1 ? `Layer ${layer + 1}, head ${head + 1}` : `Layer ${layer + 1}`;
      group.append(make("label", {}, picture, make("span", {}, input, ` ${name}`)));
      pictures.push({ picture, input, layer, head });
    }
  }
  const draw = (attention, T) => {
    for (const { picture, layer, head } of pictures) {
      thumbnail(picture, attention[layer].slice(head * T * T, (head + 1) * T * T), T);
    }
  };
  return { group, draw, check: (layer, head) => (pictures[layer * heads + head].input.checked = true) };
};

const percent = (p) => (p < 0.005 ? "< 1 %" : `${Math.round(p * 100)} %`);

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [data] = await Promise.all([fetched(source), styled("heatmap.css", "attention.css")]);
  const id = nameOf(source);
  const url = new URL(data.weights, source);
  const again = () => show();
  const { line, see } = data.kind === "gpt" ? gptModel(url, data.sizes.weights, again) : wordModel(url, again);
  const [label, text] = field(id, "A sentence:", data.start.text);
  const note = make("p", { class: "panel-note" });
  const answer = make("p", { class: "panel-answer" });
  const status = make("p", { role: "status", class: "panel-status" });
  let [layer, head, hidden, asked, tried] = [data.layers - 1, data.heads - 1, [], 0, -1];
  let cell = { row: 0, column: 0 };
  /** @type {Seen} */
  let seen;

  const map = heatmap("Attention weights", {
    follow: (followed) => {
      if (followed.chosen) cell = followed;
      hide.disabled = cell.column >= seen.words.length - 1;
      hide.textContent = `${hidden.includes(cell.column) ? "Show" : "Hide"} “${seen.words[cell.column]}”`;
    },
  });
  const pick = choices(id, data.layers, data.heads, (...picked) => {
    [layer, head] = picked;
    draw();
  });
  const draw = () => {
    const T = seen.words.length;
    const weights = seen.attention[layer].slice(head * T * T, (head + 1) * T * T);
    map.show({ looks: seen.words, weights, sees: causalTable(T, hidden) });
  };
  const take = (/** @type {Seen} */ found, follow) => {
    const T = found.words.length;
    const another = follow || T !== seen?.words.length;
    seen = found;
    draw();
    if (another) map.follow(T - 1);
    else map.follow(cell.row, cell.column);
    pick.draw(seen.attention, T);
    note.textContent = seen.note ?? "";
    const [first, ...others] = seen.next;
    const named = others.filter(({ p }) => p >= 0.005).map(({ word, p }) => `${word} ${percent(p)}`);
    const rest = named.length ? `, ${named.join(", ")}.` : ", any other less than 1 %.";
    answer.replaceChildren(`After “${seen.words.at(-1)}” the model says `, make("b", {}, first.word), ` ${percent(first.p)}${rest}`);
  };
  /** Only the last question's answer counts. */
  const show = async (follow = false, told = "") => {
    const number = ++asked;
    const cut = text.value.length > READ ? ` The last ${READ} characters are read.` : "";
    try {
      const found = await see(text.value.slice(-READ), hidden);
      if (number !== asked) return;
      take({ ...found, note: `${found.note}${cut}` }, follow);
      status.textContent = told && `${told} It says ${found.next[0].word}, ${percent(found.next[0].p)}.`;
    } catch (_error) {
      // The line says what is missing; what stands remains.
    }
  };
  const hide = button("Hide", () => {
    const { column } = cell;
    const word = seen.words[column];
    const away = !hidden.includes(column);
    hidden = away ? [...hidden, column] : hidden.filter((each) => each !== column);
    show(false, away ? `No later word sees “${word}” now.` : `“${word}” is to be seen again.`);
  });
  const write = (value) => {
    [text.value, hidden] = [value, []];
    return show(true);
  };
  const buttons = make("p", {}, hide);
  if (data.others?.length) {
    buttons.append(button("Another sentence", () => write(data.others[(tried = (tried + 1) % data.others.length)])));
  }
  buttons.append(button("Start again", () => {
    [text.value, hidden, asked, tried, layer, head] = [data.start.text, [], asked + 1, -1, data.layers - 1, data.heads - 1];
    pick.check(layer, head);
    take(data.start, true);
    status.textContent = "";
  }));
  text.addEventListener("input", () => {
    hidden = [];
    show();
  });

  const panel = make("div", { class: "panel panel-attention", role: "group", "aria-label": "Who looks at whom" });
  const known = data.known
    ? [make("details", {}, make("summary", {}, `The ${data.known.length} words that it knows`), make("p", {}, data.known.join(", ")))]
    : [];
  panel.append(label, text, ...known, note, line, pick.group, map.element, answer, buttons, status);
  place.replaceChildren(panel);
  pick.check(layer, head);
  take(data.start, true);
};
