"""Means of a few repetitions, with their confidence intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from mmfuse_lib.core.errors import DataError


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the mean and the half-width of its t-interval, e.g. over seeds.

    Parameters
    ----------
    values : array_like, shape (n,)
        The repetitions.
    level : float
        Coverage of the interval.

    Returns
    -------
    mean, half_width : float
        The half-width is NaN for a single value.

    Examples
    --------
    >>> from mmfuse_lib import mean_interval
    >>> mean, half = mean_interval([0.81, 0.84, 0.78, 0.85])  # accuracy of four seeds
    >>> print(f"{mean:.2f} ± {half:.2f}")
    0.82 ± 0.05
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or len(x) == 0:
        raise DataError(f"expected a non-empty list of numbers, got shape {x.shape}")
    if len(x) == 1:
        return float(x[0]), float("nan")
    quantile = stdtrit(len(x) - 1, (1 + level) / 2)
    return float(x.mean()), float(quantile * x.std(ddof=1) / np.sqrt(len(x)))


def plus_minus(
    values: ArrayLike, digits: int = 1, *, scale: float = 1.0, sign: bool = False
) -> str:
    """Return the mean of a few repetitions and the half-width of its interval, as text.

    Parameters
    ----------
    values : array_like, shape (n,)
        Repeats.
    digits : int
        Digits after the decimal point.
    scale : float
        What both numbers are multiplied by; 100 for percent.
    sign : bool
        Whether a mean above zero is given a plus: for differences.

    Examples
    --------
    >>> plus_minus([0.81, 0.79, 0.83], scale=100)
    '81.0 ± 5.0'
    >>> plus_minus([0.2, 0.3], digits=2, sign=True)
    '+0.25 ± 0.64'
    """
    mean, half_width = (scale * x for x in mean_interval(values))
    return f"{mean:{'+' if sign else ''}.{digits}f} ± {half_width:.{digits}f}"
