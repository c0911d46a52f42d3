"""Stacked interactions: where each part begins and ends, signs, intervals."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import same_color
from matplotlib.patches import Rectangle

from mmfuse_lib import mean_interval
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.plots import PALETTE, stacked_interactions

VALUES = pd.DataFrame(
    {"S": [0.1, 0.3, 0.2], "R": [1.0, 1.2, 0.8], "U1": [-0.5, -0.4, -0.6], "U2": [0.3, 0.3, 0.3]}
)


def parts(ax: Axes) -> dict[str, Rectangle]:
    """Return the parts of a single bar by colour."""
    found = [p for p in ax.patches if isinstance(p, Rectangle)]
    return {
        name: next(p for p in found if same_color(p.get_facecolor(), color))
        for name, color in PALETTE.items()
        if any(same_color(p.get_facecolor(), color) for p in found)
    }


def intervals(ax: Axes) -> list[tuple[float, float, float]]:
    """Return x, lower and upper end of each interval drawn, from left to right."""
    segments = [
        s for c in ax.collections if isinstance(c, LineCollection) for s in c.get_segments()
    ]
    segments = [s for s in segments if len(s) and np.isfinite(s).all()]
    ends = [(float(s[0, 0]), float(s[0, 1]), float(s[1, 1])) for s in segments]
    return sorted(ends)


def test_positive_parts_stack_upwards_and_negative_ones_downwards() -> None:
    found = parts(stacked_interactions(VALUES))
    ends = {name: (p.get_y(), p.get_y() + p.get_height()) for name, p in found.items()}
    assert list(ends) == ["R", "U1", "U2", "S"]
    assert ends["R"] == pytest.approx((0.0, 1.0))
    assert ends["U1"] == pytest.approx((0.0, -0.5))
    assert ends["U2"] == pytest.approx((1.0, 1.3))
    assert ends["S"] == pytest.approx((1.3, 1.5))


def test_intervals_are_at_the_outer_end_of_each_part_and_side_by_side() -> None:
    found = intervals(stacked_interactions(VALUES))
    outer = {"R": 1.0, "U1": -0.5, "U2": 1.3, "S": 1.5}
    for (_, low, high), (name, end) in zip(found, outer.items(), strict=True):
        _, half = mean_interval(VALUES[name].to_numpy())
        assert (low, high) == pytest.approx((end - half, end + half))
    places = [x for x, _, _ in found]
    assert len(set(places)) == 4
    bar = parts(plt.gca())["R"]
    assert bar.get_x() < places[0]
    assert places[-1] < bar.get_x() + bar.get_width()


def test_zero_is_drawn_only_if_something_is_below_it() -> None:
    for table, drawn in ((VALUES, 1), (VALUES.abs(), 0)):
        lines = stacked_interactions(table).get_lines()
        assert sum(np.asarray(line.get_ydata()).tolist() == [0, 0] for line in lines) == drawn


def test_groups_are_bars_in_order_of_appearance_and_one_row_has_no_interval() -> None:
    table = pd.DataFrame({"from": ["truth", "b", "b"], "S": [0.5, 0.0, 0.2], "R": [0.25, 1.0, 1.0]})
    ax = stacked_interactions(table, by="from", ylabel="bits of the label")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["truth", "b"]
    assert ax.get_ylabel() == "bits of the label"
    legend = ax.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["R", "S"]
    tops = [p.get_y() + p.get_height() for p in ax.patches if isinstance(p, Rectangle)]
    assert sorted(tops) == pytest.approx([0.25, 0.75, 1.0, 1.1])
    assert all(round(x) == 1 for x, _, _ in intervals(ax))


def test_the_given_axes_are_used_and_the_table_is_left_alone() -> None:
    before = VALUES.copy()
    _, ax = plt.subplots()
    assert stacked_interactions(VALUES, ax=ax) is ax
    assert len(plt.get_fignums()) == 1
    pd.testing.assert_frame_equal(VALUES, before)


@pytest.mark.parametrize(
    ("table", "by", "message"),
    [
        (VALUES, "method", "no column 'method' to group by"),
        (VALUES.assign(joint=1.0), None, r"columns \['joint'\]: expected interactions"),
        (VALUES.assign(method="x"), None, r"columns \['method'\]"),
        (pd.DataFrame({"method": ["x"]}), "method", "expected interactions"),
        (VALUES.assign(S=np.nan), None, "NaN"),
        (VALUES[:0], None, "non-empty"),
    ],
)
def test_tables_that_cannot_be_stacked_are_refused(
    table: pd.DataFrame, by: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        stacked_interactions(table, by=by)
