"""Data sets of ready feature vectors: standardise, hold out a validation split, make the splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from mmfuse_lib.core.errors import DataError, check_names, check_numbers
from mmfuse_lib.data.card import Splits
from mmfuse_lib.data.multimodal import MultimodalData, from_arrays
from mmfuse_lib.data.storage.downloads import Recipe, load_arrays

#: The two parts in which some data sets are published.
PARTS = ("train", "test")


def standardise(x: NDArray[Any], is_train: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Subtract the mean and divide by the standard deviation of the training samples.

    Parameters
    ----------
    x : ndarray, shape (N, ..., D)
        All samples. Each of the D features has a mean and a deviation of its own.
    is_train : ndarray of bool, shape (N,)
        Which of the samples are for training. A feature that never changes in training is only
        shifted: it is zero there, but for rounding.
    """
    rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
    own = x[is_train].reshape(-1, x.shape[-1]).astype(np.float64)
    standardised: NDArray[np.float64] = StandardScaler().fit(own).transform(rows)
    return standardised.reshape(x.shape)


def fill_and_standardise(x: NDArray[np.float32], n_train: int) -> NDArray[np.float32]:
    """Standardise each feature as `standardise` does, where some values are unknown.

    Parameters
    ----------
    x : ndarray of float32, shape (N, ..., D)
        All samples, those for training first. Changed in place: such arrays are large, and
        scikit-learn would make several copies in double precision.
    n_train : int
        How many samples are for training.

    Returns
    -------
    ndarray of float32, shape (N, ..., D)
        `x`. NaN and infinite values do not count for mean and deviation, and become 0, the mean.
    """
    axes = tuple(range(x.ndim - 1))
    known = np.isfinite(x)
    n_known = np.maximum(known[:n_train].sum(axis=axes), 1)
    np.nan_to_num(x, copy=False, nan=0, posinf=0, neginf=0)
    x -= (x[:n_train].sum(axis=axes, dtype=np.float64) / n_known).astype(np.float32)
    x *= known
    rows = x[:n_train].reshape(-1, x.shape[-1])
    squares = np.einsum("nd,nd->d", rows, rows, dtype=np.float64)
    std = np.sqrt(squares / n_known).astype(np.float32)
    x /= np.where(std > 0, std, 1)
    return x


def hold_out(
    label: NDArray[np.integer[Any]], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw a share of the samples of each class, at least one each, and return which, ``(N,)``."""
    check_numbers("(0, 1)", val_share=share)
    drawn = np.zeros(len(label), dtype=bool)
    for k in np.unique(label):
        own = rng.permutation(np.flatnonzero(label == k))
        drawn[own[: max(1, round(share * len(own)))]] = True
    return drawn


def choose(chosen: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the chosen modalities as a list.

    Raises
    ------
    UnknownNameError, DataError
        If one does not exist, is named twice, or none is chosen.
    """
    names = [chosen] if isinstance(chosen, str) else list(chosen)
    check_names("modality", names, known)
    if not names or len(set(names)) < len(names):
        raise DataError(f"modalities is {names}: expected one or more of {tuple(known)}, each once")
    return names


def load_parts(
    recipe: Recipe,
    modalities: Sequence[str],
    *,
    class_names: tuple[str, ...],
    val_share: float,
    seed: int,
) -> Splits:
    """Load a data set published in two parts, whose arrays are ``train_<name>``, ``test_<name>``.

    The recipe has arrays ``train_label`` and ``test_label``; the rest is as in `make_splits`.
    """
    names = [*modalities, "label"]
    arrays = load_arrays(recipe, [f"{part}_{name}" for name in names for part in PARTS])
    joined = {name: np.concatenate([arrays[f"{part}_{name}"] for part in PARTS]) for name in names}
    label = joined.pop("label")
    is_test = np.arange(len(label)) >= len(arrays["train_label"])
    return make_splits(
        joined, label, is_test, class_names=class_names, val_share=val_share, seed=seed
    )


def make_splits(
    inputs: Mapping[str, NDArray[Any]],
    label: NDArray[np.integer[Any]],
    is_test: NDArray[np.bool_],
    *,
    class_names: tuple[str, ...],
    val_share: float,
    seed: int,
) -> Splits:
    """Hold out a validation split from what is not test, and standardise every feature.

    Parameters
    ----------
    inputs : mapping of str to ndarray
        Per modality, ``(N, features)``.
    label : ndarray of int, shape (N,)
        Classes.
    is_test : ndarray of bool, shape (N,)
        The published, or at least fixed, test split.
    class_names : tuple of str
        Names of the classes.
    val_share : float
        Share of the other samples of each class that is drawn for validation.
    seed : int
        Seed of that draw.
    """
    is_val = np.zeros(len(label), dtype=bool)
    is_val[~is_test] = hold_out(label[~is_test], val_share, np.random.default_rng(seed))
    is_train = ~is_test & ~is_val
    samples = from_arrays(
        {name: standardise(x, is_train) for name, x in inputs.items()},
        label,
        class_names=class_names,
    )
    return select(samples, is_train, is_val, is_test)


def select(samples: MultimodalData, *parts: NDArray[np.bool_]) -> Splits:
    """Return the samples for training, validation and test, given which they are."""
    train, val, test = (samples[torch.from_numpy(part)] for part in parts)
    return train, val, test
