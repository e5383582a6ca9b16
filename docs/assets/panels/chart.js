/*
 * Curves of a loss over steps, with the line of one who only guesses.
 *
 *   const losses = chart("Losses", { steps: 500, guess: 6.46, pick: (step) => … });
 *   panel.append(losses.element);
 *   losses.show([{ name: "trained on", points: [[0, 6.5], [25, 4.2]] }]);  // each in a dash of its own, with its name
 *   losses.mark(25);                                                      // a line at a step, and a dot on each curve
 *
 * A screen reader hears the label only: say in words what matters. The looks: `styled("training.css")`.
 */

const SVG = "http://www.w3.org/2000/svg";
/** A guess among 640 tokens is at 6.46 nats. Whatever lies higher is drawn at the edge. */
const HIGHEST = 8;

/** @typedef {{ name: string, points: [number, number][], kind?: number }} Curve */

const drawn = (name, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
};

/** Heights for labels, moved down where one would lie on another. */
export const spaced = (/** @type {number[]} */ heights, gap) => {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const moved = [...heights];
  order.forEach((i, n) => {
    if (n) moved[i] = Math.max(moved[i], moved[order[n - 1]] + gap);
  });
  return moved;
};

/** The point of a curve at a step or the last before it. */
export const pointAt = (/** @type {Curve} */ { points }, step) => points.findLast(([x]) => x <= step);

/**
 * @param {string} label
 * @param {{ steps: number, guess: number, pick?: (step: number) => void }} options
 */
export const chart = (label, { steps, guess, pick }) => {
  const svg = drawn("svg", { class: `panel-chart${pick ? " picked" : ""}`, role: "img", "aria-label": label });
  /** @type {Curve[]} */
  let curves = [];
  let [marked, waiting] = [-1, 0];
  let [left, width, x, y] = [0, 1, (step) => step, (loss) => loss];

  const axes = (em, right, bottom) => {
    const ticks = [0, 2, 4, 6, 8].flatMap((loss) => [
      drawn("line", { class: "grid", x1: left, x2: right, y1: y(loss), y2: y(loss) }),
      drawn("text", { x: left - 0.4 * em, y: y(loss) + 0.35 * em, "text-anchor": "end" }, loss),
    ]);
    const narrow = width < 16 * em; // large letters on a phone
    const numbers = [0, steps / 2, steps].map((step, i) =>
      drawn("text", { x: x(step), y: bottom + 1.3 * em, "text-anchor": ["start", "middle", "end"][i] }, i === 2 ? `step ${step}` : step));
    if (narrow) numbers.splice(1, 1);
    return [...ticks, ...numbers, drawn("text", { x: 0, y: 0.9 * em }, narrow ? "loss (nats)" : "loss (nats for each token)")];
  };
  const dots = (bottom) => {
    if (marked < 0) return [];
    const line = drawn("line", { class: "mark", x1: x(marked), x2: x(marked), y1: y(HIGHEST), y2: bottom });
    const points = curves.map((curve) => [curve, pointAt(curve, marked)]).filter(([, point]) => point);
    return [line, ...points.map(([{ kind }, [step, loss]]) =>
      drawn("circle", { class: `kind-${kind}`, cx: x(step), cy: y(loss), r: 4 }))];
  };
  const names = (em) => {
    const ends = curves.map(({ points }) => points.at(-1) ?? [0, 0]);
    const heights = spaced([...ends.map(([, loss]) => y(loss) - 0.5 * em)], 1.2 * em);
    return curves.map(({ name, kind }, i) => {
      const at = x(ends[i][0]);
      const early = at - left < width / 2;
      return drawn("text", { class: `name kind-${kind}`, x: at, y: heights[i], "text-anchor": early ? "start" : "end" }, name);
    });
  };
  const draw = () => {
    waiting = 0;
    const em = parseFloat(getComputedStyle(svg).fontSize);
    const [right, top, bottom] = [svg.clientWidth - 2, 1.9 * em, svg.clientHeight - 1.9 * em];
    left = 1.4 * em;
    width = right - left;
    x = (step) => left + (step / steps) * width;
    y = (loss) => bottom - (Math.min(loss, HIGHEST) / HIGHEST) * (bottom - top);
    const lines = curves.map(({ points, kind }) => drawn("polyline", {
      class: `curve kind-${kind}`, points: points.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" "),
    }));
    svg.replaceChildren(
      ...axes(em, right, bottom),
      drawn("line", { class: "guess", x1: left, x2: right, y1: y(guess), y2: y(guess) }),
      drawn("text", { class: "name", x: left + 0.6 * em, y: y(guess) - 0.4 * em }, "guessing"),
      ...lines, ...dots(bottom), ...names(em),
    );
  };
  /** At most once for each picture of the screen. */
  const soon = () => {
    waiting ||= requestAnimationFrame(draw);
  };
  const pickAt = ({ clientX }) => {
    const share = (clientX - svg.getBoundingClientRect().left - left) / width;
    pick(Math.max(0, Math.min(1, share)) * steps);
  };

  if (pick) {
    svg.addEventListener("click", pickAt);
    svg.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && event.buttons === 1) pickAt(event); // a finger scrolls
    });
  }
  new ResizeObserver(soon).observe(svg);
  return {
    element: svg,
    show: (/** @type {Curve[]} */ shown) => {
      const finite = (points) => points.filter(([, loss]) => Number.isFinite(loss));
      curves = shown.map(({ points, ...curve }, kind) => ({ kind, ...curve, points: finite(points) }));
      soon();
    },
    mark: (/** @type {number} */ step) => {
      marked = step;
      soon();
    },
  };
};
