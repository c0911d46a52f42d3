"""Reports that no method makes itself: chance, LSMI on its encodings, a reading of DI-MML's heads.

With `mmfuse_lib.methods.CompositionProbe`, which is told the kinds, and `ThreeModels`, which needs
no gate, they are what a method's report is held against.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import INTERACTIONS, MultimodalData
from mmfuse_lib.information.estimators.lsmi import lsmi_pid
from mmfuse_lib.methods.base import Method
from mmfuse_lib.methods.dimml import DIMML
from mmfuse_lib.methods.predicting import in_batches


def uniform_report(n_samples: int) -> pd.DataFrame:
    """Return the report that knows nothing: a quarter for each interaction.

    Examples
    --------
    >>> from mmfuse_lib.explanations import uniform_report
    >>> uniform_report(2)
          R    U1    U2     S
    0  0.25  0.25  0.25  0.25
    1  0.25  0.25  0.25  0.25
    """
    columns = list(INTERACTIONS)
    return pd.DataFrame(np.full((n_samples, len(columns)), 1 / len(columns)), columns=columns)


def heads_as_interactions(
    model: DIMML, data: MultimodalData, *, device: str = "auto"
) -> pd.DataFrame:
    """Read DI-MML's heads as interactions: first head U1, second U2, fusion head S, R always 0.

    This reading is **ours**. DI-MML reports certainties of its heads and claims no interactions;
    the scores say how far such a reading carries, and nothing about DI-MML.

    Returns
    -------
    DataFrame
        A row a sample, columns R, U1, U2, S, for `evaluate_explanations`.

    Examples
    --------
    >>> from mmfuse_lib import data, explanations, methods
    >>> train, _, test = data.load("digit_pairs", seed=0, n_train=200, n_test=100)
    >>> model = methods.DIMML.for_data(train, dim=16, seed=0)
    >>> explanations.heads_as_interactions(model, test).iloc[0].round(1).to_dict()
    {'R': 0.0, 'U1': 0.3, 'U2': 0.3, 'S': 0.3}
    """
    model.spec.check(data)
    (weights,) = in_batches(model, data, lambda batch: [model.interactions(batch)], device)
    if weights.shape[1] != 3:
        raise DataError(f"two modalities have three heads, this model has {weights.shape[1]}")
    columns = [np.zeros(len(weights)), *weights.numpy().T]
    return pd.DataFrame(np.stack(columns, axis=1), columns=list(INTERACTIONS))


def lsmi_report(
    model: Method,
    data: MultimodalData,
    *,
    folds: int = 2,
    networks: int = 1,
    steps: int = 150,
    device: str = "auto",
    seed: int = 0,
) -> pd.DataFrame:
    """Estimate the pointwise atoms of a trained model's two encodings (LSMI, Yang et al. 2025).

    A measurement of the features, not a claim of the method. It differs from every report of a
    method in one respect: it is given the samples' labels.

    Parameters
    ----------
    model : Method
        Two modalities; its encoders are used as they are.
    data : MultimodalData
        The samples to be reported on; the estimator is cross-fitted on them.
    folds, networks, steps, device, seed
        See `lsmi_pid`; smaller here, since a suite asks for many.

    Returns
    -------
    DataFrame
        A row a sample, columns R, U1, U2, S in bits, of either sign.
    """
    if len(model.encoders) != 2:
        raise DataError(f"LSMI needs two modalities, the model has {list(model.encoders)}")
    model.spec.check(data)
    z1, z2 = in_batches(model, data, model.encode, device)
    estimate = lsmi_pid(
        z1, z2, data.target, folds=folds, networks=networks, steps=steps, n_bootstrap=0,
        device=device, seed=seed,
    )  # fmt: skip
    if estimate.per_sample is None:
        raise DataError("the estimator returned no atoms per sample")
    return estimate.per_sample
