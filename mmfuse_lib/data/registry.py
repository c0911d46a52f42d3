"""The registry: data sets by name."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmfuse_lib.core.errors import DataError, check_names, check_options
from mmfuse_lib.core.objects import is_path, load_object

if TYPE_CHECKING:
    from mmfuse_lib.data.card import DatasetCard, Splits

#: Where each card is; nothing of a data set is imported before somebody asks for it.
_CARDS = {
    "digit_pairs": "synthetic.digit_pairs:CARD",
    "gaussian_gates": "synthetic.gaussian_gates:CARD",
    "spoken_digits": "synthetic.spoken_digits:CARD",
    "bird_pairs": "synthetic.bird_pairs:CARD",
    "utd_mhad": "downloaded.utd_mhad:CARD",
    "cremad": "raw.cremad:CARD",
    "ave": "raw.ave:CARD",
    "kinetics_sounds": "raw.kinetics_sounds:CARD",
    "ucf101": "raw.ucf101:CARD",
    "modelnet40": "raw.modelnet40:CARD",
    "cmu_mosi": "raw.cmu_sentiment:MOSI_CARD",
    "cmu_mosei": "raw.cmu_sentiment:MOSEI_CARD",
    "mm_imdb": "raw.mm_imdb:CARD",
    "enrico": "raw.enrico:CARD",
    "cremad_votes": "downloaded.cremad_votes:CARD",
    "mfeat": "downloaded.mfeat:CARD",
    "rosmap": "downloaded.rosmap:CARD",
    "cub_image_text": "downloaded.cub_image_text:CARD",
    "mmsd_sarcasm": "downloaded.mmsd_sarcasm:CARD",
}


def names() -> tuple[str, ...]:
    """Return the names that `load` knows."""
    return tuple(_CARDS)


def load(name: str, seed: int = 0, **options: Any) -> Splits:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of `names()`, or a reader's own ``"my_file:load"``: a function of the seed (and of
        options) that returns three splits.
    seed : int
        Seed of everything that is drawn. Where the splits are published and nothing is drawn, it
        changes nothing.
    **options
        What the data set takes; `describe` lists it. Several data sets take these:

        ``n_train``, ``n_val``, ``n_test`` : int
            Number of samples that are made for each split.
        ``modalities`` : sequence of str
            Which modalities, in the order wanted.
        ``val_share`` : float
            Share of each class that is held out of the published training samples for validation.
        ``root`` : path
            Folder of the published files, where you have to bring them.
        ``prepared`` : path
            Folder for the arrays that are made of these files once; ``root/prepared`` by default.
        ``n_frames`` : int
            Frames of each video, at equal distances from the first to the last; a single one is
            the one in the middle.

    Returns
    -------
    train, val, test : MultimodalData
        Splits that share no raw input; of a reader's own, what the function returns. Prepared
        arrays stay on disk: a batch reads what it needs.

    Raises
    ------
    UnknownNameError
        If the data set, an option, or what an option names (a modality, a target) does not exist.
    DataError
        If an option has a value that cannot be used, files are missing or unreadable (the message
        counts and names them), or a program or package that reads them is not installed.
    DownloadError
        If a download fails, or what is made of the files cannot be written.

    Examples
    --------
    >>> from mmfuse_lib import data
    >>> train, val, test = data.load("digit_pairs", seed=0, n_train=800, n_classes=2)
    >>> train
    MultimodalData(800 samples; left (1, 10, 8), right (1, 10, 8); 2 classes)
    """
    if is_path(name):
        return _load_own(name, seed, options)
    card = _card(name)
    check_options(repr(name), card.load, options, given=("seed",))
    return card.load(seed, **options)


def fetch(name: str, root: str | Path) -> None:
    """Download the published files of a data set that `load` reads from a folder (`root`).

    What is there already is not downloaded again: the same call goes on after an interruption.

    Parameters
    ----------
    name : str
        One of `names()`; so far ``"cremad"``.
    root : path
        The folder that gets the files; made if needed.

    Raises
    ------
    UnknownNameError
        If there is no data set of this name.
    DataError
        If it is not one that is downloaded into a folder; says where to get it.
    DownloadError
        If a download fails.

    Examples
    --------
    >>> from mmfuse_lib import data
    >>> data.fetch("ave", "my_folder")
    Traceback (most recent call last):
        ...
    mmfuse_lib.core.errors.DataError: 'ave' is not downloaded into a folder; see ...
    """
    card = _card(name)
    if card.fetch is None:
        raise DataError(f"{name!r} is not downloaded into a folder; see {card.source}")
    card.fetch(Path(root))


def loader(name: str) -> Callable[..., Splits]:
    """Return the function that loads a data set, by the name that `load` knows."""
    return load_object(name) if is_path(name) else _card(name).load


def summary(name: str) -> str:
    """Return what a data set is, in a sentence or two.

    It is read from the card as it is written: to run the loader's file may take torch.
    """
    check_names("data set", [name], _CARDS)
    module, _, card = _CARDS[name].partition(":")
    path = Path(__file__).parent.joinpath(*module.split(".")).with_suffix(".py")
    written = (
        keyword.value.value
        for node in ast.parse(path.read_text("utf8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == card
        for keyword in (node.value.keywords if isinstance(node.value, ast.Call) else [])
        if keyword.arg == "summary" and isinstance(keyword.value, ast.Constant)
    )
    return str(next(written, None) or _card(name).summary)


def describe(name: str) -> str:
    """Return what a data set is, its options with defaults, its source, licence and citation.

    Examples
    --------
    >>> from mmfuse_lib import data
    >>> print(data.describe("digit_pairs"))  # doctest: +ELLIPSIS
    digit_pairs: Two real handwritten digits (8 x 8 pixels, ...
      options   seed=0, n_train=12000, ...
    """
    card = _card(name)
    options = inspect.signature(card.load).parameters.values()
    return "\n".join(
        [
            f"{name}: {card.summary}",
            f"  options   {', '.join(f'{p.name}={p.default!r}' for p in options)}",
            f"  source    {card.source}",
            f"  licence   {card.licence}",
            f"  cite      {card.citation}",
        ]
    )


def _load_own(name: str, seed: int, options: dict[str, Any]) -> Splits:
    from mmfuse_lib.data.multimodal import MultimodalData  # loads torch

    function = load_object(name)
    if not callable(function):
        raise DataError(f"{name!r} is {function!r}: expected a function of the seed")
    check_options(repr(name), function, options, given=("seed",))
    splits = tuple(function(seed, **options))
    if len(splits) != 3 or not all(isinstance(part, MultimodalData) for part in splits):
        raise DataError(f"{name!r} returned no three MultimodalData: expected train, val, test")
    return splits


def _card(name: str) -> DatasetCard:
    check_names("data set", [name], _CARDS)
    card: DatasetCard = load_object(f"mmfuse_lib.data.{_CARDS[name]}")
    return card
