"""`cremad`: CREMA-D's sound and video from the published files, at the size the papers train on.

7442 clips of 91 actors who speak a sentence in one of six emotions (Cao et al. 2014). The folder
is laid out as published::

    root/AudioWAV/1001_DFA_ANG_XX.wav             the sound, 16 kHz
    root/Image-01-FPS/1001_DFA_ANG_XX/*.jpg       frames, as OGM-GE and DI-MML extract them; or
    root/VideoFlash/1001_DFA_ANG_XX.flv           the video itself, which needs ffmpeg
    root/train.csv, root/test.csv                 their lists, a line "1001_DFA_ANG_XX,ANG" a clip

A spectrogram and a few frames a clip are prepared once and kept in two arrays on disk, 5.6 GB for
the whole data set. They are mapped into memory, so what is read is what a batch asks for.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile
from scipy.signal import spectrogram
from tqdm import tqdm

from mmfuse_lib.data.cremad_votes import EMOTIONS
from mmfuse_lib.data.downloads import cannot_write, fetch
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.errors import DataError
from mmfuse_lib.files import write_whole

LIST_URL = (
    "https://raw.githubusercontent.com/fanyunfeng-bit/DI-MML/"
    "83b9b7acc47ac9f1666e72ed984eacd18cfd3d5c/data/CREMAD"
)
SOURCE = "https://github.com/CheyneyComputerScience/CREMA-D"

SAMPLE_RATE = 16_000
SECONDS = 3
WINDOW, OVERLAP = 512, 353  # samples: 257 frequencies, 299 steps
SPECTROGRAM = (1, 257, 299)
IMAGE_SIZE = 224

#: File beside the arrays that says what they were made of.
NOTE = "made_of.json"

#: Share of the training list that is held out for validation.
VAL_SHARE = 0.1


def load(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    n_frames: int = 3,
    prepared: str | Path | None = None,
) -> tuple[MultimodalData, MultimodalData, MultimodalData]:
    """Load the published split (of clips at random: the actors are the same everywhere).

    =====  =====================  ==============================================================
    audio  (1, 257, 299)          logarithm of the spectrogram of the first 3 seconds, the clip
                                  repeated as often as needed
    video  (n_frames, 3, 224,     frames at equal distances from the first to the last, as bytes;
           224)                   `ResNet18Encoder` turns them into numbers
    =====  =====================  ==============================================================

    The papers choose their checkpoint on the test list. Here a tenth of the training list, drawn
    once and the same for every seed, is the validation split.

    Parameters
    ----------
    seed : int
        Not used: the splits are fixed.
    root : path
        The folder of the published files.
    n_frames : int
        Frames a clip.
    prepared : path, optional
        Folder for the two arrays; ``root/prepared`` by default.

    Returns
    -------
    train, val, test : MultimodalData
        Their inputs are views of files on disk.

    Raises
    ------
    DataError
        If files are missing or cannot be read; names them.
    DownloadError
        If the lists are neither in `root` nor to be downloaded, or the arrays cannot be written.
    """
    if root is None or not Path(root).is_dir():
        raise DataError(
            f"cremad: root is {str(root)!r}: expected the folder that holds AudioWAV and "
            f"VideoFlash or Image-01-FPS, downloaded from {SOURCE}"
        )
    if not (isinstance(n_frames, int) and n_frames >= 1):
        raise DataError(f"n_frames is {n_frames!r}: expected an integer of at least 1")
    root = Path(root)
    folder = root / "prepared" if prepared is None else Path(prepared)
    listed = [_read_list(root, name) for name in ("train.csv", "test.csv")]
    order = np.random.default_rng(0).permutation(len(listed[0]))
    clips = [listed[0][k] for k in order] + listed[1]
    arrays = _prepared(root, folder, [name for name, _ in clips], n_frames)
    target = torch.tensor([EMOTIONS.index(emotion) for _, emotion in clips])
    n_val, n_rest = max(1, round(VAL_SHARE * len(order))), len(order)
    everything = MultimodalData(
        inputs={name: torch.from_numpy(x) for name, x in arrays.items()},
        target=target,
        class_names=EMOTIONS,
    )
    return everything[n_val:n_rest], everything[:n_val], everything[n_rest:]


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


def _prepared(
    root: Path, folder: Path, clips: Sequence[str], n_frames: int
) -> dict[str, NDArray[Any]]:
    """Return the arrays, mapped from disk, after making them where they are not there."""
    # What is there is right if it was made of the same clips in the same way.
    made_of = {"n_frames": n_frames, "image_size": IMAGE_SIZE, "clips": list(clips)}
    there = _open(folder, made_of)
    if there is not None:
        return there
    frames_of = _frame_reader(root, clips)
    _check_files([root / "AudioWAV" / f"{clip}.wav" for clip in clips])
    shape = (n_frames, 3, IMAGE_SIZE, IMAGE_SIZE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NOTE).unlink(missing_ok=True)
        _fill(
            folder / "audio.npy", clips, SPECTROGRAM, np.float32,
            lambda clip: log_spectrogram(root / "AudioWAV" / f"{clip}.wav"),
        )  # fmt: skip
        _fill(folder / "video.npy", clips, shape, np.uint8, lambda clip: frames_of(clip, n_frames))
        write_whole(folder / NOTE, lambda file: file.write(json.dumps(made_of).encode()))
    except OSError as error:
        raise cannot_write(folder, error) from error
    made = _open(folder, made_of)
    if made is None:
        raise DataError(f"{folder} was changed by another program: try again")
    return made


def _open(folder: Path, made_of: dict[str, Any]) -> dict[str, NDArray[Any]] | None:
    """Map the arrays into memory; None where they are missing, cut or made of something else."""
    try:
        if json.loads((folder / NOTE).read_text("utf8")) != made_of:
            return None
        # Copy on write: torch wants to be allowed to write, and the files stay as they are.
        return {
            name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
            for name in ("audio", "video")
        }
    except (OSError, ValueError):
        return None


def _fill(
    path: Path,
    clips: Sequence[str],
    shape: tuple[int, ...],
    dtype: type[np.generic],
    read: Callable[[str], NDArray[Any]],
) -> None:
    """Write an array of one entry a clip, entry by entry; whole or not at all."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        array = np.lib.format.open_memmap(partial, "w+", dtype=dtype, shape=(len(clips), *shape))
        for k, clip in enumerate(tqdm(clips, desc=f"preparing {path.stem}")):
            array[k] = read(clip)
        array.flush()
        del array
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _check_files(paths: Sequence[Path]) -> None:
    missing = [path for path in paths if not path.exists()]
    if missing:
        shown = ", ".join(map(str, missing[:3]))
        raise DataError(
            f"cremad: {len(missing)} of {len(paths)} files are missing: {shown}"
            f"{', ...' if len(missing) > 3 else ''}. Get them from {SOURCE}"
        )


# Sound.


def log_spectrogram(path: Path) -> NDArray[np.float32]:
    """Return the log power spectrogram, ``(1, 257, 299)``, of the first three seconds.

    A shorter clip is repeated; one without a sample (the data set has clips without sound) is
    silence.
    """
    try:
        rate, samples = wavfile.read(path)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}. Get it from {SOURCE}") from error
    if rate != SAMPLE_RATE or samples.ndim != 1 or samples.dtype != np.int16:
        raise DataError(
            f"{path} has {samples.dtype} samples at {rate} Hz, shape {samples.shape}: expected "
            f"one channel of int16 at {SAMPLE_RATE} Hz, as published"
        )
    wave = samples if len(samples) else np.zeros(1, dtype=np.int16)
    repeated = np.resize(wave, SECONDS * SAMPLE_RATE).astype(np.float32) / 32_768
    _, _, power = spectrogram(repeated, SAMPLE_RATE, nperseg=WINDOW, noverlap=OVERLAP)
    log_power: NDArray[np.float32] = np.log(power + 1e-7).astype(np.float32)[None]
    return log_power


# Frames.


def _frame_reader(root: Path, clips: Sequence[str]) -> Callable[[str, int], NDArray[np.uint8]]:
    """Return what reads the frames of a clip, from pictures if there are any, else from videos."""
    pictures = root / "Image-01-FPS"
    if pictures.is_dir():
        _check_files([pictures / clip for clip in clips])
        return lambda clip, n: _frames_from_pictures(pictures / clip, n)
    _check_files([root / "VideoFlash" / f"{clip}.flv" for clip in clips])
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise DataError(
            f"{root} has videos but no Image-01-FPS: reading them needs the program ffmpeg, which "
            "is not on the path. Install it, or extract the frames elsewhere"
        )
    return lambda clip, n: _frames_from_video(ffmpeg, root / "VideoFlash" / f"{clip}.flv", n)


def spread(n_available: int, n_wanted: int) -> list[int]:
    """Return the numbers of the wanted frames: the first, the last, at equal distances between.

    Where fewer are available than wanted, some come twice.
    """
    return [round(k) for k in np.linspace(0, n_available - 1, n_wanted)]


def _frames_from_pictures(folder: Path, n: int) -> NDArray[np.uint8]:
    paths = sorted(folder.glob("*.jpg"))
    if not paths:
        raise DataError(f"{folder} has no pictures (*.jpg)")
    return np.stack([_read_picture(paths[k]) for k in spread(len(paths), n)])


def _read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture as ``(3, 224, 224)`` bytes."""
    try:
        with Image.open(path) as image:
            small = image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError) as error:  # what Pillow raises for damaged files
        raise DataError(f"{path} cannot be read: {error}") from error
    return np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)


def _frames_from_video(ffmpeg: str, path: Path, n: int) -> NDArray[np.uint8]:
    size = f"{IMAGE_SIZE}:{IMAGE_SIZE}"
    command = [ffmpeg, "-v", "error", "-i", str(path), "-vf", f"scale={size}:flags=bilinear"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    frames = np.frombuffer(done.stdout, dtype=np.uint8)
    n_frames, rest = divmod(len(frames), IMAGE_SIZE * IMAGE_SIZE * 3)
    if done.returncode != 0 or rest or n_frames == 0:
        raise DataError(
            f"{path} cannot be read: ffmpeg ended with {done.returncode} after {n_frames} frames. "
            f"{done.stderr.decode(errors='replace').strip()}"
        )
    shown = frames.reshape(n_frames, IMAGE_SIZE, IMAGE_SIZE, 3)[spread(n_frames, n)]
    return shown.transpose(0, 3, 1, 2)
