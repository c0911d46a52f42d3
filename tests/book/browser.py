"""Open pages in a headless Chromium and say what is wrong with them."""

from __future__ import annotations

import functools
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
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
}"""
# A page hears of new colours when it is drawn next.
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
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
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP and give its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
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


if __name__ == "__main__":
    screenshots(Path(sys.argv[1]), Path(sys.argv[2]))
