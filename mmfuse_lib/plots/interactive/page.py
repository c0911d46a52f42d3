"""Show a self-contained page of HTML as the output of a notebook's cell."""

from dataclasses import dataclass
from importlib import resources


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


def xor_to_and() -> Page:
    """Return the optimisation behind the decomposition, to move by hand, between XOR and AND.

    Sliders move the table p from XOR to AND, let its sources err, and move q among the tables with
    the pairwise tables of p (Bertschinger et al. 2014). Shown are the atoms that q implies, in
    bits, and the information of all q.

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
    file = resources.files("mmfuse_lib.plots.interactive") / "xor_to_and.html"
    return Page(
        file.read_text("utf8"),
        "An interactive picture of the pairings between XOR and AND; it needs a browser.",
    )
