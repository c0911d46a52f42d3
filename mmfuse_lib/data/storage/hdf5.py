"""Arrays in HDF5 files, read by h5py (``pip install h5py``).

Links to other places or files, and arrays that are kept in other files, are errors. So reading one
file reads that file only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError

#: What h5py raises for files, or parts of them, that are damaged.
DAMAGED = (OSError, RuntimeError, KeyError, ValueError, TypeError)


@contextmanager
def open_hdf5(path: Path, source: str) -> Iterator[Any]:
    """Open a file for reading, as h5py's ``File``.

    Raises
    ------
    DataError
        If h5py is not installed, or the file is not HDF5; names `source`, where to get it.
    """
    try:
        import h5py  # here: nothing else of mmfuse needs it
    except ImportError:
        raise DataError(
            f"{path}: reading HDF5 files needs the package h5py. Run: pip install h5py"
        ) from None
    try:
        file = h5py.File(path, "r")
    except DAMAGED as error:
        raise DataError(f"{path} cannot be read: {error}. Get it from {source}") from error
    with file:
        yield file


def get_item(group: Any, name: str) -> Any:
    """Return a group or array of a group, by its name (not a path).

    Raises
    ------
    DataError
        If there is none of this name, or only a link to another place.
    """
    import h5py

    where = f"{group.file.filename}: {group.name}"
    if "/" in name or not group.id.links.exists(name.encode()):  # this follows nothing
        names = [*map(repr, group)]
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") or "nothing"
        raise DataError(f"{where} has no {name!r}: it has {shown}")
    if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise DataError(f"{where}: {name!r} is a link to another place: it is not followed")
    try:
        return group[name]
    except DAMAGED as error:
        raise DataError(f"{where}: {name!r} cannot be read: {error}") from error


def get_group(group: Any, name: str) -> Any:
    """Return a group of a group; raise a `DataError` if there is none of this name."""
    found = get_item(group, name)
    if not hasattr(found, "keys"):
        raise DataError(f"{group.file.filename}: {found.name} is an array: expected a group")
    return found


def read_array(group: Any, name: str) -> NDArray[Any]:
    """Return an array of a group: two axes, integers or floats.

    Raises
    ------
    DataError
        If it is missing, of another form, damaged, or kept in another file.
    """
    found = get_item(group, name)
    where = f"{group.file.filename}: {found.name}"
    shape, dtype = getattr(found, "shape", None), getattr(found, "dtype", None)
    if shape is None or dtype is None or len(shape) != 2 or dtype.kind not in "iuf":
        raise DataError(f"{where} has shape {shape} of {dtype}: expected two axes of numbers")
    if found.external or found.is_virtual:
        raise DataError(f"{where} is kept in another file: it is not read")
    try:
        array: NDArray[Any] = np.asarray(found[()])
    except DAMAGED as error:
        raise DataError(f"{where} cannot be read: {error}") from error
    return array
