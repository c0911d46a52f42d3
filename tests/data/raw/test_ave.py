"""AVE from a folder of the published layout, generated small: real videos with audio."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.raw import audio_video
from mmfuse_lib.data.raw.ave import EVENTS
from tests.data.clips import tone, write_video

NAMES = ("Bark", "Cat", "Horse")
COLOURS = [(230, 20, 20), (20, 230, 20), (20, 20, 230)]
OUTSIDE = (120, 120, 120)

#: Per list, lines of (event, video, start, end); video "c" has two events.
LISTS = {
    "train": [(0, "a", 0, 10), (1, "b", 3, 7), (2, "c", 0, 4), (1, "c", 6, 9), (0, "d", 8, 10)],
    "val": [(1, "e", 2, 5)],
    "test": [(2, "f", 5, 10), (0, "g", 0, 3)],
}


def hertz(event: int) -> int:
    return 1000 * (1 + event)


def write_event(path: Path, parts: list[tuple[int, int, int]]) -> None:
    """Write ten seconds that show each event by a colour and a pitch, and grey and 6 kHz else."""
    frames = np.full((20, 32, 48, 3), OUTSIDE, dtype=np.uint8)
    wave = tone(6000, 10)
    for event, start, end in parts:
        frames[2 * start : 2 * end] = COLOURS[event]
        wave[16_000 * start : 16_000 * end] = tone(hertz(event), end - start)
    write_video(path, frames, wave, rate=2)


def write_list(root: Path, name: str, rows: list[tuple[int, str, int, int]]) -> None:
    lines = [f"{NAMES[event]}&{video}&good&{start}&{end}\n" for event, video, start, end in rows]
    (root / f"{name}Set.txt").write_text("".join(lines))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("AVE_Dataset")
    (root / "AVE").mkdir()
    events: dict[str, list[tuple[int, int, int]]] = {}
    for name, rows in LISTS.items():
        write_list(root, name, rows)
        for event, video, start, end in rows:
            events.setdefault(video, []).append((event, start, end))
    for video, parts in events.items():
        write_event(root / "AVE" / f"{video}.mp4", parts)
    return root


@pytest.fixture(autouse=True)
def _small_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_video, "IMAGE_SIZE", 32)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(
        shutil.copytree(published, tmp_path / "AVE_Dataset", ignore=lambda *_: {"prepared"})
    )


def classes(split: data.MultimodalData) -> list[str]:
    return [split.class_names[k] for k in split.target.tolist()]


def test_the_published_lists_are_the_splits(published: Path) -> None:
    train, val, test = data.load("ave", root=published)
    assert classes(train) == ["Bark", "Cat", "Horse", "Bark"]  # of "c" the first event only
    assert classes(val) == ["Cat"]
    assert classes(test) == ["Horse", "Bark"]
    assert train.shapes == {"audio": (1, 257, 1004), "video": (4, 3, 32, 32)}
    assert train.class_names == EVENTS
    assert len(set(EVENTS)) == 28


def test_audio_and_frames_are_those_of_the_event_that_the_label_names(published: Path) -> None:
    for split in data.load("ave", root=published):
        for audio, video, name in zip(*split.inputs.values(), classes(split), strict=True):
            event = NAMES.index(name)
            power = audio[0].mean(dim=1)
            assert power.argmax() == round(hertz(event) / 31.25)
            assert power[round(6000 / 31.25)] < power.max() / 2, "audio from outside the event"
            colour = video[:, :, 16, 16].int() - torch.tensor(COLOURS[event])
            assert colour.abs().max() < 40, "a frame from outside the event"
            assert float(audio.mean()) == pytest.approx(0, abs=1e-3)
            assert float(audio.std()) == pytest.approx(1, abs=1e-3)


def test_arrays_are_made_once(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = data.load("ave", root=published)[0].inputs["audio"].clone()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)  # no program is needed again
    assert torch.equal(data.load("ave", root=published)[0].inputs["audio"], expected)


def test_a_video_of_two_lists_is_left_out_of_the_earlier_one(root: Path) -> None:
    write_list(root, "val", [(1, "e", 2, 5), (0, "a", 0, 10), (0, "g", 0, 3)])
    write_list(root, "test", [(2, "f", 5, 10), (0, "g", 0, 3), (0, "d", 8, 10)])
    train, val, test = data.load("ave", root=root, n_frames=1)
    assert classes(train) == ["Cat", "Horse"]
    assert classes(val) == ["Cat", "Bark"]
    assert classes(test) == ["Horse", "Bark", "Bark"]


def test_an_event_without_a_part_is_the_whole_video_and_a_heading_is_no_event(root: Path) -> None:
    heading = "\ufeffCategory&VideoID&Quality&StartTime&EndTime\r\n"
    (root / "trainSet.txt").write_text(f"{heading}Bark&a&good&0&0\r\n\r\n", "utf8")
    train, _, _ = data.load("ave", root=root, n_frames=1, prepared=root / "elsewhere")
    assert classes(train) == ["Bark"]
    note = json.loads((root / "elsewhere" / "video.json").read_text())
    assert note["clips"][0] == ["AVE/a.mp4", 0, 10]


# What can be wrong.


def test_without_a_folder_it_says_what_to_download(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ave: root is 'None'.*trainSet.*github\.com/YapengTian"):
        data.load("ave")
    with pytest.raises(DataError, match=r"ave: .*trainSet\.txt cannot be read.*Get it from http"):
        data.load("ave", root=tmp_path)


def test_options_are_checked(root: Path) -> None:
    with pytest.raises(DataError, match="n_frames is 0: expected an integer of at least 1"):
        data.load("ave", root=root, n_frames=0)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Bark&a&good&0", r"expected Category&VideoID&Quality&StartTime&EndTime with"),
        ("Bark&a&good&0&ten", r"expected Category&.*got 'Bark&a&good&0&ten'"),
        ("Barking&a&good&0&10", r"'Barking' is none of the 28 events: Church bell; Male speech,"),
        ("Bark&a&good&5&5", r"expected a part of 10 seconds, got 5 to 5"),
        ("Bark&a&good&5&11", r"expected a part of 10 seconds, got 5 to 11"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(line: str, message: str, root: Path) -> None:
    with (root / "valSet.txt").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=rf"valSet\.txt, line 2: {message}"):
        data.load("ave", root=root)


def test_an_empty_list_is_an_error(root: Path) -> None:
    (root / "testSet.txt").write_text("\n")
    with pytest.raises(DataError, match=r"testSet\.txt is empty"):
        data.load("ave", root=root)


def test_missing_videos_are_counted_and_named(root: Path) -> None:
    for video in "be":
        (root / "AVE" / f"{video}.mp4").unlink()
    with pytest.raises(
        DataError, match=r"ave: 2 of 7 files are missing: [^,]*b\.mp4, [^,]*e\.mp4\."
    ):
        data.load("ave", root=root)


def test_damaged_videos_are_counted_and_named(root: Path) -> None:
    for video in "be":
        (root / "AVE" / f"{video}.mp4").write_bytes(b"<html>Video unavailable</html>")
    with pytest.raises(
        DataError, match=r"2 of 7 clips cannot be used: [^,]*b\.mp4 cannot.*e\.mp4 "
    ):
        data.load("ave", root=root)
    assert not list((root / "prepared").glob("*.npy"))


def test_without_ffmpeg_it_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(DataError, match=r"needs the program ffmpeg.*pip install imageio-ffmpeg"):
        data.load("ave", root=root)
