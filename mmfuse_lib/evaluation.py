"""`evaluate`: how good a model is, how well it knows it, and what it claims of each sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor
from torchmetrics.functional import regression as regression_metrics
from torchmetrics.functional.classification import (
    binary_auroc,
    multiclass_accuracy,
    multiclass_f1_score,
    multilabel_exact_match,
    multilabel_f1_score,
)

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import INTERACTIONS, MultimodalData, check_values
from mmfuse_lib.methods.base import Method
from mmfuse_lib.methods.predicting import in_batches, to_predictions, to_probabilities


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes
    ----------
    metrics : dict of str to float
        See `evaluate`.
    predictions : DataFrame
        A row a sample: target, prediction and, for classification, confidence (the largest
        probability) and correct; kind (R, U1, U2 or S) where it is known. Multi-label: target and
        prediction list the labels' names, correct says whether all are right.
    interactions : DataFrame
        The method's report: a row a sample, a column for each of its `interaction_names`. No
        columns for methods that report nothing.
    """

    metrics: dict[str, float]
    predictions: pd.DataFrame
    interactions: pd.DataFrame


def evaluate(
    model: Method, data: MultimodalData, *, unimodal: Sequence[Method] = (), device: str = "auto"
) -> Evaluation:
    """Evaluate a model.

    Classification gives ``accuracy``, ``macro_f1``, ``auroc`` (one against the rest, mean over
    the classes that occur), ``ece`` (expected calibration error, 15 bins, Guo et al. 2017) and
    ``cross_entropy`` in bits; ``accuracy_R`` .. ``accuracy_S`` where the composition is known; and
    ``synergy_indicator`` where unimodal models are given. Multi-label gives ``micro_f1`` and
    ``macro_f1`` (a label is predicted from a probability of one half), ``auroc`` (mean over the
    labels that vary), ``subset_accuracy`` (all labels right) and ``cross_entropy`` in bits a
    label. Regression gives ``mae``, ``rmse`` and ``r2``.

    Parameters
    ----------
    model : Method
        Evaluated in eval mode; its mode and device are as before afterwards.
    data : MultimodalData
        Held-out samples.
    unimodal : sequence of Method
        One trained unimodal model per modality, for the synergy indicator.
    device : str
        Where to compute, as in `fit`.

    Raises
    ------
    DataError
        If the data does not fit the model, is empty, or has values that are NaN, infinite or out
        of the range of single precision; if the model's own outputs are NaN or infinite.

    Examples
    --------
    >>> from mmfuse_lib import data, evaluate, fit, methods
    >>> train, val, test = data.load("digit_pairs", seed=0, n_train=800, n_val=200, n_test=400)
    >>> model = methods.Ensemble.for_data(train, dim=16, seed=0)
    >>> history = fit(model, train, val, epochs=5, lr=0.01, seed=0, progress=False)
    >>> metrics = evaluate(model, test).metrics
    >>> metrics["accuracy_R"] > 0.8, metrics["accuracy_S"] < 0.5  # adding up misses synergy
    (True, True)
    """
    for m in (model, *unimodal):
        m.spec.check(data)
    check_values(data)
    if len(data) == 0:
        raise DataError("there are no samples to evaluate on")
    logits, claims = _run(model, data, device)
    predictions = _prediction_table(logits, data)
    metrics = METRICS[data.task](logits, data.target.cpu())
    if data.task != "regression":
        metrics |= _accuracy_by_kind(predictions)
        if unimodal:
            tables = [_prediction_table(_run(m, data, device)[0], data) for m in unimodal]
            others = [table["correct"] for table in tables]
            metrics["synergy_indicator"] = synergy_indicator(predictions["correct"], others)
    interactions = pd.DataFrame(claims.numpy(), columns=list(model.interaction_names))
    return Evaluation(metrics, predictions, interactions)


# Names of metrics as the head of a table, and which way is better.
HEADS = {
    "accuracy": "accuracy ↑",
    "macro_f1": "F1, mean over classes ↑",
    "micro_f1": "F1, over all labels ↑",
    "auroc": "AUROC ↑",
    "subset_accuracy": "all labels right ↑",
    "ece": "calibration error ↓",
    "cross_entropy": "cross-entropy (bits) ↓",
    "synergy_indicator": "synergy indicator",
    "mae": "mean absolute error ↓",
    "rmse": "root mean squared error ↓",
    "r2": "R² ↑",
}


def in_words(metric: str) -> str:
    """Return how the head of a table names a metric: in words, with an arrow to the better side.

    Parameters
    ----------
    metric : str
        A key of `Evaluation.metrics`; any other text, such as another column's name, comes back
        as it is.

    Returns
    -------
    str
        The words; ``↑`` where higher is better, ``↓`` where lower is.

    Examples
    --------
    >>> from mmfuse_lib.evaluation import in_words
    >>> in_words("accuracy_S"), in_words("cross_entropy")
    ('accuracy on S ↑', 'cross-entropy (bits) ↓')
    >>> frame = pd.DataFrame({"accuracy": [0.9]}).rename(columns=in_words)
    >>> list(frame)
    ['accuracy ↑']
    """
    kind = metric.removeprefix("accuracy_")
    return f"accuracy on {kind} ↑" if kind in INTERACTIONS else HEADS.get(metric, metric)


def synergy_indicator(correct: ArrayLike, unimodal_correct: Sequence[ArrayLike]) -> float:
    """Return the share of samples that a model gets right and every unimodal model gets wrong.

    Parameters
    ----------
    correct : array_like of bool, shape (N,)
        Where the model is right.
    unimodal_correct : sequence of array_like of bool, each of shape (N,)
        Where each unimodal model is right; at least one.

    Raises
    ------
    DataError
        If no unimodal model is given.

    Notes
    -----
    Defined by Yang et al. (CVPR 2026), for two modalities; here for any number.

    Examples
    --------
    >>> from mmfuse_lib import synergy_indicator
    >>> together = [True, True, True, False]
    >>> voice, face = [True, False, False, False], [False, True, False, True]
    >>> synergy_indicator(together, [voice, face])  # the third sample, of four
    0.25
    """
    if len(unimodal_correct) == 0:
        raise DataError("the synergy indicator compares with unimodal models: none was given")
    any_unimodal = np.any([np.asarray(c, dtype=bool) for c in unimodal_correct], axis=0)
    return float(np.mean(np.asarray(correct, dtype=bool) & ~any_unimodal))


def _run(model: Method, data: MultimodalData, device: str) -> list[Tensor]:
    """Return outputs and claimed interactions of all samples, on the CPU."""
    return in_batches(model, data, lambda batch: [model(batch), model.interactions(batch)], device)


def _prediction_table(logits: Tensor, data: MultimodalData) -> pd.DataFrame:
    target, predicted = data.target.cpu(), to_predictions(logits, data.task)
    columns: dict[str, Any] = {"target": target.numpy(), "prediction": predicted.numpy()}
    if data.task == "multilabel":
        columns["target"] = _label_lists(target, data.class_names)
        columns["prediction"] = _label_lists(predicted, data.class_names)
        columns["correct"] = (predicted == target).all(dim=1).numpy()
    elif data.task == "classification":
        columns["confidence"] = to_probabilities(logits, data.task).max(dim=1).values.numpy()
        columns["correct"] = (predicted == target).numpy()
    table = pd.DataFrame(columns)
    if data.composition is not None:
        kinds = [INTERACTIONS[k] for k in data.composition.tolist()]
        table["kind"] = pd.Categorical(kinds, categories=INTERACTIONS)
    return table


def _label_lists(has: Tensor, names: Sequence[str]) -> list[str]:
    """Return, for each row, the names of its labels in one string."""
    return [", ".join(n for n, h in zip(names, row, strict=True) if h) for row in has.tolist()]


def _classification_metrics(logits: Tensor, target: Tensor) -> dict[str, float]:
    n_classes = logits.shape[1]
    probabilities = logits.softmax(dim=1)
    return {
        "accuracy": float(multiclass_accuracy(logits, target, n_classes, average="micro")),
        "macro_f1": float(multiclass_f1_score(logits, target, n_classes, average="macro")),
        "auroc": _mean_auroc(probabilities, F.one_hot(target, n_classes)),
        "ece": _calibration_error(probabilities, target),
        "cross_entropy": float(F.cross_entropy(logits, target)) / float(np.log(2)),
    }


def _multilabel_metrics(logits: Tensor, target: Tensor) -> dict[str, float]:
    n_labels, probabilities = logits.shape[1], logits.sigmoid()
    nats = F.binary_cross_entropy_with_logits(logits, target.float())
    return {
        "micro_f1": float(multilabel_f1_score(probabilities, target, n_labels, average="micro")),
        "macro_f1": float(multilabel_f1_score(probabilities, target, n_labels, average="macro")),
        "auroc": _mean_auroc(probabilities, target),
        "subset_accuracy": float(multilabel_exact_match(probabilities, target, n_labels)),
        "cross_entropy": float(nats) / float(np.log(2)),
    }


def _calibration_error(probabilities: Tensor, target: Tensor, n_bins: int = 15) -> float:
    """Return the mean gap of confidence and accuracy over bins ``(m / n, (m + 1) / n]``.

    Not torchmetrics': it gives a confidence of exactly 1 a bin of its own.
    """
    confidence, prediction = probabilities.max(dim=1)
    bins = torch.bucketize(confidence, torch.linspace(0, 1, n_bins + 1)[1:-1])
    gaps = torch.zeros(n_bins, dtype=torch.float64)
    gaps.index_add_(0, bins, (prediction == target).double() - confidence.double())
    return float(gaps.abs().sum()) / len(target)


def _mean_auroc(probabilities: Tensor, has: Tensor) -> float:
    """Return the mean over columns with samples on both sides; NaN if there is none."""
    areas = [
        float(binary_auroc(probabilities[:, k], has[:, k]))
        for k in range(has.shape[1])
        if 0 < int(has[:, k].sum()) < len(has)
    ]
    return float(np.mean(areas)) if areas else float("nan")


def _accuracy_by_kind(predictions: pd.DataFrame) -> dict[str, float]:
    if "kind" not in predictions:
        return {}
    by_kind = predictions.groupby("kind", observed=True)["correct"].mean()
    return {f"accuracy_{kind}": float(value) for kind, value in by_kind.items()}


def _regression_metrics(outputs: Tensor, target: Tensor) -> dict[str, float]:
    prediction = outputs.squeeze(1)
    mse = float(regression_metrics.mean_squared_error(prediction, target))
    r2 = regression_metrics.r2_score(prediction, target) if len(target) > 1 else float("nan")
    return {
        "mae": float(regression_metrics.mean_absolute_error(prediction, target)),
        "rmse": mse**0.5,
        "r2": float(r2),
    }


#: What is measured for each task, from outputs ``(N, K)`` and targets.
METRICS: dict[str, Callable[[Tensor, Tensor], dict[str, float]]] = {
    "classification": _classification_metrics,
    "multilabel": _multilabel_metrics,
    "regression": _regression_metrics,
}

if not TYPE_CHECKING:
    from mmfuse_lib.core.deprecation import renamed_names

    _MOVED = {"mean_interval": "mmfuse_lib.core.intervals:mean_interval"}
    __getattr__ = renamed_names(__name__, _MOVED, removed_in="0.2")
