"""The page check can fail: a small bad page for each kind of failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from . import browser as browsing

pytestmark = pytest.mark.browser
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
BAD = {
    "console error": "<script>console.error('broken')</script>",
    "script error": "<script>undefinedFunction()</script>",
    "request to another host": "<img alt='far' src='http://127.0.0.2:9/far.png'>",
    "console error: Failed to load": "<script src='gone.js'></script>",
    "unrendered mathematics": "<p>\\(x^2\\)</p>",
    'unrendered mathematics: "$$': "<p>$$x^2$$</p>",
    'unrendered mathematics: "y': "<span class='math'>y</span>",
    "mathematics with an error": "<span class='katex-error'>no such macro</span>",
    "missing image": "<img alt='gone' src='gone.png'>",
    "image without alternative text": f"<img src='{PIXEL}'>",
    "image without alternative text: data": f"<img alt='../_images/a.png' src='{PIXEL}'>",
    "wider than the screen": "<div style='width: 600px'>wide</div>",
}


def check(chromium: Browser, folder: Path, body: str) -> list[str]:
    text = f"<!doctype html><html><body>{body}</body></html>"
    (folder / "page.html").write_text(text, "utf8")
    page = chromium.new_page()
    with browsing.serve(folder) as address:
        found = browsing.problems(page, f"{address}/page.html", [browsing.VIEWS[1]])
    page.close()
    return found


@pytest.mark.parametrize("problem", BAD)
def test_bad_page_is_found(chromium: Browser, tmp_path: Path, problem: str) -> None:
    found = check(chromium, tmp_path, BAD[problem])
    assert any(line.removeprefix("phone: ").startswith(problem) for line in found), found


def test_good_page_passes(chromium: Browser, tmp_path: Path) -> None:
    scrolling = "<div style='overflow-x: auto'><div style='width: 600px'>wide</div></div>"
    body = f"<p>fine</p><code>\\(x\\)</code><img alt='a dot' src='{PIXEL}'>{scrolling}"
    assert check(chromium, tmp_path, body) == []
