"""Samples as the estimators want them: checked, flat, in NumPy."""

from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfuse_lib.core.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]

#: Largest size of a feature: the sum of squares of many of them is still a number in float32.
LARGEST = 1e16

#: Samples of one variable, NumPy or torch (on any device).
Samples: TypeAlias = Union[ArrayLike, "Tensor"]


def as_features(x: Samples, name: str) -> Array:
    """Return samples of one modality as float64 of shape (N, d).

    Parameters
    ----------
    x : array_like or Tensor, shape (N, ...)
        What a sample is made of is flattened.
    name : str
        What to call it in messages.

    Raises
    ------
    DataError
        If there are no samples or no features, some are not finite real numbers, or some are so
        large that their squares would overflow.
    """
    array = _as_numpy(x)
    if array.ndim == 0 or array.size == 0:
        raise DataError(f"{name} has shape {array.shape}: expected samples along the first axis")
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} holds {array.dtype}: expected real numbers")
    features: Array = array.reshape(len(array), -1).astype(np.float64)
    wrong = ~np.isfinite(features).all(axis=1)
    if wrong.any():
        raise DataError(f"{name} has a NaN or infinite value in sample {int(wrong.argmax())}")
    size = np.abs(features).max(axis=1)
    if (size > LARGEST).any():
        sample = int(size.argmax())
        raise DataError(
            f"{name} has a value of size {size[sample]:.3g} in sample {sample}: expected at most "
            f"{LARGEST:g}; is it a placeholder for a missing value? If not, rescale the features"
        )
    return features


def as_labels(y: Samples, name: str = "y") -> NDArray[np.int64]:
    """Return labels, checked, of shape (N,).

    Raises
    ------
    DataError
        If they are not integers along one axis, or all the same.
    """
    array = _as_numpy(y)
    if array.ndim != 1:
        raise DataError(f"{name} has shape {array.shape}: expected one label a sample, (N,)")
    if array.dtype.kind not in "iub":
        raise DataError(f"{name} holds {array.dtype}: expected integer labels")
    if len(np.unique(array)) < 2:
        raise DataError(f"{name} needs at least two different labels to say anything about")
    return array.astype(np.int64)


def as_groups(groups: Samples | None, n_samples: int) -> NDArray[np.int64] | None:
    """Return numbers from 0 of the groups that samples belong to, (N,); None stays None.

    Parameters
    ----------
    groups : array_like or Tensor of int or str, shape (N,), or None
        Who or what each sample is from.
    n_samples : int
        N.

    Raises
    ------
    DataError
        If there is not one group a sample, groups are not integers or strings, or there is only
        one.
    """
    if groups is None:
        return None
    array = _as_numpy(groups)
    if array.shape != (n_samples,):
        raise DataError(
            f"groups has shape {array.shape}: expected one group a sample, ({n_samples},)"
        )
    if array.dtype.kind == "O" and all(isinstance(name, str) for name in array):
        array = array.astype(str)
    if array.dtype.kind not in "iubUS":
        raise DataError(f"groups holds {array.dtype}: expected integers or strings")
    numbers: NDArray[np.int64] = np.unique(array, return_inverse=True)[1].astype(np.int64)
    if numbers.max() == 0:
        raise DataError("all samples are of one group: expected at least two groups")
    return numbers


def checked_samples(
    x1: Samples, x2: Samples, y: Samples, groups: Samples | None
) -> tuple[Array, Array, NDArray[np.int64], NDArray[np.int64] | None]:
    """Return features of both modalities, labels as numbers from 0, and groups, all checked."""
    a, b, labels = as_features(x1, "x1"), as_features(x2, "x2"), as_labels(y)
    check_paired(x1=a, x2=b, y=labels)
    return a, b, np.unique(labels, return_inverse=True)[1], as_groups(groups, len(labels))


def group_sums(values: Array, groups: NDArray[np.int64] | None) -> Array:
    """Sum values (N, ...) over the samples of each group, (G, ...); None: as they are."""
    if groups is None:
        return values
    sums: Array = np.zeros((int(groups.max()) + 1, *values.shape[1:]))
    np.add.at(sums, groups, values)
    return sums


def check_paired(**arrays: NDArray[np.float64] | NDArray[np.int64]) -> None:
    """Refuse arrays that do not all have one entry a sample.

    Raises
    ------
    DataError
        If their lengths differ; the message gives all of them.
    """
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise DataError(f"expected one row of each for every sample, got rows: {listed}")


def check_resamples(n_bootstrap: int) -> None:
    """Refuse a number of resamples that has no spread.

    Raises
    ------
    DataError
        If it is neither 0 nor at least 2.
    """
    if n_bootstrap < 0 or n_bootstrap == 1:
        raise DataError(f"n_bootstrap is {n_bootstrap}: expected 0, or at least 2")


def _as_numpy(x: Any) -> NDArray[np.generic]:
    if hasattr(x, "detach"):  # a tensor, told without torch
        x = x.detach().cpu()  # first: Apple's GPUs have no double precision
        x = (x.double() if x.is_floating_point() else x).numpy()
    try:
        return np.asarray(x)
    except ValueError as error:
        raise DataError(f"expected a rectangular array of samples: {error}") from error
