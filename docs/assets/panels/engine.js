/*
 * The page's end of the worker: questions as promises. One worker serves all panels of a page, and starts with the
 * first question.
 */

let worker;
let last = 0;
/** @type {Map<number, { resolve: Function, reject: Function, update?: (update: any) => void }>} */
const open = new Map();

const start = () => {
  const started = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  started.onmessage = ({ data: { id, update, answer, error } }) => {
    const { resolve, reject, update: tell } = open.get(id) ?? {};
    if (update) tell?.(update);
    if (update || !resolve) return;
    open.delete(id);
    if (error === undefined) resolve(answer);
    else reject(new Error(error));
  };
  // An error that no answer tells of: the script could not be fetched, or this browser has no module workers.
  started.onerror = (event) => {
    event.preventDefault();
    worker = undefined;
    started.terminate();
    for (const { reject } of open.values()) reject(new Error("The engine could not be started. Are you offline?"));
    open.clear();
  };
  return started;
};

/**
 * Ask the worker; `worker.js` lists what it answers.
 * @param {string} type
 * @param {Record<string, any>} [message]  `url` is taken relative to the page
 * @param {{ update?: (update: any) => void, signal?: AbortSignal }} [options]  the signal stops what is being written
 *   or trained: the answer is then what there is of it
 * @returns {Promise<any>}
 */
export const ask = (type, message = {}, { update, signal } = {}) =>
  new Promise((resolve, reject) => {
    const id = ++last;
    worker ??= start();
    open.set(id, { resolve, reject, update });
    // The names that `train` gives its results (`as`) are no addresses, but made into some in the same way.
    const absolute = (name) => (name === undefined ? undefined : new URL(name, document.baseURI).href);
    worker.postMessage({ ...message, id, type, url: absolute(message.url), as: absolute(message.as) });
    const stop = () => worker?.postMessage({ type: "stop", id });
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
