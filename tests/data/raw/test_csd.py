"""Computational sequences: rows by time, and means over words."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.raw.csd import Timed, means, open_sequence


def timed(features: list[list[float]], starts: list[float], length: float) -> Timed:
    intervals = np.array([[start, start + length] for start in starts])
    return Timed(np.array(features), intervals)


def write(path: Path, features: NDArray[np.generic], intervals: NDArray[np.generic]) -> Path:
    with h5py.File(path, "w") as file:
        file["COVAREP/data/video/features"] = features
        file["COVAREP/data/video/intervals"] = intervals
    return path


def test_a_row_belongs_where_its_middle_lies() -> None:
    words = timed([[0], [1], [2]], [0.0, 0.5, 1.0], 0.5)  # middles 0.25, 0.75, 1.25
    assert words.between(0.0, 0.75).features.ravel().tolist() == [0]
    assert words.between(0.75, 1.25).features.ravel().tolist() == [1]
    assert words.between(0.1, 2.0).intervals.tolist() == [[0, 0.5], [0.5, 1], [1, 1.5]]


def test_means_over_intervals_leave_out_what_is_not_finite() -> None:
    nan, inf = np.nan, np.inf
    frames = timed([[1, -inf], [3, 5], [7, nan], [9, nan]], [0.0, 0.1, 0.2, 0.3], 0.1)
    found = means(frames, np.array([[0.0, 0.2], [0.2, 0.4], [5.0, 6.0]]))
    assert np.array_equal(found, np.array([[2, 5], [8, nan], [nan, nan]]), equal_nan=True)
    assert means(frames, np.zeros((0, 2))).shape == (0, 2)


def test_rows_are_put_in_order_of_time(tmp_path: Path) -> None:
    features, intervals = np.array([[2.0], [0.0], [1.0]]), np.array([[4, 6], [0, 2], [2, 4]])
    with open_sequence(write(tmp_path / "a.csd", features, intervals), "here") as sequence:
        assert sequence.videos == {"video"}
        assert sequence.n_features() == 1
        assert sequence.read("video").features.ravel().tolist() == [0, 1, 2]
        assert sequence.read("video").middles.tolist() == [1, 3, 5]
        with pytest.raises(DataError, match=r"a\.csd: /COVAREP/data has no 'other'"):
            sequence.read("other")


@pytest.mark.parametrize(
    ("intervals", "message"),
    [
        ([[0, 1]], r"/video has features \(2, 1\) and intervals \(1, 2\)"),
        ([[0, 1, 2], [1, 2, 3]], r"/video has features \(2, 1\) and intervals \(2, 3\)"),
        ([[0, 1], [1, np.nan]], "intervals that are not finite"),
    ],
)
def test_intervals_of_another_form_are_an_error(
    intervals: list[list[float]], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csd", np.zeros((2, 1)), np.array(intervals))
    with open_sequence(path, "here") as sequence, pytest.raises(DataError, match=message):
        sequence.read("video")


def test_a_file_of_another_layout_is_an_error(tmp_path: Path) -> None:
    for number, (name, message) in enumerate(
        [("", "is empty"), ("a/metadata", "/a has no 'data'"), ("a/data", "/a/data has no video")]
    ):
        path = tmp_path / f"{number}.csd"
        with h5py.File(path, "w") as file:
            if name:
                file.create_group(name)
        with pytest.raises(DataError, match=message), open_sequence(path, "here"):
            pass
