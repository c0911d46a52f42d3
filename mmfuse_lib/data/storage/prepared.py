"""Arrays made once from many files, kept on disk and mapped: nothing is read before it is needed.

Beside an array, ``<name>.npy``, is a note of what it was made of, ``<name>.json``. An array whose
note says something else, or that was cut, is made again. While it is made it is called
``<name>.making``, and ``<name>.making.json`` says how far it is: work that was interrupted, after
hours perhaps, goes on there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.files import atomic_write
from mmfuse_lib.core.progress import progress as bar
from mmfuse_lib.data.storage.downloads import cannot_write

#: Entries after which it is noted how far an array is.
NOTE_EVERY = 200

#: Unreadable entries after which the others are not tried any more.
GIVE_UP = 100

#: Files that an error names; it counts the others.
NAMED = 3


@dataclass(frozen=True)
class Entries:
    """How to make an array, entry by entry.

    Attributes
    ----------
    keys : sequence
        What the entries are made of, in order: names, files.
    shape : tuple of int
        Of one entry.
    dtype : type
        Of the array.
    read : callable
        Returns the entry of a key; raises `DataError` where its files cannot be read.
    """

    keys: Sequence[Any]
    shape: tuple[int, ...]
    dtype: type[np.generic]
    read: Callable[[Any], NDArray[Any]]


def prepare(
    folder: Path, name: str, made_of: Mapping[str, Any], plan: Callable[[], Entries]
) -> NDArray[Any]:
    """Return an array, mapped from disk, after making it if it is not there.

    An interruption leaves no array that would be used, and the next call continues it. Of two
    processes that want the same array, one makes it and the other waits.

    Parameters
    ----------
    folder : Path
        Where it is kept; made if needed.
    name : str
        Of the array.
    made_of : mapping
        What decides its values, in types of JSON. An array made of something else is replaced.
    plan : callable
        Returns how to make it. Called only if it has to be made, so that it may look for the files.

    Raises
    ------
    DataError
        If files are missing or cannot be read; counts and names them.
    DownloadError
        If the array cannot be written.
    """
    path, made_of = folder / f"{name}.npy", dict(made_of)
    if not _is_made(path, made_of):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / f"{name}.lock") as lock:
                if not _is_made(path, made_of):  # another process may have made it
                    _make(path, plan(), made_of)
                with suppress(OSError):  # a waiting process finds the array and needs no lock
                    os.unlink(lock.lock_file)
        except OSError as error:
            raise cannot_write(folder, error) from error
    return _open(path)


def check_files(data: str, paths: Sequence[Path], source: str) -> None:
    """Raise a `DataError` that counts and names the missing files of a data set, if there are any.

    Parameters
    ----------
    data : str
        Name of the data set.
    paths : sequence of Path
        The files (or folders) that it needs.
    source : str
        Where to get them.
    """
    missing = [path for path in paths if not path.exists()]
    if missing:
        shown = ", ".join(map(str, missing[:NAMED]))
        raise DataError(
            f"{data}: {len(missing)} of {len(paths)} files are missing: {shown}"
            f"{', ...' if len(missing) > NAMED else ''}. Get them from {source}"
        )


def _open(path: Path) -> NDArray[Any]:
    """Map an array into memory, copying on write: torch needs writable memory, the file stays."""
    array: NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    return array


def _is_made(path: Path, made_of: dict[str, Any]) -> bool:
    if _read_json(path.with_suffix(".json")) != made_of:
        return False
    try:
        _open(path)
    except (OSError, ValueError):  # missing, or cut
        return False
    return True


def _make(path: Path, entries: Entries, made_of: dict[str, Any]) -> None:
    """Fill an array beside the one that is there, and replace that when it is complete."""
    making, progress = path.with_suffix(".making"), path.with_suffix(".making.json")
    _fill(making, progress, entries, made_of)
    path.with_suffix(".json").unlink(missing_ok=True)
    os.replace(making, path)
    _write_json(path.with_suffix(".json"), made_of)
    progress.unlink()


def _fill(path: Path, progress: Path, entries: Entries, made_of: dict[str, Any]) -> None:
    """Write an array, entry by entry, from where an earlier call stopped."""
    array, start = _begin(path, entries, made_of, _read_json(progress))
    n, n_done, unreadable = len(entries.keys), start, list[DataError]()

    def save() -> None:
        array.flush()
        _write_json(progress, {"made_of": made_of, "n_done": n_done})

    try:
        keys = range(start, n)
        for k in bar(keys, f"preparing {path.stem}", initial=start, total=n):
            try:
                array[k] = entries.read(entries.keys[k])
            except DataError as error:
                unreadable.append(error)
            if len(unreadable) == GIVE_UP:
                break
            n_done += not unreadable  # up to the first that has to be read again
            if k % NOTE_EVERY == 0:
                save()
    finally:
        save()
    if unreadable:
        raise _join(unreadable, n_tried=k + 1 - start)


def _begin(
    path: Path, entries: Entries, made_of: dict[str, Any], progress: Any
) -> tuple[np.memmap[Any, Any], int]:
    """Map an incomplete array and return it with its number of entries; begin one if need be."""
    shape = (len(entries.keys), *entries.shape)
    if isinstance(progress, dict) and progress.get("made_of") == made_of:
        with suppress(OSError, ValueError):  # missing, or cut
            there = np.load(path, mmap_mode="r", allow_pickle=False)
            if there.shape == shape and there.dtype == entries.dtype:
                return np.lib.format.open_memmap(path, "r+"), progress["n_done"]
    array = np.lib.format.open_memmap(path, "w+", dtype=entries.dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a full disk is to be noticed now, not hours later
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array, 0


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf8"))
    except (OSError, ValueError):
        return None


def _write_json(path: Path, content: Any) -> None:
    atomic_write(path, lambda file: file.write(json.dumps(content).encode()))


def _join(errors: Sequence[DataError], n_tried: int) -> DataError:
    if len(errors) == 1:
        return errors[0]
    shown = "; ".join(map(str, errors[:NAMED]))
    more = "; ..." if len(errors) > NAMED else ""
    return DataError(f"{len(errors)} of {n_tried} clips cannot be used: {shown}{more}")
