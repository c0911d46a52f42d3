"""`digit_pairs`: two real handwritten digits, labelled by a known interaction (no download).

The images are scikit-learn's bundled copy of the UCI *Optical Recognition of Handwritten Digits*
test set: 1797 scans of 8 x 8 pixels. The labels follow `mmfuse_lib.data.labels`, so pixels are
real and the truth about interactions is exact.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from mmfuse_lib.data.labels import composition_weights, draw_symbols, symbol_table
from mmfuse_lib.data.multimodal import INTERACTIONS, MultimodalData, from_arrays
from mmfuse_lib.errors import DataError, UnknownNameError

#: The two views, in order.
MODALITIES = ("left", "right")

#: Shares of the images of each digit that go to training, validation and test.
IMAGE_SHARES = (0.6, 0.2, 0.2)


def load(
    seed: int = 0,
    *,
    n_train: int = 12_000,
    n_val: int = 2_000,
    n_test: int = 4_000,
    n_classes: int = 4,
    cue: bool = True,
    composition: Mapping[str, float] | None = None,
    noise: Mapping[str, float] | None = None,
) -> tuple[MultimodalData, MultimodalData, MultimodalData]:
    """Make the three splits.

    Each sample shows one image to the modality ``"left"`` and one to ``"right"``. The interaction
    that rules the sample fixes which digits they show and the label (`mmfuse_lib.data.labels`).
    The images of the three splits are disjoint.

    The **cue** is two extra pixel rows under *both* images, in which one of four blocks is white
    and tells which interaction rules. With it, the two images decide every label; without it a
    model cannot know which rule to apply and even the best one errs. The cue is shared by the
    sources, which changes the decomposition of the data set: see `label_table`.

    Parameters
    ----------
    seed : int
        Seed of the split of the images and of all draws.
    n_train, n_val, n_test : int
        Number of samples per split.
    n_classes : int
        K, from 2 to 10: digits and labels are ``0 .. K-1``. The difficulty of synergy.
    cue : bool
        Whether the images show which interaction rules. Images are ``(1, 10, 8)`` with the cue
        and ``(1, 8, 8)`` without.
    composition : mapping of str to float, optional
        Share of the samples under each of ``"R"``, ``"U1"``, ``"U2"``, ``"S"``; default a
        quarter each.
    noise : mapping of str to float, optional
        Standard deviation of Gaussian noise added to the pixels of ``"left"`` or ``"right"``
        (never to the cue), for a weaker modality. It blurs what the pixels say of the digits;
        `label_table`, which is about the digits, stays what it is.

    Returns
    -------
    train, val, test : MultimodalData
        With ``composition`` and ``label_table()`` known. Pixels are in [0, 1] before noise.

    Raises
    ------
    DataError, UnknownNameError
        If an argument is out of range, or the composition is not one.
    """
    weights = composition_weights(composition)
    table = label_table(n_classes=n_classes, cue=cue, composition=composition)
    sizes = {"n_train": n_train, "n_val": n_val, "n_test": n_test}
    for name, size in sizes.items():
        if not (isinstance(size, int | np.integer) and size >= 1):
            raise DataError(f"{name} is {size}: expected an integer of at least 1")
    levels = _noise_levels(noise)
    split_seed, *draw_seeds = np.random.SeedSequence(seed).spawn(1 + len(sizes))
    pools = _image_pools(n_classes, np.random.default_rng(split_seed))
    splits = [
        _make_split(pool, weights, size, cue, levels, np.random.default_rng(s), table)
        for pool, size, s in zip(pools, sizes.values(), draw_seeds, strict=True)
    ]
    return splits[0], splits[1], splits[2]


def label_table(
    *, n_classes: int = 4, cue: bool = True, composition: Mapping[str, float] | None = None
) -> NDArray[np.float64]:
    """Return the exact ``p(x1, x2, y)`` that the labels follow, y the last axis.

    Without the cue the sources are the digits, shape ``(K, K, K)``. With it each source is a
    digit *and* the cue, ``x = c K + digit`` with c the index into ``("R", "U1", "U2", "S")``:
    shape ``(4K, 4K, K)``.

    What the cue does to the decomposition, for shares w and in units of log2 K bits: given the
    cue, each sample's label is decided by exactly the interaction it names, so the expected
    conditional information is w itself. The three mutual informations of the *data set* are
    I(X1;Y) = w_R + w_U1, I(X2;Y) = w_R + w_U2 and I(X1,X2;Y) = 1. They do not single w out: a
    measure that may count "left knows in some samples, right in others" as redundancy can answer
    with other atoms than the composition. Without the cue all three informations are smaller.
    """
    if not (isinstance(n_classes, int | np.integer) and 2 <= n_classes <= 10):
        raise DataError(f"n_classes is {n_classes!r}: expected an integer from 2 to 10")
    return symbol_table(composition_weights(composition), n_classes, cue)


@cache
def _digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    bunch = load_digits()
    return (bunch.images / 16).astype(np.float32), bunch.target.astype(np.int64)


def _image_pools(n_classes: int, rng: np.random.Generator) -> list[list[NDArray[np.float32]]]:
    """Return, per split and digit, the images it may use; no image is in two splits."""
    images, digit = _digits()
    pools: list[list[NDArray[np.float32]]] = [[] for _ in IMAGE_SHARES]
    for d in range(n_classes):
        own = images[rng.permutation(np.flatnonzero(digit == d))]
        cuts = np.round(np.cumsum(IMAGE_SHARES)[:-1] * len(own)).astype(int)
        for pool, part in zip(pools, np.split(own, cuts), strict=True):
            pool.append(part)
    return pools


def _make_split(
    pool: list[NDArray[np.float32]],
    weights: NDArray[np.float64],
    n_samples: int,
    cue: bool,
    levels: dict[str, float],
    rng: np.random.Generator,
    table: NDArray[np.float64],
) -> MultimodalData:
    n_classes = len(pool)
    a, b, y, kind = draw_symbols(weights, n_samples, n_classes, rng)
    views = {name: _draw_images(pool, x, rng) for name, x in zip(levels, (a, b), strict=True)}
    for name, level in levels.items():  # after all images: noise changes no other draw
        if level > 0:
            views[name] += rng.normal(0, level, views[name].shape).astype(np.float32)
    if cue:
        views = {name: _with_cue(images, kind) for name, images in views.items()}
    return from_arrays(
        {name: images[:, None] for name, images in views.items()},
        y,
        composition=kind,
        class_names=tuple(str(k) for k in range(n_classes)),
        table=table,
    )


def _noise_levels(noise: Mapping[str, float] | None) -> dict[str, float]:
    levels = dict.fromkeys(MODALITIES, 0.0)
    if not isinstance(noise, Mapping | None):
        raise DataError(f"noise is {noise!r}: expected a mapping such as {{'left': 0.5}}")
    for name, level in (noise or {}).items():
        if name not in levels:
            raise UnknownNameError("modality", name, MODALITIES)
        if not 0 <= level < float("inf"):
            raise DataError(f"noise of {name!r} is {level}: expected a finite number >= 0")
        levels[name] = float(level)
    return levels


def _draw_images(
    pool: list[NDArray[np.float32]], digit: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw one image a sample, uniformly among the pool's images of its digit."""
    sizes = np.array([len(images) for images in pool])
    first = np.cumsum(sizes) - sizes
    images: NDArray[np.float32] = np.concatenate(pool)[first[digit] + rng.integers(sizes[digit])]
    return images


def _with_cue(images: NDArray[np.float32], kind: NDArray[np.int64]) -> NDArray[np.float32]:
    """Add two rows of four 2 x 2 blocks; the block of the ruling interaction is white."""
    blocks = np.eye(len(INTERACTIONS), dtype=np.float32)[kind].repeat(2, axis=1)
    return np.concatenate([images, np.stack([blocks, blocks], axis=1)], axis=1)
