/*
 * Text to numbers and back, as `snippets/tokenizer.py` does it: byte-pair encoding over bytes.
 *
 * Which characters make words is told by the Python that learnt the merges. A browser would have its own opinion: it
 * may know a newer Unicode, with more letters.
 */

/** White space as Python has it: with the separators 1c to 1f and the next-line sign, without the byte order mark. */
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

/** Longer pieces are no words that come again, and there is no end to them. */
const WORD_LENGTH = 40;
const WORDS = 20_000;

/** A class of characters out of the lengths of runs, of which every second one belongs to it. */
const characters = (runs) => {
  let [at, found] = [0, ""];
  runs.forEach((length, i) => {
    if (i % 2) found += `\\u{${at.toString(16)}}-\\u{${(at + length - 1).toString(16)}}`;
    at += length;
  });
  return found;
};

/** The sequence with every occurrence of a pair replaced by the new token. */
const merge = (ids, [left, right], token) => {
  const merged = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      merged.push(token);
      i++;
    } else merged.push(ids[i]);
  }
  return merged;
};

export class Tokenizer {
  #pieces;
  #ranks = new Map();
  #known = new Map();

  /** @param {{ merges: [number, number][], word: number[] }} learnt  what `pack_model` writes of a tokenizer */
  constructor({ merges, word }) {
    this.merges = merges;
    /** The token that stands between texts: the last one. */
    this.end = 256 + merges.length;
    this.size = this.end + 1;
    /** @type {number[][]} The bytes of each token; the mark between texts has none. */
    this.bytes = Array.from({ length: 256 }, (_, byte) => [byte]);
    merges.forEach(([left, right], rank) => {
      this.bytes.push([...this.bytes[left], ...this.bytes[right]]);
      this.#ranks.set(left * this.size + right, rank);
    });
    this.bytes.push([]);
    const letters = characters(word);
    this.#pieces = new RegExp(` ?[${letters}]+| ?[^${letters}${SPACE}]+|[${SPACE}]+`, "gu");
  }

  /**
   * Words and runs of signs with the blank before them, and white space: merges never cross these borders.
   * Half a surrogate pair is no character. It becomes U+FFFD, as in all text that leaves a browser.
   * @param {string} text
   * @returns {string[]}
   */
  pieces(text) {
    return text.replace(/\p{Cs}/gu, "\ufffd").match(this.#pieces) ?? [];
  }

  /**
   * @param {string} text
   * @returns {number[]} the text's tokens
   */
  encode(text) {
    return this.pieces(text).flatMap((piece) => this.#encodePiece(piece));
  }

  #encodePiece(piece) {
    const known = this.#known.get(piece);
    if (known) return known;
    let ids = [...new TextEncoder().encode(piece)];
    for (let rank; (rank = this.#first(ids)) < Infinity; ) ids = merge(ids, this.merges[rank], 256 + rank);
    if (this.#known.size > WORDS) this.#known.clear();
    if (piece.length <= WORD_LENGTH) this.#known.set(piece, ids);
    return ids;
  }

  /** Which merge comes first among the pairs of a sequence. */
  #first(ids) {
    let first = Infinity;
    for (let i = 1; i < ids.length; i++) {
      const rank = this.#ranks.get(ids[i - 1] * this.size + ids[i]);
      if (rank < first) first = rank;
    }
    return first;
  }

  /**
   * How a text's tokens come about: its bytes first, then what each merge makes of them, in the order of learning.
   * @param {string} text
   * @returns {Generator<{ pair?: [number, number], token?: number, pieces: number[][] }>}
   */
  *steps(text) {
    let pieces = this.pieces(text).map((piece) => [...new TextEncoder().encode(piece)]);
    yield { pieces };
    for (;;) {
      const rank = pieces.reduce((first, ids) => Math.min(first, this.#first(ids)), Infinity);
      if (rank === Infinity) return;
      const [pair, token] = [this.merges[rank], 256 + rank];
      pieces = pieces.map((ids) => merge(ids, pair, token));
      yield { pair, token, pieces };
    }
  }

  /**
   * @param {Iterable<number>} tokens
   * @returns {string} their text, with � for bytes that are no UTF-8
   */
  decode(tokens) {
    const reader = this.reader();
    let text = "";
    for (const token of tokens) text += reader(token);
    return text + reader();
  }

  /**
   * For text that comes token by token: a character may be spread over several.
   * @returns {(token?: number) => string} what is complete with this token; without one, what is left
   */
  reader() {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const read = (token) => decoder.decode(Uint8Array.from(this.bytes[token]), { stream: true });
    return (token) => (token === undefined ? decoder.decode() : read(token));
  }
}
