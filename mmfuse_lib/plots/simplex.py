"""A triangle of shares: redundant, unique and synergistic, a point a sample."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.plots.style import LONG_NAMES, color_of

Array = NDArray[np.float64]

#: Where the corners are: an equilateral triangle of side 1.
CORNERS = {"R": (0.0, 0.0), "S": (1.0, 0.0), "U": (0.5, np.sqrt(3) / 2)}

#: Lines are drawn where a corner has this share.
GRID = (0.25, 0.5, 0.75)

#: A marker for each interaction, so that no picture rests on colour alone.
MARKERS = {"R": "o", "U1": "^", "U2": "v", "U3": "<", "U4": ">", "S": "D"}

#: How far a sum of shares may be from 1, or a share below 0: rounding in single precision.
ROUND_OFF = 1e-4


def interaction_simplex(
    shares: pd.DataFrame, *, color_by: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw each sample as a point in a triangle with the corners R, U and S.

    A point's place is its shares of redundancy, of what is unique (all U columns together) and of
    synergy: the corner itself is "all of this", the opposite side "none of this".

    Parameters
    ----------
    shares : DataFrame
        A row a sample, columns R, U1 .. Un (n up to 4) and S, not negative, rows that sum to 1:
        posterior probabilities, or a method's gates. Signed atoms are no shares; to make them
        shares is the caller's decision.
    color_by : str, optional
        A further column with the name of an interaction in each row, such as the rule that made
        the label. By default a point has the colour of its largest share (of the first of those
        that tie).
    ax : Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    DataError
        If a column is missing or is no interaction, there are no rows, or they are not shares.

    Examples
    --------
    >>> import pandas as pd
    >>> from mmfuse_lib import plots
    >>> shares = pd.DataFrame({"R": [0.8, 0.1], "U1": 0.1, "U2": [0.0, 0.1], "S": [0.1, 0.7]})
    >>> ax = plots.interaction_simplex(shares)  # one point near R, one near S
    """
    kinds = None if color_by is None else _kinds(shares, color_by)
    columns = shares if color_by is None else shares.drop(columns=color_by)
    names, values = _checked(columns)
    if kinds is None:
        kinds = np.array(names)[values.argmax(axis=1)]
    if ax is None:
        ax = plt.subplots(figsize=(6.0, 5.2))[1]
    _draw_frame(ax)
    _draw_points(ax, _places(names, values), kinds)
    _add_legend(ax, kinds, color_by or "largest share")
    return ax


def _checked(shares: pd.DataFrame) -> tuple[list[str], Array]:
    """Return the names of the interactions, in the book's order, and their shares."""
    unknown = [str(c) for c in shares.columns if c not in MARKERS]
    names = [name for name in MARKERS if name in shares]
    if unknown:
        raise DataError(f"columns {unknown}: expected interactions, among {list(MARKERS)}")
    if not {"R", "U1", "S"} <= set(names) or len(names) != len(shares.columns):
        raise DataError(f"columns {list(shares.columns)}: expected R, U1 .. Un and S, once each")
    if not len(shares):
        raise DataError("there are no samples to draw: expected at least one row")
    values = shares[names].to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise DataError("shares have a NaN or infinite value: expected numbers from 0 to 1")
    if values.min() < -ROUND_OFF:
        raise DataError(f"a share is {values.min():.3g}: expected none below 0")
    sums = values.sum(axis=1)
    worst = sums[np.abs(sums - 1).argmax()]
    if abs(worst - 1) > ROUND_OFF:
        raise DataError(f"the shares of a sample sum to {worst:.4g}: expected 1")
    return names, values


def _kinds(shares: pd.DataFrame, color_by: str) -> NDArray[np.str_]:
    if color_by not in shares or color_by in MARKERS:
        others = [str(c) for c in shares.columns if c not in MARKERS]
        raise DataError(f"no column {color_by!r} to colour by: beside the shares are {others}")
    kinds = shares[color_by].to_numpy()
    unknown = sorted({str(k) for k in kinds if k not in MARKERS})
    if unknown:
        raise DataError(f"column {color_by!r} holds {unknown}: expected some of {list(MARKERS)}")
    return kinds.astype(np.str_)


def _places(names: list[str], values: Array) -> Array:
    """Return where each sample lies: the mean of the corners, weighted by its shares."""
    corners = np.array([CORNERS[name[0]] for name in names])
    return np.asarray(values @ corners)


def _draw_points(ax: Axes, places: Array, kinds: NDArray[np.str_]) -> None:
    """Draw the points in the order of the rows, so that no kind always covers the others."""
    marks = {name: MarkerStyle(marker) for name, marker in MARKERS.items()}
    paths = {name: m.get_path().transformed(m.get_transform()) for name, m in marks.items()}
    colors = [color_of(kind) for kind in kinds]
    x, y = places.T
    points = ax.scatter(x, y, s=26, c=colors, alpha=0.6, lw=0, zorder=3, clip_on=False)
    points.set_paths([paths[kind] for kind in kinds])


def _add_legend(ax: Axes, kinds: NDArray[np.str_], title: str) -> None:
    handles = [
        Line2D([], [], ls="", marker=marker, color=color_of(name), label=name)
        for name, marker in MARKERS.items()
        if name in kinds
    ]
    ax.legend(handles=handles, title=title, loc="upper left")


def _draw_frame(ax: Axes) -> None:
    """Draw the triangle, its lines of equal share with percentages, and the corners' names."""
    at = {name: np.array(place) for name, place in CORNERS.items()}
    ink = {"R": color_of("R"), "U": "black", "S": color_of("S")}  # U1 and U2 meet in one corner
    # A corner's percentages stand on the edge from it to the next corner.
    for name, following, third in (("R", "S", "U"), ("S", "U", "R"), ("U", "R", "S")):
        outward = at[name] + at[following] - 2 * at[third]
        outward = 0.05 * outward / np.linalg.norm(outward)
        for share in GRID:
            start, end = (share * at[name] + (1 - share) * at[o] for o in (following, third))
            ax.plot(*np.transpose([start, end]), color="#D9D9D9", lw=0.8, zorder=1)
            style: Any = {"ha": "center", "va": "center", "fontsize": 14, "color": ink[name]}
            x, y = start + outward
            ax.text(x, y, f"{share:.0%}", **style)
        ax.plot(*np.transpose([at[name], at[following]]), color="black", lw=1.5, zorder=2)
        long_name = LONG_NAMES.get(name, "unique")
        x, y = at[name] + (0, 0.05 if name == "U" else -0.1)
        ax.text(x, y, f"{name}, {long_name}", ha="center", va="center", color=ink[name])
    ax.set(xlim=(-0.12, 1.12), ylim=(-0.14, 0.95), aspect="equal")
    ax.set_axis_off()
