r"""Partial information decomposition: how much of I(X1,X2;Y) is R, U1, U2 and S.

Williams & Beer (2010) split what two sources tell about a label into four atoms:

.. math:: R + U_1 = I(X_1;Y), \quad R + U_2 = I(X_2;Y), \quad R + U_1 + U_2 + S = I(X_1,X_2;Y).

Three equations for four unknowns: a fourth has to say what redundancy is. `decompose` offers four:

``"broja"``
    Bertschinger et al. (2014): unique information is what no dependence between the sources could
    explain away, :math:`U_1 = \min_{q\in D_p} I_q(X_1;Y|X_2)` (`mmfuse_lib.information.broja`).
``"imin"``
    Williams & Beer (2010): the mean over y of the smaller specific information.
``"mmi"``
    Minimum mutual information: :math:`R = \min(I(X_1;Y), I(X_2;Y))` (Bertschinger et al. 2013).
``"pointwise"``
    Finn & Lizier (2018): redundancy outcome by outcome (`mmfuse_lib.information.pointwise`). Its
    atoms may be negative.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfuse_lib.core.errors import check_names, check_numbers
from mmfuse_lib.information.atoms import Atoms, atoms_from_redundancy
from mmfuse_lib.information.broja import (
    independent_given_label,
    maximal_coupling,
    minimise,
    negative_conditional_entropy,
)
from mmfuse_lib.information.distributions import as_distribution
from mmfuse_lib.information.pointwise import mean_pointwise_redundancy

Array = NDArray[np.float64]

#: Certified gap, in bits, above which `decompose` warns. The solver aims at a hundredth of it.
TOLERANCE: Final = 1e-7

#: Probabilities below this are rounding errors of a table that sums to 1, and count as 0.
NEGLIGIBLE: Final = 1e-15


class GapWarning(RuntimeWarning):
    """The certified gap of a decomposition is larger than was asked for."""


@dataclass(frozen=True, eq=False)
class Decomposition(Atoms):
    """What two sources tell about a label, in bits.

    Attributes
    ----------
    redundancy : float
        R: what either source alone tells.
    unique : tuple of float
        (U1, U2): what only that source tells.
    synergy : float
        S: what only both together tell.
    gap : float
        Certified: no atom is further than this from its exact value. 0 for measures in closed form.
    measure : str
        The definition of redundancy.
    coupling : ndarray or None
        For ``"broja"``, the table q of shape ``(|X1|, |X2|, |Y|)`` with the pairwise tables
        of p in which the sources tell least together.
    """

    gap: float
    measure: str
    coupling: Array | None = None


@dataclass(frozen=True, eq=False)
class Decompositions(Sequence[Decomposition]):
    """Decompositions of B tables; ``self[i]`` is that of one.

    Attributes
    ----------
    atoms : ndarray, shape (B, 4)
        R, U1, U2, S of each table, in bits.
    gap : ndarray, shape (B,)
        Certified bound on the error of each table's atoms, in bits.
    measure : str
        The definition of redundancy.
    coupling : ndarray of shape (B, |X1|, |X2|, |Y|), or None
        As in `Decomposition`.
    """

    atoms: Array
    gap: Array
    measure: str
    coupling: Array | None = None

    @property
    def redundancy(self) -> Array:
        """R of each table, shape (B,)."""
        return self.atoms[:, 0]

    @property
    def unique(self) -> tuple[Array, Array]:
        """U1 and U2 of each table, each of shape (B,)."""
        return self.atoms[:, 1], self.atoms[:, 2]

    @property
    def synergy(self) -> Array:
        """S of each table, shape (B,)."""
        return self.atoms[:, 3]

    def __len__(self) -> int:
        return len(self.atoms)

    @overload
    def __getitem__(self, i: int) -> Decomposition: ...
    @overload
    def __getitem__(self, i: slice) -> "Decompositions": ...
    def __getitem__(self, i: int | slice) -> "Decomposition | Decompositions":
        coupling = None if self.coupling is None else self.coupling[i]
        if isinstance(i, slice):
            return Decompositions(self.atoms[i], self.gap[i], self.measure, coupling)
        gap = float(self.gap[i])
        return Decomposition.of(self.atoms[i], gap=gap, measure=self.measure, coupling=coupling)

    def __iter__(self) -> Iterator[Decomposition]:
        return (self[i] for i in range(len(self)))


def decompose(
    p: ArrayLike, measure: str = "broja", *, tolerance: float = TOLERANCE
) -> Decomposition:
    r"""Split I(X1,X2;Y) into redundancy, two unique parts and synergy.

    Parameters
    ----------
    p : array_like, shape (|X1|, |X2|, |Y|)
        Joint probabilities of two sources and a label.
    measure : str
        Definition of redundancy: ``"broja"``, ``"imin"``, ``"mmi"`` or ``"pointwise"``.
    tolerance : float
        Largest gap, in bits, that is accepted without a warning. Matters for ``"broja"`` alone.

    Returns
    -------
    Decomposition

    Raises
    ------
    TypeError, ValueError
        If ``p`` is not a distribution of three variables or ``tolerance`` is not positive.
    UnknownNameError
        If there is no such measure.

    Warns
    -----
    GapWarning
        If the certified gap stays above ``tolerance``.

    Notes
    -----
    `mmfuse_lib.information.pid` names the papers. With :math:`n_2 \le n_1` letters and n labels,
    time grows as :math:`n_1 n_2^2 n^3` and memory as :math:`n_1 n_2 n^2`.

    Examples
    --------
    >>> from mmfuse_lib.information import GATES, decompose
    >>> d = decompose(GATES["and"]())
    >>> print(f"R {d.redundancy:.3f}, U1 {d.unique[0]:.3f}, S {d.synergy:.3f}")
    R 0.311, U1 0.000, S 0.500
    >>> d.gap < 1e-6  # certified, bits
    True
    """
    return _decompose(as_distribution(p, ndim=3)[None], measure, tolerance)[0]


def decompose_batch(
    ps: ArrayLike, measure: str = "broja", *, tolerance: float = TOLERANCE
) -> Decompositions:
    """Decompose many tables of one shape at once, much faster than one by one.

    Parameters
    ----------
    ps : array_like, shape (B, |X1|, |X2|, |Y|)
        One distribution per table.
    measure, tolerance
        As in `decompose`.

    Returns
    -------
    Decompositions

    Raises
    ------
    TypeError, ValueError, UnknownNameError
        As in `decompose`; the message names the table.

    Warns
    -----
    GapWarning
        If the gap of a table stays above ``tolerance``.

    Examples
    --------
    >>> from mmfuse_lib.information import GATES, decompose_batch, noisy
    >>> tables = [noisy(GATES["xor"](), eps) for eps in (0, 0.1, 0.5)]
    >>> decompose_batch(tables).synergy.round(2)
    array([1.  , 0.53, 0.  ])
    """
    tables = np.asarray(ps)
    if tables.ndim != 4 or len(tables) == 0:
        raise ValueError(
            f"expected tables of shape (B, |X1|, |X2|, |Y|) with B > 0, got {tables.shape}"
        )
    return _decompose(_as_distributions(tables), measure, tolerance)


def _as_distributions(tables: NDArray[np.generic]) -> Array:
    checked = []
    for i, table in enumerate(tables):
        try:
            checked.append(as_distribution(table))
        except (TypeError, ValueError) as error:
            raise type(error)(f"table {i}: {error}") from error
    return np.stack(checked)


def _decompose(ps: Array, measure: str, tolerance: float) -> Decompositions:
    check_names("measure", [measure], ("broja", *_REDUNDANCY))
    check_numbers("(0, inf]", tolerance=tolerance)
    ps = np.where(ps < NEGLIGIBLE, 0.0, ps)
    i1, i2, i12 = _informations(ps)
    if measure == "broja":
        least, gap, coupling = _least_information(ps, i1, i2, i12, tolerance)
        atoms = atoms_from_redundancy(i1 + i2 - least, i1, i2, i12)
        return Decompositions(atoms, gap, measure, coupling)
    r = _REDUNDANCY[measure](ps, i1, i2)
    return Decompositions(atoms_from_redundancy(r, i1, i2, i12), np.zeros(len(ps)), measure)


def _informations(ps: Array) -> tuple[Array, Array, Array]:
    """Return I(X1;Y), I(X2;Y) and I(X1,X2;Y) in bits, each of shape (B,)."""
    h_y = _entropy(ps.sum(axis=(1, 2)))
    return tuple(
        np.maximum(_entropy(x.sum(axis=-1)) + h_y - _entropy(x), 0.0)
        for x in (ps.sum(axis=2), ps.sum(axis=1), ps)
    )  # type: ignore[return-value]


def _entropy(ps: Array) -> Array:
    """Return the entropy in bits of each of B tables of any one shape."""
    flat = ps.reshape(len(ps), -1)
    logarithm = np.log2(flat, out=np.zeros_like(flat), where=flat > 0)
    return np.asarray(-(flat * logarithm).sum(axis=1))


def _least_information(
    ps: Array, i1: Array, i2: Array, i12: Array, tolerance: float
) -> tuple[Array, Array, Array]:
    """Return the least I_q(X1,X2;Y) over D_p, its certified gap and the q that attains it."""
    p1, p2 = ps.sum(axis=2), ps.sum(axis=1)
    h_y = _entropy(p1.sum(axis=1))
    coupling, upper, lower = ps.copy(), i12, np.maximum(i1, i2)
    guesses = [independent_given_label] + [maximal_coupling] * (p1.shape == p2.shape)
    for guess in guesses:
        q = guess(p1, p2)
        value = h_y + negative_conditional_entropy(q) / np.log(2)
        coupling[value < upper] = q[value < upper]
        upper = np.minimum(value, upper)
    target = tolerance / 100
    open_ = upper - lower > target
    if open_.any():
        found = minimise(p1[open_], p2[open_], target * np.log(2))
        lower[open_] = np.maximum(lower[open_], h_y[open_] + found.lower / np.log(2))
        value = h_y[open_] + found.upper / np.log(2)
        better = np.flatnonzero(open_)[value < upper[open_]]
        coupling[better] = found.coupling[value < upper[open_]]
        upper[better] = value[value < upper[open_]]
    gap = np.maximum(upper - lower, 0.0)
    if (gap > tolerance).any():
        warnings.warn(
            f"{(gap > tolerance).sum()} of {len(ps)} tables have a certified gap above "
            f"{tolerance:g} bits, at most {gap.max():.1e}",
            GapWarning,
            stacklevel=4,
        )
    return np.maximum(upper, np.maximum(i1, i2)), gap, coupling


def _imin(ps: Array, i1: Array, i2: Array) -> Array:
    """Return the mean over y of the smaller specific information (Williams & Beer 2010, eq. 6)."""
    py = ps.sum(axis=(1, 2))
    smaller = np.minimum(_specific(ps.sum(axis=2), py), _specific(ps.sum(axis=1), py))
    return np.asarray((py * smaller).sum(axis=1))


def _specific(pxy: Array, py: Array) -> Array:
    """Return I(X;Y=y) = sum_x p(x|y) log2 p(y|x)/p(y), shape (B, |Y|); 0 where p(y) = 0."""
    independent = pxy.sum(axis=2)[:, :, None] * py[:, None]
    ratio = np.divide(pxy, independent, out=np.ones_like(pxy), where=pxy > 0)
    information = (pxy * np.log2(ratio)).sum(axis=1)
    return np.asarray(np.divide(information, py, out=np.zeros_like(py), where=py > 0))


#: Closed-form redundancies: (tables, I1, I2) -> R, each of shape (B,).
_REDUNDANCY: dict[str, Callable[[Array, Array, Array], Array]] = {
    "imin": _imin,
    "mmi": lambda ps, i1, i2: np.minimum(i1, i2),
    "pointwise": lambda ps, i1, i2: mean_pointwise_redundancy(ps),
}
