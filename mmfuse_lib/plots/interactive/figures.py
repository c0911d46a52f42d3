"""The interactive figures: each shows one argument of the book."""

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
