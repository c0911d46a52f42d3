"""Cleaning: remove from an executed notebook what differs from one run to the next."""

from __future__ import annotations

import json

import nbformat
from nbformat import NotebookNode

from .chapters import KERNELSPEC, tags
from .tree import BookError


def clean(notebook: NotebookNode, stem: str) -> NotebookNode:
    """Drop timestamps, paths and random ids; join the pieces of a stream.

    Parameters
    ----------
    notebook : NotebookNode
        As papermill wrote it; changed in place.
    stem : str
        The chapter's name, for the id of the cell that papermill injected.
    """
    notebook.metadata.pop("papermill", None)
    notebook.metadata["kernelspec"] = NotebookNode(KERNELSPEC)
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in tags(cell):
            cell["id"] = f"{stem}-injected"
        if cell.cell_type == "code":
            cell["outputs"] = _join_streams(cell.outputs)
    return notebook


def headline(notebook: NotebookNode, stem: str) -> dict[str, object]:
    """Read the JSON that cells tagged `headline` printed: the numbers a chapter stands for."""
    numbers: dict[str, object] = {}
    for cell in notebook.cells:
        if "headline" not in tags(cell):
            continue
        printed = "".join(o.text for o in cell.outputs if o.get("name") == "stdout")
        try:
            numbers |= json.loads(printed)
        except (json.JSONDecodeError, TypeError):
            raise BookError(
                f"{stem}: cell {cell['id']} is tagged `headline` and must print one JSON object, "
                f"it printed {printed[:200]!r}"
            ) from None
    return numbers


def _join_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join neighbouring pieces of one stream: where they are cut depends on timing."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last is not None and output.output_type == "stream" and last.get("name") == output.name:
            last["text"] += output.text
        else:
            joined.append(nbformat.from_dict(output))
    return joined
