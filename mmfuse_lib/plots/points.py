"""Means as points, with intervals."""

from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from mmfuse_lib.plots.style import PALETTE, t_interval

_MARKERS = [*"o^vDsPX"]


def interval_points(
    data: pd.DataFrame, *, x: str, y: str, hue: str | None = None, **options: Any
) -> Axes:
    """Draw means as points with their 95 % t-intervals, no line between them.

    The points of a place stand side by side, each `hue` with a marker of its own. Interactions
    come in the order of the palette, each in its colour.

    Parameters
    ----------
    data : DataFrame
        A row a value, such as one of a seed.
    x, y : str
        Columns of the place (text) and of the value, or the other way round.
    hue : str, optional
        Column that parts the values of a place.
    **options
        Passed to `seaborn.pointplot`, such as ``ax``, ``order``, ``color`` or ``palette``.

    Examples
    --------
    >>> import pandas as pd
    >>> seeds = pd.DataFrame({"model": ["sum", "sum", "concat"], "accuracy": [0.6, 0.7, 0.9]})
    >>> ax = interval_points(seeds, x="accuracy", y="model")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['sum', 'concat']
    """
    if hue is not None:
        levels = list(data[hue].unique())
        if set(levels) <= set(PALETTE):
            levels = [name for name in PALETTE if name in levels]
            options = {"palette": PALETTE} | options
        shapes = {"markers": _MARKERS[: len(levels)], "dodge": 0.18 * (len(levels) - 1)}
        options = {"hue_order": levels} | shapes | options
    look = {"capsize": 0.1, "err_kws": {"linewidth": 1.3}, "markersize": 6, "markeredgewidth": 0}
    options = look | options
    ax: Axes = sns.pointplot(
        data, x=x, y=y, hue=hue, errorbar=t_interval, linestyle="none", **options
    )
    return ax
