"""Sphinx extension: ``{interactive} explorer`` shows a figure of `mmfuse_lib.plots` on a page.

The HTML is what the library gives a notebook, so that pages and chapters show the same.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mmfuse_lib import plots


class Interactive(SphinxDirective):
    """An interactive figure by the name of the function of `mmfuse_lib.plots` that returns it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the figure's HTML."""
        make = getattr(plots, self.arguments[0], None)
        page = make() if callable(make) else None
        if not isinstance(page, plots.Page):
            raise self.error(f"mmfuse_lib.plots has no interactive figure {self.arguments[0]!r}")
        return [nodes.raw("", page.html, format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_directive("interactive", Interactive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
