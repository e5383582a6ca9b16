/*
 * A sentence that two kinds of models rewrite: two networks, of which one writes and looks into what the other has read;
 * and one network that sees the whole source. Both compute on the page: a sentence takes some ten milliseconds.
 */
import { local } from "./attention.js";
import { button, fetched, field, make, nameOf, styled } from "./elements.js";
import { GPT, Tokenizer, full, prefix, table } from "./gpt.js";
import { heatmap } from "./heatmap.js";
import { add, attend, gelu, layerNorm, linear } from "./layers.js";

/** Longer texts are cut: these models read one sentence. */
const READ = 400;

/** @typedef {{ tokens: number[], looks: number[][] }} Written  for each token that was written, where its writer looked */

const room = (n) => new Float32Array(n);
const largest = (/** @type {Float32Array} */ logits) => logits.indexOf(logits.reduce((a, b) => Math.max(a, b), -Infinity));

/** Those arrays whose names begin so, without it. */
const under = (named, start) => Object.fromEntries(
  Object.entries(named).filter(([name]) => name.startsWith(start)).map(([name, value]) => [name.slice(start.length), value]),
);

/** `EncoderDecoder` of `snippets/encoder_decoder.py`. */
export class Pair {
  constructor({ meta, arrays, shapes }) {
    const [sizes, D] = [under(shapes, "encoder."), shapes["decoder.position_emb"][1]];
    const reads = { ...under(arrays, "encoder."), head_w: room(D) }; // it has no head: nobody asks it for words
    this.encoder = new GPT({ meta: { ...meta, mask: "full" }, arrays: reads, shapes: { ...sizes, head_w: [D, 1] } });
    this.decoder = new GPT({ meta, arrays: under(arrays, "decoder."), shapes: under(shapes, "decoder.") });
    this.cross = this.decoder.blocks.map((_, i) => {
      const get = (part) => under(arrays, `cross.${i}.${part}.`);
      return { norm: get("norm"), q: get("q"), kv: get("kv"), out: get("out") };
    });
  }

  /** What the encoder leaves of a source: (S, D). */
  remember(/** @type {number[]} */ source) {
    const x = this.encoder.forward(source, { mask: full, watch: true }).stream.at(-1);
    const memory = room(x.length);
    layerNorm(memory, x, this.encoder.norm, source.length, this.encoder.width);
    return memory;
  }

  /** A look into the memory: what it brings (T, D), and the weights (H, T, S). */
  #across(x, memory, p, T, S, D) {
    const [a, q, kv, both] = [room(T * D), room(T * D), room(S * 2 * D), room((S + T) * 3 * D)];
    layerNorm(a, x, p.norm, T, D);
    linear(q, a, p.q, T, D, D);
    linear(kv, memory, p.kv, S, D, 2 * D);
    for (let s = 0; s < S; s++) both.set(kv.subarray(s * 2 * D, (s + 1) * 2 * D), s * 3 * D + D);
    for (let t = 0; t < T; t++) both.set(q.subarray(t * D, (t + 1) * D), (S + t) * 3 * D);
    const [H, mixed] = [this.decoder.heads, room(T * D)];
    const all = room(H * T * (S + T));
    attend(mixed, all, both, table((_query, key) => key < S, T, S + T), T, S + T, D, H);
    linear(a, mixed, p.out, T, D, D);
    const weights = room(H * T * S);
    for (let row = 0; row < H * T; row++) weights.set(all.subarray(row * (S + T), row * (S + T) + S), row * S);
    return { a, weights };
  }

  /** Scores for what comes after the last token (V), and the first block's look across (H, T, S). */
  forward(memory, /** @type {number[]} */ written) {
    const { decoder } = this;
    const [T, D, H] = [written.length, decoder.width, decoder.heads];
    const S = memory.length / D;
    const x = Float32Array.from({ length: T * D }, (_, i) => decoder.tokens[written[Math.floor(i / D)] * D + (i % D)] + decoder.positions[i]);
    const [a, qkv, mixed, up] = [room(T * D), room(T * 3 * D), room(T * D), room(T * 4 * D)];
    const sees = table((query, key) => key <= query, T, T);
    let weights;
    decoder.blocks.forEach((p, i) => {
      const looked = this.#across(x, memory, this.cross[i], T, S, D);
      weights ??= looked.weights;
      add(x, looked.a, T * D);
      layerNorm(a, x, p.norm1, T, D);
      linear(qkv, a, p.qkv, T, D, 3 * D);
      attend(mixed, room(H * T * T), qkv, sees, T, T, D, H);
      linear(a, mixed, p.out, T, D, D);
      add(x, a, T * D);
      layerNorm(a, x, p.norm2, T, D);
      linear(up, a, p.up, T, D, 4 * D);
      gelu(up, up, T * 4 * D);
      linear(a, up, p.down, T, 4 * D, D);
      add(x, a, T * D);
    });
    return { logits: decoder.read(x.slice((T - 1) * D)), weights };
  }
}

/** Rows of the mean over heads, out of (H, T, S). */
const rows = (weights, heads, T, S) => Array.from({ length: T }, (_, t) => Array.from({ length: S }, (_, s) => {
  let sum = 0;
  for (let h = 0; h < heads; h++) sum += weights[(h * T + t) * S + s];
  return sum / heads;
}));

/** @type {(pair: Pair, end: number, source: number[], length: number) => Written} */
export const writePair = (pair, end, source, length) => {
  const memory = pair.remember(source);
  const written = [end];
  let looks = [];
  while (written.length < length && (written.length === 1 || written.at(-1) !== end)) {
    const { logits, weights } = pair.forward(memory, written);
    looks = rows(weights, pair.decoder.heads, written.length, source.length);
    written.push(largest(logits));
  }
  return { tokens: written.slice(1), looks };
};

/** @type {(model: GPT, end: number, source: number[], length: number) => Written} */
export const writePrefix = (model, end, source, length) => {
  const [tokens, looks, past] = [[], [], model.past()];
  const options = { past, mask: prefix(length), watch: true };
  model.forward([...source, ...Array.from({ length: length - source.length }, () => end)], options);
  let next = end;
  do {
    const { logits, attention } = model.forward([next], options);
    const [row] = rows(attention[0], model.heads, 1, past.length);
    const filling = row.slice(source.length, length).reduce((sum, weight) => sum + weight, 0);
    looks.push([...row.slice(0, source.length), filling, ...row.slice(length)]);
    tokens.push((next = largest(logits)));
  } while (next !== end && tokens.length < length - 1);
  return { tokens, looks };
};

const FAMILIES = [
  { says: "two networks, one bridge", told: "Each row is one look across, from what is being written to what was read." },
  { says: "one network, all of the source in sight", told: "Each row looks at the source, at what fills it up, and at what is written so far." },
];

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [data] = await Promise.all([fetched(source), styled("heatmap.css", "masks.css")]);
  const id = nameOf(source);
  const tokenizer = new Tokenizer(data);
  const weights = FAMILIES.map((_, i) => local(new URL(data[`weights${i}`], source), () => show()));
  const [kinds, writers] = [[Pair, GPT], [writePair, writePrefix]];
  const models = weights.map(({ get }, i) => {
    let model;
    return async () => (model ??= new kinds[i](await get()));
  });
  const [label, text] = field(id, "A sentence to turn round:", data.start.text);
  const note = make("p", { class: "panel-note" });
  const told = make("p", { class: "panel-note" });
  const status = make("p", { role: "status", class: "panel-status" });
  const map = heatmap("Where the writer looks");
  let [shown, asked, tried] = [0, 0, -1];
  let tokens = data.start.source;
  /** @type {(Written | undefined)[]} */
  let written = data.start.families;

  const cards = FAMILIES.map(({ says }, i) => {
    const { name } = data.start.families[i];
    const input = make("input", { type: "radio", name: `${id}-family`, value: name });
    input.addEventListener("change", () => {
      shown = i;
      if (written[i]) draw();
      else show(true);
    });
    const output = make("p", { class: "panel-written" });
    return { input, output, element: make("div", { class: "panel-family" }, make("label", {}, input, " ", make("b", {}, name), ` ${says}`), output) };
  });
  const name = (token) => data.names[token].replace(/^␣(?=.)/u, "");
  const said = (i) => tokenizer.decode(written[i].tokens.filter((token) => token !== tokenizer.end)).trim();
  const draw = () => {
    cards.forEach(({ output }, i) => { output.textContent = written[i] ? said(i) || "(nothing)" : "(choose it, and it writes)"; });
    const { tokens: rowsOf, looks } = written[shown];
    const read = tokens.map(name);
    const at = shown === 0 ? read : [...read, "(filling)", "(start)", ...rowsOf.slice(0, -1).map(name)];
    const [T, S] = [rowsOf.length, at.length];
    const [all, sees] = [new Float32Array(T * S), new Uint8Array(T * S)];
    looks.forEach((row, t) => {
      all.set(row, t * S);
      sees.fill(1, t * S, t * S + row.length);
    });
    map.show({ looks: rowsOf.map(name), at, weights: all, sees });
    map.follow(Math.floor(all.indexOf(Math.max(...all)) / S)); // the surest look
    told.textContent = `${FAMILIES[shown].told} Weights are the mean of the first block's heads.`;
  };
  /** Only the last question's answer counts. */
  const show = async (tell = false) => {
    const [number, i] = [++asked, shown];
    const given = tokenizer.encode(` ${text.value.slice(0, READ).trim()}`);
    const cut = given.slice(0, data.length);
    try {
      const model = await models[i]();
      if (number !== asked) return;
      const fresh = cut.join() !== tokens.join();
      const now = writers[i](model, tokenizer.end, cut, data.length);
      written = written.map((each, j) => (j === i ? now : fresh ? undefined : each));
      tokens = cut;
      const over = given.length - cut.length;
      note.textContent = over ? `These models read ${data.length} tokens, and leave out the last ${over}.` : "";
      draw();
      status.textContent = tell ? `The ${cards[i].input.value} writes: ${said(i)}` : "";
    } catch (_error) {
      // The line says what is missing; what stands remains.
    }
  };
  const another = button("Another sentence", () => {
    text.value = data.others[(tried = (tried + 1) % data.others.length)];
    show(true);
  });
  const again = button("Start again", () => {
    [text.value, tokens, written, asked, tried, shown] = [data.start.text, data.start.source, data.start.families, asked + 1, -1, 0];
    cards[0].input.checked = true;
    note.textContent = status.textContent = "";
    draw();
  });
  text.addEventListener("input", () => show());

  const families = make("div", { class: "panel-families", role: "radiogroup", "aria-label": "Who writes" });
  families.append(...cards.map(({ element }) => element));
  const panel = make("div", { class: "panel panel-masks", role: "group", "aria-label": "Turn a sentence round" });
  const buttons = make("p", {}, ...(data.others.length ? [another] : []), again);
  panel.append(label, text, note, ...weights.map(({ line }) => line), families, told, map.element, buttons, status);
  place.replaceChildren(panel);
  cards[0].input.checked = true;
  draw();
};
