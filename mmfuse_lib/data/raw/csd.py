"""Computational sequences of the CMU-MultimodalSDK: features over time, averaged over words.

A ``.csd`` file is HDF5: ``<name of the sequence>/data/<video>/features`` has a row for every
stretch of time, and ``intervals`` beside it says from which second to which.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.storage.hdf5 import get_group, open_hdf5, read_array


@dataclass(frozen=True)
class Timed:
    """Features of a video over time, in order of time.

    Attributes
    ----------
    features : ndarray, shape (n, D)
        May have values that are not finite.
    intervals : ndarray, shape (n, 2)
        Start and end of each row, in seconds.
    """

    features: NDArray[np.floating[Any]]
    intervals: NDArray[np.float64]

    @cached_property
    def middles(self) -> NDArray[np.float64]:
        """The middle of each interval, ``(n,)``, in seconds."""
        middles: NDArray[np.float64] = self.intervals.mean(axis=1)
        return middles

    def between(self, start: float, end: float) -> Timed:
        """Return the rows whose middle is in ``[start, end)``."""
        first, last = np.searchsorted(self.middles, [start, end])
        return Timed(self.features[first:last], self.intervals[first:last])


class SequenceFile:
    """An open file of a computational sequence; a `DataError` if its layout is another one.

    Attributes
    ----------
    path : Path
        The file.
    videos : frozenset of str
        The videos that are in it.
    """

    def __init__(self, file: Any) -> None:
        roots = list(file)
        if not roots:
            raise DataError(f"{file.filename} is empty")
        self.path = Path(file.filename)
        self._data = get_group(get_group(file, roots[0]), "data")
        self.videos = frozenset(self._data)
        if not self.videos:
            raise DataError(f"{file.filename}: {self._data.name} has no video")

    def read(self, video: str) -> Timed:
        """Return the features of a video.

        Raises
        ------
        DataError
            If they are missing or of another form.
        """
        own = get_group(self._data, video)
        features, intervals = read_array(own, "features"), read_array(own, "intervals")
        where = f"{own.file.filename}: {own.name}"
        if len(features) == 0 or intervals.shape != (len(features), 2):
            raise DataError(
                f"{where} has features {features.shape} and intervals {intervals.shape}: expected "
                "a start and an end for every row"
            )
        if not np.isfinite(intervals).all():
            raise DataError(f"{where} has intervals that are not finite")
        order = np.argsort(intervals.mean(axis=1), kind="stable")
        return Timed(features[order], intervals[order].astype(np.float64))

    def n_features(self) -> int:
        """Return D, the number of features of the first video."""
        return int(self.read(min(self.videos)).features.shape[1])


@contextmanager
def open_sequence(path: Path, source: str) -> Iterator[SequenceFile]:
    """Open a ``.csd`` file; a `DataError` that it cannot be read names `source`."""
    with open_hdf5(path, source) as file:
        yield SequenceFile(file)


def means(frames: Timed, intervals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each feature over the frames in each interval.

    Values that are not finite are left out: COVAREP takes logarithms of zero where nothing is
    voiced.

    Parameters
    ----------
    frames : Timed
        n rows of D features.
    intervals : ndarray, shape (W, 2)
        Start and end, in seconds.

    Returns
    -------
    ndarray, shape (W, D)
        NaN where an interval has no finite value.
    """
    rows = [frames.between(start, end).features for start, end in intervals]
    return np.array([_mean_of_finite(x) for x in rows]).reshape(-1, frames.features.shape[1])


def _mean_of_finite(x: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    finite = np.isfinite(x)
    count = finite.sum(axis=0)
    total = np.where(finite, x, 0).sum(axis=0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
