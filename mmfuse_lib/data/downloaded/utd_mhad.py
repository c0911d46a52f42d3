"""`utd_mhad`: 27 actions of 8 people, seen by a Kinect's skeleton and depth, felt by a sensor.

Chen, Jafari & Kehtarnavaz (2015). A person performs an action, such as *throw* or *draw circle*;
a Kinect camera records the positions of 20 joints and a depth video, a sensor on the wrist or the
thigh acceleration and rotation. 861 trials, cut or stretched to one length here.

The files come, one a trial and modality, from a public copy of the originals, pinned to a commit:
the page of the data set offers archives only, one of them with all the depth. No digests of the
originals are published; the arrays made of them are verified instead. The recipe uses nothing but
exact or correctly rounded arithmetic, so the arrays are the same on every machine.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import choose, select, standardise
from mmfuse_lib.data.multimodal import from_arrays
from mmfuse_lib.data.storage.downloads import Arrays, Recipe, fetch_all, load_arrays

RAW_URL = (
    "https://raw.githubusercontent.com/woo-chia-wei/kinect-sequence-classification/"
    "65e9b13950d7971c8d1e49e960f6796bd0dc9257/data"
)

#: The three modalities, in order.
MODALITIES = ("skeleton", "inertial", "depth")

#: Subjects of the published training split; the others are the test split.
TRAIN_SUBJECTS = (1, 3, 5, 7)

#: The actions, in the order of the published numbers 1 to 27.
ACTIONS = (
    "swipe left", "swipe right", "wave", "clap", "throw", "cross arms", "basketball shoot",
    "draw X", "draw circle clockwise", "draw circle counter-clockwise", "draw triangle", "bowling",
    "boxing", "baseball swing", "tennis swing", "arm curl", "tennis serve", "push", "knock",
    "catch", "pick up and throw", "jog", "walk", "sit to stand", "stand to sit", "lunge", "squat",
)  # fmt: skip

#: (action, subject, trial) of the three recordings that were never published.
MISSING = {(8, 1, 4), (23, 6, 4), (27, 8, 4)}

SKELETON_FRAMES, INERTIAL_STEPS, DEPTH_FRAMES = 32, 64, 8
HIP_CENTRE = 3
DEPTH_BLOCK = 8
DEPTH_UNIT = 16  # millimetres a grey level


def load(
    seed: int = 0,
    *,
    modalities: Sequence[str] = ("skeleton", "inertial"),
    val_subjects: Sequence[int] = (7,),
) -> Splits:
    """Load the published split: odd subjects train, even subjects test.

    ========  ============  ==================================================================
    skeleton  (32, 60)      20 joints x (x, y, z) in metres from the hip's first position
    inertial  (64, 6)       acceleration (x, y, z) in g, rotation (x, y, z) in degrees a second
    depth     (8, 30, 40)   eight depth images, the distance averaged over blocks
    ========  ============  ==================================================================

    Skeleton and inertial channels, and the depth as a whole, are standardised by mean and standard
    deviation of the training subjects. ``groups`` are the subjects, 0 for the first; no subject is
    in two splits.

    Parameters
    ----------
    modalities : sequence of str
        Of ``"skeleton"``, ``"inertial"``, ``"depth"``. Depth is left out by default: its raw files
        are about a gigabyte.
    val_subjects : sequence of int
        Training subjects (1, 3, 5, 7) held out for validation.
    """
    chosen = choose(modalities, MODALITIES)
    held_out = sorted(set(val_subjects))
    if not held_out or not set(held_out) < set(TRAIN_SUBJECTS):
        raise DataError(
            f"val_subjects is {list(val_subjects)}: expected one to three of {TRAIN_SUBJECTS}"
        )
    arrays = load_arrays(RECIPE, [*chosen, "label", "subject"])
    is_val = np.isin(arrays["subject"], held_out)
    is_train = np.isin(arrays["subject"], TRAIN_SUBJECTS) & ~is_val
    inputs = {}
    for name in chosen:
        x = arrays[name]
        if name == "depth":
            inputs[name] = standardise(x[..., None], is_train)[..., 0]
        else:
            inputs[name] = standardise(x.reshape(*x.shape[:2], -1), is_train)  # (.., time, channel)
    trials = from_arrays(inputs, arrays["label"], class_names=ACTIONS, groups=arrays["subject"])
    return select(trials, is_train, is_val, ~is_train & ~is_val)


# From the published files to arrays.


def prepare(names: Sequence[str], raw: Path) -> Arrays:
    """Download the files that the named arrays need and make the arrays."""
    trials = _trials()
    arrays: Arrays = {}
    for name in names:
        if name in MODALITIES:
            urls = [file_url(name, trial) for trial in trials]
            arrays[name] = np.stack([_READERS[name](path) for path in fetch_all(urls, raw)])
    action, subject, trial_number = np.array(trials, dtype=np.uint8).T
    return arrays | {"label": action - np.uint8(1), "subject": subject, "trial": trial_number}


def file_url(modality: str, trial: tuple[int, int, int]) -> str:
    """Return where the published file of a trial is."""
    action, subject, number = trial
    return f"{RAW_URL}/{modality.title()}/a{action}_s{subject}_t{number}_{modality}.mat"


def _trials() -> list[tuple[int, int, int]]:
    """List (action, subject, trial) of all files, in the order of their names."""
    trials = [(a, s, t) for a in range(1, 28) for s in range(1, 9) for t in range(1, 5)]
    return sorted(
        (trial for trial in trials if trial not in MISSING), key=lambda trial: f"a{trial[0]}_"
    )


def _read_skeleton(path: Path) -> NDArray[np.float16]:
    """Read positions (20, 3, T) in metres as (32, 20, 3) from the first frame's hip centre."""
    joints = loadmat(path)["d_skel"].transpose(2, 0, 1)
    return resample(joints - joints[0, HIP_CENTRE], SKELETON_FRAMES).astype(np.float16)


def _read_inertial(path: Path) -> NDArray[np.float32]:
    """Read acceleration and rotation (T, 6) as (64, 6)."""
    return resample(loadmat(path)["d_iner"], INERTIAL_STEPS).astype(np.float32)


def _read_depth(path: Path) -> NDArray[np.uint8]:
    """Read depth (240, 320, T) in mm, background 0, as (8, 30, 40) in units of 16 mm."""
    frames = loadmat(path)["d_depth"].transpose(2, 0, 1)
    shown = np.round(np.linspace(0, len(frames) - 1, DEPTH_FRAMES)).astype(int)
    rows, columns = (size // DEPTH_BLOCK for size in frames.shape[1:])
    blocks = frames[shown].reshape(-1, rows, DEPTH_BLOCK, columns, DEPTH_BLOCK)
    distance = blocks.mean(axis=(2, 4), dtype=np.float64)
    grey: NDArray[np.uint8] = np.clip(np.round(distance / DEPTH_UNIT), 0, 255).astype(np.uint8)
    return grey


_READERS: dict[str, Callable[[Path], NDArray[Any]]] = {
    "skeleton": _read_skeleton,
    "inertial": _read_inertial,
    "depth": _read_depth,
}


def resample(x: NDArray[Any], n_steps: int) -> NDArray[np.float64]:
    """Interpolate a sequence (T, ...) linearly at `n_steps` equally spaced times."""
    time = np.linspace(0, len(x) - 1, n_steps)
    before = np.floor(time).astype(int)
    after = np.minimum(before + 1, len(x) - 1)
    weight = (time - before).reshape(-1, *[1] * (x.ndim - 1))
    interpolated: NDArray[np.float64] = x[before] * (1 - weight) + x[after] * weight
    return interpolated


RECIPE = Recipe(
    name="utd_mhad",
    archive_sha256="d6dc2cf45f354e24a3d1b51bae7b7ae0b12536aa59bcb9a39946f65ca5a7edf7",
    digests={
        "skeleton": "c2dbf9f6e67be4312604adb99623e2d1046650891e1ccf844e5d2fe812d16d04",
        "inertial": "3fe48e5ca4e6f30e8fa5bfc09c00a8c185d5c939a4f536c5fb7634f6610020fa",
        "depth": "99b0e3bb72e7c58fd64359735e51dd4400f36b499d7ca6c978c90945366daf25",
        "label": "dd5c73b7be8b624c050595c6bd47e43fe90cfa7d4f776ea5e44cd1b3e04ae8db",
        "subject": "d6524f67460c66bd69230d389537cb04d298ba4258278058a47aa81e54379c05",
        "trial": "d1db89cb7269a56c96c093994c957a4085d115cd95884adc73892f4274c886a4",
    },
    prepare=prepare,
)


CARD = DatasetCard(
    load=load,
    summary="27 actions of 8 people: Kinect skeleton, wearable inertial sensor and, on request, "
    "depth video; published split by subject. Downloads about 1700 small files.",
    source="https://personal.utdallas.edu/~kehtar/UTD-MHAD.html, as copied in "
    "https://github.com/woo-chia-wei/kinect-sequence-classification",
    licence="not stated with the copy; see the page of the data set",
    citation="Chen, Jafari & Kehtarnavaz, UTD-MHAD: a multimodal dataset for human action "
    "recognition, ICIP 2015",
)
