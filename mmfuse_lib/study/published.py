"""The result files and the studies of the book, wherever a notebook runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.runs import read_settings
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
    path = _find("result file", name, "json")
    try:
        content = json.loads(path.read_text("utf8"))
    except ValueError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return load_results(path) if "cells" in content else content


def configuration(name: str) -> dict[str, Any]:
    """Return the configuration of a study of the book, ``reproduce/NAME.yml``, for `Study.of`.

    It is looked for as `results` looks for a file of results.

    Parameters
    ----------
    name : str
        ``"book"`` for ``reproduce/book.yml``.

    Raises
    ------
    UnknownNameError
        If there is no such file; it names those that there are.

    Examples
    --------
    >>> from mmfuse_lib import study
    >>> plan = study.configuration("gpu_lab")
    >>> plan["settings"]["epochs"], list(plan["data"])
    (6, ['spoken_digits'])
    """
    return {"name": name, **read_settings(_find("study of the book", name, "yml"))}


def _find(kind: str, name: str, suffix: str) -> Path:
    """Return the file of a name in a folder ``reproduce``, the nearest one first."""
    folders = [folder / "reproduce" for folder in (Path.cwd(), *Path.cwd().parents)]
    folders.append(_installed())
    named = (folder / f"{name}.{suffix}" for folder in folders)
    path = next((path for path in named if path.is_file()), None)
    if path is None:
        known = {p.relative_to(f).with_suffix("").as_posix() for f in folders
                 for p in f.rglob(f"*.{suffix}")}  # fmt: skip
        raise UnknownNameError(kind, name, sorted(known))
    return path


def _installed() -> Path:
    """Return the folder of the files that came with the library; see ``setup.py``."""
    package = Path(__file__).parents[1]
    copied = package / "published"
    return copied if copied.is_dir() else package.parent / "reproduce"
