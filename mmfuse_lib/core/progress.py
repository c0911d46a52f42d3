"""The progress bar of everything that takes long: tqdm's, in the form that fits the place."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from tqdm import tqdm


def progress(items: Iterable[Any] | None = None, desc: str | None = None, **options: Any) -> Any:
    """Show one bar for a loop: a widget in notebooks that have widgets, else a line of text.

    With the environment variable ``TQDM_DISABLE`` set to 1 there is none, in a notebook either.

    Parameters
    ----------
    items : iterable, optional
        What is looped over; without it the bar is moved by hand, as `tqdm` describes.
    desc : str, optional
        What stands before the bar.
    options : object
        Other options of `tqdm`.

    Returns
    -------
    tqdm
        Iterates over `items`.

    Examples
    --------
    >>> from mmfuse_lib import progress
    >>> [2 * seed for seed in progress(range(3), "seeds")]
    [0, 2, 4]
    """
    if os.environ.get("TQDM_DISABLE", "0") not in ("", "0"):
        options["disable"] = True
    bar: Any = tqdm
    if find_spec("ipywidgets"):  # without it, tqdm.auto would warn
        from tqdm.auto import tqdm as bar
    return bar(items, desc=desc, **options)
