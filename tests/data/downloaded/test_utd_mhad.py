"""UTD-MHAD: the recipe against values worked out by hand, the splits, and what can be learned."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from sklearn.linear_model import RidgeClassifier

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.data.downloaded import utd_mhad
from mmfuse_lib.data.storage import downloads
from mmfuse_lib.data.storage.downloads import digest

needs_arrays = pytest.mark.skipif(
    not os.environ.get(downloads.DATA_DIR), reason="no folder of ready arrays"
)


# The recipe.


def test_resampling_a_ramp_gives_the_values_in_between() -> None:
    # Times 0, 1.5, 3 of 0, 10, 20, 30: the middle is half way between 10 and 20.
    x = np.array([[0.0], [10.0], [20.0], [30.0]])
    assert utd_mhad.resample(x, 3).tolist() == [[0.0], [15.0], [30.0]]
    assert utd_mhad.resample(x, 4).tolist() == x.tolist()


def test_the_skeleton_starts_at_its_hip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    joints = rng.normal(size=(20, 3, 32))  # 32 frames: resampling changes nothing
    savemat(tmp_path / "a.mat", {"d_skel": joints})
    found = utd_mhad._read_skeleton(tmp_path / "a.mat")
    assert found.shape == (32, 20, 3)
    assert found.dtype == np.float16
    assert (found[0, 3] == 0).all()
    # Frame 5, joint 7, height: its position less the hip's in frame 0.
    assert found[5, 7, 1] == np.float16(joints[7, 1, 5] - joints[3, 1, 0])


def test_depth_is_averaged_over_blocks_of_eight_and_counted_in_sixteen_millimetres(
    tmp_path: Path,
) -> None:
    depth = np.zeros((240, 320, 15), dtype=np.uint16)
    depth[8:16, 16:24, 4] = 1600  # frame 4 of 15 is the third of the eight that are shown
    depth[0, 0, 14] = 64 * 16 * 3  # one pixel of the last frame's first block
    depth[232:, 312:, 0] = 9000  # beyond what a byte holds
    savemat(tmp_path / "a.mat", {"d_depth": depth})
    expected = np.zeros((8, 30, 40), dtype=np.uint8)
    expected[2, 1, 2] = 100
    expected[7, 0, 0] = 3
    expected[0, 29, 39] = 255
    assert (utd_mhad._read_depth(tmp_path / "a.mat") == expected).all()


def test_the_trials_are_the_published_ones_in_the_order_of_their_names() -> None:
    trials = utd_mhad._trials()
    assert len(trials) == len(set(trials)) == 861
    names = [utd_mhad.file_url("skeleton", trial).rpartition("/")[2] for trial in trials]
    assert names == sorted(names)
    assert names[0] == "a10_s1_t1_skeleton.mat"
    assert "a8_s1_t4_skeleton.mat" not in names


@needs_arrays
def test_files_with_the_values_of_the_arrays_are_made_into_exactly_these_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sequences of the final length pass through the recipe unchanged: all of it can be checked."""
    names = ["skeleton", "inertial", "label", "subject", "trial"]
    arrays = downloads.load_arrays(utd_mhad.RECIPE, names)

    def write(urls: list[str], folder: Path) -> list[Path]:
        paths = [folder / url.rpartition("/")[2] for url in urls]
        for k, path in enumerate(paths):
            if "skeleton" in path.name:
                savemat(path, {"d_skel": arrays["skeleton"][k].astype(float).transpose(1, 2, 0)})
            else:
                savemat(path, {"d_iner": arrays["inertial"][k].astype(float)})
        return paths

    monkeypatch.setattr(utd_mhad, "fetch_all", write)
    made = utd_mhad.prepare(names, tmp_path)
    for name in names:
        assert digest(made[name]) == utd_mhad.RECIPE.digests[name], name


@needs_arrays
def test_depth_files_with_the_values_of_the_array_are_made_into_these_values(
    tmp_path: Path,
) -> None:
    depth = downloads.load_arrays(utd_mhad.RECIPE, ["depth"])["depth"]
    for k in (0, 100, 860):
        pixels = (depth[k].astype(np.uint16) * 16).repeat(8, 1).repeat(8, 2)
        savemat(tmp_path / "a.mat", {"d_depth": pixels.transpose(1, 2, 0)})
        assert (utd_mhad._read_depth(tmp_path / "a.mat") == depth[k]).all()


# The splits.


@pytest.fixture(scope="module")
def splits() -> tuple[MultimodalData, MultimodalData, MultimodalData]:
    return data.load("utd_mhad")


@needs_arrays
def test_the_splits_are_by_subject_and_have_the_published_sizes(
    splits: tuple[MultimodalData, ...],
) -> None:
    train, val, test = splits
    assert (len(train) + len(val), len(test)) == (431, 430)
    assert train.shapes == {"skeleton": (32, 60), "inertial": (64, 6)}
    assert train.class_names == val.class_names == test.class_names == utd_mhad.ACTIONS
    assert {len(torch.unique(part.target)) for part in splits} == {27}
    groups = [set(part.groups.tolist()) for part in splits if part.groups is not None]
    assert groups == [{0, 2, 4}, {6}, {1, 3, 5, 7}]
    one, two, _ = data.load("utd_mhad", val_subjects=(1, 5))
    assert len(one) + len(two) == 431
    assert len(two) > 1.8 * len(val)


@needs_arrays
def test_channels_are_standardised_on_the_training_subjects_alone(
    splits: tuple[MultimodalData, ...],
) -> None:
    train, _, test = splits
    for x in train.inputs.values():
        moves = x.std(dim=(0, 1)) > 0
        assert moves.float().mean() > 0.9
        assert x.mean(dim=(0, 1)).abs().max() < 1e-4
        assert (x.std(dim=(0, 1))[moves] - 1).abs().max() < 1e-3
    assert test.inputs["inertial"].mean(dim=(0, 1)).abs().max() > 0.01


@needs_arrays
def test_the_modalities_come_as_asked_for() -> None:
    train, _, _ = data.load("utd_mhad", modalities=("depth", "skeleton"))
    assert train.shapes == {"depth": (8, 30, 40), "skeleton": (32, 60)}
    assert train.inputs["depth"].dtype == torch.float32
    assert train.inputs["depth"].std() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("subjects", [(), (2,), (1, 3, 5, 7)])
def test_validation_subjects_have_to_be_some_of_the_training_subjects(
    subjects: tuple[int, ...],
) -> None:
    with pytest.raises(DataError, match=r"val_subjects.*\(1, 3, 5, 7\)"):
        data.load("utd_mhad", val_subjects=subjects)


def test_wrong_modalities_are_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'skeleton'"):
        data.load("utd_mhad", modalities=("skeletons",))
    for wrong in ((), ("depth", "depth")):
        with pytest.raises(DataError, match="one or more of"):
            data.load("utd_mhad", modalities=wrong)


@needs_arrays
def test_a_linear_classifier_learns_what_it_is_known_to_learn() -> None:
    """Logistic regression is known to reach .744, .730, .819; ridge regression is about as good."""
    train, val, test = data.load("utd_mhad")
    found = {}
    for name, modalities in {
        "skeleton": ["skeleton"], "inertial": ["inertial"], "both": ["skeleton", "inertial"]
    }.items():  # fmt: skip
        x, x_test = (
            torch.cat([torch.cat([p.inputs[v].flatten(1) for v in modalities], 1) for p in parts])
            for parts in ((train, val), (test,))
        )
        y = torch.cat([train.target, val.target])
        model = RidgeClassifier(alpha=1e3).fit(x, y)
        found[name] = model.score(x_test, test.target)
    assert found["skeleton"] == pytest.approx(0.744, abs=0.06)
    assert found["inertial"] == pytest.approx(0.730, abs=0.06)
    assert found["both"] == pytest.approx(0.819, abs=0.06)
