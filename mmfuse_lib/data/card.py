"""What is known about a data set: how to load it, what it is, where it is from, how to cite it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from mmfuse_lib.data.multimodal import MultimodalData

#: Training, validation and test data. As text, so that cards can be read without torch.
Splits: TypeAlias = "tuple[MultimodalData, MultimodalData, MultimodalData]"


@dataclass(frozen=True)
class DatasetCard:
    """What the registry knows about a data set; each card is at the end of its loader's file.

    Attributes
    ----------
    load : callable
        ``load(seed, **options)`` returns the splits train, val and test. Its docstring says what
        its own options mean; what all loaders share is documented in `mmfuse_lib.data.load`.
    summary : str
        One or two sentences: modalities, labels, size, what has to be downloaded.
    source : str
        Where the data is published.
    licence : str
        As its publishers state it.
    citation : str
        The paper or the page to cite.
    fetch : callable, optional
        ``fetch(root)`` downloads the published files of a data set that is loaded from a folder.
    """

    load: Callable[..., Splits]
    summary: str
    source: str
    licence: str
    citation: str
    fetch: Callable[[Path], None] | None = None
