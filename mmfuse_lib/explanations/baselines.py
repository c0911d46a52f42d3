"""What explanations are compared with: chance, a probe that is told the kinds, LSMI, one of ours.

A published method is fair game only if something simple cannot do the same.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.data import INTERACTIONS, MultimodalData
from mmfuse_lib.encoders import eval_mode
from mmfuse_lib.errors import DataError
from mmfuse_lib.fusion import make_fusion
from mmfuse_lib.information.estimators.lsmi import lsmi_pid
from mmfuse_lib.methods.base import Method, Spec, Stage
from mmfuse_lib.methods.baselines import Ensemble, JointFusion
from mmfuse_lib.methods.dimml import DIMML
from mmfuse_lib.training import device_of, find_device

#: Samples a forward pass.
BATCH_SIZE = 2_048


def uniform_report(n_samples: int) -> pd.DataFrame:
    """Return the report that knows nothing: a quarter for each interaction."""
    columns = list(INTERACTIONS)
    return pd.DataFrame(np.full((n_samples, len(columns)), 1 / len(columns)), columns=columns)


class CompositionProbe(JointFusion):
    """A joint model, and beside it a network of its kind that is **told the composition**.

    Its report is that network's probability of each kind: what can be read off the raw inputs at
    all, by these encoders, from this many samples. No method that learns from labels alone has
    seen what it has seen; it is the upper bound that they are held against.

    The two networks share nothing, so the prediction is that of `JointFusion`.

    Parameters
    ----------
    spec, encoders
        See `Method`. The second network has encoders of the same kind (copies, before training).
    """

    interaction_names = INTERACTIONS

    def __init__(self, spec: Spec, encoders: Mapping[str, nn.Module]) -> None:
        super().__init__(spec, encoders)
        self.kind_encoders = copy.deepcopy(self.encoders)
        self.kinds = make_fusion("concat", list(self.dims.values()), len(INTERACTIONS))

    def stages(self, epochs: int) -> list[Stage]:
        """Train the prediction, then the probe, each for the whole budget."""
        prediction = [self.encoders, self.fusion]
        probe = [self.kind_encoders, self.kinds]
        return [
            Stage("prediction", epochs, prediction, self.task_terms),
            Stage("composition", epochs, probe, self.kind_terms),
        ]

    def kind_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return the cross-entropy of the kind, in nats, and the accuracy."""
        if batch.composition is None:
            raise DataError("the probe is trained on the composition: these data have none")
        logits = self._kind_logits(batch.inputs)
        right = (logits.argmax(dim=1) == batch.composition).float().mean()
        return {"total": F.cross_entropy(logits, batch.composition), "accuracy": right}

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return p(kind | inputs), ``(B, 4)``."""
        self.spec.check_inputs(inputs, self.encoders)
        return self._kind_logits(inputs).softmax(dim=1)

    def _kind_logits(self, inputs: Mapping[str, Tensor]) -> Tensor:
        features = [encoder(inputs[name]) for name, encoder in self.kind_encoders.items()]
        logits: Tensor = self.kinds(features)
        return logits


class ThreeModels(Method):
    r"""A joint model whose report asks two models of one modality each (ours).

    With :math:`p_m` the probability that the model of modality m alone gives to the class that
    the joint model predicts, the report says who could have known it alone:

    .. math:: R = p_1 p_2, \quad U_1 = p_1 (1 - p_2), \quad U_2 = (1 - p_1)\,p_2,
              \quad S = (1 - p_1)(1 - p_2).

    It is trained on labels only, has no gate, and its rows sum to 1. The three models share
    nothing.

    Parameters
    ----------
    spec, encoders
        See `Method`; two modalities.
    """

    interaction_names = INTERACTIONS

    def __init__(self, spec: Spec, encoders: Mapping[str, nn.Module]) -> None:
        super().__init__(spec, encoders)
        if len(self.encoders) != 2:
            raise DataError(f"ThreeModels needs two modalities, got {list(self.encoders)}")
        if spec.task != "classification":
            raise DataError("ThreeModels asks for the probability of a class: expected classes")
        self.joint = JointFusion(spec, dict(self.encoders))
        self.alone = Ensemble(spec, copy.deepcopy(dict(self.encoders)))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the joint model's logits."""
        return cast(Tensor, self.joint(inputs))

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return who could have known the predicted class alone, ``(B, 4)``."""
        predicted = self.joint(inputs).argmax(dim=1, keepdim=True)
        p1, p2 = (
            member(inputs).softmax(dim=1).gather(1, predicted)[:, 0]
            for member in self.alone.members.values()
        )
        shares = [p1 * p2, p1 * (1 - p2), (1 - p1) * p2, (1 - p1) * (1 - p2)]
        return torch.stack(shares, dim=1)

    def stages(self, epochs: int) -> list[Stage]:
        """Train the joint model, then each of the others, each for the whole budget."""
        joint = Stage("joint", epochs, [self.joint], self.joint.task_terms)
        return [joint, *self.alone.stages(epochs)]


def heads_as_interactions(
    model: DIMML, data: MultimodalData, *, device: str = "auto"
) -> pd.DataFrame:
    """Read DI-MML's heads as interactions: first head U1, second U2, fusion head S, R always 0.

    This reading is **ours**. DI-MML claims certainties of its heads and no interactions; what it
    scores here says how far such a reading would carry, nothing about DI-MML.

    Returns
    -------
    DataFrame
        A row a sample, columns R, U1, U2, S, for `evaluate_explanations`.
    """
    (weights,) = _run(model, data, lambda inputs: [model.interactions(inputs)], device)
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
    steps: int = 200,
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
    z1, z2 = _run(model, data, model.encode, device)
    estimate = lsmi_pid(
        z1, z2, data.target, folds=folds, networks=networks, steps=steps, n_bootstrap=0,
        device=device, seed=seed,
    )  # fmt: skip
    if estimate.per_sample is None:
        raise DataError("the estimator returned no atoms per sample")
    return estimate.per_sample


@torch.no_grad()
def _run(
    model: Method,
    data: MultimodalData,
    function: Callable[[Mapping[str, Tensor]], Sequence[Tensor]],
    device: str,
) -> list[Tensor]:
    """Return what a function of a model gives for all samples, each tensor on the CPU."""
    model.spec.check(data)
    home, place = device_of(model), find_device(device)
    model.to(place)
    try:
        with eval_mode(model):
            parts = [
                function(data[start : start + BATCH_SIZE].to(place).inputs)
                for start in range(0, len(data), BATCH_SIZE)
            ]
    finally:
        model.to(home)
    return [torch.cat(tensors).float().cpu() for tensors in zip(*parts, strict=True)]
