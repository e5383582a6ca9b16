/*
 * Write token by token with the GPT that the page has trained, and with a bigram model that has counted the same tokens:
 * what may come next, as bars side by side.
 *
 * The page cuts and counts; the GPT is asked in the worker. What was drawn stays cut as it was drawn, until the reader
 * edits the text.
 */
import { visible } from "./attention.js";
import { bars, draw, soften } from "./bars.js";
import { button, fetched, field, make, nameOf, slider, styled } from "./elements.js";
import { remote } from "./remote.js";
import { Tokenizer } from "./tokenizer.js";

/** No model here sees more tokens than these characters make. */
const READ = 2000;
const SHOWN = 24;
/** How long a drawn token is looked at, in milliseconds. */
const PACE = 60;

/** @typedef {Record<number, [number, number][]>} Rows  for each token, how often each other one came after it */

/** What came after a token, and how likely that makes it. */
export const counted = (/** @type {Rows} */ rows, token) =>
  (rows[token] ?? []).map(([next, count]) => ({ token: next, score: Math.log(count) }));

/** How surprising each token is after the one before it, in nats; `Infinity` where no such pair was counted. */
export const countedSurprises = (/** @type {Rows} */ rows, /** @type {number[]} */ tokens) =>
  tokens.slice(1).map((token, i) => {
    const row = rows[tokens[i]] ?? [];
    const count = row.find(([next]) => next === token)?.[1];
    return count ? Math.log(row.reduce((sum, [, n]) => sum + n, 0) / count) : Infinity;
  });

/** The same for a network that has scored what comes after each token, (T, V). */
export const surprises = (/** @type {Float32Array} */ logits, /** @type {number[]} */ tokens) => {
  const V = logits.length / tokens.length;
  return tokens.slice(1).map((token, t) => {
    const row = logits.subarray(t * V, (t + 1) * V);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    return most + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) - row[token];
  });
};

const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** One of the two: what it sees, what it expects, how surprised it was, and its buttons. */
class Rival {
  constructor(name, press, drawSome) {
    this.name = name;
    this.sight = make("p", { class: "panel-sight" });
    this.bars = bars(`${name}: press a token to append it`, (choice) => this.fresh && press(choice));
    this.surprise = make("p");
    this.buttons = [["one", 1], ["twenty", 20]].map(([words, count]) => {
      const made = button(`Draw ${words}`, () => drawSome(this, count));
      made.setAttribute("aria-label", `Draw ${words} with the ${name}`);
      return made;
    });
    const { list, rest } = this.bars;
    // What changes its length stands below what is pressed.
    this.element = make("div", { class: "panel-rival" }, this.sight, make("p", {}, ...this.buttons), list, rest, this.surprise);
    /** Whether what is shown belongs to the text as it stands. */
    this.fresh = true;
    this.choices = [];
    this.scored = [];
  }

  /** Its answer is on its way. */
  wait() {
    this.fresh = false;
    this.element.setAttribute("aria-busy", "true");
  }

  show(scored, name, temperature, instead) {
    this.fresh = true;
    this.element.removeAttribute("aria-busy");
    this.scored = scored;
    this.choices = soften(scored, temperature).map((choice) => ({ ...choice, name: name(choice.token) }));
    this.bars.show(this.choices, instead);
    for (const each of this.buttons) each.disabled = !this.choices.length;
  }
}

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [data] = await Promise.all([fetched(source), styled("bars.css", "next-token.css")]);
  const tokenizer = new Tokenizer(data);
  const { end } = tokenizer;
  const id = nameOf(source);
  const model = remote(new URL(data.weights, source), data.sizes.weights, () => {
    gpt.buttons[0].focus(); // the button that was pressed is about to go
    look();
  });
  const [label, text] = field(id, "A text begins:", data.start.text);
  const range = { min: 0.2, max: 3, step: 0.1, value: 1 };
  const { line, input: bend, said } = slider(`${id}-temperature`, "Temperature", range, () => warm());
  const read = make("ol", { class: "panel-read", "aria-label": "The last tokens of the text" });
  const heading = make("p");
  const status = make("p", { role: "status", class: "panel-status" });
  let [before, tokens, over, asked] = ["", [], false, 0];
  let [looking, drawing] = [Promise.resolve(), undefined];

  /** Bytes that are no whole character. */
  const isRaw = (token) => tokenizer.decode([token]).includes("\ufffd");
  const name = (token) => {
    if (token === end) return "(the end)";
    return `${isRaw(token) ? "byte " : ""}${visible(tokenizer.bytes[token])}`;
  };
  const seen = () => [end, ...tokens].slice(-data.context);
  const temperature = () => Number(bend.value);
  const instead = () => (over ? "The text is over." : "Nothing ever followed this token in what was counted.");
  const press = ({ token }) => {
    halt(true);
    append(token);
    status.textContent = over ? "The text is over." : `Added: ${name(token)}`;
  };
  const gpt = new Rival("GPT", press, (...given) => drawSome(...given));
  const bigram = new Rival("bigram model", press, (...given) => drawSome(...given));

  const warm = () => {
    said.textContent = temperature().toFixed(1);
    for (const rival of [gpt, bigram]) if (rival.fresh) rival.show(rival.scored, name, temperature(), instead());
  };
  const showTokens = () => {
    const all = seen();
    const nameOfToken = (token) => (token === end ? "(start)" : visible(tokenizer.bytes[token]));
    const shown = all.slice(-SHOWN);
    const chips = shown.map((token) => make("li", isRaw(token) ? { class: "panel-raw" } : {}, nameOfToken(token)));
    heading.textContent = `How the text is cut${shown.some(isRaw) ? " (numbers in dashes are bytes, several of which make one sign)" : ""}:`;
    if (all.length > SHOWN) chips.unshift(make("li", { class: "panel-before" }, `… ${all.length - SHOWN} more`));
    read.replaceChildren(...chips);
    const many = tokens.length < data.context ? `all ${all.length} tokens` : `the last ${all.length} tokens`;
    gpt.sight.replaceChildren(make("b", {}, "GPT"), ` sees ${all.length === 1 ? "the start" : many}`);
    bigram.sight.replaceChildren(make("b", {}, "Bigram model"), ` sees only ${tokens.length ? `“${nameOfToken(all.at(-1))}”` : "the start"}`);
  };
  const tell = (rival, /** @type {number} */ nats) => {
    if (Number.isNaN(nats)) rival.surprise.textContent = "";
    else if (nats === Infinity) rival.surprise.textContent = "Surprise so far: boundless, for it never met some of these pairs.";
    else rival.surprise.textContent = `Surprise so far: ${nats.toFixed(2)} nats a token.`;
  };
  const showGPT = (logits, nats) => {
    gpt.show(over ? [] : Array.from(logits, (score, token) => ({ token, score })), name, temperature(), instead());
    tell(gpt, nats);
  };
  const showBigram = () => {
    bigram.show(over ? [] : counted(data.rows, seen().at(-1)), name, temperature(), instead());
    tell(bigram, mean(countedSurprises(data.rows, seen())));
  };
  /** One question at a time: what is typed meanwhile makes all but the last of those that wait void. */
  const look = () => {
    const number = ++asked;
    gpt.wait();
    looking = looking.then(async () => {
      if (number !== asked) return;
      const given = seen();
      const { logits } = await model.ask("attention", { tokens: given });
      if (number === asked) showGPT(logits.subarray(-logits.length / given.length), mean(surprises(logits, given)));
    }).catch(() => {}); // the line says what is missing; counting goes on
    return looking;
  };
  const show = () => {
    showTokens();
    showBigram();
    return over ? showGPT([], NaN) : look();
  };
  const append = (token) => {
    if (token === end) over = true;
    else tokens.push(token);
    text.value = before + tokenizer.decode(tokens);
    text.scrollTop = text.scrollHeight;
    return show();
  };
  const drawSome = async (/** @type {Rival} */ rival, count) => {
    halt(true);
    const [mine, written] = [{ quiet: false }, []];
    drawing = mine;
    stop.disabled = false;
    while (written.length < count && !over) {
      if (!rival.fresh) await looking;
      if (drawing !== mine || !rival.fresh || !rival.choices.length) break;
      const { token } = draw(rival.choices);
      written.push(token);
      append(token);
      await new Promise((resolve) => setTimeout(resolve, written.length < count ? PACE : 0));
    }
    if (!mine.quiet) status.textContent = `Drawn: ${tokenizer.decode(written).trim()}${over ? " (the end)" : ""}`;
    if (drawing === mine) halt();
  };
  /** End what is being drawn, and say what came of it, or not. */
  const halt = (quiet = false) => {
    if (drawing) drawing.quiet = quiet;
    drawing = undefined;
    if (document.activeElement === stop) again.focus();
    stop.disabled = true;
  };
  const take = (value) => {
    halt(true);
    before = value.slice(0, -READ);
    tokens = tokenizer.encode(value.slice(-READ));
    over = false;
  };
  const stop = button("Stop", () => halt());
  const again = button("Start again", () => {
    text.value = data.start.text;
    bend.value = 1;
    begin();
  });
  const begin = () => {
    take(data.start.text);
    asked += 1;
    status.textContent = "";
    said.textContent = temperature().toFixed(1);
    showTokens();
    showBigram();
    showGPT(data.start.logits, data.start.surprise);
  };

  text.addEventListener("input", () => {
    take(text.value);
    show();
  });
  const panel = make("div", { class: "panel", role: "group", "aria-label": "Write with the GPT and with a bigram model" });
  const sides = make("div", { class: "panel-rivals" }, gpt.element, bigram.element);
  panel.append(label, text, model.line, sides, line, make("p", {}, stop, again), status, heading, read);
  place.replaceChildren(panel);
  begin();
};
