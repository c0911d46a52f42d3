"""Show a self-contained page of HTML as the output of a notebook's cell."""

import re
from dataclasses import dataclass
from importlib import resources

#: What several pages need: a comment of this name in a page stands for the file.
_SHARED = ("base.css", "base.js", "pairings.js")


@dataclass(frozen=True, repr=False)
class Page:
    """A piece of HTML that a notebook shows, and a sentence for where HTML cannot be shown.

    Attributes
    ----------
    html : str
        The piece, with its own style and script.
    text : str
        What stands in its place in a terminal or on paper.
    """

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html

    @classmethod
    def of(cls, name: str, text: str) -> "Page":
        """Return the page ``name``.html of this package, with the base of all pages inlined.

        Parameters
        ----------
        name : str
            Name of the file, which holds the comments ``/* base.css */`` in its style and
            ``/* base.js */`` in its script.
        text : str
            What stands in its place in a terminal or on paper.

        Returns
        -------
        Page
            Works without a server and without a network, in the book, in Jupyter and on Colab.
        """
        folder = resources.files("mmfuse_lib.plots.interactive")
        html = (folder / f"{name}.html").read_text("utf8")
        # Each of several figures on a page brings the base: their own styles outrank every copy.
        html = re.sub(r"\.mmfuse-(\w+)", r".mmfuse.mmfuse-\1", html)
        for part in _SHARED:
            html = html.replace(f"/* {part} */", (folder / part).read_text("utf8").strip())
        return cls(html, text)
