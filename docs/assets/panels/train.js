/*
 * Training in the reader's browser: forward, backward and AdamW, as in `snippets/train.py` and `snippets/optim.py`.
 *
 * Loaded only where a reader presses the button. R stands for the rows of a batch, B texts of T positions each.
 */
import { GPT, TURN, causal, pause, table } from "./gpt.js";
import { ROOT, add, attend, gelu, layerNorm, linear } from "./layers.js";

// The way back through each layer. Gradients of parameters are added to what is there.

/** `dx` (R, D) = `dy` (R, E) times the transposed `w` (D, E); the matrix's gradient is input times gradient. */
const linearBackward = (dx, dy, x, { w }, { w: dw, b: db }, R, D, E) => {
  for (let r = 0; r < R; r++) {
    const row = dy.subarray(r * E, (r + 1) * E);
    for (let d = 0; d < D; d++) {
      const at = d * E;
      const input = x[r * D + d];
      let sum = 0;
      for (let e = 0; e < E; e++) {
        sum += row[e] * w[at + e];
        dw[at + e] += input * row[e];
      }
      dx[r * D + d] = sum;
    }
    if (db) add(db, row, E);
  }
};

/** Adds to `dx`, for a norm always reads from a stream that goes on beside it. */
const layerNormBackward = (dx, dy, { normal, scales }, { gain }, { gain: dgain, bias: dbias }, R, D) => {
  for (let r = 0, at = 0; r < R; r++, at += D) {
    let [mean, along] = [0, 0];
    for (let d = 0; d < D; d++) {
      mean += (dy[at + d] * gain[d]) / D;
      along += (dy[at + d] * gain[d] * normal[at + d]) / D;
      dgain[d] += dy[at + d] * normal[at + d];
      dbias[d] += dy[at + d];
    }
    for (let d = 0; d < D; d++) dx[at + d] += (dy[at + d] * gain[d] - mean - normal[at + d] * along) * scales[r];
  }
};

const geluBackward = (dx, x, n) => {
  for (let i = 0; i < n; i++) {
    const v = x[i];
    const t = Math.tanh(ROOT * (v + 0.044715 * v * v * v));
    dx[i] *= 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * ROOT * (1 + 3 * 0.044715 * v * v);
  }
};

/** `dqkv` (T, 3D) out of `dout` (T, D), for one text: through the mixing, the softmax and the scores. */
const attendBackward = (dqkv, dout, weights, qkv, T, D, H) => {
  const width = D / H;
  const scale = width ** -0.5;
  const slopes = new Float32Array(T);
  dqkv.fill(0);
  for (let h = 0; h < H; h++) {
    for (let t = 0; t < T; t++) {
      const row = weights.subarray((h * T + t) * T, (h * T + t + 1) * T);
      const [from, query] = [t * D + h * width, t * 3 * D + h * width];
      let along = 0;
      for (let s = 0; s < T; s++) {
        const value = s * 3 * D + 2 * D + h * width;
        let slope = 0;
        for (let i = 0; row[s] && i < width; i++) {
          slope += dout[from + i] * qkv[value + i];
          dqkv[value + i] += row[s] * dout[from + i];
        }
        slopes[s] = slope;
        along += slope * row[s];
      }
      for (let s = 0; s < T; s++) {
        const key = s * 3 * D + D + h * width;
        const dscore = row[s] * (slopes[s] - along) * scale;
        for (let i = 0; dscore && i < width; i++) {
          dqkv[query + i] += dscore * qkv[key + i];
          dqkv[key + i] += dscore * qkv[query + i];
        }
      }
    }
  }
};

/**
 * The mean surprise over all rows, in nats; the logits (R, V) become their gradient.
 * @param {Float32Array} logits
 * @param {ArrayLike<number>} targets  (R)
 */
const crossEntropy = (logits, targets, R, V) => {
  let loss = 0;
  for (let r = 0; r < R; r++) {
    const row = logits.subarray(r * V, (r + 1) * V);
    let [largest, total] = [-Infinity, 0];
    for (let v = 0; v < V; v++) largest = Math.max(largest, row[v]);
    loss -= row[targets[r]] - largest;
    for (let v = 0; v < V; v++) total += row[v] = Math.exp(row[v] - largest);
    loss += Math.log(total);
    for (let v = 0; v < V; v++) row[v] /= total * R;
    row[targets[r]] -= 1 / R;
  }
  return loss / R;
};

/** A model in training. Its arrays are changed in place, so that it can be asked to write at any step. */
export class Trainer {
  #room;
  #mean = {};
  #square = {};
  #steps = 0;

  /**
   * @param {GPT} model
   * @param {number} B  how many texts a batch holds
   * @param {number} [T]  how many positions of each are read
   */
  constructor(model, B, T = model.context) {
    const room = (n) => new Float32Array(n);
    const same = () => Object.fromEntries(Object.entries(model.arrays).map(([name, { length }]) => [name, room(length)]));
    [this.model, this.B, this.T] = [model, B, T];
    [this.#mean, this.#square] = [same(), same()];
    /** The gradients of the last batch, by the parameters' names, and the same as the model holds its parameters. */
    this.gradients = same();
    this.tree = new GPT({ meta: { n_heads: model.heads }, arrays: this.gradients, shapes: model.shapes });
    const [R, D, H] = [B * T, model.width, model.heads];
    const norm = () => ({ out: room(R * D), normal: room(R * D), scales: room(R) });
    const block = () => ({
      norm1: norm(), qkv: room(R * 3 * D), weights: room(B * H * T * T), mixed: room(R * D),
      norm2: norm(), up: room(R * 4 * D), gated: room(R * 4 * D),
    });
    this.#room = {
      blocks: model.blocks.map(block), norm: norm(), logits: room(R * model.outputs), sees: table(causal, T, T),
      x: room(R * D), a: room(R * D), dqkv: room(R * 3 * D), dup: room(R * 4 * D),
    };
  }

  /** Logits of a batch, with all that the way back needs. */
  #forward(inputs) {
    const { model, B, T } = this;
    const { x, a, norm, sees, logits, blocks } = this.#room;
    const [R, D, H] = [B * T, model.width, model.heads];
    const normed = (to, p) => layerNorm(to.out, x, p, R, D, to.normal, to.scales);
    for (let r = 0; r < R; r++) {
      for (let d = 0; d < D; d++) x[r * D + d] = model.tokens[inputs[r] * D + d] + model.positions[(r % T) * D + d];
    }
    model.blocks.forEach((p, i) => {
      const { norm1, qkv, weights, mixed, norm2, up, gated } = blocks[i];
      normed(norm1, p.norm1);
      linear(qkv, norm1.out, p.qkv, R, D, 3 * D);
      for (let b = 0; b < B; b++) {
        const own = (array, n) => array.subarray(b * T * n, (b + 1) * T * n);
        attend(own(mixed, D), own(weights, H * T), own(qkv, 3 * D), sees, T, T, D, H);
      }
      linear(a, mixed, p.out, R, D, D);
      add(x, a, R * D);
      normed(norm2, p.norm2);
      linear(up, norm2.out, p.up, R, D, 4 * D);
      gelu(gated, up, R * 4 * D);
      linear(a, gated, p.down, R, 4 * D, D);
      add(x, a, R * D);
    });
    normed(norm, model.norm);
    linear(logits, norm.out, model.head, R, D, model.outputs);
  }

  /**
   * The loss on a batch; `gradients` then holds how it changes with each parameter.
   * @param {ArrayLike<number>} inputs  (B, T)
   * @param {ArrayLike<number>} targets  (B, T), what comes next
   */
  loss(inputs, targets) {
    const { model, tree, B, T } = this;
    const { x: dx, a: d, norm, logits, blocks, dqkv, dup } = this.#room;
    const [R, D, H, V] = [B * T, model.width, model.heads, model.outputs];
    this.#forward(inputs);
    const loss = crossEntropy(logits, targets, R, V);
    for (const gradient of Object.values(this.gradients)) gradient.fill(0);
    linearBackward(d, logits, norm.out, model.head, tree.head, R, D, V);
    dx.fill(0);
    layerNormBackward(dx, d, norm, model.norm, tree.norm, R, D);
    for (let i = blocks.length - 1; i >= 0; i--) {
      const [kept, p, g] = [blocks[i], model.blocks[i], tree.blocks[i]];
      linearBackward(dup, dx, kept.gated, p.down, g.down, R, 4 * D, D);
      geluBackward(dup, kept.up, R * 4 * D);
      linearBackward(d, dup, kept.norm2.out, p.up, g.up, R, D, 4 * D);
      layerNormBackward(dx, d, kept.norm2, p.norm2, g.norm2, R, D);
      linearBackward(d, dx, kept.mixed, p.out, g.out, R, D, D);
      for (let b = 0; b < B; b++) {
        const own = (array, n) => array.subarray(b * T * n, (b + 1) * T * n);
        attendBackward(own(dqkv, 3 * D), own(d, D), own(kept.weights, H * T), own(kept.qkv, 3 * D), T, D, H);
      }
      linearBackward(d, dqkv, kept.norm1.out, p.qkv, g.qkv, R, D, 3 * D);
      layerNormBackward(dx, d, kept.norm1, p.norm1, g.norm1, R, D);
    }
    for (let r = 0; r < R; r++) {
      const row = dx.subarray(r * D, (r + 1) * D);
      add(tree.tokens.subarray(inputs[r] * D), row, D);
      add(tree.positions.subarray((r % T) * D), row, D);
    }
    return loss;
  }

  /** Scale all gradients down together where they are longer than the limit. */
  clip(limit = 1) {
    const all = Object.values(this.gradients);
    const length = Math.sqrt(all.reduce((sum, gradient) => gradient.reduce((s, g) => s + g * g, sum), 0));
    const factor = Math.min(1, limit / length);
    for (const gradient of all) for (let i = 0; i < gradient.length; i++) gradient[i] *= factor;
  }

  /**
   * One step on one batch. Returns the loss before it.
   * @param {ArrayLike<number>} inputs
   * @param {ArrayLike<number>} targets
   * @param {number} rate
   */
  step(inputs, targets, rate, { betas: [b1, b2] = [0.9, 0.99], decay = 0.1, eps = 1e-8 } = {}) {
    const loss = this.loss(inputs, targets);
    this.clip();
    this.#steps++;
    const [share1, share2] = [1 - b1 ** this.#steps, 1 - b2 ** this.#steps]; // both means start at 0
    for (const [name, g] of Object.entries(this.gradients)) {
      const [w, m, s] = [this.model.arrays[name], this.#mean[name], this.#square[name]];
      const shrink = this.model.shapes[name].length > 1 ? 1 - rate * decay : 1; // biases and gains are not pulled to 0
      for (let i = 0; i < w.length; i++) {
        m[i] += (1 - b1) * (g[i] - m[i]);
        s[i] += (1 - b2) * (g[i] * g[i] - s[i]);
        w[i] = w[i] * shrink - (rate * (m[i] / share1)) / (Math.sqrt(s[i] / share2) + eps);
      }
    }
    return loss;
  }
}

/** Up in a line to the peak, then down along half a cosine to a tenth of it. */
export const learningRate = (step, steps, peak, warmUp = 20, floor = 0.1) => {
  if (step < warmUp) return (peak * (step + 1)) / warmUp;
  const done = (step - warmUp) / Math.max(1, steps - warmUp);
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * done)));
};

/** Random windows of a row of tokens, and the same windows one token later. */
export const batch = (tokens, B, T, random) => {
  if (tokens.length <= T) throw new Error(`${tokens.length} tokens are too few to read ${T} and what follows.`);
  const [inputs, targets] = [new Int32Array(B * T), new Int32Array(B * T)];
  for (let b = 0; b < B; b++) {
    const start = Math.floor(random() * (tokens.length - T));
    for (let t = 0; t < T; t++) [inputs[b * T + t], targets[b * T + t]] = [tokens[start + t], tokens[start + t + 1]];
  }
  return [inputs, targets];
};

/**
 * A model that knows nothing yet, with small random weights, as `GPTModel` starts (not the same numbers).
 * @param {{ vocabulary: number, width: number, heads: number, layers: number, context: number }} size
 * @param {() => number} random
 */
export const newModel = ({ vocabulary, width: D, heads, layers, context }, random) => {
  const [arrays, shapes] = [{}, {}];
  // Box and Muller (1958): two numbers from 0 to 1 make a normal one.
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const put = (name, shape, value) => {
    shapes[name] = shape;
    arrays[name] = Float32Array.from({ length: shape.reduce((n, m) => n * m) }, value);
  };
  const norm = (name) => {
    put(`${name}.gain`, [D], () => 1);
    put(`${name}.bias`, [D], () => 0);
  };
  const dense = (name, from, to, scale = 0.02) => {
    put(`${name}.w`, [from, to], () => normal() * scale);
    put(`${name}.b`, [to], () => 0);
  };
  if (!(heads >= 1) || D % heads) throw new Error(`A width of ${D} cannot be cut into ${heads} equal heads.`);
  const small = 0.02 / Math.sqrt(2 * layers);
  const start = { token_emb: [vocabulary, D], position_emb: [context, D], head_w: [D, vocabulary] };
  for (const [name, shape] of Object.entries(start)) put(name, shape, () => normal() * 0.02);
  for (let i = 0; i < layers; i++) {
    const [attention, mlp] = [`blocks.${i}.attention`, `blocks.${i}.mlp`];
    norm(`${attention}.norm`);
    dense(`${attention}.qkv`, D, 3 * D);
    dense(`${attention}.out`, D, D, small);
    norm(`${mlp}.norm`);
    dense(`${mlp}.up`, D, 4 * D);
    dense(`${mlp}.down`, 4 * D, D, small);
  }
  norm("norm");
  return new GPT({ meta: { n_heads: heads }, arrays, shapes });
};

/**
 * Train step by step; each yields its loss. Others get a turn in between, to say stop, for instance.
 * @param {Trainer} trainer
 * @param {ArrayLike<number>} tokens
 * @param {{ steps?: number, peak?: number, random?: () => number, signal?: AbortSignal }} [options]
 * @returns {AsyncGenerator<{ step: number, loss: number }>}
 */
export async function* pretrain(trainer, tokens, { steps = 200, peak = 4e-3, random = Math.random, signal } = {}) {
  let since = performance.now();
  for (let step = 0; step < steps && !signal?.aborted; step++) {
    const [inputs, targets] = batch(tokens, trainer.B, trainer.T, random);
    yield { step, loss: trainer.step(inputs, targets, learningRate(step, steps, peak)) };
    if (performance.now() - since > TURN) {
      await pause();
      since = performance.now();
    }
  }
}
