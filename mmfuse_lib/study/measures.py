"""What else a study can measure of a trained model: learning curves, predictions, its report."""

from __future__ import annotations

from typing import Any

from mmfuse_lib.evaluation import evaluate
from mmfuse_lib.explanations.measurement import shares_of, task_scores
from mmfuse_lib.explanations.suite import ExplanationTask
from mmfuse_lib.runs import Trained
from mmfuse_lib.study.cells import pack_right


def curves(trained: Trained) -> list[dict[str, Any]]:
    """Return the loss by which each stage is judged, a row a stage, epoch and split.

    It is the stage's ``monitor``: of the epochs, the one with the lowest on validation is kept.
    """
    stages = trained.model.stages(trained.settings.epochs)
    judged_by = {stage.name: stage.monitor for stage in stages}
    return [
        {
            "stage": record["stage"], "epoch": record["epoch"], "split": record["split"],
            "loss": round(float(record["value"]), 4),
        }
        for record in trained.history.records
        if record["term"] == judged_by[str(record["stage"])]
    ]  # fmt: skip


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
