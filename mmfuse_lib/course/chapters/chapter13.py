"""Chapter 13, *Bring your own data and encoder*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, returned, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise(
    "ex-own-three",
    "the five shares R, U1, U2, U3 and S for the chances `c`, three numbers",
    arguments="c",
)
def own_three(answer: Any) -> None:
    """What two witnesses share counts as redundant."""
    for c in ((0.9, 0.8, 0.1), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.5, 0.3, 0.6)):
        chances = np.array(c)
        others = [np.prod(np.delete(1 - chances, m)) for m in range(3)]
        unique, synergy = chances * others, np.prod(1 - chances)
        truth = np.array([1 - synergy - unique.sum(), *unique, synergy])
        found = array(returned(answer, chances, shown=f"c = {c}"), 5, what="the report")
        if abs(found.sum() - 1) > 1e-6:
            raise NotYet(f"For c = {c} the shares sum to {found.sum():.3f}.")
        if np.allclose(found[0], np.prod(chances)) and not np.allclose(found, truth):
            raise NotYet(f"For c = {c}: where do samples go on which only two witnesses agree?")
        same(found, truth, otherwise=f"It is wrong for c = {c}.")
