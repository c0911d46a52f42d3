"""What every method is: encoders and heads, a list of training stages, a report of interactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.deprecation import renamed_argument
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.data import MultimodalData, check_trainable
from mmfuse_lib.data.multimodal import Task
from mmfuse_lib.encoders.registry import default_encoder, feature_dim


@dataclass(frozen=True)
class Spec:
    """What a method must know of the data it is built for.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        Shape of one sample per modality; the order is the order of modalities.
    task : str
        ``"classification"``, ``"multilabel"`` or ``"regression"``.
    class_names : tuple of str
        One a class or label; empty for regression.
    """

    shapes: dict[str, tuple[int, ...]]
    task: Task
    class_names: tuple[str, ...]

    @classmethod
    def of(cls, data: MultimodalData) -> Spec:
        """Read the specification off a data set."""
        return cls(data.shapes, data.task, data.class_names)

    @property
    def n_outputs(self) -> int:
        """Number of logits: K classes, L labels, or 1 for regression."""
        return 1 if self.task == "regression" else len(self.class_names)

    def check(self, data: MultimodalData) -> None:
        """Raise `DataError` unless `data` has the modalities, shapes and classes of this spec."""
        self.check_inputs(data.inputs, self.shapes)
        if data.task != self.task or data.class_names != self.class_names:
            raise DataError(
                f"the model was built for {self.task} with classes {self.class_names}, the data "
                f"has {data.task} with classes {data.class_names}; where a split lacks a class, "
                "give all splits the same class_names"
            )

    def check_inputs(self, inputs: Mapping[str, Tensor], modalities: Sequence[str] | Any) -> None:
        """Raise `DataError` unless each of `modalities` is in `inputs` with the right shape."""
        for name in modalities:
            if name not in inputs:
                raise DataError(
                    f"modality {name!r} is missing: the batch has {sorted(inputs)}, "
                    f"expected {sorted(modalities)}"
                )
            shape = tuple(inputs[name].shape)
            if shape[1:] != self.shapes[name]:
                expected = ", ".join(("batch", *map(str, self.shapes[name])))
                raise DataError(f"modality {name!r} has shape {shape}: expected ({expected})")


Loss = Callable[[MultimodalData], dict[str, Tensor]]


def constant(epoch: int) -> float:
    """Leave the learning rate as it is in every epoch."""
    return 1.0


@renamed_argument("trains", "modules", removed_in="0.2")
@dataclass(frozen=True)
class Stage:
    """One stretch of training: what is minimised, and which parts move.

    Attributes
    ----------
    name : str
        Shown in the progress bar and in the history.
    epochs : int
        Number of passes over the training data.
    modules : sequence of nn.Module
        What is trained. Everything else is frozen and in eval mode: no gradient, no moving
        batch-normalisation statistics, no dropout.
    loss : callable
        Maps a batch to named scalar tensors. ``"total"`` is minimised; all are recorded. A term
        that has a gradient is expected to be a part of the total: what is only recorded is to be
        detached, else `fit` warns that it trains nothing.
    monitor : str
        The term whose value on the validation data, the lower the better, picks the best epoch.
    prepare : callable, optional
        Called on the training data before the first epoch, without gradient and with the model
        in eval mode: for what is computed once from what earlier stages learned. What it
        computes has to be kept in buffers, so that checkpoints hold it.
    lr_factor : callable
        Maps the epoch (from 0, within the stage) to a factor of the learning rate.

    Examples
    --------
    >>> from mmfuse_lib import data, methods
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> model = methods.JointFusion.for_data(train, dim=16, seed=0)
    >>> warm = methods.Stage("head first", 5, modules=[model.fusion], loss=model.task_terms)
    >>> sorted(warm.loss(train[:100]))  # what is recorded; the total is minimised
    ['accuracy', 'total']
    """

    name: str
    epochs: int
    modules: Sequence[nn.Module]
    loss: Loss
    monitor: str = "total"
    prepare: Callable[[MultimodalData], None] | None = None
    lr_factor: Callable[[int], float] = field(default_factory=lambda: constant)


class Method(nn.Module):
    """Base class of all methods.

    A method holds ``encoders`` (a dict of modality to network), maps inputs to logits in
    `forward`, and says in `stages` how it is trained; `mmfuse_lib.fit` knows nothing else of it.

    Parameters
    ----------
    spec : Spec
        The data the method is for.
    encoders : mapping of str to nn.Module
        One a modality, each mapping a batch to vectors ``(B, dim)``.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from mmfuse_lib import data, methods
    >>> class Additive(methods.Method):
    ...     def __init__(self, spec, encoders):
    ...         super().__init__(spec, encoders)
    ...         self.head = nn.Linear(sum(self.dims.values()), spec.n_outputs)
    ...     def forward(self, inputs):
    ...         return self.head(torch.cat(self.encode(inputs), dim=1))
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> model = Additive.for_data(train, seed=0)
    >>> model(train[:8].inputs).shape, [stage.name for stage in model.stages(30)]
    (torch.Size([8, 4]), ['joint'])
    """

    #: Names of the columns of `interactions`; empty for methods that claim none.
    interaction_names: tuple[str, ...] = ()

    def __init__(self, spec: Spec, encoders: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.spec = spec
        try:
            self.encoders = nn.ModuleDict(dict(encoders))
        except KeyError as error:
            raise DataError(f"a modality has a name that torch cannot use: {error}") from error
        self.dims = {name: feature_dim(name, e, spec.shapes[name]) for name, e in encoders.items()}

    @classmethod
    def for_data(
        cls,
        data: MultimodalData,
        *,
        encoders: Mapping[str, nn.Module] | None = None,
        dim: int = 64,
        seed: int = 0,
        **options: Any,
    ) -> Self:
        """Build the method for a data set.

        Parameters
        ----------
        data : MultimodalData
            Training data: its modalities, shapes and classes are read off.
        encoders : mapping of str to nn.Module, optional
            A reader's own encoders; modalities that are not in it get a small default one.
        dim : int
            Feature length of the default encoders; their inner layers grow with it.
        seed : int
            Seed of the initial weights. The global random state is left as it was.
        **options
            What the method itself takes.

        Raises
        ------
        DataError
            If nothing can be trained on this data, or an encoder does not fit its modality.
        UnknownNameError
            If an encoder is given for a modality that the data does not have.

        Examples
        --------
        >>> from torch import nn
        >>> from mmfuse_lib import data, methods
        >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
        >>> mine = nn.Sequential(nn.Flatten(), nn.Linear(80, 16))
        >>> model = methods.JointFusion.for_data(train, encoders={"left": mine}, dim=32, seed=0)
        >>> model.dims
        {'left': 16, 'right': 32}
        """
        check_trainable(data)
        own = dict(encoders or {})
        for name in own:
            if name not in data.inputs:
                raise UnknownNameError("modality", name, data.modalities)
        with isolated_rng(seed):
            networks = {
                name: own[name] if name in own else default_encoder(shape, dim)
                for name, shape in data.shapes.items()
            }
            return cls(Spec.of(data), networks, **options)

    def encode(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Return ``[z_1, .., z_n]``, each ``(B, d_m)``, after checking the inputs."""
        self.spec.check_inputs(inputs, self.encoders)
        return [encoder(inputs[name]) for name, encoder in self.encoders.items()]

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Map inputs to logits ``(B, K)``, or to predictions ``(B, 1)`` for regression."""
        raise NotImplementedError

    def stages(self, epochs: int) -> list[Stage]:
        """Return the training schedule for a budget of `epochs`: by default one, end to end."""
        return [Stage("joint", epochs, modules=[self], loss=self.task_terms)]

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return the loss of the method's own prediction on a batch (see `task_terms`)."""
        return task_terms(self(batch.inputs), batch.target)

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return ``(B, C)``: what the method claims of each sample, under `interaction_names`."""
        n_samples = len(next(iter(inputs.values())))
        return next(iter(inputs.values())).new_zeros(n_samples, 0)


def task_terms(logits: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Return the loss of a prediction, in nats, and beside it the accuracy.

    Classification: cross-entropy ``total`` and ``accuracy``. Multi-label, a target of L columns:
    binary cross-entropy ``total``, the mean over labels. Regression: mean squared error ``total``.
    """
    if target.ndim == 2:
        return {"total": F.binary_cross_entropy_with_logits(logits, target.to(logits.dtype))}
    if target.is_floating_point():
        return {"total": F.mse_loss(logits.squeeze(1), target)}
    return {
        "total": F.cross_entropy(logits, target),
        "accuracy": (logits.argmax(dim=1) == target).float().mean(),
    }
