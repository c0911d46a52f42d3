"""Chapter 8, *A part for every interaction*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import choice, number, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise("ex-price", "what the KL term charges, in nats")
def price(answer: Any) -> None:
    """The closed form, for either mean."""
    truth = 0.5 * (1 + 0.1 - 1 - np.log(0.1))
    found = number(answer)
    if abs(found - truth / np.log(2)) < 2e-3:
        raise NotYet("That would be right in bits; the exercise asks for nats.")
    if abs(found - np.log(2)) < 2e-3:
        raise NotYet("That is what the bit is worth. What does the KL term charge for it?")
    same(
        found,
        truth,
        within=5e-3,
        otherwise="The closed form has a mean, a variance and a logarithm: which is which here?",
    )


@exercise(
    "ex-empty",
    'the name of the term that punishes an empty R: "alignment", "KL", "task" or "variance"',
)
def empty(answer: Any) -> None:
    """Nothing but the label notices."""
    if choice(answer, ("alignment", "KL", "task", "variance")) != "task":
        raise NotYet("What does that term charge if R is pure noise, whatever the inputs?")


@exercise("ex-half-a-kind", 'the coordinate that R keeps: "X0", "X1" or "X2"')
def half_a_kind(answer: Any) -> None:
    """What both can compute."""
    if choice(answer, ("X0", "X1", "X2")) != "X0":
        raise NotYet("Can both v_1 and v_2 compute the distribution of that coordinate?")
