"""`modelnet40`: objects in three dimensions, each seen from two sides.

12 311 objects of 40 classes (Wu et al. 2015), in the images of twelve cameras around them, 30
degrees apart, that were published with MVCNN (Su et al. 2015 and 2018). The folder is laid out as
either of the two archives is::

    root/airplane/train/airplane_0001_001.png                 modelnet40v1png, to _012.png
    root/airplane/test/airplane_0627.obj.shaded_v001.png      modelnet40_images_new_12x, to v012

DI-MML takes views 1 and 7 of the second, which face each other. The layout of the first could be
confirmed only from the code that reads it.

The images that are used are prepared once and kept in one array a view on disk, 1.9 GB each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import hold_out
from mmfuse_lib.data.multimodal import MultimodalData
from mmfuse_lib.data.raw.published import check_root, cut, prepare_images
from mmfuse_lib.data.storage.prepared import check_files

SOURCE = "https://github.com/jongchyisu/mvcnn_pytorch"

CLASSES = (
    "airplane", "bathtub", "bed", "bench", "bookshelf", "bottle", "bowl", "car", "chair", "cone",
    "cup", "curtain", "desk", "door", "dresser", "flower_pot", "glass_box", "guitar", "keyboard",
    "lamp", "laptop", "mantel", "monitor", "night_stand", "person", "piano", "plant", "radio",
    "range_hood", "sink", "sofa", "stairs", "stool", "table", "tent", "toilet", "tv_stand", "vase",
    "wardrobe", "xbox",
)  # fmt: skip

#: Cameras around an object.
N_VIEWS = 12

#: Share of the training objects of each class that is held out for validation.
VAL_SHARE = 0.1


@dataclass(frozen=True)
class Object:
    """An object: the index of its class, and what the names of its files begin with."""

    target: int
    start: str

    def file(self, root: Path, view: int) -> Path:
        """Return the path of the image of a view."""
        return root / f"{self.start}{view:03d}.png"


def load(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    views: Sequence[int] = (1, 7),
    prepared: str | Path | None = None,
) -> Splits:
    """Load the published split in training (9843 objects) and test (2468).

    =====  ================  =================================================================
    view1  (1, 3, 224, 224)  the image of the first camera, as bytes; `ResNet18Encoder` turns them
                             into numbers
    view7  (1, 3, 224, 224)  that of the camera on the other side
    =====  ================  =================================================================

    No validation split is published. Here it is a tenth of the training objects of each class,
    drawn once and the same for every seed.

    Parameters
    ----------
    views : sequence of int
        Which of the cameras 1 to 12, a modality each, in the order wanted.
    """
    root = check_root("modelnet40", root, "a folder a class, such as airplane", SOURCE)
    views = list(views)
    if not views or len(set(views)) < len(views) or not set(views) <= set(range(1, N_VIEWS + 1)):
        raise DataError(f"views is {views}: expected one or more of 1 to {N_VIEWS}, each once")
    check_files("modelnet40", [root / name for name in CLASSES], SOURCE)
    train, test = (_list_objects(root, part) for part in ("train", "test"))
    target = np.array([one.target for one in train])
    is_val = hold_out(target, VAL_SHARE, np.random.default_rng(0))
    order = [*np.flatnonzero(~is_val), *np.flatnonzero(is_val)]
    objects = [train[k] for k in order] + test
    folder = Path(prepared or root / "prepared")
    files = {f"view{view}": [one.file(root, view) for one in objects] for view in views}
    inputs = prepare_images("modelnet40", files, root=root, folder=folder, source=SOURCE)
    samples = MultimodalData(
        inputs, target=torch.tensor([one.target for one in objects]), class_names=CLASSES
    )
    return cut(samples, int((~is_val).sum()), int(is_val.sum()))


def _list_objects(root: Path, part: str) -> list[Object]:
    """Return the objects of a part, by class and number."""
    found = []
    for target, name in enumerate(CLASSES):
        folder = root / name / part
        pattern = re.compile(rf"({name}_\d+(?:\.obj\.shaded_v|_))\d{{3}}\.png")
        files = sorted(path.name for path in folder.glob("*.png"))
        matches = {file: pattern.fullmatch(file) for file in files}
        strange = [file for file, match in matches.items() if match is None]
        if strange or not files:
            raise DataError(
                f"{folder} has {len(files)} images, {len(strange)} of them with another name "
                f"than {name}_0001_001.png or {name}_0001.obj.shaded_v001.png"
                f"{': ' if strange else ''}{', '.join(strange[:3])}. Get them from {SOURCE}"
            )
        starts = dict.fromkeys(match[1] for match in matches.values() if match is not None)
        found += [Object(target, f"{name}/{part}/{start}") for start in starts]
    return found


CARD = DatasetCard(
    load=load,
    summary="12311 objects of 40 classes, each in two images from opposite sides, from the "
    "published files in a folder of yours (root). For a GPU; not downloaded for you.",
    source=SOURCE,
    licence="for academic use (not confirmed by us); objects by many people",
    citation="Wu et al., 3D ShapeNets: a deep representation for volumetric shapes, CVPR 2015; "
    "images: Su et al., Multi-view convolutional neural networks for 3D shape "
    "recognition, ICCV 2015",
)
