"""Chapter 6, *One sample at a time*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, letters, same, table
from mmfuse_lib.course.registry import NotYet, exercise
from mmfuse_lib.information import (
    GATES,
    pointwise_decomposition,
    pointwise_mutual_information,
)


@exercise(
    "ex-or-pointwise",
    "an array of shape (4, 4): r, u1, u2 and s of the samples (0,0), (0,1), (1,0) and (1,1)",
)
def or_pointwise(answer: Any) -> None:
    """The atoms of OR, two of which are negative."""
    gate = GATES["or"]()
    truth = pointwise_decomposition(gate)[gate > 0]
    same(
        array(answer, 4, 4),
        truth,
        within=2e-3,
        mistakes={
            "negative-is-bug": truth.clip(0),
            "nats-for-bits": truth * np.log(2),
            "sources-swapped": truth[:, [0, 2, 1, 3]],
        },
        otherwise="Begin with (0,1): how likely is each value among the samples with its label?",
    )


@exercise("ex-rival", "a table `p[x1, x2, y]` for which the mean of min(i1, i2) is negative")
def rival(answer: Any) -> None:
    """Sources that are often wrong, but not together."""
    p = table(answer, -1, -1, -1)
    seen = p > 0
    i1, i2 = (pointwise_mutual_information(p, x=m)[seen] for m in (0, 1))
    mean = float(p[seen] @ np.minimum(i1, i2))
    if mean >= -1e-9:
        raise NotYet(f"The mean of your table is {mean:.3f} bits. When do both views mislead?")


@exercise("ex-slack", 'the letters of the cases in which the bound is an equality, such as "ab"')
def slack(answer: Any) -> None:
    """Where label and representation leave nothing to ask about C."""
    found = letters(answer, "abcd")
    reasons = {
        "a": "In (a), do label and representation tell you how the coin fell?",
        "b": "In (b), does the label alone tell you the composition, in general?",
        "c": "In (c), what is left to ask about C once you have Z?",
        "d": "In (d), what is left to ask about C once you have Y?",
    }
    for letter in sorted(found ^ {"c", "d"}):
        raise NotYet(reasons[letter])


@exercise("ex-gate", "where the points go as T grows: the three shares (R, U, S)")
def gate_in_the_triangle(answer: Any) -> None:
    """Four equal shares, of which two are drawn as one."""
    found = array(answer, 3)
    if np.allclose(found, 1 / 3, atol=1e-2):
        raise NotYet("How many shares does the gate have, and how many of them does U hold?")
    same(found, [0.25, 0.5, 0.25], within=1e-2, otherwise="Where do four equal shares lie?")
