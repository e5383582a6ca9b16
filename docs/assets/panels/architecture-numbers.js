/*
 * What a model computes within itself for a text, in few numbers: `snippets/panels/architecture_numbers.py`.
 */

const SHOWN = 5;
const LOOKS = 3;

/** @typedef {[number, number][]} Most  places and values, the largest first */
/**
 * @typedef {{ tokens: number[], sizes: number[][], at: (t: number) => At }} Numbers  `sizes` is the length of the stream
 *   before the first worker and after each one, at each token
 * @typedef {{ wrote: number[], looks: Most[][], awake: number[], lens: { best: Most, came: number | null }[] }} At
 */

const row = (array, t, T) => array.subarray((t * array.length) / T, ((t + 1) * array.length) / T);
const less = (a, b) => a.map((value, d) => value - b[d]);
const length = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

/** @returns {Most} */
const most = (values, count) =>
  Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b).slice(0, count).map((i) => [i, values[i]]);

const softmax = (logits) => {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const sizes = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.map((size) => size / total);
};

/**
 * @param {any} answer  what the worker says of the lens
 * @returns {Numbers}
 */
export const digest = ({ tokens, stream, logits, attention, hidden }) => {
  const T = tokens.length;
  const heads = attention[0].length / T / T;
  const lens = (t) => (places) => {
    const chances = softmax(row(places, t, T));
    return { best: most(chances, SHOWN), came: t + 1 < T ? chances[tokens[t + 1]] : null };
  };
  return {
    tokens,
    sizes: stream.map((x) => tokens.map((_, t) => length(row(x, t, T)))),
    at: (t) => ({
      wrote: stream.slice(1).map((x, i) => length(less(row(x, t, T), row(stream[i], t, T)))),
      looks: attention.map((weights) => Array.from({ length: heads }, (_, h) =>
        most(row(weights, h * T + t, heads * T).subarray(0, t + 1), LOOKS))),
      awake: hidden.map((units) => row(units, t, T).filter((unit) => unit > 0).length / (units.length / T)),
      lens: logits.map(lens(t)),
    }),
  };
};
