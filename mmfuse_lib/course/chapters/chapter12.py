"""Chapter 12, *Reproducing the papers*."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from mmfuse_lib.course.answers import array, number, returned, same
from mmfuse_lib.course.registry import NotYet, exercise


@exercise("ex-how-many-seeds", "two numbers of seeds: for half-widths of one and of two points")
def how_many_seeds(answer: Any) -> None:
    """With the quantile of t, which depends on n."""
    found = array(answer, 2)
    for value, target in zip(found, (1, 2), strict=True):
        needed = next(n for n in range(2, 200) if _half_width(n) <= target)
        normal = int(np.ceil((stats.norm.ppf(0.975) * 3 / target) ** 2))
        if value == normal and normal != needed:
            raise NotYet("That is with the normal quantile. What does t do with so few seeds?")
        same(value, needed, otherwise=f"For {target}: does one seed less still suffice?")


@exercise("ex-grains", "the most likely number of test samples")
def grains(answer: Any) -> None:
    """The smallest that gives all four percentages."""
    found = number(answer)
    sizes = [n for n in range(10, 400) if all(_fits(f, n) for f in (71.05, 72.37, 73.68, 75.0))]
    if found in sizes[1:]:
        raise NotYet("It fits. Is there a smaller one that does?")
    if found != sizes[0]:
        raise NotYet(f"With {found:g} samples, which count gives 72.37 per cent?")


@exercise("ex-many-claims", 'how many of `m` tests say "yes" by chance, on average', arguments="m")
def many_claims(answer: Any) -> None:
    """Half of five per cent."""
    for m in (40, 61):
        found = number(returned(answer, m, shown=f"m = {m}"), what="the number")
        if abs(found - 0.05 * m) < 1e-6:
            raise NotYet("On how many sides of zero may an interval lie, and which side is yes?")
        same(found, 0.025 * m, otherwise=f"It is wrong for m = {m}: how often is zero missed?")


@exercise("ex-unlucky-twin", "the number of clips of the paper that you would rather believe")
def unlucky_twin(answer: Any) -> None:
    """The larger list scatters less."""
    found = number(answer)
    if found not in (744, 7440):
        raise NotYet("How many clips does each of the two papers test on?")
    if found != 7440:
        raise NotYet("How does the scatter of an accuracy depend on the number of clips?")


def _half_width(n: int) -> float:
    return float(3 * stats.t.ppf(0.975, n - 1) / np.sqrt(n))


def _fits(percent: float, n: int) -> bool:
    return round(100 * round(percent * n / 100) / n, 2) == percent
