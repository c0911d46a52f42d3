"""The waterfall: each bar starts where the one before it ended."""

import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from mmfuse_lib import plots
from mmfuse_lib.core.errors import DataError


def bars(ax: Axes) -> list[tuple[float, float]]:
    """Where each bar starts and ends, from the top."""
    found = [p for p in ax.patches if isinstance(p, Rectangle)]
    return [(p.get_x(), p.get_x() + p.get_width()) for p in found]


def test_bars_add_up_in_the_books_order() -> None:
    ax = plots.logit_waterfall({"S": 4.0, "R": 0.5, "U2": -1.0, "U1": 2.0})
    assert bars(ax) == [(0, 0.5), (0.5, 2.5), (2.5, 1.5), (1.5, 5.5), (0, 5.5)]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["R", "U1", "U2", "S", "joint"]
    colours = [to_hex(p.get_facecolor()).upper() for p in ax.patches]
    assert colours == [plots.PALETTE[n] for n in ("R", "U1", "U2", "S", "joint")]


def test_an_axes_and_a_label_can_be_given() -> None:
    _, ax = plt.subplots()
    assert plots.logit_waterfall({"R": 1.0}, xlabel="margin", ax=ax) is ax
    assert ax.get_xlabel() == "margin"


@pytest.mark.parametrize("contributions", [{}, {"R": 1.0, "U9": 2.0}, {"joint": 1.0}])
def test_what_is_no_interaction_is_refused(contributions: dict[str, float]) -> None:
    with pytest.raises(DataError, match="expected interactions"):
        plots.logit_waterfall(contributions)
