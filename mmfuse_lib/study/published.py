"""The result files of the book's repository, wherever a notebook runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmfuse_lib.core.errors import DataError, UnknownNameError
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
    UnknownNameError
        If the repository is at hand, and has no such file.
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
    folders = [folder / "reproduce" for folder in (Path.cwd(), *Path.cwd().parents)]
    path = next((f / f"{name}.json" for f in folders if (f / f"{name}.json").is_file()), None)
    if path is None:
        ours = next((f for f in folders if (f / "book.json").is_file()), None)
        if ours is not None:
            raise UnknownNameError("result file", name, sorted(p.stem for p in ours.glob("*.json")))
        return None
    try:
        content = json.loads(path.read_text("utf8"))
    except ValueError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return load_results(path) if "cells" in content else content
