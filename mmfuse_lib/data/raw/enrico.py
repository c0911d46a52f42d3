"""`enrico`: what a screen of a mobile app is for, from its screenshot and its wireframe.

1460 screens of 20 design topics, such as *login* or *gallery* (Leiva et al. 2020). The folder is
laid out as published::

    root/design_topics.csv          a line "50245,tutorial" a screen, after "screen_id,topic"
    root/screenshots/50245.jpg
    root/wireframes/50245.png       its elements, drawn as boxes coloured by their kind

The authors publish no split. Here it is the one that MultiBench (Liang et al. 2021) draws, and that
I2MoE uses: 65 % for training, 15 % for validation, 20 % for the test, in an order shuffled by
Python's generator with the seed 42; the classes are not balanced. As there, two screens whose
wireframes are damaged are left out.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path

import torch

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import choose
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.data.raw.published import check_root, cut, prepare_images
from mmfuse_lib.data.storage.prepared import check_files

SOURCE = "https://github.com/luileito/enrico"

LIST = "design_topics.csv"

#: The modalities, in order: their folder, and how their files' names end.
MODALITIES = {"screenshot": ("screenshots", ".jpg"), "wireframe": ("wireframes", ".png")}

TOPICS = (
    "bare", "camera", "chat", "dialer", "editor", "form", "gallery", "list", "login", "maps",
    "mediaplayer", "menu", "modal", "news", "other", "profile", "search", "settings", "terms",
    "tutorial",
)  # fmt: skip

#: Screens whose published wireframes are damaged.
LEFT_OUT = ("50105", "50109")

#: Shares of training, and of training and validation together.
SHARES = (0.65, 0.8)

SPLIT_SEED = 42

Screen = tuple[str, int]


def load(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    modalities: Sequence[str] = tuple(MODALITIES),
    prepared: str | Path | None = None,
) -> Splits:
    """Load the split of MultiBench.

    ==========  ===================  ===========================================================
    screenshot  (1, 3, 224, 224)     one image, as bytes; `ResNet18Encoder` turns them into
                                     numbers
    wireframe   (1, 3, 224, 224)     the same of the wireframe
    ==========  ===================  ===========================================================

    Images are 540 pixels wide and 960 high; here they are made square. The prepared arrays take
    0.2 GB each.

    Parameters
    ----------
    modalities : sequence of str
        One or both of ``"screenshot"``, ``"wireframe"``.
    """
    root = check_root("enrico", root, f"{LIST}, screenshots and wireframes", SOURCE)
    names = choose(modalities, tuple(MODALITIES))
    screens = _read_list(root)
    random.Random(SPLIT_SEED).shuffle(screens)  # noqa: S311 (a published split, not a secret)
    folder = Path(prepared or root / "prepared")
    files = {
        name: [root / place / f"{screen}{end}" for screen, _ in screens]
        for name, (place, end) in MODALITIES.items()
    }
    chosen = {name: files[name] for name in names}
    inputs = prepare_images("enrico", chosen, root=root, folder=folder, source=SOURCE)
    samples = MultimodalData(
        inputs, target=torch.tensor([topic for _, topic in screens]), class_names=TOPICS
    )
    first, second = (int(share * len(screens)) for share in SHARES)
    return cut(samples, first, second - first)


def _read_list(root: Path) -> list[Screen]:
    """Return the screens, with the number of the topic, in the order of the list."""
    path = root / LIST
    check_files("enrico", [path], SOURCE)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows or rows[0] != ["screen_id", "topic"]:
        raise DataError(f"{path}: expected the first line 'screen_id,topic'. Get it from {SOURCE}")
    screens = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != 2 or not row[0].isdecimal() or row[1] not in TOPICS:
            raise DataError(
                f"{path}, line {number}: expected a number and one of {', '.join(TOPICS)}, got "
                f"{','.join(row)!r}"
            )
        if row[0] not in LEFT_OUT:
            screens.append((row[0], TOPICS.index(row[1])))
    n_different = len({screen for screen, _ in screens})
    if n_different < len(screens) or len(screens) < 10:
        raise DataError(
            f"{path} lists {len(screens)} screens, {n_different} different ones: expected each "
            "once, and ten at least"
        )
    return screens


CARD = DatasetCard(
    load=load,
    summary="1460 screens of mobile apps of 20 design topics: screenshot and wireframe, from the "
    "published files in a folder of yours (root). Not downloaded for you.",
    source=SOURCE,
    licence="repository MIT; screens of apps by many people",
    citation="Leiva, Hota & Oulasvirta, Enrico: a dataset for topic modeling of mobile UI designs, "
    "MobileHCI 2020; split: Liang et al., MultiBench, NeurIPS datasets and benchmarks 2021",
)
