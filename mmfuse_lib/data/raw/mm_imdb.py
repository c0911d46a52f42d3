"""`mm_imdb`: genres of films from their plots and posters, as feature vectors.

25 959 films with one or more of 23 genres (Arevalo et al. 2017). The folder holds one published
file, of which only the arrays named here are read::

    root/multimodal_imdb.hdf5
        features        (films, 300)    mean of the word2vec vectors of the plot
        vgg_features    (films, 4096)   VGG-16 of the poster
        genres          (films, 23)     1 where a film has the genre

The names of the genres and the published split (15 552, 2608 and 7799 films, the same as in
``split.json`` beside the raw films) are attributes in the file. Names and shapes are those in the
authors' code that writes the file; the file itself could not be inspected.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import choose, fill_and_standardise
from mmfuse_lib.data.multimodal import from_arrays
from mmfuse_lib.data.raw.published import check_root, cut
from mmfuse_lib.data.storage.hdf5 import DAMAGED, get_item, open_hdf5, read_array
from mmfuse_lib.data.storage.prepared import check_files

SOURCE = "http://lisi1.unal.edu.co/mmimdb (code: https://github.com/johnarevalo/gmu-mmimdb)"

FILE = "multimodal_imdb.hdf5"

#: The modalities, in order, and what their arrays are called.
MODALITIES = {"text": "features", "image": "vgg_features"}

#: The parts of the published split, in the order of the rows.
PARTS = ("train", "dev", "test")


def load(
    seed: int = 0, *, root: str | Path | None = None, modalities: Sequence[str] = tuple(MODALITIES)
) -> Splits:
    """Load the published split. Multi-label: a film may have several genres.

    =====  =======  ==========================================================
    text   (300,)   mean word vector of the plot
    image  (4096,)  features of the poster
    =====  =======  ==========================================================

    Both are standardised on the training films. A plot without a word that has a vector is NaN in
    the file; here it is 0, the mean. No film is in two splits.

    Parameters
    ----------
    modalities : sequence of str
        One or both of ``"text"``, ``"image"``.
    """
    root = check_root("mm_imdb", root, FILE, SOURCE)
    names = choose(modalities, tuple(MODALITIES))
    check_files("mm_imdb", [root / FILE], SOURCE)
    with open_hdf5(root / FILE, SOURCE) as file:
        genres = read_array(file, "genres")
        class_names = _read_names(file, genres.shape[1])
        arrays = {name: read_array(file, MODALITIES[name]) for name in names}
        n_train, n_val = _read_split(file, len(genres))
    inputs = {
        name: fill_and_standardise(x.astype(np.float32, copy=False), n_train)
        for name, x in arrays.items()
    }
    return cut(from_arrays(inputs, genres, class_names=class_names), n_train, n_val)


def _read_names(file: Any, n: int) -> tuple[str, ...]:
    """Read the names of the genres: a list in JSON."""
    try:
        names = json.loads(get_item(file, "genres").attrs["target_names"])
    except DAMAGED as error:
        raise DataError(f"{file.filename}: genres has no readable names: {error}") from error
    if not isinstance(names, list) or len(names) != n or len(set(map(str, names))) != n:
        raise DataError(f"{file.filename}: genres has {n} columns and the names {names}")
    return tuple(map(str, names))


def _read_split(file: Any, n_films: int) -> tuple[int, int]:
    """Read the sizes of training and validation: a table with a row for each part and array."""
    try:
        rows = [
            (row["split"].decode(), int(row["start"]), int(row["stop"]))
            for row in file.attrs["split"]
            if row["source"] == b"genres"
        ]
    except (*DAMAGED, IndexError, AttributeError) as error:
        raise DataError(f"{file.filename} has no split that can be read: {error}") from error
    spans = {name: (start, stop) for name, start, stop in rows}
    edges = [0, *(spans.get(part, (0, 0))[1] for part in PARTS)]
    expected = dict(zip(PARTS, pairwise(edges), strict=True))
    if spans != expected or edges != sorted(set(edges)) or edges[-1] != n_films:
        raise DataError(
            f"{file.filename} has the split {spans} for {n_films} films: expected "
            f"{', '.join(PARTS)}, one after the other"
        )
    return edges[1], edges[2] - edges[1]


CARD = DatasetCard(
    load=load,
    summary="25959 films with one or more of 23 genres: features of plot and poster, from the "
    "published file in a folder of yours (root). Needs h5py; not downloaded for you.",
    source=SOURCE,
    licence="none stated; plots and posters from IMDb (the authors' code: MIT)",
    citation="Arevalo et al., Gated multimodal units for information fusion, ICLR workshop, 2017",
)
