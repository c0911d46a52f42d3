r"""Readings: what other explainers report, as R, U1, U2 and S.

None of them claims these four. A reading is **ours**: a step of its own, so that it can be argued
with apart from the explainer.

* **Effects** (InterSHAP, SHAPE). What a modality does by itself, :math:`\phi_{mm} = v_m -
  v_\emptyset`, counts twice what both could have done. A negative interaction is that overlap, a
  positive one is what neither does alone: :math:`R = \max(-\phi_{12}, 0)`,
  :math:`S = \max(\phi_{12}, 0)`, :math:`U_m = \max(\phi_{mm} - R, 0)`.
* **Shares** (MM-SHAP): :math:`U_m` is the share of m. It has no word for R and S.
* **Additive parts** (EMAP): :math:`U_m` is how far the modality's own part moves the decision,
  S how far the rest does. It has no word for R.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import INTERACTIONS
from mmfuse_lib.explanations.posthoc.coalitions import Array
from mmfuse_lib.explanations.posthoc.projection import Projection


def read_effects(first: Array, second: Array, interaction: Array) -> pd.DataFrame:
    """Read two main effects and an interaction as R, U1, U2, S.

    Parameters
    ----------
    first, second, interaction : ndarray, shape (N,)
        Columns of `intershap`, or entries of `shape`.

    Returns
    -------
    DataFrame
        A row a sample; each sums to 1, or is even where there is no effect.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib.explanations import read_effects
    >>> copies, xor = (0.5, 0.5, -0.5), (0.0, 0.0, 0.5)
    >>> read_effects(*np.array([copies, xor]).T).to_numpy().tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    overlap = np.maximum(-interaction, 0)
    own = [np.maximum(effect - overlap, 0) for effect in (first, second)]
    return _as_shares(overlap, *own, np.maximum(interaction, 0))


def read_shares(shares: pd.DataFrame) -> pd.DataFrame:
    """Read the shares of two modalities, from `mm_shap`, as U1 and U2; R and S are 0.

    Raises
    ------
    DataError
        If there are not two modalities.
    """
    if shares.shape[1] != 2:
        raise DataError(f"two modalities are read as U1 and U2, got {list(shares)}")
    nothing = np.zeros(len(shares))
    first, second = shares.to_numpy(dtype=np.float64).T
    return _as_shares(nothing, first, second, nothing)


def read_projection(found: Projection) -> pd.DataFrame:
    """Read the parts of `emap` as U1, U2 and S: absolute values, for the output decided for."""
    rows, columns = np.arange(len(found.outputs)), found.outputs.argmax(axis=1)
    rest = (found.outputs - found.projected)[rows, columns]
    first, second = (np.abs(part[rows, columns]) for part in found.parts)
    return _as_shares(np.zeros(len(rest)), first, second, np.abs(rest))


def _as_shares(*columns: Array) -> pd.DataFrame:
    """Return columns R, U1, U2, S whose rows sum to 1; a row of zeros becomes even."""
    report = np.stack(columns, axis=1)
    total = report.sum(axis=1, keepdims=True)
    even = np.full_like(report, 1 / len(INTERACTIONS))
    shares = np.divide(report, total, out=even, where=total > 1e-12)
    return pd.DataFrame(shares, columns=list(INTERACTIONS))
