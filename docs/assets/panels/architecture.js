/*
 * The model as a diagram: a river from the tokens to the head, and beside it the workers that read it and add to it.
 * Each part opens; its numbers are those of the reader's own text, at the token that is chosen.
 */
import { codeOf, long, numbersOf, percent, shape, shapesOf, written } from "./architecture-detail.js";
import { digest } from "./architecture-numbers.js";
import { button, fetched, field, make, nameOf, styled } from "./elements.js";
import { remote } from "./remote.js";

export { digest };

const VIEWS = ["Numbers", "Shapes", "Code"];

/** A row of the diagram, and a function that writes the numbers into it. */
const rowOf = (data, part, press) => {
  const { kind, name, place, count } = part;
  const decoration = ["river", "reads", "writes"].map((each) => make("span", { class: `panel-${each}`, "aria-hidden": "true" }));
  const texts = Object.fromEntries(["name", "count", "shape", "says"].map((each) => [each, make("span", { class: `panel-part-${each}` })]));
  texts.name.textContent = name;
  if (count) texts.count.textContent = written(count);
  const part_ = button("", press);
  part_.append(texts.name, " ", texts.count, " ", texts.shape, " ", texts.says);
  part_.style.setProperty("--share", count / data.total);
  part_.setAttribute("aria-expanded", "false");
  const row = make("li", { class: `panel-part panel-part-${kind}` }, ...decoration, part_);
  const works = ["attention", "mlp"].includes(kind);
  const write = ({ tokens, sizes }, t, { wrote, lens }) => {
    texts.shape.textContent = shape(part.shape, tokens.length);
    const [here, then] = [place, place + works].map((at) => sizes[at][t]);
    const largest = Math.max(...sizes.map((size) => size[t]));
    row.style.setProperty("--from", here / largest);
    row.style.setProperty("--to", then / largest);
    const read = kind === "stream" ? lens[place] : lens.at(-1);
    const [[token, p]] = read.best;
    const guess = [make("code", {}, data.words[token]), ` ${percent(p)}`];
    if (kind === "stream") texts.says.replaceChildren(...guess);
    else if (kind === "head") texts.says.replaceChildren("next: ", ...guess);
    else if (works) texts.says.textContent = `adds ${long(wrote[place])}`;
  };
  return { row, button: part_, write };
};

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [data] = await Promise.all([fetched(source), styled("architecture.css")]);
  const given = { ...data.numbers, at: (t) => data.numbers.at[t] };
  const id = nameOf(source);
  const model = remote(new URL(data.weights, source), data.sizes.weights, () => ask());
  const [label, text] = field(id, "Your text:", data.start);
  text.rows = 2;
  const chips = make("div", { class: "panel-chips", role: "radiogroup", "aria-label": "The token to look at" });
  const hint = make("p", { class: "panel-hint" });
  const status = make("p", { role: "status", class: "panel-status" });
  const course = make("ol", { class: "panel-course", role: "list", "aria-label": "The model, from tokens to scores" });
  const detail = make("li", { class: "panel-detail" });
  const body = make("div");
  let [numbers, t, shown, open, asking, view] = [given, given.tokens.length - 1, data.start, -1, false, VIEWS[0]];

  const rows = data.parts.map((part, number) => rowOf(data, part, () => press(number)));
  const press = (number) => {
    const above = rows[number].row.getBoundingClientRect().top;
    toggle(number);
    scrollBy(0, rows[number].row.getBoundingClientRect().top - above); // another part may have closed above
  };
  const toggle = (number) => {
    open = open === number ? -1 : number;
    rows.forEach(({ button }, at) => button.setAttribute("aria-expanded", `${at === open}`));
    if (open < 0) {
      detail.remove();
      return;
    }
    const part = data.parts[open];
    detail.className = `panel-detail panel-part-${part.kind}`;
    detail.replaceChildren(make("p", { class: "panel-title" }, part.name), make("p", {}, part.does), tabs, body);
    rows[open].row.after(detail);
    turn(view);
  };
  const fill = () => {
    const part = data.parts[open];
    if (!part || view === "Code") return; // code is the same for all texts
    body.replaceChildren(...(view === "Numbers" ? numbersOf(data, part, numbers, t) : shapesOf(data, part, numbers.tokens.length)));
  };
  const turn = (to) => {
    view = to;
    for (const each of turns) each.setAttribute("aria-pressed", `${each.textContent === view}`);
    if (view === "Code") body.replaceChildren(...codeOf(data, data.parts[open]));
    else fill();
  };
  const turns = VIEWS.map((name) => button(name, () => turn(name)));
  const tabs = make("div", { class: "panel-views", role: "group", "aria-label": "Of this part, show" }, ...turns);
  const write = () => {
    const at = numbers.at(t);
    for (const row of rows) row.write(numbers, t, at);
    const here = make("code", {}, data.words[numbers.tokens[t]]);
    hint.replaceChildren(`T = ${numbers.tokens.length} ${numbers.tokens.length === 1 ? "token" : "tokens"}. The river is the stream at token ${t + 1}, `, here, ": the longer its vector, the wider. Beside it stands what the head would hold likeliest to come next, if it read the stream there.");
    fill();
  };
  const choose = (number) => {
    t = number;
    write();
  };
  const chip = (token, number) => {
    const input = make("input", { type: "radio", name: `${id}-token`, value: number });
    input.checked = number === t;
    input.addEventListener("change", () => choose(number));
    return make("label", {}, input, make("span", {}, data.words[token]));
  };
  const show = (found) => {
    numbers = found;
    t = found.tokens.length - 1;
    chips.replaceChildren(...found.tokens.map(chip));
    chips.scrollTop = chips.scrollHeight;
    const cut = found.tokens[0] !== data.words.length - 1 ? `The model sees the last ${data.letters.C} tokens: its context.` : "";
    if (status.textContent !== cut) status.textContent = cut;
    write();
  };
  /** Whatever is typed while the model computes waits, and only the last of it is asked. */
  const ask = async () => {
    if (asking) return;
    asking = true;
    try {
      while (shown !== text.value) {
        const wanted = text.value;
        const found = wanted === data.start ? given : digest(await model.ask("lens", { text: wanted }));
        shown = wanted;
        show(found);
      }
    } catch (_error) {
      // The line of the model has told the reader.
    } finally {
      asking = false;
    }
  };
  text.addEventListener("input", ask);
  const again = button("Start again", () => {
    text.value = data.start;
    ask();
    choose(given.tokens.length - 1);
    chips.querySelectorAll("input")[t].checked = true;
  });

  course.append(...rows.map(({ row }) => row));
  course.style.setProperty("--rows", rows.length);
  const panel = make("div", { class: "panel panel-architecture", role: "group", "aria-label": "Look inside the model" });
  const sum = make("p", {}, `The model has ${written(data.total)} parameters. At each part stands its number of them, with its share as a bar.`);
  panel.append(label, text, model.line, chips, hint, status, sum, course, make("p", {}, again));
  place.replaceChildren(panel);
  show(given);
  toggle(rows.length - 1);
};
