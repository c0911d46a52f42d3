"""Run the cells of a study: processes on this machine, or a Dask cluster."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from mmfuse_lib.core.devices import make_fabric
from mmfuse_lib.core.errors import ClusterError, check_integers
from mmfuse_lib.core.files import check_writable
from mmfuse_lib.study.cells import Cell, Record, attempt
from mmfuse_lib.study.display import Display
from mmfuse_lib.study.grid import Study
from mmfuse_lib.study.manifest import write_manifest
from mmfuse_lib.study.records import (
    checkpoints_of,
    computed_before,
    read_records,
    remove_checkpoints,
    write_record,
)

#: How long a scheduler may take to answer.
CONNECT_SECONDS = 10

#: How often a worker looks whether the process that started it is still there.
WATCH_SECONDS = 1.0

Finished = Generator[tuple[Cell, Record], None, None]


@dataclass(frozen=True)
class Outcome:
    """What a call of `run_study` did.

    Attributes
    ----------
    done, ran : int
        Cells that are finished now, and those that were computed in this call.
    failed : list of Cell
        Cells that could not be computed; what was wrong is in ``KEY.error``.
    """

    done: int
    ran: int
    failed: list[Cell]


def run_study(
    study: Study,
    folder: Path,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    progress: bool = True,
    command: str = "",
) -> Outcome:
    """Compute the cells that are not done yet, and write each as it comes in.

    A cell is a function of its configuration and its code: where it is computed, and beside how
    many others, changes no digit of its results. Only this process writes results, so a cluster
    needs no shared files. On this machine a cell that takes long also writes checkpoints, and goes
    on from them if it was interrupted.

    Parameters
    ----------
    study : Study
        What to run.
    folder : Path
        Of the cells: one file each, named by the hash of its configuration and its code.
    jobs : int
        Processes on this machine, a thread each.
    scheduler : str, optional
        Address of a Dask scheduler, e.g. ``"tcp://10.0.0.1:8786"``: its workers compute instead.
    progress : bool
        Show a bar and a table on stderr.
    command : str
        Written down with the folder.

    Raises
    ------
    DataError
        If the folder cannot be written to; before anything is trained.
    ClusterError
        If ``distributed`` is missing, or no scheduler answers.
    KeyboardInterrupt
        Passed on; what is finished is kept.

    Examples
    --------
    >>> import tempfile
    >>> from mmfuse_lib.study import Study, run_study
    >>> few = {"data_options": {"n_train": 60, "n_val": 20, "n_test": 20}}
    >>> plan = {"name": "mine", "methods": {"JointFusion": {}}, "data": {"digit_pairs": few}}
    >>> grid = Study.of({**plan, "settings": {"epochs": 1, "device": "cpu"}})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = run_study(grid, Path(folder), progress=False)
    ...     again = run_study(grid, Path(folder), progress=False)
    >>> first.ran, again.ran  # what is done is not computed again
    (1, 0)
    """
    check_integers(jobs=jobs)
    check_writable(folder)
    records, problems = read_records(folder, [cell.key for cell in study.cells])
    todo = [cell for cell in study.cells if records[cell.key] is None]
    write_manifest(study, folder)
    remove_checkpoints(folder, but=[cell.key for cell in todo])
    if scheduler is None:
        for device, precision in {(c.settings.device, c.settings.precision) for c in todo}:
            make_fabric(device, precision)  # refuses what this machine does not have
    failed: list[Cell] = []
    start = time.perf_counter()
    with Display(study.cells, records, show=progress and bool(todo)) as display:
        for line in [*problems, *_of_other_code(folder, todo)]:
            display.say(line)
        computed = (
            _on_cluster(todo, scheduler) if scheduler else _on_this_machine(todo, jobs, folder)
        )
        with closing(computed):  # no worker goes on if a result cannot be written
            for cell, record in computed:
                write_record(folder, cell, record)
                if "error" in record:
                    failed.append(cell)
                    display.say(f"failed: {cell}: {record['error']}")
                display.update(cell, record)
    remove_checkpoints(folder, but=[cell.key for cell in failed])
    n_ran = len(todo) - len(failed)
    if n_ran:
        write_manifest(study, folder, {
            "command": command,
            "cells": n_ran,
            "on": "a Dask cluster" if scheduler else f"{jobs} processes",
            "seconds": round(time.perf_counter() - start),
            "date": time.strftime("%Y-%m-%d"),
        })  # fmt: skip
    return Outcome(len(study.cells) - len(failed), n_ran, failed)


def _of_other_code(folder: Path, cells: Sequence[Cell]) -> list[str]:
    n = len(computed_before(folder, cells))
    said = "1 cell is of other code and is" if n == 1 else f"{n} cells are of other code and are"
    return [f"{said} run again"] if n else []


def _on_this_machine(cells: Sequence[Cell], jobs: int, folder: Path) -> Finished:
    """Compute in processes; a cell whose process dies (out of memory) is tried again alone."""
    queue, suspects = {cell.key: cell for cell in cells}, []
    while queue:
        try:
            for key, record in _in_processes(list(queue.values()), jobs, folder):
                yield queue.pop(key), record
        except TerminatedWorkerError:
            running = list(queue)[:jobs]  # one of them is to blame
            suspects += [queue.pop(key) for key in running]
    for cell in suspects:
        try:
            yield from ((cell, record) for _, record in _in_processes([cell], 2, folder))
        except TerminatedWorkerError as error:
            text = f"its process died: {error}"
            yield cell, {"error": text, "traceback": text}


def _in_processes(
    cells: Sequence[Cell], jobs: int, folder: Path
) -> Generator[tuple[str, Record], None, None]:
    """Compute cells with joblib, in this process if `jobs` is 1; yield them as they finish."""
    pool = Parallel(
        n_jobs=jobs, batch_size=1, pre_dispatch="n_jobs", return_as="generator_unordered"
    )
    found = pool(
        delayed(_keyed)(cell, checkpoints_of(folder, cell.key), os.getpid()) for cell in cells
    )
    try:
        for one in found:  # noqa: UP028 (it would be closed first, with a warning)
            yield one
    except GeneratorExit:
        with warnings.catch_warnings():  # of results that are lost, as they cannot be written
            warnings.simplefilter("ignore", UserWarning)
            found.close()
        raise


def _keyed(cell: Cell, checkpoints: Path, parent: int) -> tuple[str, Record]:
    if os.getpid() != parent:
        _end_with(parent)
    return cell.key, attempt(cell, checkpoints)


@cache
def _end_with(parent: int) -> None:
    """Let this process end soon after its parent has, even if that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _on_cluster(cells: Sequence[Cell], address: str) -> Finished:
    """Compute on the workers of a Dask cluster; a cell whose worker dies moves to another one."""
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ClusterError(
            "a Dask cluster needs the package distributed: pip install distributed"
        ) from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler answers at {address!r}: {error}") from error
    with client:
        by_key = {cell.key: cell for cell in cells}
        futures = [client.submit(attempt, cell, key=key) for key, cell in by_key.items()]
        try:
            for future in as_completed(futures):
                yield by_key[future.key], _outcome(future)
        finally:
            client.cancel(futures)


def _outcome(future: Any) -> Record:
    """Return a cell's record, or what happened to its workers."""
    try:
        record: Record = future.result()
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        return {"error": text, "traceback": text}
    return record
