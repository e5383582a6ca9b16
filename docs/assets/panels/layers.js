/*
 * The pieces of a GPT on flat arrays of float32: `snippets/layers.py` and `snippets/attention.py` as plain loops.
 *
 * A matrix (R, C) lies row by row. Every function writes into an array that it is given, so that nothing is allocated
 * for each token, and its innermost loop walks through memory from left to right.
 */

/** `out` (R, E) = `x` (R, D) times `w` (D, E), plus a bias (E) where there is one. */
export const linear = (out, x, { w, b: bias }, R, D, E) => {
  for (let r = 0; r < R; r++) {
    const row = out.subarray(r * E, (r + 1) * E);
    if (bias) row.set(bias);
    else row.fill(0);
    let d = 0;
    // Four at a time: what is read and written of the row is shared by four products, which takes half the time.
    for (; d + 3 < D; d += 4) {
      const [x0, x1, x2, x3] = x.subarray(r * D + d, r * D + d + 4);
      const [w0, w1, w2, w3] = [d * E, (d + 1) * E, (d + 2) * E, (d + 3) * E];
      for (let e = 0; e < E; e++) row[e] += x0 * w[w0 + e] + x1 * w[w1 + e] + x2 * w[w2 + e] + x3 * w[w3 + e];
    }
    for (; d < D; d++) for (let e = 0; e < E; e++) row[e] += x[r * D + d] * w[d * E + e];
  }
};

/** Each row of `x` (R, D) with mean 0 and variance 1, scaled and shifted; `normal`, if given, keeps it before that. */
export const layerNorm = (out, x, { gain, bias }, R, D, normal, scales) => {
  for (let r = 0, at = 0; r < R; r++, at += D) {
    let [mean, variance] = [0, 0];
    for (let d = 0; d < D; d++) mean += x[at + d];
    mean /= D;
    for (let d = 0; d < D; d++) variance += (x[at + d] - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / D + 1e-5);
    if (scales) scales[r] = scale;
    for (let d = 0; d < D; d++) {
      const value = (x[at + d] - mean) * scale;
      if (normal) normal[at + d] = value;
      out[at + d] = value * gain[d] + bias[d];
    }
  }
};

export const ROOT = Math.sqrt(2 / Math.PI);

/** The smooth gate, for `n` numbers. */
export const gelu = (out, x, n) => {
  for (let i = 0; i < n; i++) {
    const v = x[i];
    out[i] = 0.5 * v * (1 + Math.tanh(ROOT * (v + 0.044715 * v * v * v)));
  }
};

/** `out` += `x`, for `n` numbers. */
export const add = (out, x, n) => {
  for (let i = 0; i < n; i++) out[i] += x[i];
};

/**
 * The last T of S positions look at all S and take a mix of their values.
 * @param {Float32Array} out  (T, D), the heads' results side by side
 * @param {Float32Array} weights  (H, T, S), who looked where
 * @param {Float32Array} qkv  (S, 3D), queries, keys and values of all positions
 * @param {Uint8Array} sees  (T, S), 1 where a position may look
 */
export const attend = (out, weights, qkv, sees, T, S, D, H) => {
  const width = D / H;
  const scale = width ** -0.5;
  out.fill(0, 0, T * D);
  for (let h = 0; h < H; h++) {
    for (let t = 0; t < T; t++) {
      const query = (S - T + t) * 3 * D + h * width;
      const row = weights.subarray((h * T + t) * S, (h * T + t + 1) * S);
      let largest = -Infinity;
      for (let s = 0; s < S; s++) {
        if (!sees[t * S + s]) continue;
        const key = s * 3 * D + D + h * width;
        let score = 0;
        for (let i = 0; i < width; i++) score += qkv[query + i] * qkv[key + i];
        row[s] = score * scale;
        if (row[s] > largest) largest = row[s];
      }
      let total = 0;
      for (let s = 0; s < S; s++) {
        row[s] = sees[t * S + s] ? Math.exp(row[s] - largest) : 0;
        total += row[s];
      }
      const to = t * D + h * width;
      for (let s = 0; s < S; s++) {
        if (!row[s]) continue;
        row[s] /= total;
        const value = s * 3 * D + 2 * D + h * width;
        for (let i = 0; i < width; i++) out[to + i] += row[s] * qkv[value + i];
      }
    }
  }
};
