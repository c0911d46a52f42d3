"""Bars of interactions: heights, colours, order, intervals."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.container import BarContainer
from matplotlib.patches import Rectangle

from mmfuse_lib import mean_interval
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.plots import PALETTE, interaction_bars

VALUES = pd.DataFrame({"S": [0.1, 0.3, 0.2], "R": [1.0, 1.2, 0.8], "U1": [0.5, 0.5, 0.5]})


def bars(ax: Axes) -> list[Rectangle]:
    """Return the bars from left to right (the patches of the legend are none)."""
    found = [bar for c in ax.containers if isinstance(c, BarContainer) for bar in c]
    return sorted(found, key=lambda bar: bar.get_x())


def intervals(ax: Axes) -> list[tuple[float, float]]:
    """Return lower and upper end of each interval drawn, from left to right."""
    drawn = [np.asarray(line.get_xydata(), dtype=np.float64) for line in ax.get_lines()]
    drawn = [xy for xy in drawn if np.isfinite(xy[:, 1]).any()]
    drawn.sort(key=lambda xy: float(np.nanmean(xy[:, 0])))
    return [(float(np.nanmin(xy[:, 1])), float(np.nanmax(xy[:, 1]))) for xy in drawn]


def test_bars_are_the_means_in_the_books_order_and_colours() -> None:
    ax = interaction_bars(VALUES)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["R", "U1", "S"]
    assert [b.get_height() for b in bars(ax)] == pytest.approx([1.0, 0.5, 0.2])
    for bar, name in zip(bars(ax), ("R", "U1", "S"), strict=True):
        assert same_color(bar.get_facecolor(), PALETTE[name])
    for tick, bar in zip(ax.get_xticks(), bars(ax), strict=True):
        assert tick == pytest.approx(bar.get_x() + bar.get_width() / 2)


def test_bars_do_not_overlap() -> None:
    ax = interaction_bars(pd.DataFrame({name: [1.0] for name in PALETTE}))
    edges = [(b.get_x(), b.get_x() + b.get_width()) for b in bars(ax)]
    assert len(edges) == len(PALETTE)
    assert all(left[1] < right[0] for left, right in pairwise(edges))


def test_intervals_are_the_t_intervals_over_rows() -> None:
    found = intervals(interaction_bars(VALUES))
    for (low, high), name in zip(found, ("R", "U1", "S"), strict=True):
        mean, half = mean_interval(VALUES[name].to_numpy())
        assert (low, high) == pytest.approx((mean - half, mean + half))


def test_a_single_row_has_no_interval() -> None:
    ax = interaction_bars(VALUES[:1])
    assert [b.get_height() for b in bars(ax)] == [1.0, 0.5, 0.1]
    assert intervals(ax) == []
    assert len(intervals(interaction_bars(VALUES))) == 3


@pytest.mark.parametrize("groups", [["sum", "concat"], [10, 2]])
def test_groups_are_clusters_in_order_of_appearance(groups: list[Any]) -> None:
    table = pd.DataFrame(
        {"by": [groups[0]] * 2 + [groups[1]] * 2, "S": [0.0, 0.2, 0.8, 1.0], "R": [1.0] * 4}
    )
    ax = interaction_bars(table, by="by", ylabel="accuracy")
    assert [t.get_text() for t in ax.get_xticklabels()] == [str(g) for g in groups]
    assert [b.get_height() for b in bars(ax)] == pytest.approx([1.0, 0.1, 1.0, 0.9])
    legend = ax.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["R", "S"]
    assert ax.get_ylabel() == "accuracy"


def test_the_given_axes_are_used() -> None:
    _, ax = plt.subplots()
    assert interaction_bars(VALUES, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


def test_the_table_is_left_alone() -> None:
    before = VALUES.copy()
    interaction_bars(VALUES)
    pd.testing.assert_frame_equal(VALUES, before)


@pytest.mark.parametrize(
    ("table", "by", "message"),
    [
        (VALUES, "method", "no column 'method' to group by"),
        (VALUES.assign(U9=1.0), None, r"columns \['U9'\]: expected interactions"),
        (VALUES.assign(method="x"), None, r"columns \['method'\]"),
        (pd.DataFrame({"method": ["x"]}), "method", "expected interactions"),
        (VALUES[:0], None, "non-empty"),
        (VALUES.assign(S=[0.1, np.nan, 0.2]), None, "NaN"),
    ],
)
def test_tables_that_cannot_be_drawn_are_refused(
    table: pd.DataFrame, by: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        interaction_bars(table, by=by)
