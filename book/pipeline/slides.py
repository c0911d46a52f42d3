"""Decks: a chapter's outline, with what it pulls out of the executed chapter, as reveal.js.

Nothing is loaded from elsewhere. reveal.js lies in `book/_ext/reveal` as published, with its
licence, and is checked against the sums beside it. Formulas are the book's own.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from html import escape
from importlib import import_module
from pathlib import Path
from types import ModuleType

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from . import chapters, figures, myst, outlines, quizzes, references
from .chapters import Chapter
from .myst import Directive, Math
from .outlines import Pull, Slide
from .plain import Writer
from .tree import BookError, Tree, write_atomic

ROOT = Path(__file__).resolve().parents[1]
REVEAL, STYLE = ROOT / "_ext" / "reveal", ROOT / "_ext" / "deck.css"
THEOREMS = {name for name in references.NUMBERED if name.startswith("prf:")}
EXIT = re.compile(r"^## Exit question\n+(.*?)(?=^```|^## |\Z)", re.MULTILINE | re.DOTALL)
TAKEAWAYS = re.compile(r"^## Takeaways\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SETTINGS = (
    "hash: true, slideNumber: 'c/t', width: 1280, height: 720, margin: 0, center: false, "
    "transition: 'none', controls: false, pdfSeparateFragments: false, plugins: [RevealNotes]"
)


@dataclass(frozen=True)
class Source:
    """What a deck can pull out of its chapter.

    Parameters
    ----------
    chapter : Chapter
        As written.
    figures : dict of str to (str, str)
        By label: SVG or HTML, and alternative text.
    blocks : dict of str to (Directive or Math)
        Theorems, equations and quizzes by label.
    takeaways : str
        In Markdown.
    exit : str
        The exit question of the session, if there is one.
    """

    chapter: Chapter
    figures: dict[str, tuple[str, str]]
    blocks: dict[str, Directive | Math]
    takeaways: str
    exit: str


def write(tree: Tree, profile: str, only: str = "") -> list[Path]:
    """Write the decks of all chapters that have an outline, and return their paths."""
    folder = tree.build / "teach" / "slides"
    assets(folder)
    known = references.collect(tree)
    paths = []
    for chapter in chapters.read_chapters(tree):
        number = chapter.stem[:2]
        outline = tree.book / "teaching" / "slides" / f"{number}.md"
        if outline.exists() and only in ("", number):
            page = Deck(tree, outline, read_source(tree, profile, chapter), known, folder).html()
            write_atomic(folder / f"{number}.html", page)
            paths.append(folder / f"{number}.html")
    return paths


def assets(folder: Path) -> None:
    """Put reveal.js, the book's formula styles and the deck's style into a folder.

    Raises
    ------
    BookError
        If a file of reveal.js is not the one that was published.
    """
    target = folder / "assets"
    target.mkdir(parents=True, exist_ok=True)
    for line in (REVEAL / "SHA256SUMS").read_text("utf8").splitlines():
        digest, name = line.split()
        if hashlib.sha256((REVEAL / name).read_bytes()).hexdigest() != digest:
            raise BookError(f"{REVEAL / name} is not the published file: see SHA256SUMS beside it")
        kept = "LICENSE-reveal.txt" if name == "LICENSE" else name
        shutil.copy(REVEAL / name, target / kept)
    formulas = _formulas()
    shutil.copytree(formulas.KATEX / "fonts", target / "fonts", dirs_exist_ok=True)
    styles = (formulas.KATEX / "katex.min.css").read_text("utf8")
    write_atomic(target / "katex.css", formulas.OTHER_FONTS.sub("", styles))
    shutil.copy(STYLE, target / STYLE.name)


def read_source(tree: Tree, profile: str, chapter: Chapter) -> Source:
    """Read what a deck can pull out of a chapter."""
    executed = tree.executed(profile) / f"{chapter.stem}.ipynb"
    if not executed.exists():
        raise BookError(f"{chapter.stem} is not executed with profile {profile}: make execute")
    text = "\n\n".join(c.source for c in chapter.notebook.cells if c.cell_type == "markdown")
    blocks = {
        block.name_given if isinstance(block, Directive) else block.label: block
        for block in myst.walk(text)
        if isinstance(block, Directive | Math)
    }
    takeaways = TAKEAWAYS.search(text)
    session = tree.book / "teaching" / "sessions" / f"{chapter.stem[:2]}.md"
    asked = EXIT.search(session.read_text("utf8")) if session.exists() else None
    return Source(
        chapter,
        dict(_figures(executed)),
        blocks,
        takeaways[1].strip() if takeaways else "",
        asked[1].strip() if asked else "",
    )


def _figures(executed: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    for cell in nbformat.read(executed, as_version=4).cells:
        meta = cell.metadata.get("mystnb", {})
        name = meta.get("figure", {}).get("name")
        for output in cell.get("outputs", []) if name else []:
            data = output.get("data", {})
            if drawn := data.get(figures.PROJECTOR, data.get("image/svg+xml")):
                svg = figures.light("".join(drawn))
                yield name, (svg, meta.get("image", {}).get("alt", ""))
            elif "text/html" in data:
                yield name, ("".join(data["text/html"]), "")


@dataclass
class Deck:
    """Writes one deck.

    Parameters
    ----------
    tree : Tree
        The repository.
    outline : Path
        Its outline.
    source : Source
        What can be pulled.
    known : References
        Where the book's labels lead to.
    folder : Path
        Where the deck goes, and its figures with it.
    """

    tree: Tree
    outline: Path
    source: Source
    known: references.References
    folder: Path

    def __post_init__(self) -> None:
        self.page = f"notebooks/{self.source.chapter.stem}"
        self.writer = Writer(self.page, self.known, "")
        self.markdown = MarkdownIt().enable("table").use(dollarmath_plugin, renderer=_formula)

    def html(self) -> str:
        """Return the deck."""
        slides = outlines.read(self.outline)
        title = self.source.chapter.title
        shown = [self.title(slides[0], title), *map(self.slide, slides[1:])]
        return (
            '<!doctype html>\n<html lang="en" data-theme="light">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n"
            + "".join(
                f'<link rel="stylesheet" href="assets/{name}">\n'
                for name in ("reveal.css", "katex.css", "deck.css")
            )
            + '</head>\n<body>\n<div class="reveal"><div class="slides">\n'
            + "\n".join(shown)
            + '\n</div></div>\n<script src="assets/reveal.js"></script>\n'
            '<script src="assets/notes.js"></script>\n'
            f"<script>Reveal.initialize({{ {SETTINGS} }});</script>\n</body>\n</html>\n"
        )

    def title(self, slide: Slide, title: str) -> str:
        """Write the first slide: what the deck is about, and where the chapter is."""
        number = int(self.source.chapter.stem[:2])
        address = self.known.url(self.page)
        body = (
            f'<p class="kicker">Chapter {number}</p><h1>{escape(title)}</h1>'
            f"{self.parts(slide)}"
            f'<p class="address"><a href="{address}">{address.removeprefix("https://")}</a></p>'
        )
        return self.section(slide, body, "of-title")

    def slide(self, slide: Slide) -> str:
        """Write a slide."""
        heading = self.markdown.renderInline(self.writer.prose(slide.heading))
        kinds = {part.kind for part in slide.parts if isinstance(part, Pull)}
        return self.section(
            slide,
            f"<h2>{heading}</h2>{self.parts(slide)}",
            " ".join(f"of-{kind}" for kind in sorted(kinds)),
        )

    def section(self, slide: Slide, body: str, kind: str) -> str:
        """Write the frame of a slide, with what is spoken."""
        notes = self.markdown.render(slide.notes)
        return (
            f'<section><div class="{f"slide {kind}".strip()}">{body}</div>'
            f'<aside class="notes">{notes}</aside></section>'
        )

    def parts(self, slide: Slide) -> str:
        """Write the parts of a slide: side by side if a tall figure stands beside text."""
        written = [
            self.pulled(part) if isinstance(part, Pull) else self.text(part) for part in slide.parts
        ]
        beside = len(written) == 2 and any("figure tall" in part for part in written)
        return f'<div class="body{" beside" if beside else ""}">{"".join(written)}</div>'

    def text(self, markdown: str) -> str:
        """Write the deck's own text."""
        return f'<div class="text">{self.markdown.render(self.writer.blocks(markdown))}</div>'

    def pulled(self, pull: Pull) -> str:
        """Write what is pulled out of the chapter."""
        if pull.kind in ("takeaways", "exit"):
            found = getattr(self.source, pull.kind)
            if not found:
                raise BookError(f"{self.outline}:{pull.line}: the chapter has no {pull.kind}")
            return f'<div class="{pull.kind}">{self.text(_without_fields(found))}</div>'
        if pull.kind == "figure":
            return self.figure(pull)
        block = self.source.blocks.get(pull.label)
        if pull.kind == "equation" and isinstance(block, Math):
            return f'<div class="equation">{_formula(block.tex, {"display_mode": True})}</div>'
        if isinstance(block, Directive):
            if pull.kind == "equation" and block.name == "math":
                return f'<div class="equation">{_formula(block.body, {"display_mode": True})}</div>'
            if pull.kind == "theorem" and block.name in THEOREMS:
                kind = references.NUMBERED[block.name]
                name = f" ({self.writer.inline(block.argument)})" if block.argument else ""
                head = self.markdown.renderInline(f"**{kind}{name}**")
                return f'<div class="theorem"><p>{head}</p>{self.text(block.body)}</div>'
            if pull.kind == "quiz" and block.name == "quiz":
                return self.quiz(quizzes.read(block.argument, block.options, block.body))
        raise self.unknown(pull, [n for n, b in self.source.blocks.items() if _is(b, pull.kind)])

    def figure(self, pull: Pull) -> str:
        """Write a figure, and put its file beside the deck."""
        if pull.label not in self.source.figures:
            raise self.unknown(pull, list(self.source.figures))
        drawn, alt = self.source.figures[pull.label]
        if not drawn.lstrip().startswith(("<?xml", "<svg")):
            return f'<div class="figure drawing">{drawn}</div>'
        name = f"figures/{self.source.chapter.stem[:2]}-{pull.label}.svg"
        write_atomic(self.folder / name, drawn)
        width, height = figures.size(drawn)
        shape = "tall" if height > 0.75 * width else "wide"
        return (
            f'<div class="figure {shape}"><img src="{name}" alt="{escape(alt)}" '
            f'width="{width:.0f}" height="{height:.0f}"></div>'
        )

    def quiz(self, quiz: quizzes.Quiz) -> str:
        """Write a question with its options; the answer comes with the next key."""
        options = "".join(
            f"<li{' class=right' if option.right else ''}>"
            f"{self.markdown.renderInline(self.writer.prose(option.text))}</li>"
            for option in quiz.shown
        )
        right = next(option for option in quiz.options if option.right)
        letter = "ABCD"[quiz.shown.index(right)]
        reason = self.text(f"**{letter}.** {right.reason}")
        return (
            f'{self.text(quiz.question)}<ol class="options" type="A">{options}</ol>'
            f'<div class="fragment answer">{reason}</div>'
        )

    def unknown(self, pull: Pull, labels: list[str]) -> BookError:
        """Return an error that names the closest labels."""
        close = get_close_matches(pull.label, labels, n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(close)}?" if close else f"; there are: {labels}"
        where = f"{self.outline}:{pull.line}"
        return BookError(
            f"{where}: {self.source.chapter.stem} has no {pull.kind} {pull.label}{hint}"
        )


def _is(block: Directive | Math, kind: str) -> bool:
    if isinstance(block, Math) or block.name == "math":
        return kind == "equation"
    return block.name == "quiz" if kind == "quiz" else kind == "theorem" and block.name in THEOREMS


def _without_fields(text: str) -> str:
    return re.sub(r"\{\{.*?\}\}", "", text)


def _formula(tex: str, options: dict[str, bool]) -> str:
    formulas = _formulas()
    laid_out = formulas.laid_out(tex, bare=False) if options["display_mode"] else tex
    return str(formulas.render(laid_out.strip(), options["display_mode"]))


def _formulas() -> ModuleType:
    """Return the book's extension that makes formulas."""
    return import_module("book._ext.mmfuse_formulas")
