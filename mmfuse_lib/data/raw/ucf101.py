"""`ucf101`: actions in videos by their frames and their optical flow, from the published files.

13320 clips of 101 actions, such as *Archery* or *YoYo*, in groups of clips cut from one video
(Soomro et al. 2012). The folder is laid out as published::

    root/ucfTrainTestlist/classInd.txt, trainlist01.txt, testlist01.txt    to 03
    root/UCF-101/Archery/v_Archery_g01_c01.avi                             the videos; or
    root/jpegs_256/v_Archery_g01_c01/frame000001.jpg                       their frames
    root/tvl1_flow/u/v_Archery_g01_c01/frame000001.jpg                     flow to the right
    root/tvl1_flow/v/v_Archery_g01_c01/frame000001.jpg                     flow downwards

The last three are the archives of <https://github.com/feichtenhofer/twostreamfusion>. It could not
be confirmed which flow a byte stands for; in this family of files 128 means no flow.

One frame and ten fields of flow are used of each clip, as many as in DI-MML (README of
fanyunfeng-bit/DI-MML, 83b9b7a, and its code). Here both are from the middle of the clip. That code
takes ten steps, in training at a place drawn once for each length and in tests in the middle, and
one frame among them.

They are prepared once and kept in one array a modality on disk: 2 GB of frames, 13 GB of flow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmfuse_lib.core.errors import DataError, check_integers
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import choose
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.data.raw.published import IMAGE_SIZE, check_root, cut, frame_reader, read_lines
from mmfuse_lib.data.storage import media
from mmfuse_lib.data.storage.prepared import Entries, check_files, prepare

SOURCE = "https://www.crcv.ucf.edu/data/UCF101.php"
FLOW_SOURCE = "https://github.com/feichtenhofer/twostreamfusion"

#: The two modalities, in order.
MODALITIES = ("rgb", "flow")

#: The published splits in training and test.
FOLDS = (1, 2, 3)

#: Share of the groups of the training list that is held out for validation.
VAL_SHARE = 0.1


@dataclass(frozen=True)
class Clip:
    """A line of a list: a clip's name, the index of its class, and the number of its group."""

    name: str
    target: int
    group: int


def load(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    fold: int = 1,
    modalities: Sequence[str] = MODALITIES,
    n_frames: int = 1,
    n_flows: int = 10,
    prepared: str | Path | None = None,
) -> Splits:
    """Load a published split.

    ====  =====================  ================================================================
    rgb   (n_frames, 3, 224,     the frame in the middle of the clip, as bytes; if several, at equal
          224)                   distances from the first to the last
    flow  (n_flows, 2, 224,      flow to the right and downwards between the frames in the middle
          224)                   of the clip, as bytes
    ====  =====================  ================================================================

    No validation split is published. Here a tenth of the groups of the training list, the same
    numbers for every class, drawn once and the same for every seed, is the validation split: no
    clip of it comes from a video of training. ``groups`` tells which clips are from one video.

    Parameters
    ----------
    fold : int
        Which of the three published splits.
    modalities : sequence of str
        Of ``"rgb"`` and ``"flow"``.
    n_frames : int
        Frames a clip; 1 as DI-MML.
    n_flows : int
        Fields of flow a clip, one after the other; 10 as DI-MML.
    prepared : path, optional
        Folder for the arrays; ``root/prepared/foldN`` by default.
    """
    expected = "ucfTrainTestlist, UCF-101 or jpegs_256, and tvl1_flow"
    root = check_root("ucf101", root, expected, SOURCE)
    check_integers(n_frames=n_frames, n_flows=n_flows)
    check_integers(1, 3, fold=fold)
    names = choose(modalities, MODALITIES)
    classes = _read_classes(root)
    splits = _read_splits(root, classes, fold)
    clips = [clip for split in splits for clip in split]
    folder = Path(prepared or root / "prepared" / f"fold{fold}")
    counts = {"rgb": n_frames, "flow": n_flows}
    samples = MultimodalData(
        inputs={name: _prepared(root, folder, name, clips, counts[name]) for name in names},
        target=torch.tensor([clip.target for clip in clips]),
        class_names=classes,
        groups=torch.tensor([100 * clip.target + clip.group for clip in clips]),
    )
    return cut(samples, len(splits[0]), len(splits[1]))


# Lists.


def _read_classes(root: Path) -> tuple[str, ...]:
    lines = read_lines("ucf101", root / "ucfTrainTestlist" / "classInd.txt", SOURCE)
    names: list[str] = []
    for line, where in lines:
        number, _, name = line.partition(" ")
        if number != str(len(names) + 1) or not re.fullmatch(r"\w+", name):
            raise DataError(f"{where}: expected {len(names) + 1} and a class, got {line!r}")
        names.append(name)
    return tuple(names)


def _read_splits(root: Path, classes: tuple[str, ...], fold: int) -> list[list[Clip]]:
    """Return the clips of training, validation and test."""
    folder = root / "ucfTrainTestlist"
    train, test = (
        _read_list(folder / f"{part}list{fold:02d}.txt", classes) for part in ("train", "test")
    )
    groups = sorted({clip.group for clip in train})
    if len(groups) < 2:
        raise DataError(f"{folder}: all training clips are of one group: none is left to hold out")
    n_held = max(1, round(VAL_SHARE * len(groups)))
    held = set(np.random.default_rng(0).permutation(groups)[:n_held].tolist())
    rest = [clip for clip in train if clip.group not in held]
    return [rest, [clip for clip in train if clip.group in held], test]


def _read_list(path: Path, classes: tuple[str, ...]) -> list[Clip]:
    lines = read_lines("ucf101", path, SOURCE)
    return [_read_line(line, classes, where) for line, where in lines]


def _read_line(line: str, classes: tuple[str, ...], where: str) -> Clip:
    """Read ``Archery/v_Archery_g08_c01.avi 3``; in the lists for testing there is no number."""
    found = re.fullmatch(r"(\w+)/(v_\w+_g(\d+)_c\d+)\.avi(?: (\d+))?", line)
    if found is None:
        raise DataError(f"{where}: expected such as 'Archery/v_Archery_g08_c01.avi', got {line!r}")
    action, name, group, number = found.groups()
    if action not in classes:
        raise DataError(f"{where}: {action!r} is none of the {len(classes)} classes")
    target = classes.index(action)
    if number is not None and int(number) != target + 1:
        raise DataError(
            f"{where}: {action!r} has the number {number}, in classInd.txt {target + 1}"
        )
    return Clip(name, target, int(group))


# Arrays.


def _prepared(root: Path, folder: Path, name: str, clips: Sequence[Clip], n: int) -> Tensor:
    reader, channels = {"rgb": (_frame_reader, 3), "flow": (_flow_reader, 2)}[name]

    def plan() -> Entries:
        shape = (n, channels, IMAGE_SIZE, IMAGE_SIZE)
        return Entries(clips, shape, np.uint8, reader(root, clips, n))

    made_of = {"n": n, "image_size": IMAGE_SIZE, "clips": [clip.name for clip in clips]}
    return torch.from_numpy(prepare(folder, name, made_of, plan))


Reader = Callable[[Clip], NDArray[np.uint8]]


def _frame_reader(root: Path, clips: Sequence[Clip], n: int) -> Reader:
    """Return a function that reads the frames of a clip, from images if there are any."""
    images = root / "jpegs_256"
    folders = {clip: images / _in_archives(clip.name) for clip in clips}
    videos = {clip: _video(root, clip.name) for clip in clips}
    return frame_reader("ucf101", n, images, folders, videos, (FLOW_SOURCE, SOURCE))


def _flow_reader(root: Path, clips: Sequence[Clip], n: int) -> Reader:
    folders = {
        clip: [root / "tvl1_flow" / axis / _in_archives(clip.name) for axis in "uv"]
        for clip in clips
    }
    check_files("ucf101", [path for pair in folders.values() for path in pair], FLOW_SOURCE)
    return lambda clip: _read_flow(folders[clip], n)


def _read_flow(folders: Sequence[Path], n: int) -> NDArray[np.uint8]:
    """Return the flow in the middle of a clip, ``(n, 2, 224, 224)``."""
    right, down = (media.list_images(folder) for folder in folders)
    if [path.name for path in right] != [path.name for path in down]:
        raise DataError(
            f"{folders[0]} has {len(right)} images and {folders[1]} has {len(down)}: expected "
            "two of each name"
        )
    fields = [
        [media.read_image(axis[k], IMAGE_SIZE, "L")[0] for axis in (right, down)]
        for k in middle(len(right), n)
    ]
    return np.array(fields, dtype=np.uint8)


def middle(n_available: int, n_wanted: int) -> list[int]:
    """Return the indices of the middle fields; where there are too few, the last is repeated."""
    start = max(0, (n_available - n_wanted) // 2)
    return [min(start + k, n_available - 1) for k in range(n_wanted)]


# The lists and the videos spell the clips of one class differently from the archives.


def _in_archives(name: str) -> str:
    return name.replace("HandStandPushups", "HandstandPushups")


def _video(root: Path, name: str) -> Path:
    action = _in_archives(name).split("_")[1]
    return root / "UCF-101" / action / f"{name}.avi"


CARD = DatasetCard(
    load=load,
    summary="13320 clips of 101 actions: frames and optical flow, three published splits, from the "
    "published files in a folder of yours (root). For a GPU; not downloaded for you.",
    source=f"{SOURCE}; frames and flow: {FLOW_SOURCE}",
    licence="none stated; videos by people on YouTube",
    citation="Soomro, Zamir & Shah, UCF101: a dataset of 101 human action classes from videos in "
    "the wild, 2012; flow: Feichtenhofer, Pinz & Zisserman, Convolutional two-stream "
    "network fusion for video action recognition, CVPR 2016",
)
