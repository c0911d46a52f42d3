"""Notebooks for a class: students get stubs and checks where the book has solutions.

Both are made from the chapters' sources, as the notebooks for Colab are: the student's has no line
of a solution, the instructor's has the solutions and what to know about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import NotebookNode

from mmfuse_lib.course.misconception import misconceptions
from mmfuse_lib.course.registry import exercises

from . import chapters, colab, references, teaching
from .chapters import Chapter
from .tree import BookError, Tree, write_atomic

FENCE = re.compile(r"^(`{3,})\{(solution|solution-start|solution-end)\}\s*(\S*)\s*$")
WRITE_HERE = "*Your answer:*"
IMPORT = "from mmfuse_lib.course import check"


@dataclass(frozen=True)
class Piece:
    """A part of a Markdown cell: text, or the beginning or end of a solution."""

    kind: str  # "text", "solution", "solution-start", "solution-end"
    text: str  # the text, or the label of the exercise


def write(tree: Tree) -> list[Path]:
    """Write both notebooks of each chapter to ``build/teach`` and return the paths."""
    known = references.collect(tree)
    project = tree.project()
    paths = []
    for chapter in chapters.read_chapters(tree):
        notes = _notes(chapter)
        for who, made in (("student", for_students(chapter)), ("instructor", chapter)):
            notebook = colab.render(made, known, project)
            if who == "instructor":
                notebook.cells.insert(2, notes)
            path = tree.build / "teach" / who / f"{chapter.stem}.ipynb"
            write_atomic(path, chapters.dumps(notebook))
            paths.append(path)
    return paths


def run(path: Path) -> int:
    """Run a student's notebook as it is and return how many exercises wait for an answer.

    Raises
    ------
    BookError
        If a cell raises something else than that its exercise is not written yet.
    """
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with TemporaryDirectory() as empty:
        place = {"metadata": {"path": empty}}
        NotebookClient(notebook, timeout=900, allow_errors=True, resources=place).execute()
    waiting = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type != "error":
                continue
            stub = "exercise" in cell.metadata.get("tags", [])
            if not stub or output.ename != "NotImplementedError":
                raise BookError(f"{path.stem}: {output.ename}: {output.evalue}\n\n{cell.source}")
            waiting += 1
    return waiting


def for_students(chapter: Chapter) -> Chapter:
    """Return a chapter with a stub, and the check where there is one, for each solution.

    Raises
    ------
    BookError
        If a solution is opened and not closed, or closed and not opened.
    """
    cells: list[NotebookNode] = []
    inside = imported = False
    notebook = deepcopy(chapter.notebook)  # cells are rewritten in place
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if not inside:
                cells.append(cell)
            continue
        for number, piece in enumerate(pieces(cell.source)):
            name = f"{cell['id']}-{number}"
            if piece.kind == "text":
                if not inside and piece.text.strip():
                    cells.append(nbformat.v4.new_markdown_cell(piece.text, id=name))
                continue
            if (piece.kind == "solution-end") != inside:
                raise BookError(f"{chapter.stem}: {{{piece.kind}}} {piece.text} is out of place")
            if piece.kind != "solution-end":
                cells.append(_stub(piece.text, name, first=not imported))
                imported = imported or cells[-1].cell_type == "code"
            inside = piece.kind == "solution-start"
    if inside:
        raise BookError(f"{chapter.stem}: the last solution is not closed")
    notebook["cells"] = cells
    return replace(chapter, notebook=notebook)


def pieces(source: str) -> Iterator[Piece]:
    """Split the Markdown of a cell at its solutions."""
    text: list[str] = []
    fence = ""
    for line in source.splitlines():
        if fence:
            fence = "" if line.strip() == fence else fence
        elif opened := FENCE.match(line):
            yield Piece("text", "\n".join(text))
            yield Piece(opened[2], opened[3])
            text, fence = [], opened[1]
        else:
            text.append(line)
    yield Piece("text", "\n".join(text))


def _stub(label: str, name: str, *, first: bool) -> NotebookNode:
    """Make the cell in which a student answers."""
    known = exercises().get(label)
    if known is None:
        empty: NotebookNode = nbformat.v4.new_markdown_cell(WRITE_HERE, id=name)
        return empty
    code = f"{IMPORT}\n\n\n{known.stub}" if first else known.stub
    stub: NotebookNode = nbformat.v4.new_code_cell(code, id=name, metadata={"tags": ["exercise"]})
    return stub


def _notes(chapter: Chapter) -> NotebookNode:
    """Make the cell of notes for the instructor."""
    number = int(chapter.stem[:2])
    said = [
        f"* “{entry.says}” Ask: *{entry.question}*"
        for entry in misconceptions().values()
        if entry.chapter == number
    ]
    rows = [
        f"| {block.argument} | {stated[1]} | {stated[2]} | {stated[3]} | "
        f"{'`check`' if block.name_given in exercises() else 'by a person'} |"
        for block in teaching.directives(chapter)
        if block.name == "exercise" and (stated := teaching.EXERCISE.search(block.body))
    ]
    lines = ["## Notes for the instructor", "", *said, ""]
    lines += ["| Exercise | Level | Minutes | By | Checked |", "|:--|--:|--:|:--|:--|", *rows]
    notes: NotebookNode = nbformat.v4.new_markdown_cell(
        "\n".join(lines), id=f"{chapter.stem}-notes"
    )
    return notes
