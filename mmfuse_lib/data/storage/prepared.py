"""Arrays made once of many files, kept on disk and mapped: nothing is read before it is asked for.

A folder of prepared arrays holds one ``<name>.npy`` each and a note of what they were made of.
Arrays whose note says something else, or that were cut, are made again. While they are made they
are in a folder of their own, ``making``, with how far they are: what was interrupted, after hours
perhaps, goes on there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm import tqdm

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.files import atomic_write
from mmfuse_lib.data.storage.downloads import cannot_write

#: File beside the arrays that says what they were made of.
NOTE = "made_of.json"

#: Folder of arrays that are not complete.
MAKING = "making"

#: Entries after which it is noted how far an array is.
NOTE_EVERY = 200

#: Entries that cannot be read before the others are not tried any more.
GIVE_UP = 100

#: Files that an error names; of the others it gives the number.
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
    folder: Path,
    names: Iterable[str],
    made_of: Mapping[str, Any],
    plan: Callable[[], Mapping[str, Entries]],
) -> dict[str, NDArray[Any]]:
    """Return the arrays, mapped from disk, after making them where they are not there.

    An interruption leaves no array that would be used, and the next call continues it. Of two
    processes that want the same arrays, one makes them and the other waits.

    Parameters
    ----------
    folder : Path
        Where they are kept; made if needed.
    names : iterable of str
        Of the arrays.
    made_of : mapping
        What decides their values, in types of JSON. Arrays made of something else are replaced.
    plan : callable
        Returns how to make each. Called only where they are to be made, so that it may look for
        the files.

    Raises
    ------
    DataError
        If files are missing or cannot be read; counts and names them.
    DownloadError
        If the arrays cannot be written.
    """
    names, made_of = list(names), dict(made_of)
    there = _open(folder, names, made_of)
    if there is not None:
        return there
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{MAKING}.lock") as lock:
            made = _open(folder, names, made_of)  # another process may have made them
            if made is None:
                planned = plan()
                _make(folder, {name: planned[name] for name in names}, made_of)
            with suppress(OSError):  # who waits for the lock will find the arrays: no need of it
                os.unlink(lock.lock_file)
    except OSError as error:
        raise cannot_write(folder, error) from error
    made = made or _open(folder, names, made_of)
    if made is None:
        raise DataError(f"{folder} was changed by another program: try again")
    return made


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


def _open(
    folder: Path, names: Sequence[str], made_of: dict[str, Any]
) -> dict[str, NDArray[Any]] | None:
    """Map the arrays into memory; None where they are missing, cut or made of something else."""
    if _read_json(folder / NOTE) != made_of:
        return None
    try:
        # Copy on write: torch wants to be allowed to write, and the files stay as they are.
        return {
            name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
            for name in names
        }
    except (OSError, ValueError):
        return None


def _make(folder: Path, planned: Mapping[str, Entries], made_of: dict[str, Any]) -> None:
    """Fill the arrays beside those that are there, and put them in their place when all are."""
    making = folder / MAKING
    if _read_json(making / NOTE) != made_of:
        shutil.rmtree(making, ignore_errors=True)
        _write_json(making / NOTE, made_of)
    for name, entries in planned.items():
        _fill(making / f"{name}.npy", entries)
    (folder / NOTE).unlink(missing_ok=True)
    for name in planned:
        os.replace(making / f"{name}.npy", folder / f"{name}.npy")
    os.replace(making / NOTE, folder / NOTE)
    shutil.rmtree(making)


def _fill(path: Path, entries: Entries) -> None:
    """Write an array, entry by entry, from where an earlier call stopped."""
    count = path.with_suffix(".count.json")
    array, start = _begin(path, count, entries)
    n_done, unreadable = start, list[DataError]()
    try:
        for k in _progress(start, len(entries.keys), path.stem):
            try:
                array[k] = entries.read(entries.keys[k])
            except DataError as error:
                unreadable.append(error)
            if len(unreadable) == GIVE_UP:
                break
            n_done += not unreadable  # up to the first that has to be read again
            if k % NOTE_EVERY == 0:
                array.flush()
                _write_json(count, n_done)
    finally:
        array.flush()
        _write_json(count, n_done)
    if unreadable:
        raise _join(unreadable, n_tried=k + 1 - start)


def _begin(path: Path, count: Path, entries: Entries) -> tuple[np.memmap[Any, Any], int]:
    """Map an array that is not complete and say how many entries it has; begin one if need be."""
    shape = (len(entries.keys), *entries.shape)
    n_done = _read_json(count)
    with suppress(OSError, ValueError):  # not there, or cut
        there = np.load(path, mmap_mode="r", allow_pickle=False)
        if there.shape == shape and there.dtype == entries.dtype and isinstance(n_done, int):
            return np.lib.format.open_memmap(path, "r+"), n_done
    count.unlink(missing_ok=True)
    array = np.lib.format.open_memmap(path, "w+", dtype=entries.dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a full disk is to be noticed now, not hours later
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array, 0


def _progress(start: int, n: int, name: str) -> Iterable[int]:
    return tqdm(range(start, n), desc=f"preparing {name}", initial=start, total=n)


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
