"""Published files in a folder of the user's: are they there, what do their lists and images say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.card import Splits
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.data.storage import media
from mmfuse_lib.data.storage.prepared import Entries, check_files, prepare

#: Height and width of all images and frames, in pixels.
IMAGE_SIZE = 224


def check_root(data: str, root: str | Path | None, expected: str, source: str) -> Path:
    """Return the folder of the published files, or raise a `DataError` that says what it is for."""
    if root is None or not Path(root).is_dir():
        raise DataError(
            f"{data}: root is {str(root)!r}: expected the folder that holds {expected}, "
            f"downloaded from {source}"
        )
    return Path(root)


def read_lines(data: str, path: Path, source: str) -> list[tuple[str, str]]:
    """Return the lines of a list that are not empty, each with its place, for errors.

    Raises
    ------
    DataError
        If the list cannot be read, or has no lines; names the data set and the source.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{data}: {path} cannot be read: {error}. Get it from {source}") from error
    numbered = enumerate(map(str.strip, lines), start=1)
    found = [(line, f"{path}, line {number}") for number, line in numbered if line]
    if not found:
        raise DataError(f"{data}: {path} is empty. Get it from {source}")
    return found


def prepare_images(
    data: str, files: Mapping[str, Sequence[Path]], *, root: Path, folder: Path, source: str
) -> dict[str, Tensor]:
    """Return one image a sample and modality, ``(N, 1, 3, 224, 224)``, as bytes mapped from disk.

    Parameters
    ----------
    data : str
        Name of the data set.
    files : mapping of str to sequence of Path
        The images of each modality.
    root, folder : Path
        Where the files are, and where the arrays are kept.
    source : str
        Where to get the files.

    Raises
    ------
    DataError
        If files are missing or cannot be read; counts and names them.
    DownloadError
        If the array cannot be written.
    """

    def plan(paths: Sequence[Path]) -> Entries:
        check_files(data, paths, source)
        shape = (1, 3, IMAGE_SIZE, IMAGE_SIZE)
        read = media.read_image
        return Entries(paths, shape, np.uint8, lambda path: read(path, IMAGE_SIZE)[None])

    inputs = {}
    for name, paths in files.items():
        names = [path.relative_to(root).as_posix() for path in paths]
        made_of = {"image_size": IMAGE_SIZE, "files": names}
        inputs[name] = torch.from_numpy(prepare(folder, name, made_of, partial(plan, paths)))
    return inputs


def frame_reader(
    data: str, n: int, images: Path, folders: Mapping[Any, Path], videos: Mapping[Any, Path],
    sources: tuple[str, str],
) -> Callable[[Any], NDArray[np.uint8]]:  # fmt: skip
    """Return a function that reads n frames of a clip: of its images, or of its video.

    Parameters
    ----------
    data : str
        Name of the data set.
    n : int
        Frames a clip.
    images : Path
        Where the images are; if there is no such folder, the videos are read.
    folders, videos : mapping to Path
        For each clip, the folder of its images, and its video.
    sources : (str, str)
        Where to get images, and videos.
    """
    if images.is_dir():
        check_files(data, list(folders.values()), sources[0])
        return lambda clip: media.frames_from_images(folders[clip], n, IMAGE_SIZE)
    check_files(data, list(videos.values()), sources[1])
    ffmpeg = media.find_ffmpeg(f"{images.parent} has videos but no {images.name}")
    return lambda clip: media.frames_from_video(ffmpeg, videos[clip], n, IMAGE_SIZE)


def cut(samples: MultimodalData, n_train: int, n_val: int) -> Splits:
    """Cut samples that come in the order training, validation, test into these three."""
    n = n_train + n_val
    return samples[:n_train], samples[n_train:n], samples[n:]
