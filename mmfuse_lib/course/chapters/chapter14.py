"""Chapter 14, *The GPU lab*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, choice, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise("ex-lab-scale", "the lowest and the highest power of two by which the loss may be scaled")
def lab_scale(answer: Any) -> None:
    """What float16 can hold."""
    extremes = np.array([1e-10, 1e-2])
    with np.errstate(over="ignore"):
        scaled = {power: (extremes * 2.0**power).astype(np.float16) for power in range(32)}
    good = [power for power, s in scaled.items() if (s != 0).all() and np.isfinite(s).all()]
    lowest, highest = array(answer, 2)
    if lowest != good[0]:
        raise NotYet("Try the power below and above your lowest: is the smallest gradient zero?")
    if highest != good[-1]:
        raise NotYet("Try the power below and above your highest: is the largest one infinite?")


@exercise(
    "ex-lab-pixels", "two factors: by how much the operations grow, and the memory of the frames"
)
def lab_pixels(answer: Any) -> None:
    """Twice as high and twice as wide."""
    same(
        array(answer, 2),
        [4, 4],
        within=0.05,
        otherwise="Which factors change when a picture is twice as high and twice as wide?",
    )


@exercise("ex-lab-actors", 'which split asks about people it has never met: "clip" or "actor"')
def lab_actors(answer: Any) -> None:
    """Only the split by actors."""
    if choice(answer, ("clip", "actor")) != "actor":
        raise NotYet("How many actors are on both sides of that split?")
