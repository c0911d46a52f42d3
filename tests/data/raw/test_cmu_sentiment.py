"""CMU-MOSI and CMU-MOSEI from a folder of the published layout, generated small.

Six videos of three segments of two seconds, four words each. All features of a word are linear in
one number that tells video, segment and word apart, and in the score of the segment.
"""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data.raw import cmu_folds, cmu_sentiment

FOLDS = {"train": ["v0", "v1", "v2", "v3"], "valid": ["v4"], "test": ["v5"]}
VIDEOS = [video for videos in FOLDS.values() for video in videos]
N_SEGMENTS, N_WORDS = 3, 4
SECONDS = 0.5  # a word

Rows = tuple[NDArray[np.float64], NDArray[np.float64]]


def score(video: int, segment: int) -> int:
    return (3 * video + 2 * segment) % 7 - 3


def code(video: int, word: int) -> float:
    return 10.0 * video + word


def write(path: Path, rows: dict[str, Rows]) -> None:
    with h5py.File(path, "w") as file:
        for video, (features, intervals) in rows.items():
            order = np.random.default_rng(0).permutation(len(features))  # not in order of time
            file[f"some name/data/{video}/features"] = features[order].astype(np.float32)
            file[f"some name/data/{video}/intervals"] = intervals[order]


def labels_of(video: int, n_columns: int) -> Rows:
    starts = 2.0 * np.arange(N_SEGMENTS)
    features = np.zeros((N_SEGMENTS, n_columns))
    features[:, 0] = [score(video, segment) for segment in range(N_SEGMENTS)]
    return features, np.stack([starts, starts + 2], axis=1)


def features_of(video: int, per_word: int, n_features: int) -> Rows:
    """Return as many rows a word as given: the code, the score, and multiples of the code."""
    words = np.repeat(np.arange(N_SEGMENTS * N_WORDS), per_word)
    codes = np.array([code(video, word) for word in words.tolist()])
    scores = [score(video, word // N_WORDS) for word in words.tolist()]
    features = np.stack([codes, scores, *[k * codes for k in range(2, n_features)]], axis=1)
    starts = SECONDS / per_word * np.arange(len(words))
    return features, np.stack([starts, starts + SECONDS / per_word], axis=1)


def generate(root: Path, corpus: cmu_sentiment.Corpus, n_columns: int) -> Path:
    root.mkdir()
    numbered = list(enumerate(VIDEOS))
    write(root / corpus.labels, {video: labels_of(k, n_columns) for k, video in numbered})
    for file, per_word, n in [
        (corpus.words, 1, 3), (corpus.audio, 5, 2), (corpus.visual["facet42"], 2, 4),
    ]:  # fmt: skip
        write(root / file, {video: features_of(k, per_word, n) for k, video in numbered})
    return root


@pytest.fixture(autouse=True)
def _small_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cmu_folds, "MOSI", FOLDS)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return generate(tmp_path / "mosi", cmu_sentiment.MOSI, 1)


def change(path: Path, video: str, features: NDArray[np.float64] | float) -> None:
    with h5py.File(path, "r+") as file:
        file[f"some name/data/{video}/features"][...] = features


def remove(path: Path, videos: list[str]) -> None:
    with h5py.File(path, "r+") as file:
        for video in videos:
            del file[f"some name/data/{video}"]


def test_the_folds_are_the_splits_and_no_video_is_in_two(root: Path) -> None:
    splits = data.load("cmu_mosi", root=root, target="score", n_words=5)
    assert [len(split) for split in splits] == [12, 3, 3]
    assert splits[0].shapes == {"text": (5, 3), "audio": (5, 2), "video": (5, 4)}
    assert splits[0].task == "regression"
    groups = [set(split.groups.tolist()) for split in splits if split.groups is not None]
    assert groups == [{0, 1, 2, 3}, {4}, {5}]
    for split, videos in zip(splits, ([0, 1, 2, 3], [4], [5]), strict=True):
        expected = [score(video, segment) for video in videos for segment in range(N_SEGMENTS)]
        assert split.target.tolist() == expected


def test_words_voice_face_and_label_are_of_the_same_moment(root: Path) -> None:
    train, val, test = data.load("cmu_mosi", root=root, target="score", n_words=5)
    for split in (train, val, test):
        text, audio, video = split.inputs.values()
        assert torch.allclose(text[:, :, 0], audio[:, :, 0], atol=1e-4)
        assert torch.allclose(text[:, :, 0], video[:, :, 0], atol=1e-4)
        assert torch.isfinite(torch.cat([text, audio, video], dim=2)).all()
        assert (text[:, 4] == 0).all(), "behind the last word"
    # Undo the standardisation: what is left is the code of each word, and the score.
    words = np.array([[code(v, w) for w in range(12)] for v in range(4)])
    codes = train.inputs["audio"][:, :4, 0].numpy() * words.std() + words.mean()
    assert codes == pytest.approx(words.reshape(12, 4), abs=1e-3)
    scores = train.target.numpy()
    assert train.inputs["video"][:, 0, 1].numpy() == pytest.approx(
        (scores - scores.mean()) / scores.std(), abs=1e-5
    )


def test_the_sign_leaves_zero_out(root: Path) -> None:
    train, _, _ = data.load("cmu_mosi", root=root)
    scores = [score(v, s) for v in range(4) for s in range(N_SEGMENTS)]
    assert train.target.tolist() == [int(y > 0) for y in scores if y != 0]
    assert train.class_names == ("negative", "positive")
    assert len(train) < len(scores)


def test_what_is_standardised_does_not_depend_on_the_test_videos(root: Path) -> None:
    before = data.load("cmu_mosi", root=root, target="score", prepared=root / "a")
    for file in (cmu_sentiment.MOSI.audio, cmu_sentiment.MOSI.words):
        change(root / file, "v5", 1000.0)
    after = data.load("cmu_mosi", root=root, target="score", prepared=root / "b")
    for name, x in before[0].inputs.items():
        known = x[:, :N_WORDS]
        assert torch.equal(x, after[0].inputs[name])
        assert known.mean(dim=(0, 1)).abs().max() < 1e-5
        assert (known.std(dim=(0, 1), correction=0) - 1).abs().max() < 1e-5
    assert after[2].inputs["audio"][:, :N_WORDS].min() > 50


def test_of_long_segments_the_first_words_count(root: Path) -> None:
    long, _, _ = data.load("cmu_mosi", root=root, target="score", n_words=4, prepared=root / "a")
    short, _, _ = data.load("cmu_mosi", root=root, target="score", n_words=2, prepared=root / "b")
    for k in range(12):
        a, b = (x.inputs["text"][k, :2, 0] for x in (long, short))
        assert (a[1] > a[0]) == (b[1] > b[0]), "the order of the words"
    codes = [code(v, 4 * s + w) for v in range(4) for s in range(3) for w in range(2)]
    expected = (np.array(codes) - np.mean(codes)) / np.std(codes)
    assert short.inputs["text"][:, :, 0].numpy().ravel() == pytest.approx(expected, abs=1e-5)


def test_what_is_not_finite_is_left_out_of_means_and_zero_where_nothing_is_left(
    root: Path,
) -> None:
    path = root / cmu_sentiment.MOSI.audio
    features, intervals = features_of(0, 5, 2)
    features[0, 0] = -np.inf  # one of five frames of the first word: the mean is that of the others
    features[5:10] = np.nan  # all of the second
    rows = {v: features_of(k, 5, 2) for k, v in enumerate(VIDEOS)} | {"v0": (features, intervals)}
    write(path, rows)
    train, _, _ = data.load("cmu_mosi", root=root, target="score", n_words=4)
    text, audio = train.inputs["text"], train.inputs["audio"]
    assert (audio[0, 1] == 0).all()
    others = torch.ones(12, 4, dtype=torch.bool)
    others[0, 1] = False
    fit = np.polyfit(text[:, :, 0][others], audio[:, :, 0][others], 1)
    assert audio[0, 0, 0].item() == pytest.approx(np.polyval(fit, text[0, 0, 0].item()), abs=1e-4)


def test_arrays_are_made_once_and_again_for_other_options(root: Path) -> None:
    data.load("cmu_mosi", root=root)
    made = {path.stem for path in (root / "prepared").glob("*.npy")}
    assert made == {
        "CMU_MOSI_COVAREP", "CMU_MOSI_TimestampedWordVectors", "CMU_MOSI_Visual_Facet_42"
    }  # fmt: skip
    for name in (cmu_sentiment.MOSI.words, cmu_sentiment.MOSI.audio):
        (root / name).unlink()  # not needed any more
    assert len(data.load("cmu_mosi", root=root, target="score")[0]) == 12
    with pytest.raises(DataError, match="files are missing"):
        data.load("cmu_mosi", root=root, n_words=7)


def test_a_modality_or_the_other_features_of_the_face_can_be_chosen(root: Path) -> None:
    old, new = (cmu_sentiment.MOSI.visual[name] for name in ("facet42", "openface2"))
    (root / old).rename(root / new)
    train, _, _ = data.load(
        "cmu_mosi", root=root, modalities=["video", "text"], visual="openface2", n_words=4
    )
    assert train.modalities == ("video", "text")


# CMU-MOSEI.


def list_folds(folds: dict[str, list[str]]) -> str:
    return "".join(f"standard_{fold}_fold={names!r}\n\n" for fold, names in folds.items())


@pytest.fixture
def mosei(tmp_path: Path) -> Path:
    root = generate(tmp_path / "mosei", cmu_sentiment.MOSEI, 7)
    (root / cmu_folds.MOSEI_FILE).write_text(list_folds(FOLDS))
    return root


def test_mosei_has_the_folds_of_its_list_and_the_first_label_is_the_sentiment(mosei: Path) -> None:
    swapped = {"train": FOLDS["train"], "test": FOLDS["valid"], "valid": FOLDS["test"]}
    (mosei / cmu_folds.MOSEI_FILE).write_text(list_folds(swapped))
    splits = data.load("cmu_mosei", root=mosei, target="score")
    assert [len(split) for split in splits] == [12, 3, 3]
    assert splits[1].target.tolist() == [score(5, segment) for segment in range(N_SEGMENTS)]


def test_a_missing_list_is_downloaded(mosei: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (mosei / cmu_folds.MOSEI_FILE).unlink()

    def fetch(url: str, folder: Path) -> Path:
        path = folder / url.rpartition("/")[2]
        path.write_text(list_folds(FOLDS))
        return path

    monkeypatch.setattr(cmu_folds, "fetch", fetch)
    assert len(data.load("cmu_mosei", root=mosei, target="score")[0]) == 12
    assert (mosei / "cmu_mosei_std_folds.py").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (list_folds(FOLDS).replace("['v4']", "[]"), r"expected standard_valid_fold = \["),
        (list_folds(FOLDS).replace("['v4']", "open('stolen', 'w')"), "standard_valid_fold ="),
        (list_folds(FOLDS).replace("['v4']", "['../v4']"), "standard_valid_fold ="),
        (list_folds(FOLDS).replace("valid", "dev"), "standard_valid_fold ="),
        (list_folds(FOLDS).replace("['v4']", "['v0']"), "1 videos are listed twice: v0"),
        ("404: Not Found", r"std_folds\.py cannot be read"),
    ],
)
def test_a_list_of_another_form_is_an_error_and_is_never_run(
    text: str, message: str, mosei: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mosei)
    (mosei / cmu_folds.MOSEI_FILE).write_text(text)
    with pytest.raises(DataError, match=message):
        data.load("cmu_mosei", root=mosei)
    assert not (mosei / "stolen").exists()


def test_the_folds_of_mosi_are_of_the_published_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    folds = cmu_folds.mosi_folds(Path())
    assert [len(videos) for videos in folds.values()] == [52, 10, 31]
    assert len({video for videos in folds.values() for video in videos}) == 93


# What can be wrong.


def test_without_a_folder_or_files_it_says_what_to_get(root: Path) -> None:
    with pytest.raises(DataError, match=r"Opinion_Labels\.csd.*CMU-MultimodalSDK"):
        data.load("cmu_mosi", root=None)
    (root / cmu_sentiment.MOSI.audio).unlink()
    with pytest.raises(DataError, match=r"1 of 2 files are missing: .*CMU_MOSI_COVAREP\.csd"):
        data.load("cmu_mosi", root=root)
    (root / cmu_sentiment.MOSI.labels).unlink()
    with pytest.raises(DataError, match=r"files are missing: .*CMU_MOSI_Opinion_Labels\.csd"):
        data.load("cmu_mosi", root=root)


def test_options_that_do_not_exist_are_named(root: Path) -> None:
    for options in ({"target": "signs"}, {"visual": "facet"}, {"modalities": ["voice"]}):
        with pytest.raises(UnknownNameError, match=next(iter(options.values()))[0]):
            data.load("cmu_mosi", root=root, **options)
    with pytest.raises(DataError, match="n_words is 0"):
        data.load("cmu_mosi", root=root, n_words=0)


def test_videos_that_the_labels_lack_are_counted(root: Path) -> None:
    remove(root / cmu_sentiment.MOSI.labels, ["v1", "v3"])
    with pytest.raises(DataError, match="lacks 2 of the 4 videos for train, such as v1"):
        data.load("cmu_mosi", root=root)


def test_segments_without_a_modality_are_counted(root: Path) -> None:
    remove(root / cmu_sentiment.MOSI.audio, ["v1", "v3"])
    with pytest.raises(DataError, match=r"6 of 18 segments have no audio, such as v1 from 0\.0 s"):
        data.load("cmu_mosi", root=root)


def test_a_few_segments_without_a_modality_are_left_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cmu_sentiment, "MAY_MISS", 0.5)
    remove(root / cmu_sentiment.MOSI.audio, ["v1"])
    train, _, _ = data.load("cmu_mosi", root=root, target="score", n_words=4)
    assert train.target.tolist() == [score(v, s) for v in (0, 2, 3) for s in range(N_SEGMENTS)]
    assert torch.allclose(train.inputs["text"][..., 0], train.inputs["audio"][..., 0], atol=1e-4)
    remove(root / cmu_sentiment.MOSI.audio, ["v5"])
    with pytest.raises(DataError, match="test has no complete segment"):
        data.load("cmu_mosi", root=root, prepared=root / "again")


def test_sentiments_out_of_range_are_an_error(root: Path) -> None:
    for value in (3.5, np.nan):
        change(root / cmu_sentiment.MOSI.labels, "v2", value)
        with pytest.raises(DataError, match=r"sentiments of v2 are .*expected -3 to 3"):
            data.load("cmu_mosi", root=root)


def test_a_video_with_another_number_of_features_is_named(root: Path) -> None:
    rows = {video: features_of(k, 5, 3 if k == 2 else 2) for k, video in enumerate(VIDEOS)}
    write(root / cmu_sentiment.MOSI.audio, rows)
    with pytest.raises(DataError, match=r"COVAREP\.csd: v2 has 3 features, others have 2"):
        data.load("cmu_mosi", root=root)


def test_a_damaged_file_is_named(root: Path) -> None:
    path = root / cmu_sentiment.MOSI.words
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"WordVectors\.csd cannot be read: .*Get it from"):
        data.load("cmu_mosi", root=root)
