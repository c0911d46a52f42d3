"""Chapter 5, *Measuring it from data*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, number, same, table
from mmfuse_lib.course.registry import NotYet, exercise
from mmfuse_lib.information import decompose, mutual_information


@exercise(
    "ex-how-many",
    "two numbers of samples: for two modalities, and for the joint information of three",
)
def how_many(answer: Any) -> None:
    """From the leading term of the bias."""
    found = array(answer, 2)
    truth = np.array([9**2, 10**3 - 1]) * 5 / (2 * 0.05 * np.log(2))
    if np.allclose(found, truth * np.log(2), rtol=0.02):
        raise NotYet(misconception="nats-for-bits")
    for value, right, which in zip(found, truth, ("two", "three"), strict=True):
        if abs(value / right - 1) > 0.02:
            raise NotYet(f"For {which} modalities: which term of the bias counts these cells?")


@exercise("ex-one-coin", "the mean of the plug-in entropy of two tosses, in bits")
def one_coin(answer: Any) -> None:
    """Half of the time the tosses agree."""
    same(
        number(answer),
        0.5,
        mistakes={"nats-for-bits": 0.5 * np.log(2)},
        otherwise="What is the plug-in entropy if the tosses agree, and if they differ?",
    )


@exercise("ex-coarse", "an array of shape (2, 4): R, U1, U2 and S before and after the clustering")
def coarse(answer: Any) -> None:
    """The atom of the source that was not clustered rises."""
    before = np.zeros((3, 3, 3))
    before[range(3), range(3), range(3)] = 1 / 3
    after = np.concatenate([before[:1], before[1:].sum(axis=0, keepdims=True)])
    truth = np.array([decompose(before).atoms, decompose(after).atoms])
    same(
        array(answer, 2, 4),
        truth,
        within=2e-3,
        mistakes={"nats-for-bits": truth * np.log(2), "sources-swapped": truth[:, [0, 2, 1, 3]]},
        otherwise="After the clustering, which source is a garbling of the other?",
    )


@exercise("ex-test", "the smallest possible p-value with 39 shuffles")
def test_of_significance(answer: Any) -> None:
    """The real value counts as one of the ranks."""
    same(
        number(answer),
        1 / 40,
        within=1e-4,
        otherwise="How many values are ranked, with the real one among them?",
    )


@exercise("ex-sum", "the four atoms R, U1, U2 and S in bits, for noise of variance 1")
def synergy_of_a_sum(answer: Any) -> None:
    """One source explains a third of the variance, both explain two thirds."""
    one, both = 0.5 * np.log2(3 / 2), 0.5 * np.log2(3)
    truth = np.array([one, 0, 0, both - one])
    same(
        array(answer, 4),
        truth,
        within=2e-3,
        mistakes={
            "nats-for-bits": truth * np.log(2),
            "dependence-is-redundancy": [0, one, one, both - 2 * one],
            "synergy-is-gain": [0, one, one, both - one],
        },
        otherwise="Which share of the variance does one source explain, and which do both?",
    )


@exercise("ex-vacuous", "a table `p[x1, x2, y]` for which R - I(X1;X2) is more than 0.3 bits")
def vacuous(answer: Any) -> None:
    """The bound is largest for redundant, independent sources."""
    p = table(answer, -1, -1, -1)
    between = mutual_information(p.sum(axis=2))
    bound = decompose(p).redundancy - between
    if bound <= 0.3:
        reason = "your sources know each other" if between > 0.01 else "R is small, too"
        raise NotYet(f"R - I(X1;X2) of your table is {bound:.3f} bits: {reason}.")
