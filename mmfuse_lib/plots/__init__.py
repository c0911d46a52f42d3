"""The book's figures, in one style."""

from mmfuse_lib.plots.bars import interaction_bars
from mmfuse_lib.plots.information import information_diagram
from mmfuse_lib.plots.interactive import Page, xor_to_and
from mmfuse_lib.plots.points import interval_points
from mmfuse_lib.plots.simplex import interaction_simplex
from mmfuse_lib.plots.stacked import stacked_interactions
from mmfuse_lib.plots.style import (
    GREY,
    INK,
    LONG_NAMES,
    PALETTE,
    TEAL,
    VIOLET,
    color_of,
    t_interval,
    use_style,
)
from mmfuse_lib.plots.training import training_curves
from mmfuse_lib.plots.waterfall import logit_waterfall

__all__ = [
    "GREY",
    "INK",
    "LONG_NAMES",
    "PALETTE",
    "TEAL",
    "VIOLET",
    "Page",
    "color_of",
    "information_diagram",
    "interaction_bars",
    "interaction_simplex",
    "interval_points",
    "logit_waterfall",
    "stacked_interactions",
    "t_interval",
    "training_curves",
    "use_style",
    "xor_to_and",
]
