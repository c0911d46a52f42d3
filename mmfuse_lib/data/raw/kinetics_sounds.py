"""`kinetics_sounds`: actions that are heard and seen, from the published files of Kinetics-400.

Arandjelovic & Zisserman (2017) chose 34 classes of the first version of Kinetics. In Kinetics-400
as published some have other names or are gone: work on modality competition uses the 31 that are
left, those of Panda et al. (2021), <https://github.com/IBM/AdaMML/issues/3>. OGM-GE's lists have 31
classes too, without names. About 19 000 clips of ten seconds.

The folder is laid out as Kinetics-400 is, a folder a class; classes not used here may be there::

    root/train/playing accordion/XXXXXXXXXXX_000010_000020.mp4
    root/val/playing accordion/*.mp4
    root/test/playing accordion/*.mp4       optional

Names of classes may be written with spaces or with underscores. Which of ``val`` and ``test`` the
papers test on could not be confirmed.

A spectrogram and a few frames a clip are prepared once by ffmpeg and kept in two arrays on disk,
28 GB for the whole data set.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import hold_out
from mmfuse_lib.data.raw.audio_video import Clip, load_clips
from mmfuse_lib.data.raw.published import check_root

SOURCE = "https://github.com/cvdfoundation/kinetics-dataset"

#: The classes, in alphabetical order.
CLASSES = (
    "blowing nose", "blowing out candles", "bowling", "chopping wood", "dribbling basketball",
    "laughing", "mowing lawn", "playing accordion", "playing bagpipes", "playing bass guitar",
    "playing clarinet", "playing drums", "playing guitar", "playing harmonica", "playing keyboard",
    "playing organ", "playing piano", "playing saxophone", "playing trombone", "playing trumpet",
    "playing violin", "playing xylophone", "ripping paper", "shoveling snow", "shuffling cards",
    "singing", "stomping grapes", "tap dancing", "tapping guitar", "tapping pen", "tickling",
)  # fmt: skip

#: Share of the training clips that is held out where no validation split is published.
VAL_SHARE = 0.1


def load(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    n_frames: int = 3,
    prepared: str | Path | None = None,
) -> Splits:
    """Load the published split.

    =====  =====================  ==============================================================
    audio  (1, 257, 1004)         logarithm of the spectrogram of the first 10 seconds, shorter
                                  clips repeated; of mean 0 and deviation 1; silence is 0
    video  (n_frames, 3, 224,     frames at equal distances from the first to the last, as bytes;
           224)                   `ResNet18Encoder` turns them into numbers
    =====  =====================  ==============================================================

    With the folders ``val`` and ``test`` these are the two splits. With one of them, that
    is the test split, and a tenth of the training clips of each class, drawn once and the same for
    every seed, is the validation split. Videos that cannot be read may be deleted: those that are
    there are the data set, and each class needs one at least.
    """
    root = check_root("kinetics_sounds", root, "train and val, a folder a class in each", SOURCE)
    train = _read_folder(root / "train")
    others = [_read_folder(root / name) for name in ("val", "test") if (root / name).is_dir()]
    if not others:
        raise DataError(f"kinetics_sounds: {root} has neither val nor test")
    splits = [train, *others] if len(others) == 2 else [*_hold_out(train), *others]
    folder = Path(prepared or root / "prepared")
    return load_clips(
        "kinetics_sounds", splits, CLASSES,
        root=root, folder=folder, n_frames=n_frames, source=SOURCE,
    )  # fmt: skip


def _read_folder(folder: Path) -> list[Clip]:
    """Return the clips of a split, class by class."""
    found = {name: _videos(folder, name) for name in CLASSES}
    empty = [name for name, videos in found.items() if not videos]
    if empty:
        raise DataError(
            f"kinetics_sounds: {len(empty)} of {len(CLASSES)} classes have no videos (*.mp4) in "
            f"{folder}: {', '.join(empty)}. Get them from {SOURCE}"
        )
    return [Clip(path, CLASSES.index(name)) for name, videos in found.items() for path in videos]


def _videos(folder: Path, name: str) -> list[Path]:
    spelled = (folder / name, folder / name.replace(" ", "_"))
    return sorted({path for own in spelled for path in own.glob("*.mp4")})


def _hold_out(clips: list[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Return the clips for training, and those held out for validation."""
    label = np.array([clip.target for clip in clips])
    is_val = hold_out(label, VAL_SHARE, np.random.default_rng(0))
    return [clips[k] for k in np.flatnonzero(~is_val)], [clips[k] for k in np.flatnonzero(is_val)]


CARD = DatasetCard(
    load=load,
    summary="About 19000 clips of 31 actions of Kinetics-400 that are heard and seen: spectrogram "
    "and frames, from the published files in a folder of yours (root). For a GPU; not "
    "downloaded for you.",
    source=SOURCE,
    licence="labels CC BY 4.0 (not confirmed by us); videos by people on YouTube",
    citation="Arandjelovic & Zisserman, Look, listen and learn, ICCV 2017; Kay et al., The "
    "Kinetics human action video dataset, 2017",
)
