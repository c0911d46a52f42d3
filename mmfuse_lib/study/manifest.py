"""The file in a study's folder that says what its cells belong to, and how they were run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.files import write_text
from mmfuse_lib.study.grid import Study
from mmfuse_lib.study.records import read_json

MANIFEST = "study.json"

#: What must be in it, and of each cell in it.
PARTS = {"name": str, "config": dict, "modalities": dict, "cells": list, "runs": list}
CELL_PARTS = {"key", "method", "data", "seed", "setting"}


def write_manifest(study: Study, folder: Path, run: dict[str, Any] | None = None) -> None:
    """Write what the cells in a folder belong to; runs are added to those noted before.

    Of a file that is damaged, the runs are kept that can still be read.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    path = folder / MANIFEST
    content = {
        "runs": [*noted_runs(path), *([run] if run else [])],  # first: the end is what gets lost
        "name": study.name,
        "config": study.config,
        "modalities": study.modalities,
        "cells": [
            {
                "key": cell.key, "method": cell.method, "data": cell.data,
                "seed": cell.settings.seed, "setting": cell.setting,
            }
            for cell in study.cells
        ],
    }  # fmt: skip
    write_text(path, json.dumps(content, allow_nan=False) + "\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what the cells in a folder belong to.

    Raises
    ------
    DataError
        If there is no study in the folder, or its file is damaged.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise DataError(f"{path} cannot be read: is {folder} the folder of a study?")
    try:
        found: dict[str, Any] = read_json(path)
        good = all(isinstance(found[part], kind) for part, kind in PARTS.items())
        if not good or not all(cell.keys() >= CELL_PARTS for cell in found["cells"]):
            raise ValueError("parts of it are missing")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path} is damaged ({error}). 'mmfuse study CONFIG --out {folder}' writes it anew; "
            "cells that are done are kept"
        ) from error
    return found


def noted_runs(path: Path) -> list[dict[str, Any]]:
    """Return the runs that a file notes: all, or those that can still be read if it is damaged."""
    text = path.read_text("utf8", "replace") if path.is_file() else ""
    _, found, rest = text.partition('"runs": [')
    runs: list[dict[str, Any]] = []
    while found:
        try:
            run, end = json.JSONDecoder().raw_decode(rest)
        except ValueError:
            break
        if not isinstance(run, dict) or not isinstance(run.get("seconds"), int):
            break
        runs.append(run)
        rest = rest[end:].lstrip(", \n")
    return runs
