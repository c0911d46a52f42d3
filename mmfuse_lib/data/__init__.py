"""Data sets by name, and a reader's own arrays.

>>> from mmfuse_lib import data
>>> train, val, test = data.load("digit_pairs", seed=0, n_classes=4)
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmfuse_lib.data import (
    ave,
    cmu_sentiment,
    cremad,
    cremad_votes,
    cub_image_text,
    digit_pairs,
    enrico,
    gaussian_gates,
    kinetics_sounds,
    mfeat,
    mm_imdb,
    mmsd_sarcasm,
    modelnet40,
    rosmap,
    spoken_digits,
    ucf101,
    utd_mhad,
)
from mmfuse_lib.data.multimodal import (
    INTERACTIONS,
    MultimodalData,
    check_trainable,
    check_values,
    from_arrays,
)
from mmfuse_lib.errors import DataError, UnknownNameError, check_options
from mmfuse_lib.imports import is_path, load_object

__all__ = [
    "INTERACTIONS",
    "MultimodalData",
    "check_trainable",
    "check_values",
    "describe",
    "from_arrays",
    "load",
    "loader",
    "names",
]

Splits = tuple[MultimodalData, MultimodalData, MultimodalData]


@dataclass(frozen=True)
class DatasetCard:
    """What the registry holds of a data set."""

    load: Callable[..., Splits]
    summary: str
    source: str
    licence: str
    citation: str


_CARDS: dict[str, DatasetCard] = {
    "digit_pairs": DatasetCard(
        load=digit_pairs.load,
        summary=(
            "Two real handwritten digits (8 x 8 pixels, modalities left and right) and a label "
            "made by a known interaction per sample: R, U1, U2 or S. No download."
        ),
        source="https://archive.ics.uci.edu/dataset/80 (the copy bundled with scikit-learn)",
        licence="CC BY 4.0",
        citation="Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998",
    ),
    "gaussian_gates": DatasetCard(
        load=gaussian_gates.load,
        summary=(
            "Two vectors (modalities x1 and x2) that show the symbols of a gate such as XOR or "
            "AND in Gaussian noise: features whose decomposition is known. No download."
        ),
        source="drawn from mmfuse_lib.information.GATES",
        licence="none needed: nothing but random draws",
        citation="Williams & Beer, Nonnegative decomposition of multivariate information, 2010",
    ),
    "spoken_digits": DatasetCard(
        load=spoken_digits.load,
        summary=(
            "An MNIST image and a spoken digit, and a label made by a known interaction per "
            "sample: R, U1, U2 or S; speakers differ between splits. Downloads about 30 MB."
        ),
        source=(
            "https://ossci-datasets.s3.amazonaws.com/mnist and "
            "https://github.com/Jakobovski/free-spoken-digit-dataset"
        ),
        licence="recordings CC BY-SA 4.0; MNIST: none stated",
        citation=(
            "LeCun et al., Gradient-based learning applied to document recognition, 1998; "
            "Jackson et al., Free Spoken Digit Dataset, doi:10.5281/zenodo.1342401"
        ),
    ),
    "utd_mhad": DatasetCard(
        load=utd_mhad.load,
        summary=(
            "27 actions of 8 people: Kinect skeleton, wearable inertial sensor and, on request, "
            "depth video; published split by subject. Downloads about 1700 small files."
        ),
        source=(
            "https://personal.utdallas.edu/~kehtar/UTD-MHAD.html, as copied in "
            "https://github.com/woo-chia-wei/kinect-sequence-classification"
        ),
        licence="not stated with the copy; see the page of the data set",
        citation=(
            "Chen, Jafari & Kehtarnavaz, UTD-MHAD: a multimodal dataset for human action "
            "recognition, ICIP 2015"
        ),
    ),
    "cremad": DatasetCard(
        load=cremad.load,
        summary=(
            "7442 clips of actors in six emotions: spectrogram and video frames, from the "
            "published files in a folder of yours (root). For a GPU; not downloaded for you."
        ),
        source=cremad.SOURCE,
        licence="Open Database License (ODbL) 1.0, contents DbCL 1.0",
        citation=(
            "Cao et al., CREMA-D: crowd-sourced emotional multimodal actors dataset, "
            "IEEE Transactions on Affective Computing, 2014"
        ),
    ),
    "ave": DatasetCard(
        load=ave.load,
        summary=(
            "4143 events of 28 kinds in videos, heard and seen: spectrogram and frames, from the "
            "published files in a folder of yours (root). For a GPU; not downloaded for you."
        ),
        source=ave.SOURCE,
        licence="none stated; videos by people on YouTube, chosen from AudioSet",
        citation=(
            "Tian et al., Audio-visual event localization in unconstrained videos, ECCV 2018"
        ),
    ),
    "kinetics_sounds": DatasetCard(
        load=kinetics_sounds.load,
        summary=(
            "About 19000 clips of 31 actions of Kinetics-400 that are heard and seen: spectrogram "
            "and frames, from the published files in a folder of yours (root). For a GPU; not "
            "downloaded for you."
        ),
        source=kinetics_sounds.SOURCE,
        licence="labels CC BY 4.0 (not confirmed by us); videos by people on YouTube",
        citation=(
            "Arandjelovic & Zisserman, Look, listen and learn, ICCV 2017; Kay et al., The Kinetics "
            "human action video dataset, 2017"
        ),
    ),
    "ucf101": DatasetCard(
        load=ucf101.load,
        summary=(
            "13320 clips of 101 actions: frames and optical flow, three published splits, from the "
            "published files in a folder of yours (root). For a GPU; not downloaded for you."
        ),
        source=f"{ucf101.SOURCE}; frames and flow: {ucf101.FLOW_SOURCE}",
        licence="none stated; videos by people on YouTube",
        citation=(
            "Soomro, Zamir & Shah, UCF101: a dataset of 101 human action classes from videos in "
            "the wild, 2012; flow: Feichtenhofer, Pinz & Zisserman, Convolutional two-stream "
            "network fusion for video action recognition, CVPR 2016"
        ),
    ),
    "modelnet40": DatasetCard(
        load=modelnet40.load,
        summary=(
            "12311 objects of 40 classes, each in two pictures from opposite sides, from the "
            "published files in a folder of yours (root). For a GPU; not downloaded for you."
        ),
        source=modelnet40.SOURCE,
        licence="for academic use (not confirmed by us); objects by many people",
        citation=(
            "Wu et al., 3D ShapeNets: a deep representation for volumetric shapes, CVPR 2015; "
            "pictures: Su et al., Multi-view convolutional neural networks for 3D shape "
            "recognition, ICCV 2015"
        ),
    ),
    "cmu_mosi": DatasetCard(
        load=cmu_sentiment.load_mosi,
        summary=(
            "2199 segments of videos about films with their sentiment: words, voice and face, from "
            "the published files in a folder of yours (root). Needs h5py; not downloaded for you."
        ),
        source=cmu_sentiment.SOURCE,
        licence="none stated; features of videos by people on YouTube (the SDK: MIT)",
        citation=(
            "Zadeh et al., Multimodal sentiment intensity analysis in videos, IEEE Intelligent "
            "Systems, 2016"
        ),
    ),
    "cmu_mosei": DatasetCard(
        load=cmu_sentiment.load_mosei,
        summary=(
            "About 23000 segments of 3228 videos with their sentiment: words, voice and face, from "
            "the published files in a folder of yours (root). Needs h5py; not downloaded for you."
        ),
        source=cmu_sentiment.SOURCE,
        licence="none stated; features of videos by people on YouTube (the SDK: MIT)",
        citation=(
            "Zadeh et al., Multimodal language analysis in the wild: CMU-MOSEI dataset and "
            "interpretable dynamic fusion graph, ACL 2018"
        ),
    ),
    "mm_imdb": DatasetCard(
        load=mm_imdb.load,
        summary=(
            "25959 films with one or more of 23 genres: features of plot and poster, from the "
            "published file in a folder of yours (root). Needs h5py; not downloaded for you."
        ),
        source=mm_imdb.SOURCE,
        licence="none stated; plots and posters from IMDb (the authors' code: MIT)",
        citation=(
            "Arevalo et al., Gated multimodal units for information fusion, ICLR workshop, 2017"
        ),
    ),
    "enrico": DatasetCard(
        load=enrico.load,
        summary=(
            "1460 screens of mobile apps of 20 design topics: screenshot and wireframe, from the "
            "published files in a folder of yours (root). Not downloaded for you."
        ),
        source=enrico.SOURCE,
        licence="repository MIT; screens of apps by many people",
        citation=(
            "Leiva, Hota & Oulasvirta, Enrico: a dataset for topic modeling of mobile UI designs, "
            "MobileHCI 2020; split: Liang et al., MultiBench, NeurIPS datasets and benchmarks 2021"
        ),
    ),
    "cremad_votes": DatasetCard(
        load=cremad_votes.load,
        summary=(
            "CREMA-D's crowd ratings: which of six emotions people named for 7442 acted clips "
            "that they only heard (voice) or only saw (face). No sound or video. Downloads 4 MB."
        ),
        source="https://github.com/CheyneyComputerScience/CREMA-D",
        licence="Open Database License (ODbL) 1.0, contents DbCL 1.0",
        citation=(
            "Cao et al., CREMA-D: crowd-sourced emotional multimodal actors dataset, "
            "IEEE Transactions on Affective Computing, 2014"
        ),
    ),
    "mfeat": DatasetCard(
        load=mfeat.load,
        summary=(
            "Handwritten numerals described by up to six kinds of features; by default the three "
            "hardest. Downloads about 10 MB."
        ),
        source=(
            "https://archive.ics.uci.edu/dataset/72/multiple+features, as kept in "
            "https://github.com/hanmenghan/TMC"
        ),
        licence="CC BY 4.0 (UCI)",
        citation=(
            "van Breukelen et al., Handwritten digit recognition by combined classifiers, 1998; "
            "split: Han et al., Trusted multi-view classification, ICLR 2021"
        ),
    ),
    "rosmap": DatasetCard(
        load=rosmap.load,
        summary=(
            "Alzheimer's disease against controls: gene expression, methylation and micro-RNA of "
            "351 people; published split. Downloads about 4 MB."
        ),
        source="https://github.com/txWang/MOGONET; original: AD Knowledge Portal (syn3219045)",
        licence="repository MIT; the data under the terms of use of the AD Knowledge Portal",
        citation=(
            "Wang et al., MOGONET integrates multi-omics data using graph convolutional networks, "
            "Nature Communications, 2021"
        ),
    ),
    "cub_image_text": DatasetCard(
        load=cub_image_text.load,
        summary=(
            "Ten kinds of birds by features of pictures and of captions, 60 birds each. "
            "Downloads about 6 MB."
        ),
        source=(
            "https://www.vision.caltech.edu/datasets/cub_200_2011/; features as kept in "
            "https://github.com/XLearning-SCU/2023-IJCAI-ProImp"
        ),
        licence="images for non-commercial research; repository MIT",
        citation=(
            "Wah et al., The Caltech-UCSD Birds-200-2011 dataset; features: Zhang et al., "
            "CPM-Nets, NeurIPS 2019"
        ),
    ),
    "mmsd_sarcasm": DatasetCard(
        load=mmsd_sarcasm.load,
        summary=(
            "24635 tweets with a picture, sarcastic by their hashtag or not: features of the text "
            "and of five words for the picture; published split. Downloads about 7 MB."
        ),
        source="https://github.com/headacheboy/data-of-multimodal-sarcasm-detection",
        licence="not stated; tweets by many people, not to be passed on",
        citation=(
            "Cai, Cai & Wan, Multi-modal sarcasm detection in Twitter with hierarchical fusion "
            "model, ACL 2019"
        ),
    ),
}


def names() -> tuple[str, ...]:
    """Return the names that `load` knows."""
    return tuple(_CARDS)


def load(name: str, seed: int = 0, **options: Any) -> Splits:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of `names()`, or a reader's own ``"my_file:load"``: a function of the seed (and of
        options) that returns three splits.
    seed : int
        Seed of everything that is drawn.
    **options
        What the data set takes; `describe` lists it.

    Returns
    -------
    train, val, test : MultimodalData
        Splits that share no raw input; of a reader's own, what the function returns.

    Raises
    ------
    UnknownNameError
        If the data set, or one of the options, does not exist.
    DataError
        If an option has a value that cannot be used.
    DownloadError
        If the data has to be downloaded and cannot be.
    """
    if is_path(name):
        return _load_own(name, seed, options)
    card = _card(name)
    check_options(repr(name), card.load, options, given=("seed",))
    return card.load(seed, **options)


def loader(name: str) -> Callable[..., Splits]:
    """Return the function that loads a data set, by the name that `load` knows."""
    return load_object(name) if is_path(name) else _card(name).load


def describe(name: str) -> str:
    """Return what a data set is, its options with defaults, its source, licence and citation."""
    card = _card(name)
    options = inspect.signature(card.load).parameters.values()
    return "\n".join(
        [
            f"{name}: {card.summary}",
            f"  options   {', '.join(f'{p.name}={p.default!r}' for p in options)}",
            f"  source    {card.source}",
            f"  licence   {card.licence}",
            f"  cite      {card.citation}",
        ]
    )


def _load_own(name: str, seed: int, options: dict[str, Any]) -> Splits:
    function = load_object(name)
    if not callable(function):
        raise DataError(f"{name!r} is {function!r}: expected a function of the seed")
    check_options(repr(name), function, options, given=("seed",))
    splits = tuple(function(seed, **options))
    if len(splits) != 3 or not all(isinstance(part, MultimodalData) for part in splits):
        raise DataError(f"{name!r} returned no three MultimodalData: expected train, val, test")
    return splits


def _card(name: str) -> DatasetCard:
    if name not in _CARDS:
        raise UnknownNameError("data set", name, _CARDS)
    return _CARDS[name]
