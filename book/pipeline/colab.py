"""The notebooks that Colab opens: `notebooks/NN_slug.ipynb`, committed beside their sources."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from . import addresses, chapters, references
from .myst import MystError, drawn_figure
from .plain import Writer
from .tree import COMMAND, BookError, Project, Tree, write_atomic

# As Colab marks the cell that it adds itself: it knows that there is one, and adds none.
BADGES = {"colab_type": "text", "id": "view-in-github"}
SHOW = "plt.show()"
HIDING = {"hide-input", "hide-cell", "remove-input", "remove-cell"}


def write(tree: Tree) -> list[Path]:
    """Write the notebook of each chapter, remove those without a chapter, return the paths."""
    texts = render_all(tree)
    for path in tree.notebooks.glob("*.ipynb"):
        if path not in texts:
            path.unlink()
    for path, text in texts.items():
        write_atomic(path, text)
    return list(texts)


def check(tree: Tree) -> None:
    """Fail where a committed notebook is not what its chapter gives."""
    texts = render_all(tree)
    for path in sorted({*texts, *tree.notebooks.glob("*.ipynb")}):
        if path not in texts:
            raise BookError(f"{path} has no chapter; run: {COMMAND}")
        if not path.exists() or path.read_text("utf8") != texts[path]:
            raise BookError(f"{path} is out of date; run: {COMMAND}")


def render_all(tree: Tree) -> dict[Path, str]:
    """Return path and text of the notebook of each chapter."""
    known = references.collect(tree)
    project = tree.project()
    return {
        tree.notebooks / f"{chapter.stem}.ipynb": chapters.dumps(render(chapter, known, project))
        for chapter in chapters.read_chapters(tree)
    }


def render(
    chapter: chapters.Chapter, known: references.References, project: Project
) -> NotebookNode:
    """Make the plain notebook of a chapter: no MyST and no outputs, solutions folded."""
    page = f"notebooks/{chapter.stem}"
    writer = Writer(page, known, f"https://raw.githubusercontent.com/{project.slug}/{project.ref}")
    notebook: NotebookNode = chapter.notebook.copy()
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        try:
            cells += [written for written in _write(cell, writer) if written.source]
        except MystError as error:
            raise BookError(f"{chapter.stem}: cell {cell['id']}: {error}") from None
    if writer.in_solution:
        raise BookError(f"{chapter.stem}: its last solution is not ended by {{solution-end}}")
    notebook["cells"] = cells
    notebook.cells[0]["source"] += (
        f"\n\n*This notebook is made from a chapter of [the book]({known.url(page)}), "
        "where figures and results are shown too.*"
    )
    badges = nbformat.v4.new_markdown_cell(
        addresses.badges(project, chapter.stem), id=f"{chapter.stem}-badges", metadata=BADGES
    )
    notebook.cells.insert(0, badges)
    notebook.metadata["colab"] = {"provenance": []}
    return notebook


def _write(cell: NotebookNode, writer: Writer) -> list[NotebookNode]:
    """Write one cell, and before or after it what its place in the chapter calls for."""
    if cell.cell_type == "markdown":
        cell["source"] = writer.cell(cell.source)
        return [cell]
    if "headline" in chapters.tags(cell):
        return []  # prints numbers for the pipeline, not for a reader
    before, after = writer.before_code(), ""
    if writer.in_solution or _is_hidden(cell):
        cell.metadata["jupyter"] = {"source_hidden": True}
        cell.metadata["cellView"] = "form"
    if alt := cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
        cell["source"] = _with_description(cell.source, alt)
    if figure := drawn_figure(cell):
        after = writer.caption(figure)
    return [
        nbformat.v4.new_markdown_cell(before, id=f"{cell['id']}-solution"),
        cell,
        nbformat.v4.new_markdown_cell(after, id=f"{cell['id']}-caption"),
    ]


def _with_description(code: str, alt: str) -> str:
    """Let a cell show its figure with its alternative text, which goes into the output."""
    if code.count(SHOW) != 1:
        raise MystError(f"a cell that draws a figure calls `{SHOW}` once, this one does not")
    return code.replace(SHOW, f"plots.show({json.dumps(alt, ensure_ascii=False)})")


def _is_hidden(cell: NotebookNode) -> bool:
    marks = set(chapters.tags(cell))
    return bool(marks & HIDING) and "install" not in marks
