"""CREMA-D from a folder of the published layout, generated small."""

import csv
import json
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import wavfile

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, DownloadError, UnknownNameError
from mmfuse_lib.data.downloaded.cremad_votes import EMOTIONS
from mmfuse_lib.data.raw import cremad, published
from mmfuse_lib.data.raw.sample import write_cremad
from tests.data.server import Server

COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250), (250, 0, 250)]


def hertz(emotion: int) -> int:
    return 500 * (1 + emotion)


def generate(root: Path, n_train: int = 20, n_test: int = 6, seconds: float = 1.3) -> Path:
    """Write clips whose emotion is the pitch of a tone and the colour of all four frames."""
    rng = np.random.default_rng(0)
    (root / "AudioWAV").mkdir(parents=True)
    for name, numbers in {
        "train": range(n_train),
        "test": range(n_train, n_train + n_test),
    }.items():
        rows = []
        for k in numbers:
            emotion = k % 6
            clip = f"{1001 + k}_DFA_{EMOTIONS[emotion]}_XX"
            rows.append([clip, EMOTIONS[emotion]])
            time = np.arange(round(16_000 * seconds)) / 16_000
            wave = np.sin(2 * np.pi * hertz(emotion) * time) + 0.01 * rng.normal(size=len(time))
            wavfile.write(root / "AudioWAV" / f"{clip}.wav", 16_000, (8000 * wave).astype(np.int16))
            folder = root / "Image-01-FPS" / clip
            folder.mkdir(parents=True)
            for frame in range(4):
                pixels = np.full((48, 64, 3), COLOURS[emotion], dtype=np.uint8)
                pixels[:, :8] = 60 * frame  # a bar that shows which frame it is
                Image.fromarray(pixels).save(folder / f"{frame:05d}.jpg", quality=95)
        with (root / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    return root


@pytest.fixture(autouse=True)
def _small_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cremad, "IMAGE_SIZE", 32)
    monkeypatch.setattr(published, "IMAGE_SIZE", 32)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return generate(tmp_path / "cremad")


def test_the_published_lists_are_the_splits_and_a_tenth_of_training_is_validation(
    root: Path,
) -> None:
    train, val, test = data.load("cremad", root=root)
    assert (len(train), len(val), len(test)) == (18, 2, 6)
    assert train.shapes == {"audio": (1, 257, 299), "video": (3, 3, 32, 32)}
    assert train.class_names == EMOTIONS
    assert test.target.tolist() == [k % 6 for k in range(20, 26)]
    counts = torch.bincount(torch.cat([train.target, val.target]), minlength=6)
    assert counts.tolist() == [4, 4, 3, 3, 3, 3]


def test_audio_image_and_label_of_a_sample_are_of_the_same_clip(root: Path) -> None:
    for split in data.load("cremad", root=root, n_frames=1):
        for audio, video, y in zip(*split.inputs.values(), split.target.tolist(), strict=True):
            # 512 samples a window at 16 kHz: 31.25 Hz a row.
            assert audio[0].mean(dim=1).argmax() == round(hertz(y) / 31.25)
            colour = video[0, :, 16, 24].tolist()
            assert np.abs(np.array(colour) - COLOURS[y]).max() < 20


def test_the_frames_are_spread_over_the_clip(root: Path) -> None:
    train, _, _ = data.load("cremad", root=root)
    bars = train.inputs["video"][:, :, 0, 16, 1]  # 60 times the number of the frame
    assert (bars.int() - torch.tensor([0, 120, 180])).abs().max() < 12


def test_validation_can_be_of_actors_that_are_not_trained_on(root: Path) -> None:
    train, val, test = data.load("cremad", root=root, val_by="actor")
    assert (len(train), len(val), len(test)) == (18, 2, 6)
    assert train.groups is not None
    assert val.groups is not None
    assert set(train.groups.tolist()).isdisjoint(val.groups.tolist())
    for split in (train, val, test):  # the actor of a clip of this folder has one clip: k = number
        assert split.groups is not None
        assert ((split.groups - 1001) % 6).tolist() == split.target.tolist()


def test_a_clip_without_the_number_of_an_actor_is_an_error(root: Path) -> None:
    with (root / "train.csv").open("a") as file:
        file.write("ITH_ANG_XX,ANG\n")
    with pytest.raises(DataError, match="'ITH_ANG_XX' does not begin with the number"):
        data.load("cremad", root=root)
    with pytest.raises(UnknownNameError, match="Did you mean 'actor'"):
        data.load("cremad", root=root, val_by="actors")


# What is kept on disk.


def test_arrays_are_made_once_and_mapped(root: Path) -> None:
    data.load("cremad", root=root)
    made = {path.name: path.stat().st_mtime_ns for path in (root / "prepared").iterdir()}
    assert sorted(made) == ["audio.json", "audio.npy", "video.json", "video.npy"]
    train, _, test = data.load("cremad", root=root)
    assert made == {path.name: path.stat().st_mtime_ns for path in (root / "prepared").iterdir()}
    a, b = train.inputs["audio"], test.inputs["audio"]
    assert a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr(), "copies"
    train.inputs["audio"].zero_()  # writes to memory, not to the file
    assert data.load("cremad", root=root)[0].inputs["audio"].abs().max() > 1


def test_other_frames_or_another_list_make_them_again(root: Path) -> None:
    data.load("cremad", root=root)
    train, _, _ = data.load("cremad", root=root, n_frames=2)
    assert train.shapes["video"] == (2, 3, 32, 32)
    rows = (root / "test.csv").read_text().splitlines()
    (root / "test.csv").write_text("\n".join(rows[:3]) + "\n")
    assert len(data.load("cremad", root=root, n_frames=2)[2]) == 3


def test_an_interrupted_preparation_leaves_nothing_that_would_be_used(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, done = cremad.log_spectrogram, []

    def interrupted(path: Path) -> object:
        done.append(path)
        if len(done) == 5:
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(cremad, "log_spectrogram", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.load("cremad", root=root)
    assert not list((root / "prepared").glob("*.npy"))
    assert len(data.load("cremad", root=root)[0]) == 18


@pytest.mark.parametrize("name", ["audio.npy", "video.json"])
def test_what_is_missing_or_cut_is_made_again(name: str, root: Path) -> None:
    expected = data.load("cremad", root=root)[0].inputs["audio"].clone()
    path = root / "prepared" / name
    content = path.read_bytes()
    for damage in (path.unlink, lambda: path.write_bytes(content[: len(content) // 2])):
        damage()
        assert torch.equal(data.load("cremad", root=root)[0].inputs["audio"], expected)


def test_they_can_be_kept_elsewhere(root: Path, tmp_path: Path) -> None:
    data.load("cremad", root=root, prepared=tmp_path / "fast disk")
    assert json.loads((tmp_path / "fast disk" / "video.json").read_text())["n_frames"] == 3
    assert not (root / "prepared").exists()


# What can be wrong.


def test_without_a_folder_it_says_what_to_download(tmp_path: Path) -> None:
    for root in (None, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=r"AudioWAV.*github\.com/CheyneyComputerScience"):
            data.load("cremad", root=root)
    with pytest.raises(DataError, match="n_frames is 0"):
        data.load("cremad", root=tmp_path, n_frames=0)


def test_missing_files_are_counted_and_named(root: Path) -> None:
    for wav in sorted((root / "AudioWAV").iterdir())[:5]:
        wav.unlink()
    with pytest.raises(DataError, match=r"5 of 26 files are missing: .*\.wav, .*, \.\.\."):
        data.load("cremad", root=root)


def test_a_clip_without_images_is_named(root: Path) -> None:
    for image in (root / "Image-01-FPS" / "1001_DFA_ANG_XX").iterdir():
        image.unlink()
    with pytest.raises(DataError, match=r"1001_DFA_ANG_XX has no images"):
        data.load("cremad", root=root)


def test_damaged_files_are_named_and_read_once_they_are_repaired(root: Path) -> None:
    for path in (
        root / "AudioWAV" / "1003_DFA_FEA_XX.wav",
        root / "Image-01-FPS" / "1001_DFA_ANG_XX" / "00000.jpg",
    ):
        content = path.read_bytes()
        path.write_bytes(content[:200] if path.suffix == ".jpg" else b"version https://git-lfs")
        with pytest.raises(DataError, match=rf"{path.name} cannot be read"):
            data.load("cremad", root=root)
        path.write_bytes(content)
    assert len(data.load("cremad", root=root)[0]) == 18


def test_audio_of_another_rate_is_an_error(root: Path) -> None:
    wavfile.write(root / "AudioWAV" / "1001_DFA_ANG_XX.wav", 8_000, np.zeros(99, dtype=np.int16))
    with pytest.raises(DataError, match=r"8000 Hz.*16000 Hz"):
        data.load("cremad", root=root)


@pytest.mark.parametrize("line", ["1001_DFA_ANG_XX", "1001_DFA_ANG_XX,JOY"])
def test_a_list_with_another_form_is_an_error(line: str, root: Path) -> None:
    with (root / "train.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=r"train\.csv, line 21: expected a clip and one of ANG"):
        data.load("cremad", root=root)


# Videos.


def pretend_ffmpeg(folder: Path, script: str) -> None:
    folder.mkdir()
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def videos(root: Path) -> Path:
    """The folder with videos in place of images."""
    os.rename(root / "Image-01-FPS", root / "elsewhere")
    (root / "VideoFlash").mkdir()
    for wav in (root / "AudioWAV").iterdir():
        # Ten frames of 32 x 32 pixels, all of the value of the frame's number.
        frames = b"".join(bytes([k]) * (32 * 32 * 3) for k in range(10))
        (root / "VideoFlash" / f"{wav.stem}.flv").write_bytes(frames)
    return root


def test_videos_are_read_by_ffmpeg(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What follows -i is the file; a pretended ffmpeg hands its bytes on.
    script = 'while [ "$1" != -i ]; do shift; done; cat "${2#file:}"'
    pretend_ffmpeg(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    train, _, _ = data.load("cremad", root=videos)
    for number, frame in zip([0, 4, 9], train.inputs["video"].unbind(1), strict=True):
        assert (frame == number).all()


def test_a_video_that_cannot_be_read_is_named_with_what_ffmpeg_says(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_ffmpeg(tmp_path / "bin", "echo moov atom not found >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(DataError, match=r"\.flv cannot be read: ffmpeg ended with 1.*moov atom"):
        data.load("cremad", root=videos)


def test_without_ffmpeg_it_says_so(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)  # as if it were not installed
    with pytest.raises(DataError, match=r"needs the program ffmpeg.*Install it"):
        data.load("cremad", root=videos)


# Fetching.

CONTENT = {"AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1002_DFA_SAD_XX.wav",
           "VideoFlash/1001_DFA_ANG_XX.flv", "VideoFlash/1002_DFA_SAD_XX.flv"}  # fmt: skip


def content(path: str) -> bytes:
    return cremad.SIGNS[path[-4:]] + path.encode()


@pytest.fixture
def offered(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with the lists and the files, at both places that are asked."""
    server.files = {
        "/lists/train.csv": b"1001_DFA_ANG_XX,ANG\n1001_DFA_ANG_XX,ANG\n",
        "/lists/test.csv": b"1002_DFA_SAD_XX,SAD\n1002_DFA_SAD_XX,SAD\n",
        **{f"/{place}/{path}": content(path) for path in CONTENT for place in ("main", "mirror")},
    }
    monkeypatch.setattr(cremad, "LIST_URL", f"{server.url}/lists")
    monkeypatch.setattr(cremad, "PLACES", (f"{server.url}/main", f"{server.url}/mirror"))
    return server


def fetched(root: Path) -> set[str]:
    paths = [*root.glob("AudioWAV/*.wav"), *root.glob("VideoFlash/*.flv")]
    files = {p.relative_to(root).as_posix(): p.read_bytes() for p in paths}
    assert all(found == content(path) for path, found in files.items())
    return set(files)


def test_the_files_of_the_lists_are_fetched_and_what_is_there_is_not_fetched_again(
    offered: Server, tmp_path: Path
) -> None:
    data.fetch("cremad", tmp_path / "new")
    assert fetched(tmp_path / "new") == CONTENT
    assert not [path for path in offered.asked if path.startswith("/mirror")]
    (tmp_path / "new" / "VideoFlash" / "1002_DFA_SAD_XX.flv").unlink()
    offered.asked.clear()
    data.fetch("cremad", tmp_path / "new")
    assert fetched(tmp_path / "new") == CONTENT
    assert set(offered.asked) == {"/main/VideoFlash/1002_DFA_SAD_XX.flv"}


def test_what_was_cut_is_fetched_by_the_next_call(offered: Server, tmp_path: Path) -> None:
    for place in ("main", "mirror"):
        offered.cut[f"/{place}/VideoFlash/1001_DFA_ANG_XX.flv"] = 3
    with pytest.raises(DownloadError, match=r"1001_DFA_ANG_XX\.flv"):
        data.fetch("cremad", tmp_path)
    assert "VideoFlash/1001_DFA_ANG_XX.flv" not in fetched(tmp_path)
    offered.cut.clear()
    data.fetch("cremad", tmp_path)
    assert fetched(tmp_path) == CONTENT


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"


@pytest.mark.parametrize("refusal", ["pointers", "nothing", "pages", "empty", "half"])
def test_where_the_repository_does_not_give_the_files_the_mirror_is_asked(
    refusal: str, offered: Server, tmp_path: Path
) -> None:
    pointer = {"pages": b"<!DOCTYPE html>", "empty": b""}.get(refusal, POINTER)
    for path in CONTENT:
        if refusal == "half" and path.startswith("Audio"):
            continue  # a quota that ends midway
        offered.files[f"/main/{path}"] = pointer
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(pointer)  # as a clone without git-lfs leaves them
        if refusal == "nothing":
            del offered.files[f"/main/{path}"]
    data.fetch("cremad", tmp_path)
    assert fetched(tmp_path) == CONTENT


def test_where_nobody_gives_the_files_it_says_what_to_type(offered: Server, tmp_path: Path) -> None:
    for path in CONTENT:
        del offered.files[f"/main/{path}"], offered.files[f"/mirror/{path}"]
    with pytest.raises(DownloadError, match=r"(?s)4 of 4 files.*404.*404.*git lfs pull --include"):
        data.fetch("cremad", tmp_path)


def test_other_data_sets_are_not_fetched() -> None:
    with pytest.raises(DataError, match=r"'ave' is not downloaded into a folder; see https"):
        data.fetch("ave", "anywhere")


# The folder that is made up.


@pytest.mark.parametrize("has_ffmpeg", [True, False])
def test_a_made_up_folder_is_read_with_and_without_ffmpeg(
    has_ffmpeg: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_ffmpeg:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    root = write_cremad(tmp_path / "small", n_actors=3, n_test=4)
    assert (root / "VideoFlash").exists() == has_ffmpeg
    train, val, test = data.load("cremad", root=root, val_by="actor", n_frames=2)
    assert sum(map(len, (train, val, test))) == 18
    assert len(test) == 4
    for split in (train, val, test):
        for audio, video, y in zip(*split.inputs.values(), split.target.tolist(), strict=True):
            pitch = audio[0].mean(dim=1).argmax() * 31.25
            assert 0.85 * 300 * (1 + y) - 32 < pitch < 1.15 * 300 * (1 + y) + 32
            middle = video[:, :, 12:20, 12:20].float().mean()
            assert abs(float(middle) - (30 + 30 * y)) < 25


def test_a_made_up_folder_needs_clips_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="n_test is 11: 2 actors have 12 clips"):
        write_cremad(tmp_path, n_actors=2, n_test=11)
