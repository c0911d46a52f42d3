"""MM-IMDb from a file of the published layout, generated small."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError

GENRES = ("Drama", "Comedy", "Film-Noir")
SIZES = {"train": 20, "dev": 4, "test": 6}
N = sum(SIZES.values())


def labels() -> NDArray[np.int32]:
    """Return genres that are the binary digits of the film's number."""
    return (np.arange(N)[:, None] >> np.arange(3)[None] & 1).astype(np.int32)


def split_table(spans: dict[str, tuple[int, int]]) -> NDArray[Any]:
    """Return the table of the library Fuel: a row for each part and array."""
    dtype = np.dtype(
        [
            ("split", "S5"), ("source", "S12"), ("start", np.int64), ("stop", np.int64),
            ("indices", h5py.special_dtype(ref=h5py.Reference)), ("available", bool),
            ("comment", "S1"),
        ]
    )  # fmt: skip
    rows = [
        (part.encode(), source, start, stop, h5py.Reference(), True, b".")
        for part, (start, stop) in spans.items()
        for source in (b"features", b"genres", b"vgg_features")
    ]
    return np.array(rows, dtype=dtype)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder whose features count the films: upwards in the text, downwards in the image."""
    number = np.arange(N, dtype=np.float32)
    ends = np.cumsum(list(SIZES.values())).tolist()
    spans = dict(zip(SIZES, pairwise([0, *ends]), strict=True))
    with h5py.File(tmp_path / "multimodal_imdb.hdf5", "w") as file:
        file["features"] = np.stack([number, number**2, np.ones(N, dtype=np.float32)], axis=1)
        file["vgg_features"] = np.stack([-number, 3 * number], axis=1)
        file["genres"] = labels()
        file["genres"].attrs["target_names"] = json.dumps(GENRES)
        file["imdb_ids"] = np.array([f"{k:07d}".encode() for k in range(N)])
        file.attrs["split"] = split_table(spans)
    return tmp_path


def edit(root: Path) -> h5py.File:
    return h5py.File(root / "multimodal_imdb.hdf5", "r+")


def test_the_splits_are_the_published_rows_and_films_have_several_genres(root: Path) -> None:
    splits = data.load("mm_imdb", root=root)
    assert [len(split) for split in splits] == list(SIZES.values())
    train = splits[0]
    assert (train.task, train.class_names) == ("multilabel", GENRES)
    assert train.shapes == {"text": (3,), "image": (2,)}
    assert torch.cat([s.target for s in splits]).tolist() == labels().tolist()


def test_text_image_and_genres_are_of_the_same_film_and_standardised_on_training(
    root: Path,
) -> None:
    number = np.arange(N)
    own = number[: SIZES["train"]]
    expected = (number - own.mean()) / own.std()
    splits = data.load("mm_imdb", root=root)
    text, image = (torch.cat([s.inputs[name] for s in splits]) for name in ("text", "image"))
    assert text[:, 0].numpy() == pytest.approx(expected, abs=1e-5)
    assert image[:, 0].numpy() == pytest.approx(-expected, abs=1e-5)
    assert (text[:, 2] == 0).all(), "what never changes"
    digits = torch.cat([s.target for s in splits]) @ torch.tensor([1, 2, 4])
    assert digits.tolist() == [k % 8 for k in range(N)]


def test_a_plot_without_known_words_is_zero_and_does_not_count(root: Path) -> None:
    with edit(root) as file:
        file["features"][3] = np.nan
    train, _, _ = data.load("mm_imdb", root=root)
    assert (train.inputs["text"][3] == 0).all()
    others = np.delete(np.arange(SIZES["train"]), 3)
    expected = (others - others.mean()) / others.std()
    rest = np.delete(train.inputs["text"][:, 0].numpy(), 3)
    assert rest == pytest.approx(expected, abs=1e-5)


def test_one_modality_can_be_chosen(root: Path) -> None:
    assert data.load("mm_imdb", root=root, modalities=["image"])[0].modalities == ("image",)
    with pytest.raises(UnknownNameError, match="'plot'"):
        data.load("mm_imdb", root=root, modalities=["plot"])


def test_without_a_folder_or_the_file_it_says_what_to_get(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"multimodal_imdb\.hdf5, downloaded from .*mmimdb"):
        data.load("mm_imdb", root=None)
    with pytest.raises(DataError, match=r"1 of 1 files are missing: .*multimodal_imdb\.hdf5"):
        data.load("mm_imdb", root=tmp_path)


def test_a_damaged_file_is_named(root: Path) -> None:
    path = root / "multimodal_imdb.hdf5"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"multimodal_imdb\.hdf5 cannot be read"):
        data.load("mm_imdb", root=root)


@pytest.mark.parametrize("name", ["features", "vgg_features", "genres"])
def test_a_missing_array_is_named(name: str, root: Path) -> None:
    with edit(root) as file:
        del file[name]
    with pytest.raises(DataError, match=f"has no '{name}'"):
        data.load("mm_imdb", root=root)


def test_arrays_of_different_lengths_are_an_error(root: Path) -> None:
    with edit(root) as file:
        del file["vgg_features"]
        file["vgg_features"] = np.zeros((N - 1, 2), dtype=np.float32)
    with pytest.raises(DataError, match=f"'image' has {N - 1} samples but there are {N}"):
        data.load("mm_imdb", root=root)


def test_genres_other_than_0_and_1_are_an_error(root: Path) -> None:
    with edit(root) as file:
        file["genres"][0, 0] = 2
    with pytest.raises(DataError, match="0 and 1 only"):
        data.load("mm_imdb", root=root)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (None, "no readable names"),
        ("not JSON", "no readable names"),
        (json.dumps(["Drama", "Drama", "War"]), "3 columns and the names"),
        (json.dumps(["Drama"]), "3 columns and the names"),
    ],
)
def test_names_that_do_not_fit_are_an_error(names: str | None, message: str, root: Path) -> None:
    with edit(root) as file:
        del file["genres"].attrs["target_names"]
        if names is not None:
            file["genres"].attrs["target_names"] = names
    with pytest.raises(DataError, match=message):
        data.load("mm_imdb", root=root)


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        (None, "no split that can be read"),
        ({"train": (0, 20), "dev": (20, 24), "test": (24, 29)}, "for 30 films: expected train"),
        ({"train": (0, 20), "dev": (19, 24), "test": (24, 30)}, "one after the other"),
        ({"train": (0, 20), "dev": (20, 20), "test": (20, 30)}, "one after the other"),
        ({"train": (0, 20), "test": (20, 30)}, "one after the other"),
        ({"dev": (0, 4), "train": (4, 24), "test": (24, 30)}, "one after the other"),
    ],
)
def test_a_split_of_another_form_is_an_error(
    spans: dict[str, tuple[int, int]] | None, message: str, root: Path
) -> None:
    with edit(root) as file:
        del file.attrs["split"]
        if spans is not None:
            file.attrs["split"] = split_table(spans)
    with pytest.raises(DataError, match=message):
        data.load("mm_imdb", root=root)


def test_links_to_other_files_are_not_followed(root: Path) -> None:
    with h5py.File(root / "other.h5", "w") as other:
        other["x"] = np.zeros((N, 2), dtype=np.float32)
    with edit(root) as file:
        del file["vgg_features"]
        file["vgg_features"] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises(DataError, match="'vgg_features' is a link to another place"):
        data.load("mm_imdb", root=root)
