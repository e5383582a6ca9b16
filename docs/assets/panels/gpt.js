/*
 * The course's GPT in a browser: what `snippets/gpt.py` and `snippets/generate.py` compute, to the same numbers.
 *
 * In the comments on shapes, T is the number of new tokens, S that of all so far, D the width of the model, H the heads
 * and V what the head tells apart.
 */
import { add, attend, gelu, layerNorm, linear } from "./layers.js";

export { unpack } from "./blob.js";
export { seeded } from "./random.js";
export { Tokenizer } from "./tokenizer.js";

/**
 * Who may look at whom: the position that looks, and the one looked at, counted from the start of the text.
 * @typedef {(query: number, key: number) => boolean} Mask
 */

/** @type {Mask} */
export const causal = (query, key) => key <= query;
/** @type {Mask} */
export const full = () => true;
/** @type {(length: number) => Mask} The first positions are in sight for everyone; behind them it is causal. */
export const prefix = (length) => (query, key) => key <= query || key < length;

/** @type {(mask: Mask, T: number, S: number) => Uint8Array} A mask as a table (T, S), for the last T of S positions. */
export const table = (mask, T, S) => {
  const sees = new Uint8Array(T * S);
  for (let t = 0; t < T; t++) {
    for (let s = 0; s < S; s++) sees[t * S + s] = mask(S - T + t, s) ? 1 : 0;
    if (!sees.subarray(t * S, (t + 1) * S).includes(1)) throw new Error(`position ${S - T + t} may look at nothing`);
  }
  return sees;
};

/** The keys and values of the positions so far. Rows of queries, keys and values are kept whole: nothing is copied. */
class Past {
  constructor(layers, context, D) {
    this.length = 0;
    this.qkv = Array.from({ length: layers }, () => new Float32Array(context * 3 * D)); // each (context, 3D)
  }
}

export class GPT {
  #room;

  /** @param {ReturnType<typeof import("./blob.js").unpack>} unpacked */
  constructor({ meta, arrays, shapes }) {
    const get = (name) => {
      if (arrays[name]) return arrays[name];
      throw new Error(`These are not the weights of a GPT: ${name} is not among them.`);
    };
    const norm = (name) => ({ gain: get(`${name}.gain`), bias: get(`${name}.bias`) });
    const weights = (name) => ({ w: get(`${name}.w`), b: get(`${name}.b`) });
    this.arrays = arrays;
    this.shapes = shapes;
    this.heads = meta.n_heads;
    this.mask = meta.mask === "full" ? full : causal;
    this.tokens = get("token_emb"); // (vocabulary, D)
    this.positions = get("position_emb"); // (context, D)
    this.head = { w: get("head_w") }; // (D, V)
    this.norm = norm("norm");
    [this.context, this.width] = shapes.position_emb;
    [this.vocabulary] = shapes.token_emb;
    this.outputs = shapes.head_w[1];
    this.blocks = [];
    while (arrays[`blocks.${this.blocks.length}.mlp.up.w`]) {
      const [attention, mlp] = ["attention", "mlp"].map((part) => `blocks.${this.blocks.length}.${part}`);
      this.blocks.push({
        norm1: norm(`${attention}.norm`), qkv: weights(`${attention}.qkv`), out: weights(`${attention}.out`),
        norm2: norm(`${mlp}.norm`), up: weights(`${mlp}.up`), down: weights(`${mlp}.down`),
      });
    }
    const [C, D] = [this.context, this.width];
    const room = (n) => new Float32Array(n);
    const [x, a, m] = [room(C * D), room(C * D), room(C * D)];
    this.#room = { x, a, m, up: room(C * 4 * D), weights: room(this.heads * C * C) };
  }

  /** A KV cache with nothing in it yet. */
  past() {
    return new Past(this.blocks.length, this.context, this.width);
  }

  /**
   * Scores for what comes after each token, or after the last one alone.
   * @param {ArrayLike<number>} tokens  (T); with a past, those that come after it
   * @param {{ past?: Past, mask?: Mask, watch?: boolean, last?: boolean }} [options]  `watch` keeps who looked where,
   *   the residual stream before the first block, after each one, and between its workers, and the MLPs' hidden units
   * @returns {{ logits: Float32Array, attention?: Float32Array[], stream?: Float32Array[], between?: Float32Array[],
   *   hidden?: Float32Array[] }}  (T, V) or (V); for each block (H, T, S); (T, D) each, twice; (T, 4D) each
   */
  forward(tokens, { past = this.past(), mask = this.mask, watch = false, last = false } = {}) {
    const [T, S, D] = [tokens.length, past.length + tokens.length, this.width];
    const { x, a, m, up, weights } = this.#room;
    this.#embed(x, tokens, past.length);
    const sees = table(mask, T, S);
    const [attention, stream, between, hidden] = [[], [], [], []];
    this.blocks.forEach((p, i) => {
      if (watch) stream.push(x.slice(0, T * D));
      layerNorm(a, x, p.norm1, T, D);
      linear(past.qkv[i].subarray(past.length * 3 * D), a, p.qkv, T, D, 3 * D); // (T, D) -> (T, 3D), behind the past
      attend(m, weights, past.qkv[i], sees, T, S, D, this.heads);
      if (watch) attention.push(weights.slice(0, this.heads * T * S));
      linear(a, m, p.out, T, D, D);
      add(x, a, T * D);
      if (watch) between.push(x.slice(0, T * D));
      layerNorm(a, x, p.norm2, T, D);
      linear(up, a, p.up, T, D, 4 * D); // (T, D) -> (T, 4D)
      gelu(up, up, T * 4 * D);
      if (watch) hidden.push(up.slice(0, T * 4 * D));
      linear(a, up, p.down, T, 4 * D, D); // (T, 4D) -> (T, D)
      add(x, a, T * D);
    });
    if (watch) stream.push(x.slice(0, T * D));
    past.length = S;
    const logits = this.read(last ? x.subarray((T - 1) * D, T * D) : x.subarray(0, T * D));
    return watch ? { logits, attention, stream, between, hidden } : { logits };
  }

  /** Vectors of tokens and positions into `x` (T, D). */
  #embed(x, tokens, start) {
    const D = this.width;
    if (!tokens.length) throw new Error("There are no tokens: pass at least the one that stands between texts.");
    if (start + tokens.length > this.context) {
      throw new Error(`${start + tokens.length} tokens do not fit into a context of ${this.context}.`);
    }
    for (let t = 0; t < tokens.length; t++) {
      if (!(tokens[t] >= 0 && tokens[t] < this.vocabulary)) throw new Error(`The model knows no token ${tokens[t]}.`);
      for (let d = 0; d < D; d++) x[t * D + d] = this.tokens[tokens[t] * D + d] + this.positions[(start + t) * D + d];
    }
  }

  /**
   * What the head reads out of a residual stream (T, D): logits (T, V). In mid-model, that is a logit lens.
   * @param {Float32Array} stream
   * @returns {Float32Array}
   */
  read(stream) {
    const T = stream.length / this.width;
    const logits = new Float32Array(T * this.outputs);
    layerNorm(this.#room.a, stream, this.norm, T, this.width);
    linear(logits, this.#room.a, this.head, T, this.width, this.outputs);
    return logits;
  }
}

/** @typedef {{ temperature?: number, topK?: number, topP?: number }} Chance */

/**
 * The tokens that may be drawn, best first, and how probable each is among all at this temperature.
 * @param {Float32Array} logits  (V)
 * @param {Chance} [chance]  temperature 0 keeps the best one; `topK` the k best; `topP` the nucleus, the fewest tokens
 *   that together are that probable
 * @returns {{ tokens: number[], probabilities: number[] }}
 */
export const keep = (logits, { temperature = 1, topK = Infinity, topP = 1 } = {}) => {
  const check = (right, message) => {
    if (!right) throw new Error(message);
  };
  check(temperature >= 0 && temperature < Infinity, `The temperature cannot be ${temperature}: take 0 or more.`);
  check(topK >= 1, `One cannot choose among ${topK} tokens: take 1 or more.`);
  check(topP > 0 && topP <= 1, `${topP} is no probability to reach: take more than 0, at most 1.`);
  const order = Array.from(logits, (_, token) => token).sort((a, b) => logits[b] - logits[a] || a - b);
  if (temperature === 0) return { tokens: [order[0]], probabilities: [1] };
  const tokens = order.slice(0, topK);
  const sizes = tokens.map((token) => Math.exp((logits[token] - logits[tokens[0]]) / temperature));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const probabilities = sizes.map((size) => size / total);
  let [sum, kept] = [0, 0];
  while (kept < tokens.length && sum < topP) sum += probabilities[kept++]; // up to the one with which they reach it
  return { tokens: tokens.slice(0, kept), probabilities: probabilities.slice(0, kept) };
};

/**
 * Draw a token.
 * @param {Float32Array} logits  (V)
 * @param {() => number} random
 * @param {Chance} [chance]
 */
export const sample = (logits, random, chance) => {
  const { tokens, probabilities } = keep(logits, chance);
  if (chance?.temperature === 0) return tokens[0];
  const dart = random() * probabilities.reduce((sum, p) => sum + p, 0);
  let [at, sum] = [0, probabilities[0]];
  while (sum <= dart && at < tokens.length - 1) sum += probabilities[++at];
  return tokens[at];
};

/** Let whatever waits be done: a message that says stop, say. A timer would take four milliseconds. */
export const pause = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(null);
});

/** How many milliseconds may pass before others get a turn. */
export const TURN = 12;

/**
 * What the model writes after a prompt, token by token, until it would write `stop` or the limit is reached, or it is
 * told to stop: by the signal, or because nobody asks for more.
 * @param {GPT} model
 * @param {number[]} prompt
 * @param {Chance & { random?: () => number, stop?: number, most?: number, signal?: AbortSignal }} [options]
 * @returns {AsyncGenerator<number>}
 */
export async function* generate(model, prompt, { random = Math.random, stop, most = 100, signal, ...chance } = {}) {
  const tokens = [...prompt];
  let [past, fresh, since] = [model.past(), tokens.slice(-model.context), performance.now()];
  for (let n = 0; n < most && !signal?.aborted; n++) {
    if (past.length + fresh.length > model.context) {
      // Positions are absolute: without its first token a window stands elsewhere. Half a window makes that rare.
      [past, fresh] = [model.past(), tokens.slice(-Math.max(1, Math.floor(model.context / 2)))];
    }
    const token = sample(model.forward(fresh, { past, last: true }).logits, random, chance);
    if (token === stop) return;
    yield token;
    tokens.push(token);
    fresh = [token];
    if (performance.now() - since > TURN) {
      await pause();
      since = performance.now();
    }
  }
}
