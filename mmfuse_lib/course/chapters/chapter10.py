"""Chapter 10, *Do explanations hold*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, returned, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise(
    "ex-hold-calibrate",
    "the shares R, U1, U2 and S for one sample, in which the classifiers of the single modalities "
    "give the predicted class the probabilities `c1` and `c2`, of `k` classes",
    arguments="c1, c2, k",
)
def calibrate(answer: Any) -> None:
    """Counted from what a classifier gives that knows nothing."""
    for c1, c2, k in ((0.25, 0.25, 4), (1.0, 0.5, 2), (0.9, 0.3, 4), (0.05, 0.8, 10)):
        q1, q2 = (max(0.0, (c - 1 / k) / (1 - 1 / k)) for c in (c1, c2))
        truth = np.array([q1 * q2, q1 * (1 - q2), (1 - q1) * q2, (1 - q1) * (1 - q2)])
        shown = f"c1 = {c1}, c2 = {c2} and k = {k}"
        found = array(returned(answer, c1, c2, k, shown=shown), 4, what="the report")
        if abs(found.sum() - 1) > 1e-6 or found.min() < -1e-9:
            raise NotYet(f"For {shown} the shares are not shares: {found.round(3).tolist()}.")
        uncorrected = [c1 * c2, c1 * (1 - c2), (1 - c1) * c2, (1 - c1) * (1 - c2)]
        if np.allclose(found, uncorrected) and not np.allclose(truth, uncorrected):
            raise NotYet(f"For {shown}: what does a classifier that knows nothing give?")
        same(
            found,
            truth,
            mistakes={"sources-swapped": truth[[0, 2, 1, 3]]},
            otherwise=f"It is wrong for {shown}.",
        )


@exercise("ex-hold-dimml", "four numbers: the areas of the columns R, U1, U2 and S")
def dimml(answer: Any) -> None:
    """A column of one value has no order; a head that is sure finds its samples."""
    found = array(answer, 4)
    if found.min() < 0 or found.max() > 1:
        raise NotYet("An area under a ROC curve lies between 0 and 1.")
    if abs(found[0] - 0.5) > 1e-6:
        raise NotYet("Column R has one value for all samples. Does it put any before another?")
    if min(found[1], found[2]) < 0.6:
        raise NotYet("On the samples that one modality decides, which head is surer?")
    if found[3] > 0.8:
        raise NotYet("Column S finds nearly all. Can the fusion head of DI-MML be sure there?")


@exercise("ex-hold-uniform", "a truth, four shares, for which the uniform report agrees least")
def uniform(answer: Any) -> None:
    """All on one component."""
    truth = array(answer, 4)
    if truth.min() < 0 or abs(truth.sum() - 1) > 1e-6:
        raise NotYet("A truth is four shares: not negative, with the sum 1.")
    if np.minimum(truth, 0.25).sum() > 0.25 + 1e-6:
        raise NotYet("There is a truth with which it agrees less. Which share is cut at 1/4?")


@exercise(
    "ex-hold-blind",
    "the posterior probability of U1, among U1 and U2, for the digits `a` and `b` and the label "
    "`y`, if it is known (None if not)",
    arguments="a, b, y",
)
def blind(answer: Any) -> None:
    """The digits alone say nothing; the label says nearly all."""
    cases = [
        ((1, 2, None), 0.5),
        ((3, 3, None), 0.5),
        ((1, 2, 1), 1.0),
        ((1, 2, 2), 0.0),
        ((3, 3, 3), 0.5),
    ]
    for values, truth in cases:
        shown = "a = {}, b = {} and y = {}".format(*values)
        found = array(returned(answer, *values, shown=shown), what="the posterior")
        same(found, truth, otherwise=f"Look at {shown}: how likely is that under each rule?")
