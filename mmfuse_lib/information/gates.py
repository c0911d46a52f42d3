"""Small distributions whose interactions are known: what every measure is tried on first.

Each maker returns a table ``p[x1, x2, y]`` for fair, independent bits unless it says otherwise.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfuse_lib.information.distributions import as_distribution

Table = NDArray[np.float64]


def deterministic(sources: ArrayLike, labels: ArrayLike) -> Table:
    """Return the joint table of sources and a label that is a function of them.

    Parameters
    ----------
    sources : array_like, shape (|X1|, ..., |Xn|)
        Probability of each combination of source values.
    labels : array_like of int, same shape
        The label of each combination, counted from 0.

    Returns
    -------
    ndarray, shape (|X1|, ..., |Xn|, max(labels) + 1)

    Raises
    ------
    TypeError, ValueError
        If ``sources`` is not a distribution, or ``labels`` are not integers from 0 up in an array
        of the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib.information import deterministic, mutual_information
    >>> larger = np.maximum.outer(range(3), range(3))  # of two fair three-sided dice
    >>> p = deterministic(np.full((3, 3), 1 / 9), larger)
    >>> p.shape, round(mutual_information(p), 3)
    ((3, 3, 3), 1.352)
    """
    p = as_distribution(sources)
    y = np.asarray(labels)
    if y.dtype.kind not in "iub":
        raise TypeError(f"labels are integers, this array holds {y.dtype}")
    if y.shape != p.shape:
        raise ValueError(f"one label per combination of sources: {y.shape} is not {p.shape}")
    if y.min() < 0:
        raise ValueError(f"labels are counted from 0, got {y.min()}")
    is_label = y[..., None] == np.arange(int(y.max()) + 1)
    return np.where(is_label, p[..., None], 0.0)


def noisy(p: ArrayLike, eps: float) -> Table:
    """Pass the label through a noisy channel: with probability ``eps`` it turns into another one.

    The wrong label is drawn evenly from the others, so for two labels this is the binary
    symmetric channel (Cover & Thomas 2006, section 7.1.4).

    Parameters
    ----------
    p : array_like, shape (..., |Y|)
        Probability table, at least two labels.
    eps : float
        Probability of a wrong label, from 0 to 1.

    Returns
    -------
    ndarray
        Of the shape of ``p``.

    Raises
    ------
    TypeError, ValueError
        If ``p`` is not a distribution, has a single label, or ``eps`` is not a probability.

    Examples
    --------
    >>> from mmfuse_lib.information import GATES, mutual_information, noisy
    >>> [round(mutual_information(noisy(GATES["xor"](), eps)), 2) for eps in (0, 0.1, 0.5)]
    [1.0, 0.53, 0.0]
    """
    table = as_distribution(p)
    n_labels = table.shape[-1]
    if not 0.0 <= eps <= 1.0:
        raise ValueError(f"eps is a probability, from 0 to 1: got {eps}")
    if n_labels < 2:
        raise ValueError("a label with a single value cannot turn into another one")
    total = table.sum(axis=-1, keepdims=True)
    return np.asarray((1.0 - eps) * table + eps * (total - table) / (n_labels - 1))


def xor() -> Table:
    """Return the table of Y = X1 xor X2, shape (2, 2, 2): synergy (Williams & Beer 2010)."""
    return deterministic(_independent_bits(), [[0, 1], [1, 0]])


def and_() -> Table:
    """Return the table of Y = X1 and X2, shape (2, 2, 2): redundancy and synergy at once.

    Nothing is unique, and definitions of redundancy disagree on how much there is of each:
    Bertschinger et al. (2014), section 5; Griffith & Koch (2014).
    """
    return deterministic(_independent_bits(), [[0, 0], [0, 1]])


def or_() -> Table:
    """Return the table of Y = X1 or X2, shape (2, 2, 2): AND with every bit flipped."""
    return deterministic(_independent_bits(), [[0, 1], [1, 1]])


def copy() -> Table:
    """Return the table of Y = X1, with X2 noise, shape (2, 2, 2): one bit unique to X1."""
    return deterministic(_independent_bits(), [[0, 0], [1, 1]])


def redundant() -> Table:
    """Return the table of Y = X1 = X2, shape (2, 2, 2): RDN of Griffith & Koch (2014)."""
    return deterministic(np.eye(2) / 2, [[0, 0], [0, 1]])


def two_bit_copy() -> Table:
    """Return the table of Y = (X1, X2), shape (2, 2, 4): each source holds half of the label.

    The label is ``2 * x1 + x2``. UNQ of Griffith & Koch (2014).
    """
    return deterministic(_independent_bits(), [[0, 1], [2, 3]])


def redundant_xor() -> Table:
    """Return the table of Y = (r, a xor b) from X1 = (r, a) and X2 = (r, b), shape (4, 4, 4).

    RDNXOR of Griffith & Koch (2014). Three fair bits: both sources see r, one sees a, the other
    b. The label's first bit is redundant, its second synergistic. The values are ``2 * r + a``,
    ``2 * r + b`` and ``2 * r + (a ^ b)``.
    """
    value = np.arange(4)
    r, bit = value // 2, value % 2
    sources = (r[:, None] == r[None, :]) / 8
    return deterministic(sources, 2 * r[:, None] + (bit[:, None] ^ bit[None, :]))


def dyadic() -> Table:
    """Return the table of Y = (a, c) from X1 = (a, b) and X2 = (b, c), shape (4, 4, 4).

    Each source holds one bit of the label, and both hold a bit that has nothing to do with it.
    Every entropy of every subset of the three variables is the same as in :func:`redundant_xor`
    (James & Crutchfield 2017, who call the two dyadic and triadic). The values are ``2 * a + b``,
    ``2 * b + c`` and ``2 * a + c``.
    """
    value = np.arange(4)
    first, second = value // 2, value % 2
    sources = (second[:, None] == first[None, :]) / 8
    return deterministic(sources, 2 * first[:, None] + second[None, :])


def _independent_bits() -> Table:
    return np.full((2, 2), 0.25)


#: Name -> maker of the table, for loops over all of them.
GATES: Final[dict[str, Callable[[], Table]]] = {
    "xor": xor,
    "and": and_,
    "or": or_,
    "copy": copy,
    "redundant": redundant,
    "two_bit_copy": two_bit_copy,
    "redundant_xor": redundant_xor,
    "dyadic": dyadic,
}
