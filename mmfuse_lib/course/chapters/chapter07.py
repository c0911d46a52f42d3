"""Chapter 7, *Detached, yet interactive*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, letters, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise("ex-duc-by-hand", "three numbers: the loss in nats, and the gradients of both students")
def duc_by_hand(answer: Any) -> None:
    """Downhill, the students move apart."""
    wrong = 1 / (1 + np.exp(2))
    truth = np.array([np.log1p(np.exp(-2)), -wrong, wrong])
    found = array(answer, 3)
    if np.allclose(found, truth * [1, -1, -1], atol=2e-3):
        raise NotYet("The gradients point uphill. Which way does your first student move?")
    same(
        found,
        truth,
        within=2e-3,
        mistakes={"nats-for-bits": truth / [np.log(2), 1, 1]},
        otherwise="Which four products enter, and which of them should be the largest?",
    )


@exercise(
    "ex-rotation",
    "the letters of what changes: (a) the logits, (b) the rates, (c) the effective dimensions, "
    "(d) DUC",
)
def rotation(answer: Any) -> None:
    """What looks at single coordinates, or at two modalities at once."""
    found = letters(answer, "abcd")
    if "a" in found:
        raise NotYet("What is the product of the rotated weights and the rotated features?")
    for letter, name in zip("bcd", ("a rate", "an effective dimension", "DUC"), strict=True):
        if letter not in found:
            raise NotYet(f"Does {name} look at single coordinates?")


@exercise("ex-which-detached", 'the letters of the cases that are detached, such as "ac"')
def which_detached(answer: Any) -> None:
    """Whether one encoder's gradient holds anything of the other."""
    found = letters(answer, "abcd")
    reasons = {
        "a": "In (a), whose residual reaches an encoder?",
        "c": "In (c), what stands beside the student's feature in its gradient?",
        "d": "In (d), how many losses do the parameters of the encoder serve?",
    }
    for letter in sorted(found & set(reasons)):
        raise NotYet(reasons[letter])
    if "b" not in found:
        raise NotYet("In (b), does the gradient of one encoder hold a feature of the other?")


@exercise(
    "ex-vote-xor", "on how many of the four pairs the vote is right: for tau_2 = 1, and for 0.05"
)
def vote_xor(answer: Any) -> None:
    """The surest head decides nearly alone when tau_2 is small."""
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    a, b = bits.T
    margins = np.stack([2 - 5 * a, 5 * b - 3, 2 + 2 * a - 2 * b], axis=1)
    surest = 1 / (1 + np.exp(-np.abs(margins)))
    right = []
    for tau in (1.0, 0.05):
        weights = np.exp((surest - surest.max(axis=1, keepdims=True)) / tau)
        vote = (weights * margins).sum(axis=1) > 0
        right.append(int((vote == bits.sum(axis=1) % 2).sum()))
    found = array(answer, 2)
    for value, truth, tau in zip(found, right, (1, 0.05), strict=True):
        if value != truth:
            raise NotYet(f"For tau_2 = {tau}: which head decides each pair, and how surely?")
