"""The result files of the book, wherever a notebook runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.study.results import load_results


def results(name: str) -> Any:
    """Return what the result file ``reproduce/NAME.json`` of the book holds.

    The folder ``reproduce`` is looked for in the current folder and in those above it, so that a
    study of your own, or of a copy of the repository, comes first; then the files that were
    installed with this version of the library are taken.

    Parameters
    ----------
    name : str
        ``"book"`` for ``reproduce/book.json``, ``"gpu/lab"`` for ``reproduce/gpu/lab.json``.

    Returns
    -------
    Results or dict
        `Results` of a study (see `load_results`); a dict of what a benchmark wrote.

    Raises
    ------
    UnknownNameError
        If there is no such file; it names those that there are.
    DataError
        If the file is damaged.

    Examples
    --------
    >>> from mmfuse_lib import results
    >>> ", ".join(results("book").data)
    'digit_pairs, spoken_digits, utd_mhad'
    """
    folders = [folder / "reproduce" for folder in (Path.cwd(), *Path.cwd().parents)]
    folders.append(_installed())
    path = next((f / f"{name}.json" for f in folders if (f / f"{name}.json").is_file()), None)
    if path is None:
        known = {p.relative_to(f).with_suffix("").as_posix() for f in folders
                 for p in f.rglob("*.json")}  # fmt: skip
        raise UnknownNameError("result file", name, sorted(known))
    try:
        content = json.loads(path.read_text("utf8"))
    except ValueError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return load_results(path) if "cells" in content else content


def _installed() -> Path:
    """Return the folder of the files that came with the library; see ``setup.py``."""
    package = Path(__file__).parents[1]
    copied = package / "published"
    return copied if copied.is_dir() else package.parent / "reproduce"
