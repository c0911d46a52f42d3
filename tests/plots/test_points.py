"""Points with intervals: means, ends, order, colours, side by side."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from numpy.typing import NDArray

from mmfuse_lib import mean_interval
from mmfuse_lib.plots import PALETTE, interval_points

TIDY = pd.DataFrame(
    {
        "method": ["b"] * 4 + ["a"] * 4,
        "kind": ["S", "R", "S", "R"] * 2,
        "auroc": [0.5, 0.9, 0.7, 0.8, 0.4, 0.6, 0.2, 0.8],
    }
)
Array = NDArray[np.float64]


def drawn(ax: Axes) -> tuple[list[Array], list[Array]]:
    """Return the places of the points of each hue, and the outline of each interval."""
    lines = [(line, np.asarray(line.get_xydata(), dtype=np.float64)) for line in ax.get_lines()]
    lines = [(line, xy) for line, xy in lines if np.isfinite(xy).all(axis=1).any()]
    places = [xy for line, xy in lines if str(line.get_marker()) not in ("None", "")]
    return places, [xy for line, xy in lines if str(line.get_marker()) in ("None", "")]


@pytest.mark.parametrize("value", [0, 1])
def test_points_are_means_and_intervals_are_t_intervals(value: int) -> None:
    x, y = ("auroc", "method") if value == 0 else ("method", "auroc")
    (points,), intervals = drawn(interval_points(TIDY, x=x, y=y))
    assert points[:, value] == pytest.approx([0.725, 0.5])
    assert points[:, 1 - value] == pytest.approx([0, 1])
    for outline, name in zip(intervals, ("b", "a"), strict=True):
        mean, half = mean_interval(TIDY.loc[TIDY["method"] == name, "auroc"])
        ends = (np.nanmin(outline[:, value]), np.nanmax(outline[:, value]))
        assert ends == pytest.approx((mean - half, mean + half))


def test_interactions_come_in_the_books_order_and_colours_side_by_side() -> None:
    before = TIDY.copy()
    _, ax = plt.subplots()
    assert interval_points(TIDY, x="method", y="auroc", hue="kind", ax=ax) is ax
    assert len(plt.get_fignums()) == 1
    pd.testing.assert_frame_equal(TIDY, before)
    places, intervals = drawn(ax)
    assert len(intervals) == 4
    assert [p[:, 1].tolist() for p in places] == [
        pytest.approx([0.85, 0.7]),
        pytest.approx([0.6, 0.3]),
    ]
    assert all((left[:, 0] < right[:, 0]).all() for left, right in pairwise(places))
    legend = ax.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["R", "S"]
    shown = [line for line in ax.get_lines() if len(np.asarray(line.get_xdata())) == 2]
    for line, name in zip(shown, ("R", "S"), strict=True):
        assert same_color(line.get_color(), PALETTE[name])
    assert len({str(line.get_marker()) for line in shown}) == 2


def test_no_line_joins_the_points_and_options_win() -> None:
    ax = interval_points(
        TIDY, x="kind", y="auroc", hue="method", order=["R", "S"], palette=["red", "blue"]
    )
    shown = [line for line in ax.get_lines() if str(line.get_marker()) not in ("None", "")]
    assert {str(line.get_linestyle()) for line in shown} == {"None"}
    assert same_color(shown[0].get_color(), "red")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["R", "S"]


def test_one_value_is_a_point_without_interval() -> None:
    points, intervals = drawn(interval_points(TIDY[:1], x="method", y="auroc"))
    assert len(points) == 1
    assert intervals == []
