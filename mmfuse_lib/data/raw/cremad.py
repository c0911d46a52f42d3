"""`cremad`: CREMA-D's audio and video from the published files, at the size the papers train on.

7442 clips of 91 actors who speak a sentence in one of six emotions (Cao et al. 2014). The folder
is laid out as published::

    root/AudioWAV/1001_DFA_ANG_XX.wav             the audio, 16 kHz
    root/Image-01-FPS/1001_DFA_ANG_XX/*.jpg       frames, as OGM-GE and DI-MML extract them; or
    root/VideoFlash/1001_DFA_ANG_XX.flv           the video itself, which needs ffmpeg
    root/train.csv, root/test.csv                 their lists, a line "1001_DFA_ANG_XX,ANG" a clip

A spectrogram and a few frames a clip are prepared once and kept in two arrays on disk, 5.6 GB for
the whole data set. They are mapped into memory, so what is read is what a batch asks for.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmfuse_lib.core.errors import DataError, check_integers
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.downloaded.cremad_votes import EMOTIONS
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.data.raw.published import IMAGE_SIZE, check_root, frame_reader
from mmfuse_lib.data.storage import media
from mmfuse_lib.data.storage.downloads import fetch
from mmfuse_lib.data.storage.prepared import Entries, check_files, prepare

LIST_URL = (
    "https://raw.githubusercontent.com/fanyunfeng-bit/DI-MML/"
    "83b9b7acc47ac9f1666e72ed984eacd18cfd3d5c/data/CREMAD"
)
SOURCE = "https://github.com/CheyneyComputerScience/CREMA-D"

SECONDS = 3
SPECTROGRAM = media.spectrogram_shape(SECONDS)

#: Share of the training list that is held out for validation.
VAL_SHARE = 0.1


def load(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    n_frames: int = 3,
    prepared: str | Path | None = None,
) -> Splits:
    """Load the published split (of clips at random: the actors are the same everywhere).

    =====  =====================  ==============================================================
    audio  (1, 257, 299)          logarithm of the spectrogram of the first 3 seconds, the clip
                                  repeated as often as needed
    video  (n_frames, 3, 224,     frames at equal distances from the first to the last, as bytes;
           224)                   `ResNet18Encoder` turns them into numbers
    =====  =====================  ==============================================================

    The papers choose their checkpoint on the test list. Here a tenth of the training list, drawn
    once and the same for every seed, is the validation split. Lists that are not in `root` are
    downloaded.
    """
    root = check_root("cremad", root, "AudioWAV and VideoFlash or Image-01-FPS", SOURCE)
    check_integers(n_frames=n_frames)
    folder = Path(prepared or root / "prepared")
    listed = [_read_list(root, name) for name in ("train.csv", "test.csv")]
    order = np.random.default_rng(0).permutation(len(listed[0]))
    clips = [listed[0][k] for k in order] + listed[1]
    n_val, n_rest = max(1, round(VAL_SHARE * len(order))), len(order)
    samples = MultimodalData(
        inputs=_prepared(root, folder, [name for name, _ in clips], n_frames),
        target=torch.tensor([EMOTIONS.index(emotion) for _, emotion in clips]),
        class_names=EMOTIONS,
    )
    return samples[n_val:n_rest], samples[:n_val], samples[n_rest:]


def _read_list(root: Path, name: str) -> list[tuple[str, str]]:
    path = root / name
    if not path.exists():
        path = fetch(f"{LIST_URL}/{name}", root)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    for number, row in enumerate(rows, start=1):
        if len(row) < 2 or row[1] not in EMOTIONS:
            raise DataError(
                f"{path}, line {number}: expected a clip and one of {', '.join(EMOTIONS)}, "
                f"got {','.join(row)!r}"
            )
    if len(rows) < 2:
        raise DataError(f"{path} lists {len(rows)} clips: expected at least two")
    return [(row[0], row[1]) for row in rows]


def _prepared(root: Path, folder: Path, clips: list[str], n_frames: int) -> dict[str, Tensor]:
    wavs = [root / "AudioWAV" / f"{clip}.wav" for clip in clips]
    shape = (n_frames, 3, IMAGE_SIZE, IMAGE_SIZE)

    def find_files() -> Callable[[str], NDArray[np.uint8]]:
        check_files("cremad", wavs, SOURCE)
        images, videos = root / "Image-01-FPS", root / "VideoFlash"
        folders = {clip: images / clip for clip in clips}
        files = {clip: videos / f"{clip}.flv" for clip in clips}
        return frame_reader("cremad", n_frames, images, folders, files, (SOURCE, SOURCE))

    def plan_audio() -> Entries:
        find_files()  # all of them, before hours of work
        return Entries(wavs, SPECTROGRAM, np.float32, log_spectrogram)

    def plan_video() -> Entries:
        return Entries(clips, shape, np.uint8, find_files())

    made_of = {"n_frames": n_frames, "image_size": IMAGE_SIZE, "clips": clips}
    audio = prepare(folder, "audio", {"seconds": SECONDS, "clips": clips}, plan_audio)
    video = prepare(folder, "video", made_of, plan_video)
    return {"audio": torch.from_numpy(audio), "video": torch.from_numpy(video)}


def log_spectrogram(path: Path) -> NDArray[np.float32]:
    """Return the log power spectrogram, ``(1, 257, 299)``, of the first three seconds.

    A shorter clip is repeated; one without a sample (the data set has some) is silence.
    """
    return media.log_spectrogram(media.read_wav(path, SOURCE), SECONDS)


CARD = DatasetCard(
    load=load,
    summary="7442 clips of actors in six emotions: spectrogram and video frames, from the "
    "published files in a folder of yours (root). For a GPU; not downloaded for you.",
    source=SOURCE,
    licence="Open Database License (ODbL) 1.0, contents DbCL 1.0",
    citation="Cao et al., CREMA-D: crowd-sourced emotional multimodal actors dataset, "
    "IEEE Transactions on Affective Computing, 2014",
)
