"""The result files of the book's repository, wherever a notebook runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.study.results import load_results


def results(name: str) -> Any:
    """Return what ``reproduce/NAME.json`` holds, or None where the repository is not at hand.

    The folder ``reproduce`` is looked for in the current folder and in those above it.

    Parameters
    ----------
    name : str
        ``"book"`` for ``reproduce/book.json``.

    Returns
    -------
    Results, dict or None
        `Results` of a study (see `load_results`); a dict of what a benchmark wrote.

    Raises
    ------
    DataError
        If the file is damaged.

    Examples
    --------
    >>> from mmfuse_lib import results
    >>> book = results("book")
    >>> if book is not None:  # the repository is here
    ...     print(", ".join(book.data))
    digit_pairs, spoken_digits, utd_mhad
    """
    here = Path.cwd()
    places = (folder / "reproduce" / f"{name}.json" for folder in (here, *here.parents))
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return None
    try:
        content = json.loads(path.read_text("utf8"))
    except ValueError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return load_results(path) if "cells" in content else content
