"""UCF101 from a folder of the published layout: real videos, images and flow."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data.raw import ucf101
from tests.data.clips import write_video

CLASSES = ("Archery", "HandstandPushups", "YoYo")
COLOURS = [(230, 20, 20), (20, 230, 20), (20, 20, 230)]
TRAIN_GROUPS, TEST_GROUPS = (8, 9, 10), (1,)
N_FRAMES = 7


def listed(label: int, group: int) -> str:
    """Return a clip's name in the lists and of its video."""
    return f"v_{CLASSES[label].replace('dst', 'dSt')}_g{group:02d}_c01"


def archived(label: int, group: int) -> str:
    """Return a clip's name in the archives of frames and flow."""
    return f"v_{CLASSES[label]}_g{group:02d}_c01"


def frames_of(label: int) -> NDArray[np.uint8]:
    """Return frames of a class's colour with a bar that shows which frame it is."""
    frames = np.full((N_FRAMES, 32, 48, 3), COLOURS[label], dtype=np.uint8)
    frames[:, :, :12] = 30 * np.arange(N_FRAMES, dtype=np.uint8)[:, None, None, None]
    return frames


def flow_of(label: int, axis: str, k: int) -> int:
    return {"u": 20, "v": 140}[axis] + 30 * label + k


def write_images(folder: Path, images: NDArray[np.uint8]) -> None:
    folder.mkdir(parents=True)
    for k, image in enumerate(images, start=1):
        Image.fromarray(image).save(folder / f"frame{k:06d}.jpg", quality=95)


def write_lists(root: Path) -> None:
    folder = root / "ucfTrainTestlist"
    folder.mkdir()
    rows = [f"{k} {name}\r\n" for k, name in enumerate(CLASSES, start=1)]
    (folder / "classInd.txt").write_text("".join(rows))
    for fold in (1, 2):  # in the second, training and test groups change places
        groups = (TRAIN_GROUPS, TEST_GROUPS) if fold == 1 else ((1, 8), (9, 10))
        for part, own in zip(("train", "test"), groups, strict=True):
            lines = []
            for label, name in enumerate(CLASSES):
                number = f" {label + 1}" if part == "train" else ""
                lines += [f"{name}/{listed(label, group)}.avi{number}\n" for group in own]
            (folder / f"{part}list0{fold}.txt").write_text("".join(lines))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ucf101")
    write_lists(root)
    for label, name in enumerate(CLASSES):
        (root / "UCF-101" / name).mkdir(parents=True)
        for group in TRAIN_GROUPS + TEST_GROUPS:
            video = root / "UCF-101" / name / f"{listed(label, group)}.avi"
            write_video(video, frames_of(label))
            for axis in "uv":
                grey = [flow_of(label, axis, k) for k in range(N_FRAMES - 1)]
                flow = np.broadcast_to(
                    np.array(grey, dtype=np.uint8)[:, None, None], (N_FRAMES - 1, 24, 32)
                )
                write_images(root / "tvl1_flow" / axis / archived(label, group), flow)
    return root


@pytest.fixture(autouse=True)
def _small_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ucf101, "IMAGE_SIZE", 32)
    monkeypatch.setattr("mmfuse_lib.data.raw.published.IMAGE_SIZE", 32)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(published, tmp_path / "ucf101", ignore=lambda *_: {"prepared"}))


def groups(split: data.MultimodalData) -> list[int]:
    assert split.groups is not None
    return [int(group) for group in split.groups]


def test_the_published_lists_are_the_splits_and_a_group_is_held_out(published: Path) -> None:
    train, val, test = data.load("ucf101", root=published)
    assert train.shapes == {"rgb": (1, 3, 32, 32), "flow": (10, 2, 32, 32)}
    assert train.class_names == CLASSES
    assert groups(test) == [1, 101, 201]
    held = {group % 100 for group in groups(val)}
    assert len(held) == 1
    assert {group % 100 for group in groups(train)} == set(TRAIN_GROUPS) - held
    assert sorted(groups(train) + groups(val)) == [8, 9, 10, 108, 109, 110, 208, 209, 210]
    for split in (train, val, test):
        assert [group // 100 for group in groups(split)] == split.target.tolist()


def test_another_fold_has_other_lists_and_arrays_of_its_own(root: Path) -> None:
    first = data.load("ucf101", root=root, modalities=["flow"])
    second = data.load("ucf101", root=root, modalities=["flow"], fold=2)
    assert groups(second[2]) == [9, 10, 109, 110, 209, 210]
    assert groups(first[2]) == [1, 101, 201]
    folders = [path.name for path in (root / "prepared").iterdir()]
    assert sorted(folders) == ["fold1", "fold2"]


def test_the_only_frame_is_that_in_the_middle(published: Path) -> None:
    train, _, _ = data.load("ucf101", root=published, modalities="rgb")
    assert (train.inputs["rgb"][:, 0, 1, 16, 2].int() - 90).abs().max() < 30


def test_frames_flow_and_label_are_of_the_same_clip(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "three"
    bars = torch.tensor([0, 90, 180])  # 30 times the numbers of the frames
    for split in data.load("ucf101", root=published, n_frames=3, prepared=folder):
        for rgb, flow, y in zip(*split.inputs.values(), split.target.tolist(), strict=True):
            assert (rgb[:, :, 16, 24].int() - torch.tensor(COLOURS[y])).abs().max() < 30
            assert (rgb[:, 1, 16, 2].int() - bars).abs().max() < 30
            for channel, axis in enumerate("uv"):
                assert abs(int(flow[0, channel, 16, 16]) - flow_of(y, axis, 0)) <= 1


def test_the_flow_is_that_in_the_middle_and_the_last_is_repeated_where_there_is_little(
    root: Path,
) -> None:
    assert ucf101.middle(6, 2) == [2, 3]
    assert ucf101.middle(7, 2) == [2, 3]
    assert ucf101.middle(3, 5) == [0, 1, 2, 2, 2]
    train, _, _ = data.load("ucf101", root=root, modalities="flow", n_flows=2)
    expected = [flow_of(int(train.target[0]), "u", k) for k in (2, 3)]
    assert (train.inputs["flow"][0, :, 0, 5, 5].int() - torch.tensor(expected)).abs().max() <= 1


def test_extracted_frames_are_preferred_and_look_the_same(
    root: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label in range(3):
        for group in TRAIN_GROUPS + TEST_GROUPS:
            write_images(root / "jpegs_256" / archived(label, group), frames_of(label))
    expected = data.load("ucf101", root=published)[0].inputs["rgb"]
    shutil.rmtree(root / "UCF-101")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)  # no program is needed
    found = data.load("ucf101", root=root)[0].inputs["rgb"]
    assert (found[..., 24].int() - expected[..., 24].int()).abs().max() < 30


def test_a_modality_may_be_wanted_alone_and_each_is_made_once(root: Path) -> None:
    only, _, _ = data.load("ucf101", root=root, modalities="rgb")
    assert only.modalities == ("rgb",)
    shutil.rmtree(root / "UCF-101")
    both, _, _ = data.load("ucf101", root=root, modalities=["flow", "rgb"])
    assert both.modalities == ("flow", "rgb")
    assert torch.equal(both.inputs["rgb"], only.inputs["rgb"])


# What can be wrong.


def test_without_a_folder_it_says_what_to_download(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ucfTrainTestlist, UCF-101 or jpegs_256.*crcv\.ucf\.edu"):
        data.load("ucf101")
    with pytest.raises(DataError, match=r"ucf101: .*classInd\.txt cannot be read"):
        data.load("ucf101", root=tmp_path)


@pytest.mark.parametrize("option", ["n_frames", "n_flows", "fold"])
def test_options_are_checked(option: str, root: Path) -> None:
    with pytest.raises(DataError, match=f"{option} is 0: expected"):
        data.load("ucf101", root=root, **{option: 0})
    with pytest.raises(UnknownNameError, match="unknown modality 'sound'"):
        data.load("ucf101", root=root, modalities=["rgb", "sound"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Archery v_Archery_g08_c01", "expected such as 'Archery/v_Archery_g08_c01.avi', got"),
        ("Bowling/v_Bowling_g08_c01.avi 1", "'Bowling' is none of the 3 classes"),
        ("YoYo/v_YoYo_g08_c01.avi 2", "'YoYo' has the number 2, in classInd.txt 3"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(line: str, message: str, root: Path) -> None:
    with (root / "ucfTrainTestlist" / "trainlist01.txt").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=rf"trainlist01\.txt, line 10: {message}"):
        data.load("ucf101", root=root)


def test_classes_that_are_not_numbered_in_order_are_an_error(root: Path) -> None:
    (root / "ucfTrainTestlist" / "classInd.txt").write_text("1 Archery\n3 YoYo\n")
    with pytest.raises(DataError, match=r"line 2: expected 2 and a class, got '3 YoYo'"):
        data.load("ucf101", root=root)


def test_training_of_one_group_is_an_error(root: Path) -> None:
    path = root / "ucfTrainTestlist" / "trainlist01.txt"
    path.write_text("".join(k for k in path.read_text().splitlines(True) if "g08" in k))
    with pytest.raises(DataError, match="clips are of one group"):
        data.load("ucf101", root=root)


def test_missing_files_are_counted_and_named_with_where_to_get_them(root: Path) -> None:
    (root / "UCF-101" / "YoYo" / "v_YoYo_g01_c01.avi").unlink()
    with pytest.raises(DataError, match=r"1 of 12 files are missing: [^,]*YoYo_g01.*crcv\.ucf"):
        data.load("ucf101", root=root)
    shutil.rmtree(root / "tvl1_flow" / "v")
    with pytest.raises(DataError, match=r"12 of 24 files are missing: .*twostreamfusion"):
        data.load("ucf101", root=root, modalities="flow")


def test_flow_of_one_axis_only_is_named(root: Path) -> None:
    (root / "tvl1_flow" / "v" / "v_YoYo_g09_c01" / "frame000003.jpg").unlink()
    with pytest.raises(DataError, match=r"u/v_YoYo_g09_c01 has 6 images and [^,]* has 5: expected"):
        data.load("ucf101", root=root, modalities="flow")


def test_damaged_files_are_counted_and_named(root: Path) -> None:
    for group in (8, 9):
        video = root / "UCF-101" / "YoYo" / f"v_YoYo_g{group:02d}_c01.avi"
        video.write_bytes(video.read_bytes()[:60])
    with pytest.raises(
        DataError, match=r"2 of 12 clips cannot be used: [^,]*v_YoYo_g0\d_c01\.avi "
    ):
        data.load("ucf101", root=root, modalities="rgb")
