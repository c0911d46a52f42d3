"""CREMA-D's votes: the published table, the splits, and what can be learned from them."""

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data.downloaded import cremad_votes
from mmfuse_lib.data.storage import downloads
from mmfuse_lib.data.storage.downloads import digest

needs_arrays = pytest.mark.skipif(
    not os.environ.get(downloads.DATA_DIR), reason="no folder of ready arrays"
)

HEADER = ["", "A", "D", "F", "H", "N", "S", "fileName", "numResponses"]
HEADER += [f"mean{name}Resp" for name in ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad")]

# Rows as in the published table: who (1 voice, 2 face, 3 both), votes, clip, size, levels. The
# first is published; the other two are of the same form.
ROWS = [
    ["100004", 2, 0, 0, 6, 2, 0, "1001_IEO_HAP_HI", 10, 82.5, -1, -1, 63.5, 15, -1],
    ["200004", 0, 0, 0, 9, 0, 0, "1001_IEO_HAP_HI", 9, -1, -1, -1, 81.25, -1, -1],
    ["300004", 0, 0, 1, 7, 2, 0, "1001_IEO_HAP_HI", 10, -1, -1, 20, 70, 50, -1],
]


def write_table(path: Path, rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])


def test_the_published_table_is_read_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cremad_votes, "N_CLIPS", 1)
    write_table(tmp_path / "votes.csv", ROWS)
    arrays = cremad_votes.read_votes(tmp_path / "votes.csv")
    assert arrays["voice_votes"].tolist() == [[2, 0, 0, 6, 2, 0]]
    assert arrays["voice_level"].tolist() == [[82.5, 0, 0, 63.5, 15, 0]]
    assert arrays["face_votes"].tolist() == [[0, 0, 0, 9, 0, 0]]
    assert arrays["av_level"].tolist() == [[0, 0, 20, 70, 50, 0]]
    assert (arrays["actor"].tolist(), arrays["label"].tolist()) == ([1001], [3])


@needs_arrays
def test_the_arrays_hold_rows_of_the_published_table() -> None:
    """Three rows of people who heard actor 1001, as published; clips are in the order of names."""
    arrays = downloads.load_arrays(cremad_votes.RECIPE, ["voice_votes", "voice_level", "actor"])
    published = {
        (2, 0, 0, 6, 2, 0): [82.5, 0, 0, 63.5, 15, 0],  # 1001_IEO_HAP_HI
        (0, 0, 9, 0, 0, 0): [0, 0, 53.8888888888889, 0, 0, 0],  # 1001_ITH_FEA_XX
        (6, 2, 0, 0, 1, 0): [47.3333333333333, 59.5, 0, 0, 89, 0],  # 1001_DFA_ANG_XX
    }
    first = arrays["actor"] == 1001
    assert arrays["voice_votes"][0].tolist() == [6, 2, 0, 0, 1, 0]
    for votes, levels in published.items():
        same = (arrays["voice_votes"][first] == votes).all(axis=1)
        found = arrays["voice_level"][first][same].astype(float)
        assert np.isclose(found, levels, rtol=1e-3).all(axis=1).any()


def test_a_table_with_clips_missing_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "votes.csv", ROWS)
    with pytest.raises(ValueError, match="1 clips: expected 7442"):
        cremad_votes.read_votes(tmp_path / "votes.csv")


@needs_arrays
def test_a_table_with_the_values_of_the_arrays_is_made_into_exactly_these_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = list(cremad_votes.RECIPE.digests)
    arrays = downloads.load_arrays(cremad_votes.RECIPE, names)
    clips = [
        f"{actor}_AAA_{cremad_votes.EMOTIONS[label]}_{k:04d}"
        for k, (actor, label) in enumerate(zip(arrays["actor"], arrays["label"], strict=True))
    ]
    order = sorted(range(len(clips)), key=lambda k: clips[k])
    rows: list[list[object]] = []
    for digit, rater in cremad_votes.RATERS.items():
        for k, clip in enumerate(clips):
            votes, levels = arrays[f"{rater}_votes"][k], arrays[f"{rater}_level"][k].astype(float)
            shown = [v if n else -1 for v, n in zip(levels, votes, strict=True)]
            rows.append([digit * 100_000 + k, *votes, clip, votes.sum(), *shown])
    write_table(tmp_path / "tabulatedVotes.csv", rows)
    listed = [
        [clip, clip[9:12]] for clip, held in zip(clips, arrays["test_ogm"], strict=True) if held
    ]
    with (tmp_path / "test.csv").open("w", newline="") as file:
        csv.writer(file).writerows(listed)
    monkeypatch.setattr(cremad_votes, "fetch", lambda url, raw: raw / url.rpartition("/")[2])
    made = cremad_votes.prepare(names, tmp_path)
    for name in names:
        assert digest(made[name]) == digest(arrays[name][order]), name


@needs_arrays
@pytest.mark.parametrize(("split", "n_rest", "n_test"), [("actor", 5967, 1475), ("ogm", 6698, 744)])
def test_the_splits_have_the_published_sizes_and_depend_on_the_seed_in_validation_only(
    split: str, n_rest: int, n_test: int
) -> None:
    train, val, test = data.load("cremad_votes", split=split, seed=0)
    assert (len(train) + len(val), len(test)) == (n_rest, n_test)
    assert 700 < len(val) < 900  # ten of the actors, with 82 clips each
    other_train, other_val, other_test = data.load("cremad_votes", split=split, seed=1)
    assert torch.equal(test.inputs["face"], other_test.inputs["face"])
    assert not torch.equal(train.target, other_train.target)
    assert len(other_train) + len(other_val) == n_rest


@needs_arrays
def test_no_actor_is_in_two_splits() -> None:
    actor = downloads.load_arrays(cremad_votes.RECIPE, ["actor"])["actor"]
    drawn = cremad_votes._draw_actors(np.unique(actor[actor < 1074]), 10, 3)
    assert len(set(drawn)) == 10
    train, val, test = data.load("cremad_votes", seed=3)
    counts = [int(np.isin(actor, drawn).sum()), int((actor >= 1074).sum())]
    assert [len(val), len(test)] == counts
    assert len(train) == len(actor) - sum(counts)
    named = [set(part.groups.tolist()) for part in (train, val, test) if part.groups is not None]
    assert [len(of) for of in named] == [63, 10, 18]
    assert set.union(*named) == set(range(91))


@needs_arrays
def test_the_inputs_are_shares_that_sum_to_one_and_levels_between_zero_and_one() -> None:
    both, votes, levels = (
        data.load("cremad_votes", features=f)[0] for f in ("both", "votes", "levels")
    )
    for name in ("voice", "face"):
        shares, level = both.inputs[name][:, :6], both.inputs[name][:, 6:]
        assert torch.equal(shares, votes.inputs[name])
        assert torch.equal(level, levels.inputs[name])
        assert torch.allclose(shares.sum(dim=1), torch.ones(len(both)))
        assert level.min() == 0
        assert 0.9 < level.max() <= 1
        assert (level[shares == 0] == 0).all()


@needs_arrays
def test_the_targets() -> None:
    acted, perceived, level = (
        data.load("cremad_votes", target=t)[2] for t in ("acted", "perceived", "level")
    )
    assert acted.class_names == perceived.class_names == cremad_votes.EMOTIONS
    # Both groups together name the acted emotion in three clips of four (all clips: 74.8 %).
    assert (acted.target == perceived.target).float().mean() == pytest.approx(0.75, abs=0.04)
    assert level.task == "regression"
    assert 0 <= level.target.min() < level.target.max() <= 1
    arrays = downloads.load_arrays(cremad_votes.RECIPE, ["av_level", "actor"])
    _, _, happy = data.load("cremad_votes", target="level", emotion="HAP")
    expected = arrays["av_level"][arrays["actor"] >= 1074, 3] / 100
    assert np.allclose(happy.target.numpy(), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("option", "value", "match"),
    [
        ("target", "act", "Did you mean 'acted'"),
        ("split", "actors", "Did you mean 'actor'"),
        ("features", "vote", "Did you mean 'votes'"),
        ("emotion", "JOY", "Known: ANG"),
    ],
)
def test_wrong_options_are_named(option: str, value: str, match: str) -> None:
    with pytest.raises(UnknownNameError, match=match):
        data.load("cremad_votes", 0, **{option: value})


@needs_arrays
@pytest.mark.parametrize("n", [0, 73, 2.5])
def test_a_wrong_number_of_validation_actors_is_an_error(n: float) -> None:
    with pytest.raises(DataError, match="from 1 to 72"):
        data.load("cremad_votes", n_val_actors=n)


@needs_arrays
@pytest.mark.parametrize(
    ("options", "voice", "face", "both"),
    [
        ({}, 0.569, 0.740, 0.780),
        ({"split": "ogm"}, 0.602, 0.741, 0.815),
        ({"target": "perceived"}, 0.607, 0.769, 0.816),
    ],
)
def test_a_linear_classifier_learns_what_it_is_known_to_learn(
    options: dict[str, Any], voice: float, face: float, both: float
) -> None:
    train, _, test = data.load("cremad_votes", **options)
    for modalities, expected in ((["voice"], voice), (["face"], face), (["voice", "face"], both)):
        x, x_test = (torch.cat([p.inputs[v] for v in modalities], dim=1) for p in (train, test))
        model = LogisticRegression(tol=1e-3).fit(x, train.target)
        assert model.score(x_test, test.target) == pytest.approx(expected, abs=0.03)


@needs_arrays
def test_the_level_of_happiness_is_in_the_face_that_of_anger_in_both() -> None:
    explained = {}
    for emotion in ("HAP", "ANG"):
        train, _, test = data.load("cremad_votes", target="level", emotion=emotion)
        for name, modalities in {
            "voice": ["voice"],
            "face": ["face"],
            "both": ["voice", "face"],
        }.items():
            x, x_test = (torch.cat([p.inputs[v] for v in modalities], dim=1) for p in (train, test))
            model = Ridge(alpha=1.0).fit(x, train.target)
            explained[emotion, name] = model.score(x_test, test.target)
    assert explained["HAP", "face"] > explained["HAP", "voice"] + 0.3
    assert explained["HAP", "both"] < explained["HAP", "face"] + 0.05
    for alone in ("voice", "face"):
        assert explained["ANG", "both"] > explained["ANG", alone] + 0.03


# The table of perception.


def fake_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clips of two actors, rated by a handful of people."""
    arrays = {
        "voice_votes": np.array([[3, 1, 0, 0, 0, 0], [0, 0, 2, 2, 0, 0]], dtype=np.uint8),
        "face_votes": np.array([[1, 0, 0, 1, 0, 0], [0, 0, 5, 0, 0, 0]], dtype=np.uint8),
        "av_votes": np.array([[2, 0, 0, 0, 0, 0], [0, 0, 1, 3, 0, 0]], dtype=np.uint8),
        "label": np.array([0, 3], dtype=np.uint8),
        "actor": np.array([1001, 1005], dtype=np.uint16),
    }
    monkeypatch.setattr(cremad_votes, "load_arrays", lambda _, names: {n: arrays[n] for n in names})


def test_the_table_of_perception_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares multiply: three of four heard ANG, one of two saw it, all of both named it."""
    fake_arrays(monkeypatch)
    tables = cremad_votes.perception_tables()
    assert tables.shape == (2, 6, 6, 6)
    assert tables[0, 0, 0, 0] == pytest.approx(3 / 4 * 1 / 2 * 1)
    assert tables[0, 1, 3, 0] == pytest.approx(1 / 4 * 1 / 2 * 1)
    assert tables[1, 3, 2, 3] == pytest.approx(1 / 2 * 1 * 3 / 4)
    assert tables.sum(axis=(1, 2, 3)) == pytest.approx(np.ones(2))  # a clip each


def test_the_crowd_answers_with_what_most_named_and_divides_ties(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_arrays(monkeypatch)
    crowd = cremad_votes.perception_tables(majority=True)
    assert crowd[0, 0, 0, 0] == pytest.approx(1 / 2)  # the faces are a tie of ANG and HAP
    assert crowd[0, 1].sum() == 0
    assert crowd[1, 2, 2, 3] == crowd[1, 3, 2, 3] == pytest.approx(1 / 2)
    acted = cremad_votes.perception_tables("acted")
    assert acted[0, ..., 0].sum() == pytest.approx(1)
    assert acted[1, ..., 3].sum() == pytest.approx(1)


def test_another_target_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="target 'heard'"):
        cremad_votes.perception_tables("heard")  # type: ignore[arg-type]


@needs_arrays
def test_drawing_three_people_again_and_again_gives_the_table() -> None:
    """The experiment itself, against the formula."""
    arrays = downloads.load_arrays(cremad_votes.RECIPE, list(cremad_votes.RECIPE.digests))
    rng = np.random.default_rng(0)
    n, drawn = 100_000, np.zeros((6, 6, 6))
    clips = rng.integers(len(arrays["label"]), size=n)
    answers = []
    for rater in ("voice", "face", "av"):
        votes = arrays[f"{rater}_votes"][clips].astype(float)
        below = (votes / votes.sum(axis=1, keepdims=True)).cumsum(axis=1)
        answers.append((rng.random((n, 1)) > below[:, :5]).sum(axis=1))
    np.add.at(drawn, tuple(answers), 1 / n)
    tables = cremad_votes.perception_tables()
    assert tables.shape == (91, 6, 6, 6)
    expected = tables.sum(axis=0) / tables.sum()
    assert tables.sum() == pytest.approx(7442)
    standard_error = np.sqrt(expected * (1 - expected) / n)
    assert (np.abs(drawn - expected) < 5 * standard_error + 1e-9).all()
