"""`mfeat`: handwritten numerals described by six kinds of features (van Breukelen et al. 1998).

2000 digits from Dutch utility maps. Three of the modalities (fou, zer, mor) are far from saturated
alone and complement each other; all six are nearly perfect.

The file is that of TMC (Han et al. 2021) with its split, pinned to a commit. No digest of it is
published; the arrays made of it are verified instead.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import choose, load_parts
from mmfuse_lib.data.storage.downloads import Arrays, Recipe, fetch

URL = (
    "https://raw.githubusercontent.com/hanmenghan/TMC/08d0ca4c4461b6de1cf73514d8c621598bc2b504/"
    "TMC%20ICLR/datasets/handwritten_6views.mat"
)

#: The six modalities, in the order of the file: pixel averages, Fourier coefficients, profile
#: correlations, Zernike moments, Karhunen-Loeve coefficients, morphological features.
MODALITIES = ("pix", "fou", "fac", "zer", "kar", "mor")


def load(
    seed: int = 0, *, modalities: Sequence[str] = ("fou", "zer", "mor"), val_share: float = 0.2
) -> Splits:
    """Load the features, standardised on the training samples.

    The 400 samples of TMC's test split are the test; 1600 are for training and validation.

    Parameters
    ----------
    modalities : sequence of str
        Of ``"pix"`` (240 features), ``"fou"`` (76), ``"fac"`` (216), ``"zer"`` (47), ``"kar"``
        (64), ``"mor"`` (6). The default is the harder task.
    """
    return load_parts(
        RECIPE, choose(modalities, MODALITIES),
        class_names=tuple("0123456789"), val_share=val_share, seed=seed,
    )  # fmt: skip


def prepare(names: Sequence[str], raw: Path) -> Arrays:
    """Download the file and read features and labels (1 .. 10 in the file) of both parts."""
    content = loadmat(fetch(URL, raw))
    arrays: Arrays = {}
    for part in ("train", "test"):
        for number, modality in enumerate(MODALITIES, start=1):
            arrays[f"{part}_{modality}"] = content[f"x{number}_{part}"].astype(np.float32)
        arrays[f"{part}_label"] = (content[f"gt_{part}"].ravel() - 1).astype(np.uint8)
    return arrays


RECIPE = Recipe(
    name="mfeat_6views",
    archive_sha256="4ea1620470710a021c6178f4d417223babe3a7c6f2a66f20d51de60074796138",
    digests={
        "train_pix": "31ebb64046a8d923d402d89235f4fbf98a52377147d4c951fce4f811c9081438",
        "train_fou": "dea06fa19eda69f762d546a6116e2faf92efe6a8a5bd6e767623e3fccf1fecd2",
        "train_fac": "9ecd012c9117a24980cd47cf122631d79e5c5516833a7e03469f86f11b5f16eb",
        "train_zer": "e53b60b32c73c88fde620ae024f3d2987454e7403f2577a16a012ebd625fa9f9",
        "train_kar": "6a9d627f2aa3d625683d680ef5262cdefeb0a2eedf538bcbd393ab5acf4774a7",
        "train_mor": "a2f078cda6cd0b71acdea80b3b16dd2cd91ce66441ab7779e0ccb69867cf118a",
        "train_label": "9ca61d68a4d4380e615a64bd5944a545e23ff960599f79ff34ffa1921500c692",
        "test_pix": "9baab0d4ffe6b92f306134cff86cdff12f11448de3b3b44aca340865c9b356cd",
        "test_fou": "5b2a849ac44dba0ddbd4833fa31169cfe8f0337ca9f11287d0318f3120c2790b",
        "test_fac": "42b38e7d49a6c7edfa6263d9bd55f0bcfc0123065b4e34c4daaeb4a3d63f1fad",
        "test_zer": "e170578eafd789f275ca70ae8b75f3fe631b3f96a86d94c32318a0aab9552355",
        "test_kar": "d17eab9023dd62377c0ad6e7a3dadd34f123ddf698e6d91de11f9d8bafb81570",
        "test_mor": "22dae6d8ea5cad6dc09e859d0b1b1198b177cbdfde8208a76199fa147ac7fa0f",
        "test_label": "a90cae1329ba02b5b27c79a36a1cdfce106c0b317f7baef5fe0afe8ef9ac8330",
    },
    prepare=prepare,
)


CARD = DatasetCard(
    load=load,
    summary="Handwritten numerals described by up to six kinds of features; by default the three "
    "hardest. Downloads about 10 MB.",
    source="https://archive.ics.uci.edu/dataset/72/multiple+features, as kept in "
    "https://github.com/hanmenghan/TMC",
    licence="CC BY 4.0 (UCI)",
    citation="van Breukelen et al., Handwritten digit recognition by combined classifiers, 1998; "
    "split: Han et al., Trusted multi-view classification, ICLR 2021",
)
