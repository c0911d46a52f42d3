"""Enrico from a folder of the published layout, generated small."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data.raw import enrico, published

N = 40


def number(k: int) -> str:
    return str(50_092 + k)  # 50105 and 50109 are among them


def grey(k: int) -> int:
    return 6 * k + 5


@pytest.fixture(autouse=True)
def _small_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "IMAGE_SIZE", 16)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Screens whose grey tells which they are: bright ones have dark wireframes."""
    lines = ["screen_id,topic"]
    for folder in ("screenshots", "wireframes"):
        (tmp_path / folder).mkdir()
    for k in range(N):
        lines.append(f"{number(k)},{enrico.TOPICS[k % 20]}")
        shot = np.full((96, 54, 3), grey(k), dtype=np.uint8)
        Image.fromarray(shot).save(tmp_path / "screenshots" / f"{number(k)}.jpg", quality=95)
        if number(k) not in enrico.LEFT_OUT:
            Image.fromarray(255 - shot).save(tmp_path / "wireframes" / f"{number(k)}.png")
    (tmp_path / "design_topics.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_the_split_is_that_of_multibench(root: Path) -> None:
    splits = data.load("enrico", root=root)
    rest = [k for k in range(N) if number(k) not in ("50105", "50109")]
    order = list(range(len(rest)))
    random.Random(42).shuffle(order)  # noqa: S311
    assert len(rest) == 38
    assert [len(split) for split in splits] == [24, 6, 8]  # int(.65 n), int(.8 n), the others
    found = torch.cat([split.inputs["screenshot"] for split in splits])[:, 0, 0, 8, 8]
    assert found.tolist() == pytest.approx([grey(rest[k]) for k in order], abs=2)


def test_screenshot_wireframe_and_topic_are_of_the_same_screen(root: Path) -> None:
    for split in data.load("enrico", root=root):
        assert split.shapes == {"screenshot": (1, 3, 16, 16), "wireframe": (1, 3, 16, 16)}
        assert split.class_names == enrico.TOPICS
        shot, frame = (x[:, 0, 0, 8, 8].int() for x in split.inputs.values())
        assert (shot + frame - 255).abs().max() <= 2
        assert ((shot - 3) // 6 % 20).tolist() == split.target.tolist()


def test_one_modality_can_be_chosen_and_needs_its_files_only(root: Path) -> None:
    for image in (root / "wireframes").iterdir():
        image.unlink()
    train, _, _ = data.load("enrico", root=root, modalities=["screenshot"])
    assert train.modalities == ("screenshot",)
    assert (root / "prepared" / "screenshot.npy").exists()
    with pytest.raises(UnknownNameError, match="'hierarchy'"):
        data.load("enrico", root=root, modalities=["hierarchy"])
    with pytest.raises(DataError, match=r"38 of 38 files are missing: .*\.png, .*, \.\.\."):
        data.load("enrico", root=root)


def test_arrays_can_be_kept_elsewhere(root: Path, tmp_path: Path) -> None:
    data.load("enrico", root=root, prepared=tmp_path / "fast disk")
    assert not (root / "prepared").exists()
    assert len(list((tmp_path / "fast disk").glob("*.npy"))) == 2


def test_without_a_folder_or_the_list_it_says_what_to_get(root: Path) -> None:
    with pytest.raises(DataError, match=r"design_topics\.csv, screenshots .*luileito/enrico"):
        data.load("enrico", root=None)
    (root / "design_topics.csv").unlink()
    with pytest.raises(DataError, match=r"files are missing: .*design_topics\.csv"):
        data.load("enrico", root=root)


def test_a_damaged_image_is_named(root: Path) -> None:
    path = root / "wireframes" / f"{number(0)}.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=rf"{number(0)}\.png cannot be read"):
        data.load("enrico", root=root)


@pytest.mark.parametrize("line", ["50500,shopping", "50500", "../50500,login", "50500,login,x"])
def test_a_line_of_another_form_is_named(line: str, root: Path) -> None:
    with (root / "design_topics.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=r"csv, line 42: expected a number and one of bare, camera"):
        data.load("enrico", root=root)


def test_a_list_without_its_first_line_or_with_a_screen_twice_is_an_error(root: Path) -> None:
    path = root / "design_topics.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(DataError, match="lists 39 screens, 38 different ones"):
        data.load("enrico", root=root)
    path.write_text("\n".join(lines[1:]) + "\n")
    with pytest.raises(DataError, match="first line 'screen_id,topic'"):
        data.load("enrico", root=root)
    path.write_text("\n".join(lines[:4]) + "\n")
    with pytest.raises(DataError, match="lists 3 screens"):
        data.load("enrico", root=root)
