"""Chapter 13, *Bring your own data and encoder*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, returned, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise(
    "ex-own-validation",
    "a table of shape (2, 2), of means over random splits: in row 0 validation data are split "
    "between drawings, in row 1 between scans; each row holds the epoch that is kept, and "
    "validation minus test accuracy",
)
def own_validation(answer: Any) -> str:
    """Validation that leaks keeps a later epoch and promises more than the test gives."""
    found = array(answer, 2, 2)
    epoch, promised = found.T
    if np.abs(promised).max() > 1:
        raise NotYet("The second column holds differences of two shares, each between 0 and 1.")
    if epoch.min() < 1:
        raise NotYet("The first column holds epochs, which count from 1.")
    if promised[1] < promised[0] + 0.03:
        raise NotYet("Which of the two validations asks about drawings that were trained on?")
    if epoch[1] < epoch[0]:
        raise NotYet("When does accuracy on known drawings stop rising, and is it known here?")
    return "Which of two models would the second validation choose?"


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


@exercise(
    "ex-own-scale",
    "three mean values of R² on test data: standardised by training samples, standardised by all "
    "samples, and without standardising, with the blood columns times 1000",
)
def own_scale(answer: Any) -> str:
    """The scale costs everything; two ways to standardise hardly differ."""
    honest, careless, raw = array(answer, 3)
    if max(honest, careless, raw) > 1:
        raise NotYet("R² is at most 1, also where you would write it in per cent.")
    if raw > 0:
        raise NotYet("Does the joint model see the large numbers, or are they standardised?")
    if honest < 0.2:
        raise NotYet("Standardised columns explain more. Are blood's still as they were measured?")
    if abs(honest - careless) > 0.05:
        raise NotYet("How far do means of hundreds of samples move if others join them?")
    return "When would standardising by all samples matter more than here?"
