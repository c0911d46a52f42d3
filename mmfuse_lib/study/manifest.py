"""The file in a study's folder that says what its cells belong to, and how they were run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmfuse_lib.errors import DataError
from mmfuse_lib.files import write_whole
from mmfuse_lib.study.grid import Study

MANIFEST = "study.json"


def write_manifest(study: Study, folder: Path, run: dict[str, Any] | None = None) -> None:
    """Write what the cells in a folder belong to; runs are added to those noted before."""
    path = folder / MANIFEST
    runs = read_manifest(folder)["runs"] if path.exists() else []
    content = {
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
        "runs": [*runs, *([run] if run else [])],
    }  # fmt: skip
    text = json.dumps(content) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what the cells in a folder belong to.

    Raises
    ------
    DataError
        If there is no study in the folder, or its file is damaged.
    """
    path = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}): is this a folder of a study?") from error
    return found
