"""Two yardsticks for the explanations of others: a probe that is told, and three models that ask.

Both report R, U1, U2, S, so `mmfuse_lib.evaluate_explanations` scores them as it scores DMIL and
I2MoE.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import INTERACTIONS, MultimodalData
from mmfuse_lib.fusion import make_fusion
from mmfuse_lib.methods.base import Method, Spec, Stage
from mmfuse_lib.methods.baselines import Ensemble, JointFusion


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

    Examples
    --------
    >>> from mmfuse_lib import data, methods
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> probe = methods.CompositionProbe.for_data(train, dim=16, seed=0)
    >>> [stage.name for stage in probe.stages(5)]
    ['prediction', 'composition']
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

    Examples
    --------
    >>> from mmfuse_lib import data, evaluate, methods
    >>> train, _, test = data.load("digit_pairs", seed=0, n_train=200, n_test=100)
    >>> model = methods.ThreeModels.for_data(train, dim=16, seed=0)
    >>> shares = evaluate(model, test).interactions
    >>> list(shares), bool(shares.sum(axis=1).round(4).eq(1).all())
    (['R', 'U1', 'U2', 'S'], True)
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
