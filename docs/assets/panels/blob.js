/*
 * Weights as they travel: what `snippets/weights.py` packs.
 *
 * Four bytes say how long the header is. The header is JSON, filled up with zeros to a multiple of four. Then come the
 * numbers, little-endian, as every browser's machine has them. A checksum finds what went wrong on the way.
 */

/** What each exponent of a float16 multiplies the significand with; 31, the last, stands for infinity and NaN. */
const SCALES = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));

/**
 * Half precision to single. Every float16 is a float32 too, so nothing is rounded.
 * @param {Uint16Array} halves
 * @returns {Float32Array}
 */
export const fromHalf = (halves) => {
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const exponent = (halves[i] >> 10) & 31;
    const fraction = halves[i] & 1023;
    const size = exponent === 31 ? (fraction ? NaN : Infinity) : (fraction + (exponent && 1024)) * SCALES[exponent];
    floats[i] = halves[i] & 0x8000 ? -size : size;
  }
  return floats;
};

/** For each byte, what it does to a CRC-32 (the one of zip and PNG). */
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

const checksum = (bytes) => {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC[(crc ^ bytes[i]) & 255];
  return ~crc >>> 0;
};

/**
 * Named arrays out of a blob.
 * @param {ArrayBuffer} buffer
 * @returns {{ meta: Record<string, any>, arrays: Record<string, Float32Array>, shapes: Record<string, number[]> }}
 * @throws {Error} The blob was cut off, was changed, or is something else.
 */
export const unpack = (buffer) => {
  const damaged = (what) => new Error(`The weights are damaged: ${what}. Reload the page to fetch them again.`);
  if (buffer.byteLength < 4) throw damaged("they end before they begin");
  const headerLength = new DataView(buffer).getUint32(0, true);
  const start = Math.ceil((4 + headerLength) / 4) * 4;
  if (start > buffer.byteLength) throw damaged("they end in their header");
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(buffer, 4, headerLength)));
  } catch (_error) {
    throw damaged("their header cannot be read");
  }
  const { meta, tensors, dtype, crc32, length } = header ?? {};
  if (!tensors || !["float16", "float32"].includes(dtype)) throw damaged("their header says nothing of weights");
  const there = buffer.byteLength - start;
  if (there !== length) throw damaged(`there are ${there} bytes of ${length}`);
  if (checksum(new Uint8Array(buffer, start)) !== crc32) throw damaged("their checksum is wrong");
  const arrays = {};
  const shapes = {};
  for (const [name, { shape, offset }] of Object.entries(tensors)) {
    const size = shape.reduce((product, n) => product * n, 1);
    if (!(offset + size * (dtype === "float16" ? 2 : 4) <= length)) throw damaged(`${name} is not all there`);
    const [read, take] = dtype === "float16" ? [Uint16Array, fromHalf] : [Float32Array, (floats) => floats.slice()];
    arrays[name] = take(new read(buffer, start + offset, size)); // copies, so that the download can be forgotten
    shapes[name] = shape;
  }
  return { meta, arrays, shapes };
};
