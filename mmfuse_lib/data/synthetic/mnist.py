"""MNIST (LeCun et al. 1998): 70 000 handwritten digits of 28 x 28 pixels.

The four original files, from the mirror that torchvision uses, checked against the MD5 digests
that torchvision publishes.
"""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmfuse_lib.data.storage.downloads import Arrays, Recipe, fetch

URL = "https://ossci-datasets.s3.amazonaws.com/mnist"

#: Per array, the published file and its MD5.
FILES = {
    "train_image": ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "train_label": ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
    "test_image": ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
    "test_label": ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
}


def prepare(names: Sequence[str], raw: Path) -> Arrays:
    """Download the files of the named arrays and read them."""
    return {
        name: read_idx(fetch(f"{URL}/{file}", raw, f"md5:{md5}"))
        for name, (file, md5) in FILES.items()
        if name in names
    }


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read MNIST's own format: two zeros, the type (8 is byte), the axes, their lengths, bytes."""
    with gzip.open(path) as file:
        content = file.read()
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is no file of bytes in MNIST's format")
    n_axes = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=n_axes, offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * n_axes).reshape(shape)


RECIPE = Recipe(
    name="mnist",
    archive_sha256="a7c02ce5818c2ed438ee324012a60a696e38b63f5f45a792d33bbaf650c013ef",
    digests={
        "train_image": "401a26c24128779042933e1b8a167566c7a052d1d01aac36fb16db1b1a003a0f",
        "train_label": "cad480d65c848fb3a6b5902eecd102411a4c4291c508c58a1dd063fb083611bf",
        "test_image": "2ce3b191789627bd4f17ba99a603a3b084705ebf19597838a17aa5f3b3a27eef",
        "test_label": "51a7d570e96222baab08010ecbe39802ed108efa7201b2af5903906096d5552b",
    },
    prepare=prepare,
)
