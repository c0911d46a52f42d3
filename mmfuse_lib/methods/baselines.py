"""What every method is compared with: one modality alone, an ensemble, joint training, probes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from mmfuse_lib.core.errors import check_names
from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.fusion import make_fusion, with_auxiliary
from mmfuse_lib.methods.base import Method, Spec, Stage


class Unimodal(Method):
    """One modality alone: encoder and linear classifier.

    Parameters
    ----------
    spec, encoders
        See `Method`; encoders of other modalities are not kept.
    modality : str
        The one modality that is seen; data need not have any other.

    Examples
    --------
    >>> from mmfuse_lib import data, methods
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> model = methods.Unimodal.for_data(train, modality="left", dim=16, seed=0)
    >>> model({"left": train.inputs["left"][:8]}).shape  # the right image need not be there
    torch.Size([8, 4])
    """

    def __init__(self, spec: Spec, encoders: Mapping[str, nn.Module], *, modality: str) -> None:
        check_names("modality", [modality], spec.shapes)
        own = replace(spec, shapes={modality: spec.shapes[modality]})
        super().__init__(own, {modality: encoders[modality]})
        self.modality = modality
        self.head: nn.Module = nn.Linear(self.dims[modality], spec.n_outputs)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Map inputs to logits; only this model's modality has to be there."""
        (z,) = self.encode(inputs)
        logits: Tensor = self.head(z)
        return logits


class Probe(Unimodal):
    """A classifier on a *frozen* encoder: what its features say on their own.

    Only the classifier is trained; the encoder stays in eval mode. The classifier is linear
    (Alain & Bengio 2017) unless it is given a hidden layer.

    Parameters
    ----------
    spec, encoders, modality
        See `Unimodal`.
    hidden : int, optional
        Units of a hidden layer with ReLU; none by default.

    Examples
    --------
    >>> from mmfuse_lib import data, fit, methods
    >>> train, val, _ = data.load("digit_pairs", seed=0, n_train=200, n_val=50)
    >>> model = methods.JointFusion.for_data(train, dim=16, seed=0)
    >>> probe = methods.Probe.of(model, "left", seed=0)
    >>> history = fit(probe, train, val, epochs=2, seed=0, progress=False)
    >>> list(history.best_epoch)
    ['probe']
    """

    def __init__(
        self,
        spec: Spec,
        encoders: Mapping[str, nn.Module],
        *,
        modality: str,
        hidden: int | None = None,
    ) -> None:
        super().__init__(spec, encoders, modality=modality)
        if hidden is not None:
            self.head = nn.Sequential(
                nn.Linear(self.dims[modality], hidden), nn.ReLU(), nn.Linear(hidden, spec.n_outputs)
            )

    @classmethod
    def of(cls, model: Method, modality: str, *, hidden: int | None = None, seed: int = 0) -> Probe:
        """Make a probe of a trained model's encoder (a copy: the model is left alone).

        Parameters
        ----------
        model : Method
            The model to look into.
        modality : str
            Which of its encoders to probe.
        hidden : int, optional
            Units of a hidden layer; by default the probe is linear.
        seed : int
            Seed of the classifier's initial weights.
        """
        check_names("modality", [modality], model.dims)
        encoder = copy.deepcopy(model.encoders[modality])
        with isolated_rng(seed):
            return cls(model.spec, {modality: encoder}, modality=modality, hidden=hidden)

    def stages(self, epochs: int) -> list[Stage]:
        """Train the classifier only."""
        return [Stage("probe", epochs, modules=[self.head], loss=self.task_terms)]


class Ensemble(Method):
    """Unimodal models trained apart, their logits averaged: fusion by addition.

    Each member has its own stage and is selected on its own validation loss, so the members are
    the models that `Unimodal` would give. An average of one term a modality cannot express XOR.

    Examples
    --------
    >>> from mmfuse_lib import data, methods
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> model = methods.Ensemble.for_data(train, dim=16, seed=0)
    >>> [stage.name for stage in model.stages(10)]
    ['left', 'right']
    """

    def __init__(self, spec: Spec, encoders: Mapping[str, nn.Module]) -> None:
        super().__init__(spec, encoders)
        self.members = nn.ModuleDict(
            {name: Unimodal(spec, encoders, modality=name) for name in encoders}
        )

    def member(self, modality: str) -> Unimodal:
        """Return the unimodal model of a modality."""
        check_names("modality", [modality], self.dims)
        return cast(Unimodal, self.members[modality])

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Average the members' logits."""
        self.spec.check_inputs(inputs, self.encoders)
        return torch.stack([member(inputs) for member in self.members.values()]).mean(dim=0)

    def stages(self, epochs: int) -> list[Stage]:
        """Train one member after the other, each for the whole budget."""
        return [
            Stage(name, epochs, modules=[self.member(name)], loss=self.member(name).task_terms)
            for name in self.members
        ]


class JointFusion(Method):
    """All modalities trained end to end on one loss.

    Parameters
    ----------
    spec, encoders
        See `Method`.
    fusion : str or callable
        A name in `mmfuse_lib.fusion.FUSIONS`, such as ``"concat"`` or ``"transformer"``, or a
        class to be called on the feature lengths and the number of outputs.

    Examples
    --------
    >>> from mmfuse_lib import data, methods
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> model = methods.JointFusion.for_data(train, fusion="film", dim=16, seed=0)
    >>> type(model.fusion).__name__, model(train[:8].inputs).shape
    ('FiLMFusion', torch.Size([8, 4]))
    """

    def __init__(
        self,
        spec: Spec,
        encoders: Mapping[str, nn.Module],
        *,
        fusion: str | Callable[[Sequence[int], int], nn.Module] = "concat",
    ) -> None:
        super().__init__(spec, encoders)
        spec.check_two("joint fusion")
        self.fusion = make_fusion(fusion, list(self.dims.values()), spec.n_outputs)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Encode, fuse."""
        logits: Tensor = self.fusion(self.encode(inputs))
        return logits

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return the loss of the prediction, plus what the fusion model asks for itself."""
        return with_auxiliary(super().task_terms(batch), [self.fusion])
