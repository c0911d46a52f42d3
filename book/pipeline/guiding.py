"""Guiding: what helps a reader of a finished page to find the way.

A link to the glossary carries its definition with it, so that a script can show it without another
request. Sections that can be skipped on a first reading say so at their heading and in the table of
contents. The line that says how hard an exercise is stands back behind the exercise.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

PARSER = "html.parser"
GLOSSARY = "book/glossary.html"
TERM = re.compile(r"glossary\.html#(term-[\w-]+)$")
HEADINGS = ["h2", "h3", "h4", "h5", "h6"]
DEEPER = "Deeper: "
LEVEL = re.compile(r"Level \d of \d · ")
MARK = "deeper"


def guide(soup: BeautifulSoup, root: Path) -> None:
    """Add definitions and marks to a page, in place.

    Parameters
    ----------
    soup : BeautifulSoup
        The page.
    root : Path
        The folder of all pages, as Sphinx wrote them.
    """
    _carry_definitions(soup, root)
    for section in soup.select("article section"):
        _mark_deeper(soup, section)
    for line in soup.select("article .exercise p > em"):
        if line.parent is not None and LEVEL.match(line.get_text()):
            line.parent["class"] = "level"


def _carry_definitions(soup: BeautifulSoup, root: Path) -> None:
    used: dict[str, Tag] = {}
    for link in soup.select('article a[href*="glossary.html#term-"]'):
        found = TERM.search(str(link["href"]))
        definition = _definitions(root / GLOSSARY).get(found[1]) if found else None
        if found and definition is not None:
            _add_class(link, "term")
            used[found[1]] = definition
    if used and soup.body is not None:
        carried = soup.new_tag("template", attrs={"id": "definitions"})
        for name in sorted(used):
            carried.append(BeautifulSoup(str(used[name]), PARSER))
        soup.body.append(carried)


@cache
def _definitions(glossary: Path) -> dict[str, Tag]:
    """Return the definition of each term, without links, by the anchor of the term."""
    soup = BeautifulSoup(glossary.read_text("utf8"), PARSER)
    found: dict[str, Tag] = {}
    for term in soup.select('dt[id^="term-"]'):
        said = term.find_next_sibling("dd")
        if said is None:
            continue
        for link in term.select("a.headerlink"):
            link.decompose()
        for link in said.select("a"):
            link.unwrap()
        box = soup.new_tag("div", attrs={"data-term": str(term["id"])})
        name = soup.new_tag("b")
        name.string = term.get_text(strip=True)
        box.append(name)
        box.extend([BeautifulSoup(str(child), PARSER) for child in said.find_all(recursive=False)])
        found[str(term["id"])] = box
    return found


def _mark_deeper(soup: BeautifulSoup, section: Tag) -> None:
    """Mark a section, its heading and its line in the table of contents, if it can be skipped."""
    heading = section.find(HEADINGS, recursive=False)
    note = heading.find_next_sibling() if heading is not None else None
    if heading is None or note is None or note.name != "p":
        return
    opening = next((node for node in note.children if str(node).strip()), None)
    if not isinstance(opening, Tag) or not opening.get_text().startswith(DEEPER):
        return
    _add_class(section, MARK)
    note["class"] = "deeper-note"
    places = [heading, *soup.select(f'nav.page-toc a[href="#{section["id"]}"]')]
    for place in places:
        mark = soup.new_tag("span", attrs={"class": "deeper-mark"})
        mark.string = MARK
        link = place.find("a", class_="headerlink")
        if link is None:
            place.extend([NavigableString(" "), mark])
        else:
            link.insert_before(NavigableString(" "), mark)


def _add_class(tag: Tag, name: str) -> None:
    tag["class"] = " ".join([*(str(old) for old in tag.get_attribute_list("class") if old), name])
