"""Chapter 9, *Experts and their interactions*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, returned, same
from mmfuse_lib.course.registry import NotYet, exercise


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


@exercise(
    "ex-i2moe-redundancy",
    "an array of shape (4, 2): the accuracies of the experts R and S alone (columns) on the rules "
    "R, U1, U2 and S (rows)",
)
def redundancy(answer: Any) -> None:
    """They share out the work: one image will do, or both are needed."""
    found = array(answer, 4, 2, what="the table")
    if found.min() < 0 or found.max() > 1:
        raise NotYet("An accuracy lies between 0 and 1, so the table holds something else.")
    if np.ptp(found, axis=0).max() < 0.05:
        raise NotYet("Neither expert has learned anything. For how many epochs was it trained?")
    if found[:, 0].argmin() != 3 or found[:, 1].argmax() != 3:
        raise NotYet("Which loss allows its expert to react to both images, and where is it best?")
    if np.ptp(found[:3, 0]) > 0.2:
        raise NotYet("Does the redundancy expert tell its own rule from the two unique ones here?")
