"""The welcome page: its picture, the map, the paths and the result are what they say."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
from bs4 import BeautifulSoup

from book.pipeline import chapters, welcome
from book.pipeline.tree import BookError, Tree
from mmfuse_lib.plots import PALETTE

from .conftest import CHAPTER, ROOT, write_chapter

INTRO = (ROOT / "book" / "intro.md").read_text("utf8")
NEEDED = {1: [], 2: [], 3: [1], 4: [1, 2], 5: [1, 3, 4], 6: [], 7: [], 8: []}


def test_picture_has_the_colours_of_the_book_and_says_what_it_shows() -> None:
    picture = (ROOT / "book" / "_static" / "welcome.svg").read_text("utf8")
    assert set(re.findall("#[0-9A-F]{6}", picture)) == {PALETTE[k] for k in ("R", "U1", "U2", "S")}
    assert "\n\n" not in picture, "a blank line ends HTML in Markdown"
    title = BeautifulSoup(picture, "html.parser").title
    assert title is not None
    assert all(word in title.get_text() for word in ("R.", "U1.", "U2.", "S."))


def test_result_in_sixty_seconds_is_what_the_code_prints() -> None:
    code, output = re.findall(r"```(?:python|text)\n(.*?)```", INTRO, re.DOTALL)[:2]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "intro.md", "exec"), {})  # noqa: S102
    assert printed.getvalue() == output


def test_map_links_every_chapter_and_names_what_it_needs() -> None:
    pages = [(f"{n:02}_x", f"Part <{n}>") for n in NEEDED]
    soup = BeautifulSoup(welcome.drawn_map(pages, NEEDED), "html.parser")
    boxes = {str(a["href"]): a["aria-label"] for a in soup.select("a")}
    assert boxes["../notebooks/07_x.html"] == "7 DI-MML. Chapter 7: Part <7>"
    needs = "5 measuring from data. Chapter 5: Part <5>; needs chapters 1, 3 and 4"
    assert boxes["../notebooks/05_x.html"] == needs
    # 5 needs 1 anyway, by way of 3 and of 4.
    assert len(soup.select("g path")) == len([(1, 3), (1, 4), (2, 4), (3, 5), (4, 5)])
    heights = {str(a["href"]): float(str(a.rect["y"])) for a in soup.select("a") if a.rect}
    for number, needed in NEEDED.items():
        for need in needed:
            assert (
                heights[pages[need - 1][0].join(("../notebooks/", ".html"))]
                < heights[f"../notebooks/{number:02}_x.html"]
            )
    assert max(list(heights.values()).count(height) for height in heights.values()) <= welcome.MOST


@pytest.mark.parametrize(
    ("said", "needed"),
    [
        ("algebra.", []),
        ("chapter 1, the chain rule", [1]),
        ("chapters 1 to 3", [1, 2, 3]),
        ("*First*; chapters 2 and 3 for the end", [1, 2, 3]),
    ],
)
def test_what_a_chapter_needs_is_read_from_its_line(
    tree: Tree, said: str, needed: list[int]
) -> None:
    for stem, title, line in [
        ("01_toy", "First", "none"),
        ("02_toy", "Second", "none"),
        ("03_toy", "Third", "none"),
        ("04_toy", "Last", said),
    ]:
        opening = f"# # {title}\n#\n# **Needs:** {line} **Takes:** a minute."
        write_chapter(tree, stem, CHAPTER.replace("# # A toy", opening))
    assert welcome.needs(list(chapters.read_chapters(tree)))[4] == needed


def test_chapter_cannot_need_a_later_one(tree: Tree) -> None:
    opening = "# # A toy\n#\n# **Needs:** chapter 2. **Takes:** a minute."
    write_chapter(tree, "01_toy", CHAPTER.replace("# # A toy", opening))
    with pytest.raises(BookError, match="01_toy needs chapter 2, which comes later"):
        welcome.needs(list(chapters.read_chapters(tree)))


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(45, "45 minutes"), (60, "1 hour"), (140, "2 hours 20 minutes"), (0, "0 minutes")],
)
def test_times_are_said_in_hours(minutes: int, said: str) -> None:
    assert welcome.in_hours(minutes) == said


def test_welcome_page_is_filled() -> None:
    found = welcome.fields(Tree(ROOT), INTRO)
    paths = welcome.PATH.findall(INTRO)
    assert len(paths) == 3
    assert {"picture", "map", *paths} == set(found)
    assert len(BeautifulSoup(found["map"], "html.parser").select("a")) == len(
        chapters.stems(Tree(ROOT))
    )
    with pytest.raises(BookError, match="there is no chapter 77"):
        welcome.fields(Tree(ROOT), "{{ map }} {{ minutes_01_77 }}")
