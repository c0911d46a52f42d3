"""Arrays made once: kept, mapped, made again when they are of something else or cut."""

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmfuse_lib.core.errors import DataError, DownloadError
from mmfuse_lib.data.storage import prepared
from mmfuse_lib.data.storage.prepared import Entries, check_files, prepare


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")


def squares(n: int, read: Callable[[int], Any] | None = None) -> Entries:
    return Entries(range(n), (2,), np.int64, read or (lambda k: np.array([k, k * k])))


def forbidden() -> Entries:
    raise AssertionError("made again")


def test_arrays_are_made_once_and_what_is_written_to_them_stays_in_memory(tmp_path: Path) -> None:
    made = prepare(tmp_path / "a", "x", {"n": 4}, lambda: squares(4))
    assert made.tolist() == [[0, 0], [1, 1], [2, 4], [3, 9]]
    made[:] = 7
    again = prepare(tmp_path / "a", "x", {"n": 4}, forbidden)
    assert again[3].tolist() == [3, 9]


def test_arrays_of_something_else_are_replaced(tmp_path: Path) -> None:
    prepare(tmp_path, "x", {"n": 4}, lambda: squares(4))
    assert len(prepare(tmp_path, "x", {"n": 5}, lambda: squares(5))) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.json", "x.npy"]


def interrupted_at(stop: int) -> Callable[[int], Any]:
    def read(k: int) -> Any:
        if k == stop:
            raise KeyboardInterrupt
        return np.array([k, -k])

    return read


def test_an_interruption_leaves_nothing_that_would_be_used(tmp_path: Path) -> None:
    prepare(tmp_path, "x", {"n": 4}, lambda: squares(4))
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path, "x", {"n": 5}, lambda: squares(5, interrupted_at(2)))
    assert prepare(tmp_path, "x", {"n": 4}, forbidden).shape == (4, 2)
    with pytest.raises(AssertionError, match="made again"):
        prepare(tmp_path, "x", {"n": 5}, forbidden)


def test_what_was_interrupted_goes_on(tmp_path: Path) -> None:
    """Entries of the first call are of another sign: they must not be read a second time."""
    for stop in (2, 3):
        with pytest.raises(KeyboardInterrupt):
            prepare(tmp_path, "x", {"n": 5}, partial(squares, 5, interrupted_at(stop)))
    made = prepare(tmp_path, "x", {"n": 5}, lambda: squares(5))
    assert made.tolist() == [[0, 0], [1, -1], [2, -2], [3, 9], [4, 16]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.json", "x.npy"]


def test_what_was_interrupted_does_not_go_on_as_something_else(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path, "x", {"size": 1}, lambda: squares(5, interrupted_at(2)))
    made = prepare(tmp_path, "x", {"size": 2}, lambda: squares(5))
    assert made[1].tolist() == [1, 1]


def test_arrays_of_a_folder_are_made_one_by_one(tmp_path: Path) -> None:
    prepare(tmp_path, "x", {"n": 4}, lambda: squares(4))
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path, "y", {"n": 4}, lambda: squares(4, interrupted_at(2)))
    assert len(prepare(tmp_path, "x", {"n": 4}, forbidden)) == 4
    assert prepare(tmp_path, "y", {"n": 4}, lambda: squares(4))[:, 1].tolist() == [0, -1, 4, 9]


def test_a_cut_array_is_begun_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path, "x", {"n": 5}, lambda: squares(5, interrupted_at(2)))
    unfinished = tmp_path / "x.making"
    unfinished.write_bytes(unfinished.read_bytes()[:150])
    assert prepare(tmp_path, "x", {"n": 5}, lambda: squares(5))[1].tolist() == [1, 1]


def test_what_was_repaired_is_read_and_what_came_before_it_is_not(tmp_path: Path) -> None:
    read = []

    def damaged(k: int) -> Any:
        read.append(k)
        if k == 2 and read.count(2) == 1:
            raise DataError("file 2 cannot be read")
        return np.array([k, k])

    with pytest.raises(DataError, match="file 2"):
        prepare(tmp_path, "x", {}, lambda: squares(4, damaged))
    prepare(tmp_path, "x", {}, lambda: squares(4, damaged))
    assert read == [0, 1, 2, 3, 2, 3]


def test_a_full_disk_is_noticed_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(DownloadError, match="the disk is full"):
        prepare(tmp_path, "x", {"n": 5}, lambda: squares(5, interrupted_at(0)))


def test_what_cannot_be_read_is_counted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(k: int) -> Any:
        if k % 2:
            raise DataError(f"file {k} cannot be read")
        return np.zeros(2)

    with pytest.raises(DataError, match=r"^file 1 cannot be read$"):
        prepare(tmp_path, "x", {}, lambda: squares(3, read))
    with pytest.raises(DataError, match=r"^4 of 9 clips .*: file 1 .*; file 5 .*read; \.\.\.$"):
        prepare(tmp_path, "x", {"n": 9}, lambda: squares(9, read))
    monkeypatch.setattr(prepared, "GIVE_UP", 2)
    with pytest.raises(DataError, match=r"^2 of 4 clips .*: file 1 cannot be read; file 3 [^;]*$"):
        prepare(tmp_path, "x", {}, lambda: squares(9, read))
    assert not (tmp_path / "x.npy").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(DownloadError, match=r"cannot write .*a"):
        prepare(tmp_path / "a", "x", {}, lambda: squares(3))


def test_missing_files_are_counted_and_named(tmp_path: Path) -> None:
    (tmp_path / "0").write_text("there")
    check_files("birds", [tmp_path / "0"], "example.org")
    with pytest.raises(
        DataError,
        match=r"^birds: 4 of 5 files are missing: [^,]*1, [^,]*2, [^,]*3, \.\.\.\. Get them",
    ):
        check_files("birds", [tmp_path / str(k) for k in range(5)], "example.org")
    with pytest.raises(
        DataError, match=r"1 of 1 files are missing: [^,]*7\. Get them from example"
    ):
        check_files("birds", [tmp_path / "7"], "example.org")
