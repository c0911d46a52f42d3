"""Chapters: from a py:percent source to a notebook that can be executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from . import reading
from .tree import BookError, Project, Tree, write_atomic

STEM = re.compile(r"\d\d_[a-z0-9_]+")
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
INSTALL = """\
# Installs the library where it is missing, on Colab, Kaggle or anywhere else; else does nothing.
import importlib.util

if importlib.util.find_spec("mmfuse_lib") is None:
    import importlib.metadata
    import subprocess
    import sys

    source = "{name} @ {archive}"
    pip = [sys.executable, "-m", "pip", "install", "-qq", source]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().split("\\n")[0]
        raise ImportError(
            f"{name} could not be installed ({{said}}). Check the network (on Kaggle: Settings, "
            "Internet on) and that this Python has pip, then run this cell again."
        )
    importlib.invalidate_caches()
    print("Installed {name}", importlib.metadata.version("{name}"))
"""


@dataclass(frozen=True)
class Chapter:
    """One chapter: its name and its notebook, not executed.

    Parameters
    ----------
    stem : str
        File name without suffix, ``NN_slug``.
    source : Path
        The py:percent file.
    notebook : NotebookNode
        The notebook made from it, with fixed cell ids and an install cell.
    minutes : dict of str to str
        How long it takes to read, by the names that its text gives these times.
    """

    stem: str
    source: Path
    notebook: NotebookNode
    minutes: dict[str, str]

    @property
    def title(self) -> str:
        """The chapter's heading."""
        return str(self.notebook.cells[0].source).splitlines()[0].removeprefix("# ").strip()

    @property
    def parameters(self) -> dict[str, Any]:
        """What the `parameters` cell declares, with the published defaults."""
        return declared_parameters(self.notebook, self.stem)


def stems(tree: Tree) -> list[str]:
    """Name all chapters, in the order of the book."""
    found = sorted(path.stem for path in tree.notebooks.glob("*.py"))
    if not found:
        raise BookError(f"no chapters (NN_slug.py) in {tree.notebooks}")
    for stem in found:
        if not STEM.fullmatch(stem):
            raise BookError(f"{tree.notebooks / stem}.py: a chapter is named NN_slug.py")
    return found


def read_chapter(tree: Tree, stem: str) -> Chapter:
    """Read one chapter and check what every chapter must have.

    Parameters
    ----------
    tree : Tree
        The repository.
    stem : str
        The chapter's name.

    Returns
    -------
    Chapter
        With cell ids that depend on the position only, so that reading twice gives equal notebooks.
    """
    source = tree.notebooks / f"{stem}.py"
    notebook = jupytext.read(source, fmt="py:percent")
    if not notebook.cells or not _is_title(notebook.cells[0]):
        raise BookError(f"{source}: the first cell must be Markdown and open with '# Title'")
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"{stem}-{index:03d}"
    declared_parameters(notebook, stem)
    project = tree.project()
    minutes = reading.measure(notebook, stem).fields()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell["source"] = project.fill(cell.source, minutes)
    notebook.cells.insert(1, install_cell(project, stem))
    notebook["metadata"] = NotebookNode(
        kernelspec=NotebookNode(KERNELSPEC), language_info=NotebookNode(name="python")
    )
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return Chapter(stem, source, notebook, minutes)


def read_chapters(tree: Tree) -> Iterator[Chapter]:
    """Read all chapters in order."""
    return (read_chapter(tree, stem) for stem in stems(tree))


def convert(tree: Tree, stem: str) -> Path:
    """Write the notebook of a chapter to ``build/notebooks`` and return its path."""
    target = tree.converted / f"{stem}.ipynb"
    write_atomic(target, dumps(read_chapter(tree, stem).notebook))
    return target


def dumps(notebook: NotebookNode) -> str:
    """Return a notebook as text, the same text for equal notebooks."""
    return str(nbformat.writes(notebook, version=nbformat.NO_CONVERT)).rstrip("\n") + "\n"


def install_cell(project: Project, stem: str) -> NotebookNode:
    """Make the cell that installs the library where it is missing."""
    code = INSTALL.format(name=project.name, archive=project.archive)
    cell: NotebookNode = nbformat.v4.new_code_cell(code.rstrip("\n"), id=f"{stem}-install")
    cell["metadata"]["tags"] = ["install", "remove-cell"]
    return cell


def tags(cell: NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.metadata.get("tags", []))


def declared_parameters(notebook: NotebookNode, stem: str) -> dict[str, Any]:
    """Read the names and defaults that the `parameters` cell assigns.

    Without the tag papermill would put its values at the top, where the chapter's own
    assignments overrule them silently: so a missing tag is an error.
    """
    cells = [cell for cell in notebook.cells if "parameters" in tags(cell)]
    if len(cells) != 1 or cells[0].cell_type != "code":
        raise BookError(
            f"{stem}: {len(cells)} cells are tagged `parameters`, exactly one code cell must be "
            '(write `# %% tags=["parameters"]`)'
        )
    declared: dict[str, Any] = {}
    for node in ast.parse(cells[0].source).body:
        target: ast.expr
        if isinstance(node, ast.AnnAssign):
            target, value = node.target, node.value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        else:
            raise BookError(f"{stem}: the parameters cell may hold only `name = value` lines")
        try:
            declared[ast.unparse(target)] = ast.literal_eval(value) if value else None
        except ValueError:
            raise BookError(
                f"{stem}: the default of parameter `{ast.unparse(target)}` must be a literal"
            ) from None
    return declared


def _is_title(cell: NotebookNode) -> bool:
    return bool(cell.cell_type == "markdown" and cell.source.startswith("# "))
