r"""Ours: who could have known it alone, asked of one finished model.

Let :math:`c_m` be how often the model's decision stays when every modality but m is taken from
likely partners, and e how often the decision is made at all, over the background. A decision that
is common stays by luck, so luck is taken off, as Cohen's kappa does:

.. math:: q_m = \max\Bigl(0, \frac{c_m - e}{1 - e}\Bigr), \quad
          U_m = q_m \prod_{j \ne m} (1 - q_j), \quad S = \prod_m (1 - q_m), \quad
          R = 1 - S - \sum_m U_m .

It is the report of `mmfuse_lib.methods.ThreeModels`, with one model in place of three, and without
luck. Where more than two modalities are given, R holds what any two or more of them could have
known. A model that always decides alike needs nobody: its decisions count as R.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.explanations.posthoc.coalitions import (
    Coalitions,
    Encode,
    Partners,
    Predict,
    ask,
)
from mmfuse_lib.methods.base import Method


def explain(
    model: Method | Predict,
    data: MultimodalData,
    background: MultimodalData,
    *,
    partners: Partners = "likely",
    n_partners: int = 64,
    encode: Encode | None = None,
    seed: int = 0,
    show: bool = False,
) -> pd.DataFrame:
    """Report R, U1 .. Un and S of a finished model's decisions, one row a sample.

    Parameters
    ----------
    model : Method or callable
        A trained method, or any function from a dictionary of inputs to outputs ``(B, K)``, K > 1,
        of which the largest is the decision.
    data, background, partners, n_partners, encode, seed, show
        As in `ask`.

    Returns
    -------
    DataFrame
        Columns R, U1 .. Un, S in the order of the modalities; each row sums to 1. A share is no
        probability: it says how often decisions stayed beyond luck, not how often a kind decides.

    Raises
    ------
    DataError
        If the model predicts a number or several labels: there is no decision to stay.

    Examples
    --------
    >>> from mmfuse_lib import data, fit, methods
    >>> from mmfuse_lib.explanations import explain
    >>> train, val, test = data.load("digit_pairs", seed=0, n_train=400, n_test=50)
    >>> model = methods.JointFusion.for_data(train, dim=16, seed=0)
    >>> _ = fit(model, train, val, epochs=2, seed=0, progress=False)
    >>> report = explain(model, test, train, n_partners=16)
    >>> list(report), bool(report.sum(axis=1).round(6).eq(1).all())
    (['R', 'U1', 'U2', 'S'], True)
    """
    if isinstance(model, Method) and model.spec.task != "classification":
        raise DataError(f"explain asks whether a class stays; this model is for {model.spec.task}")
    found = ask(
        model, data, background, partners=partners, n_partners=n_partners, decisions=True,
        encode=encode, seed=seed, show=show,
    )  # fmt: skip
    if next(iter(found.values.values())).shape[1] < 2:
        raise DataError("explain asks whether a class stays; this model has one output")
    return report_of(found)


def report_of(found: Coalitions) -> pd.DataFrame:
    """Return the report of what ``ask(..., decisions=True)`` found; see `explain`."""
    value = found.of_decision()
    luck = value[frozenset()][:, None]
    kept = np.stack([value[frozenset({name})] for name in found.modalities], axis=1)
    beyond = np.divide(kept - luck, 1 - luck, out=np.ones_like(kept), where=luck < 1 - 1e-12)
    stays = beyond.clip(0)
    fails = 1 - stays
    synergy = fails.prod(axis=1)
    unique = np.stack(
        [stays[:, m] * np.delete(fails, m, axis=1).prod(axis=1) for m in range(stays.shape[1])],
        axis=1,
    )
    columns = ["R", *(f"U{m + 1}" for m in range(stays.shape[1])), "S"]
    shared = 1 - synergy - unique.sum(axis=1)
    return pd.DataFrame(np.column_stack([shared.clip(0), unique, synergy]), columns=columns)
