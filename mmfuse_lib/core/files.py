"""Files that are written whole or not at all, and folders that can be written to."""

from __future__ import annotations

import glob
import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from mmfuse_lib.core.errors import DataError

try:
    import fcntl

    CAN_LOCK = True
except ImportError:  # not on Windows
    CAN_LOCK = False

#: Bytes that `check_writable` writes: a block of most file systems, and more.
PROBE_BYTES = 65_536


def check_writable(folder: Path) -> None:
    """Raise `DataError` unless files can be written in a folder; call it before work starts.

    It writes a few bytes there, or in the nearest folder above that exists, and leaves nothing
    behind. No folder is made.

    Raises
    ------
    DataError
        If there is a file in its place, writing is not allowed, or the disk is full.
    """
    place = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    if not place.is_dir():
        raise DataError(f"cannot write in {folder}: {place} is a file, expected a folder")
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(f"cannot write in {folder}: {error.strerror or error}") from error


def atomic_write(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file under another name and rename it when it is complete and on disk.

    Files that a killed process left behind while writing the same file are removed; those that
    another process is writing now are not. Where the system has no file locks, nothing is removed.

    Parameters
    ----------
    path : Path
        The file; its folder is made if needed. An existing file is replaced.
    write : callable
        Writes the content to the open file it is given.

    Raises
    ------
    OSError
        If it cannot be written. Then nothing is left behind, and an existing file is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    partial, file = _open_partial(path)
    try:
        with file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if CAN_LOCK:  # while the lock is held; Windows renames no open file
                os.replace(partial, path)
        if not CAN_LOCK:
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text with `atomic_write`, or raise a `DataError` that says what was in the way."""
    try:
        atomic_write(path, lambda file: file.write(text.encode()))
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def write_json(path: Path, content: Any) -> None:
    """Write JSON as `write_text` does; null stands for NaN and infinities, which JSON lacks."""
    write_text(path, json.dumps(finite(content), indent=2, allow_nan=False) + "\n")


def finite(value: Any, digits: int | None = None) -> Any:
    """Replace NaN and infinities by None, also in lists and mappings; round floats to digits."""
    if isinstance(value, Mapping):
        return {name: finite(x, digits) for name, x in value.items()}
    if isinstance(value, list | tuple):
        return [finite(x, digits) for x in value]
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    return value if digits is None else round(value, digits)


def _open_partial(path: Path) -> tuple[Path, IO[bytes]]:
    """Open a new file beside `path`, locked until it is closed."""
    while True:
        partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
        file = partial.open("wb")
        if not CAN_LOCK:
            return partial, file
        with suppress(OSError):  # a file system without locks, on which nothing is swept either
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink > 0:
            return partial, file
        file.close()  # swept away before it was locked


def _sweep(path: Path) -> None:
    """Remove the partial files of `path` that nobody is writing: those without a lock."""
    if not CAN_LOCK:
        return
    for partial in path.parent.glob(f"{glob.escape(path.name)}.{'?' * 32}.partial"):
        with suppress(OSError), partial.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()
