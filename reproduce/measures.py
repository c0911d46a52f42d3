"""What several studies measure."""

from typing import Any

import numpy as np

from mmfuse_lib.evaluation import Evaluation
from mmfuse_lib.runs import Trained


def rounded(values: Any, digits: int = 4) -> Any:
    """Round all numbers in mappings, lists and arrays, for a small file."""
    if isinstance(values, dict):
        return {str(name): rounded(value, digits) for name, value in values.items()}
    return np.asarray(values, dtype=np.float64).round(digits).tolist()


def validation_terms(trained: Trained) -> dict[str, float]:
    """Return the terms of the last stage's loss on validation data, in the epoch that was kept."""
    frame = trained.history.to_frame()
    stage = frame["stage"].iloc[-1]
    kept = trained.history.best_epoch[stage]
    of_stage = frame[(frame["stage"] == stage) & (frame["split"] == "val")]
    at = of_stage[of_stage["epoch"] == kept]
    return {str(term): float(value) for term, value in zip(at["term"], at["value"], strict=True)}


def right_samples(found: Evaluation) -> str:
    """Return which samples are right, eight in a byte, in hexadecimal."""
    return np.packbits(found.predictions["correct"].to_numpy(dtype=bool)).tobytes().hex()
