"""`rosmap`: Alzheimer's disease against controls from three kinds of molecules.

351 people of the ROSMAP cohorts; 200 features each of gene expression, methylation and micro-RNA,
as MOGONET (Wang et al. 2021) selected and published them, with its split. Small and noisy: a case
for honest intervals.

The files come from MOGONET's repository, pinned to a commit. No digests of them are published;
the arrays made of them are verified instead.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import choose, load_parts
from mmfuse_lib.data.storage.downloads import Arrays, Recipe, fetch

URL = (
    "https://raw.githubusercontent.com/txWang/MOGONET/32d9066b7fe289b3f7cdb496a5668834079c274c/"
    "ROSMAP"
)

#: The three modalities, in the order of the files' numbers.
MODALITIES = ("mrna", "meth", "mirna")

#: What the two published parts are called in the names of the files.
PARTS = {"train": "tr", "test": "te"}


def load(
    seed: int = 0, *, modalities: Sequence[str] = MODALITIES, val_share: float = 0.2
) -> Splits:
    """Load the features, standardised on the training samples.

    The 106 samples of the published test split are the test; 245 are for training and validation.

    Parameters
    ----------
    modalities : sequence of str
        Of ``"mrna"``, ``"meth"``, ``"mirna"`` (200 features each).
    """
    return load_parts(
        RECIPE, choose(modalities, MODALITIES),
        class_names=("control", "Alzheimer's disease"), val_share=val_share, seed=seed,
    )  # fmt: skip


def prepare(names: Sequence[str], raw: Path) -> Arrays:
    """Download the tables that the named arrays need and read them."""
    arrays: Arrays = {}
    for part, short in PARTS.items():
        for number, modality in enumerate(MODALITIES, start=1):
            if f"{part}_{modality}" in names:
                table = np.loadtxt(fetch(f"{URL}/{number}_{short}.csv", raw), delimiter=",")
                arrays[f"{part}_{modality}"] = table.astype(np.float32)
        label = np.loadtxt(fetch(f"{URL}/labels_{short}.csv", raw), delimiter=",")
        arrays[f"{part}_label"] = label.astype(np.uint8)
    return arrays


RECIPE = Recipe(
    name="rosmap",
    archive_sha256="847b6635b3d61fa926ffa39d372f9e5133c4d9eabf1941c6814391bcdaaa709c",
    digests={
        "train_mrna": "034cc069c10648a8070f5ea23f1a30778a52f8366970bc5eab4f247f017af5bc",
        "train_meth": "e73405a48bb5527974d7f4a78df30e80a197e6de8f00ece640fcdc345c2a5b0e",
        "train_mirna": "b370d4c63576ce8b07da415422b22b01f032b8ee369930b20fd6327415012c2d",
        "train_label": "7caf0e887d36f4701f0d56dd7eea24fa50dfb8889f6c83af2ac8b825da0d0b2a",
        "test_mrna": "e8bbccf6482023fc3ab31908aa2aa79a60acb8c6ed6c461f7bfaded393941da5",
        "test_meth": "00d0828f7697e2359533a63f367b75b50a2ea7f97e149ea927636687a4c5c2bc",
        "test_mirna": "6649554e3e0d4b97f5667d5d126a07e2b97cf1cc8d2c557e0961a2a6866fce52",
        "test_label": "5092bf499e529af07ef6f578476134b8a578878db3bfd4045882e298ab36673d",
    },
    prepare=prepare,
)


CARD = DatasetCard(
    load=load,
    summary="Alzheimer's disease against controls: gene expression, methylation and micro-RNA of "
    "351 people; published split. Downloads about 4 MB.",
    source="https://github.com/txWang/MOGONET; original: AD Knowledge Portal (syn3219045)",
    licence="repository MIT; the data under the terms of use of the AD Knowledge Portal",
    citation="Wang et al., MOGONET integrates multi-omics data using graph convolutional networks, "
    "Nature Communications, 2021",
)
