"""References: what labels, terms and citations in the book's text point to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pybtex.database import Entry, Person, parse_file

from . import chapters, myst
from .tree import Tree

HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)
# "chapter 4", "chapters 2, 3 and 5", "chapters 7 to 9"; "chapter 4.2" is one of another work.
NUMBER = r"\d+(?!\.\d)"
CHAPTERS = rf"\b[Cc]hapters?\s+{NUMBER}(?:(?:,\s*(?:and\s+|or\s+)?|\s+(?:and|or|to)\s+){NUMBER})*"
CHAPTER = re.compile(r"notebooks/(\d\d)_")
AUTOMODULE = re.compile(r"automodule::\s*([\w.]+)")
MOST_NAMES = 2  # more authors than this are "First et al."

# Things with a number, and the word that stands before it.
NUMBERED = {
    "exercise": "Exercise",
    "exercise-start": "Exercise",
    "figure": "Figure",
    "table": "Table",
    "prf:theorem": "Theorem",
    "prf:lemma": "Lemma",
    "prf:proposition": "Proposition",
    "prf:corollary": "Corollary",
    "prf:definition": "Definition",
    "prf:example": "Example",
    "prf:remark": "Remark",
    "prf:property": "Property",
    "prf:conjecture": "Conjecture",
    "prf:observation": "Observation",
    "prf:assumption": "Assumption",
    "prf:axiom": "Axiom",
    "prf:criterion": "Criterion",
    "prf:algorithm": "Algorithm",
}


@dataclass(frozen=True)
class Target:
    """Something that can be pointed at.

    Parameters
    ----------
    page : str
        The page it is on, such as ``notebooks/01_x``.
    anchor : str
        Its id on that page.
    text : str
        What a link to it says: "Theorem 4.2", the words of a heading, "(4.3)" for an equation.
    """

    page: str
    anchor: str
    text: str


@dataclass
class References:
    """All targets of the book.

    Parameters
    ----------
    site : str
        Address of the published book.
    titles : dict
        Title of each page.
    targets : dict
        What each label names.
    terms : dict
        Page and anchor of each glossary term, by lower-case name.
    modules : dict
        The page that documents each module.
    works : dict
        Author-year text of each entry of the bibliography: (authors, year).
    """

    site: str
    titles: dict[str, str] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    terms: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    works: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def chapters(self) -> dict[int, str]:
        """The page of each chapter, by its number."""
        found = (CHAPTER.match(page) for page in self.titles)
        return {int(match[1]): match.string for match in found if match}

    def url(self, page: str, anchor: str = "") -> str:
        """Return the address of a page of the published book."""
        return f"{self.site}/{page}.html" + (f"#{anchor}" if anchor else "")

    def anchors(self, page: str) -> set[str]:
        """Return what can be pointed at on a page."""
        return {target.anchor for target in self.targets.values() if target.page == page}


def collect(tree: Tree) -> References:
    """Read all chapters and pages and note what can be pointed at."""
    found = References(tree.project().site)
    for chapter in chapters.read_chapters(tree):
        page = f"notebooks/{chapter.stem}"
        found.titles[page] = chapter.title
        _note_page(found, page, _chapter_blocks(chapter))
    for path in sorted(tree.book.glob("**/*.md")):
        text = path.read_text("utf8")
        page = path.relative_to(tree.root).with_suffix("").as_posix()
        heading = HEADING.search(text)
        found.titles[page] = heading[1] if heading else page
        _note_page(found, page, myst.walk(text))
        found.modules |= dict.fromkeys(AUTOMODULE.findall(text), page)
    bibliography = tree.book / "references.bib"
    if bibliography.exists():
        found.works = read_works(bibliography)
    return found


def read_works(path: Path) -> dict[str, tuple[str, str]]:
    """Read a BibTeX file into author-year pairs."""
    entries = parse_file(str(path), bib_format="bibtex").entries
    return {
        key: (_authors(entry), entry.fields.get("year", "n.d.")) for key, entry in entries.items()
    }


def anchor(label: str) -> str:
    """Return the id that the pages give to a label."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def chapter_prefix(page: str) -> str:
    """Return what a page's numbers begin with: "4." in chapter 4, nothing outside chapters.

    The book numbers its chapters in the order of the contents, which is that of the files' names.
    """
    number = CHAPTER.match(page)
    return f"{int(number[1])}." if number else ""


def _authors(entry: Entry) -> str:
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [_surname(person) for person in people]
    if len(names) > MOST_NAMES:
        return f"{names[0]} et al."
    return " and ".join(names) or "anonymous"


def _surname(person: Person) -> str:
    parts = [*person.prelast_names, *person.last_names]
    return re.sub(r"[{}]", "", " ".join(parts))


def _chapter_blocks(chapter: chapters.Chapter) -> Iterator[myst.Block]:
    for cell in chapter.notebook.cells:
        if cell.cell_type == "markdown":
            yield from myst.walk(cell.source)
        elif figure := myst.drawn_figure(cell):
            yield figure


def _note_page(found: References, page: str, blocks: Iterable[myst.Block]) -> None:
    counts: dict[str, int] = {}
    waiting: list[str] = []
    for block in blocks:
        if isinstance(block, myst.Label):
            waiting.append(block.name)
            continue
        for label in waiting:
            title = HEADING.match(block.text.lstrip()) if isinstance(block, myst.Text) else None
            _note(found, label, page, title[1] if title else found.titles[page])
        if not isinstance(block, myst.Text) or block.text.strip():
            waiting = []
        if isinstance(block, myst.Math) and block.label:
            number = _count(counts, "equation", page)
            _note(found, block.label, page, f"({number})", "equation-")
        if isinstance(block, myst.Directive):
            _note_directive(found, page, block, counts)


def _note_directive(
    found: References, page: str, block: myst.Directive, counts: dict[str, int]
) -> None:
    label = block.name_given
    if block.name == "math" and label:
        _note(found, label, page, f"({_count(counts, 'equation', page)})", "equation-")
    elif kind := NUMBERED.get(block.name):
        text = f"{kind} {_count(counts, kind, page)}"
        _note(found, label or f"{page}:{text}", page, text)
    elif block.name == "glossary":
        for line in block.body.splitlines():
            if line.strip() and not line.startswith((" ", ":")):
                found.terms[line.strip().lower()] = page
    elif label:
        _note(found, label, page, block.argument or found.titles[page])


def _count(counts: dict[str, int], kind: str, page: str) -> str:
    counts[kind] = counts.get(kind, 0) + 1
    return f"{chapter_prefix(page)}{counts[kind]}"


def _note(found: References, label: str, page: str, text: str, prefix: str = "") -> None:
    found.targets[label] = Target(page, prefix + anchor(label), text)
