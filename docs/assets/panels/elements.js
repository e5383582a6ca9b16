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
