"""Data sets by name, and a reader's own arrays.

>>> from mmfuse_lib import data
>>> train, val, test = data.load("digit_pairs", seed=0, n_classes=4)
>>> train
MultimodalData(12000 samples; left (1, 10, 8), right (1, 10, 8); 4 classes)
"""

from mmfuse_lib.data.multimodal import (
    INTERACTIONS,
    MultimodalData,
    check_trainable,
    check_values,
    from_arrays,
)
from mmfuse_lib.data.registry import describe, load, loader, names

__all__ = [
    "INTERACTIONS",
    "MultimodalData",
    "check_trainable",
    "check_values",
    "describe",
    "from_arrays",
    "load",
    "loader",
    "names",
]
