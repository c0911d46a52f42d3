"""Published files in a folder of the user's: are they there, what do their lists and images say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.card import Splits
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.data.storage import media
from mmfuse_lib.data.storage.prepared import Entries, check_files, prepare

#: Height and width of all images and frames, in pixels.
IMAGE_SIZE = 224


def check_root(data: str, root: str | Path | None, expected: str, source: str) -> Path:
    """Return the folder of the published files.

    Parameters
    ----------
    data : str
        Name of the data set.
    root : path
        The folder that the user names.
    expected : str
        What is expected in it.
    source : str
        Where to get that.

    Raises
    ------
    DataError
        If there is no such folder.
    """
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
    data: str, name: str, files: Sequence[Path], *, root: Path, folder: Path, source: str
) -> Tensor:
    """Return one image a sample, ``(N, 1, 3, 224, 224)``, as bytes mapped from disk.

    Parameters
    ----------
    data, name : str
        Names of the data set and of the modality.
    files : sequence of Path
        The images.
    root, folder : Path
        Where the files are, and where the array is kept.
    source : str
        Where to get the files.

    Raises
    ------
    DataError
        If files are missing or cannot be read; counts and names them.
    DownloadError
        If the array cannot be written.
    """

    def plan() -> Entries:
        check_files(data, files, source)
        shape = (1, 3, IMAGE_SIZE, IMAGE_SIZE)
        read = media.read_image
        return Entries(files, shape, np.uint8, lambda path: read(path, IMAGE_SIZE)[None])

    names = [path.relative_to(root).as_posix() for path in files]
    made_of = {"image_size": IMAGE_SIZE, "files": names}
    return torch.from_numpy(prepare(folder, name, made_of, plan))


def cut(samples: MultimodalData, n_train: int, n_val: int) -> Splits:
    """Cut samples that come in the order training, validation, test into these three."""
    n = n_train + n_val
    return samples[:n_train], samples[n_train:n], samples[n:]
