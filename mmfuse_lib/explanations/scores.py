"""Does an explanation hold? A report of R, U1, U2, S per sample, scored against the truth.

A report has a row a sample and a column an interaction. Four questions, from coarse to fine:

1. **Global**: does its mean over samples agree with the exact decomposition of the data, and with
   the composition that made the labels?
2. **Detection**: does column c find the samples that interaction c decided?
3. **Ranking**: is a sample's own interaction the one that the report puts first?
4. **Calibration**: where the report says 80 %, is it so in 80 % of the samples?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from torch import Tensor

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import INTERACTIONS
from mmfuse_lib.evaluation import evaluate
from mmfuse_lib.explanations.suite import ExplanationTask
from mmfuse_lib.methods.base import Method

Array = NDArray[np.float64]

#: Bins of the calibration scores, of equal width.
N_BINS = 10

#: A probability counts as at least this much in the log score: no sample costs more than 20 bits.
LEAST_PROBABILITY = 2.0**-20


@dataclass(frozen=True, eq=False)
class ExplanationScores:
    """What `evaluate_explanations` found.

    Attributes
    ----------
    metrics : dict of str to float
        See `evaluate_explanations`; NaN where a score is not defined.
    shares : DataFrame
        Rows ``report``, ``decomposition`` and ``composition`` (where that is known), columns
        R, U1, U2, S: each row sums to 1.
    per_sample : DataFrame
        The report, and the sample's ``kind`` where that is known.
    reliability : DataFrame
        A row for each bin that is not empty, all four columns of the report together: ``count``,
        the mean ``report`` and how ``frequent`` the interaction was. No rows where the report is
        no probability.
    """

    metrics: dict[str, float]
    shares: pd.DataFrame
    per_sample: pd.DataFrame
    reliability: pd.DataFrame


def evaluate_explanations(
    model: Method | pd.DataFrame | ArrayLike | Tensor,
    task: ExplanationTask,
    *,
    device: str = "auto",
) -> ExplanationScores:
    """Score a method's report, or a table of reports, on the test split of a task.

    ======================  ==========  ==========================================================
    metric                  range       what it is
    ======================  ==========  ==========================================================
    ``global_exact``        0 to 1      1 less the total variation distance between the global
                                        report and the exact decomposition's shares; 1 = the same
    ``global_composition``  0 to 1      the same against the composition of the samples
    ``auroc_R`` .. ``_S``   0 to 1      area under the ROC curve of column c as a detector of the
                                        samples that c decided; a constant column has 1/2
    ``auroc``               0 to 1      mean of those that are defined
    ``rank``                -1 to 1     of the three other columns, how many are below the column
                                        of the sample's own interaction, less how many are above,
                                        over three; mean over samples
    ``first``               0 to 1      share of samples whose own column is the largest (a tie of
                                        k columns counts 1/k)
    ``ece``                 0 to 1/2    calibration error: gap between mean report and frequency
                                        in each of ten bins of a column, weighted by the bin's
                                        samples, mean over the four columns (classwise ECE)
    ``brier``               0 to 2      squared distance of report and truth (1 for the kind, 0 for
                                        the others), mean over samples; a uniform report has 3/4
    ``log_score``           0 to 20     -log2 of the report's share for the sample's kind, in
                                        bits, mean over samples; a uniform report has 2
    ``accuracy``            0 to 1      of the prediction of the label, where a method is given
    ======================  ==========  ==========================================================

    The global report is the mean of the report over samples, negative means set to 0, as shares
    of their sum. ``rank`` is the mean over samples of Kendall's rank correlation between a row of
    the report and the truth, over the pairs that the truth orders (Somers' D). Between a *column*
    and the truth a rank correlation would say nothing new: Somers' D is 2 AUROC - 1.

    NaN, and left out of means: everything per sample where there is no composition; the area of
    a component that no sample, or every sample, has; calibration of a report that is no
    probability, because it has negative entries or rows that do not sum to 1; ``global_exact``
    of a report without positive mean.

    Parameters
    ----------
    model : Method, or array_like of shape (N, 4)
        A method whose report has the columns R, U1, U2, S; or such a report, whoever made it, on
        the samples of ``task.test``: a DataFrame with these four columns, or an array.
    task : ExplanationTask
        From `load_task`, or `ExplanationTask.of`.
    device : str
        Where a method computes, as in `fit`.

    Raises
    ------
    DataError
        If the method's report lacks R, U1, U2 or S, whatever else it has; if a table of reports
        has another shape than the test split, other columns, or values that are not finite.

    Examples
    --------
    >>> from mmfuse_lib import evaluate_explanations, explanations
    >>> task = explanations.load_task("digits/balanced", seed=0, n_train=50, n_val=20, n_test=200)
    >>> nothing = explanations.uniform_report(len(task.test))
    >>> metrics = evaluate_explanations(nothing, task).metrics
    >>> metrics["auroc"], metrics["brier"]  # what a report reaches that knows nothing
    (0.5, 0.75)
    """
    metrics: dict[str, float] = {}
    if isinstance(model, Method):
        check_claims(model)
        result = evaluate(model, task.test, device=device)
        report = _as_report(result.interactions, len(task.test))
        metrics["accuracy"] = result.metrics["accuracy"]
    else:
        report = _as_report(model, len(task.test))
    shares = {"report": global_report(report), "decomposition": task.decomposition.to_numpy()}
    per_sample = pd.DataFrame(report, columns=list(INTERACTIONS))
    kind = None
    if task.test.composition is not None:
        kind = task.test.composition.cpu().numpy()
        shares["composition"] = np.bincount(kind, minlength=len(INTERACTIONS)) / len(kind)
        per_sample["kind"] = pd.Categorical(
            np.array(INTERACTIONS)[kind], categories=list(INTERACTIONS)
        )
    metrics |= {
        "global_exact": agreement(shares["report"], shares["decomposition"]),
        "global_composition": (
            np.nan if kind is None else agreement(shares["report"], shares["composition"])
        ),
        **score_report(report, kind),
    }
    table = pd.DataFrame(shares, index=list(INTERACTIONS)).T
    return ExplanationScores(metrics, table, per_sample, reliability(report, kind))


def check_claims(model: Method) -> None:
    """Raise `DataError` unless the columns of the method's report are R, U1, U2, S."""
    if tuple(model.interaction_names) == INTERACTIONS:
        return
    name, columns = type(model).__name__, list(model.interaction_names)
    claimed = f"its report has the columns {columns}" if columns else "it reports nothing"
    raise DataError(
        f"{name} claims no R, U1, U2, S ({claimed}), so there is no explanation to score; "
        "score a reading of your own as a table of shape (samples, 4)"
    )


def score_report(report: ArrayLike, kind: ArrayLike | None) -> dict[str, float]:
    """Return the scores per sample, see `evaluate_explanations`.

    Parameters
    ----------
    report : array_like, shape (N, 4)
        Columns R, U1, U2, S.
    kind : array_like of int, shape (N,), or None
        Index into R, U1, U2, S of the interaction that decided each sample; None makes all NaN.

    Examples
    --------
    >>> from mmfuse_lib.explanations import score_report
    >>> report = [[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7]]
    >>> right = score_report(report, kind=[0, 3])  # R decided the first sample, S the second
    >>> wrong = score_report(report, kind=[3, 0])
    >>> right["first"], wrong["first"]
    (1.0, 0.0)
    """
    r = np.asarray(report, dtype=np.float64)
    names = [f"auroc_{k}" for k in INTERACTIONS]
    if kind is None:
        scores = [*names, "auroc", "rank", "first", "ece", "brier", "log_score"]
        return dict.fromkeys(scores, float("nan"))
    truth = np.eye(len(INTERACTIONS))[np.asarray(kind)]
    areas = auroc(r, truth)
    own = (r * truth).sum(axis=1, keepdims=True)
    below, above = (r < own).sum(axis=1), (r > own).sum(axis=1)
    ties = (r == own).sum(axis=1)
    scored = {
        **dict(zip(names, areas.tolist(), strict=True)),
        "auroc": float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan"),
        "rank": float((below - above).mean()) / (len(INTERACTIONS) - 1),
        "first": float(((above == 0) / ties).mean()),
    }
    if not is_probability(r):
        return scored | dict.fromkeys(("ece", "brier", "log_score"), float("nan"))
    return scored | {
        "ece": float(np.mean([_gap(c, t) for c, t in zip(r.T, truth.T, strict=True)])),
        "brier": float(((r - truth) ** 2).sum(axis=1).mean()),
        "log_score": float(-np.log2(np.maximum(own, LEAST_PROBABILITY)).mean()),
    }


def auroc(report: Array, truth: Array) -> Array:
    """Return the area under the ROC curve of each column, ties counting one half.

    Parameters
    ----------
    report, truth : ndarray, shape (N, C)
        Scores, and 1 for what they shall find, else 0.

    Returns
    -------
    ndarray, shape (C,)
        NaN for a column whose truth is the same for all samples.
    """
    n_yes = truth.sum(axis=0)
    pairs = n_yes * (len(truth) - n_yes)
    ranks = (rankdata(report, axis=0) * truth).sum(axis=0)
    wins = ranks - n_yes * (n_yes + 1) / 2
    areas: Array = np.divide(wins, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return areas


def global_report(report: ArrayLike) -> Array:
    """Return the mean report over samples as shares, negative means set to 0; NaN if all are."""
    mean = np.clip(np.asarray(report, dtype=np.float64).mean(axis=0), 0, None)
    return np.asarray(mean / mean.sum() if mean.sum() > 0 else np.full(len(mean), np.nan))


def agreement(a: ArrayLike, b: ArrayLike) -> float:
    """Return 1 less the total variation distance of two lists of shares: the mass they share."""
    return float(1 - np.abs(np.asarray(a) - np.asarray(b)).sum() / 2)


def is_probability(report: Array) -> bool:
    """Tell for each row whether it is a probability distribution (but for rounding to float32)."""
    return bool((report >= 0).all() and np.allclose(report.sum(axis=1), 1, atol=1e-4))


def reliability(report: ArrayLike, kind: ArrayLike | None, n_bins: int = N_BINS) -> pd.DataFrame:
    """Return the reliability diagram of all four columns together, see `ExplanationScores`."""
    r = np.asarray(report, dtype=np.float64)
    columns = ["count", "report", "frequent"]
    if kind is None or not is_probability(r):
        return pd.DataFrame(columns=columns, dtype=float)
    truth = np.eye(len(INTERACTIONS))[np.asarray(kind)]
    sums = _bin_sums(r.ravel(), truth.ravel(), n_bins)
    filled = sums[0] > 0
    count, said, was = sums[:, filled]
    table = pd.DataFrame({"count": count, "report": said / count, "frequent": was / count})
    return table.set_index(np.flatnonzero(filled)).rename_axis("bin")


def _gap(report: Array, truth: Array) -> float:
    """Return the calibration error of one column."""
    _, said, was = _bin_sums(report, truth, N_BINS)
    return float(np.abs(said - was).sum()) / len(report)


def _bin_sums(report: Array, truth: Array, n_bins: int) -> Array:
    """Return number, sum of report and sum of truth in each bin ``[m / n, (m + 1) / n)``: (3, n).

    The last bin includes 1.
    """
    where = np.clip((report * n_bins).astype(int), 0, n_bins - 1)
    weights: Sequence[Any] = (None, report, truth)
    return np.array([np.bincount(where, w, minlength=n_bins) for w in weights], dtype=np.float64)


def _as_report(report: pd.DataFrame | ArrayLike | Tensor, n_samples: int) -> Array:
    names = list(INTERACTIONS)
    if isinstance(report, pd.DataFrame):
        missing = [name for name in names if name not in report]
        if missing:
            raise DataError(f"the report has the columns {list(report)}: it lacks {missing}")
        report = report[names].to_numpy()
    if isinstance(report, torch.Tensor):
        report = report.detach().cpu().numpy()
    values = np.asarray(report, dtype=np.float64)
    if values.shape != (n_samples, len(names)):
        raise DataError(
            f"the report has shape {values.shape}: expected ({n_samples}, {len(names)}), a row "
            f"for each sample of task.test and the columns {', '.join(names)}"
        )
    if not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise DataError(f"the report has NaN or infinite values (first in sample {bad})")
    return values
