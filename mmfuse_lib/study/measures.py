"""What else a study can measure of a trained model: learning curves, predictions, its report."""

from __future__ import annotations

from typing import Any

from mmfuse_lib.evaluation import evaluate
from mmfuse_lib.explanations.measurement import shares_of, task_scores
from mmfuse_lib.explanations.suite import ExplanationTask
from mmfuse_lib.runs import Trained
from mmfuse_lib.study.cells import pack_right

#: Terms that a learning curve shows, where a stage has them.
TERMS = ("total", "own", "task", "prediction", "accuracy")


def curves(trained: Trained) -> list[dict[str, Any]]:
    """Return what `fit` recorded of losses and accuracies, a row a stage, epoch, split and term."""
    return [
        {**record, "value": round(float(record["value"]), 4)}
        for record in trained.history.records
        if record["term"] in TERMS
    ]


def predictions(trained: Trained) -> dict[str, Any]:
    """Return which test samples are right, as `pack_right` packs them, and how many there are.

    `unpack_right` unpacks them, in the order of the test split.
    """
    test = trained.splits[2]
    tested = evaluate(trained.model, test, device=trained.settings.device)
    return {"right": pack_right(tested), "n": len(test)}


def reports(trained: Trained) -> dict[str, Any]:
    """Score a model's own report of R, U1, U2 and S against the known composition of each sample.

    As `mmfuse_lib.explanations.measure`, without the estimate of LSMI, which has networks of its
    own to train. A method that reports nothing of the kind has no scores.

    Raises
    ------
    UnknownNameError
        If the truth of the data set is not known.
    """
    train, val, test = trained.splits
    settings = trained.settings
    task = ExplanationTask.of((train, val, test), settings.data, shares_of(settings))
    return task_scores(trained.model, task, device=settings.device, seed=settings.seed)


reports.check = shares_of  # type: ignore[attr-defined]  # before anything is trained
