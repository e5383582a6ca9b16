/*
 * Weights as they travel: what `snippets/weights.py` packs.
 *
 * Four bytes say how long the header is. The header is JSON, filled up with zeros to a multiple of four. Then come the
 * numbers, little-endian, as every browser's machine has them: as float32, or in steps of 1/2047 of the largest of their
 * row. A checksum finds what went wrong on the way.
 */

/** What stands for the largest number of a row; 0 stands for its negative. */
const LARGEST = 2047;

/**
 * Numbers in steps, two in three bytes, each row with a step of its own.
 * @param {ArrayBuffer} buffer
 * @param {number} offset  where the rows' steps begin
 * @param {number} size  how many numbers there are
 * @param {number} rows
 * @returns {Float32Array}
 */
const fromSteps = (buffer, offset, size, rows) => {
  const steps = new Float32Array(buffer, offset, rows);
  const packed = new Uint8Array(buffer, offset + 4 * rows, Math.ceil(size / 2) * 3);
  const floats = new Float32Array(size);
  for (let i = 0, at = 0; i < size; i += 2, at += 3) {
    floats[i] = (packed[at] | ((packed[at + 1] & 15) << 8)) - LARGEST;
    if (i + 1 < size) floats[i + 1] = ((packed[at + 1] >> 4) | (packed[at + 2] << 4)) - LARGEST;
  }
  const width = size / rows;
  for (let i = 0; i < size; i++) floats[i] *= steps[Math.floor(i / width)];
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
  const { meta, tensors, form, crc32, length } = header ?? {};
  if (!tensors || !["int12", "float32"].includes(form)) throw damaged("their header says nothing of weights");
  const there = buffer.byteLength - start;
  if (there !== length) throw damaged(`there are ${there} bytes of ${length}`);
  if (checksum(new Uint8Array(buffer, start)) !== crc32) throw damaged("their checksum is wrong");
  const arrays = {};
  const shapes = {};
  for (const [name, { shape, offset }] of Object.entries(tensors)) {
    const size = shape.reduce((product, n) => product * n, 1);
    const rows = size / shape.at(-1);
    const bytes = form === "int12" ? 4 * rows + Math.ceil(size / 2) * 3 : 4 * size;
    if (!(offset + bytes <= length)) throw damaged(`${name} is not all there`);
    shapes[name] = shape;
    arrays[name] = form === "int12"
      ? fromSteps(buffer, start + offset, size, rows)
      : new Float32Array(buffer, start + offset, size).slice(); // a copy, so that the download can be forgotten
  }
  return { meta, arrays, shapes };
};
