"""From runs to a table: averages and intervals worked out by hand."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmfuse_lib import evaluate_explanations, explanations, methods
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.intervals import mean_interval
from mmfuse_lib.explanations import (
    best_possible,
    chance,
    leaderboard,
    records,
    summarise,
    task_scores,
    uniform_report,
)
from mmfuse_lib.explanations.ranking import across_tasks

TESTED: dict[str, Any] = {"test": {"accuracy": 0.875}}
SMALL = {"n_train": 120, "n_val": 60, "n_test": 120}


def rows(**values: dict[tuple[str, int], float]) -> pd.DataFrame:
    """Rows of the score auroc: method -> (task, seed) -> value."""
    return pd.DataFrame(
        {"method": m, "task": t, "seed": s, "auroc": v}
        for m, found in values.items()
        for (t, s), v in found.items()
    )


def test_mean_and_both_intervals_by_hand() -> None:
    table = rows(A={("x", 0): 0.5, ("x", 1): 0.7, ("y", 0): 0.8, ("y", 1): 1.0, ("z", 0): np.nan})
    found = leaderboard(table, ["auroc"]).iloc[0]
    # Tasks x and y: .6 and .9. Seeds: .65 and .85.
    assert found["mean"] == pytest.approx(0.75)
    assert found["tasks"] == pytest.approx(mean_interval([0.6, 0.9])[1])
    assert found["seeds"] == pytest.approx(mean_interval([0.65, 0.85])[1])
    assert found["n_tasks"] == 2


def test_a_single_seed_has_no_interval_over_seeds() -> None:
    found = leaderboard(rows(A={("x", 0): 0.5, ("y", 0): 0.7}), ["auroc"]).iloc[0]
    assert np.isnan(found["seeds"])
    assert found["mean"] == pytest.approx(0.6)


def test_a_lost_seed_does_not_shift_weight_between_tasks() -> None:
    full = {("x", 0): 0.5, ("x", 1): 0.5, ("y", 0): 0.9, ("y", 1): 0.9}
    lost = {key: v for key, v in full.items() if key != ("y", 1)}
    assert leaderboard(rows(A=lost), ["auroc"])["mean"].iloc[0] == pytest.approx(0.7)


def shares(report: list[float], truth: list[float]) -> pd.DataFrame:
    names = ["report", "decomposition"]
    return pd.DataFrame([report, truth], index=names, columns=["R", "U1", "U2", "S"])


def test_ordering_of_tasks_by_hand() -> None:
    # True R: 0, .5, 1; true S the reverse. The report has R in that order, and S in the order
    # 1, 2, 0 (Spearman 1 - 6 * 2 / 24 = .5); U1 and U2 never vary in truth: 0.
    true: list[list[float]] = [[0, 0, 0, 1], [0.5, 0, 0, 0.5], [1, 0, 0, 0]]
    said: list[list[float]] = [[0.1, 0.5, 0, 0.4], [0.2, 0.2, 0, 0.6], [0.7, 0.1, 0.1, 0.1]]
    table = pd.DataFrame(
        {"method": "A", "task": t, "seed": 0, "shares": shares(a, b)}
        for t, a, b in zip(("x", "y", "z"), said, true, strict=True)
    )
    assert across_tasks(table)["across_tasks"].tolist() == pytest.approx([(1 + 0 + 0 + 0.5) / 4])


def test_scores_survive_a_file() -> None:
    task = explanations.load_task("digits/balanced", 0, **SMALL)
    model = methods.I2MoE.for_data(task.train, dim=8, seed=0)
    found = task_scores(model, task, lsmi={"steps": 10}, device="cpu")
    assert list(found) == ["report", "LSMI"]
    cell = {"method": "I2MoE", "data": task.name, "seed": 0, "explanations": found} | TESTED
    table = records([json.loads(json.dumps(cell, allow_nan=False))])
    assert table["method"].tolist() == ["I2MoE", "LSMI on I2MoE"]
    expected = evaluate_explanations(model, task, device="cpu")
    row = table.iloc[0]
    for name, value in expected.metrics.items():
        assert row[name] == pytest.approx(value, abs=1e-5), name
    assert row["shares"].to_numpy() == pytest.approx(expected.shares.to_numpy(), abs=1e-5)
    assert row["reliability"]["count"].sum() == 4 * 120
    assert np.isnan(table.iloc[1]["brier"])
    assert table.iloc[1]["accuracy"] == 0.875  # of the model that LSMI looked into


def test_what_is_scored_depends_on_what_is_claimed() -> None:
    task = explanations.load_task("gate/xor", 0, **SMALL)

    def scored(name: str) -> dict[str, Any]:
        return task_scores(methods.get(name).for_data(task.train, dim=8), task, device="cpu")

    assert scored("JointFusion") == {}
    assert list(scored("DIMML")) == ["heads"]
    assert list(scored("DMIL")) == ["report"]
    found = {"explanations": scored("DIMML")}
    cell = {"method": "DIMML", "data": task.name, "seed": 0} | TESTED | found
    assert records([cell])["method"].tolist() == ["DIMML, heads (our reading)"]


@pytest.mark.parametrize("name", ["digits/mostly S", "digits/R or S", "digits/all R", "gate/and"])
def test_chance_is_what_the_uniform_report_scores(name: str) -> None:
    task = explanations.load_task(name, 0, **SMALL)
    summary = summarise(evaluate_explanations(uniform_report(120), task))
    found = {"explanations": {"report": summary}}
    cell = {"method": "M", "data": name, "seed": 0} | TESTED | found
    table = records([cell])
    by_formula = chance(table).iloc[0]
    for score in {str(c) for c in table} - {
        "method",
        "task",
        "seed",
        "shares",
        "reliability",
        "accuracy",
    }:
        found = by_formula.get(score, np.nan)
        assert found == pytest.approx(table.iloc[0][score], abs=1e-5, nan_ok=True), score


def test_the_best_possible_is_perfect_with_the_cue_only() -> None:
    best = best_possible().set_index("task")["auroc"]
    assert best["digits/balanced"] == 1
    assert 0.5 < best["digits, no cue/balanced"] < 0.8
    assert np.isnan(best["digits/all R"])
    told = best_possible(knows_label=True).set_index("task")["auroc"]
    assert told["digits, no cue/balanced"] > 0.9
    assert not any(name.startswith("gate") for name in best.index)


def test_methods_are_compared_on_the_tasks_that_all_of_them_have() -> None:
    table = rows(
        A={("easy", 0): 0.9, ("hard", 0): 0.5, ("x", 0): 0.7},
        B={("easy", 0): 0.8, ("x", 0): 0.6},
        C={("easy", 0): 0.7, ("hard", 0): 0.1, ("x", 0): 0.5},
    )
    board = leaderboard(table, ["auroc"]).set_index("method")
    assert board["mean"].to_dict() == pytest.approx({"A": 0.8, "B": 0.7, "C": 0.6})
    assert set(board["n_tasks"]) == {2}
    assert list(explanations.leaderboard_text(board.reset_index())) == ["auroc (2 tasks)"]


def test_a_method_without_a_score_does_not_take_tasks_from_the_others() -> None:
    table = rows(A={("x", 0): 0.5, ("y", 0): 0.7}, B={("x", 0): 0.5, ("y", 0): 0.7})
    table["brier"] = [0.2, 0.4, np.nan, np.nan]
    board = leaderboard(table, ["auroc", "brier"])
    assert board["method"].tolist() == ["A", "B", "A"]
    assert set(board["n_tasks"]) == {2}


def test_the_order_of_tasks_is_judged_on_common_tasks_too() -> None:
    def of(method: str, names: str) -> list[dict[str, Any]]:
        report = {"w": 0.9, "x": 0.1, "y": 0.2, "z": 0.3}
        truth = {"w": 0.0, "x": 0.1, "y": 0.2, "z": 0.3}
        return [
            {"method": method, "task": t, "seed": 0,
             "shares": shares([report[t], 0, 0, 0], [truth[t], 0, 0, 0])}
            for t in names
        ]  # fmt: skip

    table = pd.DataFrame(of("A", "wxyz") + of("B", "xyz"))
    board = leaderboard(table, ["across_tasks"]).set_index("method")
    assert board["mean"].to_dict() == pytest.approx({"A": 0.25, "B": 0.25})  # R of four in order
    assert set(board["n_tasks"]) == {3}


def test_no_common_task_is_an_error_that_names_the_methods() -> None:
    table = rows(A={("x", 0): 0.5}, B={("y", 0): 0.7})
    with pytest.raises(DataError, match="'auroc' for all of A, B"):
        leaderboard(table, ["auroc"])


def test_a_score_that_no_task_has_is_left_out() -> None:
    table = pd.DataFrame(
        {"method": ["a", "b"], "task": "gate", "seed": 0, "auroc": np.nan, "first": [0.2, 0.4]}
    )
    board = explanations.leaderboard(table, ["auroc", "first"])
    assert board["score"].tolist() == ["first", "first"]
