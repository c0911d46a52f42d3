"""HDF5: what is read, and what is refused."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.storage.hdf5 import get_group, get_item, open_hdf5, read_array

X = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = X
    X.tofile(tmp_path / "raw")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = X
        file["g/x"] = 2 * X
        file["flat"] = X[0]
        file["words"] = np.array([[b"a", b"b"]])
        file["soft"] = h5py.SoftLink("/x")
        file["away"] = h5py.ExternalLink("other.h5", "/secret")
        file["nowhere"] = h5py.ExternalLink("missing.h5", "/secret")
        source = h5py.VirtualSource("other.h5", "secret", shape=X.shape)
        layout = h5py.VirtualLayout(shape=X.shape, dtype=X.dtype)
        layout[:] = source
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset(
            "outside", X.shape, X.dtype, external=[(str(tmp_path / "raw"), 0, X.nbytes)]
        )
    return tmp_path / "a.h5"


def test_arrays_in_groups_are_read(path: Path) -> None:
    with open_hdf5(path, "here") as file:
        assert (read_array(file, "x") == X).all()
        assert (read_array(get_group(file, "g"), "x") == 2 * X).all()


@pytest.mark.parametrize("name", ["soft", "away", "nowhere"])
def test_links_are_not_followed(name: str, path: Path) -> None:
    with open_hdf5(path, "here") as file:
        for read in (get_item, get_group, read_array):
            with pytest.raises(DataError, match=rf"a\.h5: /: '{name}' is a link .* not followed"):
                read(file, name)


@pytest.mark.parametrize("name", ["virtual", "outside"])
def test_arrays_kept_in_other_files_are_not_read(name: str, path: Path) -> None:
    with open_hdf5(path, "here") as file, pytest.raises(DataError, match="kept in another file"):
        read_array(file, name)


def test_what_is_missing_or_of_another_form_is_named(path: Path) -> None:
    with open_hdf5(path, "here") as file:
        with pytest.raises(DataError, match=r"has no 'y': it has 'away', 'flat'"):
            read_array(file, "y")
        with pytest.raises(DataError, match=r"has no 'g/x'"):
            read_array(file, "g/x")
        with pytest.raises(DataError, match=r"/flat has shape \(2,\)"):
            read_array(file, "flat")
        with pytest.raises(DataError, match=r"/words has shape \(1, 2\) of \|S1: expected two"):
            read_array(file, "words")
        with pytest.raises(DataError, match=r"/g has shape None"):
            read_array(file, "g")
        with pytest.raises(DataError, match=r"/x is an array: expected a group"):
            get_group(file, "x")


def test_a_file_that_is_no_hdf5_or_is_cut_is_named(path: Path, tmp_path: Path) -> None:
    (tmp_path / "page.h5").write_text("<html>")
    (tmp_path / "cut.h5").write_bytes(path.read_bytes()[:900])
    for name in ("page", "cut", "missing"):
        with (
            pytest.raises(DataError, match=rf"{name}\.h5 cannot be read: .*Get it from here"),
            open_hdf5(tmp_path / f"{name}.h5", "here"),
        ):
            pass


def test_without_h5py_the_package_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"pip install h5py"), open_hdf5(path, ""):
        pass
