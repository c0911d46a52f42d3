"""The book's figures, in one style."""

from mmfuse_lib.plots.bars import interaction_bars
from mmfuse_lib.plots.information import information_diagram
from mmfuse_lib.plots.style import LONG_NAMES, PALETTE, color_of, use_style
from mmfuse_lib.plots.training import training_curves

__all__ = [
    "LONG_NAMES",
    "PALETTE",
    "color_of",
    "information_diagram",
    "interaction_bars",
    "training_curves",
    "use_style",
]
