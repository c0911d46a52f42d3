"""Bars of one value per interaction, with intervals."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.plots.style import PALETTE, t_interval


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
    """
    names = interaction_columns(values, by, list(PALETTE))
    if ax is None:
        ax = plt.subplots()[1]
    kinds = np.tile(names, len(values))
    sns.barplot(
        x=kinds if by is None else np.repeat(group_labels(values, by), len(names)),
        y=values[names].to_numpy(dtype=np.float64).ravel(),
        hue=kinds,
        order=names if by is None else None,
        hue_order=names,
        palette=PALETTE,
        saturation=1,
        gap=0.08,
        errorbar=t_interval,
        capsize=0.2,
        err_kws={"color": "black", "linewidth": 1.2},
        ax=ax,
    )
    if by is not None:
        sns.move_legend(ax, "lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(names), title=None)
    ax.set(xlabel="", ylabel=ylabel)
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
    if not len(values):
        raise DataError("no rows: expected a non-empty table")
    if not np.isfinite(values[names].to_numpy(dtype=np.float64)).all():
        raise DataError("a value is NaN or infinite: expected finite numbers")
    return names


def group_labels(values: pd.DataFrame, by: str | None) -> list[str]:
    """Return the name of each row's group; the same nameless one without `by`."""
    return [""] * len(values) if by is None else [str(group) for group in values[by]]
