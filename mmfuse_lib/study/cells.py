"""A cell of a study: one method on one data set with one seed and setting, and its measures."""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmfuse_lib import explanations
from mmfuse_lib.evaluation import Evaluation, evaluate
from mmfuse_lib.files import write_whole
from mmfuse_lib.runs import Settings, Splits, Trained, load_splits, provenance, train

#: Changed when results of an older version must not be taken for results of this one.
FORMAT = 1

Record = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One point of the grid.

    Attributes
    ----------
    method, data : str
        What the row and the column are called.
    entry : str
        The line of the configuration that the row comes from.
    settings : Settings
        What is trained.
    setting : dict
        The searched ones among the settings.
    measures : tuple of str
        Names in `MEASURES` beside ``"evaluation"``, which every cell has.
    """

    method: str
    data: str
    entry: str
    settings: Settings
    setting: dict[str, Any] = field(default_factory=dict)
    measures: tuple[str, ...] = ()

    def __str__(self) -> str:
        searched = ", ".join(f"{name} {value}" for name, value in self.setting.items())
        return f"{self.method} on {self.data}, seed {self.settings.seed}" + (
            f", {searched}" if searched else ""
        )

    @cached_property
    def key(self) -> str:
        """The hash of all that the result depends on; names of rows and columns do not count."""
        return key_of(asdict(self.settings), self.measures)


def key_of(settings: Mapping[str, Any], measures: tuple[str, ...] | list[str]) -> str:
    """Return the configuration hash of a cell, from its settings as a file holds them."""
    # JSON turns keys into text; the order of keys must not depend on whether it has done so yet.
    plain = json.loads(json.dumps([FORMAT, settings, sorted(measures)]))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


# What is measured.


def evaluation(trained: Trained) -> dict[str, Any]:
    """Return metrics on validation and test data, which test samples are right, and the size."""
    _, val, test = trained.splits
    device = trained.settings.device
    tested = evaluate(trained.model, test, device=device)
    return {
        "val": evaluate(trained.model, val, device=device).metrics,
        "test": tested.metrics,
        "right": pack_right(tested),
        "n_test": len(test),
        "n_parameters": sum(p.numel() for p in trained.model.parameters()),
        "best_epoch": trained.history.best_epoch,
    }


#: What can be measured on a trained model; a name other than ``evaluation`` is a key of the
#: configuration that switches it on. Each returns what JSON can hold.
MEASURES: dict[str, Callable[[Trained], dict[str, Any]]] = {
    "evaluation": evaluation,
    "explanations": explanations.measure,
}

#: What a measure needs of the settings, checked before anything is trained.
NEEDS: dict[str, Callable[[Settings], object]] = {"explanations": explanations.shares_of}


def pack_right(tested: Evaluation) -> str | None:
    """Return which samples are right, eight in a byte, in hexadecimal; None for regression."""
    if "correct" not in tested.predictions:
        return None
    return np.packbits(tested.predictions["correct"].to_numpy(dtype=bool)).tobytes().hex()


def unpack_right(packed: str, n: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return what `pack_right` packed, shape ``(n,)``."""
    found = np.unpackbits(np.frombuffer(bytes.fromhex(packed), dtype=np.uint8), count=n)
    return found.astype(bool)


# Computing a cell, in whatever process or on whatever machine.

#: Random state and thread count belong to a process: a worker with many threads takes turns.
_ALONE = threading.Lock()


def attempt(cell: Cell) -> Record:
    """Compute a cell; what goes wrong is returned as ``{"error": ..}`` and harms no other cell."""
    try:
        with _ALONE, _one_thread():
            return compute(cell)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}


def compute(cell: Cell) -> Record:
    """Train and measure.

    Returns
    -------
    dict
        The cell's hash and configuration; ``results``, a function of these; and ``ran``, what
        differs from run to run: times, hardware, versions.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    settings = cell.settings
    options = json.dumps(settings.data_options, sort_keys=True)
    trained = train(settings, _splits(settings.data, settings.seed, options), progress=False)
    results = {name: MEASURES[name](trained) for name in ("evaluation", *cell.measures)}
    return {
        "key": cell.key,
        "settings": asdict(settings),
        "measures": list(cell.measures),
        "results": _finite(results),
        "ran": {
            "seconds": round(time.perf_counter() - wall, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "step_ms": round(1e3 * trained.seconds / n_steps(trained), 3),
            "date": time.strftime("%Y-%m-%d"),
            **provenance(settings.device),
        },
    }


def n_steps(trained: Trained) -> int:
    """Return how many steps were taken, over all stages."""
    epochs = {(r["stage"], r["epoch"]) for r in trained.history.records if r["split"] == "train"}
    return len(epochs) * -(-len(trained.splits[0]) // trained.settings.batch_size)


@lru_cache(maxsize=1)
def _splits(data: str, seed: int, options: str) -> Splits:
    """Load data, once for cells in a row that share it."""
    return load_splits(Settings("", data, data_options=json.loads(options), seed=seed))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread, so that a result does not depend on how many cells run at once."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _finite(value: Any) -> Any:
    """Replace NaN and infinities, which JSON lacks, by None."""
    if isinstance(value, Mapping):
        return {name: _finite(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# Files: `KEY.json` for a cell that is done, `KEY.error` for one that failed.


def read_record(folder: Path, key: str) -> Record | None:
    """Return a finished cell's record, or None if there is none that can be used."""
    try:
        record = json.loads((folder / f"{key}.json").read_text("utf8"))
        good = record["key"] == key == key_of(record["settings"], record["measures"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return record if good and {"results", "ran"} <= record.keys() else None


def write_record(folder: Path, cell: Cell, record: Record) -> None:
    """Write what `attempt` returned: the record, or the error that there was instead."""
    error = folder / f"{cell.key}.error"
    if "error" in record:
        text = f"{cell}\n\n{record['traceback']}\n"
        write_whole(error, lambda file: file.write(text.encode()))
        return
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    write_whole(folder / f"{cell.key}.json", lambda file: file.write(text.encode()))
    error.unlink(missing_ok=True)


def failed(folder: Path, key: str) -> bool:
    """Return whether the last attempt at a cell failed."""
    return (folder / f"{key}.error").exists()
