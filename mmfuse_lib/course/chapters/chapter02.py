"""Chapter 2, *Information in bits*."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, letters, number, returned, same
from mmfuse_lib.course.registry import NotYet, exercise
from mmfuse_lib.information import (
    GATES,
    conditional_mutual_information,
    deterministic,
    entropy,
    mutual_information,
)


@exercise("ex-diary", "the mean number of questions that your plan for two days takes")
def diary(answer: Any) -> None:
    """No plan beats the entropy, and the best one orders the cases by probability."""
    two_days = np.outer([0.9, 0.1], [0.9, 0.1]).ravel()
    found = number(answer)
    if found < entropy(two_days) - 1e-9:
        raise NotYet("Is that more or less than the entropy of two days? Can a plan do that?")
    if found > 2 + 1e-9:
        raise NotYet("Asking about each day on its own takes fewer.")
    same(
        found,
        two_days @ [1, 2, 3, 3],
        within=0.006,
        otherwise="Which case is likely enough to be asked about first, on its own?",
    )


@exercise("ex-and", "three numbers in bits: I(X1;Y), I(X1;Y|X2) and S - R")
def and_lamp(answer: Any) -> None:
    """The informations of AND."""
    gate = GATES["and"]()
    alone, given = mutual_information(gate, x=0), conditional_mutual_information(gate)
    truth = np.array([alone, given, given - alone])
    found = array(answer, 3)
    same(
        found[:2],
        truth[:2],
        within=2e-3,
        mistakes={"nats-for-bits": truth[:2] * np.log(2), "sources-swapped": truth[1::-1]},
        otherwise="What remains unknown about the lamp if a switch is down, and if it is up?",
    )
    same(
        found[2],
        truth[2],
        within=2e-3,
        otherwise="The first two are right. How do they differ from R + U1 and U1 + S?",
    )


@exercise("ex-loss", 'the letters of the statements that follow, such as "ab"')
def loss(answer: Any) -> None:
    """A loss bounds information from below and nothing else."""
    found = letters(answer, "abc")
    if "b" in found:
        raise NotYet("Which side of H(Y|X) does Fano need, and which side does a loss give?")
    if "c" in found:
        raise NotYet("Could the audio hold all of it, and merely have a worse model?")
    if "a" not in found:
        raise NotYet("A loss proves something. From which side does it bound H(Y|X)?")


@exercise(
    "ex-parity",
    "three numbers: the most that any one, any two and all three sources tell, in bits",
)
def parity(answer: Any) -> None:
    """Only all three tell anything."""
    table = deterministic(np.full((2, 2, 2), 1 / 8), np.indices((2, 2, 2)).sum(axis=0) % 2)
    most = [
        max(mutual_information(table, x=subset) for subset in combinations(range(3), size))
        for size in (1, 2, 3)
    ]
    found = array(answer, 3)
    same(
        found[:2],
        most[:2],
        otherwise="With one bit unknown, what is the parity of the others worth?",
    )
    same(found[2], most[2], otherwise="With all three bits known, what is left to ask?")


@exercise(
    "ex-point",
    "whether three informations leave R a single value, given that they are possible",
    arguments="i1, i2, i12",
)
def point(answer: Any) -> None:
    """One modality is useless, or the better one is sufficient."""
    cases = [
        ((0.0, 0.5, 0.8), True),
        ((0.3, 0.0, 0.3), True),
        ((0.3, 0.7, 0.7), True),
        ((0.7, 0.3, 0.7), True),
        ((0.5, 0.5, 0.5), True),
        ((0.5, 0.5, 1.0), False),
        ((0.3, 0.7, 0.9), False),
        ((0.3, 0.7, 1.5), False),
    ]
    for values, truth in cases:
        shown = "I1 = {}, I2 = {} and I12 = {}".format(*values)
        said = number(returned(answer, *values, shown=shown), what="what it returns")
        if bool(said) != truth:
            raise NotYet(f"Look at {shown}: which values may R have?")
