/*
 * NumPy's `default_rng(seed)`: PCG64 (O'Neill, 2014), seeded by its `SeedSequence`.
 *
 * With the same generator a reader's seed draws here what it draws in the chapter's Python.
 */

const WORD = 2n ** 64n - 1n;
const DOUBLE = 2n ** 128n - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** Four 64-bit numbers out of a seed, spread so that neighbouring seeds have nothing in common. */
const spread = (seed) => {
  const hash = (factor, step) => (value) => {
    value ^= factor;
    factor = Math.imul(factor, step);
    value = Math.imul(value, factor);
    return value ^ (value >>> 16);
  };
  const mix = (x, y) => {
    const mixed = Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715);
    return mixed ^ (mixed >>> 16);
  };
  const first = hash(0x43b0d7e5, 0x931e8875);
  const pool = [seed % 2 ** 32, Math.floor(seed / 2 ** 32), 0, 0].map(first);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], first(pool[from]));
  }
  const second = hash(0x8b51f9dd, 0x58f38ded);
  const words = Array.from({ length: 8 }, (_, i) => BigInt(second(pool[i % 4]) >>> 0));
  return [0, 2, 4, 6].map((i) => words[i] | (words[i + 1] << 32n));
};

/**
 * A generator of numbers from 0 up to 1, the same ones for the same seed.
 * @param {number} seed  a whole number from 0 to 2**53 - 1
 * @returns {() => number}
 */
export const seeded = (seed) => {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`${seed} is no seed: take a whole number, 0 or more`);
  const [high, low, streamHigh, streamLow] = spread(seed);
  const step = ((((streamHigh << 64n) | streamLow) << 1n) | 1n) & DOUBLE;
  let state = ((step + ((high << 64n) | low)) * MULTIPLIER + step) & DOUBLE;
  return () => {
    state = (state * MULTIPLIER + step) & DOUBLE;
    const folded = (state >> 64n) ^ (state & WORD);
    const turn = state >> 122n;
    const drawn = ((folded >> turn) | (folded << (64n - turn))) & WORD;
    return Number(drawn >> 11n) / 2 ** 53;
  };
};
