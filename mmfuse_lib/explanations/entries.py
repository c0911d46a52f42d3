"""Taking part in the benchmark: an explainer of one's own, scored as those of this library are.

An explainer is one of two things:

* a **method**, a class derived from `mmfuse_lib.methods.base.Method` whose report has the columns
  R, U1, U2, S; it is trained with the benchmark's settings, as ours are;
* a **function** ``explain(model, data, background, seed)`` that explains a finished model. It gets
  a trained plain `mmfuse_lib.methods.JointFusion`, the test samples *without their labels*, and the
  training split, and returns a table with these four columns, a row a sample.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.files import finite
from mmfuse_lib.core.objects import load_object
from mmfuse_lib.core.progress import progress
from mmfuse_lib.core.provenance import provenance
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.evaluation import evaluate
from mmfuse_lib.explanations.scores import check_claims, evaluate_explanations
from mmfuse_lib.explanations.suite import ExplanationTask, load_task, recipe, tasks
from mmfuse_lib.methods import JointFusion
from mmfuse_lib.methods.base import Method
from mmfuse_lib.training.fit import fit

#: Changes when a task, a score or a setting does; entries of different versions do not compare.
VERSION = 1
SEEDS = 10
TRAINING: dict[str, Any] = {"epochs": 40, "patience": 8, "batch_size": 64, "lr": 0.002}
DIM = 32
#: Encoders other than the default ones, by data set.
ENCODERS = {
    "spoken_digits": {name: {"name": "mlp", "hidden": 64} for name in ("image", "audio")},
}
#: Families of tasks whose cue both modalities show, and which is always right.
SURE_CUE = ("digits", "digits, 2 classes", "digits, 6 classes", "spoken")
#: Sizes of a trial: enough to see that everything works, too few to mean anything.
TRIAL = {"n_train": 200, "n_val": 50, "n_test": 100}
METRICS = ("auroc", "auroc_R", "auroc_U1", "auroc_U2", "auroc_S", "first", "accuracy")

Explain = Callable[..., Any]
Explainer = type[Method] | Explain


def judged() -> tuple[str, ...]:
    """Return the tasks of an entry: those whose samples have one interaction each.

    Examples
    --------
    >>> from mmfuse_lib.explanations import judged
    >>> len(judged()), judged()[0]
    (25, 'digits/balanced')
    """
    return tuple(name for name in tasks() if recipe(name)[0] != "gaussian_gates")


def digest(task: ExplanationTask) -> str:
    """Return a digest of a task's data: equal digests, equal tasks.

    Examples
    --------
    >>> from mmfuse_lib import explanations
    >>> task = explanations.load_task("digits/balanced", seed=0, n_train=20, n_val=10, n_test=10)
    >>> len(explanations.digest(task))
    16
    """
    found = hashlib.sha256()
    for split in (task.train, task.val, task.test):
        kinds = split.composition
        for part in (*split.inputs.values(), split.target, *([] if kinds is None else [kinds])):
            found.update(np.ascontiguousarray(part.cpu().numpy()).tobytes())
    return found.hexdigest()[:16]


def score(
    explainer: str | Explainer,
    *,
    name: str = "",
    on: Iterable[str] | None = None,
    seeds: Sequence[int] = range(SEEDS),
    fresh: int = 0,
    trial: bool = False,
    show: bool = True,
) -> dict[str, Any]:
    """Score an explainer on the benchmark.

    Parameters
    ----------
    explainer : str, type or callable
        A method or a function, see the module; ``"my_file:MyMethod"`` names one in a file.
    name : str
        What it is called; by default the name of the class or function.
    on : iterable of str, optional
        Which tasks; by default all of `judged`. Only an entry with all of them can be compared.
    seeds : sequence of int
        Seeds of data, weights and batches.
    fresh : int
        So many seeds are added that are drawn now, so that nobody can have prepared for them.
    trial : bool
        One task, one seed, and few samples.
    show : bool
        Whether a progress bar is shown.

    Returns
    -------
    dict
        An entry for ``reproduce/leaderboard``: what was scored, by which command, on what, and for
        each task its digest, its seeds and a list of each metric.

    Raises
    ------
    DataError
        If the object is neither, its report is no table of R, U1, U2, S, or there is no such
        object.
    UnknownNameError
        If there is no such task.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib import explanations
    >>> def nothing(model, data, background, seed):
    ...     return np.full((len(data), 4), 0.25)
    >>> entry = explanations.score(nothing, trial=True, show=False)
    >>> entry["name"], entry["tasks"]["digits/balanced"]["auroc"]
    ('nothing', [0.5])
    """
    found = load_object(explainer) if isinstance(explainer, str) else explainer
    _check(found)
    chosen = list(on or judged())
    for task_name in chosen:
        recipe(task_name)
    drawn = [secrets.randbelow(2**31 - 1_000) + 1_000 for _ in range(fresh)]
    used = [*seeds, *drawn]
    if trial:
        chosen, used = chosen[:1], used[:1]
    rows: dict[str, dict[str, Any]] = {}
    for task_name, seed in progress(
        [(t, s) for t in chosen for s in used], "tasks and seeds", disable=not show
    ):
        task = load_task(task_name, seed, **(TRIAL if trial else {}))
        row = rows.setdefault(task_name, {k: [] for k in ("seeds", "digests", *METRICS)})
        row["seeds"].append(seed)
        row["digests"].append(digest(task))
        for metric, value in _scores(found, task, seed).items():
            row[metric].append(finite(value, 5))
    typed = explainer if isinstance(explainer, str) else getattr(found, "__name__", "")
    return {
        "benchmark": VERSION,
        "name": name or getattr(found, "__name__", "unnamed"),
        "trial": trial,
        "fresh": drawn,
        "tasks": rows,
        **provenance(command=f'mmfuse explanations score "{typed}"'),
    }


def _check(found: object) -> None:
    if isinstance(found, type) and issubclass(found, Method):
        return
    if isinstance(found, type) or not callable(found):
        raise DataError(
            f"{found!r} is no explainer: expected a class derived from Method, or a function "
            "explain(model, data, background, seed)"
        )


def _scores(explainer: Any, task: ExplanationTask, seed: int) -> dict[str, float]:
    """Train what is to be trained, explain, and score."""
    is_method = isinstance(explainer, type)
    kind: type[Method] = explainer if is_method else JointFusion
    data_set = recipe(task.name)[0]
    model = kind.for_data(task.train, encoders=ENCODERS.get(data_set), dim=DIM, seed=seed)
    if is_method:
        check_claims(model)
    fit(model, task.train, task.val, seed=seed, device="cpu", progress=False, **TRAINING)
    if is_method:
        metrics = evaluate_explanations(model, task, device="cpu").metrics
    else:
        report = explainer(model, _unlabelled(task.test), task.train, seed)
        metrics = evaluate_explanations(report, task).metrics
        metrics["accuracy"] = evaluate(model, task.test, device="cpu").metrics["accuracy"]
    return {name: metrics[name] for name in METRICS}


def _unlabelled(test: MultimodalData) -> MultimodalData:
    """Return samples that tell nothing of their labels, nor of how these were made."""
    return replace(
        test, target=torch.zeros_like(test.target), composition=None, table=None, groups=None
    )


def check_report(path: str | Path) -> dict[str, float]:
    """Say what is wrong with a file of reports, or score it.

    Parameters
    ----------
    path : path
        A ``.npz`` with ``task`` (a name), ``seed`` (a number) and ``report`` (N, 4): columns
        R, U1, U2, S, a row for each test sample of ``load_task(task, seed)``.

    Raises
    ------
    DataError
        If the file cannot be read, lacks one of the three, or the report does not fit the task.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from mmfuse_lib.explanations import check_report
    >>> path = Path(tempfile.mkdtemp(), "report.npz")
    >>> np.savez(path, task="digits/balanced", seed=0, report=np.full((1000, 4), 0.25))
    >>> check_report(path)["auroc"]
    0.5
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            parts = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as .npz without pickled objects: {error}") from None
    missing = [name for name in ("task", "seed", "report") if name not in parts]
    if missing:
        raise DataError(f"{path} has {sorted(parts)}: it lacks {', '.join(missing)}")
    name, seed = parts["task"], parts["seed"]
    if name.shape or name.dtype.kind != "U" or seed.shape or seed.dtype.kind not in "iu":
        raise DataError(f"{path}: task must be one name and seed one whole number")
    report = parts["report"]
    if report.dtype.kind not in "fiu":
        raise DataError(f"{path}: the report holds {report.dtype}, not numbers")
    return evaluate_explanations(report, load_task(str(name), int(seed))).metrics


def read_entry(path: str | Path) -> pd.DataFrame:
    """Read an entry of the leaderboard as rows like those of `records`.

    Raises
    ------
    DataError
        If it is a trial, of another version, or lacks tasks, seeds or scores.
    """
    try:
        entry = json.loads(Path(path).read_text("utf8"))
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}") from None
    if not isinstance(entry, Mapping) or not {"benchmark", "name", "tasks"} <= set(entry):
        raise DataError(f"{path} is no entry: expected what `mmfuse explanations score` wrote")
    if entry["benchmark"] != VERSION:
        raise DataError(f"{path} is of version {entry['benchmark']}, the benchmark is {VERSION}")
    if entry.get("trial"):
        raise DataError(f"{path} is a trial: run the command without --trial")
    missing = sorted(set(judged()) - set(entry["tasks"]))
    if missing:
        raise DataError(f"{path} lacks the tasks {', '.join(missing)}")
    rows = []
    for task, row in entry["tasks"].items():
        if len({len(row.get(name, ())) for name in ("seeds", "digests", *METRICS)}) > 1:
            raise DataError(f"{path}: {task} has lists of different lengths")
        if not set(range(SEEDS)) <= set(row["seeds"]):
            raise DataError(f"{path}: {task} lacks some of the seeds 0 to {SEEDS - 1}")
        for i, seed in enumerate(row["seeds"]):
            values = {m: np.nan if row[m][i] is None else row[m][i] for m in METRICS}
            rows.append({"method": entry["name"], "task": task, "seed": seed, **values})
    return pd.DataFrame(rows)
