"""What guides a reader: definitions, deeper sections, levels of exercises, the search."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from book.pipeline import guiding

from . import browser as browsing
from .conftest import ROOT

STATIC = ROOT / "book" / "_static"
GLOSSARY = """<dl><dt id="term-bit">bit<a class="headerlink" href="#term-bit">#</a></dt>
<dd><p>One <a href="#term-x">answer</a>.</p></dd></dl>"""
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf8"><title>t</title>
<meta name="viewport" content="width=device-width"></head><body>
<nav class="page-toc"><a href="#two">Two</a></nav><article class="bd-article"><h1>T</h1>
<p>In <a href="book/glossary.html#term-bit">bits</a>.</p>
<section id="two"><h2>Two<a class="headerlink" href="#two">#</a></h2>
<p><em>Deeper: who wants it.</em></p><p>Hidden.</p><h3 id="in">In it</h3></section>
<section id="three"><h2>Three</h2>
<p>See <a id="go" href="#in">it</a>. <em>Deeper: no.</em></p></section>
<div class="exercise"><p><em>Level 2 of 3 · 15 minutes · by hand</em></p></div>
</article></body></html>"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write a finished page with the book's scripts, and a glossary."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "glossary.html").write_text(GLOSSARY, "utf8")
    soup = BeautifulSoup(PAGE, "html.parser")
    guiding.guide(soup, tmp_path)
    for name in ("boxes.js", "terms.js"):
        shutil.copy(STATIC / name, tmp_path)
        assert soup.body is not None
        soup.body.append(soup.new_tag("script", attrs={"src": name}))
    (tmp_path / "page.html").write_text(str(soup), "utf8")
    return tmp_path


def test_page_carries_definitions_and_marks(root: Path) -> None:
    page = BeautifulSoup((root / "page.html").read_text("utf8"), "html.parser")
    carried = page.find(id="definitions")
    assert carried is not None
    assert str(carried.div) == '<div data-term="term-bit"><b>bit</b><p>One answer.</p></div>'
    assert [str(s["id"]) for s in page.select("section.deeper")] == ["two"]
    assert len(page.select("h2 .deeper-mark")) == len(page.select("nav .deeper-mark")) == 1
    assert page.select_one("p.level") is not None


@pytest.fixture
def phone(chromium: Browser, root: Path) -> Iterator[Page]:
    with browsing.serve(root) as address:
        context = chromium.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True, base_url=address
        )
        yield context.new_page()
        context.close()


@pytest.fixture
def desktop(chromium: Browser, root: Path) -> Iterator[Page]:
    with browsing.serve(root) as address:
        page = chromium.new_page(base_url=address)
        yield page
        page.close()


@pytest.mark.browser
def test_definition_shows_on_hover_and_focus_and_closes(desktop: Page) -> None:
    desktop.goto("/page.html")
    tip = desktop.locator("[role=tooltip]")
    desktop.hover("a.term")
    tip.wait_for()
    assert tip.inner_text().split() == ["bit", "One", "answer."]
    assert desktop.get_attribute("a.term", "aria-describedby") == tip.get_attribute("id")
    desktop.keyboard.press("Escape")
    assert tip.count() == 0
    desktop.mouse.move(0, 0)
    desktop.focus("a.term")
    tip.wait_for()
    desktop.evaluate("document.activeElement.blur()")
    assert tip.count() == 0


@pytest.mark.browser
def test_first_tap_shows_the_definition_and_a_link_goes_on(phone: Page) -> None:
    phone.goto("/page.html")
    phone.tap("a.term")
    card = phone.locator("[role=dialog]")
    card.wait_for()
    assert phone.url.endswith("/page.html")
    phone.tap("[role=dialog] a")
    phone.wait_for_url("**/book/glossary.html#term-bit")


@pytest.mark.browser
def test_deeper_section_is_folded_on_a_phone_and_a_link_unfolds_it(phone: Page) -> None:
    phone.goto("/page.html")
    details = phone.locator("#two > details")
    assert details.get_attribute("open") is None
    assert phone.locator("#three details").count() == 0
    phone.click("#go")
    assert details.get_attribute("open") is not None
    phone.goto("/page.html?again#two")
    assert phone.locator("#two > details").get_attribute("open") is not None


@pytest.mark.browser
def test_deeper_section_is_open_on_a_desktop(desktop: Page) -> None:
    desktop.goto("/page.html")
    assert desktop.locator("details").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("words", ["entropy", "synergy", "decompose"])
def test_search_ranks_chapters_first_and_shows_no_tex(
    chromium: Browser, site: str, words: str
) -> None:
    page = chromium.new_page()
    page.goto(f"{site}/search.html?q={words}")
    page.wait_for_selector("#search-results li p.context", timeout=20_000)
    page.wait_for_timeout(2_000)
    links = page.locator("#search-results li > a").evaluate_all("all => all.map((a) => a.href)")
    ranks = [
        0 if "/notebooks/" in a or "/glossary" in a else 2 if "/api/" in a else 1 for a in links
    ]
    assert ranks == sorted(ranks)
    assert ranks[0] == 0
    shown = " ".join(page.locator("#search-results p.context").all_inner_texts())
    assert "\\" not in shown
    page.close()
