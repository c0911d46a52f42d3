"""Interactions stacked to their sum, with intervals."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mmfuse_lib.core.intervals import mean_interval
from mmfuse_lib.plots.bars import group_labels, interaction_columns
from mmfuse_lib.plots.style import PALETTE, color_of

#: Width of a bar; the bars of two groups are 1 apart.
WIDTH = 0.7


def stacked_interactions(
    values: pd.DataFrame,
    *,
    by: str | None = None,
    ylabel: str = "bits",
    ax: Axes | None = None,
) -> Axes:
    """Stack the mean of each interaction's column, one bar a group, with 95 % t-intervals.

    Interactions with a positive mean are stacked upwards from zero in the order of the palette,
    those with a negative mean downwards. So a negative value never hides in a positive one; the
    sum of all is the upper end minus the depth below zero. The interval of each mean, over the
    rows, is drawn at the outer end of its part, each a little further to the right, so that they do
    not cover each other. It is the interval of that interaction alone, not of the sum.

    Parameters
    ----------
    values : DataFrame
        Columns named R, U1 .. U4, S; a row a repeat, such as a seed. A group of a single row
        (the truth, for one) is drawn without intervals.
    by : str, optional
        Column that names the group of a row: one bar a group, in order of appearance.
    ylabel : str
        What is measured, with its unit.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    DataError
        If a column is missing or is no interaction, or a value is not finite.
    """
    names = interaction_columns(values, by, [name for name in PALETTE if name != "joint"])
    if ax is None:
        ax = plt.subplots()[1]
    # By hand: seaborn stacks no bars, but in histograms, which know neither signs nor intervals.
    groups = values[names].groupby(group_labels(values, by), sort=False)
    x, top, bottom = np.arange(len(groups)), np.zeros(len(groups)), np.zeros(len(groups))
    for i, name in enumerate(names):
        means, halves = np.array([mean_interval(v) for _, v in groups[name]]).T
        base = np.where(means < 0, bottom, top)
        ax.bar(x, means, WIDTH, bottom=base, color=color_of(name), label=name, edgecolor="white")
        shift = WIDTH * ((i + 1) / (len(names) + 1) - 0.5)
        ax.errorbar(x + shift, base + means, halves, fmt="none", ecolor="black", capsize=3, lw=1.2)
        top, bottom = top + np.maximum(means, 0), bottom + np.minimum(means, 0)
    if (bottom < 0).any():
        ax.axhline(0, color="black", lw=1)
    ax.set_xticks(x, [str(name) for name, _ in groups])
    ax.legend(ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ax.set_ylabel(ylabel)
    ax.grid(visible=False, axis="x")
    return ax
