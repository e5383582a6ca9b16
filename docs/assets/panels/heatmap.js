/*
 * Who looks at whom, as a table of weights: a row for each token that looks, a column for each that is looked at.
 *
 *   const map = heatmap("Attention weights", { follow: ({ row, column, chosen }) => … });
 *   panel.append(map.element);                        // the table in a box of its own, and a line of words below
 *   map.show({ looks: ["a", "red"], weights });       // weights (T, T), row by row
 *   map.show({ looks, at, weights, sees });           // T tokens look at S others; `sees` (T, S) is 1 where they may,
 *                                                     // as `table` in gpt.js makes it; without it all may
 *   map.follow(row, column);                          // choose a cell; without a column, the largest of the row
 *   thumbnail(canvas, weights, T, S);                 // the same, tiny: for choosing among many
 *
 * Pointing at a cell, or going to it with the arrow keys, Home, End, Page Up and Page Down (with Ctrl: to the corners),
 * follows its row: its numbers are shown, and the line says them in words. What was chosen last by key, click or touch
 * stays chosen, also when other weights are shown. `follow` hears of every cell that is followed, and whether it is
 * `chosen`, too. Cells are kept as long as the table's size stays: weights that change sixty times a second are no
 * trouble. The looks: `styled("heatmap.css")`.
 */
import { make } from "./elements.js";

/** Weights from here on show their number without being followed. */
const STRONG = 0.1;
const NAMED = 4;
/** As many shades as the style sheet has. */
const TINTS = 20;

/** @typedef {{ looks: string[], at?: string[], weights: ArrayLike<number>, sees?: ArrayLike<number> }} Shown */

/** A weight in little room. */
export const short = (weight) => {
  if (weight < 0.005) return "0";
  return weight >= 0.995 ? "1" : weight.toFixed(2).slice(1);
};

/** The words, told apart where one comes twice: "a (3)" is the third a. */
export const apart = (words) => {
  const counts = new Map();
  return words.map((word) => {
    const count = (counts.get(word) ?? 0) + 1;
    counts.set(word, count);
    return count > 1 ? `${word} (${count})` : word;
  });
};

/** A word within a sentence of ours: signs would be lost in it. */
const quoted = (word) => (/[\p{L}\p{N}_]/u.test(word) ? word : `“${word}”`);

/** Where a key leads to from a cell; undefined where it leads nowhere. */
const target = ({ key, ctrlKey }, { row, column }, T, S) => {
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0] };
  if (steps[key]) return { row: row + steps[key][0], column: column + steps[key][1] };
  if (key === "Home") return { row: ctrlKey ? 0 : row, column: 0 };
  if (key === "End") return { row: ctrlKey ? T - 1 : row, column: S - 1 };
  return undefined;
};

const within = ({ row, column }, T, S) => ({
  row: Math.max(0, Math.min(T - 1, row)), column: Math.max(0, Math.min(S - 1, column)),
});

/** Weights (T, S) as a picture of T times S dots, the darker the more; dark palettes turn it round. */
export const thumbnail = (/** @type {HTMLCanvasElement} */ canvas, weights, T, S = T) => {
  canvas.width = S;
  canvas.height = T;
  const context = canvas.getContext("2d");
  const image = context.createImageData(S, T);
  for (let i = 0; i < T * S; i++) image.data[4 * i + 3] = 255 * Math.sqrt(weights[i]); // small ones would be lost
  context.putImageData(image, 0, 0);
};

class Table {
  /** @type {HTMLTableCellElement[]} */
  cells = [];
  /** @type {HTMLTableCellElement[]} */
  tops = [];
  /** @type {HTMLTableCellElement[]} */
  sides = [];

  constructor(label) {
    this.body = make("tbody");
    this.head = make("tr");
    this.element = make("table", { class: "panel-map", role: "grid", "aria-label": label }, make("thead", {}, this.head), this.body);
  }

  /** T rows of S cells. Where a table of this size stands, nothing happens. */
  size(T, S) {
    if (this.sides.length === T && this.tops.length === S) return;
    this.tops = Array.from({ length: S }, () => make("th", { scope: "col" }, make("span")));
    this.sides = Array.from({ length: T }, () => make("th", { scope: "row" }, make("span")));
    this.cells = Array.from({ length: T * S }, () => make("td", { tabindex: -1 }, ""));
    this.head.replaceChildren(make("td"), ...this.tops);
    this.body.replaceChildren(...this.sides.map((side, row) => make("tr", {}, side, ...this.cells.slice(row * S, (row + 1) * S))));
  }

  name(sides, tops) {
    // Widths that need no measuring: a table of 80 by 80 would be measured for a quarter of a second.
    this.element.style.setProperty("--columns", tops.length);
    this.element.style.setProperty("--longest", Math.max(1, ...sides.map((word) => word.length)));
    for (const [cells, words] of [[this.sides, sides], [this.tops, tops]]) {
      cells.forEach((cell, i) => {
        if (cell.firstChild.textContent !== words[i]) cell.firstChild.textContent = cell.title = words[i];
      });
    }
  }

  fill(weights, sees) {
    this.cells.forEach((cell, i) => {
      const seen = !sees || sees[i] === 1;
      const weight = seen ? weights[i] : 0;
      const text = seen ? short(weight) : "×";
      if (cell.firstChild.data !== text) cell.firstChild.data = text;
      // Classes, not a colour for each cell: what a browser need not work out for each takes a third of the time.
      const tint = Math.round(weight * TINTS);
      const name = seen ? `tint-${tint}${weight >= STRONG ? " strong" : ""}` : "hidden";
      if (cell.className !== name) cell.className = name;
    });
  }
}

/**
 * @param {string} label  what the table is
 * @param {{ follow?: (cell: { row: number, column: number, chosen: boolean }) => void }} [options]
 * @returns {{ element: HTMLElement, show: (shown: Shown) => void, follow: (row: number, column?: number) => void }}
 */
export const heatmap = (label, { follow } = {}) => {
  const table = new Table(label);
  const said = make("p", { class: "panel-said" });
  const box = make("div", { class: "panel-map-box" }, table.element);
  /** @type {Shown & { sides: string[], tops: string[] }} */
  let shown = { looks: [], weights: [], sides: [], tops: [] };
  let chosen = { row: 0, column: 0 };
  let followed = chosen;

  const size = () => [shown.sides.length, shown.tops.length];
  const at = ({ row, column }) => row * shown.tops.length + column;
  const seen = (cell) => !shown.sees || shown.sees[at(cell)] === 1;
  const order = (row) => shown.tops.map((_, column) => ({ row, column })).filter(seen)
    .sort((a, b) => shown.weights[at(b)] - shown.weights[at(a)]);

  /** "drum looks 0.93 at blue, 0.05 at red." */
  const tell = () => {
    if (!shown.sides.length) return said.replaceChildren();
    const { row, column } = followed;
    const [who, whom] = [shown.sides[row], shown.tops[column]].map((word) => make("b", {}, quoted(word)));
    const others = order(row).filter((cell) => cell.column !== column).slice(0, NAMED)
      .filter((cell) => shown.weights[at(cell)] >= 0.005)
      .map((cell) => `${shown.weights[at(cell)].toFixed(2)} at ${quoted(shown.tops[cell.column])}`);
    const rest = others.length ? ` Otherwise ${others.join(", ")}.` : "";
    if (!seen(followed)) return said.replaceChildren(who, " may not look at ", whom, `.${rest}`);
    return said.replaceChildren(who, ` looks ${shown.weights[at(followed)].toFixed(2)} at `, whom, `.${rest}`);
  };
  const mark = (cell) => {
    for (const each of table.element.querySelectorAll(".followed")) each.classList.remove("followed");
    followed = cell;
    if (!shown.sides.length) return;
    for (const each of [table.body.rows[cell.row], table.tops[cell.column]]) each.classList.add("followed");
    tell();
  };
  /** The one cell that the tab key finds. */
  const choose = (cell) => {
    table.cells[at(chosen)]?.setAttribute("tabindex", "-1");
    chosen = cell;
    table.cells[at(cell)]?.setAttribute("tabindex", "0");
    mark(cell);
    follow?.({ ...cell, chosen: true });
  };
  /** Into sight, within the box alone: the page stays where it is. */
  const reveal = (cell) => {
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = table.cells[at(cell)];
    const [side, top] = [table.sides[0].offsetWidth, table.head.offsetHeight];
    const fit = (from, room, start, length) => Math.max(start + length - room, Math.min(from, start));
    box.scrollLeft = fit(box.scrollLeft, box.clientWidth - side, offsetLeft - side, offsetWidth);
    box.scrollTop = fit(box.scrollTop, box.clientHeight - top, offsetTop - top, offsetHeight);
  };
  const cellOf = (event) => {
    const cell = event.target.closest("td");
    return cell ? { row: cell.parentNode.sectionRowIndex, column: cell.cellIndex - 1 } : undefined;
  };

  table.body.addEventListener("pointerover", (event) => {
    const cell = event.pointerType === "mouse" && cellOf(event);
    if (!cell) return;
    mark(cell);
    follow?.({ ...cell, chosen: false });
  });
  table.body.addEventListener("pointerleave", () => choose(chosen));
  table.body.addEventListener("focusin", (event) => {
    const cell = cellOf(event);
    if (cell) choose(cell);
  });
  table.body.addEventListener("click", (event) => {
    const row = table.sides.indexOf(event.target.closest("th"));
    if (row >= 0) choose(order(row)[0]);
  });
  table.body.addEventListener("keydown", (event) => {
    const next = target(event, chosen, ...size());
    if (!next) return;
    event.preventDefault();
    const cell = within(next, ...size());
    table.cells[at(cell)].focus();
    reveal(cell); // sticky words would lie over it
  });

  return {
    element: make("div", { class: "panel-heatmap" }, box, said),
    show: ({ looks, at: columns, weights, sees }) => {
      const held = table.body.contains(document.activeElement);
      shown = { looks, weights, sees, sides: apart(looks), tops: apart(columns ?? looks) };
      table.size(...size());
      table.name(shown.sides, shown.tops);
      table.fill(weights, sees);
      chosen = within(chosen, ...size());
      const cell = table.cells[at(chosen)];
      cell?.setAttribute("tabindex", "0");
      if (held) cell?.focus({ preventScroll: true });
      mark(chosen);
    },
    follow: (row, column) => {
      const cell = within({ row, column: column ?? order(row)[0].column }, ...size());
      choose(cell);
      reveal(cell);
    },
  };
};
