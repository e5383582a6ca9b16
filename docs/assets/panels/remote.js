/*
 * Models that are fetched when a reader first asks them something.
 */
import { button, make } from "./elements.js";
import { ask } from "./engine.js";

const KB = 1000;
const PATIENCE = 300;

/**
 * A model's weights, and a line of the panel that says how far they have come, or why they did not.
 *
 * @param {URL} url
 * @param {number} size  in bytes
 * @param {() => void} again  what to do when the reader wants another try
 * @returns {{ line: HTMLElement, ask: (type: string, message?: Record<string, any>, options?: { update?:
 *   (update: any) => void, signal?: AbortSignal }) => Promise<any> }}  `ask` as in `engine.js`, without the address. It
 *   rejects where the weights do not come; the line has told the reader already.
 */
export const remote = (url, size, again) => {
  const line = make("p", { class: "panel-loading", role: "status" });
  const bar = make("progress", { max: size, value: 0, "aria-label": "The model's weights" });
  const words = make("span", { "aria-hidden": "true" });
  let coming;

  const tell = ({ loaded }) => {
    bar.value = loaded;
    words.textContent = ` ${Math.round(loaded / KB)} of ${Math.round(size / KB)} kB`;
  };
  const fetchIt = async () => {
    // What comes at once needs no word.
    const late = setTimeout(() => line.replaceChildren("Fetching the model ", bar, words), PATIENCE);
    try {
      const loaded = await ask("load", { url: url.href }, { update: tell });
      line.replaceChildren();
      return loaded;
    } catch (error) {
      coming = undefined;
      line.replaceChildren(`${error.message} `, button("Try again", again));
      throw error;
    } finally {
      clearTimeout(late);
    }
  };
  return {
    line,
    ask: async (type, message = {}, options = {}) => {
      coming ??= fetchIt();
      const loaded = await coming;
      return type === "load" ? loaded : ask(type, { ...message, url: url.href }, options);
    },
  };
};
