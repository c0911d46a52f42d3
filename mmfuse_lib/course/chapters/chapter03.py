"""Chapter 3, *Modality competition*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, returned, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise(
    "ex-two-residuals",
    "the gradient with respect to z1, of shape (d,): `p` is the softmax of the averaged logits, of "
    "shape (K,), `y` the label, `W1` of shape (K, d)",
    arguments="p, y, W1",
)
def two_residuals(answer: Any) -> None:
    """Half of W1 transposed times the residual of the average."""
    rng = np.random.default_rng(0)
    for k, d in ((2, 3), (4, 2), (3, 3)):
        p, y, w1 = rng.dirichlet(np.ones(k)), int(rng.integers(k)), rng.normal(size=(k, d))
        truth = w1.T @ (p - np.eye(k)[y]) / 2
        shown = f"K = {k} classes and d = {d} features"
        found = array(returned(answer, p, y, w1, shown=shown), d, what="the gradient")
        if np.allclose(found, -truth):
            reason = "Downhill is the opposite direction: is this the gradient or the step?"
        elif np.allclose(found, 2 * truth):
            reason = "By which factor does each member enter the average?"
        else:
            reason = f"It is wrong for {shown}. Whose residual reaches z1?"
        same(found, truth, otherwise=reason)


@exercise(
    "ex-more-data",
    "two numbers, over your seeds and with four times as many pairs: the mean points of accuracy "
    "that joint training costs the left encoder, and those that it costs the right one",
)
def more_data(answer: Any) -> str:
    """The sharp image recovers and the noisy one does not: a band, as runs differ."""
    left, right = array(answer, 2)
    if 0 < max(left, right) < 1:
        raise NotYet("These look like differences of shares. How many points are they?")
    if left > right:
        raise NotYet("Which of the two images carries the noise? Its encoder comes second.")
    if left > 4:
        raise NotYet("The left encoder lost as much before. Does `load` see your new `n_train`?")
    if not 3 < right < 25:
        raise NotYet("Compare at the strongest noise: is it the noise that you set?")
    return "Does the right encoder's gap shrink on every seed, or only on average?"


@exercise(
    "ex-unique",
    "two accuracies, as shares: of a model of the right image alone, and of a linear probe on the "
    "joint model's right encoder",
)
def unique(answer: Any) -> str:
    """Nobody else makes the residual small, so little is lost."""
    alone, jointly = _shares(answer)
    if alone < 0.5:
        raise NotYet("A model of the right image alone does better. Which image knows the label?")
    if jointly < alone - 0.09:
        raise NotYet("That gap belongs to redundant labels. What did you set `composition` to?")
    if jointly > alone + 0.05:
        raise NotYet("Which of the two numbers is the probe's? It comes second.")
    return "Compare the gap with that of redundant labels at the same noise."


@exercise(
    "ex-remedy",
    "two accuracies of a linear probe on the right encoder, as shares: of the joint model, and of "
    "the one with a loss for each modality, at the strongest noise",
)
def remedy(answer: Any) -> str:
    """A residual of its own helps the right encoder."""
    before, after = _shares(answer)
    if after < before - 0.03:
        raise NotYet("Which of the two models has the additional losses? It comes second.")
    if after < before + 0.03:
        raise NotYet('Does the loss of each classifier reach its encoder? What is in "total"?')
    return "And what does it cost on synergistic labels?"


def _shares(answer: Any) -> tuple[float, float]:
    first, second = array(answer, 2)
    if min(first, second) < 0 or max(first, second) > 1:
        raise NotYet("An accuracy is a share between 0 and 1.")
    return first, second
