"""Series and DataFrames: match their rows by their index, turn their columns into NumPy arrays.

An array has no index, so only its order says which row belongs to which sample. pandas objects have
one, and rows at the same place with different labels are most likely not of the same sample.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError


def match_rows(arguments: Mapping[str, Any], *, align: bool) -> dict[str, Any]:
    """Return the arguments after checking that the rows of all pandas objects match.

    Parameters
    ----------
    arguments : mapping of str to object
        By the names that errors give them, ``"target"`` first. An argument that is not a Series or
        a DataFrame has no index and is returned unchanged.
    align : bool
        Put the rows in the order of the target's index.

    Raises
    ------
    DataError
        If two indexes of the same length differ, or cannot be aligned; names the first row.
        Different lengths are not checked here.
    """
    frames = {what: x for what, x in arguments.items() if isinstance(x, pd.Series | pd.DataFrame)}
    if align:
        return {**arguments, **_align(arguments, frames)}
    reference = next(iter(frames), "")
    for what in frames:
        _check_same(reference, frames[reference].index, what, frames[what].index)
    return dict(arguments)


def as_array(what: str, x: Any) -> NDArray[Any]:
    """Return a pandas object as an array; nullable numbers become NumPy's.

    Parameters
    ----------
    what : str
        Its name, for errors.
    x : Series, DataFrame, Index or extension array
        Nullable integers and booleans become NumPy's unless some are missing (NA). Those, nullable
        floats, and columns of which some are floats become float64, NA becomes NaN.

    Raises
    ------
    DataError
        If columns of a DataFrame are not numbers; names them.
    """
    array = np.asarray(x)
    if array.dtype.kind != "O" or isinstance(x, pd.MultiIndex):
        return array
    frame = x if isinstance(x, pd.DataFrame) else pd.Series(x).to_frame()
    kinds = {getattr(dtype, "kind", "O") for dtype in frame.dtypes}
    if kinds - set("biuf"):
        if not isinstance(x, pd.DataFrame):
            return array
        others = [
            f"{name!r} ({dtype})"
            for name, dtype in frame.dtypes.items()
            if getattr(dtype, "kind", "O") not in "biuf"
        ]
        raise DataError(f"{what} has columns that hold no real numbers: {', '.join(others[:5])}")
    if frame.isna().any(axis=None) or kinds & set("uf"):
        array = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        array = frame.to_numpy(dtype=np.bool_ if kinds == {"b"} else np.int64)
    return array if isinstance(x, pd.DataFrame) else array[:, 0]


def _check_same(one: str, index: pd.Index[Any], two: str, other: pd.Index[Any]) -> None:
    if len(index) != len(other) or _same(index, other):
        return
    k = _first_difference(index, other)
    raise DataError(
        f"{one} and {two} have different indexes: row {k} is {_label(index, k)} in the one and "
        f"{_label(other, k)} in the other. Rows at the same place must be of the same sample: "
        "align=True puts them in the order of the target's index; if they are in the same order "
        "already, call reset_index(drop=True) on both"
    )


def _same(index: pd.Index[Any], other: pd.Index[Any]) -> bool:
    """Tell whether two indexes hold the same labels; whether a type is nullable does not matter."""
    return index.equals(other) or index.astype(object).equals(other.astype(object))


def _first_difference(index: pd.Index[Any], other: pd.Index[Any]) -> int:
    ends = range(1, len(index) + 1)
    return bisect_left(ends, True, key=lambda end: not _same(index[:end], other[:end]))


def _label(index: pd.Index[Any], k: int) -> str:
    return repr(index[k : k + 1].tolist()[0])  # of Python's types, not NumPy's


def _align(arguments: Mapping[str, Any], frames: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are in another order than the target, in the target's order."""
    if "target" not in frames:
        raise DataError(
            "align=True puts rows in the order of the target's index, but the target is of type "
            f"{type(arguments['target']).__name__}: expected a pandas Series or DataFrame"
        )
    index = frames["target"].index
    moved = {what: x for what, x in frames.items() if not _same(x.index, index)}
    fixed = [what for what in arguments if what not in frames]
    if moved and fixed:
        raise DataError(
            f"align=True has to reorder {next(iter(moved))}, but {fixed[0]} has no index by which "
            "to be aligned: make it a pandas object too, or align all of them yourself"
        )
    if moved:
        _check_unique("target", index)
    return {what: x.iloc[_places(what, x.index, index)] for what, x in moved.items()}


def _check_unique(what: str, index: pd.Index[Any]) -> None:
    twice = index.duplicated()
    if twice.any():
        raise DataError(
            f"{what} has more than one row {_label(index, int(twice.argmax()))}: labels of an "
            "index must be unique to be aligned"
        )


def _places(what: str, index: pd.Index[Any], wanted: pd.Index[Any]) -> NDArray[np.intp]:
    """Return where the wanted labels are in an index, which must have these and no others."""
    _check_unique(what, index)
    places: NDArray[np.intp] = np.asarray(
        index.astype(object).get_indexer(wanted.astype(object))  # of any type: by equal labels
    )
    if (places < 0).any():
        label = _label(wanted, int((places < 0).argmax()))
        raise DataError(f"{what} has no row {label}, which the target has: cannot be aligned")
    if len(index) > len(wanted):
        extra = np.setdiff1d(np.arange(len(index)), places)
        raise DataError(
            f"{what} has {len(extra)} rows that the target lacks (first: "
            f"{_label(index, int(extra[0]))}). Leave them out, for example with "
            ".loc[target.index], to say that this is meant"
        )
    return places
