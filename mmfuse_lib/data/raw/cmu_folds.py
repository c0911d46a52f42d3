"""Which videos of CMU-MOSI and CMU-MOSEI are for training, validation and test.

The standard folds of the CMU-MultimodalSDK. Those of CMU-MOSI are short enough to stand here;
several public copies of the list agree on them. Those of CMU-MOSEI, 3228 videos, are a file of the
SDK, which is downloaded if it is not in the folder of the data.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.storage.downloads import fetch

Folds = Mapping[str, Sequence[str]]

#: The folds, in order.
FOLDS = ("train", "valid", "test")

#: CMU-MOSEI's folds, pinned to a commit.
MOSEI_FILE = "cmu_mosei_std_folds.py"
MOSEI_URL = (
    "https://raw.githubusercontent.com/CMU-MultiComp-Lab/CMU-MultimodalSDK/"
    "3e27d3781fe38b660432c7edfa7912bd0d256ee1/mmsdk/mmdatasdk/dataset/standard_datasets/CMU_MOSEI/"
    f"{MOSEI_FILE}"
)

MOSI: Folds = {
    "train": (
        "2iD-tVS8NPw", "8d-gEyoeBzc", "Qr1Ca94K55A", "Ci-AH39fi3Y", "8qrpnFRGt2A", "Bfr499ggo-0",
        "QN9ZIUWUXsY", "9T9Hf74oK10", "7JsX8y1ysxY", "1iG0909rllw", "Oz06ZWiO20M", "BioHAh1qJAQ",
        "9c67fiY0wGQ", "Iu2PFX3z_1s", "Nzq88NnDkEk", "Clx4VXItLTE", "9J25DZhivz8", "Af8D0E4ZXaw",
        "TvyZBvOMOTc", "W8NXH0Djyww", "8OtFthrtaJM", "0h-zjBukYpk", "Vj1wYRQjB-o", "GWuJjcEuzt8",
        "BI97DNYfe5I", "PZ-lDQFboO8", "1DmNV9C1hbY", "OQvJTdtJ2H4", "I5y0__X72p0", "9qR7uwkblbs",
        "G6GlGvlkxAQ", "6_0THN4chvY", "Njd1F0vZSm4", "BvYR0L6f2Ig", "03bSnISJMiM", "Dg_0XKD0Mf4",
        "5W7Z1C_fDaE", "VbQk4H8hgr0", "G-xst2euQUc", "MLal-t_vJPM", "BXuRRbG0Ugk", "LSi-o-IrDMs",
        "Jkswaaud0hk", "2WGyTLYerpo", "6Egk_28TtTM", "Sqr0AcuoNnk", "POKffnXeBds", "73jzhE8R1TQ",
        "OtBXNcAL_lE", "HEsqda8_d0Q", "VCslbP0mgZI", "IumbAb8q2dM",
    ),
    "valid": (
        "WKA5OygbEKI", "c5xsKMxpXnc", "atnd_PF-Lbs", "bvLlb-M3UXU", "bOL9jKpeJRs", "_dI--eQ6qVU",
        "ZAIRrfG22O0", "X3j2zQgwYgE", "aiEXnCPZubE", "ZUXBRvtny7o",
    ),
    "test": (
        "tmZoasNr4rU", "zhpQhgha_KU", "lXPQBPVc5Cw", "iiK8YX8oH1E", "tStelxIAHjw", "nzpVDcQ0ywM",
        "etzxEpPuc6I", "cW1FSBF59ik", "d6hH302o4v8", "k5Y_838nuGo", "pLTX3ipuDJI", "jUzDDGyPkXU",
        "f_pcplsH_V0", "yvsjCA6Y5Fc", "nbWiPyCm4g0", "rnaNMUZpvvg", "wMbj6ajWbic", "cM3Yna7AavY",
        "yDtzw_Y-7RU", "vyB00TXsimI", "dq3Nf_lMPnE", "phBUpBr1hSo", "d3_k5Xpfmik", "v0zCBqDeKcE",
        "tIrG4oNLFzE", "fvVhgmXxadc", "ob23OKe5a9Q", "cXypl4FnoZo", "vvZ4IcEtiZc", "f9O3YtZ2VfI",
        "c7UH_rxdZv4",
    ),
}  # fmt: skip


def mosi_folds(root: Path) -> Folds:
    """Return the videos of each fold of CMU-MOSI: 52, 10 and 31 (the folder is not needed)."""
    return MOSI


def mosei_folds(root: Path) -> Folds:
    """Return the videos of each fold of CMU-MOSEI, from a file that is in `root` or goes there."""
    path = root / MOSEI_FILE
    if not path.exists():
        path = fetch(MOSEI_URL, root)
    return read_folds(path)


def read_folds(path: Path) -> Folds:
    """Read ``standard_train_fold = ['a', 'b', ...]`` and so on, without running the file.

    Raises
    ------
    DataError
        If the file has another form, or a video is in two folds.
    """
    try:
        body = ast.parse(path.read_text("utf8")).body
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    lists = {
        target.id: statement.value
        for statement in body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    folds = {fold: _names(path, f"standard_{fold}_fold", lists) for fold in FOLDS}
    counts = Counter(video for videos in folds.values() for video in videos)
    twice = [video for video, n in counts.items() if n > 1]
    if twice:
        raise DataError(f"{path}: {len(twice)} videos are listed twice: {', '.join(twice[:3])}")
    return folds


def _names(path: Path, name: str, lists: Mapping[str, ast.expr]) -> list[str]:
    try:
        found = ast.literal_eval(lists[name])
    except (KeyError, ValueError):
        found = None
    if not isinstance(found, list) or not found or not all(map(_is_name, found)):
        raise DataError(f"{path}: expected {name} = ['...', ...], a list of names of videos")
    return found


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w-]+", value) is not None
