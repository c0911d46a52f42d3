"""Videos as spectrograms and frames: what `ave` and `kinetics_sounds` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mmfuse_lib.core.errors import check_integers
from mmfuse_lib.data.card import Splits
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.data.raw.published import IMAGE_SIZE, cut
from mmfuse_lib.data.storage import media
from mmfuse_lib.data.storage.prepared import Entries, check_files, prepare

SECONDS = 10
SPECTROGRAM = media.spectrogram_shape(SECONDS)


@dataclass(frozen=True)
class Clip:
    """A video, or a part of one, and its class.

    Attributes
    ----------
    path : Path
        The video.
    target : int
        Index of its class.
    span : (float, float), optional
        Start and end of the part, in seconds; the whole video by default.
    """

    path: Path
    target: int
    span: media.Span | None = None


def load_clips(
    data: str,
    splits: Sequence[Sequence[Clip]],
    class_names: tuple[str, ...],
    *,
    root: Path,
    folder: Path,
    n_frames: int,
    source: str,
) -> Splits:
    """Prepare the clips of three splits, and return the splits, mapped from files on disk.

    Parameters
    ----------
    data : str
        Name of the data set.
    splits : three sequences of Clip
        Training, validation, test.
    class_names : tuple of str
        Names of the classes.
    root, folder : Path
        Where the published files are, and where the two arrays are kept.
    n_frames : int
        Frames a clip.
    source : str
        Where to get the videos.

    Raises
    ------
    DataError
        If videos are missing or cannot be read; counts and names them.
    DownloadError
        If the arrays cannot be written.
    """
    check_integers(n_frames=n_frames)
    clips = [clip for split in splits for clip in split]

    def find_videos() -> str:
        check_files(data, [clip.path for clip in clips], source)
        return media.find_ffmpeg(f"{root} has videos")

    def plan_audio() -> Entries:
        ffmpeg = find_videos()
        return Entries(clips, SPECTROGRAM, np.float32, lambda clip: _spectrogram(ffmpeg, clip))

    def plan_video() -> Entries:
        ffmpeg, shape = find_videos(), (n_frames, 3, IMAGE_SIZE, IMAGE_SIZE)
        return Entries(clips, shape, np.uint8, lambda clip: _frames(ffmpeg, clip, n_frames))

    names = [[clip.path.relative_to(root).as_posix(), *(clip.span or ())] for clip in clips]
    audio = prepare(folder, "audio", {"shape": list(SPECTROGRAM), "clips": names}, plan_audio)
    made_of = {"n_frames": n_frames, "image_size": IMAGE_SIZE, "clips": names}
    video = prepare(folder, "video", made_of, plan_video)
    samples = MultimodalData(
        inputs={"audio": torch.from_numpy(audio), "video": torch.from_numpy(video)},
        target=torch.tensor([clip.target for clip in clips]),
        class_names=class_names,
    )
    return cut(samples, len(splits[0]), len(splits[1]))


def _spectrogram(ffmpeg: str, clip: Clip) -> NDArray[np.float32]:
    """Return the log spectrogram of ten seconds with mean 0 and deviation 1; silence is 0."""
    wave = media.audio_from_video(ffmpeg, clip.path, clip.span)
    log_power = media.log_spectrogram(wave, SECONDS).astype(np.float64)
    log_power = (log_power - log_power.mean()) / (log_power.std() + 1e-6)
    return np.asarray(log_power, dtype=np.float32)


def _frames(ffmpeg: str, clip: Clip, n_frames: int) -> NDArray[np.uint8]:
    return media.frames_from_video(ffmpeg, clip.path, n_frames, IMAGE_SIZE, clip.span)
