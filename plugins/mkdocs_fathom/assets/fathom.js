/*
 * Depth as a way of reading. The page is complete without this script: every depth is there, and its tabs work.
 *
 * It stands in the head and runs at once, so that no reader sees one depth for a moment and then another. When the page
 * is there, it turns each list of depths into a switch and each set of tabs into tabs with a keyboard, and keeps the
 * table of contents to what is shown. It asks nothing of the network, and stores only what the reader chose and reached.
 */
(() => {
  "use strict";

  // With storage denied, Material's script would end in an error before it has made the page ready.
  try {
    localStorage.getItem("");
  } catch (_error) {
    const kept = new Map();
    const getItem = (key) => kept.get(key) ?? null;
    const setItem = (key, value) => kept.set(key, String(value));
    const substitute = { getItem, setItem, removeItem: (key) => kept.delete(key), denied: true };
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { value: substitute });
  }

  const script = document.currentScript;
  const root = document.documentElement;
  const base = new URL(script.dataset.fathomBase || ".", location);
  const depths = (script.dataset.fathomDepths || "").split(" ").filter(Boolean);
  const start = script.dataset.fathomStart || depths[0];
  const findable = "onbeforematch" in root;
  const HEADINGS = "h1, h2, h3, h4, h5, h6";
  const SET = "[data-fathom-tabs]";

  /** What is kept between visits: one entry for each site, though several may share an origin. */
  const memory = (() => {
    const key = `fathom:${base.pathname}`;
    const all = () => {
      try {
        return JSON.parse(localStorage.getItem(key)) ?? {};
      } catch (_error) {
        return {}; // what somebody else wrote there
      }
    };
    const write = (change) => {
      try {
        localStorage.setItem(key, JSON.stringify({ ...all(), ...change }));
      } catch (_error) {
        // A full store: the page works, and forgets.
      }
    };
    return { read: (name) => all()[name], write, denied: Boolean(localStorage.denied) };
  })();

  let current = start;
  let status = null;
  let contents = [];

  const known = (depth) => (depths.includes(depth) ? depth : undefined);
  const parameter = (name) => new URLSearchParams(location.search).get(name)?.toLowerCase();
  const fragment = () => {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch (_error) {
      return "";
    }
  };
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
    element.append(...children);
    return element;
  };
  const panels = (set) => [...set.querySelectorAll(":scope > .tabbed-content > [data-fathom-depth]")];
  const tabs = (set) => [...set.querySelectorAll(":scope > .tabbed-labels > [data-fathom-depth]")];
  const panelOf = (element) => element?.closest(".tabbed-block[data-fathom-depth]");
  const concealed = (element) => element.closest(".tabbed-block[data-fathom-depth][hidden]");
  const sets = () => [...document.querySelectorAll(SET)];
  const named = (depth) => tabs(sets()[0] ?? document.body).find((tab) => tab.dataset.fathomDepth === depth)?.textContent;

  /** The depth that the address asks for; else that of the anchor; else what the reader chose; else the site's. */
  const wanted = () =>
    known(parameter("print")) ?? known(parameter("depth")) ?? known(fragment().split("--").slice(1).pop()) ??
    known(memory.read("depth")) ?? start;

  /** Run a change after which what the reader was looking at stands where it stood. */
  const inPlace = (change) => {
    const line = document.querySelector(".md-header")?.getBoundingClientRect().bottom ?? 0;
    const top = (element) => element.getBoundingClientRect().top;
    const article = document.querySelector("article") ?? document.body;
    const headings = [...article.querySelectorAll(HEADINGS)].filter((heading) => !concealed(heading));
    const first = headings.find((heading) => top(heading) >= line - 1 && top(heading) < innerHeight);
    const focus = first ? top(first) : line;
    const shared = [...article.children, ...article.querySelectorAll(`${SET}, .fathom-cell`)]
      .filter((element) => element.offsetParent && !panelOf(element))
      .map((element) => [element, top(element)])
      .sort(([, one], [, other]) => Math.abs(one - focus) - Math.abs(other - focus));
    // Otherwise the browser would keep a place of its own choice, and both would scroll.
    root.style.overflowAnchor = "none";
    change();
    const twin = first && (concealed(first) ? namesake(first) : first);
    const [kept, before] = twin ? [twin, focus] : shared[0] ?? [];
    if (kept) scrollBy({ top: top(kept) - before, behavior: "instant" });
    requestAnimationFrame(() => requestAnimationFrame(() => root.style.removeProperty("overflow-anchor")));
  };

  /** The heading of the same words in the panel that is now shown in a hidden heading's place. */
  const namesake = (heading) =>
    [...heading.closest(SET).querySelectorAll(HEADINGS)].find(
      (other) => other.textContent === heading.textContent && !concealed(other),
    );

  /** Show one depth of one set. */
  const choose = (set, depth) => {
    if (!panels(set).some((panel) => panel.dataset.fathomDepth === depth)) return;
    for (const panel of panels(set)) {
      const chosen = panel.dataset.fathomDepth === depth;
      if (chosen) panel.removeAttribute("hidden");
      else panel.setAttribute("hidden", findable ? "until-found" : "");
      panel.tabIndex = chosen ? 0 : -1; // one that waits to be found can still be focused
    }
    letScroll();
    for (const tab of tabs(set)) {
      const chosen = tab.dataset.fathomDepth === depth;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
  };

  /** Show one depth everywhere. */
  const show = (depth) => {
    current = depth;
    for (const set of sets()) choose(set, depth);
    for (const radio of document.querySelectorAll(".fathom-switch input")) radio.checked = radio.value === depth;
    markContents();
  };

  const say = (text) => {
    status.textContent = "";
    // A region that is filled in the same moment as it is emptied says nothing.
    setTimeout(() => { status.textContent = text; }, 50);
  };

  /** The reader has chosen: show it, keep it, and put it into the address, so that a copied link carries it. */
  const decide = (depth) => {
    inPlace(() => show(depth));
    memory.write({ depth });
    const address = new URL(location);
    address.searchParams.set("depth", depth);
    history.replaceState(history.state, "", address);
    say(`${named(depth) ?? depth} reading`);
  };

  /** The depth of an element: that of the panel in which it stands, or which it opens as a tab. */
  const depthOf = (element) => (panelOf(element) ?? element?.closest("[role=tab]"))?.dataset.fathomDepth;

  /** Open what an anchor names, where it stands; the rest of the page stays at its depth. */
  const reveal = (id) => {
    const target = document.getElementById(id);
    const depth = depthOf(target);
    if (!depth) return;
    for (let set = target.closest(SET); set; set = set.parentElement.closest(SET)) choose(set, depth);
    markContents();
    target.scrollIntoView({ behavior: "instant" });
  };

  // What a page gets when it is there.

  const buildSwitch = (place) => {
    const choices = [...place.children].map((choice) => {
      const depth = choice.dataset.fathomDepth;
      const radio = make("input", { type: "radio", name: "fathom-depth", value: depth });
      radio.checked = depth === current;
      radio.addEventListener("change", () => decide(depth));
      return make("label", { class: choice.className, "data-fathom-depth": depth }, radio, ...choice.childNodes);
    });
    const help = make("button", { type: "button", class: "fathom-help", title: "Keyboard shortcuts" }, "Keys");
    help.addEventListener("click", showHelp);
    const group = make("fieldset", { class: place.className, "data-search-exclude": "" });
    group.append(make("legend", {}, "Reading depth"), ...choices, help);
    place.replaceWith(group);
  };

  const buildTabs = (set, number) => {
    const bar = set.querySelector(":scope > .tabbed-labels");
    const shown = panels(set);
    const buttons = [...bar.children].map((label, position) => {
      const depth = label.dataset.fathomDepth;
      const panel = shown[position];
      const id = label.htmlFor;
      document.getElementById(id)?.remove();
      panel.id ||= `${id}_panel`;
      const button = make("button", { type: "button", role: "tab", id, "aria-controls": panel.id, "data-fathom-depth": depth });
      button.append(...label.childNodes);
      for (const [name, value] of [["role", "tabpanel"], ["aria-labelledby", id]]) panel.setAttribute(name, value);
      panel.addEventListener("beforematch", () => openInPlace(set, depth));
      button.addEventListener("click", () => inPlace(() => openInPlace(set, depth)));
      return button;
    });
    bar.replaceChildren(...buttons);
    bar.setAttribute("role", "tablist");
    bar.setAttribute("aria-label", set.closest(".fathom-outputs") ? "Output by depth" : `Depth of part ${number}`);
    bar.addEventListener("keydown", moveFocus);
    set.classList.add("fathom-live");
    // Code out of sight is neither styled nor laid out; its lines say how much room it takes meanwhile.
    for (const code of set.querySelectorAll(".highlight pre > code")) {
      code.style.setProperty("--fathom-lines", code.textContent.trimEnd().split("\n").length);
    }
    choose(set, current);
  };

  const openInPlace = (set, depth) => {
    choose(set, depth);
    markContents();
  };

  /** Arrows, Home and End, as the ARIA Authoring Practices have them; what gets the focus is shown. */
  const moveFocus = (event) => {
    const all = [...event.currentTarget.children];
    const at = all.indexOf(document.activeElement);
    const step = getComputedStyle(event.currentTarget).direction === "rtl" ? -1 : 1;
    const to = { ArrowRight: at + step, ArrowLeft: at - step, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = all[(to + all.length) % all.length];
    next.focus();
    next.click();
  };

  // The table of contents: what is shown at this depth, and what waits deeper.

  const readContents = () => {
    contents = [...document.querySelectorAll(".md-nav--secondary a.md-nav__link[href^='#']")]
      .map((link) => ({ link, target: document.getElementById(decodeURIComponent(link.hash.slice(1))) }))
      .filter(({ target }) => target);
    for (const list of document.querySelectorAll("[data-fathom-contents]")) list.dataset.fathomContents = "ready";
    // The theme makes a landmark of each part that has parts, and two depths may have parts of one name.
    for (const part of document.querySelectorAll(".md-nav--secondary nav")) {
      part.removeAttribute("aria-label");
      part.role = "none";
    }
  };

  const markContents = () => {
    const words = new Set(contents.filter(({ target }) => !concealed(target)).map(({ target }) => target.textContent));
    const highest = new Map();
    for (const { target } of contents) {
      const panel = concealed(target);
      if (panel && !(highest.get(panel) <= target.tagName)) highest.set(panel, target.tagName);
    }
    for (const { link, target } of contents) {
      const panel = concealed(target);
      const depth = panel?.dataset.fathomDepth;
      const deeper = depth && depths.indexOf(depth) > depths.indexOf(current);
      // Of what waits, the list names the parts, not the parts of parts.
      const announced = deeper && highest.get(panel) === target.tagName && !words.has(target.textContent);
      link.hidden = Boolean(depth) && !announced;
      link.querySelector(".fathom-waits")?.remove();
      if (deeper && !link.hidden) link.append(make("span", { class: "fathom-waits" }, named(depth)));
    }
    follow();
  };

  /** Mark the section being read, and keep it in sight in its column. */
  const follow = () => {
    const line = (document.querySelector(".md-header")?.offsetHeight ?? 0) + 32;
    const seen = contents.filter(({ link, target }) => !link.hidden && !concealed(target));
    const passed = seen.filter(({ target }) => target.getBoundingClientRect().top <= line);
    const atEnd = scrollY > 0 && scrollY + innerHeight >= root.scrollHeight - 2;
    const active = (atEnd ? seen : passed).at(-1)?.target;
    for (const { link, target } of contents) {
      const now = target === active && !link.hidden;
      if (now && !link.classList.contains("md-nav__link--active")) keepInSight(link);
      link.classList.toggle("md-nav__link--active", now);
      link.classList.toggle("md-nav__link--passed", passed.some((item) => item.link === link));
    }
    return active;
  };

  const keepInSight = (link) => {
    const column = link.closest(".md-sidebar__scrollwrap");
    if (!column?.offsetHeight) return;
    const [inner, outer] = [link.getBoundingClientRect(), column.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom) column.scrollTop += inner.top - outer.top - outer.height / 2;
  };

  // Panels: a module of the site takes over from the picture that the page was built with. Where that fails, the
  // picture stands.

  const near = new IntersectionObserver((entries) => {
    for (const { target: panel } of entries.filter((entry) => entry.isIntersecting)) {
      near.unobserve(panel);
      import(new URL(panel.dataset.module, base))
        .then(({ default: mount }) => mount(panel, new URL(panel.dataset.source, base)))
        .catch((error) => console.warn(`This panel stays a picture: ${error.message}`));
    }
  }, { rootMargin: "400px" });
  customElements.define("fathom-panel", class extends HTMLElement {
    connectedCallback() { near.observe(this); }

    disconnectedCallback() { near.unobserve(this); }
  });

  // How far the reader came.

  const keepProgress = (active) => {
    const article = document.querySelector("article");
    if (!article?.querySelector(".fathom-switch") && !article?.querySelector(".fathom-cell")) return;
    const path = location.pathname.slice(base.pathname.length);
    if (!path || scrollY < 200) return;
    const { bottom, height } = article.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (innerHeight + height - bottom) / height));
    const pages = memory.read("pages") ?? {};
    const far = Math.max(share, pages[path]?.far ?? 0);
    const title = document.querySelector("article h1")?.firstChild?.textContent ?? document.title;
    const section = active?.tagName === "H1" ? undefined : active;
    memory.write({
      pages: { ...pages, [path]: { far, id: section?.id, section: section?.firstChild?.textContent, title } },
      last: path,
    });
  };

  const showProgress = () => {
    const pages = memory.read("pages") ?? {};
    for (const link of document.querySelectorAll("a.fathom-card")) {
      const far = pages[new URL(link.href).pathname.slice(base.pathname.length)]?.far;
      const card = link.closest("li, p");
      if (!far || !card || card.querySelector(".fathom-progress")) continue;
      const words = far > 0.95 ? " · read" : ` · ${Math.round(far * 100)} % read`;
      (card.querySelector(".fathom-facts") ?? card).append(make("span", { class: "fathom-progress" }, words));
      card.style.setProperty("--fathom-far", far);
    }
    const last = pages[memory.read("last")];
    const place = document.querySelector("[data-fathom-continue]");
    if (!last || !place || last.far > 0.98) return;
    const address = new URL(memory.read("last"), base);
    address.hash = last.id ?? "";
    const words = last.section ? `${last.title}, ${last.section}` : last.title;
    place.replaceChildren("Continue where you were: ", make("a", { href: address }, words));
    place.hidden = false;
  };

  // Keys.

  const KEYS = [["d", "the next depth"], ["n", "next page"], ["p", "previous page"], ["s", "search"], ["?", "this list"]];

  const showHelp = () => {
    const rows = KEYS.map(([key, what]) => make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, what)));
    const dialog = make("dialog", { class: "fathom-keys", "aria-labelledby": "fathom-keys" });
    const close = make("button", { type: "button" }, "Close");
    const off = make("input", { type: "checkbox" });
    off.checked = memory.read("keys") !== false;
    off.addEventListener("change", () => memory.write({ keys: off.checked }));
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    dialog.append(
      make("h2", { id: "fathom-keys" }, "Keyboard shortcuts"), make("dl", {}, ...rows),
      make("label", {}, off, " d and ? work on every page"), close,
    );
    document.body.append(dialog);
    dialog.showModal();
  };

  const press = (event) => {
    const typing = event.target.closest?.("input:not([type=radio]), textarea, select, [contenteditable], dialog");
    if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "?") showHelp();
    if (event.key !== "d" || memory.read("keys") === false || !sets().length) return;
    decide(depths[(depths.indexOf(current) + 1) % depths.length]);
  };

  const follows = (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link) return;
    const address = new URL(link.href, location);
    if (memory.denied && address.origin === location.origin && address.pathname.startsWith(base.pathname)) {
      if (address.pathname !== location.pathname && !address.searchParams.has("depth")) {
        address.searchParams.set("depth", current);
        link.href = address;
      }
    }
    if (!link.closest(".fathom-teaser") || event.defaultPrevented) return;
    // The address stays as it is: a teaser is no place to come back to.
    event.preventDefault();
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (target.role !== "tab") return reveal(target.id);
    target.click();
    document.getElementById(target.getAttribute("aria-controls")).focus({ preventScroll: true });
  };

  /** What scrolls can be reached, and scrolled, with the keyboard. It can wait: to measure boxes takes time. */
  let measuring = 0;
  const letScroll = () => {
    clearTimeout(measuring);
    measuring = setTimeout(() => {
      const boxes = document.querySelectorAll(".fathom-outputs pre, .fathom-html, .md-typeset__scrollwrap, .highlight code, div.arithmatex");
      // Of what is hidden nothing is measured: the browser would have to lay it out for that.
      const wide = [...boxes].filter((box) => !box.closest("[hidden]") && box.offsetParent && box.scrollWidth > box.clientWidth);
      for (const box of wide) box.tabIndex = 0;
    }, 150);
  };

  /** Make a page ready: once for each that is loaded, and for each that Material puts into its place. */
  const prepare = () => {
    status ??= document.body.appendChild(make("div", { role: "status", class: "fathom-status" }));
    if (!status.isConnected) document.body.append(status);
    current = wanted();
    root.toggleAttribute("data-fathom-print", Boolean(known(parameter("print"))));
    document.querySelectorAll("div.fathom-switch").forEach(buildSwitch);
    document.querySelectorAll(`${SET}:not(.fathom-live)`).forEach((set, index) => buildTabs(set, index + 1));
    readContents();
    // An anchor of the author's own naming does not tell its depth before the page is there.
    const anchored = known(parameter("depth")) ? undefined : depthOf(document.getElementById(fragment()));
    show(anchored ?? current);
    reveal(fragment());
    showProgress();
    letScroll();
  };

  // The theme makes a landmark without a name of each copy button, one by one as blocks come into view.
  const unnamed = new MutationObserver((changes) => {
    for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) if (node.matches?.(".md-code__nav")) node.role = "none";
  });

  let waiting = 0;
  let later = 0;
  const scrolled = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      const active = follow();
      clearTimeout(later);
      later = setTimeout(() => { keepProgress(active); letScroll(); }, 500);
    });
  };

  // Before the first paint: the parser's radio buttons get the reader's depth as they come.
  current = wanted();
  root.classList.add("fathom-js");
  const early = new MutationObserver(() => {
    if (current !== start) {
      for (const input of document.querySelectorAll(`input[data-fathom-depth="${CSS.escape(current)}"]`)) input.checked = true;
    }
  });
  early.observe(root, { childList: true, subtree: true });

  addEventListener("DOMContentLoaded", () => {
    early.disconnect();
    unnamed.observe(root, { childList: true, subtree: true });
    prepare();
    // Material's subject emits after every page; the first one is ours already. The theme may come later (`late.js`).
    const unready = `${SET}:not(.fathom-live), div.fathom-switch, [data-fathom-continue][hidden]`;
    const followPages = () => window.document$?.subscribe(() => { if (document.querySelector(unready)) prepare(); });
    followPages();
    addEventListener("fathom-theme", () => { followPages(); letScroll(); });
    addEventListener("hashchange", () => reveal(fragment()));
    addEventListener("keydown", press);
    addEventListener("click", follows, true);
    addEventListener("scroll", scrolled, { passive: true });
    addEventListener("resize", () => { scrolled(); letScroll(); }, { passive: true });
  });
})();
