"""`cremad_votes`: what people heard, saw, and heard and saw in 7442 acted clips.

CREMA-D (Cao et al. 2014): 91 actors speak 12 sentences in six emotions. About ten people each
named the emotion of a clip, and rated how strong it was, from the voice alone, from the face
alone, or from both. So the *inputs* here are not audio and video but what two groups of people made
of them: measured unimodal perception, with the perception of both as one possible target.

The table of votes is downloaded from the authors' repository, the list of the random split from
that of DI-MML (Fan et al. 2024), both pinned to a commit. No digest of either file is published;
the arrays made of them are verified instead.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mmfuse_lib.core.errors import check_integers, check_names
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import select
from mmfuse_lib.data.multimodal import from_arrays
from mmfuse_lib.data.storage.downloads import Arrays, Recipe, fetch, load_arrays

VOTES_URL = (
    "https://raw.githubusercontent.com/CheyneyComputerScience/CREMA-D/"
    "1658cd342dff90010aa843eaeebd53610a08b1dc/processedResults/tabulatedVotes.csv"
)
OGM_TEST_URL = (
    "https://raw.githubusercontent.com/fanyunfeng-bit/DI-MML/"
    "83b9b7acc47ac9f1666e72ed984eacd18cfd3d5c/data/CREMAD/test.csv"
)

#: The two modalities, in order.
MODALITIES = ("voice", "face")

#: The acted emotions, in the order of the class indices.
EMOTIONS = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")

#: Actors from here on are the test split ``"actor"``: 18 of 91.
FIRST_TEST_ACTOR = 1074

N_CLIPS = 7442

Target = Literal["acted", "perceived", "level"]
Split = Literal["actor", "ogm"]
Features = Literal["both", "votes", "levels"]


def load(
    seed: int = 0,
    *,
    target: Target = "acted",
    split: Split = "actor",
    features: Features = "both",
    emotion: str = "ANG",
    n_val_actors: int = 10,
) -> Splits:
    """Load the votes.

    The modalities ``"voice"`` (people who only heard the clip) and ``"face"`` (who only saw it)
    are vectors in the order of `EMOTIONS`: the share of the votes for each emotion, then the mean
    level, from 0 to 1, that the voters for it gave; 0 where nobody voted for it.

    No clip is in two splits, and no actor in both train and val. ``groups`` are the actors.

    Parameters
    ----------
    seed : int
        Seed of the draw of the validation actors.
    target : {"acted", "perceived", "level"}
        ``"acted"``: the emotion the actor was told to play. ``"perceived"``: the emotion that most
        of the people named who both heard and saw the clip (5.6 % are ties; the first in the order
        of `EMOTIONS` counts). ``"level"``: regression on the level, from 0 to 1, that these people
        gave to `emotion`.
    split : {"actor", "ogm"}
        ``"actor"``: the clips of 18 actors are the test split. ``"ogm"``: the random 744 clips of
        DI-MML's list, whose actors are in the training data too, as the papers report.
    features : {"both", "votes", "levels"}
        Shares and levels (12 numbers), or one of them (6 numbers).
    emotion : str
        The emotion that ``target="level"`` is about; not used otherwise.
    n_val_actors : int
        How many of the actors are held out from training for validation.
    """
    check_names("target", [target], get_args(Target))
    check_names("split", [split], get_args(Split))
    check_names("features", [features], get_args(Features))
    check_names("emotion", [emotion], EMOTIONS)
    arrays = load_arrays(RECIPE, list(RECIPE.digests))
    is_test = (
        arrays["test_ogm"].astype(bool) if split == "ogm" else arrays["actor"] >= FIRST_TEST_ACTOR
    )
    val_actors = _draw_actors(np.unique(arrays["actor"][~is_test]), n_val_actors, seed)
    is_val = ~is_test & np.isin(arrays["actor"], val_actors)
    clips = from_arrays(
        {name: _input(arrays, name, features) for name in MODALITIES},
        _target(arrays, target, emotion),
        class_names=None if target == "level" else EMOTIONS,
        groups=arrays["actor"],
    )
    return select(clips, ~is_test & ~is_val, is_val, is_test)


def _draw_actors(actors: NDArray[np.uint16], n: int, seed: int) -> NDArray[np.uint16]:
    check_integers(1, len(actors) - 1, n_val_actors=n)
    return np.random.default_rng(seed).choice(actors, size=n, replace=False)


def _input(arrays: Arrays, name: str, features: Features) -> NDArray[np.float64]:
    votes = arrays[f"{name}_votes"].astype(np.float64)
    shares = votes / votes.sum(axis=1, keepdims=True)
    levels = arrays[f"{name}_level"] / 100.0
    parts = {"both": [shares, levels], "votes": [shares], "levels": [levels]}[features]
    return np.concatenate(parts, axis=1)


def _target(arrays: Arrays, target: Target, emotion: str) -> NDArray[Any]:
    if target == "level":
        return arrays["av_level"][:, EMOTIONS.index(emotion)] / np.float32(100)
    return arrays["label"] if target == "acted" else arrays["av_votes"].argmax(axis=1)


def perception_tables(
    target: Literal["acted", "perceived"] = "perceived", *, majority: bool = False
) -> NDArray[np.float64]:
    """Return, for each actor, how often voice, face and target go together.

    The experiment: draw a clip; draw one of the people who only heard it, one of those who only
    saw it, and for ``target="perceived"`` one of those who did both; each names an emotion. The
    three are different people, so given the clip they are independent, and the probability of
    their answers is the product of the three shares of votes. The table is the sum of these
    products over clips, exactly, with no estimate in between: divided by the number of clips, the
    sum over actors is the distribution p(voice, face, target) of the experiment.

    Parameters
    ----------
    target : {"acted", "perceived"}
        The emotion the actor was told to play, or what one of the people named who both heard and
        saw the clip.
    majority : bool
        Ask the crowd in place of one of its members: each kind of rater answers with the emotion
        that most of them named, ties divided evenly.

    Returns
    -------
    ndarray, shape (91, 6, 6, 6)
        Actors in the order of their numbers; voice, face and target in the order of `EMOTIONS`.
        The sum over everything is the number of clips.

    Raises
    ------
    UnknownNameError, DownloadError
        If there is no such target, or the votes cannot be downloaded.

    Examples
    --------
    >>> from mmfuse_lib.data.downloaded.cremad_votes import perception_tables
    >>> perception_tables("acted").shape  # doctest: +SKIP
    (91, 6, 6, 6)
    """
    check_names("target", [target], ("acted", "perceived"))
    arrays = load_arrays(
        RECIPE, [*(f"{r}_votes" for r in ("voice", "face", "av")), "label", "actor"]
    )
    voice, face, both = (_answers(arrays[f"{r}_votes"], majority) for r in ("voice", "face", "av"))
    y = both if target == "perceived" else np.eye(len(EMOTIONS))[arrays["label"]]
    joint = np.einsum("na,nb,nc->nabc", voice, face, y)
    actors, number = np.unique(arrays["actor"], return_inverse=True)
    tables = np.zeros((len(actors), *joint.shape[1:]))
    np.add.at(tables, number, joint)
    return tables


def _answers(votes: NDArray[np.uint8], majority: bool) -> NDArray[np.float64]:
    """Return the distribution of one rater's answer, or of the crowd's, given the votes."""
    counts = votes.astype(np.float64)
    if majority:
        counts = (counts == counts.max(axis=1, keepdims=True)).astype(np.float64)
    shares: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return shares


# From the published files to arrays.

#: Who voted: the first digit of a row's number (the six digits of ``100001`` are 1 and clip 1).
RATERS = {1: "voice", 2: "face", 3: "av"}
LEVEL_COLUMNS = ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad")


def prepare(names: Sequence[str], raw: Path) -> Arrays:
    """Download the table of votes and the list of the random split, and make the arrays."""
    arrays = read_votes(fetch(VOTES_URL, raw))
    clips = arrays.pop("clip")
    with fetch(OGM_TEST_URL, raw).open(newline="", encoding="utf-8") as file:
        listed = {row[0] for row in csv.reader(file) if row}
    return arrays | {"test_ogm": np.isin(clips, list(listed))}


def read_votes(path: Path) -> Arrays:
    """Read the published table: a row a clip and kind of rater, clips in the order of their names.

    Levels are means over the voters for an emotion; -1 in the table says that there were none,
    which becomes 0.
    """
    votes: dict[tuple[str, str], list[int]] = {}
    levels: dict[tuple[str, str], list[float]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = RATERS[int(row[""]) // 100_000], row["fileName"]
            votes[key] = [int(row[emotion[0]]) for emotion in EMOTIONS]
            levels[key] = [max(0.0, float(row[f"mean{name}Resp"])) for name in LEVEL_COLUMNS]
    clips = sorted({clip for _, clip in votes})
    if len(clips) != N_CLIPS:
        raise ValueError(f"{len(clips)} clips: expected {N_CLIPS}")
    arrays: Arrays = {"clip": np.array(clips)}
    for rater in RATERS.values():
        arrays[f"{rater}_votes"] = np.array([votes[rater, c] for c in clips], dtype=np.uint8)
        arrays[f"{rater}_level"] = np.array([levels[rater, c] for c in clips], dtype=np.float16)
    actor, _, acted, _ = np.array([clip.split("_") for clip in clips]).T  # 1001_DFA_ANG_XX
    arrays["actor"] = actor.astype(np.uint16)
    arrays["label"] = np.array([EMOTIONS.index(name) for name in acted], dtype=np.uint8)
    return arrays


RECIPE = Recipe(
    name="cremad_votes",
    archive_sha256="9824d73ff9a70b07591b3d6b56d0707d51ef3b7caab0b1d6a68af6d4cd3f1fce",
    digests={
        "voice_votes": "0bf60a3799becbd1a7b7de40b230cfe616c5d6eeef53d2fc76fd38b2e4a33bc9",
        "voice_level": "bab0eafc15f9cca714145bd46626b641707ee19c5a58c948dd7eeb1ae8baf29a",
        "face_votes": "d6dfc04e9d2acadcb3e646f943d83a1b89f6af39de0de3051febdc21e27e592c",
        "face_level": "5d07f6de33a980e4fb1710e6756fe789578122a9c1519acad26b1a497b076219",
        "av_votes": "d93ba0956e1d42e00f021f60e02617fcf78dffcce32f96eeebabadea2556a36c",
        "av_level": "f20f795114b4e71dda6febfd1b8b8c5d49480f1a705c397470f62858fd4bf92c",
        "label": "29c7426aacb15bc502ad22c13fcac321f6b0c7a2e8a77d64aa8046fe292ed704",
        "actor": "c2b90629b61b09f67f025d23f8a489dc7e93881f7d0c2231a50f9e95a3973afa",
        "test_ogm": "5f7eb3179cc5b9c1da6c29b643eb70c1eb7528c71821006242eed699e94bf9d0",
    },
    prepare=prepare,
)


CARD = DatasetCard(
    load=load,
    summary="CREMA-D's crowd ratings: which of six emotions people named for 7442 acted clips "
    "that they only heard (voice) or only saw (face). No audio or video. Downloads 4 MB.",
    source="https://github.com/CheyneyComputerScience/CREMA-D",
    licence="Open Database License (ODbL) 1.0, contents DbCL 1.0",
    citation="Cao et al., CREMA-D: crowd-sourced emotional multimodal actors dataset, "
    "IEEE Transactions on Affective Computing, 2014",
)
