"""All built pages: chapters are linked where they are mentioned, and the glossary is in order."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from book.pipeline import guiding

from . import browser as browsing
from .conftest import HTML

PAGES = browsing.pages(HTML) or ["(no pages)"]
OWN = [name for name in PAGES if name.startswith(("notebooks/", "book/"))] or ["(no pages)"]
CHAPTER = re.compile(r"notebooks/0*(\d+)_")
MENTION = re.compile(r"\b[Cc]hapters?\s+(\d+)(?!\.?\d)")
#: Where a mention stays as it is: headings, code, what code printed, another work's chapter.
APART = "h1, h2, h3, h4, h5, h6, .admonition-title, pre, code, .katex, svg, script, .cell_output"
OTHER_WORK = re.compile(
    r"\0[\])]*[,\s(]*chapters? \d+(?: to \d+)?|chapters? \d+ (?:of|in) [^\0]{0,60}\0"
)


@cache
def article(path: Path) -> Tag:
    found = BeautifulSoup(path.read_text("utf8"), "html.parser").select_one("article")
    assert found is not None
    return found


def unlinked(page: Tag, own: str | None) -> list[str]:
    """List mentions of a chapter that are no link, but for the page's own chapter."""
    copy = BeautifulSoup(str(page), "html.parser")
    for part in copy.select(APART):
        part.decompose()
    for link in copy.select("a"):
        link.replace_with("\0" if "bibliography" in str(link.get("href")) else "\1")
    text = OTHER_WORK.sub("", copy.get_text())
    return [m[0] for m in MENTION.finditer(text) if m[1] != own]


@pytest.mark.parametrize("name", OWN)
def test_every_mention_of_a_chapter_is_a_link(html: Path, name: str) -> None:
    own = CHAPTER.match(name)
    assert unlinked(article(html / name), own[1] if own else None) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>see chapter 2</p>", ["chapter 2"]),
        ("<p>see <a href='x'>chapter 2</a>, chapter 1</p><h2>chapter 3</h2>", []),
        ("<p><a href='bibliography.html#b'>B</a>, chapter 5, says</p>", []),
        ("<p>chapter 5 of <a href='bibliography.html#b'>B</a>; chapter 6</p>", ["chapter 6"]),
    ],
)
def test_mention_without_a_link_is_found(text: str, found: list[str]) -> None:
    assert unlinked(BeautifulSoup(text, "html.parser"), "1") == found


def test_glossary_is_sorted_and_each_entry_is_used(html: Path) -> None:
    terms = article(html / "book" / "glossary.html").select('dt[id^="term-"]')
    names = [term.get_text(strip=True).rstrip("#").lower() for term in terms]
    assert names == sorted(names)
    links = {
        found[1]
        for name in OWN
        if name != guiding.GLOSSARY
        for link in article(html / name).select("a.term")
        if (found := guiding.TERM.search(str(link["href"])))
    }
    assert {str(term["id"]) for term in terms} - links == set()


@pytest.mark.parametrize("name", OWN)
def test_every_link_to_a_term_carries_its_definition(html: Path, name: str) -> None:
    page = BeautifulSoup((html / name).read_text("utf8"), "html.parser")
    used = {str(a["href"]).partition("#")[2] for a in page.select("a.term")}
    box = page.find(id="definitions")
    carried = box.find_all("div", recursive=False) if isinstance(box, Tag) else []
    assert used == {str(said["data-term"]) for said in carried}
    assert not any(said.find("a") for said in carried)


def test_no_symbol_is_explained_twice_and_chapters_come_in_order() -> None:
    text = (HTML.parents[1] / "book" / "notation.md").read_text("utf8")
    text, _, several = text.partition("\n## Letters with more than one meaning")
    for row in re.findall(r"^\| \$.*$", several, re.MULTILINE):
        assert re.search(r"chapters? \d", row), f"in which chapters? {row}"
    assert several.count("\n| $") > 5
    rows = re.findall(r"^\| (\$.+\$) \| .* \| chapter (\d+) \|$", text, re.MULTILINE)
    assert len(rows) == text.count("\n| $"), "a symbol without its chapter"
    symbols = [
        s for symbol, _ in rows for s in re.split(r",(?! *x_|.?\\dots)\s*", symbol.strip("$"))
    ]
    assert len(symbols) == len(set(symbols))
    chapters = [int(number) for _, number in rows]
    assert chapters == sorted(chapters)
