r"""The decomposition of Gaussian sources about a one-dimensional Gaussian target, in closed form.

For jointly Gaussian X and Y, Y a single number, :math:`I(X;Y) = -\tfrac12\log_2(1-\rho^2)` with
:math:`\rho^2` the share of the variance of Y that a linear regression on X explains (Cover &
Thomas 2006, section 8.5). The atoms then follow from one definition of redundancy, the smaller of
the two informations (MMI).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfuse_lib.information.pid import Decomposition

Array = NDArray[np.float64]

#: Variance, as a share of the largest or of Y's own, that counts as none.
ROUND_OFF = 1e-12


def decompose_gaussian(covariance: ArrayLike, n1: int, n2: int) -> Decomposition:
    r"""Decompose what two Gaussian sources tell about a one-dimensional target.

    Parameters
    ----------
    covariance : array_like, shape (n1 + n2 + 1, n1 + n2 + 1)
        Covariance of (X1, X2, Y); the last row and column are the target's. Features may be
        copies or sums of each other, but must not determine the target.
    n1, n2 : int
        Dimensions of X1 and X2, each at least 1.

    Returns
    -------
    Decomposition
        R = min(I1, I2), bits, ``measure="mmi"``, ``gap=0.0``; no coupling.

    Raises
    ------
    TypeError, ValueError
        If `covariance` is not the covariance of n1 + n2 + 1 real variables, Y has no variance,
        or the sources determine Y (the information is then infinite).

    Notes
    -----
    Barrett (2015): every decomposition whose R, U1 and U2 depend on the pairs (X1, Y) and (X2, Y)
    only, and are not negative, is this one. The definition of Bertschinger et al. (2014),
    ``"broja"``, is one of these, so here **MMI is BROJA**. Why: all that X_m tells about Y is the
    number T_m = E[Y|X_m], which is Y through a channel that adds Gaussian noise, and the channel
    with more noise is the other one followed by more noise. So among the joint distributions with
    the given pairs there is one in which the weaker source is a noisy copy of the stronger one's T:
    it has nothing unique, and by R + U = I all of it is redundant. For a target of several
    dimensions neither channel need be the other one with noise added, and the two definitions
    differ.

    References
    ----------
    Barrett, A. B. (2015). Exploration of synergistic and redundant information sharing in static
    and dynamical Gaussian systems. *Physical Review E* 91, 052802.

    Examples
    --------
    >>> from mmfuse_lib.information.covariance import decompose_gaussian
    >>> d = decompose_gaussian([[1, 0, 0.6], [0, 1, 0.6], [0.6, 0.6, 1]], n1=1, n2=1)
    >>> print(f"R {d.redundancy:.2f}, U {d.unique[0]:.2f}, S {d.synergy:.2f}")
    R 0.32, U 0.00, S 0.60
    """
    sigma = _as_covariance(covariance, n1, n2)
    informations = gaussian_informations(sigma, n1, n2)
    if not np.isfinite(informations).all():
        raise ValueError("the sources determine the target: the information is infinite")
    return Decomposition.of(mmi_atoms(informations), measure="mmi", gap=0.0)


def gaussian_informations(covariance: Array, n1: int, n2: int) -> Array:
    """Return I(X1;Y), I(X2;Y) and I(X1,X2;Y) in bits, for one covariance or a stack of them.

    Parameters
    ----------
    covariance : ndarray, shape (..., n1 + n2 + 1, n1 + n2 + 1)
        As in :func:`decompose_gaussian`, not checked.
    n1, n2 : int
        Dimensions of X1 and X2.

    Returns
    -------
    ndarray, shape (..., 3)
        Infinite where the target is a linear function of the sources.
    """
    d = n1 + n2
    sources = (slice(0, n1), slice(n1, d), slice(0, d))
    unexplained = np.stack([_unexplained(covariance, x) for x in sources], axis=-1)
    with np.errstate(divide="ignore"):
        return np.asarray(-0.5 * np.log2(unexplained))


def mmi_atoms(informations: Array) -> Array:
    """Return R, U1, U2, S from I(X1;Y), I(X2;Y), I(X1,X2;Y) with R = min(I1, I2), (..., 4)."""
    i1, i2, joint = np.moveaxis(informations, -1, 0)
    r = np.minimum(i1, i2)
    return np.stack([r, i1 - r, i2 - r, np.maximum(joint - np.maximum(i1, i2), 0.0)], axis=-1)


def _unexplained(covariance: Array, source: slice) -> Array:
    """Return the share of Y's variance that no linear function of `source` explains."""
    scale = np.sqrt(np.einsum("...ii->...i", covariance[..., source, source]))
    scale = np.where(scale > 0, scale, 1.0)
    correlation = covariance[..., source, source] / (scale[..., :, None] * scale[..., None, :])
    c = covariance[..., source, -1] / scale
    inverse = np.linalg.pinv(correlation, rcond=ROUND_OFF, hermitian=True)
    explained = np.einsum("...i,...ij,...j->...", c, inverse, c) / covariance[..., -1, -1]
    share = np.clip(1.0 - explained, 0.0, 1.0)
    return np.where(share < ROUND_OFF, 0.0, share)


def _as_covariance(covariance: ArrayLike, n1: int, n2: int) -> Array:
    sigma = np.asarray(covariance)
    if sigma.dtype.kind not in "fiub":
        raise TypeError(f"a covariance holds real numbers, this one holds {sigma.dtype}")
    if min(n1, n2) < 1:
        raise ValueError(f"each source has at least one dimension: got n1={n1}, n2={n2}")
    size = n1 + n2 + 1
    if sigma.shape != (size, size):
        raise ValueError(
            f"expected the covariance of {n1} + {n2} source dimensions and one target, "
            f"({size}, {size}), got {sigma.shape}"
        )
    if not np.isfinite(sigma).all():
        raise ValueError("the covariance has entries that are NaN or infinite")
    largest = float(np.abs(sigma).max())
    if not np.allclose(sigma, sigma.T, rtol=0.0, atol=1e-9 * largest):
        raise ValueError("a covariance is symmetric, this one is not")
    symmetric: Array = (sigma + sigma.T) / 2
    if sigma[-1, -1] <= 0:
        raise ValueError(f"the target needs some variance, it has {sigma[-1, -1]}")
    lowest = float(np.linalg.eigvalsh(symmetric).min())
    if lowest < -1e-9 * largest:
        raise ValueError(f"no variance is negative, this matrix has the eigenvalue {lowest:.3g}")
    return symmetric
