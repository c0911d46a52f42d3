"""Files that are whole or absent, and folders that can be written to."""

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
    """Raise `DataError` unless files can be written in a folder; to be called before work starts.

    A few bytes are written in it, or in the nearest folder above it that exists. Nothing stays
    behind, and no folder is made.

    Raises
    ------
    DataError
        If something in its place is no folder, writing is not allowed, or the disk is full.
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

    What a process that was killed left behind on the way to the same file is removed; what
    another process is writing now is not (where the system has no file locks, nothing is).

    Parameters
    ----------
    path : Path
        The file; its folder is made if needed. What is there is replaced.
    write : callable
        Writes the content to the open file it is given.

    Raises
    ------
    OSError
        If it cannot be written; then nothing is left behind, and what was there is untouched.
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


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all; null for NaN and infinities, which JSON lacks."""
    text = json.dumps(finite(content), indent=2, allow_nan=False) + "\n"
    atomic_write(path, lambda file: file.write(text.encode()))


def finite(value: Any) -> Any:
    """Return the same with None in the place of NaN and infinities, also inside of lists."""
    if isinstance(value, Mapping):
        return {name: finite(x) for name, x in value.items()}
    if isinstance(value, list | tuple):
        return [finite(x) for x in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _open_partial(path: Path) -> tuple[Path, IO[bytes]]:
    """Make a file beside `path`, and hold a lock on it for as long as it is open."""
    while True:
        partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
        file = partial.open("wb")
        if not CAN_LOCK:
            return partial, file
        with suppress(OSError):  # a file system without locks: nobody sweeps there either
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink > 0:
            return partial, file
        file.close()  # swept away before it was locked


def _sweep(path: Path) -> None:
    """Remove the partial files of `path` whose writers are gone: their locks went with them."""
    if not CAN_LOCK:
        return
    for partial in path.parent.glob(f"{glob.escape(path.name)}.{'?' * 32}.partial"):
        with suppress(OSError), partial.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()
