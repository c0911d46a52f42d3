"""Mentions of chapters and first uses of terms become links, in pages and in notebooks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from book.pipeline.myst import MystError
from book.pipeline.plain import Writer
from book.pipeline.references import CHAPTERS as MENTIONS
from book.pipeline.references import References

from .conftest import ROOT

EXTENSIONS = ROOT / "book" / "_ext"
GLOSSARY = (
    "# Glossary\n\n```{glossary}\nentropy\n  Of a variable.\n\nbit\n  One.\n\ngate\n  A part.\n\n"
)
GLOSSARY += "mutual information\n  Of two.\n```\n"
CONFIG = f"""
import sys
sys.path.insert(0, {str(EXTENSIONS)!r})
extensions = ["myst_parser", "sphinxcontrib.bibtex", "mmfuse_links"]
myst_enable_extensions = ["dollarmath"]
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
master_doc = "book/index"
mmfuse_terms = "terms.yml"
"""
BIB = "@book{boyd, author={Boyd, S.}, title={T}, publisher={P}, year={2004}}\n"
DECLARED = {
    "forms": {"entropy": ["entropies"], "bit": {"only": ["bits"]}},
    "where": {"gate": ["notebooks/02"]},
    "never": ["interaction information"],
}
TWO, THREE = "../notebooks/02_two.html", "../notebooks/03_three.html"
CHAPTERS = {
    "See chapter 2.": [("chapter 2", TWO)],
    "Chapters 2 and 3 say": [("Chapters 2", TWO), ("3", THREE)],
    "chapters 1 to 3, and chapter 2's end": [("3", THREE), ("chapter 2", TWO)],
    "| a | b |\n|:--|:--|\n| x | chapter 3 |": [("chapter 3", THREE)],
    "* an item of chapter\n  2": [("chapter 2", TWO)],
    "### Chapter 2 again": [],
    "[chapter 2](02_two.md) and `chapter 2` and chapter 1": [("chapter 2", TWO)],
    "```\nchapter 2\n```": [],
    "{cite:t}`boyd`, chapter 2, has it": [],
    "in chapter 2 of {cite:t}`boyd`": [],
    "{cite:t}`boyd` has it; chapter 2 says": [("chapter 2", TWO)],
}
ENTROPY, BIT, MUTUAL = (
    f"glossary.html#term-{name}" for name in ("entropy", "bit", "mutual-information")
)
TERMS = {
    "The entropy is an entropy.": [("entropy", ENTROPY)],
    "## Entropy\n\n*Entropies* and entropy": [("Entropies", ENTROPY)],
    "A bit of it, in bits": [("bits", BIT)],
    "{term}`entropy` and entropy": [("entropy", ENTROPY)],
    "`entropy` cross-entropy $entropy$": [],
    "mutual\ninformation, not interaction information": [("mutual information", MUTUAL)],
    "a gate": [],
}


def write_book(source: Path, chapter: str) -> None:
    """Write a small book: three chapters, a page for each case of terms."""
    pages = {
        "notebooks/01_one": f"# Part 1\n\n{chapter}",
        "notebooks/02_two": "# Part 2\n\nA gate.",
        "notebooks/03_three": "# Part 3",
        "book/glossary": GLOSSARY,
        "book/bibliography": "# Works\n\n```{bibliography}\n```\n",
    }
    pages |= {f"book/term{n}": f"# Page {n}\n\n{text}" for n, text in enumerate(TERMS)}
    toc = "\n".join(f"/{name}" for name in pages)
    pages["book/index"] = f"# Book\n\n```{{toctree}}\n{toc}\n```\n"
    for name, text in pages.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / f"{name}.md").write_text(f"{text}\n", "utf8")
    (source / "conf.py").write_text(CONFIG, "utf8")
    (source / "references.bib").write_text(BIB, "utf8")
    (source / "terms.yml").write_text(yaml.safe_dump(DECLARED), "utf8")


def build(source: Path) -> str:
    """Build the small book and return what was complained of."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", ".", "html"]
    return subprocess.run(command, cwd=source, capture_output=True, text=True, check=False).stderr


def main_of(path: Path) -> Tag:
    page = BeautifulSoup(path.read_text("utf8"), "html.parser")
    found = page.select_one("[role=main]")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("book")
    cases = (f"## Case {n}\n\n{text}\n" for n, text in enumerate(CHAPTERS))
    write_book(source, "\n".join(cases) + "\n{cite}`boyd`")
    assert build(source) == ""
    return source / "html"


def links(part: Tag) -> list[tuple[str, str]]:
    found = [(" ".join(a.get_text().split()), str(a["href"])) for a in part.select("a.internal")]
    return [(text, address) for text, address in found if "bibliography" not in address]


@pytest.mark.parametrize("text", CHAPTERS)
def test_mentions_of_chapters(book: Path, text: str) -> None:
    section = main_of(book / "notebooks" / "01_one.html").select_one(
        f"#case-{list(CHAPTERS).index(text)}"
    )
    assert section is not None
    expected = [(words, address.removeprefix("../notebooks/")) for words, address in CHAPTERS[text]]
    assert links(section) == expected
    if expected and "[" not in text:
        assert section.select('a[title="Chapter 2: Part 2"], a[title="Chapter 3: Part 3"]')


def test_chapter_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    write_book(tmp_path, "See chapter 17. {cite}`boyd`")
    assert "there is no chapter 17" in build(tmp_path)


@pytest.mark.parametrize("text", TERMS)
def test_first_uses_of_terms(book: Path, text: str) -> None:
    page = main_of(book / "book" / f"term{list(TERMS).index(text)}.html")
    assert links(page) == TERMS[text]


def test_everyday_words_are_terms_only_where_that_is_declared(book: Path) -> None:
    page = main_of(book / "notebooks" / "02_two.html")
    assert links(page) == [("gate", "../book/glossary.html#term-gate")]


def test_term_that_is_declared_but_not_in_the_glossary_is_an_error(tmp_path: Path) -> None:
    write_book(tmp_path, "Text. {cite}`boyd`")
    declared = DECLARED | {"forms": {"entropie": []}}
    (tmp_path / "terms.yml").write_text(yaml.safe_dump(declared), "utf8")
    assert "no such terms in the glossary: ['entropie']" in build(tmp_path)


SITE = "https://toy.example"
BOYD = f"[Boyd (2004)]({SITE}/book/bibliography.html)"
PLAIN = {
    "See chapter 2.": f"See [chapter 2]({SITE}/notebooks/02_two.html).",
    "Chapters 2 and 3 and chapter 1": f"[Chapters 2]({SITE}/notebooks/02_two.html) and "
    f"[3]({SITE}/notebooks/03_three.html) and chapter 1",
    "# Chapter 2": "# Chapter 2",
    "`chapter 2` $chapter 2$": "`chapter 2` $chapter 2$",
    "[chapter 2](02_two)": f"[chapter 2]({SITE}/notebooks/02_two.html)",
    "{cite:t}`boyd`, chapter 2, has it": f"{BOYD}, chapter 2, has it",
    "chapter 2 of {cite:t}`boyd`": f"chapter 2 of {BOYD}",
    "```\nchapter 2\n```": "```\nchapter 2\n```",
    "```{note} Chapter 3\nmore\n```": "> **Note**\n>\n"
    f"> [Chapter 3]({SITE}/notebooks/03_three.html)\n> more",
    "```{admonition} Chapter 3\nmore\n```": "> **Chapter 3**\n>\n> more",
}


@pytest.fixture
def writer() -> Writer:
    titles = {"notebooks/01_one": "One", "notebooks/02_two": "Two", "notebooks/03_three": "Three"}
    known = References(SITE, titles=titles, works={"boyd": ("Boyd", "2004")})
    return Writer("notebooks/01_one", known, "https://files.example")


@pytest.mark.parametrize("text", PLAIN)
def test_mentions_in_notebooks(writer: Writer, text: str) -> None:
    assert writer.cell(text) == PLAIN[text]


def test_chapter_that_does_not_exist_stops_the_notebook(writer: Writer) -> None:
    with pytest.raises(MystError, match="there is no chapter 17"):
        writer.cell("chapter 17")


def test_pages_and_notebooks_find_the_same_mentions() -> None:
    """The extension runs where this package is not at hand, so it has the pattern a second time."""
    assert f'r"{MENTIONS}"' in (EXTENSIONS / "mmfuse_links.py").read_text("utf8")
