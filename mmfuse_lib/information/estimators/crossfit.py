"""Cross-fitting: every sample is scored by models that never saw it.

Each fold has a model of its own, or several. All of them, the *members*, are fitted in the same
tensors, which have a leading axis of length F for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmfuse_lib.core.errors import DataError, check_integers

Indices = NDArray[np.int64]

#: One in so many of the samples a member may see checks it instead of training it.
VALIDATION_EVERY = 5


@dataclass(frozen=True)
class Split:
    """Which samples each of F members trains on, is checked on, and is asked about.

    A member with fewer samples than another may name some of them twice.

    Attributes
    ----------
    train, valid : Tensor of int64, shape (F, n_train) and (F, n_valid)
        Indices of samples.
    held : Tensor of int64, shape (F, n_held)
        The samples a member never saw.
    """

    train: Tensor
    valid: Tensor
    held: Tensor


def split_folds(
    y: Tensor, folds: int, *, networks: int = 1, groups: Indices | None = None, seed: int = 0
) -> Split:
    """Hold out each fold in turn; four fifths of the other samples train, a fifth checks.

    Parameters
    ----------
    y : Tensor of int64, shape (N,)
        Labels; all parts get each class in proportion.
    folds : int
        Parts that are held out, at least 2. For one `seed` they are always the same.
    networks : int
        Members of each fold. They differ in the fifth that checks them.
    groups : ndarray of int64, shape (N,), optional
        Numbers from 0 of who each sample is from. Then the parts are made of whole groups, as even
        in size and classes as groups allow: no member is checked on, or asked about, anybody whom
        it trained on. (Where a single group is left to train and to check, it does both, with
        different samples.)
    seed : int
        Of the draw.

    Returns
    -------
    Split
        Of ``folds * networks`` members, those of the first fold first.

    Raises
    ------
    ValueError
        If `folds` is below 2 or `networks` below 1.
    DataError
        If a class has fewer than `folds` samples, there are fewer than `folds` groups, or a class
        is in so few groups that a member would train without it.
    """
    check_integers(2, folds=folds)
    check_integers(networks=networks)
    smallest = int(torch.unique(y, return_counts=True)[1].min())
    if smallest < folds:
        raise DataError(
            f"the rarest class has {smallest} samples, too few for folds={folds}: "
            "each fold needs one; merge classes or use fewer folds"
        )
    order = _by_class(y, seed)
    if groups is None:
        fold, alike = np.arange(len(order)) % folds, _cut
    else:
        fold, alike = _fold_of_groups(groups, y, order, folds, seed), _spread
    parts = [
        (*_train_and_valid(order[fold != f], n, y, groups, seed), order[fold == f])
        for f in range(folds)
        for n in range(networks)
    ]
    train, valid, held = zip(*parts, strict=True)
    if groups is not None:
        _check_all_classes(train, y, folds)
    longest = max(map(len, held))
    stacked = (alike(train), alike(valid), np.stack([np.resize(part, longest) for part in held]))
    return Split(*(torch.from_numpy(part).to(y.device) for part in stacked))


def standardise(x: Tensor) -> Tensor:
    """Return features (N, d) with mean 0 and standard deviation 1; constant ones become 0."""
    deviation, mean = torch.std_mean(x, dim=0, correction=0)
    return (x - mean) / torch.where(deviation > 0, deviation, 1.0)


def _by_class(y: Tensor, seed: int) -> Indices:
    """Sort samples by class, in random order within a class, and return their indices."""
    labels = y.cpu().numpy()
    return np.lexsort((np.random.default_rng(seed).random(len(labels)), labels))


def _train_and_valid(
    order: Indices, nth: int, y: Tensor, groups: Indices | None, seed: int
) -> tuple[Indices, Indices]:
    """Take every fifth of samples that are sorted by class, a different one for each `nth`.

    With groups, a fifth of the groups, or one where there are fewer than five.
    """
    is_valid = (np.arange(len(order)) + nth) % VALIDATION_EVERY == VALIDATION_EVERY // 2
    if groups is not None:
        own = np.unique(groups[order], return_inverse=True)[1]
        if own.max() > 0:
            parts = min(VALIDATION_EVERY, int(own.max()) + 1)
            is_valid = deal_groups(own, y.cpu().numpy()[order], parts, seed) == nth % parts
    return order[~is_valid], order[is_valid]


def deal_groups(groups: Indices, y: Indices, parts: int, seed: int) -> Indices:
    """Deal whole groups to parts that get much the same of every class, and return each row's part.

    The largest go first, in random order if alike, each to the part that has the least of the
    classes that it brings, and of two such parts to the smaller. So no part stays empty while there
    is a group left.

    Parameters
    ----------
    groups, y : ndarray of int64, shape (N,)
        Numbers from 0 of groups and classes.
    parts : int
        At most the number of groups.
    seed : int
        Of the order.
    """
    counts = np.zeros((groups.max() + 1, y.max() + 1))
    np.add.at(counts, (groups, y), 1.0)
    sizes = counts.sum(axis=1)
    shares = counts / np.maximum(counts.sum(axis=0), 1.0)
    part = np.empty(len(sizes), dtype=np.int64)
    filled, n = np.zeros((parts, shares.shape[1])), np.zeros(parts)
    for g in np.lexsort((np.random.default_rng(seed).random(len(sizes)), -sizes)):
        part[g] = np.lexsort((n, (filled @ shares[g]).round(12)))[0]
        filled[part[g]] += shares[g]
        n[part[g]] += sizes[g]
    return part[groups]


def _fold_of_groups(groups: Indices, y: Tensor, order: Indices, folds: int, seed: int) -> Indices:
    n_groups = int(groups.max()) + 1
    if n_groups < folds:
        raise DataError(
            f"there are {n_groups} groups, too few for folds={folds}: each fold needs one; "
            "use fewer folds"
        )
    return deal_groups(groups, y.cpu().numpy(), folds, seed)[order]


def _check_all_classes(train: Sequence[Indices], y: Tensor, folds: int) -> None:
    labels = y.cpu().numpy()
    n_classes = len(np.unique(labels))
    if any(len(np.unique(labels[part])) < n_classes for part in train):
        raise DataError(
            f"a class is in too few groups for folds={folds}: some networks would train without "
            "it; merge classes, use other folds, or finer groups"
        )


def _cut(parts: Sequence[Indices]) -> Indices:
    """Stack arrays whose lengths differ by a few, without the last ones of the longer."""
    shortest = min(map(len, parts))
    return np.stack([part[:shortest] for part in parts])


def _spread(parts: Sequence[Indices]) -> Indices:
    """Stack arrays of any lengths, entries of the shorter repeated at even distances."""
    longest = max(map(len, parts))
    return np.stack([part[np.arange(longest) * len(part) // longest] for part in parts])
