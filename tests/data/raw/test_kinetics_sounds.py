"""Kinetics-Sounds from a folder laid out as Kinetics-400 is: real videos with audio."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.raw import audio_video, kinetics_sounds
from tests.data.clips import tone, write_video

CLASSES = ("bowling", "playing drums", "singing")
COLOURS = [(230, 20, 20), (20, 230, 20), (20, 20, 230)]
SILENT = "s_000000_000010.mp4"


def hertz(label: int) -> int:
    return 1000 * (1 + label)


def write_clip(path: Path, label: int, *, silent: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = np.full((6, 32, 48, 3), COLOURS[label], dtype=np.uint8)
    write_video(path, frames, None if silent else tone(hertz(label), 1.2))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Per class four clips for training, one without audio, and one for validation."""
    root = tmp_path_factory.mktemp("k400")
    for label, name in enumerate(CLASSES):
        for k in range(3):
            write_clip(root / "train" / name / f"{label}{k}_000000_000010.mp4", label)
        write_clip(root / "train" / name / SILENT, label, silent=True)
        write_clip(root / "val" / name.replace(" ", "_") / f"{label}_000000_000010.mp4", label)
    write_clip(root / "train" / "yoga" / "y_000000_000010.mp4", 0)  # a class that is not used
    return root


@pytest.fixture(autouse=True)
def _small_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_video, "IMAGE_SIZE", 32)
    monkeypatch.setattr(kinetics_sounds, "CLASSES", CLASSES)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(published, tmp_path / "k400", ignore=lambda *_: {"prepared"}))


def test_the_classes_are_31_of_kinetics_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert len(set(kinetics_sounds.CLASSES)) == 31
    assert list(kinetics_sounds.CLASSES) == sorted(kinetics_sounds.CLASSES)


def test_with_one_other_folder_it_is_the_test_split_and_a_tenth_is_held_out(
    published: Path,
) -> None:
    train, val, test = data.load("kinetics_sounds", root=published)
    assert train.target.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert val.target.tolist() == test.target.tolist() == [0, 1, 2]  # one a class at least
    assert train.shapes == {"audio": (1, 257, 1004), "video": (3, 3, 32, 32)}
    assert train.class_names == CLASSES
    again = data.load("kinetics_sounds", seed=1, root=published)
    assert torch.equal(again[1].inputs["audio"], val.inputs["audio"]), "drawn anew"


def test_with_both_they_are_the_splits(root: Path) -> None:
    for label, name in enumerate(CLASSES):
        for k in range(2):
            write_clip(root / "test" / name / f"t{k}_000000_000010.mp4", label)
    splits = data.load("kinetics_sounds", root=root, n_frames=1)
    assert [len(split) for split in splits] == [12, 3, 6]
    assert splits[2].target.tolist() == [0, 0, 1, 1, 2, 2]


def test_audio_image_and_label_are_of_the_same_clip(published: Path) -> None:
    n_silent = 0
    for split in data.load("kinetics_sounds", root=published):
        for audio, video, y in zip(*split.inputs.values(), split.target.tolist(), strict=True):
            colour = video[:, :, 16, 16].int() - torch.tensor(COLOURS[y])
            assert colour.abs().max() < 40
            if audio.abs().max() < 1e-3:
                n_silent += 1
            else:
                assert audio[0].mean(dim=1).argmax() == round(hertz(y) / 31.25)
    assert n_silent == 3


# What can be wrong.


def test_without_a_folder_it_says_what_to_download() -> None:
    with pytest.raises(DataError, match=r"train and val.*github\.com/cvdfoundation"):
        data.load("kinetics_sounds", root="nowhere")


def test_classes_without_videos_are_counted_and_named(root: Path) -> None:
    shutil.rmtree(root / "train" / "bowling")
    for path in (root / "train" / "singing").iterdir():
        path.rename(path.with_suffix(".part"))
    with pytest.raises(DataError, match=r"2 of 3 classes have no videos.*train: bowling, singing"):
        data.load("kinetics_sounds", root=root)


def test_without_a_split_to_test_on_it_says_so(root: Path) -> None:
    shutil.rmtree(root / "val")
    with pytest.raises(DataError, match="has neither val nor test"):
        data.load("kinetics_sounds", root=root)


def test_damaged_videos_are_named_and_may_be_deleted(root: Path) -> None:
    damaged = [root / "train" / name / f"{k}1_000000_000010.mp4" for k, name in enumerate(CLASSES)]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(
        DataError, match=r"3 of 15 clips cannot be used: [^,]*01_000000_000010\.mp4"
    ):
        data.load("kinetics_sounds", root=root, n_frames=1)
    for path in damaged:
        path.unlink()
    assert [len(split) for split in data.load("kinetics_sounds", root=root, n_frames=1)] == [
        6,
        3,
        3,
    ]
