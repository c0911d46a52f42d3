"""Pictures of what two sources tell about a label."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Ellipse

from mmfuse_lib.plots.style import LONG_NAMES, PALETTE

# Where each part is written, and in a colour that reads on its own.
_PLACES = {
    "R": ((0.0, 0.0), "white"),
    "U1": ((-1.05, 0.0), "black"),
    "U2": ((1.05, 0.0), "black"),
    "S": ((0.0, -1.31), "black"),
}


def information_diagram(
    values: Mapping[str, float] | None = None,
    *,
    sources: tuple[str, str] = ("X_1", "X_2"),
    ax: Axes | None = None,
) -> Axes:
    """Draw the four parts of what two sources tell about a label.

    A circle is what one source tells alone, the outline what both tell together. Areas are not
    to scale: the picture says which part belongs to which quantity.

    Parameters
    ----------
    values : mapping of str to float, optional
        Bits of ``"R"``, ``"U1"``, ``"U2"`` and ``"S"``, written into the parts.
    sources : tuple of str
        Names of the two sources, as mathematics.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If ``values`` does not have exactly the four names.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> from mmfuse_lib.information import ATOMS, GATES, decompose
    >>> d = decompose(GATES["and"]())
    >>> ax = plots.information_diagram(dict(zip(ATOMS, d.atoms, strict=True)))
    """
    if values is not None and set(values) != set(_PLACES):
        raise ValueError(f"values needs the names {', '.join(_PLACES)}: got {', '.join(values)}")
    if ax is None:
        _, ax = plt.subplots(figsize=(6.4, 4.2))
    _draw_areas(ax)
    for name, (place, color) in _PLACES.items():
        subscripted = name if len(name) == 1 else f"{name[0]}_{name[1]}"
        text = f"${subscripted}$\n{LONG_NAMES[name].split()[0]}"
        if values is not None:
            text += f"\n{values[name]:.2f}"
        ax.text(*place, text, color=color, ha="center", va="center", fontsize=13)
    first, second = sources
    for place, label in [
        ((-0.85, 1.22), f"$I({first};Y)$"),
        ((0.85, 1.22), f"$I({second};Y)$"),
        ((0.0, 1.82), f"$I({first},{second};Y)$: everything inside"),
    ]:
        ax.text(*place, label, ha="center", va="center", fontsize=13)
    ax.set(xlim=(-2.4, 2.4), ylim=(-1.7, 2.0), aspect="equal")
    ax.set_axis_off()
    return ax


def _draw_areas(ax: Axes) -> None:
    """Draw the ellipse of both together, the two circles in it and their overlap."""
    both = Ellipse((0.0, 0.0), 4.6, 3.3, facecolor=PALETTE["S"], linestyle="--")
    left, right = (
        Circle((x, 0.0), 1.05, facecolor=PALETTE[u]) for x, u in ((-0.5, "U1"), (0.5, "U2"))
    )
    overlap = Circle(left.center, left.radius, facecolor=PALETTE["R"])
    outlines = [Circle(c.center, c.radius, facecolor="none") for c in (left, right)]
    for patch in (both, left, right, overlap, *outlines):
        patch.set(edgecolor="black", linewidth=1.5)
        ax.add_patch(patch)
    overlap.set_clip_path(right)
