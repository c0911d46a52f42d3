"""Sphinx extension: an exercise whose answer can be checked says how, from the library's list."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node

from mmfuse_lib.course.registry import exercises

#: As in the notebooks.
IMPORT = "(First `from mmfuse_lib.course import check`.)"
MARKED = re.compile(r"(`[^`]+`|\*[^*]+\*)")


def say_how(app: Sphinx, tree: nodes.document) -> None:
    """Add the line to each exercise that has one; the first also says what to import."""
    known, first = exercises(), f" {IMPORT}"
    for node in tree.findall():
        if isinstance(node, exercise_node | exercise_enumerable_node):
            found = known.get(node.get("label", ""))
            if found is not None:
                section = next(node.findall(nodes.section), node)
                line = _inline(found.line + first)
                section += nodes.paragraph("", "", *line, classes=["check-line"])
                first = ""


def _inline(text: str) -> list[nodes.Node]:
    """Return text with `code` and *emphasis* as nodes."""
    made: list[nodes.Node] = []
    for part in MARKED.split(text):
        if part.startswith("`"):
            made.append(nodes.literal("", part.strip("`")))
        elif part.startswith("*"):
            made.append(nodes.emphasis("", part.strip("*")))
        elif part:
            made.append(nodes.Text(part))
    return made


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("doctree-read", say_how)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
