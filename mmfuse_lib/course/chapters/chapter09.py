"""Chapter 9, *Experts and their interactions*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, returned, same
from mmfuse_lib.course.registry import exercise


@exercise(
    "ex-i2moe-additive",
    "the sum of the inner products of the expert's logits with those it gives without modality 1 "
    "and without modality 2, for the terms `f1` and `f2` that it adds",
    arguments="f1, f2",
)
def additive(answer: Any) -> str:
    """It is a square, so both cannot be negative."""
    rng = np.random.default_rng(0)
    for k in (2, 3, 5):
        f1, f2 = rng.normal(size=(2, k))
        shown = f"random terms of {k} classes"
        found = array(returned(answer, f1, f2, shown=shown), what="the sum")
        same(
            found,
            ((f1 + f2) ** 2).sum(),
            otherwise=f"It is wrong for {shown}. What are the logits without modality 1?",
        )
    return "Can it be negative? What follows for the two cosines?"
