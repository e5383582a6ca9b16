/*
 * What a part of the model says of itself: what it does, its numbers for the reader's text, its shapes, arrays and code.
 */
import { make } from "./elements.js";

export const percent = (p) => {
  if (p < 0.00005) return "< 0.01\u00a0%";
  return `${(100 * p).toFixed(p < 0.01 ? 2 : p < 0.1 ? 1 : 0)}\u00a0%`;
};
export const long = (size) => (size < 10 ? size.toFixed(2) : size.toFixed(1));
export const written = (count) => count.toLocaleString("en");
export const shape = (dims, T) => {
  const sizes = dims.map((size) => (size === "T" ? T : size));
  return `(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`;
};

const word = (text) => make("code", {}, text);

const table = (caption, head, rows) => {
  const cells = (kind, row) => make("tr", {}, ...row.map((cell) => make(kind, {}, cell)));
  const heads = make("tr", {}, ...head.map((cell) => make("th", { scope: "col" }, cell)));
  const made = make("table", { class: "panel-table" });
  made.append(make("caption", {}, caption), make("thead", {}, heads), make("tbody", {}, ...rows.map((row) => cells("td", row))));
  return made;
};

/** The likeliest tokens as bars, with a mark where all tokens alike would stand. */
const chances = ({ words, letters }, { best, came }, next) => {
  const [[, largest]] = best;
  const list = make("ol", { class: "panel-lens", "aria-label": "Likeliest next tokens" });
  for (const [token, p] of best) {
    const bar = make("span", { class: "panel-lens-bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", p / largest);
    bar.style.setProperty("--even", 1 / letters.V / largest);
    const came = token === next ? make("small", {}, " came") : "";
    list.append(make("li", {}, make("span", {}, word(words[token]), came), bar, make("span", {}, percent(p))));
  }
  const notes = [`If all ${letters.V} were equally likely, each would have ${percent(1 / letters.V)}: the thin line.`];
  const known = came !== null && !best.some(([token]) => token === next);
  const said = make("p", {}, ...(known ? ["What came, ", word(words[next]), `, has ${percent(came)}. `] : []), ...notes);
  return [list, said];
};

/** Something about each token. */
const listed = ({ words }, tokens, values, at) => make("ol", { class: "panel-lengths" }, ...tokens.map((token, t) =>
  make("li", t === at ? { class: "panel-here" } : {}, word(words[token]), ` ${values[t]}`)));

/** The length of the stream at each token. */
const lengths = (data, tokens, sizes, at) => {
  const list = listed(data, tokens, sizes.map(long), at);
  const largest = Math.max(...sizes);
  sizes.forEach((size, t) => list.children[t].style.setProperty("--share", size / largest));
  return [make("p", {}, "How long the stream's vector is, token by token:"), list];
};

/** What a worker changed: what the head would read before and after. */
const change = ({ words }, before, after) => {
  const cell = ([token, p]) => make("span", {}, word(words[token]), ` ${percent(p)}`);
  const rows = before.best.map((each, i) => [cell(each), cell(after.best[i])]);
  return table("What the head would read", ["before", "after"], rows);
};

const NUMBERS = {
  tokens: (data, { tokens }, t) => [make("p", {}, "The numbers that go in:"), listed(data, tokens, tokens, t)],

  embedding: ({ words }, { tokens }, t) => [make("p", {}, word(words[tokens[t]]), ` is token ${tokens[t]}: row ${tokens[t]} of the table.`)],

  position: ({ words }, { tokens }, t) => [make("p", {}, word(words[tokens[t]]), ` stands at place ${t}, counted from 0: row ${t} of the table.`)],

  stream: (data, { tokens, sizes, at }, t, { place }) => [
    ...chances(data, at(t).lens[place], tokens[t + 1]), ...lengths(data, tokens, sizes[place], t),
  ],

  attention: (data, { tokens, sizes, at }, t, { place }) => {
    const { looks, wrote, lens } = at(t);
    const rows = looks[place / 2].map((most, head) => [`${head + 1}`, make("span", {}, ...most.flatMap(([s, weight]) =>
      [make("span", {}, word(data.words[tokens[s]]), ` ${percent(weight)}`), " "]))]);
    return [
      table("Where each head looks most", ["head", "at"], rows),
      make("p", {}, `It adds a vector of length ${long(wrote[place])}. The stream's own goes from ${long(sizes[place][t])} to ${long(sizes[place + 1][t])}.`),
      change(data, lens[place], lens[place + 1]),
    ];
  },

  mlp: (data, { sizes, at }, t, { place, steps }) => {
    const { awake, wrote, lens } = at(t);
    const [share, units] = [awake[(place - 1) / 2], steps[0][2].at(-1)];
    return [
      make("p", {}, make("strong", {}, `${Math.round(share * units)} of ${units}`), ` units are awake (above zero): ${percent(share)}.`),
      make("p", {}, `They add a vector of length ${long(wrote[place])}. The stream's own goes from ${long(sizes[place][t])} to ${long(sizes[place + 1][t])}.`),
      change(data, lens[place], lens[place + 1]),
    ];
  },

  norm: (data, { tokens, sizes }, t, { place }) => [
    make("p", {}, `Here the stream comes with a length of ${long(sizes[place][t])}. Behind the norm every token's is √${data.letters.D} = ${long(Math.sqrt(data.letters.D))}, but for what its gain and bias make of it.`),
    ...lengths(data, tokens, sizes[place], t),
  ],

  head: (data, { tokens, at }, t) => chances(data, at(t).lens.at(-1), tokens[t + 1]),
};

/** The numbers of a part, at the chosen token. */
export const numbersOf = (data, part, numbers, t) => NUMBERS[part.kind](data, numbers, t, part);

/** Its shapes: for each step, and for each array of parameters. */
export const shapesOf = (data, { steps, arrays, count }, T) => {
  const used = [...new Set(steps.map(([, formula]) => formula).join().match(/[A-Z]/g))];
  const meaning = used.map((letter) => `${letter} = ${letter === "T" ? T : data.letters[letter]}`).join(", ");
  const rows = steps.map(([what, formula, dims]) =>
    [make("span", {}, what, make("br"), word(formula)), word(shape(dims, T))]);
  const tables = [table(`What it computes, with ${meaning}`, ["step, and its shapes", "result"], rows)];
  if (count) {
    const lines = arrays.map(([name, dims, size]) => [word(name), word(dims), written(size)]);
    const caption = `What it has learnt, or will: ${written(count)} parameters, ${percent(count / data.total)} of all`;
    tables.push(table(caption, ["array", "shape", "numbers"], lines));
  }
  return tables;
};

/** Its code, from the library. */
export const codeOf = (data, { code }) => code.flatMap((name) => {
  const { file, line, pieces } = data.code[name];
  const label = `${file}, line ${line}`;
  const lines = make("code", {}, ...pieces.map(([letter, text]) => make("span", letter ? { class: `panel-${letter}` } : {}, text)));
  const code = make("pre", { tabindex: 0, role: "group", "aria-label": `${name}: ${label}` }, lines);
  return [make("p", { class: "panel-file" }, label), code];
});
