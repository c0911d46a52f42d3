"""The triangle of shares: where points lie, what colours them, what is refused."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import same_color

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.plots import PALETTE, interaction_simplex

HEIGHT = np.sqrt(3) / 2
SHARES = pd.DataFrame(
    [[1.0, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1], [0.2, 0.5, 0, 0.3]],
    columns=["R", "U1", "U2", "S"],
)


def drawn_points(ax: Axes) -> PathCollection:
    (points,) = (c for c in ax.collections if isinstance(c, PathCollection))
    return points


def points(ax: Axes) -> dict[str, np.ndarray]:
    """Return the places of the points of each kind, known by their colours, in order."""
    found = drawn_points(ax)
    faces = np.asarray(found.get_facecolor())[:, :3]
    places = np.asarray(found.get_offsets())
    kinds = [next(k for k, c in PALETTE.items() if same_color(f.tolist(), c)) for f in faces]
    return {k: places[[kind == k for kind in kinds]] for k in dict.fromkeys(kinds)}


def test_corners_are_at_all_of_one_and_shares_are_distances_from_the_opposite_side() -> None:
    found = points(interaction_simplex(SHARES))
    np.testing.assert_allclose(found["R"], [[0, 0]], atol=1e-12)
    np.testing.assert_allclose(found["S"], [[1, 0]], atol=1e-12)
    # U1 and U2 count as one; 0.2 R + 0.5 U + 0.3 S by hand: x = 0.5 * 0.5 + 0.3, y = 0.5 * HEIGHT.
    np.testing.assert_allclose(found["U1"], [[0.5, HEIGHT], [0.55, HEIGHT / 2]], atol=1e-12)


def test_largest_share_gives_the_colour_and_the_first_wins_a_tie() -> None:
    ax = interaction_simplex(SHARES)
    assert {kind: len(places) for kind, places in points(ax).items()} == {"R": 1, "U1": 2, "S": 1}
    legend = ax.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["R", "U1", "S"]
    assert legend.get_title().get_text() == "largest share"


def test_a_column_can_give_the_colour_and_is_no_share() -> None:
    ax = interaction_simplex(SHARES.assign(rule=["S", "S", "R", "R"]), color_by="rule")
    found = points(ax)
    assert set(found) == {"R", "S"}
    np.testing.assert_allclose(found["S"], [[0, 0], [0.5, HEIGHT]], atol=1e-12)
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "rule"


def test_points_are_drawn_in_the_order_of_rows_each_with_its_kinds_marker() -> None:
    drawn = drawn_points(interaction_simplex(SHARES))
    np.testing.assert_allclose(np.asarray(drawn.get_offsets())[[0, 2]], [[0, 0], [1, 0]], atol=1e-9)
    shapes = [np.shape(path.vertices)[0] for path in drawn.get_paths()]  # circle, triangle, square
    assert shapes[1] == shapes[3] == 4
    assert shapes[2] == 5
    assert shapes[0] > 5


def test_three_modalities_share_the_corner_of_what_is_unique() -> None:
    shares = pd.DataFrame({"S": [0.1], "U3": [0.4], "U1": [0.2], "R": [0.1], "U2": [0.2]})
    found = points(interaction_simplex(shares))
    np.testing.assert_allclose(found["U3"], [[0.4 + 0.1, 0.8 * HEIGHT]], atol=1e-12)


def test_percentages_stand_where_a_corner_has_that_share() -> None:
    """The nearest point of the outline to each percentage, by hand."""
    ax = interaction_simplex(SHARES)
    texts = {(t.get_text(), str(t.get_color())): t.get_position() for t in ax.texts}
    x, y = texts["75%", PALETTE["R"]]
    assert x == pytest.approx(0.25)  # on the bottom edge, near R
    assert -0.1 < y < 0
    x, y = texts["75%", PALETTE["S"]]
    assert y == pytest.approx(0.25 * HEIGHT + 0.05 * 0.5)  # on the right edge, near S, 0.05 out
    x, y = texts["75%", "black"]
    assert x < 0.5
    assert y == pytest.approx(0.75 * HEIGHT + 0.05 * 0.5)  # on the left edge, near U
    assert {"R, redundant", "U, unique", "S, synergistic"} <= {t.get_text() for t in ax.texts}


def test_rounded_softmax_outputs_are_shares() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    gates = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = points(interaction_simplex(pd.DataFrame(gates, columns=["R", "U1", "U2", "S"])))
    assert sum(map(len, found.values())) == 50


def test_the_given_axes_are_used_and_the_table_is_left_alone() -> None:
    _, ax = plt.subplots()
    before = SHARES.copy()
    assert interaction_simplex(SHARES, ax=ax) is ax
    assert len(plt.get_fignums()) == 1
    pd.testing.assert_frame_equal(SHARES, before)


@pytest.mark.parametrize(
    ("table", "color_by", "message"),
    [
        (SHARES.drop(columns="S"), None, "expected R, U1 .. Un and S"),
        (SHARES.assign(joint=0.0), None, r"columns \['joint'\]: expected interactions"),
        (SHARES.assign(rule="R"), None, r"columns \['rule'\]: expected interactions"),
        (SHARES, "rule", "no column 'rule' to colour by"),
        (SHARES, "R", "no column 'R' to colour by"),
        (SHARES.assign(rule="XOR"), "rule", r"column 'rule' holds \['XOR'\]"),
        (SHARES[:0], None, "at least one row"),
        (SHARES.assign(R=np.nan), None, "NaN or infinite"),
        (SHARES.assign(R=SHARES.R - 1, S=SHARES.S + 1), None, "a share is -1"),
        (SHARES.assign(S=0.0), None, "sum to 0:"),
        (2 * SHARES, None, "sum to 2: expected 1"),
    ],
)
def test_tables_that_are_no_shares_are_refused(
    table: pd.DataFrame, color_by: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        interaction_simplex(table, color_by=color_by)
