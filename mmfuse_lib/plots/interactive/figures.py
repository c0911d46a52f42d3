"""Interactive figures of single chapters: each shows one argument of the book."""

from mmfuse_lib.plots.interactive.page import Page


def adding_scores() -> Page:
    """Return the game that no additive model wins: choose all scores for a sum of symbols.

    For K = 2 (XOR) or K = 3 the reader drags the scores f_y(a) and g_y(b); shown are the sums, the
    pairs that they win, each lead over the next class, and the sums of the leads that show why
    not every pair can be won.

    Returns
    -------
    Page
        Works without a server and without a network, in the book, in Jupyter and on Colab.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> plots.adding_scores()
    An interactive figure: scores that are added, and the pairs that they win; it needs a browser.
    """
    return Page.of(
        "adding_scores",
        "An interactive figure: scores that are added, and the pairs that they win; "
        "it needs a browser.",
    )


def shared_residual() -> Page:
    """Return two encoders that learn from one shared residual, beside two with one each.

    A model small enough for a page: two digits, a sharp left image, a right one with noise, and
    one linear score for each encoder. The reader drags the epoch and chooses the noise and how
    fast the left encoder learns. Shown are the mean sizes of the residuals as arrows, the weights,
    and what a linear probe on the right encoder gets right.

    Returns
    -------
    Page
        Works without a server and without a network, in the book, in Jupyter and on Colab.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> plots.shared_residual()
    An interactive figure: one shared residual, or one for each encoder; it needs a browser.
    """
    return Page.of(
        "shared_residual",
        "An interactive figure: one shared residual, or one for each encoder; it needs a browser.",
    )


def counting_bias() -> Page:
    """Return the synergy that counting makes up, against clusters and samples.

    Samples of AND behind two noisy cameras are drawn in the page and counted into k equally likely
    cells a camera. Shown are the counted table and S - R in bits: the truth, that of the cells with
    endless data, the prediction for N samples, and that of the counts, with labels shuffled or not.

    Returns
    -------
    Page
        Works without a server and without a network, in the book, in Jupyter and on Colab.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> plots.counting_bias()
    An interactive figure: the synergy that counting makes up; it needs a browser.
    """
    return Page.of(
        "counting_bias",
        "An interactive figure: the synergy that counting makes up; it needs a browser.",
    )


def sharing_surprise() -> Page:
    """Return one sample's two surprises and two pointwise informations, to drag, and its atoms.

    Each source is an arrow from its ambiguity h(x|y) to its surprise h(x), as long as the
    information i(x;y). The arrow of the redundancy runs from the lower tail to the lower head
    (Finn & Lizier 2018). Everything is in bits.

    Returns
    -------
    Page
        Works without a server and without a network, in the book, in Jupyter and on Colab.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> plots.sharing_surprise()
    An interactive figure: two surprises and what they share; it needs a browser.
    """
    return Page.of(
        "sharing_surprise",
        "An interactive figure: two surprises and what they share; it needs a browser.",
    )
