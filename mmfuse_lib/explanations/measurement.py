"""What a study measures of a trained model's explanations, small enough for a result file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmfuse_lib.core.files import finite
from mmfuse_lib.data import INTERACTIONS
from mmfuse_lib.explanations.baselines import heads_as_interactions, lsmi_report
from mmfuse_lib.explanations.scores import ExplanationScores, evaluate_explanations
from mmfuse_lib.explanations.suite import ExplanationTask, exact_shares
from mmfuse_lib.methods import DIMML, CompositionProbe, ThreeModels
from mmfuse_lib.methods.base import Method
from mmfuse_lib.runs import Settings, Trained

#: Readings of a trained model, by the name that a file has them under.
REPORT, LSMI, HEADS = "report", "LSMI", "heads"


def measure(trained: Trained) -> dict[str, Any]:
    """Score what a study trained on a data set with exact truth; see `task_scores`.

    LSMI is estimated on the encodings of every method but the two that are yardsticks themselves.

    Raises
    ------
    UnknownNameError
        If the truth of the data set is not known.
    """
    settings = trained.settings
    train, val, test = trained.splits
    task = ExplanationTask.of((train, val, test), settings.data, shares_of(settings))
    own = isinstance(trained.model, CompositionProbe | ThreeModels)
    return task_scores(
        trained.model, task, lsmi=None if own else {}, device=settings.device, seed=settings.seed
    )


def shares_of(settings: Settings) -> pd.Series:
    """Return the exact decomposition of the data of a run's settings; see `exact_shares`."""
    return exact_shares(settings.data, **settings.data_options)


measure.check = shares_of  # type: ignore[attr-defined]  # before anything is trained


def task_scores(
    model: Method,
    task: ExplanationTask,
    *,
    lsmi: Mapping[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
) -> dict[str, Any]:
    """Score all readings of a trained model on a task, as a small dictionary for a file.

    Parameters
    ----------
    model : Method
        Trained on the task. One that claims R, U1, U2, S has its ``report`` scored; of DI-MML our
        reading of its ``heads``; others have neither.
    task : ExplanationTask
        The task.
    lsmi : mapping, optional
        Options of `lsmi_report`, to score ``LSMI`` on the model's encodings too.
    device, seed
        As in `fit`; the seed is LSMI's.

    Returns
    -------
    dict
        Reading -> what `summarise` makes of its scores.
    """
    found = {}
    if tuple(model.interaction_names) == INTERACTIONS:
        found[REPORT] = evaluate_explanations(model, task, device=device)
    elif isinstance(model, DIMML):
        heads = heads_as_interactions(model, task.test, device=device)
        found[HEADS] = evaluate_explanations(heads, task)
    if lsmi is not None:
        atoms = lsmi_report(model, task.test, device=device, seed=seed, **lsmi)
        found[LSMI] = evaluate_explanations(atoms, task)
    return {reading: summarise(scores) for reading, scores in found.items()}


def summarise(scores: ExplanationScores, digits: int = 5) -> dict[str, Any]:
    """Return what a file keeps of the scores: metrics, shares and the reliability diagram."""
    bins = scores.reliability
    kept = {
        "metrics": {name: float(value) for name, value in scores.metrics.items()},
        "shares": {str(name): row.tolist() for name, row in scores.shares.iterrows()},
        "reliability": {
            "bin": bins.index.tolist(),
            "count": bins["count"].astype(int).tolist(),
            "report": bins["report"].tolist(),
            "frequent": bins["frequent"].tolist(),
        },
    }
    return {name: finite(value, digits) for name, value in kept.items()}
