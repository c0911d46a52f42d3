"""From scores of many runs to one table, with intervals that say over what.

`records` reads what `task_scores` left in a file, a row for each run and reading; `leaderboard`
averages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.intervals import mean_interval
from mmfuse_lib.data import INTERACTIONS
from mmfuse_lib.explanations.measurement import HEADS, LSMI, REPORT
from mmfuse_lib.explanations.scores import agreement
from mmfuse_lib.explanations.suite import best_report, kind_probabilities, recipe, tasks

#: The scores of the table, in order.
SCORES = (
    "auroc", *(f"auroc_{k}" for k in INTERACTIONS), "rank", "first", "ece", "brier", "log_score",
    "global_exact", "global_composition", "across_tasks", "accuracy",
)  # fmt: skip


def records(cells: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a table of results, a row for each run and reading.

    Parameters
    ----------
    cells : iterable of mapping
        Cells of a study's results, each with ``method``, ``data`` (the task), ``seed``, ``test``
        (metrics) and ``explanations`` (made by `task_scores`); those without are left out.

    Returns
    -------
    DataFrame
        Columns method (LSMI is ``"LSMI on .."``, our reading of DI-MML is ``".., heads (our
        reading)"``, an explanation of a finished model is ``"JointFusion: EMAP"``), task, seed,
        every metric, ``shares`` and ``reliability``.

    Examples
    --------
    >>> from mmfuse_lib import explanations, study
    >>> results = study.load_results("reproduce/explanations.json")
    >>> table = explanations.records(results.cells)
    >>> sorted(table["method"].unique())[:3]
    ['CompositionProbe', 'DMIL', 'DMIL, synergy first']
    """
    names = {REPORT: "{}", LSMI: "LSMI on {}", HEADS: "{}, heads (our reading)"}
    rows = []
    for cell in cells:
        for reading, found in cell.get("explanations", {}).items():
            rows.append(
                {
                    "method": names.get(reading, f"{{}}: {reading}").format(cell["method"]),
                    "task": cell["data"],
                    "seed": cell["seed"],
                    "accuracy": cell["test"]["accuracy"],
                    **{k: np.nan if v is None else v for k, v in found["metrics"].items()},
                    "shares": pd.DataFrame(found["shares"], index=list(INTERACTIONS)).T,
                    "reliability": pd.DataFrame(found["reliability"]),
                }
            )
    return pd.DataFrame(rows)


def chance(table: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the uniform report on the tasks and seeds of a table of `records`.

    Examples
    --------
    >>> from mmfuse_lib import explanations, study
    >>> table = explanations.records(study.load_results("reproduce/explanations.json").cells)
    >>> explanations.chance(table)["auroc"].dropna().unique().tolist()
    [0.5]
    """
    rows = []
    for _, row in table.drop_duplicates(["task", "seed"]).iterrows():
        shares = row["shares"]
        uniform = np.full(len(INTERACTIONS), 1 / len(INTERACTIONS))
        found = {"global_exact": agreement(uniform, shares.loc["decomposition"])}
        if "composition" in shares.index:
            kinds = shares.loc["composition"]
            areas = {
                f"auroc_{k}": 0.5 if 0 < kinds[k] < 1 else np.nan for k in INTERACTIONS
            }  # fmt: skip
            found |= areas | {
                "auroc": 0.5 if (kinds < 1).all() else np.nan,
                "rank": 0.0, "first": 0.25, "brier": 0.75, "log_score": 2.0,
                "ece": float((kinds - uniform).abs().mean()),
                "global_composition": agreement(uniform, kinds),
            }  # fmt: skip
        rows.append({"method": "chance", "task": row["task"], "seed": row["seed"], **found})
    return pd.DataFrame(rows)


def best_possible(*, knows_label: bool = False) -> pd.DataFrame:
    """Return the largest areas under the ROC curve that any report of the inputs can have.

    Exact, from `best_report`, for the tasks of the suite that have a composition; images count
    as read without error. With `knows_label` for a report that is given the label as well.

    Examples
    --------
    >>> from mmfuse_lib import explanations
    >>> best = explanations.best_possible().set_index("task")["auroc"]
    >>> print(f"{best['digits/balanced']:.2f}, {best['digits, no cue/balanced']:.2f} without a cue")
    1.00, 0.69 without a cue
    """
    rows = []
    for name in tasks():
        data_set, options = recipe(name)
        if data_set == "gaussian_gates":
            continue
        _, areas = best_report(kind_probabilities(**options), knows_label=knows_label)
        named = {f"auroc_{k}": a for k, a in zip(INTERACTIONS, areas, strict=True)}
        mean = float(np.nanmean(areas)) if np.isfinite(areas).any() else np.nan
        method = "best possible" + (", label known" if knows_label else "")
        rows.append({"method": method, "task": name, "seed": 0, "auroc": mean, **named})
    return pd.DataFrame(rows)


def across_tasks(table: pd.DataFrame) -> pd.DataFrame:
    """Return how well global reports order the tasks, for each method and seed.

    Spearman's rank correlation over tasks between a component's share in the global report and
    its share in the exact decomposition, mean over the four components: from -1 to 1. A
    component that a method reports alike for all tasks counts 0.

    Parameters
    ----------
    table : DataFrame
        Rows of `records`. All tasks of a method count, so methods can be compared only where
        they have the same tasks (`leaderboard` sees to that).
    """
    rows = []
    for (method, seed), group in table.groupby(["method", "seed"], sort=False):
        shares = {
            name: np.array([s.loc[name].to_numpy(dtype=float) for s in group["shares"]])
            for name in ("report", "decomposition")
        }
        said, true = shares["report"], shares["decomposition"]
        if len(said) < 3:
            continue
        found = [
            float(spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0
            for a, b in zip(said.T, true.T, strict=True)
        ]
        rows.append({"method": method, "seed": seed, "across_tasks": float(np.mean(found))})
    return pd.DataFrame(rows, columns=["method", "seed", "across_tasks"])


def leaderboard(table: pd.DataFrame, scores: Iterable[str] = SCORES) -> pd.DataFrame:
    """Average the scores of each method over the tasks that all have in common, with intervals.

    Parameters
    ----------
    table : DataFrame
        `records`, and rows like them, such as those of `chance` and `best_possible`.
    scores : iterable of str
        Which ones.

    Returns
    -------
    DataFrame
        A row for each method and score: ``mean``, over tasks of the mean over seeds; ``seeds``
        and ``tasks``, half-widths of 95 % t-intervals; ``n_tasks``, over how many tasks. These
        are, for each score, the tasks on which every method that has the score at all has it:
        means over different tasks would compare tasks, not methods.

        * ``seeds``: of the means over tasks, one a seed. What another draw of data, weights and
          batches would change, on these tasks. NaN for a single seed.
        * ``tasks``: of the means over seeds, one a task. What other tasks would change, as
          far as this suite is a sample of them: it is chosen, not drawn.

    Raises
    ------
    DataError
        If the methods that have a score have no task in common.

    Examples
    --------
    >>> from mmfuse_lib import explanations, study
    >>> table = explanations.records(study.load_results("reproduce/explanations.json").cells)
    >>> board = explanations.leaderboard(table, scores=["auroc"])
    >>> board.loc[board["mean"].idxmax(), "method"]
    'CompositionProbe'
    """
    rows = []
    for score in scores:
        if score == "across_tasks":
            rows += _ordering_rows(table)
            continue
        if score not in table:
            continue
        defined = _on_common_tasks(table[["method", "task", "seed", score]].dropna(), score)
        for method, group in defined.groupby("method", sort=False):
            by_task = group.groupby("task")[score].mean()
            by_seed = group.groupby("seed")[score].mean()
            half = mean_interval(by_seed)[1]
            mean, over_tasks = mean_interval(by_task)
            rows.append((method, score, mean, half, over_tasks, len(by_task)))
    columns = ["method", "score", "mean", "seeds", "tasks", "n_tasks"]
    return pd.DataFrame(rows, columns=columns)


def _on_common_tasks(table: pd.DataFrame, score: str) -> pd.DataFrame:
    """Keep the rows of the tasks that every method of the table has."""
    n_methods = table["method"].nunique()
    shared = table.groupby("task")["method"].nunique() == n_methods
    if n_methods and not shared.any():
        raise DataError(
            f"no task has {score!r} for all of {', '.join(map(str, table['method'].unique()))}: "
            "leave some of them out"
        )
    return table[table["task"].map(shared).astype(bool)]  # an empty table stays a table


def _ordering_rows(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return the rows of `leaderboard` for the order of the tasks."""
    if "shares" not in table:
        return []
    has_report = table["shares"].map(
        lambda s: isinstance(s, pd.DataFrame) and np.isfinite(s.loc["report"].astype(float)).all()
    )
    if not has_report.any():
        return []
    common = _on_common_tasks(table[has_report], "across_tasks")
    n_tasks = int(common["task"].nunique())
    found = across_tasks(common).groupby("method", sort=False)["across_tasks"]
    return [
        (method, "across_tasks", *mean_interval(values), np.nan, n_tasks)
        for method, values in found
    ]


def leaderboard_text(board: pd.DataFrame, scores: Iterable[str] = SCORES) -> pd.DataFrame:
    """Return a `leaderboard` as text: ``mean ± seeds ± tasks``, a row a method, a column a score.

    The head of a column says over how many tasks its means are. An interval that is not defined
    is left out, and so is a score that no method has.

    Examples
    --------
    >>> from mmfuse_lib import explanations, study
    >>> table = explanations.records(study.load_results("reproduce/explanations.json").cells)
    >>> board = explanations.leaderboard(table, scores=["auroc"])
    >>> print(explanations.leaderboard_text(board, scores=["auroc"]).loc[["CompositionProbe"]])
                      auroc (16 tasks)
    CompositionProbe  0.86 ±0.01 ±0.12
    """
    cells: dict[str, dict[str, str]] = {method: {} for method in board["method"].unique()}
    for _, row in board.iterrows():
        halves = [f" ±{half:.2f}" for half in (row["seeds"], row["tasks"]) if np.isfinite(half)]
        cells[row["method"]][row["score"]] = f"{row['mean']:.2f}" + "".join(halves)
    sizes = board.groupby("score")["n_tasks"].first()
    heads = {score: f"{score} ({sizes[score]} tasks)" for score in scores if score in sizes}
    return pd.DataFrame(cells).T.reindex(columns=list(heads)).rename(columns=heads).fillna("")
