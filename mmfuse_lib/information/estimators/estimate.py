"""What every estimator returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmfuse_lib.information.atoms import ATOMS, Atoms

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimate(Atoms):
    """A decomposition estimated from samples, in bits.

    Attributes
    ----------
    redundancy, synergy : float
        R and S.
    unique : tuple of float
        U1 and U2.
    measure : str
        The definition that is estimated: ``"broja"`` or ``"pointwise"``, as in
        `mmfuse_lib.information.decompose`.
    interval : DataFrame or None
        Rows R, U1, U2, S, columns ``"lower"`` and ``"upper"``: what the estimator's own function
        says (a bootstrap interval, or bounds). None where it gives none.
    per_sample : DataFrame or None
        A row a sample, columns R, U1, U2, S, for pointwise estimators.
    diagnostics : mapping of str to float
        What a careful reader looks at before the atoms, such as held-out losses.
    """

    measure: str
    interval: pd.DataFrame | None = None
    per_sample: pd.DataFrame | None = None
    diagnostics: Mapping[str, float] = field(default_factory=dict)


def interval_table(lower: Array, upper: Array) -> pd.DataFrame:
    """Return what `Estimate.interval` holds, from the ends of R, U1, U2 and S, each (4,)."""
    return pd.DataFrame({"lower": lower, "upper": upper}, index=list(ATOMS))


def percentile_interval(replicates: Array) -> pd.DataFrame:
    """Return the 95 % percentile interval of atoms of resamples, shape (B, 4)."""
    lower, upper = np.quantile(replicates, [0.025, 0.975], axis=0)
    return interval_table(lower, upper)
