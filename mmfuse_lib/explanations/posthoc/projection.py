r"""The additive projection of a model (EMAP, Hessel & Lee 2020).

Over all pairings of the samples' two modalities, the additive function that is nearest to f in the
mean square is

.. math:: \hat f(x_1, x_2) = \mathbb E_{b}\, f(x_1, b_2) + \mathbb E_{b}\, f(b_1, x_2)
          - \mathbb E_{b, b'}\, f(b_1, b'_2).

If :math:`\hat f` predicts as well as f, nothing that the model does with the pair matters for its
accuracy. Both are evaluated on the samples themselves, as in the paper: outputs are logits there,
and whatever ``predict`` gives here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.explanations.posthoc.coalitions import ROWS, Array, Predict, as_predict, numbers
from mmfuse_lib.methods.base import Method


@dataclass(frozen=True, eq=False)
class Projection:
    """A model's outputs and those of its additive projection.

    Attributes
    ----------
    outputs, projected : ndarray
        ``(N, K)``: of the model, and of the additive function nearest to it.
    parts : tuple of ndarray
        ``(N, K)`` each: what the first and the second modality add to the mean output.
    """

    outputs: Array
    projected: Array
    parts: tuple[Array, Array]

    @property
    def rest(self) -> Array:
        """How far each sample's output is from additive: the norm of the difference, ``(N,)``."""
        rest: Array = np.linalg.norm(self.outputs - self.projected, axis=1)
        return rest

    @property
    def agreement(self) -> float:
        """Share of the samples on which both decide alike."""
        return float((self.outputs.argmax(axis=1) == self.projected.argmax(axis=1)).mean())


def emap(model: Method | Predict, data: MultimodalData) -> Projection:
    """Project a model of two modalities to the nearest additive one, on these samples.

    Parameters
    ----------
    model : Method or callable
        A trained method (its probabilities are projected), or any function from a dictionary of
        inputs to outputs ``(B, K)``.
    data : MultimodalData
        N samples of two modalities; the model is asked about N squared rows.

    Raises
    ------
    DataError
        If there are not two modalities.

    Examples
    --------
    >>> from mmfuse_lib import data, methods
    >>> from mmfuse_lib.explanations import emap
    >>> train, _, test = data.load("digit_pairs", seed=0, n_train=200, n_test=40)
    >>> model = methods.JointFusion.for_data(train, dim=16, seed=0)
    >>> emap(model, test).projected.shape
    (40, 4)
    """
    if len(data.modalities) != 2:
        raise DataError(f"EMAP projects two modalities, got {list(data.modalities)}")
    predict = as_predict(model)
    first, second = data.inputs.values()
    one, two = data.modalities
    n, parts = len(data), []
    step = max(1, ROWS // n)
    for start in range(0, n, step):
        rows = first[start : start + step]
        inputs = {
            one: rows.repeat_interleave(n, dim=0),
            two: second.repeat(len(rows), *[1] * (second.dim() - 1)),
        }
        parts.append(numbers(torch.as_tensor(predict(inputs)), False).reshape(len(rows), n, -1))
    pairs = np.concatenate(parts)  # pairs[i, j]: modality 1 of sample i, modality 2 of sample j
    mean = pairs.mean(axis=(0, 1))
    own = pairs.mean(axis=1) - mean, pairs.mean(axis=0) - mean
    return Projection(pairs[np.arange(n), np.arange(n)], mean + own[0] + own[1], own)
