"""Chapter 15, *Ask a finished model*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, number, returned, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise(
    "ex-ask-corners",
    "the four reports among `k` classes with luck left in, a row a rule, each R, U1, U2, S",
    arguments="k",
)
def ask_corners(answer: Any) -> None:
    """Stays of an ideal model, multiplied out."""
    for k in (4, 2, 7):
        found = array(returned(answer, k, shown=f"k = {k}"), 4, 4)
        first, second = np.array([1, 1, 1 / k, 1 / k]), np.array([1, 1 / k, 1, 1 / k])
        right = np.stack(
            [
                first * second,
                first * (1 - second),
                (1 - first) * second,
                (1 - first) * (1 - second),
            ],
            axis=1,
        )
        if np.allclose(found, np.eye(4)):
            raise NotYet(
                "These are the reports without luck. What is a synergistic sample given when luck "
                "is left in?"
            )
        if np.allclose(found[:, [0, 2, 1, 3]], right):
            raise NotYet(misconception="sources-swapped")
        same(
            found,
            right,
            otherwise=f"It is wrong for k = {k}. How often does a decision stay if the image that "
            "is kept says nothing?",
        )


@exercise(
    "ex-ask-effects",
    "the main effect of modality 1, that of modality 2, and their interaction",
    arguments="v0, v1, v2, v12",
)
def ask_effects(answer: Any) -> None:
    """InterSHAP with two modalities."""
    for v in ((0.25, 1.0, 0.25, 1.0), (0.1, 0.4, 0.3, 0.9)):
        empty, one, two, both = v
        found = array(returned(answer, *v, shown=f"v = {v}"), 3)
        right = np.array([one - empty, two - empty, both - one - two + empty])
        shapley = right[:2] + right[2] / 2
        if np.allclose(found[:2], shapley) and not np.allclose(found[:2], right[:2]):
            raise NotYet(
                "Your first two are Shapley values: they hold half of the interaction each. What "
                "does a modality do by itself?"
            )
        if np.allclose(found, [*right[:2], -right[2]]) and right[2]:
            raise NotYet(
                "Try XOR, where no modality does anything by itself. Which sign do you get?"
            )
        same(found, right, otherwise=f"It is wrong for v = {v}. Do the three sum to v12 - v0?")


@exercise(
    "ex-ask-cost",
    "the number of samples that the model is asked about",
    arguments="n, modalities, partners, background",
)
def ask_cost(answer: Any) -> None:
    """Rows of all coalitions."""
    for asked in ((10, 2, 4, 100), (7, 3, 16, 50), (5, 4, 2, 20)):
        n, modalities, partners, background = asked
        shown = ", ".join(
            f"{name} = {value}"
            for name, value in zip(
                ("n", "modalities", "partners", "background"), asked, strict=True
            )
        )
        found = number(returned(answer, *asked, shown=shown), what="the number")
        right = n * (1 + partners * (2**modalities - 2)) + background
        if found == n * (1 + partners * modalities) + background != right:
            raise NotYet(
                f"For {shown} you keep one modality at a time. Which sets are left out of that?"
            )
        same(
            found,
            right,
            otherwise=f"It is wrong for {shown}. Which sets are kept, and what else is asked once?",
        )
