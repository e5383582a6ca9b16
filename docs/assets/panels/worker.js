/*
 * The engine in a thread of its own, so that a page scrolls while a model computes.
 *
 * A message is `{ id, type, … }`, with `type` one of ANSWERS below. Any number of `{ id, update }` come back, and at the
 * end one `{ id, answer }` or `{ id, error }`. `{ type: "stop", id }` ends what is being written or trained, which then
 * answers with what it has. Models are named by the address of their weights and fetched when they are first asked for.
 * What readers type goes nowhere else.
 */
import { GPT, TURN, Tokenizer, causal, full, generate, keep, pause, prefix, seeded, unpack } from "./gpt.js";

/** @typedef {{ model: GPT, tokenizer?: Tokenizer, meta: Record<string, any> }} Loaded */

/** @type {Map<string, Promise<Loaded>>} */
const models = new Map();
/** @type {Map<number, AbortController>} What is being done, by the number of its message. */
const tasks = new Map();

/** How long a text may be whose merges are shown one by one. */
const STEPPED = 2000;

const OFFLINE = "The model's weights could not be fetched. Are you offline? Try again when you are connected.";

/** All bytes of an answer, saying how many have come. The total is known only where they come as they were stored. */
const download = async (answer, tell) => {
  const packed = answer.headers.get("Content-Encoding");
  const total = packed ? 0 : Number(answer.headers.get("Content-Length"));
  const parts = [];
  let loaded = 0;
  for (let reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts).arrayBuffer();
    parts.push(value);
    loaded += value.length;
    tell({ loaded, total });
  }
};

/** @returns {Promise<Loaded>} */
const fetchModel = async (url, tell) => {
  let buffer;
  try {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`The model's weights could not be fetched: the server answered ${answer.status}.`);
    buffer = await download(answer, tell);
  } catch (error) {
    throw error instanceof TypeError ? new Error(OFFLINE) : error; // `fetch` has no answer, or half of one
  }
  const unpacked = unpack(buffer);
  const { meta } = unpacked;
  return { model: new GPT(unpacked), tokenizer: meta.merges && new Tokenizer(meta), meta };
};

/** The model of an address. Whoever asks while it is under way waits with the others; a failure may be tried again. */
const load = async (url, tell) => {
  if (!models.has(url)) models.set(url, fetchModel(url, tell));
  try {
    return await models.get(url);
  } catch (error) {
    models.delete(url);
    throw error;
  }
};

/** A text as the course's functions give it to a model: behind the mark that stands between texts. */
const promptOf = ({ tokenizer }, { text, tokens }) => tokens ?? [tokenizer.end, ...tokenizer.encode(text ?? "")];

/** What of a prompt the model can see: its end. */
const window = (loaded, message) => promptOf(loaded, message).slice(-loaded.model.context);

/** A mask as a message names it: `"causal"`, `"full"`, or `{ prefix: 4 }`. */
const maskOf = ({ model }, { mask }) =>
  mask?.prefix === undefined ? { causal, full }[mask] ?? model.mask : prefix(mask.prefix);

const chanceOf = ({ temperature, topK, topP }) => ({ temperature, topK, topP });
const randomOf = ({ seed }) => (seed === undefined ? Math.random : seeded(seed));

/** A text's classes: the head is linear, so the mean of what it says of all positions is what it says of their mean. */
const classScores = (model, tokens) => {
  const { logits } = model.forward(tokens); // (T, classes)
  const means = new Array(model.outputs).fill(0);
  logits.forEach((logit, i) => { means[i % model.outputs] += logit / tokens.length; });
  return means;
};

/** What each type of message is answered with. */
const ANSWERS = {
  /** `{ url }`: fetch the weights, and tell what they are. Updates: `{ loaded, total }`; a total of 0 is not known. */
  load: ({ model, tokenizer, meta }) => ({
    meta,
    size: {
      vocabulary: model.vocabulary, width: model.width, heads: model.heads, layers: model.blocks.length,
      context: model.context, outputs: model.outputs,
      parameters: Object.values(model.arrays).reduce((sum, array) => sum + array.length, 0),
    },
    end: tokenizer?.end,
    bytes: tokenizer?.bytes,
  }),

  /** `{ url, text }`: its tokens, and the pieces whose borders they never cross. */
  encode: ({ tokenizer }, { text }) => ({ tokens: tokenizer.encode(text), pieces: tokenizer.pieces(text) }),

  /** `{ url, text }`: how its tokens come about, merge by merge. Each step is the whole text, so it must be short. */
  steps: ({ tokenizer }, { text }) => {
    if (text.length > STEPPED) throw new Error(`The steps are shown for ${STEPPED} characters at most: take a part.`);
    return { steps: [...tokenizer.steps(text)] };
  },

  /** `{ url, text or tokens, temperature, topK, topP }`: scores of what comes next; what may be drawn, best first. */
  next: (loaded, message) => {
    const tokens = window(loaded, message);
    const { logits } = loaded.model.forward(tokens, { mask: maskOf(loaded, message), last: true });
    const kept = keep(logits, chanceOf(message));
    return { tokens, logits, kept: kept.tokens, probabilities: kept.probabilities };
  },

  /**
   * `{ url, text or tokens, mask, hidden }`: for each block, who looked where (H, T, T), and scores for all positions
   * (T, V). Of the positions that `hidden` lists, nobody later sees anything.
   */
  attention: (loaded, message) => {
    const tokens = window(loaded, message);
    const [sees, hidden] = [maskOf(loaded, message), new Set(message.hidden)];
    const mask = (query, key) => sees(query, key) && (query <= key || !hidden.has(key));
    const { attention, logits } = loaded.model.forward(tokens, { mask, watch: true });
    return { tokens, attention, logits };
  },

  /**
   * `{ url, text or tokens, mask }`: the stream before the first worker and after each one (T, D), what the head would
   * read there (T, V); for each block, who looked where (H, T, T), and the MLP's hidden units behind their gate (T, 4D).
   */
  lens: (loaded, message) => {
    const tokens = window(loaded, message);
    const seen = loaded.model.forward(tokens, { mask: maskOf(loaded, message), watch: true });
    const stream = seen.stream.flatMap((x, i) => (i ? [seen.between[i - 1], x] : [x]));
    const logits = stream.map((x) => loaded.model.read(x));
    return { tokens, stream, logits, attention: seen.attention, hidden: seen.hidden };
  },

  /** `{ url, text or tokens, temperature, topK, topP, seed, most }`. Updates: `{ token, text }`. */
  generate: async (loaded, message, tell, signal) => {
    const [tokens, read] = [[], loaded.tokenizer.reader()];
    const limits = { most: message.most, stop: loaded.tokenizer.end, signal };
    const options = { ...chanceOf(message), random: randomOf(message), ...limits };
    for await (const token of generate(loaded.model, promptOf(loaded, message), options)) {
      tokens.push(token);
      tell({ token, text: read(token) });
    }
    return { tokens, text: loaded.tokenizer.decode(tokens), stopped: signal.aborted };
  },

  /**
   * `{ url, text, out }`: scores of the text's classes without the words whose numbers are in `out`, and for each other
   * word that is read the scores where it is left out, too. Words behind the context are not read; `all` counts them.
   * Update: the answer without `without`.
   */
  classify: async ({ model, tokenizer }, { text, out = [] }, tell, signal) => {
    const pieces = tokenizer.pieces(text);
    const words = pieces.slice(0, model.context + out.length + 1); // each has a token at least: none behind can be read
    const tokens = words.map((word, i) => (out.includes(i) ? [] : tokenizer.encode(word)));
    const scores = (but) => {
      const all = [tokenizer.end];
      for (let i = 0; i < words.length && all.length < model.context; i++) if (i !== but) all.push(...tokens[i]);
      return classScores(model, all.slice(0, model.context));
    };
    let [read, length] = [0, 1];
    while (read < words.length && length < model.context) length += tokens[read++].length;
    const answer = { words: words.slice(0, read), all: pieces.length, logits: scores() };
    tell(answer);
    const without = [];
    for (let i = 0, since = performance.now(); i < read && !signal.aborted; i++) {
      without.push(out.includes(i) ? answer.logits : scores(i));
      if (performance.now() - since < TURN) continue;
      await pause();
      since = performance.now();
    }
    return { ...answer, without, stopped: signal.aborted };
  },

  /**
   * `{ url, text, answer }`: how probable the model holds the answer behind the text, from its first token to the mark of
   * the end, and each of its tokens after those before it. What does not fit the context is cut; where not even the text
   * fits, there is no `p`.
   */
  probability: (loaded, message) => {
    const { model, tokenizer } = loaded;
    const prompt = promptOf(loaded, message);
    if (prompt.length > model.context) return { length: prompt.length };
    const tokens = [...prompt, ...tokenizer.encode(message.answer), tokenizer.end].slice(0, model.context + 1);
    const { logits } = model.forward(tokens.slice(0, -1)); // (T, V): what stands at t + 1 is predicted at t
    const each = tokens.slice(prompt.length).map((token, i) => {
      const row = logits.subarray((prompt.length + i - 1) * model.outputs, (prompt.length + i) * model.outputs);
      return 1 / row.reduce((sum, logit) => sum + Math.exp(logit - row[token]), 0);
    });
    const texts = tokens.slice(prompt.length).map((token) => tokenizer.decode([token]));
    return { p: each.reduce((product, p) => product * p, 1), each, texts, length: prompt.length };
  },

  /**
   * `{ url, texts, steps, rows, peak, seed, fresh, as }`: train on texts, from the weights of the address, or from chance
   * where `fresh` gives `{ width, heads, layers, context }`. Updates: `{ step, loss }`. `as` names the result, which can
   * then be asked like an address, from the first step on.
   */
  train: async ({ model, tokenizer, meta }, message, tell, signal) => {
    const { texts, steps, rows = 8, peak, fresh, as } = message;
    const { Trainer, newModel, pretrain } = await import("./train.js");
    const random = randomOf(message);
    const arrays = Object.fromEntries(Object.entries(model.arrays).map(([name, array]) => [name, array.slice()]));
    const learner = fresh
      ? newModel({ ...fresh, vocabulary: tokenizer.size }, random)
      : new GPT({ meta, arrays, shapes: model.shapes });
    if (as) models.set(as, Promise.resolve({ model: learner, tokenizer, meta }));
    const tokens = texts.flatMap((text) => [tokenizer.end, ...tokenizer.encode(text)]);
    const losses = [];
    for await (const { step, loss } of pretrain(new Trainer(learner, rows), tokens, { steps, peak, random, signal })) {
      losses.push(loss);
      tell({ step, loss });
    }
    return { losses, stopped: signal.aborted };
  },
};

onmessage = async ({ data: message }) => {
  const { id, type, url } = message;
  if (type === "stop") {
    tasks.get(id)?.abort();
    return;
  }
  const task = new AbortController();
  tasks.set(id, task);
  const tell = (update) => postMessage({ id, update });
  try {
    const known = Object.keys(ANSWERS);
    if (!known.includes(type)) throw new Error(`Nothing answers to ${type}: ask for ${known.join(", ")}.`);
    const loaded = await load(url, tell);
    postMessage({ id, answer: await ANSWERS[type](loaded, message, tell, task.signal) });
  } catch (error) {
    postMessage({ id, error: error.message });
  } finally {
    tasks.delete(id);
  }
};
