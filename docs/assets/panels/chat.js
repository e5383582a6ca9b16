/*
 * Ask the model before its lessons and after them, side by side. They read what `Task.prompt` in `snippets/tasks.py`
 * writes, and answer as `answer` in `snippets/instruct.py` has them do.
 */
import { button, fetched, field, make, nameOf, slider, styled } from "./elements.js";
import { remote } from "./remote.js";

const MOST = 60;
const KEPT = 8;
const SOON = 200;
const END = "∎";

/** @typedef {{ answer: string, p?: number, each?: number[], texts?: string[], end?: string }} Said */
/** @typedef {{ temperature: number, seed: number }} Chance */

/** What a model reads, up to where its answer begins. */
export const promptOf = (text, instruction) => `${text}\nQ: ${instruction}\nA:`;

/**
 * What a model answers, token by token, and how probable it holds the whole of it.
 * @returns {Promise<Said>}
 */
export const answer = async (model, prompt, /** @type {Chance} */ chance, { update = () => {}, signal } = {}) => {
  const message = { text: prompt, most: MOST, ...chance };
  let text = "";
  const tell = (made) => update((text += made.text).trimStart());
  const { tokens, text: whole, stopped } = await model.ask("generate", message, { update: tell, signal });
  const said = whole.trim();
  if (stopped) return { answer: said, end: "Stopped." };
  if (tokens.length === MOST) return { answer: said, end: `Cut off after ${MOST} tokens.` };
  const found = await model.ask("probability", { text: prompt, answer: ` ${said}` });
  if (found.p === undefined) return { answer: said, end: `The question has ${found.length} tokens, and the model saw only the end of it.` };
  return { answer: said, ...found };
};

/** Soon after a stop, what there is: weights that are still on their way would keep the reader waiting. */
const stopped = (signal, text) => new Promise((resolve) => {
  const end = () => resolve({ answer: text().trim(), end: "Stopped." });
  signal.addEventListener("abort", () => setTimeout(end, SOON), { once: true });
});

const number = (p) => (p < 0.005 ? "below 0.01" : p.toFixed(2));

/** A model's side: its name, what it says, and how sure it is of each token. */
class Side {
  constructor(name, model) {
    this.name = name;
    this.model = model;
    this.text = make("p", { class: "panel-answer" });
    this.end = make("p", { class: "panel-end" });
    this.summary = make("summary");
    this.tokens = make("ol", { class: "panel-tokens-said" });
    this.details = make("details", {}, this.summary, this.tokens);
    this.element = make("div", { class: "panel-side" }, make("strong", {}, name), this.text, this.end, this.details, model.line);
  }

  show(/** @type {Said} */ { answer: said, p, each, texts, end = "" }) {
    this.text.textContent = said || (p === undefined ? "" : "(nothing)");
    this.end.textContent = end;
    this.details.hidden = p === undefined;
    if (p === undefined) return;
    this.summary.textContent = `with probability ${number(p)}, token by token`;
    this.tokens.replaceChildren(...each.map((one, i) => {
      const name = texts[i].replaceAll(" ", "␣").replaceAll("\n", "↵") || END;
      return make("li", {}, name, " ", make("small", {}, one.toFixed(2)));
    }));
  }

  /** @returns {Promise<Said | undefined>} */
  async ask(prompt, chance, signal) {
    let written = "";
    this.show({ answer: "…" });
    const update = (text) => {
      written = text;
      if (!signal.aborted) this.text.textContent = text;
    };
    try {
      return await Promise.race([answer(this.model, prompt, chance, { update, signal }), stopped(signal, () => written)]);
    } catch (error) {
      return { answer: "", end: this.model.line.textContent ? "" : error.message };
    }
  }
}

/** Buttons with examples, group by group. */
const examples = (id, groups, choose) => {
  const all = [];
  const elements = groups.map(({ name, tries }, i) => {
    const heading = make("p", { id: `${id}-group-${i}`, class: "panel-heading" }, `${name}:`);
    const buttons = tries.map((each) => {
      const made = button(each.name, () => choose(each));
      all.push({ made, each });
      return made;
    });
    return make("div", { role: "group", class: "panel-tries", "aria-labelledby": heading.id }, heading, make("p", {}, ...buttons));
  });
  const mark = (text, instruction) => {
    for (const { made, each } of all) made.setAttribute("aria-pressed", each.text === text && each.instruction === instruction);
  };
  return { elements, mark };
};

/** What has been asked before, last first. */
const history = () => {
  const list = make("ol", { class: "panel-log" });
  const element = make("details", { hidden: "" }, make("summary", {}, "Earlier answers"), list);
  const add = (asked, { temperature, seed }, saids) => {
    const how = temperature ? `, temperature ${temperature.toFixed(1)}, seed ${seed}` : "";
    const item = make("li", {}, make("b", {}, asked), how);
    for (const { name, said } of saids) item.append(make("br"), `${name}: ${said.answer || "(nothing)"}`);
    list.prepend(item);
    list.children[KEPT]?.remove();
    element.hidden = false;
  };
  return { element, add, clear: () => { list.replaceChildren(); element.hidden = true; } };
};

/** Put the panel into the place of its table. */
export default async (/** @type {HTMLElement} */ place, /** @type {URL} */ source) => {
  const [data] = await Promise.all([fetched(source), styled("chat.css")]);
  const id = nameOf(source);
  const [first] = data.groups[0].tries;
  const [label, text] = field(`${id}-text`, "A text to ask about (or none):", "");
  text.rows = 2;
  const instruction = make("input", { id: `${id}-ask`, type: "text", autocomplete: "off", spellcheck: "false" });
  const { line, input: heat, said } = slider(`${id}-temperature`, "Temperature", { min: 0, max: 1.5, step: 0.1, value: 0 }, () => warm());
  const seed = make("input", { id: `${id}-seed`, type: "number", min: 0, step: 1, value: 0 });
  const status = make("p", { role: "status", class: "panel-heard" });
  const note = make("p", { class: "panel-note" });
  /** Another try, from a button that is about to go. */
  const retry = () => {
    asked.focus();
    ask();
  };
  const sides = data.models.map(({ name, file }) => new Side(name, remote(new URL(data[file], source), data.sizes[file], retry)));
  const log = history();
  let [asking, shown] = [new AbortController(), first];

  const chance = () => ({ temperature: Number(heat.value), seed: Math.max(0, Math.floor(Number(seed.value) || 0)) });
  const warm = () => {
    const { temperature } = chance();
    said.textContent = temperature ? temperature.toFixed(1) : "0: no chance";
    another.disabled = !temperature;
    seed.disabled = !temperature;
  };
  const busy = (is) => {
    if (!is && document.activeElement === stop) asked.focus();
    stop.disabled = !is;
  };
  const ask = async () => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const [question, chosen] = [instruction.value, chance()];
    busy(true);
    status.textContent = "";
    const prompt = promptOf(text.value, question);
    const mine = asking;
    const saids = await Promise.all(sides.map(async (side) => {
      const said = await side.ask(prompt, chosen, signal);
      if (asking === mine) side.show(said);
      return { name: side.name, said };
    }));
    if (asking !== mine) return;
    busy(false);
    if (saids.every(({ said }) => !said.answer && said.p === undefined)) return;
    status.textContent = saids.map(({ name, said }) => `${name}: ${said.answer || "nothing"}`).join(" – ");
    log.add(question, chosen, saids);
  };
  const mark = () => {
    picks.mark(text.value, instruction.value);
    note.textContent = shown.text === text.value && shown.instruction === instruction.value ? shown.note : "";
  };
  const take = (each) => {
    shown = each;
    [text.value, instruction.value] = [each.text, each.instruction];
    mark();
    if (chance().temperature) return ask();
    asking.abort();
    asking = new AbortController();
    busy(false);
    sides.forEach((side, i) => side.show(each.answers[i]));
    status.textContent = "";
    return undefined;
  };
  const asked = button("Ask both", () => ask());
  const another = button("Another draw", () => {
    seed.value = chance().seed + 1;
    ask();
  });
  const stop = button("Stop", () => asking.abort());
  const again = button("Start again", () => {
    heat.value = 0;
    seed.value = 0;
    warm();
    log.clear();
    take(first);
  });
  const picks = examples(id, data.groups, take);

  for (const input of [text, instruction]) input.addEventListener("input", mark);
  instruction.addEventListener("keydown", ({ key, isComposing }) => key === "Enter" && !isComposing && ask());
  const drawn = make("p", { class: "panel-slider" }, make("label", { for: seed.id }, "Seed"), seed);
  const can = "They know a few hundred words of their small world. After the lessons, the model answers short questions about a sentence, sorts words, judges letters and writes them. It cannot say that it does not know, and forgets each question with its answer.";
  const panel = make("div", { class: "panel", role: "group", "aria-label": "Ask the model, before its lessons and after" });
  panel.append(...picks.elements, label, text, make("label", { for: instruction.id }, "A question or an instruction:"), instruction);
  panel.append(make("p", {}, asked, another, stop, again), note, make("div", { class: "panel-sides" }, ...sides.map(({ element }) => element)));
  panel.append(status, line, drawn, log.element, make("p", {}, can));
  place.replaceChildren(panel);
  warm();
  take(first);
};
