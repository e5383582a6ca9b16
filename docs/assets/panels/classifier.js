/*
 * Spam or not, by the models that the page has tuned, and what each word of the letter does to the answer.
 */
import { button, fetched, field, make, nameOf, styled } from "./elements.js";
import { remote } from "./remote.js";

const CALM = 30;
const QUIET = 1000;
const LATE = 300;
const OWN = "own";

/** @typedef {{ words: string[], all: number, logits: number[], without?: number[][] }} Answer */

/** How far spam leads: its score less that of the honest. */
export const lead = ([ham, spam]) => spam - ham;

export const probability = (/** @type {number[]} */ logits) => 1 / (1 + Math.exp(-lead(logits)));

/** For each word, how much further spam leads with it than without it. */
export const effects = (/** @type {Answer} */ { logits, without }) => without.map((each) => lead(logits) - lead(each));

const signed = (number, digits) => {
  const size = Math.abs(number).toFixed(digits);
  return Number(size) ? `${number < 0 ? "−" : "+"}${size}` : "0";
};

const visible = (word) => word.trim() || word.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "⇥");

/** The words as buttons that keep their focus; a press leaves a word out, or puts it back. */
class Words {
  /** @type {string[]} */
  #shown = [];

  constructor(press) {
    this.press = press;
    this.list = make("ol", { class: "panel-weighed", "aria-label": "Words of the letter: press one to leave it out" });
  }

  show(/** @type {Answer} */ answer, /** @type {Set<number>} */ out) {
    if (answer.words.join("\0") !== this.#shown.join("\0")) this.#lay(answer.words);
    const moved = effects(answer);
    const most = Math.max(...moved.map(Math.abs), 0.2); // less is no matter for colours
    const digits = most < 1 ? 2 : 1;
    [...this.list.children].forEach(({ firstChild: pressed }, i) => {
      pressed.setAttribute("aria-pressed", out.has(i));
      pressed.className = out.has(i) ? "" : moved[i] > 0 ? "spam" : "ham";
      pressed.style.setProperty("--share", Math.abs(moved[i]) / most);
      pressed.lastChild.textContent = out.has(i) ? "out" : signed(moved[i], digits);
    });
  }

  #lay(words) {
    this.#shown = words;
    this.list.replaceChildren(...words.map((word, i) => {
      const made = button("", () => this.press(i));
      made.append(make("span", {}, visible(word)), " ", make("small"));
      return make("li", {}, made);
    }));
  }
}

/** One of several, as radio buttons; nothing where there is only one. */
const choose = (id, names, change) => {
  const group = make("fieldset", { class: "panel-choice", hidden: "" }, make("legend", {}, "The model:"));
  group.hidden = names.length < 2;
  names.forEach((name, i) => {
    const radio = make("input", { type: "radio", name: id, value: i });
    radio.checked = i === 0;
    radio.addEventListener("change", () => change(i));
    group.append(make("label", {}, radio, name));
  });
  return group;
};

const selector = (id, letters) => {
  const select = make("select", { id });
  const options = letters.map(({ text }, i) => make("option", { value: i }, text));
  select.append(...options, make("option", { value: OWN }, "A letter of your own"));
  return [make("label", { for: id }, "A letter:"), select];
};

/** The verdict in words, with a bar from one class to the other. */
const verdicts = (classes) => {
  const line = make("p", { class: "panel-verdict" });
  const heard = make("p", { class: "panel-heard", role: "status" });
  let quiet = 0;
  const bar = make("span");
  const ends = make("p", { class: "panel-ends", "aria-hidden": "true" }, ...classes.map((name) => make("span", {}, name)));
  const say = (...parts) => {
    const before = line.textContent;
    line.replaceChildren(...parts.flatMap((part) => [part, " "]));
    clearTimeout(quiet); // who listens hears of it when the typing is over
    if (before) quiet = setTimeout(() => { heard.textContent = line.textContent; }, QUIET);
  };
  const show = ({ logits }, truth) => {
    const p = probability(logits);
    bar.style.setProperty("--share", p);
    const [first, second] = lead(logits) > 0 ? [1, 0] : [0, 1];
    const [high, low] = [logits[first], logits[second]].map((score) => score.toFixed(1).replace("-", "−"));
    const ahead = `${classes[first]} leads by ${Math.abs(lead(logits)).toFixed(1)} (${high} to ${low})`;
    const parts = [`spam with probability ${p.toFixed(2)}`, ahead, ...(truth === undefined ? [] : [`the truth: ${classes[truth]}`])];
    say(make("strong", {}, classes[p > 0.5 ? 1 : 0]), ...parts.map((part) => make("span", {}, part)));
  };
  const meter = make("div", { class: "panel-meter", "aria-hidden": "true" }, bar);
  return { elements: [line, meter, ends, heard], say, show };
};

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [data] = await Promise.all([fetched(source), styled("classifier.css")]);
  const id = nameOf(source);
  const { letters, classes, context } = data;
  const [label, text] = field(`${id}-text`, "Its text, to change as you like:", letters[0].text);
  const [choosing, select] = selector(`${id}-letter`, letters);
  const verdict = verdicts(classes);
  const out = new Set();
  const words = new Words((i) => {
    if (!out.delete(i)) out.add(i);
    compute();
  });
  const note = make("p");
  /** Another try, from a button that is about to go. */
  const retry = () => {
    select.focus();
    compute();
  };
  const models = data.choices.map(({ file }) => remote(new URL(data[file], source), data.sizes[file], retry));
  let [choice, asking, waiting] = [0, new AbortController(), 0];

  const known = () => letters.find((letter) => letter.text === text.value);
  const truth = () => (out.size ? undefined : known()?.label);
  const said = ({ words: read, all }) => {
    const rest = read.length < all ? ` Of ${all} words it reads the first ${read.length}: its context ends at ${context} tokens.` : "";
    if (!all) return "An empty letter, and it gets an answer all the same.";
    return `Below each word: how much further spam leads with it than without it, where all behind it moves up. Press words to leave them out.${rest}`;
  };
  const show = (/** @type {Answer | undefined} */ answer) => {
    words.list.hidden = !answer?.words.length;
    back.disabled = !out.size;
    note.textContent = answer ? said(answer) : "";
    if (!answer) return verdict.say("No answer without the model.");
    verdict.show(answer, truth());
    return words.show(answer, out);
  };
  const stored = () => {
    const letter = known();
    if (!letter || out.size) return undefined;
    const answer = letter.answers[choice];
    return { ...answer, words: letter.words.slice(0, answer.without.length), all: letter.words.length };
  };
  const compute = async () => {
    clearTimeout(waiting);
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const there = stored();
    if (there) return show(there);
    const late = setTimeout(() => signal.aborted || verdict.say("One moment …"), LATE);
    const early = (answer) => signal.aborted || verdict.show(answer, truth());
    try {
      const message = { text: text.value, out: [...out] };
      const answer = await models[choice].ask("classify", message, { update: early, signal });
      if (!signal.aborted) show(answer);
    } catch (_error) {
      if (!signal.aborted) show(undefined);
    } finally {
      clearTimeout(late);
    }
    return undefined;
  };
  const take = (value) => {
    text.value = value;
    out.clear();
    compute();
  };
  const back = button("Put all words back", () => {
    out.clear();
    compute();
    words.list.querySelector("button")?.focus();
  });
  const again = button("Start again", () => {
    select.value = "0";
    choices.querySelector("input").checked = true;
    choice = 0;
    take(letters[0].text);
  });
  const choices = choose(id, data.choices.map(({ name }) => name), (i) => {
    choice = i;
    compute();
  });

  select.addEventListener("change", () => take(letters[select.value]?.text ?? ""));
  text.addEventListener("input", () => {
    const at = letters.indexOf(known());
    select.value = at < 0 ? OWN : at;
    out.clear();
    asking.abort();
    clearTimeout(waiting);
    waiting = setTimeout(compute, CALM);
  });
  const plain = "It has two answers and no third: it cannot say “neither”. It has met letters of its small world only, and judges all others as if they came from there.";
  const panel = make("div", { class: "panel", role: "group", "aria-label": data.label });
  panel.append(choices, choosing, select, label, text, ...verdict.elements, ...models.map(({ line }) => line), words.list, note);
  panel.append(make("p", {}, back, again), make("p", {}, plain));
  place.replaceChildren(panel);
  show(stored());
};
