"""Checkpoints that are whole or absent, and hold tensors and plain values only."""

import zipfile
from pathlib import Path
from typing import Any

import torch

from mmfuse_lib.core.errors import CheckpointError
from mmfuse_lib.core.files import atomic_write

FILE_NAME = "last.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write `state` to ``folder/last.pt``: into a temporary file first, then renamed over it.

    Raises
    ------
    CheckpointError
        If the folder cannot be written to.
    """
    target = folder / FILE_NAME
    try:
        atomic_write(target, lambda file: torch.save(state, file))
    except (OSError, RuntimeError) as error:  # torch's writer answers a full disk with the latter
        raise CheckpointError(f"cannot write the checkpoint {target}: {error}") from error


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Return the state in ``folder/last.pt``, or None where there is none.

    Raises
    ------
    CheckpointError
        If the file is cut, corrupt or holds anything but a dict of tensors and plain values.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        return read_state(path)
    except Exception as error:
        raise CheckpointError(
            f"cannot read the checkpoint {path}: {error}. Delete it to start over"
        ) from error


def read_state(path: Path) -> dict[str, Any]:
    """Return the dict of tensors, on the CPU, and plain values in a file; errors as they come."""
    with zipfile.ZipFile(path) as archive:  # torch itself does not look at the checksums
        if (damaged := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"{damaged} is damaged")
    state: object = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        raise TypeError(f"it holds {type(state).__name__}, expected a dict")
    return state
