"""`bird_pairs`: features of a bird's image and of another's caption, with a planted interaction.

The features are those of `mmfuse_lib.data.downloaded.cub_image_text`, real and large; which birds
are paired, and the label, follow `mmfuse_lib.data.synthetic.labels`, as in `digit_pairs`. So the
truth about interactions is exact, although nobody can read a bird off its features without error.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.downloaded import cub_image_text as birds
from mmfuse_lib.data.multimodal import INTERACTIONS
from mmfuse_lib.data.synthetic.labels import CueIn, Pool, draw_digit_splits

#: A block of the cue has one entry for so many of a vector's.
ENTRIES_PER_CUE = 16


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

    Each sample shows the features of an image to ``"image"`` and those of a caption to ``"text"``.
    The interaction that rules the sample fixes which kinds of birds they show, and the label. The
    birds of the three splits are disjoint; there are 34, 8 and 18 of each kind, on average, so each
    occurs many times.

    Parameters
    ----------
    seed : int
        Seed of the choice of validation birds and of all draws.
    n_classes, cue, cue_in, composition, noise
        As in `mmfuse_lib.data.synthetic.digit_pairs.load`. Features, ``(1024,)`` and ``(300,)``,
        are standardised on the training birds; the cue adds four blocks of entries, of which one
        is 1 and the others are 0.
    """
    return draw_digit_splits(
        partial(_pools, n_classes, seed),
        birds.MODALITIES,
        seed=seed,
        sizes={"n_train": n_train, "n_val": n_val, "n_test": n_test},
        n_classes=n_classes,
        cue=cue,
        cue_in=cue_in,
        add_cue=cue_in_entries,
        composition=composition,
        noise=noise,
    )


def cue_in_entries(x: NDArray[np.float32], named: NDArray[np.int64]) -> NDArray[np.float32]:
    """Add four blocks of entries to vectors; the block of the named interaction is 1."""
    width = x.shape[1] // ENTRIES_PER_CUE
    blocks = np.eye(len(INTERACTIONS), dtype=np.float32)[named].repeat(width, axis=1)
    return np.concatenate([x, blocks], axis=1)


def _pools(n_classes: int, seed: int, _: np.random.Generator) -> list[dict[str, Pool]]:
    """Return, per split and modality, the birds of each kind; no bird is in two splits."""
    return [
        {
            name: [x.numpy()[split.target.numpy() == kind] for kind in range(n_classes)]
            for name, x in split.inputs.items()
        }
        for split in birds.load(seed)
    ]


CARD = DatasetCard(
    load=load,
    summary="Features of a bird's image and of another's caption, and a label made by a known "
    "interaction per sample: R, U1, U2 or S. Downloads about 6 MB.",
    source=birds.CARD.source,
    licence=birds.CARD.licence,
    citation=birds.CARD.citation,
)
