"""Chapter 3, *Modality competition*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, returned, same
from mmfuse_lib.course.registry import exercise


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
