"""One look for every figure: seaborn's theme in the book's colours, one interval, one order."""

from typing import Any

import seaborn as sns
from numpy.typing import ArrayLike

from mmfuse_lib.core.intervals import mean_interval

#: Colour of each interaction and of "joint", the same in every figure. From the Okabe-Ito set;
#: a test holds them apart under simulated protanopia, deuteranopia and tritanopia.
PALETTE: dict[str, str] = {
    "R": "#0072B2",
    "U1": "#56B4E9",
    "U2": "#CC79A7",
    "U3": "#E69F00",
    "U4": "#009E73",
    "S": "#D55E00",
    "joint": "#404040",
}

#: What the short names stand for, for legends and axis labels.
LONG_NAMES: dict[str, str] = {
    "R": "redundant",
    "U1": "unique to 1",
    "U2": "unique to 2",
    "U3": "unique to 3",
    "U4": "unique to 4",
    "S": "synergistic",
    "joint": "joint",
}

#: Colours of what has no colour of its own: lines of text and truth, what stands behind, the rest.
INK, GREY, VIOLET, TEAL = "#222222", "#9AA0A8", "#5B3E96", "#018571"

#: Colours of what is no interaction: methods, models, settings; ``"C0"`` to ``"C3"`` in a figure.
CYCLE = ("#404040", "#A6611A", TEAL, "#8073AC")

# A figure is 6 to 6.4 inches wide: on a phone, at 350 px, text of 15 points is 11 px high.
_RC: Any = {
    "figure.figsize": (6.0, 3.6),
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "savefig.bbox": "tight",
    "figure.constrained_layout.use": True,
    "font.size": 15.0,
    "axes.titlesize": 15.0,
    "axes.labelsize": 15.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": "black",
    "axes.labelcolor": "black",
    "axes.linewidth": 0.8,
    "errorbar.capsize": 4.0,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "lines.markersize": 7.0,
    "image.cmap": "viridis",
    "legend.frameon": False,
    "legend.fontsize": 15.0,
    "legend.title_fontsize": 15.0,
    "patch.force_edgecolor": False,
    "svg.hashsalt": "mmfuse",  # the same picture is the same file
    "text.color": "black",
    "xtick.color": "black",
    "xtick.labelsize": 15.0,
    "xtick.major.size": 3.5,
    "xtick.major.width": 0.8,
    "xtick.minor.size": 2.0,
    "xtick.minor.width": 0.6,
    "ytick.color": "black",
    "ytick.labelsize": 15.0,
    "ytick.major.size": 3.5,
    "ytick.major.width": 0.8,
    "ytick.minor.size": 2.0,
    "ytick.minor.width": 0.6,
}


def use_style() -> None:
    """Set seaborn's theme to the book's style (call it once, at the top of a notebook).

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> plots.use_style()
    """
    sns.set_theme(style="ticks", font="DejaVu Sans", palette=CYCLE, rc=_RC)


def t_interval(values: ArrayLike) -> tuple[float, float]:
    """Return both ends of the 95 % t-interval of a mean, for seaborn's ``errorbar=``.

    Of a single value both are NaN: no interval is drawn.

    >>> import seaborn as sns
    >>> _ = sns.barplot(x=["a", "a", "b", "b"], y=[0.7, 0.8, 0.6, 0.7], errorbar=t_interval)
    """
    mean, half = mean_interval(values)
    return mean - half, mean + half


def color_of(name: str) -> str:
    """Return the colour of an interaction.

    Parameters
    ----------
    name : str
        ``"R"``, ``"U1"`` .. ``"U4"``, ``"S"`` or ``"joint"``.

    Raises
    ------
    ValueError
        If the name is none of these.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> [plots.color_of(name) for name in ("R", "S", "joint")]
    ['#0072B2', '#D55E00', '#404040']
    """
    if name not in PALETTE:
        raise ValueError(f"no colour for {name!r}: expected one of {', '.join(PALETTE)}")
    return PALETTE[name]
