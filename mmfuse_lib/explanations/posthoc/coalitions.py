r"""What a model says when it gets some modalities of a sample, and partners' for the others.

For a set S of modalities that are kept, the value of a sample is the mean output over partners b,

.. math:: v_S(x) = \frac1B \sum_{b} f\bigl(x_S, b_{\bar S}\bigr),

and what it means depends on who the partners are:

* **any** background samples: the kept modalities are cut loose from the others. The question is
  what S does whatever the rest says; the pairs may be such as never occur.
* **likely** ones, whose kept modalities are nearest to this sample's: the others come as they come
  together with :math:`x_S`. If f is the posterior, :math:`v_S(x)` estimates
  :math:`\mathbb E[p(y|X) \mid x_S] = p(y|x_S)`, by the tower property.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.core.progress import progress
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods.base import Method
from mmfuse_lib.methods.predicting import in_batches, to_probabilities

Array = NDArray[np.float64]
Inputs = Mapping[str, Tensor]

#: From the inputs of some samples to outputs ``(B, K)``: probabilities, or numbers.
Predict = Callable[[dict[str, Tensor]], Tensor]

#: From the inputs of some samples to vectors ``(B, d)``, one a modality, that tell likely partners.
Encode = Callable[[dict[str, Tensor]], list[Tensor]]

Partners = Literal["likely", "any"]
PARTNERS = ("likely", "any")

#: Rows of one call of the model; bounds memory, does not change the result.
ROWS = 8_192


@dataclass(frozen=True, eq=False)
class Coalitions:
    """The values of all sets of modalities.

    Attributes
    ----------
    modalities : tuple of str
        In the order of the data.
    values : dict of frozenset of str to ndarray
        Per set that is kept: ``(N, K)``, the mean output over partners. The full set holds the
        model's own outputs, the empty one the mean over background samples, in each row.
    rows : int
        How many samples the model was asked about in all.
    """

    modalities: tuple[str, ...]
    values: dict[frozenset[str], Array]
    rows: int

    @property
    def decided(self) -> NDArray[np.int64]:
        """The output that is largest for the whole sample, ``(N,)``."""
        decided: NDArray[np.int64] = self.values[frozenset(self.modalities)].argmax(axis=1)
        return decided

    def of_decision(self) -> dict[frozenset[str], Array]:
        """Return the values of the output that the model decided for, ``(N,)`` each."""
        rows, columns = np.arange(len(self.decided)), self.decided
        return {kept: value[rows, columns] for kept, value in self.values.items()}


def ask(
    model: Method | Predict,
    data: MultimodalData,
    background: MultimodalData,
    *,
    partners: Partners = "likely",
    n_partners: int = 64,
    decisions: bool = False,
    encode: Encode | None = None,
    seed: int = 0,
    show: bool = False,
) -> Coalitions:
    """Ask a model about samples with modalities replaced, for every set of modalities.

    Parameters
    ----------
    model : Method or callable
        A trained method, or any function from a dictionary of inputs to outputs ``(B, K)``.
    data : MultimodalData
        The samples; their labels are not used.
    background : MultimodalData
        Where partners come from, such as the training split.
    partners : {"likely", "any"}
        Who they are: see the module.
    n_partners : int
        How many a sample and set; the model is asked about ``N * n_partners * (2**n - 2)`` rows
        for n modalities, and about the samples and the background themselves.
    decisions : bool
        Average decisions (1 for the largest output, 0 for the others) in place of outputs: the
        value of the model's own decision is then how often it stays.
    encode : callable, optional
        What tells likely partners; by default the method's encoders, or, for a function, the
        inputs themselves.
    seed : int
        Of the draw of partners of the kind "any".
    show : bool
        Whether a progress bar is shown.

    Raises
    ------
    DataError
        If modalities differ, or the background has fewer samples than partners are wanted.
    UnknownNameError
        If there is no such kind of partners.

    Examples
    --------
    >>> from mmfuse_lib import data, methods
    >>> from mmfuse_lib.explanations import ask
    >>> train, _, test = data.load("digit_pairs", seed=0, n_train=200, n_test=50)
    >>> model = methods.JointFusion.for_data(train, dim=16, seed=0)
    >>> found = ask(model, test, train, n_partners=8)
    >>> found.values[frozenset({"left"})].shape, found.rows
    ((50, 4), 1050)
    """
    if partners not in PARTNERS:
        raise UnknownNameError("kind of partners", partners, PARTNERS)
    _check(data, background, n_partners)
    predict, codes = as_predict(model), encode or _encode(model)
    names = tuple(data.modalities)
    outputs = _outputs(predict, data, decisions)
    empty = _outputs(predict, background, decisions).mean(axis=0, keepdims=True)
    values = {
        frozenset(names): outputs,
        frozenset[str](): np.repeat(empty, len(data), axis=0),
    }
    between = [set(kept) for k in range(1, len(names)) for kept in combinations(names, k)]
    ours, theirs = (_codes(codes, samples) for samples in (data, background))
    rng = np.random.default_rng(seed)
    for kept in progress(between, "sets of modalities", disable=not show):
        if partners == "any":
            chosen = rng.integers(len(background), size=(len(data), n_partners))
        else:
            chosen = nearest(
                [c for c, name in zip(ours, names, strict=True) if name in kept],
                [c for c, name in zip(theirs, names, strict=True) if name in kept],
                n_partners,
            )
        values[frozenset(kept)] = _mean_output(predict, data, background, kept, chosen, decisions)
    rows = len(data) * (1 + n_partners * len(between)) + len(background)
    return Coalitions(names, values, rows)


def nearest(ours: list[Tensor], theirs: list[Tensor], n: int) -> NDArray[np.int64]:
    """Return the n nearest of theirs for each of ours, ``(N, n)``: summed squared distances.

    Each vector's columns are centred and divided by its overall spread over theirs, so that no
    modality counts more because its numbers are larger.
    """
    distance = torch.zeros(len(ours[0]), len(theirs[0]), dtype=torch.float64)
    for mine, other in zip(ours, theirs, strict=True):
        spread = (other - other.mean(dim=0)).square().sum(dim=1).mean().sqrt().clamp_min(1e-12)
        distance += torch.cdist(mine / spread, other / spread).square()
    found: NDArray[np.int64] = distance.topk(n, dim=1, largest=False).indices.numpy()
    return found


def _check(data: MultimodalData, background: MultimodalData, n_partners: int) -> None:
    if data.shapes != background.shapes:
        raise DataError(
            f"the background has the modalities {dict(background.shapes)}, the samples have "
            f"{dict(data.shapes)}"
        )
    if len(data.modalities) < 2:
        raise DataError("replacing modalities takes two or more, this data has one")
    if not 1 <= n_partners <= len(background):
        raise DataError(
            f"n_partners must be from 1 to the {len(background)} samples of the background, "
            f"got {n_partners}"
        )


def as_predict(model: Method | Predict) -> Predict:
    """Return a method as a function of its inputs: to probabilities, or to a number."""
    if not isinstance(model, Method):
        return model
    task = model.spec.task

    def predict(inputs: dict[str, Tensor]) -> Tensor:
        samples = MultimodalData(inputs, torch.zeros(len(next(iter(inputs.values())))))
        (outputs,) = in_batches(model, samples, lambda batch: [model(batch)])
        return outputs if task == "regression" else to_probabilities(outputs, task)

    return predict


def _encode(model: Method | Predict) -> Encode:
    if not isinstance(model, Method):
        return lambda inputs: [x.flatten(1) for x in inputs.values()]

    def encode(inputs: dict[str, Tensor]) -> list[Tensor]:
        samples = MultimodalData(inputs, torch.zeros(len(next(iter(inputs.values())))))
        return in_batches(model, samples, model.encode)

    return encode


def _codes(encode: Encode, samples: MultimodalData) -> list[Tensor]:
    return [code.double() for code in encode(dict(samples.inputs))]


def _outputs(predict: Predict, samples: MultimodalData, decisions: bool) -> Array:
    parts = [numbers(predict(inputs), decisions) for inputs in _in_rows(dict(samples.inputs))]
    return np.concatenate(parts)


def numbers(outputs: Tensor, decisions: bool) -> Array:
    """Return outputs as numbers, or as decisions; refuse what is not finite or not ``(B, K)``."""
    found: Array = torch.as_tensor(outputs).detach().cpu().double().numpy()
    if found.ndim != 2:
        raise DataError(f"a model's outputs must be (B, K), got shape {found.shape}")
    if not np.isfinite(found).all():
        raise DataError("the outputs of the model are NaN or infinite")
    return np.eye(found.shape[1])[found.argmax(axis=1)] if decisions else found


def _in_rows(inputs: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    n = len(next(iter(inputs.values())))
    for start in range(0, n, ROWS):
        yield {name: x[start : start + ROWS] for name, x in inputs.items()}


def _mean_output(
    predict: Predict,
    data: MultimodalData,
    background: MultimodalData,
    kept: set[str],
    chosen: NDArray[np.int64],
    decisions: bool,
) -> Array:
    """Return the mean output over partners ``chosen`` (N, n): kept modalities stay, ``(N, K)``."""
    n_samples, n = chosen.shape
    step = max(1, ROWS // n)
    parts = []
    for start in range(0, n_samples, step):
        rows = torch.arange(start, min(start + step, n_samples))
        others = torch.from_numpy(chosen[start : start + step].ravel())
        inputs = {
            name: x[rows].repeat_interleave(n, dim=0)
            if name in kept
            else background.inputs[name][others]
            for name, x in data.inputs.items()
        }
        outputs = numbers(predict(inputs), decisions)
        parts.append(outputs.reshape(len(rows), n, -1).mean(axis=1))
    return np.concatenate(parts)
