"""Images, videos and audio as arrays; videos by a real ffmpeg."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.storage import media
from tests.data.clips import FFMPEG, tone, write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds: frame k is grey of the value 10 k; 1000 Hz for two seconds, then 3000 Hz."""
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    frames = np.repeat(10 * np.arange(16, dtype=np.uint8), 32 * 48 * 3).reshape(16, 32, 48, 3)
    return write_video(path, frames, np.concatenate([tone(1000, 2), tone(3000, 2)]), rate=4)


def pitch(wave: NDArray[np.float32]) -> float:
    """Return the strongest frequency of a wave, in Hz."""
    return float(np.abs(np.fft.rfft(wave)).argmax() * media.SAMPLE_RATE / len(wave))


def test_the_wanted_frames_are_spread_from_the_first_to_the_last() -> None:
    assert media.spread(4, 1) == [1]
    assert media.spread(75, 1) == [37]
    assert media.spread(1, 1) == [0]
    assert media.spread(4, 2) == [0, 3]
    assert media.spread(4, 3) == [0, 2, 3]
    assert media.spread(75, 3) == [0, 37, 74]
    assert media.spread(2, 3) == [0, 0, 1]


# Images.


def test_images_in_colour_and_grey(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), (200, 100, 0)).save(tmp_path / "a.png")
    image = media.read_image(tmp_path / "a.png", 8)
    assert image.shape == (3, 8, 8)
    assert image[:, 4, 4].tolist() == [200, 100, 0]
    grey = media.read_image(tmp_path / "a.png", 8, "L")
    assert grey.shape == (1, 8, 8)
    assert grey[0, 0, 0] == round(0.299 * 200 + 0.587 * 100)


def test_a_damaged_image_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no images \(\*\.jpg\)"):
        media.list_images(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"a\.jpg cannot be read"):
        media.frames_from_images(tmp_path, 1, 8)


# Videos.


def test_frames_of_a_video_and_of_a_part_of_it(video: Path) -> None:
    whole = media.frames_from_video(FFMPEG, video, 4, 16)
    assert whole.shape == (4, 3, 16, 16)
    assert np.abs(whole[:, 0, 8, 8] - np.array([0.0, 50, 100, 150])).max() < 6
    part = media.frames_from_video(FFMPEG, video, 2, 16, (2.0, 3.0))  # frames 8 to 11
    assert np.abs(part[:, 1, 8, 8] - np.array([80.0, 110])).max() < 6


def test_audio_of_a_video_and_of_a_part_of_it(video: Path) -> None:
    whole = media.audio_from_video(FFMPEG, video)
    assert len(whole) == pytest.approx(4 * media.SAMPLE_RATE, rel=0.03)
    assert whole.dtype == np.float32
    assert 0.2 < np.abs(whole).max() <= 1
    first, second = (media.audio_from_video(FFMPEG, video, (s, s + 1.5)) for s in (0.0, 2.5))
    assert (pitch(first), pitch(second)) == pytest.approx((1000, 3000), abs=5)
    assert abs(len(second) - 1.5 * media.SAMPLE_RATE) <= 1024, "more than a packet is lost"


def test_a_video_without_audio_has_no_samples(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", np.zeros((5, 32, 32, 3), dtype=np.uint8))
    assert len(media.audio_from_video(FFMPEG, path)) == 0
    assert media.frames_from_video(FFMPEG, path, 1, 16).shape == (1, 3, 16, 16)


def test_a_damaged_video_is_named_with_what_ffmpeg_says(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(
        DataError, match=r"a\.mp4 cannot be read: ffmpeg ended .* 0 frames\. .*moov atom not found$"
    ):
        media.frames_from_video(FFMPEG, path, 1, 16)
    with pytest.raises(DataError, match=r"a\.mp4 cannot be read: ffmpeg ended .* 0 samples"):
        media.audio_from_video(FFMPEG, path)


READERS: list[Callable[[str, Path], Any]] = [
    lambda ffmpeg, path: media.frames_from_video(ffmpeg, path, 1, 16),
    lambda ffmpeg, path: media.audio_from_video(ffmpeg, path),
]
by_frames_and_audio = pytest.mark.parametrize("read", READERS, ids=["frames", "audio"])


@by_frames_and_audio
def test_a_program_that_hangs_is_stopped(
    read: Callable[[str, Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(media, "TIMEOUT", 0.3)
    with pytest.raises(DataError, match=r"a\.mp4 cannot be read: ffmpeg .* in 0\.3 seconds"):
        read(str(program), tmp_path / "a.mp4")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of Unix")
@by_frames_and_audio
def test_a_file_that_never_ends_is_given_up(
    read: Callable[[str, Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "a.mp4")  # nobody writes to it
    monkeypatch.setattr(media, "TIMEOUT", 0.3)
    with pytest.raises(DataError, match=r"a\.mp4 cannot be read: ffmpeg .* in 0\.3 seconds"):
        read(FFMPEG, tmp_path / "a.mp4")


@by_frames_and_audio
def test_a_file_that_holds_too_much_is_named(
    read: Callable[[str, Path], Any], video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MAX_BYTES", 5000)  # 16 frames of 768 bytes, 64 000 samples of 4
    with pytest.raises(DataError, match=r"a\.mp4 holds more than 5,000 bytes"):
        read(FFMPEG, video)
    monkeypatch.setattr(media, "MAX_BYTES", 10**6)
    read(FFMPEG, video)


@by_frames_and_audio
def test_a_program_that_does_not_start_is_named(
    read: Callable[[str, Path], Any], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"a\.mp4 cannot be read: .*ffmpeg does not start"):
        read(str(tmp_path / "ffmpeg"), tmp_path / "a.mp4")


@pytest.mark.skipif(os.name == "nt", reason="no name of a file has a colon there")
@pytest.mark.parametrize("name", ["12:30.mp4", "http:a.mp4", "-y.mp4"])
def test_a_name_is_no_address_and_no_option(
    name: str, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(video.read_bytes())
    assert media.frames_from_video(FFMPEG, Path(name), 4, 16).shape == (4, 3, 16, 16)


@by_frames_and_audio
def test_only_local_files_are_read(read: Callable[[str, Path], Any], tmp_path: Path) -> None:
    """A file may be a list that names others; ffmpeg is told which protocols it may use."""
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\necho "$@" >&2\nexit 1\n')
    program.chmod(0o755)
    with pytest.raises(DataError, match=r"-protocol_whitelist file,pipe -i file:\S*a\.mp4 "):
        read(str(program), Path("a.mp4"))


@by_frames_and_audio
def test_a_long_complaint_is_cut(read: Callable[[str, Path], Any], tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nprintf '%9999d\\n' 1 >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(DataError) as caught:
        read(str(program), Path("a.mp4"))
    assert len(str(caught.value)) < 500


def test_ffmpeg_is_the_one_on_the_path_else_that_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert media.find_ffmpeg("Videos") == FFMPEG
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert media.find_ffmpeg("Videos") == str(program)
    program.unlink()
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(DataError, match=r"^Videos: reading them needs the program ffmpeg"):
        media.find_ffmpeg("Videos")


# Audio.


def test_short_audio_is_repeated_and_none_is_silence() -> None:
    part = np.random.default_rng(0).uniform(-1, 1, 16_000).astype(np.float32)
    short, long = (media.log_spectrogram(wave, 3) for wave in (part, np.tile(part, 5)))
    assert np.array_equal(short, long)
    assert media.log_spectrogram(part[:0], 3) == pytest.approx(np.log(1e-7))


def test_the_spectrogram_of_a_constant_by_hand() -> None:
    # Each window loses its mean first, so a constant has no power at all: log(1e-7) everywhere.
    constant = np.full(16_000, 0.3, dtype=np.float32)
    assert media.log_spectrogram(constant, 3) == pytest.approx(np.log(1e-7), abs=1e-4)


@pytest.mark.parametrize(("seconds", "steps"), [(3, 299), (10, 1004)])
def test_the_shape_of_a_spectrogram(seconds: int, steps: int) -> None:
    spectrogram = media.log_spectrogram(tone(1000, 1), seconds)
    assert spectrogram.shape == media.spectrogram_shape(seconds) == (1, 257, steps)
    assert spectrogram[0].mean(axis=1).argmax() == 1000 / 31.25


def test_wav_files(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", 16_000, np.array([0, 16_384, -32_768], dtype=np.int16))
    assert media.read_wav(tmp_path / "a.wav", "there").tolist() == [0, 0.5, -1]
    wavfile.write(tmp_path / "b.wav", 16_000, np.zeros((5, 2), dtype=np.int16))
    with pytest.raises(DataError, match=r"b\.wav has int16 samples at 16000 Hz, shape \(5, 2\)"):
        media.read_wav(tmp_path / "b.wav", "there")
    (tmp_path / "c.wav").write_bytes(b"version https://git-lfs")
    with pytest.raises(DataError, match=r"c\.wav cannot be read.*Get it from there"):
        media.read_wav(tmp_path / "c.wav", "there")


@pytest.mark.filterwarnings("ignore::scipy.io.wavfile.WavFileWarning")
@pytest.mark.parametrize("n", range(44))
def test_a_wav_file_without_its_samples_is_named(n: int, tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", 16_000, np.zeros(50, dtype=np.int16))
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:n])
    with pytest.raises(DataError, match=r"b\.wav cannot be read"):
        media.read_wav(tmp_path / "b.wav", "there")


def test_a_image_of_absurd_size_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (40, 20)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"a\.png cannot be read: .*decompression bomb"):
        media.read_image(tmp_path / "a.png", 8)
