"""What is put right in the built pages, and the figures' version for the dark."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from bs4 import BeautifulSoup, Tag

from book.pipeline import figures, finishing
from book.pipeline.tree import BookError

SITE = "https://toy.example/book"
THEME = """<!DOCTYPE html>
<html data-theme="auto"><head><title>2. Bits &#8212; A book</title>
<meta name="viewport" content="a"/><meta name="viewport" content="b"/>
<script data-cfasync="false">old</script>
<script src="_static/documentation_options.js"></script><script src="_static/doctools.js"></script>
</head><body><main><article><section id="bits"><h1>Bits</h1>
<p>Short.</p>
<p>A bit is an answer to a question with two answers: <span class="katex"><math><semantics><mi>H
</mi><annotation>H(\\hat{X})</annotation></semantics></math></span> says how many.<a
class="headerlink" href="#bits">#</a></p>
<p><a class="dead" href="#nowhere">gone</a> <a href="#bits">here</a></p>
<button title="Open"><i class="fas fa-file"></i></button>
<details><summary aria-label="Toggle">Show code</summary></details>
<div class="cell_input"><pre>{code}</pre></div>
<div class="cell_output"><img alt="A line." src="_images/line.svg"/>
<table><tr><td>1</td></tr></table></div>
</section></article></main></body></html>
"""


def draw(path: Path) -> None:
    figure, ax = plt.subplots(figsize=(6, 3))
    ax.barh([0, 1, 2], [1, 2, 1], color=["#56B4E9", "#404040", "#0072B2"])
    ax.text(0.3, 0, "dark on blue", size=20)
    ax.text(0.3, 1, "white on ink", color="white", size=20)
    ax.text(0.3, 2, "white on blue", color="white", size=20)
    ax.text(1.5, 2.6, "on paper", size=8)
    ax.plot([1.5, 2], [-0.3, 0.3], color="#5B3E96")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    root = tmp_path / "html"
    (root / "_images").mkdir(parents=True)
    draw(root / "_images" / "line.svg")
    code = "\n".join(f"line {n}" for n in range(20))
    (root / "page.html").write_text(THEME.replace("{code}", code), "utf8")
    return root


def test_page_is_finished(pages: Path) -> None:
    finishing.finish(pages, SITE)
    page = BeautifulSoup((pages / "page.html").read_text("utf8"), "html.parser")
    about = page.find("meta", attrs={"name": "description"})
    assert about is not None
    expected = "A bit is an answer to a question with two answers: H(hatX) says how many."
    assert about["content"] == expected
    card = {str(m["property"]): m["content"] for m in page.select("meta[property]")}
    assert card["og:title"] == "2. Bits"
    assert card["og:url"] == f"{SITE}/page.html"
    assert len(page.select("meta[name=viewport]")) == 1
    waits = {str(s["src"]): s.has_attr("defer") for s in page.select("script[src]")}
    assert waits == {"_static/documentation_options.js": False, "_static/doctools.js": True}
    assert "matchMedia" in page.select("script")[0].get_text()
    assert not page.select(".dead")
    assert "gone" in page.get_text()
    assert page.select('a[href="#bits"]')
    assert page.select_one("button")["aria-label"] == "Open"  # type: ignore[index]
    assert not page.select("summary[aria-label]")
    assert page.select_one(".cell_input")["data-lines"] == "20"  # type: ignore[index]
    assert page.select(".scrolls > table")
    assert f"<loc>{SITE}/page.html</loc>" in (pages / "sitemap.xml").read_text("utf8")


def test_figure_has_a_size_and_a_twin(pages: Path) -> None:
    finishing.finish(pages, SITE)
    page = BeautifulSoup((pages / "page.html").read_text("utf8"), "html.parser")
    light, dark = page.select(".scrolls.drawing > img")
    assert [light["class"], dark["class"]] == [["only-light"], ["only-dark"]]
    assert dark["src"] == "_images/line-dark.svg"
    assert light["alt"] == dark["alt"] == "A line."
    assert light["loading"] == "lazy"
    width, height = figures.size((pages / "_images" / "line.svg").read_text("utf8"))
    assert int(str(light["width"])) == pytest.approx(width * 1.15, abs=1)
    assert int(str(light["height"])) == pytest.approx(height * 1.15, abs=1)
    # 8 points are 11 pixels where the figure is 11 / 8 as wide, or as wide as it ever is.
    assert light["style"] == f"min-width: {round(width * 1.15)}px"
    assert finishing.broken_links(pages) == []


def test_dark_figure_keeps_data_and_changes_ink(pages: Path) -> None:
    svg = (pages / "_images" / "line.svg").read_text("utf8")
    dark = figures.dark(svg)
    assert figures.smallest_text(svg) == pytest.approx(8)
    for colour in ("#56b4e9", "#0072b2"):
        assert dark.count(f"fill: {colour}") == svg.count(f"fill: {colour}") == 1
    assert "#404040" not in dark
    assert figures.PALE_VIOLET in dark
    assert f'fill="{figures.INK}"' in dark[: dark.index(">")]
    texts = BeautifulSoup(dark, "html.parser").select("g[id^=text_] > g")
    styles = [re.findall("fill: (#[0-9a-f]+)", str(text.get("style"))) for text in texts[-4:]]
    # On light blue black stays; on ink white turns dark; on blue white stays; on paper it is ink.
    assert styles == [["#000000"], [figures.PAPER], ["#ffffff"], []]
    assert 'id="patch_1"' in svg
    assert 'id="patch_1"' not in dark
    assert 'id="patch_1"' not in figures.light(svg)
    assert svg.count("fill: #ffffff") == figures.light(svg).count("fill: #ffffff") + 2


def output(pages: Path, printed: str) -> Tag:
    """Return the finished box of what a cell printed."""
    page = pages / "page.html"
    box = f'<div class="cell_output"><pre id="out"><span></span>{printed}</pre></div>'
    page.write_text(page.read_text("utf8").replace("</section>", f"{box}</section>"), "utf8")
    finishing.finish(pages, SITE)
    found = BeautifulSoup(page.read_text("utf8"), "html.parser").select_one("#out")
    assert found is not None
    return found


def test_claims_break_their_lines(pages: Path) -> None:
    box = output(pages, "✓ Two and two are four.\n✗ One is none. (Holds …)\n")
    assert box["class"] == ["claims"]
    assert [line.text for line in box("span")] == [
        "✓ Two and two are four.",
        "✗ One is none. (Holds …)",
    ]


@pytest.mark.parametrize("printed", ["✓ Two.\n  x  y\n1 2  3", ""])
def test_other_output_keeps_its_lines(pages: Path, printed: str) -> None:
    box = output(pages, printed)
    assert "class" not in box.attrs
    assert box.text == printed


@pytest.mark.parametrize("link", ["other.html", "page.html#gone", "#gone2", "notes.ipynb"])
def test_link_that_leads_nowhere_is_an_error(pages: Path, link: str) -> None:
    text = (pages / "page.html").read_text("utf8")
    other = text.replace("<p>Short.</p>", f'<p><a href="{link}">x</a></p>')
    (pages / "index2.html").write_text(f"<a href='https://x.example/y'></a>{other}", "utf8")
    if link == "#gone2":  # in a page of the theme its link goes, its text stays
        finishing.finish(pages, SITE)
        return
    with pytest.raises(BookError, match=re.escape(f"index2.html: {link}")):
        finishing.finish(pages, SITE)


def test_listing_leads_to_the_reference(tmp_path: Path) -> None:
    listing = tmp_path / "_modules" / "lib" / "deep.html"
    listing.parent.mkdir(parents=True)
    (tmp_path / "api.html").write_text('<b id="lib.deep.f"></b>', "utf8")
    block = (
        '<div class="viewcode-block" id="f"><a class="viewcode-back" href="../../api.html#lib.f">'
    )
    listing.write_text(f"<html><head></head><body><main>{block}docs</a></div></main>", "utf8")
    finishing.finish(tmp_path, SITE)
    assert 'href="../../api.html#lib.deep.f"' in listing.read_text("utf8")
