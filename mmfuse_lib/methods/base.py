"""What every method is: encoders and heads, a list of training stages, a report of interactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from mmfuse_lib.core.deprecation import renamed_argument
from mmfuse_lib.core.errors import DataError, check_names
from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.data import MultimodalData, check_trainable
from mmfuse_lib.data.multimodal import Task
from mmfuse_lib.encoders.registry import default_choice, feature_dim, make_encoder
from mmfuse_lib.methods.predicting import as_samples, in_batches, to_predictions, to_probabilities


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
    as_bytes : tuple of str
        Modalities whose samples are bytes, as published images are; the others are floats.
    """

    shapes: dict[str, tuple[int, ...]]
    task: Task
    class_names: tuple[str, ...]
    as_bytes: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: MultimodalData) -> Spec:
        """Read the specification off a data set."""
        as_bytes = tuple(name for name, x in data.inputs.items() if x.dtype == torch.uint8)
        return cls(data.shapes, data.task, data.class_names, as_bytes)

    def dtype(self, modality: str) -> torch.dtype:
        """Return the type of a modality's numbers."""
        return torch.uint8 if modality in self.as_bytes else torch.float32

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

    def check_two(self, method: str) -> None:
        """Raise `DataError` unless there are two or more modalities to train together."""
        if len(self.shapes) < 2:
            raise DataError(
                f"{method} needs two or more modalities, got {list(self.shapes)}; use Unimodal for "
                "one"
            )

    def check_inputs(self, inputs: Mapping[str, Any], modalities: Sequence[str] | Any) -> None:
        """Raise `DataError` unless each of `modalities` is in `inputs` with the right shape."""
        for name in modalities:
            if name not in inputs:
                raise DataError(
                    f"modality {name!r} is missing: the batch has {sorted(inputs)}, "
                    f"expected {sorted(modalities)}"
                )
            shape = tuple(np.shape(inputs[name]))
            if shape[1:] != self.shapes[name]:
                expected = ", ".join(("batch", *map(str, self.shapes[name])))
                raise DataError(f"modality {name!r} has shape {shape}: expected ({expected})")


Loss = Callable[[MultimodalData], dict[str, Tensor]]


class Update(Protocol):
    """One optimiser step on a loss; what a stage's own `step` is handed, and may call repeatedly.

    Attributes
    ----------
    epoch, batch : int
        Where training stands: the epoch within the stage, the batch within the epoch, from 0.
    n_batches : int
        Number of batches of an epoch.
    """

    epoch: int
    batch: int
    n_batches: int

    def __call__(self, loss: Tensor, gradients: Callable[[], None] | None = None) -> None:
        """Clear the gradients, compute those of `loss`, clip them if the stage says so, and step.

        Parameters
        ----------
        loss : Tensor
            A scalar. What it does not depend on does not move: it has no gradient.
        gradients : callable, optional
            Called when the gradients are there, and before they are clipped: it may change the
            ``.grad`` of parameters. They are in the units of the loss at any precision.
        """


Step = Callable[[MultimodalData, Update], dict[str, Tensor]]


def steps(factors: Mapping[Any, Any]) -> Callable[[int], float]:
    """Return a schedule that, from each epoch in `factors` on, has the factor given there.

    >>> tenth = steps({70: 0.1})
    >>> tenth(69), tenth(70)
    (1.0, 0.1)
    """
    if not isinstance(factors, Mapping):
        raise DataError(f"lr_schedule is {factors!r}: expected steps such as {{70: 0.1}}")
    ordered = sorted((int(epoch), float(factor)) for epoch, factor in factors.items())

    def factor_at(epoch: int) -> float:
        return next((factor for start, factor in reversed(ordered) if epoch >= start), 1.0)

    return factor_at


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
    step : callable, optional
        Trains on one batch in place of ``update(loss(batch)["total"])``: called as
        ``step(batch, update)``, it calls `update` once or more (see `Update`) and returns what is
        recorded, as `loss` does, which remains what is computed on validation data. What it keeps
        from batch to batch has to be kept in buffers.
    optimizer : callable, optional
        Of this stage in place of that of `fit`, and called as that is.
    batch_size : int, optional
        Of this stage, also on validation data, in place of that of `fit`.
    lr_step : callable, optional
        In place of `lr_factor`: maps the batch (from 0, within the stage) and the number of batches
        that the stage has in all its epochs to a factor of the learning rate.
    clip : float, optional
        Largest norm of all gradients together; longer ones are shortened to it.

    Raises
    ------
    ValueError
        If a field cannot be used, or both factors of the learning rate are given.

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
    step: Step | None = None
    optimizer: Callable[..., Optimizer] | None = None
    batch_size: int | None = None
    lr_step: Callable[[int, int], float] | None = None
    clip: float | None = None

    def __post_init__(self) -> None:
        for name in ("loss", "step", "optimizer", "lr_step"):
            value = getattr(self, name)
            if not (callable(value) or (value is None and name != "loss")):
                raise ValueError(f"stage {self.name!r} has {name}={value!r}: expected a callable")
        if not isinstance(self.modules, Iterable):
            raise ValueError(
                f"stage {self.name!r} has a {type(self.modules).__name__} as modules: expected a "
                "list of them"
            )
        for name, least in (("epochs", 0), ("batch_size", 1)):
            n = getattr(self, name)
            is_count = isinstance(n, int | np.integer) and n >= least
            if not (is_count or (n is None and name == "batch_size")):
                raise ValueError(
                    f"stage {self.name!r} has {name}={n!r}: expected an integer of at least {least}"
                )
        clip: object = self.clip
        if not (clip is None or (isinstance(clip, int | float) and clip > 0)):
            raise ValueError(
                f"stage {self.name!r} has clip={self.clip!r}: expected a positive number"
            )
        if self.lr_step is not None and self.lr_factor is not constant:
            raise ValueError(
                f"stage {self.name!r} has lr_factor and lr_step: expected one schedule of the "
                "learning rate"
            )


@dataclass(frozen=True)
class Recipe:
    """What `Method.for_data` built a model from, for `mmfuse_lib.save`; no part of its identity.

    Attributes
    ----------
    encoders : dict of str to str, dict or None
        Per modality what `make_encoder` takes; None for a network that the caller brought.
    dim : int
        Feature length of the encoders that the library made.
    options : dict of str to Any
        What the method itself was given.
    """

    encoders: dict[str, str | Mapping[str, Any] | None]
    dim: int
    options: dict[str, Any]


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

    #: How `for_data` built it; None for a model that was built by hand.
    recipe: Recipe | None = None

    def __init__(self, spec: Spec, encoders: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.spec = spec
        try:
            self.encoders = nn.ModuleDict(dict(encoders))
        except KeyError as error:
            raise DataError(f"a modality has a name that torch cannot use: {error}") from error
        self.dims = {
            name: feature_dim(name, encoder, spec.shapes[name], spec.dtype(name))
            for name, encoder in encoders.items()
        }

    @classmethod
    def for_data(
        cls,
        data: MultimodalData,
        *,
        encoders: Mapping[str, nn.Module | str | Mapping[str, Any]] | None = None,
        dim: int = 64,
        seed: int = 0,
        **options: Any,
    ) -> Self:
        """Build the method for a data set.

        Parameters
        ----------
        data : MultimodalData
            Training data: its modalities, shapes and classes are read off.
        encoders : mapping of str to nn.Module, str or mapping, optional
            A reader's own encoders, or what `make_encoder` takes: a name, or a mapping of a name
            and options. Modalities that are not in it get a small default one.
        dim : int
            Feature length of the encoders that are made here; the inner layers of the default ones
            grow with it.
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
        check_names("modality", own, data.modalities)
        chosen = {
            name: own[name] if name in own else default_choice(shape, dim)
            for name, shape in data.shapes.items()
        }
        with isolated_rng(seed):  # the order of drawing random numbers is part of every result
            made = {name: _made(encoder, data.shapes[name], dim) for name, encoder in own.items()}
        with isolated_rng(seed):
            networks = {
                name: made[name] if name in made else _made(chosen[name], shape, dim)
                for name, shape in data.shapes.items()
            }
            model = cls(Spec.of(data), networks, **options)
        described = {n: None if isinstance(c, nn.Module) else c for n, c in chosen.items()}
        model.recipe = Recipe(described, dim, options)
        return model

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

    def predict(self, inputs: Mapping[str, Any]) -> Tensor:
        """Return what the model predicts of each sample, as `mmfuse_lib.evaluate` counts it.

        Computed in eval mode, without gradient and in batches, on the model's device; its mode and
        the global random state are as before afterwards.

        Parameters
        ----------
        inputs : mapping of str to array
            Per modality ``(N, ...)``: tensors, or NumPy arrays and what else `from_arrays` takes.
            They become floats, except in modalities that were bytes in the training data.
            Modalities that the model does not have are not looked at.

        Returns
        -------
        Tensor
            On the CPU. Classification: class indices ``(N,)``, int64 (``spec.class_names`` has
            their names). Multi-label: ``(N, L)``, int64, 1 for each label whose probability is
            above one half. Regression: numbers ``(N,)``.

        Raises
        ------
        DataError
            If a modality is missing, has another shape or another number of samples, there are no
            samples, or numbers are NaN or infinite, in the inputs or in the outputs.

        Examples
        --------
        >>> from mmfuse_lib import data, methods
        >>> train, val, test = data.load("digit_pairs", seed=0)
        >>> model = methods.JointFusion.for_data(train, seed=0)
        >>> model.predict(test.inputs).shape == test.target.shape
        True
        """
        return to_predictions(self._outputs(inputs), self.spec.task)

    def predict_proba(self, inputs: Mapping[str, Any]) -> Tensor:
        """Return the probability of each class or label, ``(N, K)``, on the CPU.

        Of classes, rows sum to 1; of several labels, each has its own probability.

        Parameters
        ----------
        inputs
            As in `predict`.

        Raises
        ------
        DataError
            For regression, and as in `predict`.
        """
        if self.spec.task == "regression":
            raise DataError("a regression predicts numbers, no probabilities: use predict")
        return to_probabilities(self._outputs(inputs), self.spec.task)

    def _outputs(self, inputs: Mapping[str, Any]) -> Tensor:
        self.spec.check_inputs(inputs, self.spec.shapes)
        samples = as_samples({name: inputs[name] for name in self.spec.shapes}, self.spec.as_bytes)
        return in_batches(self, samples, lambda batch: [self(batch)])[0]

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return ``(B, C)``: what the method claims of each sample, under `interaction_names`."""
        n_samples = len(next(iter(inputs.values())))
        return next(iter(inputs.values())).new_zeros(n_samples, 0)


def common_space(dims: Mapping[str, int]) -> nn.ModuleDict:
    """Return one map a modality to features of the smallest length: linear where it is needed."""
    d = min(dims.values())
    return nn.ModuleDict(
        {m: nn.Identity() if d_m == d else nn.Linear(d_m, d) for m, d_m in dims.items()}
    )


def _made(
    encoder: nn.Module | str | Mapping[str, Any], shape: tuple[int, ...], dim: int
) -> nn.Module:
    return encoder if isinstance(encoder, nn.Module) else make_encoder(encoder, shape, dim)


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
