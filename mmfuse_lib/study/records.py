"""The files of cells: ``KEY.json`` for one that is done, ``KEY.error`` for one that failed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.files import write_text
from mmfuse_lib.study.cells import Cell, Record, key_of, unpack_right

#: The folder, in a study's, with a folder of checkpoints for each cell that is being computed.
CHECKPOINTS = "checkpoints"

#: Metrics are computed in single precision.
TOLERANCE = 1e-6


def read_records(folder: Path, keys: Iterable[str]) -> tuple[dict[str, Record | None], list[str]]:
    """Return the records of cells by their hash, None where there is none that can be used.

    Beside them, a line for each file that is there and cannot be used.
    """
    records: dict[str, Record | None] = {}
    problems = []
    for key in keys:
        try:
            records[key] = read_record(folder / f"{key}.json", key)
        except DataError as error:
            records[key] = None
            problems.append(str(error))
    return records, problems


def read_record(path: Path, key: str) -> Record | None:
    """Return the record in a file, or None if there is no such file.

    Raises
    ------
    DataError
        If it is damaged, is of another cell, or gives an accuracy that is not the one of the test
        samples that it says are right.
    """
    if not path.exists():
        return None
    try:
        record: Record = read_json(path)
        found = _key(record["code"], record)
        if not record["key"] == key == found or not {"results", "ran"} <= record.keys():
            raise ValueError("it is not the result of the configuration that it names")
        if "evaluation" not in record["measures"]:  # a reader's own may note what it likes
            _check_accuracy(record["results"].get("evaluation", {}))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        said = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise DataError(f"{path.name} does not count as done: {said}") from error
    return record


def _key(code: str, record: Record) -> str:
    return key_of(code, record["settings"], record["measures"], record["evaluate"])


def read_json(path: Path) -> Any:
    """Read a file of JSON, which knows no NaN: Python's reader would let it pass."""

    def refuse(name: str) -> None:
        raise ValueError(f"it holds {name}, which is not JSON")

    return json.loads(path.read_text("utf8"), parse_constant=refuse)


def _check_accuracy(evaluation: Record) -> None:
    """Compare the accuracy with that of the samples that are noted as right."""
    test = evaluation.get("test", {})
    noted = test.get("accuracy", test.get("subset_accuracy"))
    if noted is None:  # a regression, or nothing was tested
        return
    if not evaluation["right"]:
        raise ValueError("it does not say which test samples are right")
    found = float(unpack_right(evaluation["right"], evaluation["n_test"]).mean())
    if abs(found - noted) > TOLERANCE:
        raise ValueError(f"it says the accuracy is {noted:.6g}, and notes {found:.6g} as right")


def computed_before(folder: Path, cells: Iterable[Cell]) -> list[Cell]:
    """Return those of some cells that were computed in a folder with other code."""
    wanted = {cell.key: cell for cell in cells}
    found = set()
    for path in folder.glob("*.json"):
        with suppress(OSError, ValueError, TypeError, KeyError):  # it is no record of a cell
            record = read_json(path)
            if path.stem not in wanted:
                found.add(_key("", record))
    return [cell for cell in wanted.values() if _key("", asdict(cell)) in found]


def write_record(folder: Path, cell: Cell, record: Record) -> None:
    """Write what `attempt` returned: the record, or the error that there was instead.

    The checkpoints of a cell that is done are removed.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    error = folder / f"{cell.key}.error"
    if "error" in record:
        write_text(error, f"{cell}\n\n{record['traceback']}\n")
        return
    write_text(folder / f"{cell.key}.json", json.dumps(record, indent=1, allow_nan=False) + "\n")
    error.unlink(missing_ok=True)
    shutil.rmtree(checkpoints_of(folder, cell.key), ignore_errors=True)


def failed(folder: Path, key: str) -> bool:
    """Return whether the last attempt at a cell failed."""
    return (folder / f"{key}.error").exists()


def checkpoints_of(folder: Path, key: str) -> Path:
    """Return the folder of a cell's checkpoints."""
    return folder / CHECKPOINTS / key


def remove_checkpoints(folder: Path, but: Iterable[str]) -> None:
    """Remove the checkpoints of all cells but some, and the folder if it is empty."""
    place, kept = folder / CHECKPOINTS, set(but)
    for found in place.glob("*"):
        if found.name not in kept:
            shutil.rmtree(found, ignore_errors=True)
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()
