"""Bars of one value per interaction, with intervals."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.intervals import mean_interval
from mmfuse_lib.plots.style import PALETTE, color_of


def interaction_bars(
    values: pd.DataFrame,
    *,
    by: str | None = None,
    ylabel: str = "bits",
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean of each interaction's column, with the 95 % t-interval over the rows.

    Parameters
    ----------
    values : DataFrame
        Columns named R, U1 .. U4, S or joint (drawn in that order, each in its colour); a row a
        repeat, such as a seed. A single row is drawn without interval.
    by : str, optional
        Column that names the group of a row: one cluster of bars a group, in order of appearance.
    ylabel : str
        What is measured, with its unit.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    DataError
        If a column is missing or is no interaction.

    Examples
    --------
    >>> import pandas as pd
    >>> from mmfuse_lib import plots
    >>> report = pd.DataFrame({"R": [0.3, 0.4], "U1": 0.1, "U2": [0.2, 0.1], "S": [0.4, 0.4]})
    >>> ax = plots.interaction_bars(report, ylabel="share")
    >>> ax.get_ylabel(), [label.get_text() for label in ax.get_xticklabels()]
    ('share', ['R', 'U1', 'U2', 'S'])
    """
    names = interaction_columns(values, by, list(PALETTE))
    groups = group_names(values, by)
    if ax is None:
        ax = plt.subplots()[1]
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        means, halves = group_intervals(values, by, name)
        x = np.arange(len(groups)) + (i - (len(names) - 1) / 2) * width
        ax.bar(x, means, 0.92 * width, color=color_of(name), label=name)
        ax.errorbar(x, means, halves, fmt="none", ecolor="black", capsize=3, lw=1.2)
    if by is None:
        centres = (np.arange(len(names)) - (len(names) - 1) / 2) * width
        ax.set_xticks(centres, names)
    else:
        ax.set_xticks(np.arange(len(groups)), groups)
        ax.legend(ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ax.set_ylabel(ylabel)
    ax.grid(visible=False, axis="x")
    return ax


def interaction_columns(values: pd.DataFrame, by: str | None, known: list[str]) -> list[str]:
    """Return the interactions that are columns, in the order of `known`, or say what is wrong."""
    if by is not None and by not in values:
        raise DataError(f"no column {by!r} to group by: the columns are {list(values.columns)}")
    names = [name for name in known if name in values]
    unknown = [str(c) for c in values.columns if c not in names and c != by]
    if unknown or not names:
        raise DataError(f"columns {unknown}: expected interactions, among {known}")
    return names


def group_names(values: pd.DataFrame, by: str | None) -> list[str]:
    """Return the groups in order of appearance; a single nameless one without `by`."""
    return [""] if by is None else [str(group) for group in values[by].unique()]


def group_intervals(
    values: pd.DataFrame, by: str | None, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of a column and the half-width of its t-interval, for each group."""
    rows = [values] if by is None else [values[values[by] == g] for g in values[by].unique()]
    means, halves = np.array([mean_interval(r[name].to_numpy()) for r in rows]).T
    return means, halves
