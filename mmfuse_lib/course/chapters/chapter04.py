"""Chapter 4, *Splitting information*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import Array, array, returned, same, table
from mmfuse_lib.course.registry import NotYet, exercise
from mmfuse_lib.information import ATOMS, decompose, entropy, mutual_information

REDUNDANT_HALF = np.array([0.5, 0.0, 0.0, 0.5])


@exercise("ex-copies", "three numbers in bits: R, U1 and U2")
def copies(answer: Any) -> None:
    """The worse copy is a garbling of the better one."""
    better, worse = 1 - entropy([0.1, 0.9]), 1 - entropy([0.2, 0.8])
    truth = np.array([worse, better - worse, 0])
    same(
        array(answer, 3),
        truth,
        within=2e-3,
        mistakes={
            "nats-for-bits": truth * np.log(2),
            "sources-swapped": truth[[0, 2, 1]],
            "dependence-is-redundancy": [0, better, worse],
        },
        otherwise="Which of the two is a garbling of the other, and which atom does that settle?",
    )


@exercise("ex-and-by-hand", "H(Y|X1,X2) in bits, for q(1,1,0) = u", arguments="u")
def and_by_hand(answer: Any) -> str:
    """Only the pair (1, 1) leaves the label open."""
    for u in (0.25, 0.1, 0.01, 0.2):
        truth = (u + 0.25) * entropy([u / (u + 0.25), 0.25 / (u + 0.25)])
        found = array(returned(answer, u, shown=f"u = {u}"), what="the entropy")
        same(
            found,
            truth,
            mistakes={"nats-for-bits": truth * np.log(2)},
            otherwise=f"It is wrong for u = {u}. Which pairs leave the label open, and how often "
            "does each of them occur?",
        )
    return "At which end of the range of u is it largest, and which atoms does that give?"


@exercise(
    "ex-subtitles",
    "R, U1, U2 and S for I(X1;Y) = i1 and I(X2;Y) = i2, where X1 is computed from X2",
    arguments="i1, i2",
)
def subtitles(answer: Any) -> None:
    """What is computed from the other source adds nothing."""
    for i1, i2 in ((0.3, 0.7), (0.0, 0.4), (0.5, 0.5)):
        shown = f"i1 = {i1} and i2 = {i2}"
        found = array(returned(answer, i1, i2, shown=shown), 4, what="the four atoms")
        same(
            found,
            [i1, 0, i2 - i1, 0],
            mistakes={"sources-swapped": [i1, i2 - i1, 0, 0]},
            otherwise=f"It is wrong for {shown}. How much does the pair know that X2 does not?",
        )


@exercise("ex-half", "a table `p[x1, x2, y]` with U1 = U2 = 1/2 bit and R = S = 0")
def half(answer: Any) -> None:
    """Any table will do whose atoms are these."""
    p = table(answer, -1, -1, -1)
    atoms = decompose(p).atoms
    if np.allclose(atoms, REDUNDANT_HALF, atol=1e-3):
        raise NotYet(misconception="equal-amounts")
    for name, atom, wanted in zip(ATOMS, atoms, (0, 0.5, 0.5, 0), strict=True):
        if abs(atom - wanted) > 1e-3:
            raise NotYet(f"{name} of your table is {atom:.3f} bits.")


@exercise(
    "ex-certificate",
    "the factors of (c), two coins with the label y = 2 x1 + x2: an array `f[m, x, y]` of shape "
    "(2, 2, 4)",
)
def certificate(answer: Any) -> None:
    """Valid, and it proves the whole of two bits."""
    first, second = factors = array(answer, 2, 2, 4)
    if factors.min() < 0:
        raise NotYet("A factor is negative.")
    sums = np.einsum("ay,by->ab", first, second)
    if sums.max() > 1 + 1e-9:
        a, b = np.unravel_index(sums.argmax(), sums.shape)
        raise NotYet(f"For x1 = {a} and x2 = {b} the scores of all labels sum to more than 1.")
    coins = np.eye(4).reshape(2, 2, 4) / 4
    with np.errstate(divide="ignore"):
        scores = np.log2(np.maximum(first[:, None] * second, 0))
    proved = 2 + float((coins[coins > 0] * scores[coins > 0]).sum())
    if proved < 2 - 1e-6:
        raise NotYet("It is valid, and proves less than 2 bits. Which sums are not yet 1?")


@exercise("ex-mixture", "the four atoms R, U1, U2 and S of the data set, in units of its two bits")
def mixture(answer: Any) -> None:
    """The right image is the left one, now and then forgetting."""
    shares = np.array([0.4, 0.3, 0.1, 0.2])
    lesser = shares[1:3].min()
    truth = shares + lesser * np.array([1, -1, -1, 1])
    same(
        array(answer, 4),
        truth,
        within=1e-3,
        mistakes={
            "mean-of-samples": shares,
            "sources-swapped": truth[[0, 2, 1, 3]],
        },
        otherwise="In what share of the samples does each image know the label? Which of the two "
        "could be made from the other?",
    )


@exercise(
    "ex-merge",
    "a table `p[x1, x2, y]` in which the first two values of X1 have the same p(y|x1), and merging "
    "them lowers S",
)
def merge(answer: Any) -> None:
    """An example that shows that S can change."""
    p = table(answer, -1, -1, -1)
    if len(p) < 2:
        raise NotYet("X1 needs two values to merge.")
    rows = p.sum(axis=1)[:2]
    if rows.sum(axis=1).min() < 1e-9:
        raise NotYet("One of the first two values of X1 never occurs.")
    given = rows / rows.sum(axis=1, keepdims=True)
    if not np.allclose(*given):
        raise NotYet("The first two values of X1 differ in p(y|x1).")
    merged = np.concatenate([p[:2].sum(axis=0, keepdims=True), p[2:]])
    if _synergy(p) - _synergy(merged) < 1e-3:
        raise NotYet("Merging does not change S of your table. In which gate is X1 alone useless?")


def _synergy(p: Array) -> float:
    if p.shape[0] == 1:
        return float(mutual_information(p) - mutual_information(p, x=1))
    return float(decompose(p).synergy)
