/* What all panels are made of. */

/** An element with its attributes and children. */
export const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
};

export const button = (text, press) => {
  const made = make("button", { type: "button" }, text);
  made.addEventListener("click", press);
  return made;
};

/** A field for a text, under its label. */
export const field = (id, label, value) => {
  const text = make("textarea", { id, rows: 3, spellcheck: "false" });
  text.value = value;
  return [make("label", { for: id }, label), text];
};

/** A slider between its label and what it says. */
export const slider = (id, label, range, change) => {
  const input = make("input", { id, type: "range", ...range });
  const said = make("span", { "aria-hidden": "true" }); // a slider says its value itself
  input.addEventListener("input", change);
  return { line: make("p", { class: "panel-slider" }, make("label", { for: id }, label), input, said), input, said };
};

/** A name that no other panel of the page has. */
export const nameOf = (source) => `panel-${source.pathname.split("/").pop().split(".")[0]}`;

/** The data of a panel. */
export const fetched = async (/** @type {URL} */ source) => {
  const answer = await fetch(source);
  if (!answer.ok) throw new Error(`${source.pathname}: the server answered ${answer.status}`);
  return answer.json();
};

/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

const adopt = async (name) => {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: the server answered ${answer.status}`);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(await answer.text());
  // Adopted, not linked: it stays where a theme changes the head of the page from one page to the next.
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
};

/** The looks of panels: each sheet is fetched once, and the one that all share before the others. */
export const styled = async (...names) => {
  for (const name of ["panel.css", ...names]) {
    if (!sheets.has(name)) sheets.set(name, adopt(name));
    await sheets.get(name);
  }
};
