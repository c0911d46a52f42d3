"""Chapter 11, *Real data tour*."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmfuse_lib.course.answers import Array, array, returned, same
from mmfuse_lib.course.registry import NotYet, exercise
from mmfuse_lib.information import decompose


@exercise("ex-how-many-sensors", "two numbers of samples: for 27 classes and for two")
def how_many_sensors(answer: Any) -> None:
    """Solve the bound for N."""
    truth = np.array([49 * 26, 49]) / (2 * 0.05 * np.log(2))
    found = array(answer, 2)
    if np.allclose(found, truth * np.log(2), rtol=0.02):
        raise NotYet(misconception="nats-for-bits")
    if np.abs(found / truth - 1).max() > 0.03:
        raise NotYet("How many free cells has a table of eight by eight, for each label?")


@exercise(
    "ex-witnesses",
    "R, U1, U2 and S in bits, for witnesses that err with probability `eps`",
    arguments="eps",
)
def witnesses(answer: Any) -> None:
    """The atoms of two independent witnesses."""
    for eps in (0.0, 0.5, 0.1, 0.3):
        truth = decompose(_table(eps)).atoms
        shown = f"eps = {eps}"
        found = array(returned(answer, eps, shown=shown), 4, what="the four atoms")
        same(
            found,
            truth,
            within=1e-4,
            mistakes={"nats-for-bits": truth * np.log(2)},
            otherwise=f"It is wrong for {shown}. What does one witness tell of the label?",
        )


@exercise(
    "ex-within",
    "the table `p[x1, x2, y]` that the samples come from after x2 was shuffled within the classes",
    arguments="p",
)
def within(answer: Any) -> None:
    """Within a class the sources become independent."""
    rng = np.random.default_rng(0)
    for shape in ((2, 2, 2), (3, 2, 4)):
        p = rng.dirichlet(np.ones(np.prod(shape))).reshape(shape)
        truth = p.sum(axis=1)[:, None] * p.sum(axis=0) / p.sum(axis=(0, 1))
        shown = f"a random table of shape {shape}"
        found = array(returned(answer, p, shown=shown), *shape, what="the table")
        if np.allclose(found, p.sum(axis=2)[..., None] * p.sum(axis=(0, 1))):
            raise NotYet("That is what shuffling the labels gives. What stays together here?")
        same(found, truth, otherwise=f"It is wrong for {shown}. Do the pairwise tables stay?")


def _table(eps: float) -> Array:
    witness = np.array([[1 - eps, eps], [eps, 1 - eps]])
    joint: Array = np.einsum("ay,by->aby", witness, witness) / 2
    return joint
