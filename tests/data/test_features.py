"""Data sets of feature vectors: their files, their splits, what can be learned from them."""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat
from sklearn.linear_model import LogisticRegression

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data.downloaded import cub_image_text, mfeat, rosmap
from mmfuse_lib.data.features import fill_and_standardise, hold_out, standardise
from mmfuse_lib.data.storage import downloads
from mmfuse_lib.data.storage.downloads import Arrays, digest, load_arrays

needs_arrays = pytest.mark.skipif(
    not os.environ.get(downloads.DATA_DIR), reason="no folder of ready arrays"
)

# Name, module, samples that are not test, test samples.
SETS: list[tuple[str, ModuleType, int, int]] = [
    ("mfeat", mfeat, 1600, 400),
    ("rosmap", rosmap, 245, 106),
    ("cub_image_text", cub_image_text, 420, 180),
]


# The parts.


def test_standardising_by_hand_uses_the_training_samples_alone() -> None:
    x = np.array([[1.0, 5.0], [3.0, 5.0], [100.0, 7.0]])
    is_train = np.array([True, True, False])
    # Mean 2 and deviation 1; the second feature does not change in training, mean 5.
    assert standardise(x, is_train).tolist() == [[-1, 0], [1, 0], [98, 2]]


def test_a_constant_that_is_no_binary_fraction_does_not_change_either() -> None:
    x = np.append(np.full(7, 0.1), 0.2)[:, None]
    assert x[:7].std() > 0, "a rounding error, which divides the last sample up to 1e15"
    found = standardise(x, np.arange(8) < 7)
    assert np.abs(found[:7]).max() < 1e-15
    assert found[7, 0] == pytest.approx(0.1)


def test_what_is_not_known_counts_for_nothing_and_is_the_mean() -> None:
    nan, inf = np.nan, np.inf
    rows = [[1, 5, nan], [3, 5, inf], [nan, nan, nan], [100, 7, 4]]
    x = np.array(rows, dtype=np.float32)
    found = fill_and_standardise(x, n_train=3)
    assert found is x
    assert found.tolist() == [[-1, 0, 0], [1, 0, 0], [0, 0, 0], [98, 2, 4]]


def test_with_all_values_known_it_is_the_same_as_standardising() -> None:
    x = np.random.default_rng(0).normal(5, 3, size=(20, 4, 3)).astype(np.float32)
    expected = standardise(x, np.arange(20) < 15)
    assert fill_and_standardise(x, 15) == pytest.approx(expected, abs=1e-5)


def test_a_share_of_each_class_is_held_out_one_at_least() -> None:
    label = np.repeat([0, 1, 2], [50, 10, 2])
    drawn = hold_out(label, 0.2, np.random.default_rng(0))
    assert [int(drawn[label == k].sum()) for k in range(3)] == [10, 2, 1]
    other = hold_out(label, 0.2, np.random.default_rng(1))
    assert (drawn != other).any()
    for share in (0, 1, -0.5):
        with pytest.raises(DataError, match="expected a number in"):
            hold_out(label, share, np.random.default_rng(0))


# From the published files to arrays.


def write_mfeat(arrays: Arrays, raw: Path) -> None:
    content: dict[str, Any] = {}
    for part in ("train", "test"):
        for k, modality in enumerate(mfeat.MODALITIES, start=1):
            content[f"x{k}_{part}"] = arrays[f"{part}_{modality}"].astype(float)
        content[f"gt_{part}"] = arrays[f"{part}_label"].astype(float)[:, None] + 1
    savemat(raw / "handwritten_6views.mat", content)


def write_rosmap(arrays: Arrays, raw: Path) -> None:
    for part, short in rosmap.PARTS.items():
        for k, modality in enumerate(rosmap.MODALITIES, start=1):
            np.savetxt(raw / f"{k}_{short}.csv", arrays[f"{part}_{modality}"], "%.18e", ",")
        np.savetxt(raw / f"labels_{short}.csv", arrays[f"{part}_label"], "%.18e")


def write_cub(arrays: Arrays, raw: Path) -> None:
    modalities = np.empty((1, 2), dtype=object)
    modalities[0, 0], modalities[0, 1] = arrays["image"].astype(float), arrays["text"].astype(float)
    content = {"X": modalities, "gt": arrays["label"][:, None] + 1}
    savemat(raw / "cub_googlenet_doc2vec_c10.mat", content)


@needs_arrays
@pytest.mark.parametrize(
    ("module", "write"),
    [(mfeat, write_mfeat), (rosmap, write_rosmap), (cub_image_text, write_cub)],
    ids=["mfeat", "rosmap", "cub"],
)
def test_files_with_the_values_of_the_arrays_are_made_into_exactly_these_arrays(
    module: Any,
    write: Callable[[Arrays, Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = list(module.RECIPE.digests)
    write(load_arrays(module.RECIPE, names), tmp_path)
    monkeypatch.setattr(module, "fetch", lambda url, raw: raw / url.rpartition("/")[2])
    made = module.prepare(names, tmp_path)
    assert {name: digest(x) for name, x in made.items()} == module.RECIPE.digests


# The splits.


@needs_arrays
@pytest.mark.parametrize(("name", "module", "n_rest", "n_test"), SETS)
def test_the_test_split_is_fixed_and_validation_a_fifth_of_each_class_of_the_rest(
    name: str, module: Any, n_rest: int, n_test: int
) -> None:
    (train, val, test), (other, _, again) = (data.load(name, seed=s) for s in (0, 1))
    assert (len(train) + len(val), len(test)) == (n_rest, n_test)
    rest = torch.bincount(torch.cat([train.target, val.target]))
    assert ((torch.bincount(val.target) - 0.2 * rest).abs() <= 0.5).all()
    assert torch.equal(test.target, again.target)
    assert not all(torch.equal(train.inputs[v], other.inputs[v]) for v in train.inputs)
    for x in train.inputs.values():
        assert x.mean(dim=0).abs().max() < 1e-4
        varies = x.std(dim=0) > 0
        assert varies.float().mean() > 0.95
        assert (x.std(dim=0, correction=0)[varies] - 1).abs().max() < 1e-3


@needs_arrays
@pytest.mark.parametrize(("name", "module", "n_rest", "n_test"), SETS)
def test_the_modalities_come_as_asked_for(name: str, module: Any, n_rest: int, n_test: int) -> None:
    backwards = list(reversed(module.MODALITIES))
    train, _, _ = data.load(name, modalities=backwards)
    assert list(train.inputs) == backwards
    with pytest.raises(UnknownNameError, match="modality 'nothing'"):
        data.load(name, modalities=["nothing"])
    with pytest.raises(DataError, match="each once"):
        data.load(name, modalities=[])
    with pytest.raises(DataError, match=r"val_share is 1\.5"):
        data.load(name, val_share=1.5)


# What can be learned.


@needs_arrays
@pytest.mark.parametrize(
    ("name", "expected", "within"),
    [
        ("mfeat", {"fou": 0.825, "zer": 0.802, "mor": 0.703, "all": 0.900}, 0.05),
        ("rosmap", {"mrna": 0.792, "meth": 0.660, "mirna": 0.708, "all": 0.802}, 0.09),
        ("cub_image_text", {"image": 0.922, "text": 0.794, "all": 0.944}, 0.05),
    ],
)
def test_a_linear_classifier_learns_what_it_is_known_to_learn(
    name: str, expected: dict[str, float], within: float
) -> None:
    train, val, test = data.load(name)
    for modality, accuracy in expected.items():
        modalities = list(train.inputs) if modality == "all" else [modality]
        x, x_test = (
            torch.cat([torch.cat([p.inputs[v] for v in modalities], dim=1) for p in parts])
            for parts in ((train, val), (test,))
        )
        y = torch.cat([train.target, val.target])
        model = LogisticRegression(C=1e-2, tol=1e-3).fit(x, y)
        assert model.score(x_test, test.target) == pytest.approx(accuracy, abs=within), modality
