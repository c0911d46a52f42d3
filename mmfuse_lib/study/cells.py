"""A cell of a study: one method on one data set with one seed and setting, and its measures.

A measure is a function of what was trained, a `mmfuse_lib.runs.Trained`, that returns what JSON can
hold; where nothing is trained it gets a `mmfuse_lib.runs.Loaded`. A configuration names it by its
place, ``"module:function"``. It may have an attribute ``check``, a function of the settings that
raises before anything is trained if it cannot be taken.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmfuse_lib import runs
from mmfuse_lib.core.devices import name_of_device
from mmfuse_lib.core.errors import CheckpointError, DataError
from mmfuse_lib.core.files import finite
from mmfuse_lib.core.objects import load_object
from mmfuse_lib.core.provenance import UNKNOWN, modules_digest, provenance
from mmfuse_lib.evaluation import Evaluation, evaluate
from mmfuse_lib.runs import Loaded, Settings, Splits, Trained, load_splits, train
from mmfuse_lib.training.checkpoints import FILE_NAME

#: Seconds between two checkpoints of a cell: one that takes less writes none.
CHECKPOINT_SECONDS = 30.0

#: What is measured of every trained model, under the name `evaluation`, unless the configuration
#: names another function there.
EVALUATION = "mmfuse_lib.study.cells:evaluation"

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
        What is trained; nothing if the method is ``""``.
    setting : dict
        The searched ones among the settings and the method's options.
    measures : dict
        Name to ``"module:function"``, beside the `evaluation` of what is trained.
    evaluate : str
        ``"test"``, or ``"val"``: then nothing that is measured gets to see the test split.
    code : str
        Digest of the code that the result depends on; by default it is taken here.
    """

    method: str
    data: str
    entry: str
    settings: Settings
    setting: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, str] = field(default_factory=dict)
    evaluate: str = "test"
    code: str = ""

    def __post_init__(self) -> None:
        if not self.code:
            object.__setattr__(self, "code", digest_of(modules_of(self.settings, self.measures)))

    def __str__(self) -> str:
        searched = ", ".join(f"{name} {value}" for name, value in self.setting.items())
        return f"{self.method} on {self.data}, seed {self.settings.seed}" + (
            f", {searched}" if searched else ""
        )

    @cached_property
    def key(self) -> str:
        """The hash of all that the result depends on; names of rows and columns do not count."""
        return key_of(self.code, asdict(self.settings), self.measures, self.evaluate)


def modules_of(settings: Settings, measures: Mapping[str, str]) -> tuple[str, ...]:
    """Return the modules in which a cell's method, data and measures are, and those of any cell."""
    measured = (path.partition(":")[0] for path in measures.values())
    return (*runs.modules_of(settings), *measured, __name__)


def digest_of(modules: Sequence[str]) -> str:
    """Return a digest of the code of a cell's modules, see `modules_digest`."""
    return modules_digest(modules, but=runs.BY_NAME)


def key_of(
    code: str, settings: Mapping[str, Any], measures: Mapping[str, str], evaluate: str = "test"
) -> str:
    """Return the hash of a cell: of its code's digest, and of its settings as a file has them."""
    parts = [code, settings, sorted(measures.items()), *([] if evaluate == "test" else [evaluate])]
    # JSON turns keys into text; the order of keys must not depend on whether it has done so yet.
    plain = json.loads(json.dumps(parts))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


# What is measured.


def evaluation(trained: Trained) -> dict[str, Any]:
    """Return metrics on validation and test data, which test samples are right, and the size."""
    _, val, *tests = trained.splits
    device = trained.settings.device
    found: dict[str, Any] = {
        "val": evaluate(trained.model, val, device=device).metrics,
        "n_parameters": sum(p.numel() for p in trained.model.parameters()),
        "best_epoch": trained.history.best_epoch,
    }
    for test in tests:  # none in a study that only validates
        tested = evaluate(trained.model, test, device=device)
        found |= {"test": tested.metrics, "right": pack_right(tested), "n_test": len(test)}
    return found


def pack_right(tested: Evaluation) -> str | None:
    """Return which samples are right, eight in a byte, in hexadecimal; None for regression."""
    if "correct" not in tested.predictions:
        return None
    return np.packbits(tested.predictions["correct"].to_numpy(dtype=bool)).tobytes().hex()


def unpack_right(packed: str, n: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return what `pack_right` packed, shape ``(n,)``.

    Examples
    --------
    >>> unpack_right("a0", 4).tolist()
    [True, False, True, False]
    """
    found = np.unpackbits(np.frombuffer(bytes.fromhex(packed), dtype=np.uint8), count=n)
    return found.astype(bool)


# Computing a cell, in whatever process or on whatever machine.

#: Random state and thread count belong to a process: a worker with many threads takes turns.
_ALONE = threading.Lock()


def attempt(cell: Cell, checkpoints: Path | None = None) -> Record:
    """Compute a cell; what goes wrong is returned as ``{"error": ..}`` and harms no other cell.

    Parameters
    ----------
    cell : Cell
        What to compute.
    checkpoints : Path, optional
        A folder for this cell alone: computing goes on from what an interrupted attempt left
        there. It stays, since the result is not on disk yet.
    """
    try:
        with _ALONE, _one_thread():
            return compute(cell, checkpoints)
    except Exception as error:
        if isinstance(error, CheckpointError) and checkpoints:  # the next attempt starts over
            shutil.rmtree(checkpoints, ignore_errors=True)
        return {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}


def compute(cell: Cell, checkpoints: Path | None = None) -> Record:
    """Train and measure.

    Returns
    -------
    dict
        The cell's hash, code and configuration; ``results``, a function of these; and ``ran``,
        what differs from run to run: times, hardware, versions. The times are those of this
        attempt; there is none of a step if another one began.

    Raises
    ------
    DataError
        If the code of this process is not that of the one which made the cell.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    settings = cell.settings
    _check_code(cell)
    resumed = checkpoints is not None and (checkpoints / FILE_NAME).exists()
    options = json.dumps(settings.data_options, sort_keys=True)
    splits = _splits(settings.data, settings.seed, options, cell.code)
    found: Loaded = Loaded(settings, splits)
    if settings.method:
        found = train(
            settings, splits,
            checkpoint_dir=checkpoints, checkpoint_every=CHECKPOINT_SECONDS, progress=False,
        )  # fmt: skip
    seen = replace(found, splits=splits[:2]) if cell.evaluate == "val" else found
    paths = ({"evaluation": EVALUATION} if settings.method else {}) | cell.measures
    results = {name: _plain(name, load_object(path)(seen)) for name, path in paths.items()}
    if "evaluation" in cell.measures and not isinstance(results["evaluation"], dict):
        raise DataError("the measure 'evaluation' returned no mapping: expected 'val' and 'test'")
    return {
        "key": cell.key,
        "code": cell.code,
        "settings": asdict(settings),
        "measures": cell.measures,
        "evaluate": cell.evaluate,
        "results": results,
        "ran": {
            "seconds": round(time.perf_counter() - wall, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "step_ms": None if resumed else step_ms(found),
            **provenance(device=name_of_device(settings.device)),
        },
    }


def _plain(name: str, measured: Any) -> Any:
    """Return what a measure returned with None for NaN and infinities, if a file can hold it."""
    try:
        json.dumps(found := finite(measured), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the measure {name!r} returned what JSON cannot hold ({error}): expected numbers, "
            "texts, true, false, None, lists and mappings"
        ) from error
    return found


def _check_code(cell: Cell) -> None:
    """Refuse to compute with other code than the cell stands for, as an old worker would."""
    here = digest_of(modules_of(cell.settings, cell.measures))
    if here != cell.code and not here.startswith(UNKNOWN):
        raise DataError(
            "the code was edited since the study was started, or a worker has another version of "
            "it: start the study (and the workers) again"
        )


def step_ms(found: Loaded) -> float | None:
    """Return the milliseconds of a step, validation included; None where nothing was trained."""
    if not isinstance(found, Trained):
        return None
    return round(1e3 * found.seconds / n_steps(found), 3)


def n_steps(trained: Trained) -> int:
    """Return how many batches were trained on, over all stages; a stage may have its own size."""
    n, settings = len(trained.splits[0]), trained.settings
    stages = trained.model.stages(settings.epochs)
    size = {stage.name: stage.batch_size or settings.batch_size for stage in stages}
    epochs = {(r["stage"], r["epoch"]) for r in trained.history.records if r["split"] == "train"}
    return sum(-(-n // size[str(stage)]) for stage, _ in epochs)


@lru_cache(maxsize=1)
def _splits(data: str, seed: int, options: str, code: str) -> Splits:
    """Load data, once for cells in a row that share it and the code."""
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
