"""`cub_image_text`: ten kinds of birds, by features of their images and of what people wrote.

The first ten classes of CUB-200-2011 (Wah et al. 2011), 60 birds each: GoogLeNet features of the
image and doc2vec features of the captions, as computed for CPM-Nets (Zhang et al. 2019) and kept
in the repository of ProImp, pinned to a commit. No digest of the file is published; the arrays
made of it are verified instead. There is no published split: 30 % of each class, drawn once, are
the test split here.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import choose, hold_out, make_splits
from mmfuse_lib.data.storage.downloads import Arrays, Recipe, fetch, load_arrays

URL = (
    "https://raw.githubusercontent.com/XLearning-SCU/2023-IJCAI-ProImp/"
    "7f993ecc3e3ca29aa2d7d6a6c3bea0bac0e932c1/data/cub_googlenet_doc2vec_c10.mat"
)

#: The two modalities, in order.
MODALITIES = ("image", "text")

#: The classes, in the order of CUB's numbers 1 to 10.
CLASSES = (
    "black-footed albatross", "Laysan albatross", "sooty albatross", "groove-billed ani",
    "crested auklet", "least auklet", "parakeet auklet", "rhinoceros auklet",
    "Brewer blackbird", "red-winged blackbird",
)  # fmt: skip

TEST_SHARE = 0.3


def load(
    seed: int = 0, *, modalities: Sequence[str] = MODALITIES, val_share: float = 0.2
) -> Splits:
    """Load the features, standardised on the training samples.

    The test are 180 samples, the same for every seed; 420 are for training and validation.

    Parameters
    ----------
    modalities : sequence of str
        Of ``"image"`` (1024 features) and ``"text"`` (300).
    """
    chosen = choose(modalities, MODALITIES)
    arrays = load_arrays(RECIPE, [*chosen, "label", "test"])
    label, is_test = arrays.pop("label"), arrays.pop("test")
    return make_splits(arrays, label, is_test, class_names=CLASSES, val_share=val_share, seed=seed)


def prepare(names: Sequence[str], raw: Path) -> Arrays:
    """Download the file, read features and labels (1 .. 10 in the file), draw the test."""
    content = loadmat(fetch(URL, raw))
    image, text = content["X"][0]
    label = (content["gt"].ravel() - 1).astype(np.uint8)
    return {
        "image": image.astype(np.float32),
        "text": text.astype(np.float32),
        "label": label,
        "test": hold_out(label, TEST_SHARE, np.random.default_rng(0)),
    }


RECIPE = Recipe(
    name="cub10_image_text",
    archive_sha256="ed123bf6e83e38c62ccedafd720adc9ffb5da9a2762c1c1e294045fbe851138a",
    digests={
        "image": "235637b667e3ed4395a1926e7af41de2a0bc5b7cabb264c93c1f1b7ed87a1e54",
        "text": "68054e7cd78acadc6b5fd830a5164e6dc264f2eb5e7837d9f6008d91f02e330a",
        "label": "e7a1bb2f50cf54735be0e7012dc6946481c80aa73f4a32dde1f1d1c680857bce",
        "test": "a98750a30b8242c99ff1e1ac497052e970f85abff30259642fad4ea3bc1ecb54",
    },
    prepare=prepare,
)


CARD = DatasetCard(
    load=load,
    summary="Ten kinds of birds by features of images and of captions, 60 birds each. "
    "Downloads about 6 MB.",
    source="https://www.vision.caltech.edu/datasets/cub_200_2011/; features as kept in "
    "https://github.com/XLearning-SCU/2023-IJCAI-ProImp",
    licence="images for non-commercial research; repository MIT",
    citation="Wah et al., The Caltech-UCSD Birds-200-2011 dataset; features: Zhang et al., "
    "CPM-Nets, NeurIPS 2019",
)
