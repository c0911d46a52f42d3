"""`digit_pairs`: two real handwritten digits, labelled by a known interaction (no download).

The images are scikit-learn's bundled copy of the UCI *Optical Recognition of Handwritten Digits*
test set: 1797 scans of 8 x 8 pixels. The labels follow `mmfuse_lib.data.synthetic.labels`, so
pixels are real and the truth about interactions is exact.
"""

from collections.abc import Mapping
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.synthetic.labels import (
    CueIn,
    Pool,
    cue_in_rows,
    digit_table,
    draw_digit_splits,
)

#: The two modalities, in order.
MODALITIES = ("left", "right")

#: Height of the cue, in pixels.
CUE_ROWS = 2

#: Shares of the images of each digit that go to training, validation and test.
IMAGE_SHARES = (0.6, 0.2, 0.2)


def load(
    seed: int = 0,
    *,
    n_train: int = 12_000,
    n_val: int = 2_000,
    n_test: int = 4_000,
    n_classes: int = 4,
    cue: bool | float = True,
    cue_in: CueIn = "both",
    composition: Mapping[str, float] | None = None,
    noise: Mapping[str, float] | None = None,
) -> Splits:
    """Make the three splits.

    Each sample shows one image to the modality ``"left"`` and one to ``"right"``. The interaction
    that rules the sample fixes which digits they show and the label
    (`mmfuse_lib.data.synthetic.labels`). The images of the three splits are disjoint.

    The **cue** is two extra pixel rows under *both* images, in which one of four blocks is white
    and tells which interaction rules. With it, the two images decide every label; without it a
    model cannot know which rule to apply and even the best one errs. Both modalities show the cue,
    which changes the decomposition of the data set: see `label_table`.

    Every split knows its ``composition`` and its ``label_table()``. Pixels are in [0, 1] before
    noise.

    Parameters
    ----------
    seed : int
        Seed of the split of the images and of all draws.
    n_classes : int
        K, from 2 to 10: digits and labels are ``0 .. K-1``. The difficulty of synergy.
    cue : bool or float
        Whether the images show which interaction rules; a number from 0 to 1 is how often the cue
        is right (else it names one of the other three, so 1/4 says nothing). Images are
        ``(1, 10, 8)`` with a cue and ``(1, 8, 8)`` without.
    cue_in : {"both", "first", "second"}
        Which modalities show it.
    composition : mapping of str to float, optional
        Share of the samples under each of ``"R"``, ``"U1"``, ``"U2"``, ``"S"``; default a
        quarter each.
    noise : mapping of str to float, optional
        Standard deviation of Gaussian noise added to the pixels of ``"left"`` or ``"right"``
        (never to the cue), for a weaker modality. It blurs what the pixels say of the digits;
        `label_table`, which is about the digits, stays what it is.
    """
    return draw_digit_splits(
        partial(_image_pools, n_classes),
        MODALITIES,
        seed=seed,
        sizes={"n_train": n_train, "n_val": n_val, "n_test": n_test},
        n_classes=n_classes,
        cue=cue,
        cue_in=cue_in,
        add_cue=partial(cue_in_rows, rows=CUE_ROWS),
        composition=composition,
        noise=noise,
    )


def label_table(
    *,
    n_classes: int = 4,
    cue: bool | float = True,
    cue_in: CueIn = "both",
    composition: Mapping[str, float] | None = None,
) -> NDArray[np.float64]:
    """Return the exact ``p(x1, x2, y)`` that the labels follow, y the last axis.

    Without the cue the sources are the digits, shape ``(K, K, K)``. With it each source is a
    digit *and* the cue, ``x = c K + digit`` with c the index into ``("R", "U1", "U2", "S")``:
    shape ``(4K, 4K, K)``. A source that does not show it has K values.

    What a cue does to the decomposition that both show and that is always right, for shares w and
    in units of log2 K bits: given the cue, each sample's label is decided by exactly the
    interaction it names, so the expected conditional information is w itself. The three mutual
    informations of the *data set* are I(X1;Y) = w_R + w_U1, I(X2;Y) = w_R + w_U2 and
    I(X1,X2;Y) = 1. They do not single w out: a measure that may count "left knows in some samples,
    right in others" as redundancy can answer with other atoms than the composition. Without the cue
    all three informations are smaller.

    Examples
    --------
    >>> from mmfuse_lib.data.synthetic.digit_pairs import label_table
    >>> from mmfuse_lib.information import mutual_information
    >>> only_both = label_table(n_classes=2, cue=False, composition={"S": 1.0})
    >>> only_both.shape
    (2, 2, 2)
    >>> mutual_information(only_both)  # bits that the pair tells
    1.0
    >>> mutual_information(only_both, x=0)  # and the left digit alone
    0.0
    """
    return digit_table(n_classes, cue, composition, cue_in)


@cache
def _digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    bunch = load_digits()
    return (bunch.images / 16).astype(np.float32), bunch.target.astype(np.int64)


def _image_pools(n_classes: int, rng: np.random.Generator) -> list[dict[str, Pool]]:
    """Return what each split may show, the same images to both; no image is in two splits."""
    images, digit = _digits()
    pools: list[list[NDArray[np.float32]]] = [[] for _ in IMAGE_SHARES]
    for d in range(n_classes):
        own = images[rng.permutation(np.flatnonzero(digit == d))]
        cuts = np.round(np.cumsum(IMAGE_SHARES)[:-1] * len(own)).astype(int)
        for pool, part in zip(pools, np.split(own, cuts), strict=True):
            pool.append(part)
    return [dict.fromkeys(MODALITIES, pool) for pool in pools]


CARD = DatasetCard(
    load=load,
    summary="Two real handwritten digits (8 x 8 pixels, modalities left and right) and a label "
    "made by a known interaction per sample: R, U1, U2 or S. No download.",
    source="https://archive.ics.uci.edu/dataset/80 (the copy bundled with scikit-learn)",
    licence="CC BY 4.0",
    citation="Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998",
)
