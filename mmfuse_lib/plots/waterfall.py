"""One sample's logit, expert by expert."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.plots.style import PALETTE, color_of


def logit_waterfall(
    contributions: Mapping[str, float], *, xlabel: str = "logit", ax: Axes | None = None
) -> Axes:
    """Draw how weighted logits add up: a bar an expert, each starting where the last one ended.

    Parameters
    ----------
    contributions : mapping of str to float
        Weight times logit of each expert, R, U1 .. Un, S, for one sample and one class (or the
        difference of two classes). Drawn in that order; their sum is the bar "joint".
    xlabel : str
        What is added up.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    DataError
        If there is no contribution, or one of something that is no interaction.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> ax = plots.logit_waterfall({"R": 1.2, "U1": -0.3, "U2": 0.1, "S": 0.8})
    >>> ax.get_xlabel()
    'logit'
    """
    names = [name for name in PALETTE if name in contributions and name != "joint"]
    unknown = sorted(set(contributions) - set(names))
    if unknown or not names:
        raise DataError(f"contributions of {unknown}: expected interactions, among R, U1 .. U4, S")
    if ax is None:
        ax = plt.subplots()[1]
    start = 0.0
    for row, name in enumerate(names):
        ax.barh(row, contributions[name], left=start, height=0.7, color=color_of(name))
        end = start + contributions[name]
        ax.plot([end, end], [row - 0.35, row + 1.35], color="black", lw=0.8)
        start = end
    ax.barh(len(names), start, height=0.7, color=color_of("joint"))
    ax.axvline(0, color="black", lw=0.8)
    ax.margins(x=0.05)
    ax.set_yticks(range(len(names) + 1), [*names, "joint"])
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    ax.grid(visible=False, axis="y")
    return ax
