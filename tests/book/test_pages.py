"""Every page of the built book, in a browser: desktop, phone, dark, and straight from the disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from . import browser as browsing
from .conftest import HTML

pytestmark = pytest.mark.browser
PAGES = browsing.pages(HTML) or ["(no pages)"]
# Browsers refuse to load fonts with a `crossorigin` attribute from the disk: only icons have one.
ICON_FONT = re.compile(r"/fa-[a-z0-9-]+\.(woff2|ttf)")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    opened = chromium.new_page()
    yield opened
    opened.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_problem(page: Page, site: str, name: str) -> None:
    assert browsing.problems(page, f"{site}/{name}", browsing.VIEWS) == []


@pytest.mark.parametrize("name", PAGES)
def test_page_works_from_the_disk(page: Page, html: Path, name: str) -> None:
    found = browsing.problems(page, (html / name).as_uri(), browsing.VIEWS[:1])
    assert [problem for problem in found if not ICON_FONT.search(problem)] == []


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_first_page_forwards_and_search_finds(
    page: Page, html: Path, site: str, scheme: str
) -> None:
    base = site if scheme == "http" else html.as_uri()
    page.goto(f"{base}/index.html")
    page.wait_for_url("**/book/intro.html")
    page.goto(f"{base}/search.html?q=entropy")
    page.wait_for_selector("#search-results li a", timeout=20_000)


def test_mathematics_is_on_some_page(html: Path) -> None:
    """Guard of the test above: with no mathematics at all it would say nothing."""
    assert any('class="math' in (html / name).read_text("utf8") for name in PAGES)
