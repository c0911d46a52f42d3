"""Chapter 1, *Why fusion is not addition*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import array, choice, number, same
from mmfuse_lib.course.registry import NotYet, exercise

XOR = np.array([[0, 1], [1, 0]])


@exercise(
    "ex-three-of-four",
    "an array of shape (2, 2): row m holds what modality m adds to the score of class 1 minus that "
    "of class 0, for the bits 0 and 1",
)
def three_of_four(answer: Any) -> str | None:
    """Three of the four pairs are right; four cannot be."""
    first, second = array(answer, 2, 2)
    margin = first[:, None] + second
    if (margin == 0).any():
        raise NotYet("On some pair your two classes tie. Which one does the model name?")
    right = int(((margin > 0) == XOR).sum())
    if right < 3:
        raise NotYet(f"Your model is right on {right} of the four pairs.")
    return "Now its cross-entropy: is it below that of a model that always says one half?"


@exercise(
    "ex-other-averages",
    "four truth values: whether part 1 applies to averaged probabilities, part 1 to votes, part 2 "
    "to averaged probabilities, and part 2, as it stands, to votes",
)
def other_averages(answer: Any) -> None:
    """Part 1 is about any sum; part 2 is about a loss that votes make infinite."""
    found = array(answer, 4)
    if found[:2].min() < 1:
        raise NotYet("What does the proof of part 1 ask of the terms that are added?")
    if found[2] != 1:
        raise NotYet("Is minus the logarithm of an averaged probability convex?")
    if found[3] != 0:
        raise NotYet("What is the loss of a sample whose true class gets no vote?")


@exercise("ex-without-cue", "the best accuracy that any model of both images can have")
def without_cue(answer: Any) -> None:
    """The most frequent label of each pair of digits, when nobody knows the rule."""
    k = 4
    a, b, y = np.indices((k, k, k))
    rules = [(a == b) & (a == y), a == y, b == y, (a + b) % k == y]
    p = sum(rule / rule.sum() for rule in rules) / 4
    found = number(answer)
    if found <= 1 / k:
        raise NotYet("A model that does not look at all is right once in four times.")
    same(
        found,
        p.max(axis=-1).sum(),
        within=0.01,
        otherwise="For one pair of digits, which labels can occur, and how often does each?",
    )


@exercise("ex-harder-synergy", "the name of the fusion that stays at chance on S, as a string")
def harder_synergy(answer: Any) -> None:
    """A sum never learns it."""
    if choice(answer, ("concat", "film", "gated", "sum")) != "sum":
        raise NotYet("In which of the four do the modalities never meet?")
