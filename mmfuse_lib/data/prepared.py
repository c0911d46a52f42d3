"""Arrays made once of many files, kept on disk and mapped: nothing is read before it is asked for.

A folder of prepared arrays holds one ``<name>.npy`` each and a note of what they were made of.
Arrays whose note says something else, or that were cut, are made again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmfuse_lib.data.downloads import cannot_write
from mmfuse_lib.errors import DataError
from mmfuse_lib.files import write_whole

#: File beside the arrays that says what they were made of.
NOTE = "made_of.json"

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

    Each array is whole or absent: an interruption leaves none that would be used.

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
    planned = plan()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NOTE).unlink(missing_ok=True)
        for name in names:
            _fill(folder / f"{name}.npy", planned[name])
        write_whole(folder / NOTE, lambda file: file.write(json.dumps(made_of).encode()))
    except OSError as error:
        raise cannot_write(folder, error) from error
    made = _open(folder, names, made_of)
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
    try:
        if json.loads((folder / NOTE).read_text("utf8")) != made_of:
            return None
        # Copy on write: torch wants to be allowed to write, and the files stay as they are.
        return {
            name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
            for name in names
        }
    except (OSError, ValueError):
        return None


def _fill(path: Path, entries: Entries) -> None:
    """Write an array, entry by entry; whole or not at all."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    shape = (len(entries.keys), *entries.shape)
    unreadable: list[DataError] = []
    try:
        array = np.lib.format.open_memmap(partial, "w+", dtype=entries.dtype, shape=shape)
        for k, key in enumerate(tqdm(entries.keys, desc=f"preparing {path.stem}")):
            try:
                array[k] = entries.read(key)
            except DataError as error:
                unreadable.append(error)
            if len(unreadable) == GIVE_UP:
                break
        if unreadable:
            raise _join(unreadable, n_tried=k + 1)
        array.flush()
        del array
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _join(errors: Sequence[DataError], n_tried: int) -> DataError:
    if len(errors) == 1:
        return errors[0]
    shown = "; ".join(map(str, errors[:NAMED]))
    more = "; ..." if len(errors) > NAMED else ""
    return DataError(f"{len(errors)} of {n_tried} clips cannot be used: {shown}{more}")
