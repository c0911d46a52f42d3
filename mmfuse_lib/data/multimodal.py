"""`MultimodalData`: samples in several modalities, their labels and, where known, the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.dataframes import as_array, match_rows

#: The kinds of interaction that can decide a label, in the order used everywhere.
INTERACTIONS: tuple[str, str, str, str] = ("R", "U1", "U2", "S")

#: The largest number of single precision.
FLOAT32_MAX = float(np.finfo(np.float32).max)

#: How many samples, and bytes of them, `check_values` checks at once; bounds memory.
ROWS, CHECKED_BYTES = 4_096, 2**26

CPU = torch.device("cpu")

#: Types that `as_array` converts.
PANDAS = (pd.Series, pd.DataFrame, pd.Index, pd.api.extensions.ExtensionArray)

Task = Literal["classification", "multilabel", "regression"]


@dataclass(frozen=True, eq=False)
class MultimodalData:
    """Samples in several modalities.

    Build it with `from_arrays`, which checks everything; the constructor does not, so that taking a
    batch costs no more than the indexing.

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
        Shape ``(N,)``, int64: the person or recording that each sample is from, where that is
        known. `split` keeps a group together.
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
        shapes = ", ".join(f"{name} {shape}" for name, shape in self.shapes.items())
        counted = {"classification": "classes", "multilabel": "labels"}.get(self.task)
        task = f"{self.n_classes} {counted}" if counted else "regression"
        return f"MultimodalData({len(self)} samples; {shapes}; {task})"

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
        if (
            isinstance(index, Tensor)
            and index.dtype in (torch.int32, torch.int64)
            and index.ndim == 1
            and index.device
            == self.target.device
            == CPU  # on a GPU the next line would wait for it
            and not bool((index < 0).any())
        ):
            return self.take(index)
        return self.each(lambda x: x[index])

    def take(self, index: Tensor) -> MultimodalData:
        """Return the samples at integers from 0 on the data's own device: faster than ``[index]``.

        Examples
        --------
        >>> import torch
        >>> from mmfuse_lib import data
        >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
        >>> train.take(torch.tensor([3, 1, 1]))
        MultimodalData(3 samples; left (1, 10, 8), right (1, 10, 8); 4 classes)
        """
        return self.each(lambda x: x.index_select(0, index))

    def to(self, device: torch.device | str) -> MultimodalData:
        """Return the same data with its tensors on `device`."""
        return self.each(lambda x: x.to(device))

    def each(self, change: Callable[[Tensor], Tensor]) -> MultimodalData:
        """Return the same data with every tensor changed."""
        return replace(
            self,
            inputs={name: change(x) for name, x in self.inputs.items()},
            target=change(self.target),
            composition=None if self.composition is None else change(self.composition),
            groups=None if self.groups is None else change(self.groups),
        )

    def split(self, fraction: float, seed: int = 0) -> tuple[MultimodalData, MultimodalData]:
        """Cut the samples into two parts at random; where groups are known, between groups.

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
            raise DataError("the distribution of these labels is not known, as for real data")
        return self.table.copy()


def from_arrays(
    inputs: Mapping[str, ArrayLike | Tensor | pd.DataFrame],
    target: ArrayLike | Tensor | pd.Series[Any] | pd.DataFrame,
    *,
    composition: ArrayLike | Tensor | pd.Series[Any] | None = None,
    class_names: Sequence[str] | None = None,
    table: NDArray[np.float64] | None = None,
    groups: ArrayLike | Tensor | pd.Series[Any] | None = None,
    align: bool = False,
) -> MultimodalData:
    """Make `MultimodalData` from NumPy arrays, tensors, lists or pandas objects, checking them.

    Row k of every argument belongs to sample k. Where several are pandas objects, their indexes
    must say so too.

    Parameters
    ----------
    inputs : mapping of str to array
        One array a modality, shape ``(N, ...)``. Everything is converted to float32, which keeps
        about seven digits of a number.
    target : array
        Shape ``(N,)``. Floats are regression targets. Integers ``0 .. K-1`` are class indices.
        Anything else (strings, other integers, a pandas categorical) names classes, which are
        numbered in sorted order. Shape ``(N, L)``, two or more columns of integers or booleans: 1
        where a sample has the label (multi-label).
    composition : array, optional
        Shape ``(N,)``, indices into `INTERACTIONS`.
    class_names : sequence of str, optional
        Names of the K classes when `target` holds indices; K may exceed those that occur. Of the
        L labels when it has L columns. No two may be equal.
    table : ndarray, optional
        ``p(x1, x2, y)``, where it is known: three axes, sums to 1.
    groups : array, optional
        Shape ``(N,)``, integers or strings: the person, recording or place that each sample is
        from. Samples of a group are alike, so `MultimodalData.split` keeps them together.
    align : bool
        Put the rows of all pandas objects in the order of the target's index, by label. Each must
        have the target's labels and no others, once each. An argument without an index cannot
        follow and is refused where rows have to move.

    Raises
    ------
    DataError
        If a length, a shape or a value cannot be used, or indexes of pandas objects differ; the
        message names the modality and, if samples are at fault, the first of them.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib import data
    >>> rng = np.random.default_rng(0)
    >>> views = {"voice": rng.normal(size=(60, 20)), "face": rng.normal(size=(60, 1, 8, 8))}
    >>> mine = data.from_arrays(views, ["sad", "glad", "sad"] * 20, groups=np.repeat(range(12), 5))
    >>> mine
    MultimodalData(60 samples; voice (20,), face (1, 8, 8); 2 classes)
    >>> train, test = mine.split(0.75, seed=0)  # between groups: nobody is in both
    >>> len(train), len(test)
    (45, 15)
    """
    if not isinstance(inputs, Mapping) or not inputs:
        raise DataError('inputs: expected a non-empty mapping such as {"audio": a, "video": v}')
    named = {_modality(name): x for name, x in inputs.items()}
    if len(named) < len(inputs):
        raise DataError(
            f"two modalities of {list(inputs)} have the same name as text: expected another for "
            "each"
        )
    others = {"composition": composition, "groups": groups}
    arguments = match_rows(
        {"target": target, **named, **{k: v for k, v in others.items() if v is not None}},
        align=align,
    )
    y, names = _as_target(arguments["target"], _checked_names(class_names))
    return MultimodalData(
        inputs={
            str(name): _as_input(_modality(name), arguments[_modality(name)], len(y))
            for name in inputs
        },
        target=y,
        class_names=names,
        composition=(
            None if composition is None else _as_composition(arguments["composition"], len(y))
        ),
        table=None if table is None else _as_table(table),
        groups=None if groups is None else _as_groups(arguments["groups"], len(y)),
    )


def check_trainable(data: MultimodalData) -> None:
    """Raise `DataError` unless a model can be trained on `data`: it has samples and two classes.

    Multi-label data needs a label that some samples have and others do not.
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


def check_values(data: MultimodalData, what: str = "") -> None:
    """Raise `DataError` for a number that is NaN, infinite, or too large for single precision.

    `from_arrays` checks this already, but data can be made and changed without it.

    Parameters
    ----------
    data : MultimodalData
        Inputs and, for regression, targets are checked.
    what : str
        Which data it is, for the message.
    """
    of = f"{what} data: " if what else ""
    named = {f"modality {name!r}": x for name, x in data.inputs.items()}
    for name, x in {**named, "the target": data.target}.items():
        if not x.is_floating_point():
            continue
        n_rows = max(1, min(ROWS, CHECKED_BYTES * len(x) // max(1, x.nbytes)))
        for start in range(0, len(x), n_rows):
            rows = x[start : start + n_rows].detach()
            if (bad := first_bad(rows.to(torch.float32))) is not None:
                fault = "NaN or infinite values"
                if torch.isfinite(rows[bad]).all():
                    fault = "values beyond the range of single precision, 3.4e38"
                raise DataError(f"{of}{name} has {fault} (first in sample {start + bad})")


def first_bad(x: Tensor) -> int | None:
    """Return the first sample that has a NaN or infinite number; None if there is none."""
    is_bad = ~torch.isfinite(x).reshape(len(x), -1).all(dim=1)
    return int(is_bad.nonzero()[0]) if is_bad.any() else None


def _modality(name: object) -> str:
    return f"modality {str(name)!r}"


def _as_input(what: str, x: Any, n_samples: int) -> Tensor:
    array = _as_numbers(what, x)
    if array.ndim < 2:
        raise DataError(
            f"{what} has shape {tuple(array.shape)}: expected (samples, ...), at least two axes"
        )
    if len(array) != n_samples:
        raise DataError(f"{what} has {len(array)} samples but there are {n_samples} labels")
    if 0 in array.shape[1:]:
        raise DataError(f"{what} has an empty axis: shape {tuple(array.shape)}")
    return _as_float32(what, array)


def _as_target(target: Any, class_names: tuple[str, ...] | None) -> tuple[Tensor, tuple[str, ...]]:
    array = _as_labels("target", target)
    if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "biu":
        return _as_columns(array, class_names)
    if array.ndim != 1:
        raise DataError(
            f"target has shape {array.shape} and dtype {array.dtype}: expected (samples,), one "
            "label a sample, or two or more columns of integers 0 and 1 (multi-label)"
        )
    if array.dtype.kind == "f" and not _is_categorical(target):
        y = _as_float32("target", array)
        if class_names is not None:
            raise DataError(
                f"target holds floats ({array.dtype}), which makes it regression, but there are "
                f"{len(class_names)} class_names: expected integers"
            )
        return y, ()
    if array.dtype.kind not in "biufU":
        raise DataError(f"target has dtype {array.dtype}: expected integers, strings or floats")
    return _as_classes(array, class_names)


def _as_columns(
    array: NDArray[np.generic], class_names: tuple[str, ...] | None
) -> tuple[Tensor, tuple[str, ...]]:
    if not np.isin(array, [0, 1]).all():
        raise DataError(
            "a target with columns must hold 0 and 1 only: 1 where a sample has a label"
        )
    names = tuple(map(str, range(array.shape[1]))) if class_names is None else class_names
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
        return torch.tensor(array.astype(np.int64)), class_names
    return torch.tensor(index.astype(np.int64)), tuple(str(v) for v in values)


def _checked_names(class_names: Sequence[str] | None) -> tuple[str, ...] | None:
    if class_names is None:
        return None
    if isinstance(class_names, str | bytes | Set) or not isinstance(class_names, Iterable):
        raise DataError(f"class_names is {class_names!r}: expected a sequence of names")
    names = tuple(map(str, class_names))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"class_names has {twice[0]!r} more than once: expected different names")
    return names


def _as_composition(composition: Any, n_samples: int) -> Tensor:
    kinds = _as_float32("composition", _as_numbers("composition", composition))
    if kinds.shape != (n_samples,):
        raise DataError(f"composition has shape {tuple(kinds.shape)}: expected ({n_samples},)")
    if not torch.isin(kinds, torch.arange(len(INTERACTIONS), device=kinds.device)).all():
        raise DataError(f"composition must hold indices 0 .. 3 into {INTERACTIONS}")
    return kinds.to(torch.int64)


def _as_table(table: Any) -> NDArray[np.float64]:
    given = _as_array("table", table)
    if given.dtype.kind in "biuf" and given.ndim == 3 and (given >= 0).all():
        p: NDArray[np.float64] = given.astype(np.float64)
        if abs(p.sum() - 1) < 1e-6:
            return p
    raise DataError(
        f"table has shape {given.shape} and dtype {given.dtype}: expected p(x1, x2, y), three "
        "axes of probabilities that sum to 1"
    )


def _as_groups(groups: Any, n_samples: int) -> Tensor:
    array = _as_labels("groups", groups)
    if array.shape != (n_samples,):
        raise DataError(f"groups has shape {array.shape}: expected ({n_samples},)")
    if array.dtype.kind not in "biuU":
        raise DataError(f"groups has dtype {array.dtype}: expected integers or strings")
    return torch.tensor(np.unique(array, return_inverse=True)[1].astype(np.int64))


def _as_labels(what: str, x: Any) -> NDArray[Any]:
    """Return labels as an array, with text of any type as strings."""
    array = _as_array(what, x)
    if array.dtype.kind in "US" and isinstance(x, list | tuple):
        array = np.array(x, dtype=object)  # NumPy turns numbers and gaps beside text into text
    if array.ndim == 1 and (array.dtype.kind == "O" or _is_categorical(x)):
        missing = pd.isna(array)
        if missing.any():
            raise DataError(f"{what} has a missing value (first in sample {missing.argmax()})")
    is_text = array.dtype.kind == "O" and all(isinstance(v, str | bytes) for v in array.flat)
    return _as_text(what, array) if is_text or array.dtype.kind == "S" else array


def _is_categorical(x: Any) -> bool:
    return isinstance(getattr(x, "dtype", None), pd.CategoricalDtype)


def _as_text(what: str, values: NDArray[Any]) -> NDArray[np.str_]:
    try:
        texts = [v.decode("utf8") if isinstance(v, bytes) else v for v in values.flat]
    except UnicodeDecodeError as error:
        raise DataError(f"{what} holds bytes that are no text in UTF-8: {error}") from error
    return np.array(texts, dtype=np.str_).reshape(values.shape)


def _as_numbers(what: str, x: Any) -> NDArray[Any] | Tensor:
    """Return real numbers in the precision in which they are given."""
    if isinstance(x, Tensor):
        if x.is_complex():
            raise DataError(f"{what} is complex: expected real numbers")
        return _as_dense(what, x)
    array = _as_array(what, x)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} has dtype {array.dtype}: expected real numbers")
    return array


def _as_dense(what: str, x: Tensor) -> Tensor:
    if x.layout != torch.strided or x.is_quantized or x.is_meta:
        raise DataError(f"{what} is a tensor of {x.layout} on {x.device}: expected a dense one")
    return x.detach()


def _as_array(what: str, x: Any) -> NDArray[Any]:
    if isinstance(x, Tensor):
        x = _as_dense(what, x).cpu()
        values: NDArray[Any] = (x.double() if x.is_floating_point() else x).numpy()
        return values
    parts = x if isinstance(x, list | tuple) else [x]
    if any(np.ma.is_masked(part) for part in parts if isinstance(part, np.ma.MaskedArray)):
        raise DataError(f"{what} has masked values: fill them or leave these samples out")
    if isinstance(x, PANDAS):
        return as_array(what, x)
    try:
        return np.asarray(x)
    except ValueError as error:
        raise DataError(f"{what} cannot be made into an array: {error}") from error


def _as_float32(what: str, exact: NDArray[Any] | Tensor) -> Tensor:
    """Copy numbers in single precision, and check that they fit."""
    if isinstance(exact, Tensor):
        single = exact.to(torch.float32, copy=True)
    else:
        # Torch does not take every byte order, stride and precision.
        with np.errstate(over="ignore"):  # becomes infinite, which is refused below
            single = torch.from_numpy(exact.astype(np.float32, order="C"))
    if single.ndim == 0 or single.numel() == 0:
        return single
    if (k := first_bad(single)) is not None:
        where = f"(first in sample {k})"
        if bool((abs(exact[k]) < float("inf")).all()):
            raise DataError(
                f"{what} has values that exceed what single precision holds, {FLOAT32_MAX:.2g} "
                f"{where}: scale them"
            )
        raise DataError(f"{what} has NaN or infinite values {where}")
    if torch.equal(single[0], single[-1]) and not (single[1:] != single[:1]).any():
        differs: Any = exact[1:] != exact[:1]
        if differs.any():
            raise DataError(
                f"{what} varies, but by too little for single precision, in which all samples are "
                "the same: scale it, or subtract its mean"
            )
    return single
