"""`cremad`: CREMA-D's audio and video from the published files, at the size the papers train on.

7442 clips of 91 actors who speak a sentence in one of six emotions (Cao et al. 2014). The folder
is laid out as published::

    root/AudioWAV/1001_DFA_ANG_XX.wav             the audio, 16 kHz
    root/VideoFlash/1001_DFA_ANG_XX.flv           the video, which needs ffmpeg; or
    root/Image-01-FPS/1001_DFA_ANG_XX/*.jpg       frames, as OGM-GE and DI-MML extract them
    root/train.csv, root/test.csv                 their lists, a line "1001_DFA_ANG_XX,ANG" a clip

**To get it**: ``mmfuse data cremad --fetch FOLDER``, or `fetch_files`. What is there is not fetched
again, so the same command goes on after an interruption. The official repository keeps sound and
video in Git LFS. A clone of it is 7.55 GB, says its page, with three kinds of sound and everything
twice; what is fetched here is one wave and one video a clip, about 3 GB (we added up what a sample
of the pointer files states, and did not weigh the whole). In spring 2025 the repository had used up
what LFS grants it, and its authors put up a mirror: that is asked where the repository refuses.

**What the papers do with it**, from the public code of DI-MML (83b9b7a):

* Their lists name 6,698 clips for training and 744 for testing, drawn from all clips: every actor
  is in both. They choose what they report on the test list.
* Three frames a clip in the paper, drawn at random once among frames a second apart (one by
  default in the code). In training a random part of each, half of them mirrored. To the pixels, in
  training *and* test, they add normal noise of standard deviation 0.1 (option ``var``).
* The spectrogram is the logarithm of the power in windows of 512 samples, 353 of them shared. The
  code has two: of 3 seconds at 16 kHz, (257, 299), as it is; and of 160,000 samples at 22,050 Hz,
  which are 7.3 seconds, (257, 1004), with mean 0 and deviation 1 in each clip. The scripts as they
  are published read the second.

Here: the first spectrogram, frames at equal distances, no noise. A few frames and a spectrogram a
clip are prepared once and kept in two arrays on disk, 5.6 GB for the whole data set. They are
mapped into memory, so what is read is what a batch asks for.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmfuse_lib.core.errors import DataError, DownloadError, check_integers, check_names
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.downloaded.cremad_votes import EMOTIONS
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.data.raw.published import IMAGE_SIZE, check_root, frame_reader
from mmfuse_lib.data.storage import media
from mmfuse_lib.data.storage.downloads import fetch, fetch_all
from mmfuse_lib.data.storage.prepared import Entries, check_files, prepare

#: The papers' lists: training, test.
LISTS = ("train.csv", "test.csv")

LIST_URL = (
    "https://raw.githubusercontent.com/fanyunfeng-bit/DI-MML/"
    "83b9b7acc47ac9f1666e72ed984eacd18cfd3d5c/data/CREMAD"
)
SOURCE = "https://github.com/CheyneyComputerScience/CREMA-D"

MIRROR = "https://gitlab.com/cs-cooper-lab/crema-d-mirror"

#: Where the content of the files in Git LFS is had: the repository, and the authors' mirror of it.
PLACES = (
    "https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master",
    f"{MIRROR}/-/raw/HEAD",
)

#: How sound and video begin. A pointer of Git LFS, or the page of a sign-in, does not.
SIGNS = {".wav": b"RIFF", ".flv": b"FLV"}

SECONDS = 3
SPECTROGRAM = media.spectrogram_shape(SECONDS)

#: Share of the training list that is held out for validation: of its clips, or of its actors.
VAL_SHARE = 0.1

#: What validation may consist of.
VAL_BY = ("clip", "actor")


def load(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    n_frames: int = 3,
    val_by: str = "clip",
    prepared: str | Path | None = None,
) -> Splits:
    """Load the published split (of clips at random: the actors are the same everywhere).

    =====  =====================  ==============================================================
    audio  (1, 257, 299)          logarithm of the spectrogram of the first 3 seconds, the clip
                                  repeated as often as needed
    video  (n_frames, 3, 224,     frames at equal distances from the first to the last, as bytes;
           224)                   `ResNet18Encoder` turns them into numbers
    =====  =====================  ==============================================================

    ``groups`` are the actors, by their numbers. The papers choose their checkpoint on the test
    list. Here a tenth of the training list, drawn once and the same for every seed, is the
    validation split: of its clips, or all clips of a tenth of its actors. Lists that are not in
    `root` are downloaded.

    Parameters
    ----------
    seed : int
        Changes nothing: nothing is drawn.
    root, n_frames, prepared
        As in `mmfuse_lib.data.load`.
    val_by : str
        ``"clip"``, or ``"actor"``: then no actor of the validation split is trained on. The arrays
        on disk are in the order of the splits, and are made again when it is changed.
    """
    root = check_root("cremad", root, "AudioWAV and VideoFlash or Image-01-FPS", SOURCE)
    check_integers(n_frames=n_frames)
    check_names("val_by", [val_by], VAL_BY)
    folder = Path(prepared or root / "prepared")
    training, test = (_read_list(root, name) for name in LISTS)
    val, rest = _hold_out(training, val_by)
    clips = [*val, *rest, *test]
    actors = torch.tensor([_actor(name) for name, _ in clips])
    samples = MultimodalData(
        inputs=_prepared(root, folder, [name for name, _ in clips], n_frames),
        target=torch.tensor([EMOTIONS.index(emotion) for _, emotion in clips]),
        class_names=EMOTIONS,
        groups=actors,
    )
    n_val, n_rest = len(val), len(val) + len(rest)
    return samples[n_val:n_rest], samples[:n_val], samples[n_rest:]


def fetch_files(root: str | Path) -> None:
    """Download sound and video of the listed clips, and the lists; what is there is kept.

    About 3 GB in 14,884 small files, eight at a time.

    Parameters
    ----------
    root : path
        Folder that gets the published layout; made if needed.

    Raises
    ------
    DownloadError
        If neither the repository nor its mirror gives the files; says what to type instead. The
        same call goes on where this one ended.
    """
    root = Path(root)
    clips = dict.fromkeys(name for listed in LISTS for name, _ in _read_list(root, listed))
    paths = [f"AudioWAV/{clip}.wav" for clip in clips]
    paths += [f"VideoFlash/{clip}.flv" for clip in clips]
    refusals = []
    for place in PLACES:
        missing = [path for path in paths if not _is_content(root / path)]
        try:
            for kind in ("AudioWAV", "VideoFlash"):
                urls = [f"{place}/{path}" for path in missing if path.startswith(kind)]
                fetch_all(urls, root / kind, _fetch_content)
            return
        except DownloadError as error:
            refusals.append(str(error))
    missing = [path for path in paths if not _is_content(root / path)]
    raise DownloadError(
        f"cremad: {len(missing)} of {len(paths)} files are not to be had: "
        f"{'; '.join(refusals)}\nOr with git and git-lfs: git clone {MIRROR} {root}, then in "
        "it: git lfs pull --include AudioWAV,VideoFlash"
    )


def _fetch_content(url: str, folder: Path) -> Path:
    """Fetch a file that is kept in Git LFS, and refuse what only says where it is."""
    (folder / url.rpartition("/")[2]).unlink(missing_ok=True)  # a pointer, or nothing
    path = fetch(url, folder, progress=False)
    if not _is_content(path):
        path.unlink()
        raise DownloadError(f"{url} gives no sound or video: a pointer of Git LFS, or a page")
    return path


def _is_content(path: Path) -> bool:
    """Whether a file begins as sound (WAV) or video (FLV) does."""
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(SIGNS[path.suffix])
    except FileNotFoundError:
        return False


def _hold_out(
    training: list[tuple[str, str]], val_by: str
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the validation and the training clips, both in random order."""
    rng = np.random.default_rng(0)
    shuffled = [training[k] for k in rng.permutation(len(training))]
    if val_by == "clip":
        n_val = max(1, round(VAL_SHARE * len(shuffled)))
        return shuffled[:n_val], shuffled[n_val:]
    actors = sorted({_actor(name) for name, _ in training})
    if len(actors) < 2:
        raise DataError(f"cremad: {LISTS[0]} has one actor: val_by='actor' needs two or more")
    held = set(rng.permutation(actors)[: max(1, round(VAL_SHARE * len(actors)))].tolist())
    val = [clip for clip in shuffled if _actor(clip[0]) in held]
    return val, [clip for clip in shuffled if _actor(clip[0]) not in held]


def _actor(clip: str) -> int:
    """Return the number of the actor, with which the name of a clip begins."""
    number = clip.partition("_")[0]
    if not number.isdecimal():
        raise DataError(f"cremad: the clip {clip!r} does not begin with the number of its actor")
    return int(number)


def _read_list(root: Path, name: str) -> list[tuple[str, str]]:
    path = root / name
    if not path.exists():
        path = fetch(f"{LIST_URL}/{name}", root)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    for number, row in enumerate(rows, start=1):
        if len(row) < 2 or row[1] not in EMOTIONS:
            raise DataError(
                f"{path}, line {number}: expected a clip and one of {', '.join(EMOTIONS)}, "
                f"got {','.join(row)!r}"
            )
    if len(rows) < 2:
        raise DataError(f"{path} lists {len(rows)} clips: expected at least two")
    return [(row[0], row[1]) for row in rows]


def _prepared(root: Path, folder: Path, clips: list[str], n_frames: int) -> dict[str, Tensor]:
    wavs = [root / "AudioWAV" / f"{clip}.wav" for clip in clips]
    shape = (n_frames, 3, IMAGE_SIZE, IMAGE_SIZE)

    def find_files() -> Callable[[str], NDArray[np.uint8]]:
        check_files("cremad", wavs, SOURCE)
        images, videos = root / "Image-01-FPS", root / "VideoFlash"
        folders = {clip: images / clip for clip in clips}
        files = {clip: videos / f"{clip}.flv" for clip in clips}
        return frame_reader("cremad", n_frames, images, folders, files, (SOURCE, SOURCE))

    def plan_audio() -> Entries:
        find_files()  # all of them, before hours of work
        return Entries(wavs, SPECTROGRAM, np.float32, log_spectrogram)

    def plan_video() -> Entries:
        return Entries(clips, shape, np.uint8, find_files())

    made_of = {"n_frames": n_frames, "image_size": IMAGE_SIZE, "clips": clips}
    audio = prepare(folder, "audio", {"seconds": SECONDS, "clips": clips}, plan_audio)
    video = prepare(folder, "video", made_of, plan_video)
    return {"audio": torch.from_numpy(audio), "video": torch.from_numpy(video)}


def log_spectrogram(path: Path) -> NDArray[np.float32]:
    """Return the log power spectrogram, ``(1, 257, 299)``, of the first three seconds.

    A shorter clip is repeated; one without a sample (the data set has some) is silence.
    """
    return media.log_spectrogram(media.read_wav(path, SOURCE), SECONDS)


CARD = DatasetCard(
    load=load,
    fetch=fetch_files,
    summary="7442 clips of actors in six emotions (6698 and 744 in the papers' lists): spectrogram "
    "and three video frames, from the published files in a folder of yours (root). For a GPU; "
    "`mmfuse data cremad --fetch FOLDER` gets about 3 GB.",
    source=SOURCE,
    licence="Open Database License (ODbL) 1.0, contents DbCL 1.0",
    citation="Cao et al., CREMA-D: crowd-sourced emotional multimodal actors dataset, "
    "IEEE Transactions on Affective Computing, 2014",
)
