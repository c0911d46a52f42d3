"""Sphinx extension: mentions become links, so that sources stay plain.

"chapter 4", "Chapters 2 and 5" and "chapters 7 to 9" lead to these chapters, but for one on its own
page and for those of another book, which stand beside a citation. The first use of a glossary term
on a page leads to the glossary; `book/terms.yml` says which words count as one. Headings, links,
code and formulas stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

TERMS = Path(__file__).parents[1] / "terms.yml"
GLOSSARY = "book/glossary"
NO_TERMS = (GLOSSARY, "book/bibliography")
CHAPTER = re.compile(r"notebooks/(\d\d)_\w+")
NUMBER = re.compile(r"\d+")
MENTION = re.compile(
    r"\b[Cc]hapters?\s+\d+(?!\.\d)(?:(?:,\s*(?:and\s+|or\s+)?|\s+(?:and|or|to)\s+)\d+(?!\.\d))*"
)
#: Between a citation and the chapter of that work: "Boyd (2004), chapter 5", "chapter 5 of Boyd".
OF_A_WORK = (re.compile(r"[\s,(]*$"), re.compile(r"\s+(?:of|in)\s*$"))
APART: tuple[type[nodes.Node], ...] = (
    nodes.title, nodes.rubric, nodes.reference, nodes.literal, nodes.FixedTextElement,
    nodes.math, nodes.math_block, nodes.raw, nodes.image, nodes.term, nodes.label,
    addnodes.pending_xref, addnodes.toctree, addnodes.desc_signature,
)  # fmt: skip
logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_config_value("mmfuse_terms", str(TERMS), "env", str)
    # After citations and terms have become links.
    app.connect("doctree-resolved", link_chapters, priority=900)
    app.connect("doctree-resolved", link_terms, priority=901)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def link_chapters(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Make a link of each mention of a chapter."""
    _join_lines(tree)
    chapters = _chapters(app)
    for text in _prose(tree):
        parts: list[nodes.Node] = []
        at = 0
        for start, end, number in _mentions(text):
            target = chapters.get(number)
            if target is None:
                logger.warning("there is no chapter %d: %s", number, text, location=text.parent)
            elif target != page:
                title = f"Chapter {number}: {app.env.titles[target].astext()}"
                link = _link(app, page, target, text[start:end], title=title)
                parts += [nodes.Text(text[at:start]), link]
                at = end
        _replace(text, parts, at)


def link_terms(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Make a link of the first use of each term, unless the source has one before."""
    if page in NO_TERMS or not page.startswith(("notebooks/", "book/")):
        return
    titles = {app.env.titles[chapter].astext() for chapter in _chapters(app).values()}
    anchors, declared = _anchors(app), _declared(app.config.mmfuse_terms)
    pattern, terms = _words(tuple(anchors), app.config.mmfuse_terms)
    seen: set[str] = set()
    for node in list(tree.findall()):
        if isinstance(node, nodes.reference):
            seen |= {t for t, a in anchors.items() if node.get("refuri", "").endswith(f"#{a}")}
        elif isinstance(node, nodes.Text) and _is_prose(node) and node.astext() not in titles:
            parts: list[nodes.Node] = []
            at = 0
            for found in pattern.finditer(node):
                term = terms.get(" ".join(found[0].lower().split()))
                if term is None or term in seen or not _meant(declared, term, page):
                    continue
                seen.add(term)
                link = _link(app, page, GLOSSARY, found[0], anchor=anchors[term])
                parts += [nodes.Text(node[at : found.start()]), link]
                at = found.end()
            _replace(node, parts, at)


def _join_lines(tree: nodes.document) -> None:
    """Make one text of those that follow each other: the lines of a paragraph come apart."""
    for element in tree.findall(nodes.TextElement):
        joined: list[nodes.Node] = []
        for child in element.children:
            if joined and isinstance(child, nodes.Text) and isinstance(joined[-1], nodes.Text):
                joined[-1] = nodes.Text(f"{joined[-1]}{child}")
            else:
                joined.append(child)
        if len(joined) < len(element.children):
            element.children = []
            element.extend(joined)


def _chapters(app: Sphinx) -> dict[int, str]:
    found = (CHAPTER.fullmatch(page) for page in app.env.found_docs)
    return {int(match[1]): match[0] for match in found if match}


def _anchors(app: Sphinx) -> dict[str, str]:
    """Return the anchor of each term of the glossary, by its lower-case name."""
    known = app.env.get_domain("std").data["objects"]
    return {
        name.lower(): anchor
        for (kind, name), (page, anchor) in known.items()
        if kind == "term" and page == GLOSSARY
    }


@cache
def _declared(path: str) -> dict[str, Any]:
    """Return what `terms.yml` declares; without the file every term is found as it stands."""
    file = Path(path)
    declared: dict[str, Any] = {"forms": {}, "where": {}, "never": []}
    return declared | (yaml.safe_load(file.read_text("utf8")) if file.exists() else {})


def _meant(declared: dict[str, Any], term: str, page: str) -> bool:
    """Say whether the word has the glossary's sense on this page."""
    where = declared["where"].get(term)
    return where is None or any(page.startswith(start) for start in where)


def forms(declared: dict[str, Any], term: str) -> list[str]:
    """Return the words that count as a term, in lower case."""
    given = declared["forms"].get(term, [])
    if isinstance(given, dict):
        return list(given["only"])
    return [term, *given, f"{term}s"]


@cache
def _words(names: tuple[str, ...], path: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return a pattern for all forms, the longest first, and the term of each."""
    declared = _declared(path)
    if lost := {*declared["forms"], *declared["where"]} - {*names}:
        logger.warning("terms.yml: no such terms in the glossary: %s", sorted(lost))
    terms = {form: name for name in names for form in forms(declared, name)}
    words = sorted([*terms, *declared["never"]], key=lambda word: (-len(word), word))
    spaced = (re.escape(word).replace(r"\ ", r"\s+") for word in words)
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(spaced)})(?![\w-])", re.IGNORECASE)
    return pattern, terms


def _prose(tree: nodes.document) -> list[nodes.Text]:
    """List the texts that may hold links."""
    return [text for text in tree.findall(nodes.Text) if _is_prose(text)]


def _is_prose(text: nodes.Text) -> bool:
    parent = text.parent
    while parent is not None:
        if isinstance(parent, APART):
            return False
        parent = parent.parent
    return True


def _mentions(text: nodes.Text) -> Iterator[tuple[int, int, int]]:
    """Yield place and number of each chapter that a text mentions: the first with its word."""
    for mention in MENTION.finditer(text):
        before, after = text[: mention.start()], text[mention.end() :]
        if OF_A_WORK[0].fullmatch(before) and _is_citation(text, -1):
            continue
        if OF_A_WORK[1].fullmatch(after) and _is_citation(text, 1):
            continue
        start = mention.start()
        for number in NUMBER.finditer(text, mention.start(), mention.end()):
            yield start, number.end(), int(number[0])
            following = NUMBER.search(text, number.end(), mention.end())
            start = following.start() if following else number.end()


def _is_citation(text: nodes.Text, step: int) -> bool:
    """Say whether the neighbour of a text leads to the bibliography."""
    siblings = text.parent.children
    at = next(n for n, node in enumerate(siblings) if node is text) + step
    if not 0 <= at < len(siblings):
        return False
    links = siblings[at].findall(nodes.reference)
    return any("bibliography" in link.get("refuri", "") for link in links)


def _link(
    app: Sphinx, page: str, target: str, text: str, *, title: str = "", anchor: str = ""
) -> nodes.reference:
    address = app.builder.get_relative_uri(page, target) + (f"#{anchor}" if anchor else "")
    link = nodes.reference("", "", internal=True, refuri=address)
    if title:
        link["reftitle"] = title
    classes = ["xref", "std", "std-term"] if anchor else ["std", "std-doc"]
    link += nodes.inline("", text, classes=classes)
    return link


def _replace(text: nodes.Text, parts: list[nodes.Node], at: int) -> None:
    """Put parts, and what is left of a text from `at`, in its place."""
    if parts:
        rest = [nodes.Text(text[at:])] if text[at:] else []
        text.parent.replace(text, [part for part in [*parts, *rest] if part.astext()])
