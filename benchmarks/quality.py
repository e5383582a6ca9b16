"""Visits each page of the built site as readers do, and prints what they would meet: barriers, errors, weight, waiting.

    make quality

Each page is opened in Chromium at both widths, in both palettes and at each depth, and axe looks at it. The speed of a
page is measured on its own, with the processor and the network slowed down as Lighthouse does for a phone. A figure
that misses its target is marked, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from axe_playwright_python.base import AXE_FILE_PATH  # type: ignore[import-untyped, unused-ignore]  # without types
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""Lighthouse's slow 4G: milliseconds, and bytes a second."""
OBSERVE = """
window.seen = { lcp: 0, cls: 0, tbt: 0 };
const watch = (type, take) =>
  new PerformanceObserver(list => list.getEntries().forEach(take)).observe({ type, buffered: true });
watch("largest-contentful-paint", each => { seen.lcp = each.startTime; });
watch("layout-shift", each => { if (!each.hadRecentInput) seen.cls += each.value; });
watch("longtask", each => { seen.tbt += Math.max(0, each.duration - 50); });
"""
SWITCH = """() => new Promise(done => {
  const other = [...document.querySelectorAll(".fathom-switch input")].find(each => !each.checked);
  const start = performance.now();
  other.click();
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""
TYPE = """field => new Promise(done => {
  const start = performance.now();
  const changed = new MutationObserver(() => {
    changed.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
  });
  changed.observe(field.closest(".panel"), { childList: true, subtree: true, characterData: true, attributes: true });
  field.value = field.value.endsWith(" red") ? field.value.slice(0, -4) : `${field.value} red`;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  setTimeout(() => done(NaN), 3000);
})"""
"""A word more or less, and how long until a panel shows what it makes of that."""


@dataclass(slots=True)
class Seen:
    """What was met on the way."""

    visits: int = 0
    barriers: Counter[str] = field(default_factory=Counter)
    """What axe found: rule, page and what it was about, with how often."""
    errors: Counter[str] = field(default_factory=Counter)
    """Messages of the console, and errors of pages."""
    foreign: Counter[str] = field(default_factory=Counter)
    """Requests that left for somebody else."""
    wide: Counter[str] = field(default_factory=Counter)
    """Pages that scroll sideways."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    class Compressed(SimpleHTTPRequestHandler):
        """Files, compressed as a host of sites sends them."""

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """Send a file."""
            path = Path(self.translate_path(self.path))
            path = path / "index.html" if path.is_dir() else path
            if not path.is_file():
                return self.send_error(404)
            body = gzip.compress(path.read_bytes(), 6)
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(str(path)))
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Cache-Control", "max-age=600")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Compressed, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def _look(context: BrowserContext, address: str, path: str, seen: Seen) -> None:
    """One visit."""
    page = context.new_page()
    page.on("console", lambda message: seen.errors.update([message.text] if message.type == "error" else []))
    page.on("pageerror", lambda error: seen.errors.update([error.message]))
    page.on("request", lambda request: seen.foreign.update([] if _ours(request.url, address) else [request.url]))
    page.goto(address + path)
    page.mouse.move(5, 300)  # the theme's script may wait for that
    for panel in page.locator("fathom-panel:visible").all():
        panel.scroll_into_view_if_needed()
        panel.locator(".panel, button").first.wait_for()
    page.wait_for_timeout(500)
    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)["violations"]
    for rule in found:
        seen.barriers[f"{rule['id']}  {path}  {rule['nodes'][0]['html'][:80]}"] += len(rule["nodes"])
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        seen.wide[path] += 1
    seen.visits += 1
    page.close()


def _ours(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:"))


def _visit(browser: Browser, address: str, pages: list[str], depths: list[str]) -> Seen:
    seen = Seen()
    for width in (360, 1280):
        for scheme in ("light", "dark"):
            with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
                for path in pages:
                    for depth in depths:
                        _look(context, address, f"{path}?depth={depth}", seen)
    return seen


def _time(browser: Browser, address: str, path: str) -> dict[str, float]:
    """The speed of one page for a phone; bytes include everything that the page asks for."""
    with browser.new_context(viewport={"width": 360, "height": 640}) as context:
        context.add_init_script(OBSERVE)
        page: Page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("Network.enable")
        tools.send("Network.emulateNetworkConditions", SLOW)
        tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        weight = [0.0]
        tools.on("Network.loadingFinished", lambda event: weight.append(event["encodedDataLength"]))
        page.goto(address + path, wait_until="networkidle")
        page.wait_for_timeout(500)
        seen: dict[str, Any] = page.evaluate("window.seen")
        page.mouse.move(5, 300)
        page.wait_for_timeout(3000)
        woken = page.evaluate("window.seen.tbt") - seen["tbt"]
        tools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        switched = 0.0
        if page.locator(".fathom-switch input").count():
            page.hover(".fathom-switch")
            page.wait_for_timeout(1000)
            switched = page.evaluate(SWITCH)
        return {**seen, "weight": sum(weight) / 1024, "switch": switched, "woken": woken}


def _type(browser: Browser, address: str, pages: list[str]) -> dict[str, float]:
    """How many milliseconds each panel takes from a word that is typed to a repaint; medians, weights being there."""
    took = {}
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        for path in pages:
            page = context.new_page()
            page.goto(f"{address}{path}?depth=deep")
            for panel in page.locator("fathom-panel:visible").all():
                panel.scroll_into_view_if_needed()
                panel.locator(".panel, button").first.wait_for()
                field = panel.locator(".panel textarea, .panel input[type=text]").last
                if field.count():
                    field.evaluate(TYPE)
                    page.wait_for_timeout(1000)
                    name = panel.locator(".panel").get_attribute("aria-label")
                    took[f"{path} {name}"] = median(field.evaluate(TYPE) for _ in range(7))
            page.close()
    return took


def main() -> None:
    """Look, and print."""
    parser = argparse.ArgumentParser(description="Visit the built site as readers do.")
    parser.add_argument("site", nargs="?", type=Path, default=Path("site"), help="the folder of the built site (site)")
    parser.add_argument("--only", default="", help="visit pages whose path has this in it")
    parser.add_argument("--runs", type=int, default=5, help="how often the speed of a page is measured (5)")
    arguments = parser.parse_args()
    if not (arguments.site / "index.html").is_file():
        sys.exit(f"{arguments.site} holds no site. Build it first: make site")
    paths = sorted(file.relative_to(arguments.site).parent.as_posix() for file in arguments.site.rglob("index.html"))
    pages = [f"{path}/".removeprefix("./") for path in paths if arguments.only in path]
    named = os.environ.get("FATHOM_CHROMIUM") or shutil.which("chromium")
    with _served(arguments.site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named, args=list(FLAGS))
        seen = _visit(browser, address, pages, ["shallow", "deep"])
        heaviest = max(pages, key=lambda path: (arguments.site / path / "index.html").stat().st_size)
        timed = [_time(browser, address, heaviest) for _ in range(arguments.runs)]
        typed = _type(browser, address, pages)
        browser.close()
    for panel, milliseconds in typed.items():
        print(f"typing to repaint {milliseconds:6.0f} ms  {panel}")
    scripts = (arguments.site / "assets/fathom").glob("*.js")
    own = sum(len(gzip.compress(script.read_bytes())) for script in scripts) / 1024
    sys.exit(not _report(seen, {name: median(run[name] for run in timed) for name in timed[0]}, own, heaviest))


def _report(seen: Seen, speed: dict[str, float], own: float, heaviest: str) -> bool:
    """Print the table and what was found; whether all targets are met."""
    print(f"{seen.visits} visits; speed: {heaviest}, as a phone meets it, medians\n")
    rows = [
        ("barriers that axe finds", seen.barriers.total(), 0, ""),
        ("errors in the console", seen.errors.total(), 0, ""),
        ("requests to third parties", seen.foreign.total(), 0, ""),
        ("pages that scroll sideways", seen.wide.total(), 0, ""),
        ("own JavaScript, gzip", own, 10, "KiB"),
        ("page weight", speed["weight"], 300, "KiB"),
        ("largest contentful paint", speed["lcp"] / 1000, 2.0, "s"),
        ("cumulative layout shift", speed["cls"], 0.02, ""),
        ("total blocking time", speed["tbt"], 100, "ms"),
        ("switch of depth to paint", speed["switch"], 50, "ms"),
    ]
    for name, value, target, unit in rows:
        missed = "  MISSED" if value > target else ""
        print(f"{name:28}{value:9.4g} {unit:4} target {target:g}{missed}")
    print(f"\nThe theme's script, at the first movement, blocks for {speed['woken']:.0f} ms more.")
    for found in (seen.barriers, seen.errors, seen.foreign, seen.wide):
        for what, count in found.most_common(12):
            print(f"  {count:4} x {what}")
    return all(value <= target for _, value, target, _ in rows)


if __name__ == "__main__":
    main()
