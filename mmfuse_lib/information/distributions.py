"""What counts as a probability table, and what is said when something does not."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: How far from 1 the entries of a table may sum before it is refused.
SUM_TOLERANCE = 1e-6


def as_distribution(p: ArrayLike, ndim: int | None = None) -> NDArray[np.float64]:
    """Check that ``p`` is a probability table and return it as a float64 array that sums to 1.

    A sum that is off by at most ``1e-6`` (tables typed by hand, float32 arrays) is put right by
    dividing; anything further off is taken for a mistake.

    Parameters
    ----------
    p : array_like
        Probabilities, one per combination of values: shape ``(|X1|, ..., |Xn|, |Y|)``.
    ndim : int, optional
        The number of axes that is needed, where only one will do.

    Returns
    -------
    ndarray of float64
        A new array of the same shape.

    Raises
    ------
    TypeError
        If ``p`` does not hold real numbers.
    ValueError
        If ``p`` is ragged, empty or a single number, has the wrong number of axes, has entries
        that are NaN, infinite or negative, or does not sum to 1.
    """
    table = _as_real_array(p)
    _check_shape(table, ndim)
    _check_entries(table)
    total = float(table.sum())
    if abs(total - 1.0) > SUM_TOLERANCE:
        raise ValueError(
            f"probabilities must sum to 1, these sum to {total:.7g} (divide counts by their sum)"
        )
    return table / total


def _as_real_array(p: ArrayLike) -> NDArray[np.float64]:
    """Turn ``p`` into a float64 array, refusing what would silently lose meaning."""
    try:
        array = np.asarray(p)
    except ValueError as error:
        raise ValueError(f"expected a rectangular array of probabilities: {error}") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"probabilities are real numbers, this array holds {array.dtype}")
    return array.astype(np.float64)


def _check_shape(table: NDArray[np.float64], ndim: int | None) -> None:
    if table.ndim == 0:
        raise ValueError("expected a table of probabilities, got a single number")
    if table.size == 0:
        raise ValueError(f"the table is empty: its shape is {table.shape}")
    if ndim is not None and table.ndim != ndim:
        raise ValueError(
            f"expected a table with {ndim} axes, got {table.ndim}: its shape is {table.shape}"
        )


def _check_entries(table: NDArray[np.float64]) -> None:
    for wrong, is_wrong in (("not a finite number", ~np.isfinite(table)), ("negative", table < 0)):
        if is_wrong.any():
            index = tuple(int(i) for i in np.argwhere(is_wrong)[0])
            raise ValueError(
                f"probabilities are finite and at least 0: p{list(index)} = {table[index]} "
                f"is {wrong}"
            )
