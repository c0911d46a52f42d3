"""ModelNet40's images from a folder of either published layout, generated small."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.raw import modelnet40, published

CLASSES = ("airplane", "glass_box", "tv_stand")
N_TRAIN, N_TEST = 11, 2


def value(label: int, one: int) -> int:
    return 70 * label + 5 * one


def name_of(label: int, one: int, view: int, layout: str) -> str:
    middle = {"v1": "_", "12x": ".obj.shaded_v"}[layout]
    return f"{CLASSES[label]}_{one + 1:04d}{middle}{view:03d}.png"


def generate(root: Path, layout: str, views: tuple[int, ...] = (1, 2, 7)) -> Path:
    """Write images that are grey as the object says, with a bar as wide as the view says."""
    for label, name in enumerate(CLASSES):
        for part, objects in (
            ("train", range(N_TRAIN)),
            ("test", range(N_TRAIN, N_TRAIN + N_TEST)),
        ):
            folder = root / name / part
            folder.mkdir(parents=True)
            for one in objects:
                for view in views:
                    pixels = np.full((24, 24), value(label, one), dtype=np.uint8)
                    pixels[:, :view] = 255
                    Image.fromarray(pixels).save(folder / name_of(label, one, view, layout))
    return root


@pytest.fixture(autouse=True)
def _small_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "IMAGE_SIZE", 24)
    monkeypatch.setattr(modelnet40, "CLASSES", CLASSES)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return generate(tmp_path / "modelnet40", "12x")


@pytest.mark.parametrize("layout", ["v1", "12x"])
def test_the_published_split_with_a_tenth_of_each_class_for_validation(
    layout: str, tmp_path: Path
) -> None:
    train, val, test = data.load("modelnet40", root=generate(tmp_path / "root", layout))
    assert train.shapes == {"view1": (1, 3, 24, 24), "view7": (1, 3, 24, 24)}
    assert train.class_names == CLASSES
    for split, n in ((train, 10), (val, 1), (test, 2)):
        assert torch.bincount(split.target).tolist() == [n] * 3
    assert test.inputs["view1"][:, 0, 0, 12, 20].tolist() == [
        value(label, one) for label in range(3) for one in (N_TRAIN, N_TRAIN + 1)
    ]
    shown = torch.cat([s.inputs["view1"] for s in (train, val)])[:, 0, 0, 12, 20]
    assert sorted(shown.tolist()) == [value(k, one) for k in range(3) for one in range(N_TRAIN)]


def test_both_views_and_the_label_are_of_the_same_object(root: Path) -> None:
    for split in data.load("modelnet40", root=root):
        first, seventh = (x[:, 0, 0, 12] for x in split.inputs.values())
        assert torch.equal(first[:, 20], seventh[:, 20])
        assert (first[:, 20] // 70).tolist() == split.target.tolist()
        assert ((first == 255).sum(dim=1) == 1).all()
        assert ((seventh == 255).sum(dim=1) == 7).all()


def test_other_views_can_be_chosen_and_the_split_stays(root: Path) -> None:
    train, _, _ = data.load("modelnet40", root=root, views=[7, 2, 1])
    assert train.modalities == ("view7", "view2", "view1")
    again, _, _ = data.load("modelnet40", seed=1, root=root)
    assert torch.equal(train.inputs["view7"], again.inputs["view7"])
    for views in ([], [0, 1], [1, 13], [1, 1]):
        with pytest.raises(DataError, match=r"views is .*1 to 12, each once"):
            data.load("modelnet40", root=root, views=views)


def test_arrays_are_made_once(root: Path) -> None:
    before = data.load("modelnet40", root=root)[0]
    made = {p: p.stat().st_mtime_ns for p in (root / "prepared").glob("*.npy")}
    after = data.load("modelnet40", root=root)[0]
    assert made == {p: p.stat().st_mtime_ns for p in (root / "prepared").glob("*.npy")}
    assert len(made) == 2
    assert torch.equal(before.inputs["view1"], after.inputs["view1"])


def test_without_a_folder_it_says_what_to_get() -> None:
    with pytest.raises(DataError, match="a folder a class, such as airplane, downloaded from"):
        data.load("modelnet40", root=None)


def test_missing_classes_and_images_are_counted_and_named(root: Path) -> None:
    for one in (0, 3):
        (root / "glass_box" / "train" / name_of(1, one, 7, "12x")).unlink()
    with pytest.raises(DataError, match=r"2 of 39 files are missing: .*glass_box_0001.*v007\.png"):
        data.load("modelnet40", root=root)
    shutil.rmtree(root / "tv_stand")
    with pytest.raises(DataError, match=r"1 of 3 files are missing: .*tv_stand"):
        data.load("modelnet40", root=root)


def test_an_empty_folder_or_another_name_is_an_error(root: Path) -> None:
    folder = root / "airplane" / "test"
    (folder / "lamp_0001.obj.shaded_v001.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 of them with another name .*: lamp_0001\.obj"):
        data.load("modelnet40", root=root)
    shutil.rmtree(folder)
    with pytest.raises(DataError, match="has 0 images"):
        data.load("modelnet40", root=root)


def test_a_damaged_image_is_named(root: Path) -> None:
    path = root / "airplane" / "train" / name_of(0, 4, 1, "12x")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match=r"airplane_0005\.obj\.shaded_v001\.png cannot be read"):
        data.load("modelnet40", root=root)


def test_the_classes_are_forty_in_alphabetical_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert len(modelnet40.CLASSES) == 40
    assert list(modelnet40.CLASSES) == sorted(modelnet40.CLASSES)
