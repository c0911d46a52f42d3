"""MMSD: the recipe on lines written by hand, on the real labels and words, and what is learned."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, DownloadError, UnknownNameError
from mmfuse_lib.data.downloaded import mmsd_sarcasm
from mmfuse_lib.data.downloaded.mmsd_sarcasm import (
    Post,
    attribute_features,
    read_posts,
    text_features,
)
from mmfuse_lib.data.storage import downloads
from mmfuse_lib.data.storage.downloads import Arrays, Sizes, load_arrays, mismatch
from tests.data.server import Server

needs_arrays = pytest.mark.skipif(
    not os.environ.get(downloads.DATA_DIR), reason="no folder of ready arrays"
)

WORDS = ("sky", "man", "sign", "bus", "tie")


# Reading.


def test_a_post_is_kept_if_it_gives_nothing_away_and_its_image_has_five_words(
    tmp_path: Path,
) -> None:
    lines = [
        "['1', 'what a lovely rain ', 1]",
        "['2', 'no # irony here', 1]",  # gives it away
        "['3', 'ironically, kept: the word is another', 0]",
        "['4', 'four words only', 0]",
        "['5', \"nobody knows the picture 's words\", 0]",
        "['6', 'a part with two labels \\n in one tweet', 0, 1]",  # the hashtag's is the first
    ]
    (tmp_path / "posts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words: dict[str, tuple[str, ...]] = {**dict.fromkeys("1236", WORDS), "4": WORDS[:4]}
    assert read_posts(tmp_path / "posts.txt", words) == [
        Post("what a lovely rain ", WORDS, 1),
        Post("ironically, kept: the word is another", WORDS, 0),
        Post("a part with two labels \n in one tweet", WORDS, 0),
    ]


@pytest.mark.parametrize("line", ["__import__('os').getcwd()", "open('x')", "{'a': 1}", "['1'"])
def test_a_line_that_is_no_list_of_literals_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "posts.txt").write_text(line)
    with pytest.raises((ValueError, SyntaxError)):
        read_posts(tmp_path / "posts.txt", {})


# Features.


def test_text_features_by_hand() -> None:
    """Without pairs that repeat, two tweets of different words: two orthogonal unit vectors.

    Three of "a", one of "b": singular values sqrt(3) and 1. A test tweet "a b" lies between; the
    weight of a word in n of N tweets is log((1 + N) / (1 + n)) + 1, normalised to length 1.
    """
    found = text_features({"train": ["a", "a", "a", "b"], "test": ["a b", "c"]}, 2, min_count=1)
    assert np.linalg.norm(found["train"], axis=0) == pytest.approx([3**0.5, 1], abs=1e-3)
    assert np.abs(found["train"]) == pytest.approx(
        np.array([[1, 0], [1, 0], [1, 0], [0, 1]]), abs=1e-3
    )
    a, b = np.log(5 / 4) + 1, np.log(5 / 2) + 1
    assert np.abs(found["test"][0]) == pytest.approx(np.array([a, b]) / np.hypot(a, b), abs=1e-3)
    assert (found["test"][1] == 0).all(), "a word that training does not know counts nothing"


def test_what_is_tested_on_does_not_change_what_is_learned_from() -> None:
    train = [f"w{k % 7} w{k % 5} w{k % 3}" for k in range(40)]
    one = text_features({"train": train, "test": ["w1 w2"]}, 4)
    two = text_features({"train": train, "test": ["new words", "w1 w2", "w1 w2"]}, 4)
    assert (one["train"] == two["train"]).all()
    assert (one["test"][0] == two["test"][1]).all()


def test_attribute_features_by_hand() -> None:
    """Words 0 and 1 always together, in 4 of 6 images; word 2 in the others."""
    ids: NDArray[Any] = np.array([[0, 1]] * 4 + [[2, 2]] * 2, dtype=np.uint16)
    found = attribute_features({"train": ids, "test": ids[:1]}, 4, 2)
    # Rows (1, 1, 0, 0) and (0, 0, 2, 0): singular values sqrt(4 * 2) and sqrt(2 * 4).
    assert np.linalg.norm(found["train"].astype(float)) == pytest.approx(4, abs=1e-2)
    assert np.linalg.norm(found["test"].astype(float)) == pytest.approx(2**0.5, abs=1e-3)


def test_sizes_see_what_differs_and_not_the_sign() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float16)
    expected = Sizes((50, 3), tuple(np.linalg.norm(x.astype(float), axis=0)[:2]))
    assert mismatch(x * np.float16(-1), expected) == ""
    assert "columns of lengths" in mismatch(x * np.float16(1.1), expected)
    assert "expected (50, 3)" in mismatch(x[1:], expected)
    assert "expected (50, 3) of floats" in mismatch(np.ones((50, 3), dtype=int), expected)
    x[0, 2] = np.nan
    assert "columns of lengths" in mismatch(x, expected)


# The files, and the arrays on disk.


def write_files(arrays: Arrays, root: Path) -> dict[str, bytes]:
    """Return the published files with these labels and words, and texts made up."""
    rng = np.random.default_rng(0)
    words, images, files = arrays["attr_words"], [], {}
    for part, path in mmsd_sarcasm.PARTS.items():
        lines = []
        for k, (ids, label) in enumerate(
            zip(arrays[f"{part}_attr_ids"], arrays[f"{part}_label"], strict=True)
        ):
            number = f"{part}{k}"
            images.append(repr([number, *words[ids].tolist()]))
            text = " ".join(f"w{w}" for w in rng.integers(400, size=4))
            row = [number, text, int(label)]
            lines.append(repr(row if part == "train" else [*row, 1 - int(label)]))
        files[f"/{path}"] = "\n".join([*lines, repr(["x", "irony !", 1])]).encode()
    return files | {f"/{mmsd_sarcasm.ATTRIBUTES}": "\n".join(images).encode()}


@needs_arrays
def test_published_files_are_made_into_the_known_arrays_and_wrong_texts_are_noticed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels, words and their features are the real ones; the texts are not, which shows."""
    recipe = mmsd_sarcasm.RECIPE
    names = [name for name in recipe.digests if "text" not in name]
    real = load_arrays(recipe, names)
    server.files |= write_files(real, tmp_path)
    monkeypatch.setattr(mmsd_sarcasm, "URL", server.url)
    made = mmsd_sarcasm.prepare(names, tmp_path)
    for name in names:
        assert mismatch(made[name], recipe.digests[name]) == "", name
    agreement = _subspace(made["train_attr_svd"], real["train_attr_svd"])
    assert agreement > 0.99, "the same directions, but for signs and rotations"
    for part in mmsd_sarcasm.PARTS:
        expected = recipe.digests[f"{part}_text_svd"]
        assert "columns of lengths" in mismatch(made[f"{part}_text_svd"], expected)
    assert len(server.asked) == 4
    assert not any("Extract" in path for path in server.asked), "the pickle was asked for"


def _subspace(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the mean squared cosine between the spaces of the first 50 columns."""
    qx, qy = (np.linalg.qr(a[:, :50].astype(float))[0] for a in (x, y))
    return float(((qx.T @ qy) ** 2).sum() / 50)


def test_other_labels_than_the_published_are_an_error(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    fake: Arrays = {"attr_words": np.array([f"a{k:03}" for k in range(120)])}
    for part in mmsd_sarcasm.PARTS:
        fake[f"{part}_attr_ids"] = rng.integers(120, size=(600, 5)).astype(np.uint16)
        fake[f"{part}_label"] = rng.integers(2, size=600).astype(np.uint8)
    server.files |= write_files(fake, cache)
    monkeypatch.setattr(mmsd_sarcasm, "URL", server.url)
    with pytest.raises(DownloadError, match=r"'attr_words' has SHA-256 .* have changed"):
        data.load("mmsd_sarcasm")


@needs_arrays
def test_the_arrays_on_disk_are_the_expected_ones() -> None:
    names = list(mmsd_sarcasm.RECIPE.digests)
    arrays = load_arrays(mmsd_sarcasm.RECIPE, names)
    for name in names:
        assert mismatch(arrays[name], mmsd_sarcasm.RECIPE.digests[name]) == "", name


@needs_arrays
def test_the_published_split_standardised_on_its_training_part() -> None:
    splits = data.load("mmsd_sarcasm")
    assert [len(part) for part in splits] == [19816, 2410, 2409]
    assert splits[0].shapes == {"text": (300,), "attributes": (100,)}
    for x in splits[0].inputs.values():
        assert x.mean(dim=0).abs().max() < 1e-4
        assert (x.std(dim=0) - 1).abs().max() < 1e-3
    (train, *_) = data.load("mmsd_sarcasm", modalities=["attributes"])
    assert torch.equal(train.inputs["attributes"], splits[0].inputs["attributes"])
    with pytest.raises(UnknownNameError, match="modality 'image'"):
        data.load("mmsd_sarcasm", modalities=["image"])
    with pytest.raises(DataError, match="each once"):
        data.load("mmsd_sarcasm", modalities=["text", "text"])


@needs_arrays
@pytest.mark.parametrize(
    ("modalities", "accuracy"),
    [(["text"], 0.817), (["attributes"], 0.674), (["text", "attributes"], 0.838)],
)
def test_a_linear_classifier_learns_what_it_is_known_to_learn(
    modalities: list[str], accuracy: float
) -> None:
    train, _, test = data.load("mmsd_sarcasm")
    x, x_test = (torch.cat([part.inputs[v] for v in modalities], dim=1) for part in (train, test))
    model = LogisticRegression(C=0.01, tol=1e-3).fit(x, train.target)
    assert model.score(x_test, test.target) == pytest.approx(accuracy, abs=0.015)
