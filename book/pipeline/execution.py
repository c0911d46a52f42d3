"""Execution: run chapters with papermill, in parallel, those that changed.

A chapter runs in an empty folder of its own, as it does for a reader: result files are read with
`mmfuse_lib.results`, and whatever a chapter writes lands in a folder that is thrown away.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import chapters, cleaning
from .fingerprint import chapter_key, environment_key, sha256
from .profiles import read_profile
from .tree import BookError, Tree, write_atomic

# One thread a kernel: chapters run beside each other, and sums come in the same order each time.
KERNEL_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",
    "JUPYTER_PREFER_ENV_PATH": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
# Figures are drawn as SVG: sharp on every screen, and the same file each time.
DRAWING = """\
c = get_config()
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.print_figure_kwargs = {"bbox_inches": "tight", "metadata": {"Date": None}}
c.IPKernelApp.exec_files = [%r]
"""
PROJECTOR = Path(__file__).with_name("projector.py")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Job:
    """What a worker needs to execute one chapter."""

    stem: str
    source: Path
    converted: Path
    executed: Path
    failed: Path
    parameters: dict[str, Any]
    key: str


@dataclass(frozen=True)
class Outcome:
    """How the execution of one chapter ended.

    Parameters
    ----------
    stem : str
        The chapter.
    seconds : float
        How long it ran; for a chapter that was not executed again, how long it ran last time.
    cached : bool
        It had not changed and was not executed.
    error : str, optional
        Which cell failed and why.
    headline : dict
        The numbers the chapter stands for.
    """

    stem: str
    seconds: float
    cached: bool
    error: str | None = None
    headline: dict[str, object] | None = None


def execute(tree: Tree, profile: str, *, force: bool = False, only: str = "") -> list[Outcome]:
    """Execute the chapters that changed, and say how each ended.

    Parameters
    ----------
    tree : Tree
        The repository.
    profile : str
        Which parameters to inject.
    force : bool
        Execute unchanged chapters too.
    only : str
        Name of the one chapter to execute; all, when empty.

    Returns
    -------
    list of Outcome
        One a chapter, slowest first. A chapter that fails does not stop the others.
    """
    jobs = plan(tree, profile)
    if only and only not in (job.stem for job in jobs):
        raise BookError(f"no chapter {only!r}; there are: {', '.join(j.stem for j in jobs)}")
    _remove_stale(tree, profile, {job.stem for job in jobs})
    selected = [job for job in jobs if not only or job.stem == only]
    kept = {} if force else {job.stem: _kept(tree, profile, job) for job in selected}
    outcomes = [outcome for outcome in kept.values() if outcome]
    due = [job for job in selected if not kept.get(job.stem)]
    for job in due:
        _state_file(tree, profile, job.stem).unlink(missing_ok=True)
    keys = {job.stem: job.key for job in due}
    for outcome in _run_all(due, kernel_environment(tree)):
        outcomes.append(outcome)
        if outcome.error is None:
            _remember(tree, profile, outcome, keys[outcome.stem])
    _write_summary(tree, profile)
    return sorted(outcomes, key=lambda outcome: -outcome.seconds)


def plan(tree: Tree, profile: str) -> list[Job]:
    """Say what executing each chapter takes, and convert it."""
    declared = {c.stem: c.parameters for c in chapters.read_chapters(tree)}
    values = read_profile(tree, profile, declared)
    environment = environment_key(tree)
    jobs = []
    for stem, parameters in values.items():
        converted = chapters.convert(tree, stem)
        jobs.append(
            Job(
                stem=stem,
                source=tree.notebooks / f"{stem}.py",
                converted=converted,
                executed=tree.executed(profile) / f"{stem}.ipynb",
                failed=tree.failed / profile / f"{stem}.ipynb",
                parameters=parameters,
                key=chapter_key(tree, environment, stem, parameters),
            )
        )
    return jobs


def kernel_environment(tree: Tree) -> dict[str, str]:
    """Write how kernels draw figures, and return the variables that they are started with."""
    folder = tree.build / "ipython"
    write_atomic(folder / "profile_default" / "ipython_kernel_config.py", DRAWING % str(PROJECTOR))
    return KERNEL_ENVIRONMENT | {"IPYTHONDIR": str(folder)}


def times(tree: Tree, profile: str) -> dict[str, float]:
    """Return the seconds each chapter took when it was last executed."""
    return {stem: float(state["seconds"]) for stem, state in _states(tree, profile).items()}


def _run_all(jobs: list[Job], variables: Mapping[str, str]) -> Iterable[Outcome]:
    if not jobs:
        return
    workers = min(len(jobs), os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")
    environment = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)  # the workers inherit it, and their kernels from them
    pool = ProcessPoolExecutor(workers, mp_context=context)
    try:
        for future in as_completed([pool.submit(run_job, job) for job in jobs]):
            yield future.result()
    except BaseException:
        # A kernel ends with the worker that started it; finished files were moved into place whole.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        pool.shutdown()
        for name, value in environment.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def run_job(job: Job) -> Outcome:
    """Execute one chapter in this process (a worker's), and put the result in its place."""
    import nbclient
    import nbformat
    import papermill

    work = job.executed.parent.parent / f"work-{job.executed.parent.name}-{job.stem}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    partial = work.with_suffix(".ipynb")
    started = time.perf_counter()
    error: str | None = None
    headline: dict[str, object] = {}
    log = work.with_suffix(".log")
    try:
        with _stderr_to(log):
            papermill.execute_notebook(
                str(job.converted),
                str(partial),
                parameters=job.parameters or None,
                kernel_name="python3",
                cwd=str(work),
                progress_bar=False,
            )
    except papermill.PapermillExecutionError as failure:
        error = _describe(job, failure)
    except nbclient.exceptions.DeadKernelError:
        error = f"{job.stem}: the kernel died; its last words:\n{_tail(log)}"
    seconds = round(time.perf_counter() - started, 2)
    notebook = cleaning.clean(nbformat.read(partial, as_version=4), job.stem)
    if error is None:
        try:
            headline = cleaning.headline(notebook, job.stem)
        except BookError as failure:
            error = str(failure)
    write_atomic(job.failed if error else job.executed, chapters.dumps(notebook))
    (job.executed if error else job.failed).unlink(missing_ok=True)
    with suppress(OSError):  # Windows keeps what an ending kernel holds; the next run removes it
        partial.unlink()
        log.unlink()
        shutil.rmtree(work)
    return Outcome(job.stem, seconds, cached=False, error=error, headline=headline)


@contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Send what a kernel logs (not what its cells print) to a file."""
    terminal = os.dup(2)
    try:
        with path.open("w", encoding="utf8") as log:
            os.dup2(log.fileno(), 2)
            yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _tail(log: Path) -> str:
    return log.read_text("utf8", "replace")[-2000:]  # a kernel may die in another encoding


def _describe(job: Job, failure: Any) -> str:
    traceback = ANSI.sub("", "\n".join(failure.traceback))
    source = job.source.read_text("utf8")
    at = source.find(failure.source.strip())
    line = f", line {source.count(chr(10), 0, at) + 1} of {job.source.name}" if at >= 0 else ""
    return (
        f"{job.stem}: cell {failure.cell_index} failed{line}\n"
        f"--- the cell\n{failure.source}\n--- what it raised\n{traceback}\n"
        f"--- executed up to there: {job.failed}"
    )


def _state_file(tree: Tree, profile: str, stem: str) -> Path:
    return tree.state(profile) / f"{stem}.json"


def _states(tree: Tree, profile: str) -> Mapping[str, dict[str, Any]]:
    files = sorted(tree.state(profile).glob("*.json"))
    return {path.stem: json.loads(path.read_text("utf8")) for path in files}


def _kept(tree: Tree, profile: str, job: Job) -> Outcome | None:
    state = _states(tree, profile).get(job.stem)
    if state is None or state["key"] != job.key or not job.executed.exists():
        return None
    return Outcome(job.stem, state["seconds"], cached=True, headline=state["headline"])


def _remember(tree: Tree, profile: str, outcome: Outcome, key: str) -> None:
    executed = tree.executed(profile) / f"{outcome.stem}.ipynb"
    state = {
        "key": key,
        "seconds": outcome.seconds,
        "headline": outcome.headline,
        "sha256": sha256(executed.read_bytes()),
    }
    write_atomic(_state_file(tree, profile, outcome.stem), json.dumps(state, indent=1) + "\n")


def _write_summary(tree: Tree, profile: str) -> None:
    folder = tree.executed(profile)
    headlines = {stem: s["headline"] for stem, s in _states(tree, profile).items() if s["headline"]}
    write_atomic(folder / "times.json", json.dumps(times(tree, profile), indent=1) + "\n")
    write_atomic(folder / "headlines.json", json.dumps(headlines, indent=1) + "\n")


def _remove_stale(tree: Tree, profile: str, current: set[str]) -> None:
    """Forget chapters that were renamed or deleted, and files a killed run left."""
    for folder in (tree.executed(profile), tree.state(profile), tree.converted):
        for path in folder.glob("[0-9][0-9]_*"):
            if path.stem not in current or path.suffix == ".part":
                path.unlink()
    for path in tree.executed(profile).parent.glob(f"work-{profile}-*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
