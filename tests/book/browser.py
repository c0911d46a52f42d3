"""Open pages in a headless Chromium and say what is wrong with them."""

from __future__ import annotations

import functools
import gzip
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTLED = """async () => {
  for (const image of document.images) image.loading = 'eager';
  await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
  await document.fonts.ready;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
# A page hears of new colours when it is drawn next.
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# All that a reader can unfold, unfolded.
UNFOLD = """() => {
  for (const details of document.querySelectorAll('details')) details.open = true;
  for (const box of document.querySelectorAll('.toggle-hidden'))
    box.classList.remove('toggle-hidden');
}"""
# What a reader cannot see and cannot scroll to. KaTeX hides parts of a formula by design.
CLIPPED = r"""() => {
  const found = [];
  const width = document.documentElement.clientWidth;
  const inside = '.katex-mathml, .katex-mathml *, .katex-html, .katex-html *, svg *, input';
  const name = (node) =>
    `${node.tagName}.${node.className} ${node.textContent.trim().slice(0, 60)}`;
  const hides = (overflow) => overflow === 'hidden' || overflow === 'clip';
  const scrolls = (node) => node && node !== document.documentElement &&
    (['auto', 'scroll'].includes(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
  for (const node of document.querySelectorAll('article *')) {
    if (!node.getClientRects().length) continue;
    const box = node.getBoundingClientRect();
    const out = box.right > width + 1 || box.left < -1;
    if (node.matches('.katex-html .base')) {
      if (out && !scrolls(node)) found.push(`formula beyond the screen: ${node.textContent}`);
    } else if (!node.matches(inside)) {
      const style = getComputedStyle(node);
      if (hides(style.overflowX) && node.clientWidth && node.scrollWidth > node.clientWidth + 1)
        found.push(`clipped at the side: ${name(node)}`);
      if (hides(style.overflowY) && node.clientHeight && node.scrollHeight > node.clientHeight + 1)
        found.push(`clipped below: ${name(node)}`);
      if (out && !scrolls(node.parentElement)) found.push(`beyond the screen: ${name(node)}`);
    }
  }
  for (const box of document.querySelectorAll('article :is(.admonition, .proof, figure, .cell)'))
    if (['absolute', 'fixed'].includes(getComputedStyle(box).position))
      found.push(`lies over the text: ${name(box)}`);
  return [...new Set(found)];
}"""
# First paint, and when the last style or font of the formulas is there, for which they wait.
ARRIVED = """async () => {
  await new Promise((done) => new PerformanceObserver((paints) => {
    if (paints.getEntriesByName('first-contentful-paint').length) done();
  }).observe({ type: 'paint', buffered: true }));
  await document.fonts.ready;
  const painted = performance.getEntriesByName('first-contentful-paint')[0].startTime;
  const parts = performance.getEntriesByType('resource').filter((part) => /katex/i.test(part.name));
  return [painted, Math.max(painted, ...parts.map((part) => part.responseEnd))];
}"""
AXE = Path(__file__).parent / "axe" / "axe.min.js"
GRAVE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  const grave = violations.filter((rule) => ['serious', 'critical'].includes(rule.impact));
  return grave.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')}`));
}"""
FINDINGS = r"""() => {
  const found = [];
  const quote = (text) => JSON.stringify(text.trim().slice(0, 80));
  const raw = /\\\(|\\\[|\$\$|\\begin\{/;
  const apart = 'script, style, pre, code, textarea, .katex, noscript';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (raw.test(node.data) && !node.parentElement.closest(apart))
      found.push(`unrendered mathematics: ${quote(node.data)}`);
  for (const node of document.querySelectorAll('.katex-error'))
    found.push(`mathematics with an error: ${quote(node.textContent)}`);
  for (const node of document.querySelectorAll('.math'))
    if (!node.querySelector('.katex'))
      found.push(`unrendered mathematics: ${quote(node.textContent)}`);
  for (const image of document.images) {
    const name = image.getAttribute('src');
    if (image.naturalWidth === 0) found.push(`missing image: ${name}`);
    const alt = image.getAttribute('alt') ?? '';
    if (!alt.trim() || /\.(png|svg|jpe?g|gif)$/i.test(alt))
      found.push(`image without alternative text: ${name}`);
  }
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width + 1) {
    const scrolls = (node) => node && node !== document.documentElement &&
      (getComputedStyle(node).overflowX !== 'visible' || scrolls(node.parentElement));
    const wide = [...document.body.querySelectorAll('*')].filter(
      (node) => node.getBoundingClientRect().right > width + 1 && !scrolls(node.parentElement));
    const names = wide.slice(0, 3).map((node) => `${node.tagName}.${node.className}`);
    found.push(`wider than the screen (${document.documentElement.scrollWidth} px): ${names}`);
  }
  const wanted = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  const theme = document.documentElement.dataset.theme;
  if (theme && theme !== wanted) found.push(`the theme is ${theme}`);
  return found;
}"""


@dataclass(frozen=True)
class View:
    """A way to look at a page."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]


VIEWS = (
    View("desktop", 1280, 900, "light"),
    View("phone", 390, 844, "light"),
    View("dark", 1280, 900, "dark"),
)


def find_chromium() -> str | None:
    """Return the path of an installed Chromium."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serve(folder: Path, *, compress: bool = False) -> Iterator[str]:
    """Serve a folder over HTTP and give its address; compress texts, as hosts of pages do."""
    handler = functools.partial(_Compressing if compress else _Quiet, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def problems(page: Page, url: str, views: Sequence[View]) -> list[str]:
    """Open a page, look at it in each view and list what is wrong; nothing is: an empty list."""
    home = urlparse(url).netloc
    found: list[str] = []

    def on_request(address: str) -> None:
        parts = urlparse(address)
        if parts.scheme not in ("data", "blob") and parts.netloc != home:
            found.append(f"request to another host: {address}")

    page.on("request", lambda request: on_request(request.url))

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            found.append(f"console error: {message.text} {where}")

    page.on("requestfailed", lambda request: found.append(f"failed request: {request.url}"))
    page.on("pageerror", lambda error: found.append(f"script error: {error}"))
    page.on("console", on_console)
    look(page, views[0])
    page.goto(url, wait_until="load")
    page.evaluate(SETTLED)
    for view in views:
        look(page, view)
        found += [f"{view.name}: {finding}" for finding in page.evaluate(FINDINGS)]
    return list(dict.fromkeys(found))


def look(page: Page, view: View) -> None:
    """Give a page the size and the colours of a view."""
    page.set_viewport_size({"width": view.width, "height": view.height})
    page.emulate_media(color_scheme=view.scheme)
    page.evaluate(DRAWN)


def pages(html: Path) -> list[str]:
    """Name all pages of a built book; the first one only forwards and is left out."""
    found = (path.relative_to(html).as_posix() for path in sorted(html.rglob("*.html")))
    return [name for name in found if not name.startswith("_static/") and name != "index.html"]


def screenshots(html: Path, target: Path) -> None:
    """Picture every page in every view."""
    target.mkdir(parents=True, exist_ok=True)
    with serve(html) as address, chromium() as browser:
        for name in pages(html):
            page = browser.new_page()
            page.goto(f"{address}/{name}", wait_until="load")
            page.evaluate(SETTLED)
            file = name.removesuffix(".html").replace("/", "-")
            for view in VIEWS:
                look(page, view)
                page.wait_for_timeout(500)  # the sidebar slides out of the way
                page.screenshot(path=target / f"{file}--{view.name}.png", full_page=True)
            page.close()


class _Server(ThreadingHTTPServer):
    """A server that does not mind a browser that has left."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing."""


class _Quiet(SimpleHTTPRequestHandler):
    """A server that does not print a line a request, and has no icon to offer."""

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer the request for an icon that every browser makes of a page without one."""
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()


class _Compressing(_Quiet):
    """A server that sends texts in gzip and keeps its connections, as hosts of pages do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a whole file."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            super().do_GET()
            return
        kind = self.guess_type(str(path))
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if kind.startswith("text/") or kind.endswith(("javascript", "json", "xml")):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True)
class Visit:
    """How a page comes over a slow line.

    Parameters
    ----------
    painted, formulas : float
        When something is seen, and when all formulas are, in seconds.
    size, figures : int
        Bytes on the wire, without figures and of figures.
    hosts : frozenset of str
        Who was asked.
    """

    painted: float
    formulas: float
    size: int
    figures: int
    hosts: frozenset[str]


def visit(browser: Browser, url: str, *, bits: float = 1.6e6, latency: float = 150) -> Visit:
    """Open a page on a phone for the first time, over a slow line.

    Parameters
    ----------
    browser : Browser
        A browser.
    url : str
        Address of the page.
    bits : float
        What the line carries, in bits per second.
    latency : float
        Time to the first byte, in milliseconds.
    """
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": latency,
            "downloadThroughput": bits / 8,
            "uploadThroughput": bits / 16,
        },
    )
    addresses: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def answered(event: dict[str, Any]) -> None:
        addresses[event["requestId"]] = event["response"]["url"]

    def loaded(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = event["encodedDataLength"]

    network.on("Network.responseReceived", answered)
    network.on("Network.loadingFinished", loaded)
    page.goto(url, wait_until="networkidle")  # the last bytes are counted
    painted, formulas = page.evaluate(ARRIVED)
    context.close()
    sent = {key: address for key, address in addresses.items() if address.startswith("http")}
    figures = sum(sizes.get(key, 0) for key, address in sent.items() if "/_images/" in address)
    hosts = frozenset(urlparse(address).netloc for address in sent.values())
    total = sum(sizes.get(key, 0) for key in sent)
    return Visit(painted / 1000, formulas / 1000, total - figures, figures, hosts)


if __name__ == "__main__":
    screenshots(Path(sys.argv[1]), Path(sys.argv[2]))
