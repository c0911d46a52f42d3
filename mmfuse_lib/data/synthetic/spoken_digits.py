"""`spoken_digits`: a handwritten and a spoken digit, labelled by a known interaction.

The images are MNIST's, the audio is the Free Spoken Digit Dataset's, both real; the labels follow
`mmfuse_lib.data.synthetic.labels`, as in `digit_pairs`, so the truth about interactions is exact.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.storage.downloads import load_arrays
from mmfuse_lib.data.synthetic import fsdd, mnist
from mmfuse_lib.data.synthetic.labels import CueIn, Pool, cue_in_rows, draw_digit_splits

#: The two modalities, in order.
MODALITIES = ("image", "audio")

#: Who speaks in training, validation and test.
SPEAKERS = (("george", "jackson", "nicolas", "theo"), ("lucas",), ("yweweler",))

#: Share of MNIST's training images that are kept for validation.
VAL_SHARE = 1 / 6

#: Height of the cue, in rows.
CUE_ROWS = 4


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

    Each sample shows an MNIST image to the modality ``"image"`` and plays a recording to
    ``"audio"``. The interaction that rules the sample fixes which digits they are and the label.
    Images and recordings may occur more than once. Test images are MNIST's test images; the
    speakers of the three splits are different people, so the audio is the harder modality. Every
    split knows its ``composition`` and its ``label_table()``; ``groups`` are the speakers, in the
    order of their names.

    Parameters
    ----------
    seed : int
        Seed of the split of the training images and of all draws.
    n_classes, cue, cue_in, composition
        As in `mmfuse_lib.data.synthetic.digit_pairs.load`. Images are ``(1, 28, 28)`` in [0, 1],
        log-mel spectrograms ``(1, 40, 64)``, standardised by mean and standard deviation of the
        training speakers' recordings; both have four rows more with the cue.
    noise : mapping of str to float, optional
        Standard deviation of Gaussian noise added to ``"image"`` or ``"audio"`` (never to the
        cue), for a weaker modality.
    """
    return draw_digit_splits(
        partial(_pools, n_classes),
        MODALITIES,
        seed=seed,
        sizes={"n_train": n_train, "n_val": n_val, "n_test": n_test},
        n_classes=n_classes,
        cue=cue,
        cue_in=cue_in,
        add_cue=partial(cue_in_rows, rows=CUE_ROWS),
        composition=composition,
        noise=noise,
        make_groups=partial(_speakers, n_classes),
    )


def _pools(n_classes: int, rng: np.random.Generator) -> list[dict[str, Pool]]:
    """Return, per split and modality, what may be drawn for each digit."""
    both = zip(_image_pools(n_classes, rng), _audio_pools(n_classes), strict=True)
    return [dict(zip(MODALITIES, pools, strict=True)) for pools in both]


def _image_pools(n_classes: int, rng: np.random.Generator) -> list[list[NDArray[np.float32]]]:
    """Return, per split and digit, the images that may be drawn."""
    arrays = load_arrays(mnist.RECIPE, list(mnist.FILES))
    order = rng.permutation(len(arrays["train_label"]))
    n_val = round(VAL_SHARE * len(order))
    parts = (("train", order[n_val:]), ("train", order[:n_val]), ("test", slice(None)))
    pools = []
    for file, chosen in parts:
        pixels, label = arrays[f"{file}_image"][chosen], arrays[f"{file}_label"][chosen]
        pools.append([pixels[label == d].astype(np.float32) / 255 for d in range(n_classes)])
    return pools


def _audio_pools(n_classes: int) -> list[list[NDArray[np.float32]]]:
    """Return, per split and digit, the spectrograms of the speakers of the split."""
    arrays = load_arrays(fsdd.RECIPE, list(fsdd.RECIPE.digests))
    by_split = _by_split(arrays["speaker"])
    x = arrays["x"].astype(np.float32)
    x = (x - x[by_split[0]].mean()) / x[by_split[0]].std()
    return [[x[chosen & (arrays["label"] == d)] for d in range(n_classes)] for chosen in by_split]


def _speakers(n_classes: int) -> list[list[NDArray[np.int64]]]:
    """Return, per split and digit, who speaks in the recordings of `_audio_pools`."""
    arrays = load_arrays(fsdd.RECIPE, list(fsdd.RECIPE.digests))
    speaker, label = arrays["speaker"].astype(np.int64), arrays["label"]
    return [
        [speaker[chosen & (label == d)] for d in range(n_classes)] for chosen in _by_split(speaker)
    ]


def _by_split(speaker: NDArray[Any]) -> list[NDArray[np.bool_]]:
    """Return, per split, which recordings are of its speakers."""
    return [np.isin(speaker, [fsdd.SPEAKERS.index(name) for name in names]) for names in SPEAKERS]


CARD = DatasetCard(
    load=load,
    summary="An MNIST image and a spoken digit, and a label made by a known interaction per "
    "sample: R, U1, U2 or S; speakers differ between splits. Downloads about 30 MB.",
    source="https://ossci-datasets.s3.amazonaws.com/mnist and "
    "https://github.com/Jakobovski/free-spoken-digit-dataset",
    licence="recordings CC BY-SA 4.0; MNIST: none stated",
    citation="LeCun et al., Gradient-based learning applied to document recognition, 1998; "
    "Jackson et al., Free Spoken Digit Dataset, doi:10.5281/zenodo.1342401",
)
