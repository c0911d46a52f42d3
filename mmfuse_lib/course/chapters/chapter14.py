"""Chapter 14, *The GPU lab*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, choice, number, returned, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise(
    "ex-lab-limit",
    "the batch size at which operations and calls take equally long, for `flop` operations a "
    "pair, `calls` calls a step, `rate` operations a second and `tau` seconds a call",
    arguments="flop, calls, rate, tau",
)
def lab_limit(answer: Any) -> None:
    """Where the two terms of the roofline meet."""
    for flop, calls, rate, tau in ((3e8, 230, 6.5e12, 2e-5), (9e8, 370, 9.9e13, 1e-5)):
        shown = f"flop = {flop:g}, calls = {calls}, rate = {rate:g} and tau = {tau:g}"
        found = number(returned(answer, flop, calls, rate, tau, shown=shown), what="the size")
        truth = calls * tau * rate / flop
        if abs(found * truth - 1) < 1e-6:
            raise NotYet("Your fraction stands on its head: does it grow with the calls?")
        same(
            found / truth,
            1,
            within=0.02,  # a whole number of pairs will do
            otherwise=f"It is wrong for {shown}. Which term grows with the batch, which does not?",
        )


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
