"""How training went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from mmfuse_lib.core.errors import UnknownNameError

if TYPE_CHECKING:
    from mmfuse_lib.training.fit import History

_UNITS = {"total": "loss (nats)", "accuracy": "accuracy"}


def training_curves(history: History, terms: tuple[str, ...] = ("total", "accuracy")) -> Figure:
    """Draw each term against the epoch, one panel a term, one colour a stage.

    Training is dashed, validation solid; a dot marks the epoch whose weights were kept.

    Parameters
    ----------
    history : History
        What `fit` returned.
    terms : tuple of str
        Terms to draw. Terms that no stage recorded are an error.

    Returns
    -------
    Figure
        One panel a term, side by side.
    """
    frame = history.to_frame()
    for term in terms:
        if term not in set(frame["term"]):
            raise UnknownNameError("term", term, sorted(set(frame["term"])))
    stages = list(frame["stage"].unique())
    hue = "stage" if len(stages) > 1 else None
    kept = frame["epoch"] == frame["stage"].map(history.best_epoch)
    best = frame[kept & (frame["split"] == "val")]
    figure, axes = plt.subplots(1, len(terms), figsize=(3.1 * len(terms), 3.0), squeeze=False)
    for ax, term in zip(axes[0], terms, strict=True):
        shared = {"x": "epoch", "y": "value", "hue": hue, "hue_order": stages, "ax": ax}
        sns.lineplot(
            frame[frame["term"] == term],
            style="split",
            dashes={"train": (4, 2), "val": ""},
            errorbar=None,
            legend="brief" if ax is axes[0, -1] else False,
            **shared,
        )
        sns.scatterplot(best[best["term"] == term], s=70, legend=False, **shared)
        ax.set(xlabel="epoch", ylabel=_UNITS.get(term, f"{term} (nats)"))
        ax.xaxis.get_major_locator().set_params(integer=True)
    return figure
