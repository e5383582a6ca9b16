/*
 * The tokens of the reader's own text, by the tokenizer that the page has trained, after as many of its merges as the
 * reader likes: no merge is a vocabulary of bytes, all of them the tokenizer as it is.
 */
import { button, fetched, field, make, nameOf, slider, styled } from "./elements.js";
import { Tokenizer } from "./tokenizer.js";

const READ = 20_000;
const SHOWN = 1000;

/** What a token stands for, visibly: blanks as ␣, and bytes that are no whole character as their numbers. */
const visible = (tokenizer, token) => {
  const bytes = tokenizer.bytes[token];
  const text = tokenizer.decode([token]);
  const whole = !text.includes("\ufffd") && !/^[\p{Cc}\p{Cf}\p{M}]+$/u.test(text.replaceAll("\n", ""));
  return whole ? text.replaceAll(" ", "␣").replaceAll("\n", "↵") : bytes.map((byte) => byte.toString(16)).join(" ");
};

const described = (tokenizer, token) =>
  `token ${token}, ${tokenizer.bytes[token].length === 1 ? "byte" : "bytes"} ${tokenizer.bytes[token].join(" ")}`;

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [{ merges, word, start }] = await Promise.all([fetched(source), styled("tokens.css")]);
  const whole = new Tokenizer({ merges, word });
  const id = nameOf(source);
  const [label, text] = field(id, "Your text:", start);
  const range = { min: 0, max: merges.length, step: 1, value: merges.length };
  const { line, input: used, said } = slider(`${id}-merges`, "Merges", range, () => show());
  const list = make("ol", { class: "panel-tokens", "aria-label": "Tokens" });
  const count = make("p");
  const last = make("p", { role: "status", class: "panel-status" });

  /** How many merges have been made when the text changes for the last time before, or the first time after. */
  const changes = () => {
    const made = [...whole.steps(text.value.slice(0, 2000))].slice(1).map(({ token }) => token - 255);
    const at = Number(used.value);
    return { before: made.filter((number) => number <= at).at(-1), after: made.find((number) => number > at) };
  };
  const show = (told = "") => {
    const number = Number(used.value);
    const tokenizer = new Tokenizer({ merges: merges.slice(0, number), word });
    const given = text.value.slice(0, READ);
    const tokens = tokenizer.encode(given);
    said.textContent = `${number} of ${merges.length}`;
    list.replaceChildren(...tokens.slice(0, SHOWN).map((token) => {
      const chip = make("li", { title: described(tokenizer, token) }, visible(tokenizer, token));
      chip.append(make("small", {}, ` ${token}`));
      chip.style.setProperty("--hue", (token * 137) % 360);
      return chip;
    }));
    // What scrolls must be within reach of the keyboard.
    if (list.scrollHeight > list.clientHeight) list.tabIndex = 0;
    else list.removeAttribute("tabindex");
    const characters = [...given].length;
    const each = tokens.length ? (characters / tokens.length).toFixed(1) : "0";
    const parts = [`${characters} characters, ${tokens.length} tokens: ${each} characters a token,`];
    parts.push(`with a vocabulary of ${256 + number + 1}.`);
    if (tokens.length > SHOWN) parts.push(`The first ${SHOWN} tokens are shown.`);
    if (text.value.length > READ) parts.push(`The first ${READ} characters are read.`);
    count.textContent = parts.join(" ");
    last.textContent = told;
    const { before, after } = changes();
    back.disabled = before === undefined;
    next.disabled = after === undefined;
  };
  const told = (number) => {
    const token = 255 + number;
    const [left, right] = merges[number - 1].map((part) => `“${visible(whole, part)}”`);
    return `Merge ${number}: ${left} and ${right} become “${visible(whole, token)}”, token ${token}.`;
  };
  const back = button("Undo a merge", () => {
    const number = changes().before;
    used.value = number - 1;
    show(`Undone: ${told(number).replace("become", "became")}`);
  });
  const next = button("Next merge", () => {
    const number = changes().after;
    used.value = number;
    show(told(number));
  });
  const none = button("Bytes only", () => {
    used.value = 0;
    show();
  });

  text.addEventListener("input", () => show());
  const panel = make("div", { class: "panel", role: "group", "aria-label": "Cut a text into tokens" });
  panel.append(label, text, list, count, line, make("p", {}, none, back, next), last);
  place.replaceChildren(panel);
  show();
};
