"""The four parts of what two sources tell about a label: what every decomposition consists of."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: Names of the atoms, in the order in which they appear everywhere.
ATOMS: Final = ("R", "U1", "U2", "S")


def atoms_from_redundancy(r: ArrayLike, i1: ArrayLike, i2: ArrayLike, i12: ArrayLike) -> Array:
    """Return R, U1, U2, S on a new last axis: what the three identities leave, given R.

    Parameters
    ----------
    r : array_like
        Redundancy, in bits.
    i1, i2, i12 : array_like
        What each source tells and what both together tell, in bits, of shapes that broadcast.

    Returns
    -------
    ndarray, shape (..., 4)
    """
    r, i1, i2, i12 = np.broadcast_arrays(r, i1, i2, i12)
    u1, u2 = i1 - r, i2 - r
    return np.stack([r, u1, u2, i12 - r - u1 - u2], axis=-1)


@dataclass(frozen=True, eq=False)
class Atoms:
    """R, U1, U2 and S in bits; `Decomposition` and `Estimate` say where they come from."""

    redundancy: float
    unique: tuple[float, float]
    synergy: float

    @classmethod
    def of(cls, atoms: ArrayLike, **rest: Any) -> Self:
        """Make one from an array R, U1, U2, S and the fields that its class adds."""
        r, u1, u2, s = np.asarray(atoms, dtype=np.float64).tolist()
        return cls(r, (u1, u2), s, **rest)

    @property
    def atoms(self) -> Array:
        """R, U1, U2, S as an array of shape (4,)."""
        return np.array([self.redundancy, *self.unique, self.synergy])

    @property
    def total(self) -> float:
        """I(X1,X2;Y), the sum of the atoms."""
        return float(self.atoms.sum())
