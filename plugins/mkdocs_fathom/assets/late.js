/*
 * Material's script, put off until the reader does something: half a second of work on a phone, and a page can be read
 * without it. Whoever does nothing for a while gets it, too, and so does an address that asks it for something.
 *
 * What would be seen missing before that is done here: the palette of whoever comes for the first time, and the button that
 * changes it.
 */
(() => {
  const source = new URL(document.currentScript.dataset.fathomTheme, location).href;
  const SIGNS = ["scroll", "wheel", "pointermove", "pointerdown", "touchstart", "keydown", "focusin", "beforeprint"];
  const PATIENCE = 10_000;
  const listening = { capture: true, passive: true };
  /** What readers did that the theme's script has to be told of when it is there: the first key, the last palette. */
  const missed = new Map();

  const miss = ({ type, target, key, code }) => {
    if (target.name === "__palette" && type === "change") missed.set("palette", () => target.dispatchEvent(new Event(type)));
    if (key?.length !== 1 || missed.has("key")) return;
    missed.set("key", () => target.dispatchEvent(new KeyboardEvent(type, { key, code, bubbles: true, cancelable: true })));
  };

  /** Tables in the boxes in which the theme will put them: nothing moves when it comes. */
  const wrap = () => {
    for (const table of document.querySelectorAll(".md-content table:not([class])")) {
      const [outer, inner] = ["scrollwrap", "table"].map((name) => {
        const box = document.createElement("div");
        box.className = `md-typeset__${name}`;
        return box;
      });
      table.replaceWith(outer);
      outer.append(inner);
      inner.append(table);
    }
  };
  const unwrap = () => {
    for (const inner of document.querySelectorAll(".md-typeset__table")) inner.parentElement.replaceWith(...inner.children);
  };

  const awake = () => {
    unwrap();
    // It waits for a document that has long been there, and passes it on in `document$`.
    document.dispatchEvent(new Event("DOMContentLoaded"));
    for (const kind of ["keydown", "change"]) removeEventListener(kind, miss, listening);
    dispatchEvent(new Event("fathom-theme"));
    for (const tell of missed.values()) tell();
  };

  let timer;
  const wake = () => {
    clearTimeout(timer);
    for (const sign of SIGNS) removeEventListener(sign, wake, listening);
    matchMedia("(prefers-color-scheme: light)").removeEventListener("change", wake);
    const script = document.createElement("script");
    script.src = source;
    script.onload = awake;
    const run = () => document.body.append(script);
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", run, { once: true });
    else run();
  };

  /** As the theme's script does it: the stored palette, or the first whose media query holds. */
  const paint = () => {
    const inputs = [...document.querySelectorAll("[data-md-component=palette] input")];
    let stored;
    try {
      stored = window.__md_get?.("__palette");
    } catch {
      // No storage: like someone who is new.
    }
    const holds = (input) => matchMedia(input.dataset.mdColorMedia).matches;
    const index = stored?.index ?? inputs.findIndex(holds);
    const chosen = inputs[Math.max(0, Math.min(index, inputs.length - 1))];
    if (!chosen) return;
    chosen.nextElementSibling?.removeAttribute("hidden");
    if (stored) return; // the theme has painted it with a line of its own
    const auto = chosen.dataset.mdColorMedia === "(prefers-color-scheme)";
    const shown = auto ? inputs.find((input) => input !== chosen && holds(input)) ?? chosen : chosen;
    for (const key of ["Media", "Scheme", "Primary", "Accent"]) {
      document.body.dataset[`mdColor${key}`] = shown.dataset[`mdColor${key}`] ?? "";
    }
  };

  // Before the first paint, as soon as there is something to paint with.
  const parsing = new MutationObserver(() => {
    if (!document.querySelector("main")) return;
    parsing.disconnect();
    paint();
  });
  parsing.observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("DOMContentLoaded", wrap, { once: true });
  for (const kind of ["keydown", "change"]) addEventListener(kind, miss, listening);
  for (const sign of SIGNS) addEventListener(sign, wake, listening);
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", wake);
  const asked = new URLSearchParams(location.search);
  if (asked.has("q") || asked.has("h")) wake();
  addEventListener("load", () => {
    // Fetched when nothing else is, so that it is at hand.
    const hint = Object.assign(document.createElement("link"), { rel: "prefetch", as: "script", href: source });
    document.head.append(hint);
    timer = setTimeout(wake, PATIENCE);
  });
})();
