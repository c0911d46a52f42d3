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


def xor_to_and() -> Page:
    """Return the optimisation behind the decomposition, to move by hand, between XOR and AND.

    Sliders move the table p from XOR to AND and let its sources err; q is dragged over the map of
    all tables with the pairwise tables of p (Bertschinger et al. 2014). Shown are the atoms that q
    implies, in bits, and the information of all q.

    Returns
    -------
    Page
        Works without a server and without a network, in the book, in Jupyter and on Colab.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> page = plots.xor_to_and()  # shown by a notebook
    >>> type(page).__name__
    'Page'
    """
    return Page.of(
        "xor_to_and",
        "An interactive picture of the pairings between XOR and AND; it needs a browser.",
    )


def explorer() -> Page:
    """Return eight probabilities to drag, and the interactions in them.

    The eight cells of p(x1, x2, y), all binary, are dragged, or a gate is chosen. Shown are R, U1,
    U2 and S of Bertschinger et al. (2014), the three mutual informations, how often the best guess
    of Y is right, and the certificate of `decompose`: bounds from both sides, and their gap. A line
    of Python holds the table.

    Returns
    -------
    Page
        Works without a server and without a network, in the book, in Jupyter and on Colab.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> plots.explorer()
    An interactive table of eight probabilities and their interactions; it needs a browser.
    """
    return Page.of(
        "explorer",
        "An interactive table of eight probabilities and their interactions; it needs a browser.",
    )


def two_houses() -> Page:
    """Return chapter 2's way from house A to house B, on which no mutual information changes.

    Camera 1 films the hall switch and one stair switch. On a share t of evenings camera 2 films
    the hall switch and the other stair switch (house B), on the others the stair lamp itself, which
    is as good as its only switch in house A. In the sense of Bertschinger et al. (2014) R = S = t
    and U1 = U2 = 1 - t bits: a new pairing of the pictures hides the stair lamp where only its
    switches are filmed, so I* = 2 - t.

    Returns
    -------
    Page
        Works without a server and without a network, in the book, in Jupyter and on Colab.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> plots.two_houses()
    An interactive picture of the way from house A to house B; it needs a browser.
    """
    return Page.of(
        "two_houses",
        "An interactive picture of the way from house A to house B; it needs a browser.",
    )


def entropy_table() -> Page:
    """Return a table p(x, y) of two binary variables to drag, and its entropies as bars.

    A square is cut into the four probabilities; its three borders are dragged. The bars lie above
    each other as in chapter 2: where H(X) and H(Y) overlap is I(X;Y), in bits.

    Returns
    -------
    Page
        Works without a server and without a network, in the book, in Jupyter and on Colab.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> plots.entropy_table()
    An interactive table of a switch and what a camera reports of it; it needs a browser.
    """
    return Page.of(
        "entropy_table",
        "An interactive table of a switch and what a camera reports of it; it needs a browser.",
    )
