"""A small folder in the published layout of a data set, to try a whole run without the data."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile

from mmfuse_lib.core.errors import DataError, check_integers
from mmfuse_lib.data.downloaded.cremad_votes import EMOTIONS
from mmfuse_lib.data.storage import media

#: Height and width of the frames, frames a second, and seconds of a clip.
SIZE, RATE, SECONDS = (72, 96), 5, 1.2


def write_cremad(root: str | Path, *, n_actors: int = 4, n_test: int = 6) -> Path:
    """Write clips that CREMA-D's loader reads: a tone for the voice, a grey square for the face.

    Each actor "speaks" one clip in each of the six emotions. The pitch of the tone and the
    brightness of the square tell the emotion, with noise. Videos are written by ffmpeg as the
    data set has them, ``.flv``; where there is no ffmpeg, the frames as images. The lists name
    clips drawn at random for testing, as the papers' do. The same arguments give the same clips.

    Parameters
    ----------
    root : path
        The folder; made if needed.
    n_actors : int
        Actors; six clips each.
    n_test : int
        Clips in ``test.csv``; the others are in ``train.csv``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError
        If fewer than two clips are left to train on, or ffmpeg fails.

    Examples
    --------
    >>> import tempfile
    >>> from mmfuse_lib import data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = write_cremad(folder, n_actors=2, n_test=2)
    ...     sorted(path.name for path in (root / "AudioWAV").iterdir())[0]
    '1001_DFA_ANG_XX.wav'
    """
    check_integers(n_actors=n_actors, n_test=n_test)
    if len(EMOTIONS) * n_actors - n_test < 2:
        raise DataError(f"n_test is {n_test}: {n_actors} actors have {6 * n_actors} clips in all")
    root, rng = Path(root), np.random.default_rng(0)
    rows = [
        (f"{1001 + actor}_DFA_{emotion}_XX", emotion)
        for actor in range(n_actors)
        for emotion in EMOTIONS
    ]
    (root / "AudioWAV").mkdir(parents=True, exist_ok=True)
    try:
        ffmpeg = media.find_ffmpeg("CREMA-D has videos")
    except DataError:
        ffmpeg = ""
    for clip, emotion in rows:
        kind = EMOTIONS.index(emotion)
        time = np.arange(round(media.SAMPLE_RATE * SECONDS)) / media.SAMPLE_RATE
        pitch = 300 * (1 + kind) * rng.uniform(0.9, 1.1)
        wave = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.02 * rng.standard_normal(len(time))
        as_integers = (32_767 * wave).astype(np.int16)
        wavfile.write(root / "AudioWAV" / f"{clip}.wav", media.SAMPLE_RATE, as_integers)
        frames = rng.integers(0, 60, (round(RATE * SECONDS), *SIZE, 3), dtype=np.uint8)
        frames[:, 18:54, 24:72] += np.uint8(30 * kind)
        if ffmpeg:
            _write_video(ffmpeg, root / "VideoFlash" / f"{clip}.flv", frames)
        else:
            _write_images(root / "Image-01-FPS" / clip, frames)
    order = [rows[k] for k in rng.permutation(len(rows))]
    for name, part in (("train", order[n_test:]), ("test", order[:n_test])):
        with (root / f"{name}.csv").open("w", newline="", encoding="utf8") as file:
            csv.writer(file).writerows(part)
    return root


def _write_video(ffmpeg: str, path: Path, frames: NDArray[np.uint8]) -> None:
    path.parent.mkdir(exist_ok=True)
    command = [ffmpeg, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{SIZE[1]}x{SIZE[0]}", "-r", str(RATE), "-i", "-"]
    command += ["-c:v", "flv", "-q:v", "2", "-threads", "1", str(path)]
    done = subprocess.run(command, input=frames.tobytes(), capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise DataError(f"ffmpeg cannot write {path}: {done.stderr.decode(errors='replace')}")


def _write_images(folder: Path, frames: NDArray[np.uint8]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number:05d}.jpg", quality=95)
