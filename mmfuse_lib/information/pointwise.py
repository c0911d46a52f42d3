r"""Decomposition outcome by outcome (Finn & Lizier 2018).

What an outcome :math:`x_m` tells about y is a difference of two surprises,
:math:`i(x_m;y) = h(x_m) - h(x_m|y)`: how surprising it is at all (specificity) and how surprising
it still is once y is known (ambiguity). Of each of the two, both sources have the smaller one. So

.. math:: r^+ = \min(h(x_1), h(x_2)), \quad r^- = \min(h(x_1|y), h(x_2|y)), \quad r = r^+ - r^-,

:math:`u_m = i(x_m;y) - r` and :math:`s = i(x_1,x_2;y) - r - u_1 - u_2`. All of them can be
negative: an outcome may mislead.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfuse_lib.information.atoms import atoms_from_redundancy
from mmfuse_lib.information.distributions import as_distribution

Array = NDArray[np.float64]


def pointwise_decomposition(p: ArrayLike) -> Array:
    """Split i(x1,x2;y) of every outcome into R, U1, U2 and S.

    Parameters
    ----------
    p : array_like, shape (|X1|, |X2|, |Y|)
        Joint probabilities of two sources and a label.

    Returns
    -------
    ndarray, shape (|X1|, |X2|, |Y|, 4)
        Bits, of either sign; NaN where an outcome cannot happen. The mean over outcomes,
        ``atoms[p > 0].T @ p[p > 0]``, is ``decompose(p, measure="pointwise").atoms``.

    Raises
    ------
    TypeError, ValueError
        If ``p`` is not a distribution of three variables.

    Notes
    -----
    Finn & Lizier (2018), "Pointwise partial information decomposition using the specificity and
    ambiguity lattices", Entropy 20(4), 297.

    Examples
    --------
    >>> from mmfuse_lib.information import GATES, pointwise_decomposition
    >>> pointwise_decomposition(GATES["xor"]())[0, 1, 1]  # R, U1, U2, S of 0 xor 1 = 1
    array([0., 0., 0., 1.])
    """
    table = as_distribution(p, ndim=3)
    h1, h2, h1_y, h2_y, h_y, h12_y = _surprisals(table[None])
    i12 = h_y - h12_y
    atoms: Array = pointwise_atoms(h1, h2, h1 - h1_y, h2 - h2_y, i12)[0]
    return atoms


def pointwise_atoms(
    h1: ArrayLike, h2: ArrayLike, i1: ArrayLike, i2: ArrayLike, i12: ArrayLike
) -> Array:
    """Return R, U1, U2, S on a new last axis, from surprises and pointwise informations.

    Parameters
    ----------
    h1, h2 : array_like
        Surprise -log2 p(x_m) of what each source shows; a density will do.
    i1, i2, i12 : array_like
        Pointwise informations i(x1;y), i(x2;y), i(x1,x2;y), in bits, of the same shape.

    Returns
    -------
    ndarray, shape (..., 4)

    Examples
    --------
    >>> from mmfuse_lib.information import pointwise_atoms
    >>> pointwise_atoms(h1=1, h2=1, i1=1, i2=1, i12=1)  # two copies of the label
    array([1., 0., 0., 0.])
    """
    h1, h2, i1, i2, i12 = (np.asarray(a, dtype=np.float64) for a in (h1, h2, i1, i2, i12))
    r = np.minimum(h1, h2) - np.minimum(h1 - i1, h2 - i2)
    return atoms_from_redundancy(r, i1, i2, i12)


def published_adjustment(atoms: ArrayLike) -> Array:
    r"""Move the atoms of all samples as the code released with LSMI does.

    One number c is added to R and S of every sample and taken off U1 and U2, so that the sums that
    are informations stay as they are. The first of these cases that applies says which:

    1. The mean of R or S is negative: :math:`c = -\min(\bar r, \bar s)`, and the smaller of the
       two becomes 0. U1 or U2 may become negative by it, and stays so.
    2. The mean of U1 or U2 is negative: :math:`c = \min(\bar u_1, \bar u_2)`, and the smaller of
       the two becomes 0. R or S may become negative by it, and stays so.
    3. Else c = 0.

    Parameters
    ----------
    atoms : array_like, shape (N, 4)
        R, U1, U2, S of each sample.

    Returns
    -------
    ndarray, shape (N, 4)

    Raises
    ------
    ValueError
        If the shape is another, or there are no samples.

    Notes
    -----
    After the second case R is the smaller of the two means of :math:`i_1` and :math:`i_2`, whatever
    the surprises were. The rule is that of the code (https://github.com/GeWu-Lab/LSMI_Estimator,
    `main_lsmi.py`) of Yang et al. (2025).

    Examples
    --------
    >>> from mmfuse_lib.information import published_adjustment
    >>> published_adjustment([[1.0, 0.0, -0.5, 0.5]])  # U2 is negative: it becomes 0, R and S pay
    array([[0.5, 0.5, 0. , 0. ]])
    """
    array = np.asarray(atoms, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 4 or len(array) == 0:
        raise ValueError(f"expected R, U1, U2, S of each sample, (N, 4), got {array.shape}")
    r, u1, u2, s = array.mean(axis=0)
    c = -min(r, s) if min(r, s) < 0 else min(u1, u2, 0.0)
    return np.asarray(array + c * np.array([1.0, -1.0, -1.0, 1.0]))


def mean_pointwise_redundancy(ps: Array) -> Array:
    """Return the mean of r over the outcomes of each of B tables, in bits."""
    h1, h2, h1_y, h2_y, *_ = _surprisals(ps)
    r = np.minimum(h1, h2) - np.minimum(h1_y, h2_y)
    return np.asarray(np.where(ps > 0, ps * r, 0.0).sum(axis=(1, 2, 3)))


def _surprisals(ps: Array) -> tuple[Array, ...]:
    """Return h(x1), h(x2), h(x1|y), h(x2|y), h(y), h(y|x1,x2): NaN for impossible outcomes."""

    def h(*summed: int) -> Array:
        marginal = np.broadcast_to(ps.sum(axis=summed, keepdims=True), ps.shape)
        return np.asarray(-np.log2(marginal, out=np.full(ps.shape, np.nan), where=ps > 0))

    x1, x2, y = 1, 2, 3  # what is summed out: the rest is what is asked about
    h_y = h(x1, x2)
    return h(x2, y), h(x1, y), h(x2) - h_y, h(x1) - h_y, h_y, h() - h(y)
