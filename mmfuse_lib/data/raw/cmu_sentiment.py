"""`cmu_mosi` and `cmu_mosei`: is what somebody says in a video positive? Words, voice, face.

CMU-MOSI has 2199 segments of 93 videos about films (Zadeh et al. 2016), CMU-MOSEI about 23 000 of
3228 videos about anything (Zadeh et al. 2018), each with a sentiment from -3 to 3. The folder holds
the computational sequences of the CMU-MultimodalSDK under their published names::

    cmu_mosi                                        cmu_mosei
    root/CMU_MOSI_Opinion_Labels.csd                root/CMU_MOSEI_Labels.csd
    root/CMU_MOSI_TimestampedWordVectors.csd        root/CMU_MOSEI_TimestampedWordVectors.csd
    root/CMU_MOSI_COVAREP.csd                       root/CMU_MOSEI_COVAREP.csd
    root/CMU_MOSI_Visual_Facet_42.csd               root/CMU_MOSEI_VisualFacet42.csd

With ``visual="openface2"`` the last is ``CMU_MOSI_Visual_OpenFace_2.csd`` or
``CMU_MOSEI_VisualOpenFace2.csd``. Names and layout are those in the code of the SDK; the files
themselves could not be inspected, so their number of features is read from them.

The features of each word in each modality are computed once and kept in one array a modality on
disk: 2 GB for CMU-MOSEI with 50 words a segment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError, check_integers, check_names
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import choose, fill_and_standardise
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.data.raw.cmu_folds import FOLDS, Folds, mosei_folds, mosi_folds
from mmfuse_lib.data.raw.csd import SequenceFile, means, open_sequence
from mmfuse_lib.data.raw.published import check_root, cut
from mmfuse_lib.data.storage.prepared import Entries, check_files, prepare

SOURCE = "https://github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK"

#: The modalities, in order.
MODALITIES = ("text", "audio", "video")

TARGETS = ("sign", "score")

#: Names of the classes where the target is the sign.
SIGNS = ("negative", "positive")

#: Share of the videos of a fold, or of all segments, that may be missing from the published files.
MAY_MISS = 0.1


@dataclass(frozen=True)
class Corpus:
    """The differences between the two data sets: names of files, and where the folds are."""

    name: str
    labels: str
    words: str
    audio: str
    visual: Mapping[str, str]
    folds: Callable[[Path], Folds]


MOSI = Corpus(
    name="cmu_mosi",
    labels="CMU_MOSI_Opinion_Labels.csd",
    words="CMU_MOSI_TimestampedWordVectors.csd",
    audio="CMU_MOSI_COVAREP.csd",
    visual={
        "facet42": "CMU_MOSI_Visual_Facet_42.csd",
        "openface2": "CMU_MOSI_Visual_OpenFace_2.csd",
    },
    folds=mosi_folds,
)

MOSEI = Corpus(
    name="cmu_mosei",
    labels="CMU_MOSEI_Labels.csd",
    words="CMU_MOSEI_TimestampedWordVectors.csd",
    audio="CMU_MOSEI_COVAREP.csd",
    visual={"facet42": "CMU_MOSEI_VisualFacet42.csd", "openface2": "CMU_MOSEI_VisualOpenFace2.csd"},
    folds=mosei_folds,
)


@dataclass(frozen=True)
class Segment:
    """A stretch of a video: index of its fold, first and last second, and the sentiment."""

    fold: int
    video: str
    start: float
    end: float
    score: float


def load_mosi(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    target: str = "sign",
    modalities: Sequence[str] = MODALITIES,
    visual: str = "facet42",
    n_words: int = 50,
    prepared: str | Path | None = None,
) -> Splits:
    """Load the standard folds of CMU-MOSI: 52, 10 and 31 videos.

    =====  ==============  ======================================================================
    text   (n_words, 300)  a GloVe vector a word
    audio  (n_words, 74)   COVAREP of the voice, the mean over the word
    video  (n_words, D)    Facet 4.2 or OpenFace 2 of the face, the mean over the word
    =====  ==============  ======================================================================

    As in the SDK, everything is aligned to the words, and words to segments: a word belongs to the
    segment, and a frame to the word, in which its middle lies. Of longer segments the first
    `n_words` count. Features are standardised on the words of training; after the last word, and
    where nothing finite was measured, they are zero. Segments for which a modality has nothing at
    all are left out; more than a tenth of them is an error. ``groups`` tells which segments are
    from one video; no video is in two splits.

    Parameters
    ----------
    target : str
        ``"sign"``: negative or positive; segments of sentiment 0 are left out, as in most papers
        since 2019. ``"score"``: the sentiment from -3 to 3 (regression), of all segments.
    modalities : sequence of str
        Of ``"text"``, ``"audio"``, ``"video"``.
    visual : str
        ``"facet42"`` or ``"openface2"``.
    n_words : int
        Length of the sequences.
    """
    return _load(MOSI, root, target, modalities, visual, n_words, prepared)


def load_mosei(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    target: str = "sign",
    modalities: Sequence[str] = MODALITIES,
    visual: str = "facet42",
    n_words: int = 50,
    prepared: str | Path | None = None,
) -> Splits:
    """Load the standard folds of CMU-MOSEI: 2249, 300 and 679 videos.

    Everything else is as in `load_mosi`. The list of the folds is downloaded if it is not in
    `root`. The six emotions that the labels hold beside the sentiment are not used.
    """
    return _load(MOSEI, root, target, modalities, visual, n_words, prepared)


def _load(
    corpus: Corpus,
    root: str | Path | None,
    target: str,
    modalities: Sequence[str],
    visual: str,
    n_words: int,
    prepared: str | Path | None,
) -> Splits:
    root = check_root(corpus.name, root, f"{corpus.labels} and other .csd files", SOURCE)
    check_integers(n_words=n_words)
    check_names("target", [target], TARGETS)
    check_names("visual", [visual], corpus.visual)
    names = choose(modalities, MODALITIES)
    files = {"text": corpus.words, "audio": corpus.audio, "video": corpus.visual[visual]}
    segments = _read_segments(corpus, root)
    folder = Path(prepared or root / "prepared")
    arrays = {
        name: _prepared(corpus, root, folder, files[name], segments, n_words) for name in names
    }
    is_kept = _complete(corpus, arrays, segments, files)
    if target == "sign":
        is_kept &= np.array([segment.score != 0 for segment in segments])
    return _splits(corpus, arrays, segments, is_kept, target)


# Segments.


def _read_segments(corpus: Corpus, root: Path) -> list[Segment]:
    """Return the segments of all folds, in the order of the folds and of time."""
    check_files(corpus.name, [root / corpus.labels], SOURCE)
    with open_sequence(root / corpus.labels, SOURCE) as labels:
        found = []
        for fold, (name, videos) in enumerate(corpus.folds(root).items()):
            there = [video for video in videos if video in labels.videos]
            missing = [video for video in videos if video not in labels.videos]
            if len(missing) > MAY_MISS * len(videos) or not there:
                raise DataError(
                    f"{root / corpus.labels} lacks {len(missing)} of the {len(videos)} videos for "
                    f"{name}, such as {missing[0]}. Get it from {SOURCE}"
                )
            for video in there:
                found += _segments_of(labels, fold, video)
    return found


def _segments_of(labels: SequenceFile, fold: int, video: str) -> list[Segment]:
    own = labels.read(video)
    scores = own.features[:, 0]
    if not (np.abs(scores) <= 3).all():  # also for NaN
        raise DataError(f"{labels.path}: the sentiments of {video} are {scores}: expected -3 to 3")
    return [
        Segment(fold, video, float(start), float(end), float(score))
        for (start, end), score in zip(own.intervals, scores, strict=True)
    ]


# Arrays.


def _prepared(
    corpus: Corpus, root: Path, folder: Path, file: str, segments: Sequence[Segment], n_words: int
) -> NDArray[np.float32]:
    """Return the array of a sequence, ``(segments, n_words, D)``, NaN where it is unknown."""
    with ExitStack() as opened:

        def plan() -> Entries:
            paths = [root / corpus.words, root / file]
            check_files(corpus.name, paths, SOURCE)
            words, frames = (opened.enter_context(open_sequence(p, SOURCE)) for p in paths)
            shape = (n_words, frames.n_features())
            return Entries(segments, shape, np.float32, _reader(words, frames, shape))

        spans = [[segment.video, segment.start, segment.end] for segment in segments]
        made_of = {"file": file, "words": corpus.words, "n_words": n_words, "segments": spans}
        return prepare(folder, Path(file).stem, made_of, plan)


def _reader(
    words: SequenceFile, frames: SequenceFile, shape: tuple[int, int]
) -> Callable[[Segment], NDArray[np.float32]]:
    """Return a function that averages the frames of each word of a segment."""
    is_text = words.path == frames.path
    read_words = lru_cache(maxsize=1)(words.read)  # segments of a video follow each other
    read_frames = lru_cache(maxsize=1)(frames.read)

    def read(segment: Segment) -> NDArray[np.float32]:
        x = np.full(shape, np.nan, dtype=np.float32)
        if segment.video not in words.videos or segment.video not in frames.videos:
            return x
        said = read_words(segment.video).between(segment.start, segment.end)
        of_words = said.features if is_text else means(read_frames(segment.video), said.intervals)
        if of_words.shape[1] != shape[1]:
            raise DataError(
                f"{frames.path}: {segment.video} has {of_words.shape[1]} features, others have "
                f"{shape[1]}"
            )
        x[: len(of_words)] = of_words[: shape[0]]
        return x

    return read


def _complete(
    corpus: Corpus,
    arrays: Mapping[str, NDArray[np.float32]],
    segments: Sequence[Segment],
    files: Mapping[str, str],
) -> NDArray[np.bool_]:
    """Return which segments have values in every modality; too many without are an error."""
    is_complete = np.ones(len(segments), dtype=bool)
    for name, x in arrays.items():
        has_any = np.array([bool(np.isfinite(own).any()) for own in x])
        without = np.flatnonzero(~has_any)
        if len(without) > MAY_MISS * len(segments):
            first = segments[without[0]]
            raise DataError(
                f"{corpus.name}: {len(without)} of {len(segments)} segments have no {name}, such "
                f"as {first.video} from {first.start:.1f} s on: {files[name]}, or {corpus.words}, "
                f"is incomplete. Get it from {SOURCE}"
            )
        is_complete &= has_any
    return is_complete


def _splits(
    corpus: Corpus,
    arrays: Mapping[str, NDArray[np.float32]],
    segments: Sequence[Segment],
    is_kept: NDArray[np.bool_],
    target: str,
) -> Splits:
    kept = [segment for segment, keep in zip(segments, is_kept, strict=True) if keep]
    sizes = np.bincount([segment.fold for segment in kept], minlength=len(FOLDS))
    if 0 in sizes:
        raise DataError(f"{corpus.name}: {FOLDS[int(sizes.argmin())]} has no complete segment")
    scores = torch.tensor([segment.score for segment in kept], dtype=torch.float32)
    numbers = {video: k for k, video in enumerate(dict.fromkeys(s.video for s in kept))}
    samples = MultimodalData(
        inputs={
            name: torch.from_numpy(fill_and_standardise(x[is_kept], int(sizes[0])))
            for name, x in arrays.items()
        },
        target=(scores > 0).long() if target == "sign" else scores,
        class_names=SIGNS if target == "sign" else (),
        groups=torch.tensor([numbers[segment.video] for segment in kept]),
    )
    return cut(samples, int(sizes[0]), int(sizes[1]))


MOSI_CARD = DatasetCard(
    load=load_mosi,
    summary="2199 segments of videos about films with their sentiment: words, voice and face, from "
    "the published files in a folder of yours (root). Needs h5py; not downloaded for you.",
    source=SOURCE,
    licence="none stated; features of videos by people on YouTube (the SDK: MIT)",
    citation="Zadeh et al., Multimodal sentiment intensity analysis in videos, IEEE Intelligent "
    "Systems, 2016",
)


MOSEI_CARD = DatasetCard(
    load=load_mosei,
    summary="About 23000 segments of 3228 videos with their sentiment: words, voice and face, from "
    "the published files in a folder of yours (root). Needs h5py; not downloaded for you.",
    source=SOURCE,
    licence="none stated; features of videos by people on YouTube (the SDK: MIT)",
    citation="Zadeh et al., Multimodal language analysis in the wild: CMU-MOSEI dataset and "
    "interpretable dynamic fusion graph, ACL 2018",
)
