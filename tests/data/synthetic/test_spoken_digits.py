"""Spoken digits: the files' formats by hand, and samples looked up in the recordings they show."""

import gzip
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from sklearn.linear_model import RidgeClassifier

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.data.storage import downloads
from mmfuse_lib.data.storage.downloads import digest, load_arrays
from mmfuse_lib.data.synthetic import fsdd, mnist, spoken_digits

needs_arrays = pytest.mark.skipif(
    not os.environ.get(downloads.DATA_DIR), reason="no folder of ready arrays"
)
R, U1, U2, S = range(4)


# MNIST's files.


def idx(array: np.ndarray) -> bytes:
    """Write MNIST's format, as its authors describe it."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    return gzip.compress(header + array.tobytes(), compresslevel=1)


def test_the_format_is_read_from_bytes_written_by_hand(tmp_path: Path) -> None:
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    assert mnist.read_idx(tmp_path / "a.gz").tolist() == [[1, 2, 3], [4, 5, 255]]
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"<html>not here</html>"))
    with pytest.raises(ValueError, match="no file of bytes in MNIST's format"):
        mnist.read_idx(tmp_path / "b.gz")


@needs_arrays
def test_files_with_the_values_of_the_arrays_are_made_into_exactly_these_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = load_arrays(mnist.RECIPE, list(mnist.FILES))

    def write(url: str, raw: Path, checksum: str) -> Path:
        path = raw / url.rpartition("/")[2]
        name = next(name for name, (file, _) in mnist.FILES.items() if file == path.name)
        assert checksum == f"md5:{mnist.FILES[name][1]}"
        path.write_bytes(idx(arrays[name]))
        return path

    monkeypatch.setattr(mnist, "fetch", write)
    made = mnist.prepare(list(mnist.FILES), tmp_path)
    assert {name: digest(x) for name, x in made.items()} == mnist.RECIPE.digests


# The recordings.


def test_silence_has_the_lowest_level_and_a_tone_the_band_of_its_pitch() -> None:
    assert (fsdd.log_mel(np.zeros(100, dtype=np.int16)) == -6).all()
    # 1000 Hz are 2595 log10(1 + 1000/700) = 999.99 mel; 50 Hz 77.75, 4000 Hz 2146.06: 42 edges,
    # 50.45 mel apart, so band k has its middle at 77.75 + 50.45 (k + 1): k = 17 for 999.99.
    time = np.arange(9000) / 8000
    tone = (10_000 * np.sin(2 * np.pi * 1000 * time)).astype(np.int16)
    found = fsdd.log_mel(tone)
    assert found.shape == (40, 64)
    assert found.dtype == np.float16
    assert (found.argmax(axis=0) == 17).all()


def test_recordings_are_padded_at_the_end_and_cut_at_the_same_length() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(-5000, 5000, 20_000).astype(np.int16)
    assert (fsdd.log_mel(noise) == fsdd.log_mel(noise[: 256 + 63 * 128])).all()
    short = fsdd.log_mel(noise[:1280])  # ten hops: the tenth frame starts after the end
    assert (short[:, 10:] == -6).all()
    assert (short[:, :9] > -5).all()


def test_the_filters_are_triangles_that_meet() -> None:
    filters = fsdd.mel_filters()
    assert filters.shape == (40, 257)
    assert filters.max() <= 1
    hertz = np.arange(257) * 8000 / 512
    middle = filters[:, (hertz > 200) & (hertz < 3500)]
    assert np.allclose(middle.sum(axis=0), 1), "neighbours do not add up to one"
    assert (filters[:, hertz < 50] == 0).all()


def test_the_archive_is_read_in_the_order_of_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    waves = {}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("repo-1/README.md", "no recording")
        for name in ("7_theo_3", "0_george_10", "0_george_2"):
            waves[name] = rng.integers(-9000, 9000, 3000).astype(np.int16)
            file = io.BytesIO()
            wavfile.write(file, 8000, waves[name])
            archive.writestr(f"repo-1/recordings/{name}.wav", file.getvalue())
    monkeypatch.setattr(fsdd, "fetch", lambda url, raw: raw / "a.zip")
    made = fsdd.prepare(["x", "label", "speaker"], tmp_path)
    assert made["label"].tolist() == [0, 0, 7]
    assert made["speaker"].tolist() == [0, 0, 4]
    for x, name in zip(made["x"], sorted(waves), strict=True):
        assert (x == fsdd.log_mel(waves[name])).all()


@needs_arrays
def test_what_is_known_of_the_array_holds_for_the_recipe() -> None:
    """The recordings are not at hand here; padding and range of the array are as the recipe's."""
    x = load_arrays(fsdd.RECIPE, ["x"])["x"]
    assert x.shape == (3000, 40, 64)
    assert x.min() == -6
    loudest = (32_767 * np.sign(np.sin(2 * np.pi * 500 * np.arange(9000) / 8000))).astype(np.int16)
    assert x.max() < fsdd.log_mel(loudest).max()


# The samples.


SMALL = {"n_train": 500, "n_val": 150, "n_test": 150}


@pytest.fixture(scope="module")
def lookup() -> tuple[dict[bytes, int], dict[bytes, tuple[int, int]]]:
    """Return the digit of each image, and digit and speaker of each recording, by their bytes."""
    images = load_arrays(mnist.RECIPE, list(mnist.FILES))
    digit = {
        x.tobytes(): int(y)
        for part in ("train", "test")
        for x, y in zip(images[f"{part}_image"], images[f"{part}_label"], strict=True)
    }
    audio = load_arrays(fsdd.RECIPE, list(fsdd.RECIPE.digests))
    train = np.isin(audio["speaker"], [0, 1, 3, 4])
    x = audio["x"].astype(np.float32)
    x = (x - x[train].mean()) / x[train].std()
    said = {
        a.tobytes(): (int(y), int(s))
        for a, y, s in zip(x, audio["label"], audio["speaker"], strict=True)
    }
    return digit, said


def shown(
    split: MultimodalData, lookup: tuple[dict[bytes, int], dict[bytes, tuple[int, int]]]
) -> tuple[np.ndarray, np.ndarray, set[int], set[bytes]]:
    digit, said = lookup
    pixels = (split.inputs["image"][:, 0, :28] * 255).round().to(torch.uint8).contiguous().numpy()
    audio = split.inputs["audio"][:, 0, :40].contiguous().numpy()
    heard = [said[x.tobytes()] for x in audio]
    a = np.array([digit[x.tobytes()] for x in pixels])
    return a, np.array([d for d, _ in heard]), {s for _, s in heard}, {x.tobytes() for x in pixels}


@needs_arrays
@pytest.mark.parametrize(("cue", "n_classes"), [(True, 4), (False, 10)])
def test_samples_show_and_say_real_digits_that_make_the_label_by_the_rule_of_the_sample(
    cue: bool, n_classes: int, lookup: tuple[dict[bytes, int], dict[bytes, tuple[int, int]]]
) -> None:
    speakers, images = [], []
    for split in data.load("spoken_digits", seed=2, cue=cue, n_classes=n_classes, **SMALL):
        a, b, who, pixels = shown(split, lookup)
        assert split.composition is not None
        kind = split.composition.numpy()
        assert set(a) == set(b) == set(range(n_classes))
        expected = np.choose(kind, [a, a, b, (a + b) % n_classes])
        assert (split.target.numpy() == expected).all()
        assert (a[kind == R] == b[kind == R]).all()
        speakers.append({fsdd.SPEAKERS[k] for k in who})
        images.append(pixels)
    assert speakers == [set(names) for names in spoken_digits.SPEAKERS]
    assert not images[0] & images[1]
    assert not images[0] & images[2]
    assert not images[1] & images[2]


@needs_arrays
def test_the_groups_say_who_speaks() -> None:
    """Each recording is looked up among those of the speaker."""
    arrays = load_arrays(fsdd.RECIPE, list(fsdd.RECIPE.digests))
    sizes = {"n_train": 80, "n_val": 20, "n_test": 20}
    splits = data.load("spoken_digits", **sizes, cue=False)
    trained = np.isin(arrays["speaker"], [0, 1, 3, 4])
    x = arrays["x"].astype(np.float32)
    recordings = torch.from_numpy((x - x[trained].mean()) / x[trained].std())
    for part, speakers in zip(splits, ({0, 1, 3, 4}, {2}, {5}), strict=True):
        assert part.groups is not None
        assert set(part.groups.tolist()) == speakers
        for audio, who in zip(part.inputs["audio"][:20, 0], part.groups, strict=False):
            found = [k for k, of in enumerate(recordings) if torch.equal(of, audio)]
            assert int(who) in arrays["speaker"][found]


@needs_arrays
def test_the_cue_is_four_rows_under_both(
    lookup: tuple[dict[bytes, int], dict[bytes, tuple[int, int]]],
) -> None:
    train, _, _ = data.load("spoken_digits", **SMALL)
    assert train.composition is not None
    assert train.shapes == {"image": (1, 32, 28), "audio": (1, 44, 64)}
    for modality, width in (("image", 7), ("audio", 16)):
        rows = train.inputs[modality][:, 0, -4:]
        expected = torch.eye(4)[train.composition].repeat_interleave(width, dim=1)
        assert torch.equal(rows, expected[:, None].expand_as(rows))
    assert data.load("spoken_digits", cue=False, **SMALL)[0].shapes["audio"] == (1, 40, 64)


@needs_arrays
def test_options_are_checked() -> None:
    with pytest.raises(DataError, match="n_classes is 11"):
        data.load("spoken_digits", n_classes=11)
    with pytest.raises(DataError, match="n_train is 0"):
        data.load("spoken_digits", n_train=0)
    with pytest.raises(UnknownNameError, match="'left'"):
        data.load("spoken_digits", noise={"left": 1.0})
    train, _, _ = data.load("spoken_digits", noise={"audio": 0.5}, cue=False, **SMALL)
    clean, _, _ = data.load("spoken_digits", cue=False, **SMALL)
    assert torch.equal(train.inputs["image"], clean.inputs["image"])
    noise = train.inputs["audio"] - clean.inputs["audio"]
    assert noise.std() == pytest.approx(0.5, abs=0.01)


@needs_arrays
def test_a_linear_classifier_reads_images_of_new_hands_better_than_it_hears_a_new_voice() -> None:
    """Logistic regression is known to reach .925 and, on a new speaker, .591; ridge is weaker."""
    only_r = {"R": 1.0}
    train, _, test = data.load(
        "spoken_digits", n_train=6000, n_test=2000, n_classes=10, cue=False, composition=only_r
    )
    found = {
        name: RidgeClassifier(alpha=1000.0 if name == "audio" else 1.0)
        .fit(train.inputs[name].flatten(1), train.target)
        .score(test.inputs[name].flatten(1), test.target)
        for name in ("image", "audio")
    }
    assert 0.8 < found["image"] < 0.93
    assert 0.45 < found["audio"] < 0.75
