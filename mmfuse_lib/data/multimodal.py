"""`MultimodalData`: several views of the same samples, their labels and, where known, the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from mmfuse_lib.errors import DataError

#: The kinds of interaction that can decide a label, in the order used everywhere.
INTERACTIONS: tuple[str, str, str, str] = ("R", "U1", "U2", "S")

Task = Literal["classification", "multilabel", "regression"]


@dataclass(frozen=True, eq=False)
class MultimodalData:
    """Samples seen through several modalities.

    Build it with `from_arrays`, which checks everything; the constructor itself does not, so that
    taking a batch costs nothing but the indexing.

    Attributes
    ----------
    inputs : dict of str to Tensor
        One tensor a modality, shape ``(N, ...)``; the order of the dictionary is the order of
        the modalities.
    target : Tensor
        Shape ``(N,)``: int64 class indices, or floats for regression. Shape ``(N, L)``: int64,
        1 for each of L labels that a sample has, 0 for the others (multi-label).
    class_names : tuple of str
        One name a class or label; empty for regression.
    composition : Tensor or None
        Shape ``(N,)``, int64 indices into `INTERACTIONS`: the interaction that decided each
        label, where that is known.
    table : ndarray or None
        The exact distribution ``p(x1, x2, y)`` that the labels follow, where that is known.
    groups : Tensor or None
        Shape ``(N,)``, int64: what each sample was taken from (a person, a recording), where that
        is known. `split` keeps a group together.
    """

    inputs: dict[str, Tensor]
    target: Tensor
    class_names: tuple[str, ...] = ()
    composition: Tensor | None = None
    table: NDArray[np.float64] | None = None
    groups: Tensor | None = None

    def __len__(self) -> int:
        return len(self.target)

    def __repr__(self) -> str:
        views = ", ".join(f"{name} {shape}" for name, shape in self.shapes.items())
        counted = {"classification": "classes", "multilabel": "labels"}.get(self.task)
        kind = f"{self.n_classes} {counted}" if counted else "regression"
        return f"MultimodalData({len(self)} samples; {views}; {kind})"

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities, in order."""
        return tuple(self.inputs)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one sample, per modality."""
        return {name: tuple(x.shape[1:]) for name, x in self.inputs.items()}

    @property
    def task(self) -> Task:
        """``"multilabel"`` for a row of labels a sample; else by type: integers name classes."""
        if self.target.ndim == 2:
            return "multilabel"
        return "regression" if self.target.is_floating_point() else "classification"

    @property
    def n_classes(self) -> int:
        """Number of classes or labels; 0 for regression."""
        return len(self.class_names)

    @property
    def nbytes(self) -> int:
        """Memory that inputs and target take, in bytes."""
        return sum(x.nbytes for x in (*self.inputs.values(), self.target))

    def __getitem__(self, index: Tensor | slice) -> MultimodalData:
        """Return the samples at `index`, as `MultimodalData`."""
        return replace(
            self,
            inputs={name: x[index] for name, x in self.inputs.items()},
            target=self.target[index],
            composition=None if self.composition is None else self.composition[index],
            groups=None if self.groups is None else self.groups[index],
        )

    def to(self, device: torch.device | str) -> MultimodalData:
        """Return the same data with its tensors on `device`."""
        return replace(
            self,
            inputs={name: x.to(device) for name, x in self.inputs.items()},
            target=self.target.to(device),
            composition=None if self.composition is None else self.composition.to(device),
            groups=None if self.groups is None else self.groups.to(device),
        )

    def split(self, fraction: float, seed: int = 0) -> tuple[MultimodalData, MultimodalData]:
        """Cut the samples at random into two parts; where groups are known, between groups.

        Parameters
        ----------
        fraction : float
            Share of the samples in the first part, strictly between 0 and 1. With groups, the
            nearest share that whole groups give.
        seed : int
            Seed of the shuffle.

        Returns
        -------
        tuple of MultimodalData
            Two parts, neither empty, without a sample (or a group) in common.

        Raises
        ------
        DataError
            If there is no such cut.
        """
        shuffle = torch.Generator().manual_seed(seed)
        if self.groups is not None:
            return self._split_groups(self.groups.cpu(), fraction, shuffle)
        n_first = round(fraction * len(self)) if 0 < fraction < 1 else 0
        if not 0 < n_first < len(self):
            raise DataError(
                f"cannot split {len(self)} samples at fraction {fraction}: "
                "expected a number between 0 and 1 that leaves samples on both sides"
            )
        order = torch.randperm(len(self), generator=shuffle)
        order = order.to(self.target.device)
        return self[order[:n_first]], self[order[n_first:]]

    def _split_groups(
        self, groups: Tensor, fraction: float, shuffle: torch.Generator
    ) -> tuple[MultimodalData, MultimodalData]:
        """Cut between groups; samples keep their order."""
        _, group, sizes = torch.unique(groups, return_inverse=True, return_counts=True)
        if not 0 < fraction < 1 or len(sizes) < 2:
            raise DataError(
                f"cannot split {len(self)} samples of {len(sizes)} groups at fraction {fraction}: "
                "expected a number between 0 and 1, and two groups or more"
            )
        order = torch.randperm(len(sizes), generator=shuffle)
        shares = sizes[order].cumsum(dim=0)[:-1] / len(self)
        n_first = int((shares - fraction).abs().argmin()) + 1
        is_first = torch.isin(group, order[:n_first]).to(self.target.device)
        return self[is_first.nonzero().squeeze(1)], self[(~is_first).nonzero().squeeze(1)]

    def label_table(self) -> NDArray[np.float64]:
        """Return the exact ``p(x1, x2, y)`` that the labels follow.

        Raises
        ------
        DataError
            If it is not known, as for real data.
        """
        if self.table is None:
            raise DataError("the distribution of these labels is not known (only made data has it)")
        return self.table.copy()


def from_arrays(
    inputs: Mapping[str, ArrayLike | Tensor],
    target: ArrayLike | Tensor,
    *,
    composition: ArrayLike | Tensor | None = None,
    class_names: tuple[str, ...] | None = None,
    table: NDArray[np.float64] | None = None,
    groups: ArrayLike | Tensor | None = None,
) -> MultimodalData:
    """Make `MultimodalData` from NumPy arrays, tensors or lists, checking all of it.

    Parameters
    ----------
    inputs : mapping of str to array
        One array a modality, shape ``(N, ...)``. Everything is converted to float32.
    target : array
        Shape ``(N,)``. Floats are regression targets. Integers ``0 .. K-1`` are class indices.
        Anything else (strings, other integers) names classes, which are numbered in sorted order.
        Shape ``(N, L)``, two or more columns of integers or booleans: 1 where a sample has the
        label (multi-label).
    composition : array, optional
        Shape ``(N,)``, indices into `INTERACTIONS`.
    class_names : tuple of str, optional
        Names of the K classes when `target` holds indices; K may exceed those that occur. Of the
        L labels when it has L columns.
    table : ndarray, optional
        ``p(x1, x2, y)``, where it is known.
    groups : array, optional
        Shape ``(N,)``, integers or strings: the person, recording or place that each sample is
        from. Samples of a group are alike, so `MultimodalData.split` keeps them together.

    Raises
    ------
    DataError
        If a length, a shape or a value cannot be used; the message names the modality.
    """
    if not isinstance(inputs, Mapping) or not inputs:
        raise DataError('inputs: expected a non-empty mapping such as {"audio": a, "video": v}')
    y, names = _as_target(target, class_names)
    views = {str(name): _as_input(str(name), x, len(y)) for name, x in inputs.items()}
    return MultimodalData(
        inputs=views,
        target=y,
        class_names=names,
        composition=None if composition is None else _as_composition(composition, len(y)),
        table=table,
        groups=None if groups is None else _as_groups(groups, len(y)),
    )


def check_trainable(data: MultimodalData) -> None:
    """Raise `DataError` unless a model can be trained on `data`: samples, and two classes.

    Multi-label: some label that some samples have and others have not.
    """
    if len(data) == 0:
        raise DataError("there are no samples to train on")
    if data.task == "multilabel" and bool((data.target == data.target[0]).all()):
        raise DataError("all training samples have the same labels: expected one that varies")
    if data.task == "classification":
        present = torch.unique(data.target)
        if len(present) < 2:
            raise DataError(
                f"the target has one class only ({data.class_names[int(present[0])]!r}): "
                "expected at least two among the training samples"
            )


def _as_input(name: str, x: ArrayLike | Tensor, n_samples: int) -> Tensor:
    array = _as_numeric_tensor(f"modality {name!r}", x)
    if array.ndim < 2:
        raise DataError(
            f"modality {name!r} has shape {tuple(array.shape)}: expected (samples, ...), "
            "at least two axes"
        )
    if len(array) != n_samples:
        raise DataError(
            f"modality {name!r} has {len(array)} samples but there are {n_samples} labels"
        )
    if 0 in array.shape[1:]:
        raise DataError(f"modality {name!r} has an empty axis: shape {tuple(array.shape)}")
    array = array.to(torch.float32)
    if not torch.isfinite(array).all():
        bad = int((~torch.isfinite(array.flatten(1)).all(1)).nonzero()[0])
        raise DataError(f"modality {name!r} has NaN or infinite values (first in sample {bad})")
    return array


def _as_target(
    target: ArrayLike | Tensor, class_names: tuple[str, ...] | None
) -> tuple[Tensor, tuple[str, ...]]:
    array = _as_array("target", target)
    if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "biu":
        return _as_labels(array, class_names)
    if array.ndim != 1:
        raise DataError(
            f"target has shape {array.shape} and dtype {array.dtype}: expected (samples,), one "
            "label a sample, or two or more columns of integers 0 and 1 (multi-label)"
        )
    if array.dtype.kind == "f":
        y = _as_float32(array)
        if not torch.isfinite(y).all():
            raise DataError("target has NaN or infinite values")
        return y, ()
    if array.dtype.kind == "O" and all(isinstance(v, str) for v in array):
        array = array.astype(str)
    if array.dtype.kind not in "biuUS":
        raise DataError(f"target has dtype {array.dtype}: expected integers, strings or floats")
    return _as_classes(array, class_names)


def _as_labels(
    array: NDArray[np.generic], class_names: tuple[str, ...] | None
) -> tuple[Tensor, tuple[str, ...]]:
    if not np.isin(array, [0, 1]).all():
        raise DataError(
            "a target with columns must hold 0 and 1 only: 1 where a sample has a label"
        )
    names = tuple(map(str, range(array.shape[1]) if class_names is None else class_names))
    if len(names) != array.shape[1]:
        raise DataError(f"there are {len(names)} class_names for {array.shape[1]} labels")
    return torch.tensor(array.astype(np.int64)), names


def _as_classes(
    array: NDArray[np.generic], class_names: tuple[str, ...] | None
) -> tuple[Tensor, tuple[str, ...]]:
    values, index = np.unique(array, return_inverse=True)
    is_index = array.dtype.kind in "biu" and len(values) > 0 and int(values[0]) >= 0
    if class_names is not None:
        if not is_index or int(values[-1]) >= len(class_names):
            raise DataError(
                f"target values {values[:5].tolist()}... do not index the "
                f"{len(class_names)} class_names: expected integers 0 .. {len(class_names) - 1}"
            )
        return torch.tensor(array.astype(np.int64)), tuple(map(str, class_names))
    return torch.tensor(index.astype(np.int64)), tuple(str(v) for v in values)


def _as_composition(composition: ArrayLike | Tensor, n_samples: int) -> Tensor:
    kinds = _as_numeric_tensor("composition", composition)
    if kinds.shape != (n_samples,):
        raise DataError(f"composition has shape {tuple(kinds.shape)}: expected ({n_samples},)")
    if not torch.isin(kinds, torch.arange(len(INTERACTIONS), device=kinds.device)).all():
        raise DataError(f"composition must hold indices 0 .. 3 into {INTERACTIONS}")
    return kinds.to(torch.int64)


def _as_groups(groups: ArrayLike | Tensor, n_samples: int) -> Tensor:
    array = _as_array("groups", groups)
    if array.shape != (n_samples,):
        raise DataError(f"groups has shape {array.shape}: expected ({n_samples},)")
    if array.dtype.kind == "O" and all(isinstance(v, str) for v in array):
        array = array.astype(str)
    if array.dtype.kind not in "biuUS":
        raise DataError(f"groups has dtype {array.dtype}: expected integers or strings")
    return torch.tensor(np.unique(array, return_inverse=True)[1].astype(np.int64))


def _as_numeric_tensor(what: str, x: ArrayLike | Tensor) -> Tensor:
    if isinstance(x, Tensor):
        if x.is_complex():
            raise DataError(f"{what} is complex: expected real numbers")
        return x.detach().clone()
    array = _as_array(what, x)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} has dtype {array.dtype}: expected real numbers")
    return _as_float32(array)


def _as_array(what: str, x: ArrayLike | Tensor) -> NDArray[Any]:
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        return (x.float() if x.is_floating_point() else x).numpy()
    try:
        return np.asarray(x)
    except ValueError as error:
        raise DataError(f"{what} cannot be made into an array: {error}") from error


def _as_float32(array: NDArray[Any]) -> Tensor:
    """Copy; what torch cannot take as it is (byte order, strides, precision) is converted."""
    with np.errstate(over="ignore"):  # becomes infinite, which the callers refuse
        return torch.from_numpy(array.astype(np.float32, order="C"))
