"""Scores of a report against numbers worked out on paper, and against scikit-learn."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kendalltau
from sklearn.metrics import brier_score_loss, roc_auc_score
from torch import Tensor, nn

from mmfuse_lib import evaluate_explanations, methods
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import INTERACTIONS, MultimodalData, from_arrays
from mmfuse_lib.data.synthetic.labels import mixture_table
from mmfuse_lib.explanations import ExplanationTask, score_report
from mmfuse_lib.explanations.scores import agreement, auroc, global_report, reliability
from mmfuse_lib.methods import Method, Spec

Array = NDArray[np.float64]
R, U1, U2, S = range(4)


class Given(Method):
    """A method whose report is its first input."""

    interaction_names = INTERACTIONS

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return inputs["claims"][:, :2]

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return inputs["claims"]


def task_of(claims: Any, kind: Any, shares: Any = (0.25, 0.25, 0.25, 0.25)) -> ExplanationTask:
    """A task of these samples, all labelled 0 or 1 in turn."""
    n = len(claims)
    table = mixture_table(np.array(shares, dtype=np.float64), 2, cue=True)
    split = from_arrays(
        {"claims": claims, "noise": np.zeros((n, 1))},
        np.arange(n) % 2,
        class_names=("0", "1"),
        composition=kind,
        table=table,
    )
    return ExplanationTask.of((split, split, split))


def model_for(data: MultimodalData) -> Given:
    return Given(Spec.of(data), {"claims": nn.Identity(), "noise": nn.Identity()})


def random_report(n: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    kind = np.concatenate([np.arange(4), rng.integers(4, size=n - 4)])
    return rng.dirichlet([0.7] * 4, size=n), kind


# By hand.

#: Four samples, their kinds R, R, U1, S.
REPORT = [
    [0.7, 0.1, 0.1, 0.1],
    [0.2, 0.5, 0.1, 0.2],
    [0.4, 0.3, 0.2, 0.1],
    [0.1, 0.1, 0.2, 0.6],
]
KIND = [R, R, U1, S]


def test_areas_by_hand() -> None:
    found = score_report(REPORT, KIND)
    # Column R: .7 and .2 (kind R) against .4 and .1. Of four pairs .7 wins two, .2 wins one.
    assert found["auroc_R"] == pytest.approx(3 / 4)
    # Column U1: .3 against .1, .5, .1: two of three.
    assert found["auroc_U1"] == pytest.approx(2 / 3)
    assert np.isnan(found["auroc_U2"])  # no sample of this kind
    # Column S: .6 against .1, .2, .1: all.
    assert found["auroc_S"] == 1
    assert found["auroc"] == pytest.approx((3 / 4 + 2 / 3 + 1) / 3)


def test_rank_within_samples_by_hand() -> None:
    found = score_report(REPORT, KIND)
    # Sample 1: R .7 above all three: 3. Sample 2: R .2, above .1, below .5, tie with S: 0.
    # Sample 3: U1 .3, above .2 and .1, below .4: 1. Sample 4: S .6, above all: 3. Over 3 each.
    assert found["rank"] == pytest.approx((3 + 0 + 1 + 3) / 3 / 4)
    # The own column is the largest in samples 1 and 4.
    assert found["first"] == pytest.approx(2 / 4)


def test_a_tie_for_the_first_place_counts_in_parts() -> None:
    found = score_report([[0.4, 0.4, 0.1, 0.1], [0.25] * 4], [R, S])
    assert found["first"] == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert found["rank"] == pytest.approx((2 + 0) / 3 / 2)


def test_brier_and_log_score_by_hand() -> None:
    found = score_report(REPORT, KIND)
    # Squared distances to the unit vectors:
    first = 0.3**2 + 3 * 0.1**2
    second = 0.8**2 + 0.5**2 + 0.1**2 + 0.2**2
    third = 0.4**2 + 0.7**2 + 0.2**2 + 0.1**2
    fourth = 2 * 0.1**2 + 0.2**2 + 0.4**2
    assert found["brier"] == pytest.approx((first + second + third + fourth) / 4)
    bits = -np.log2([0.7, 0.2, 0.3, 0.6])
    assert found["log_score"] == pytest.approx(bits.mean())


def test_calibration_error_by_hand() -> None:
    # Column R says .8, .8, .85 (one bin) and is right twice of three; mean said 2.45 / 3.
    # U1 and U2 say .1 or .05 (bins 1 and 0), S the rest.
    report = [[0.80, 0.1, 0.1, 0.0], [0.80, 0.1, 0.1, 0.0], [0.85, 0.05, 0.05, 0.05]]
    found = score_report(report, [R, R, U1])
    gap_r = abs(2.45 - 2)
    gap_u1 = abs(0.2 - 0) + abs(0.05 - 1)
    gap_u2 = 0.2 + 0.05
    gap_s = 0.05  # all in the bin [0, .1): said .05 in all, was 0
    assert found["ece"] == pytest.approx((gap_r + gap_u1 + gap_u2 + gap_s) / 3 / 4)


def test_an_impossible_kind_costs_twenty_bits() -> None:
    assert score_report([[0.0, 0.5, 0.5, 0.0]], [R])["log_score"] == 20


def test_global_agreement_by_hand() -> None:
    # Shares (.5, .5, 0, 0) and (.25, .25, .25, .25) have .25 + .25 in common.
    assert agreement([0.5, 0.5, 0, 0], [0.25] * 4) == pytest.approx(0.5)
    assert agreement([1, 0, 0, 0], [0, 0, 0, 1]) == 0
    # A negative mean counts as 0, the rest as shares: (2, -1, 1, 1) -> (.5, 0, .25, .25).
    assert global_report([[3, -2, 1, 1], [1, 0, 1, 1]]) == pytest.approx([0.5, 0, 0.25, 0.25])
    assert np.isnan(global_report([[-1.0, -1.0, -1.0, 0.0]])).all()


def test_reliability_by_hand() -> None:
    found = reliability([[0.75, 0.25, 0.0, 0.0], [0.75, 0.0, 0.25, 0.0]], [R, U1], n_bins=4)
    # Bins [0, 1/4): four zeros, one of them true (U1 of sample 2); [1/4, 1/2): two, none true;
    # [3/4, 1]: two, one true.
    assert found.index.tolist() == [0, 1, 3]
    assert found["count"].tolist() == [4, 2, 2]
    assert found["report"].tolist() == [0, 0.25, 0.75]
    assert found["frequent"].tolist() == [0.25, 0, 0.5]


# Identities.


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 60), coarse=st.booleans())
def test_areas_equal_scikit_learns(seed: int, n: int, coarse: bool) -> None:
    report, kind = random_report(n, seed)
    report = report.round(1) if coarse else report  # with ties
    found = score_report(report, kind)
    for c, name in enumerate(INTERACTIONS):
        expected = roc_auc_score(kind == c, report[:, c])
        assert found[f"auroc_{name}"] == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 40))
def test_brier_is_the_sum_of_the_columns_brier_scores(seed: int, n: int) -> None:
    report, kind = random_report(n, seed)
    columns = [brier_score_loss(kind == c, report[:, c]) for c in range(4)]
    assert score_report(report, kind)["brier"] == pytest.approx(sum(columns))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 20))
def test_rank_is_kendalls_over_pairs_that_the_truth_orders(seed: int, n: int) -> None:
    report, kind = random_report(n, seed)
    each = []
    for row, k in zip(report, kind, strict=True):
        # tau-b divides by sqrt(3 ordered pairs * 6 pairs of the report), Somers' D by 3.
        tau_b = kendalltau(row, np.eye(4)[k]).statistic
        each.append(tau_b * np.sqrt(3 * 6) / 3)
    assert score_report(report, kind)["rank"] == pytest.approx(np.mean(each))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 60))
def test_the_order_of_samples_and_a_renaming_change_nothing(seed: int, n: int) -> None:
    report, kind = random_report(n, seed)
    rng = np.random.default_rng(seed)
    found = score_report(report, kind)
    order = rng.permutation(n)
    assert score_report(report[order], kind[order]) == pytest.approx(found, abs=1e-12)
    # Rename the interactions in report and truth alike: the same, under the other names.
    names = rng.permutation(4)
    renamed = score_report(report[:, names], np.argsort(names)[kind])
    for score in ("auroc", "rank", "first", "ece", "brier", "log_score"):
        assert renamed[score] == pytest.approx(found[score], abs=1e-12)
    for new, old in enumerate(names):
        a, b = INTERACTIONS[new], INTERACTIONS[old]
        assert renamed[f"auroc_{a}"] == pytest.approx(found[f"auroc_{b}"], abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 60))
def test_a_perfect_report_is_perfect_and_its_opposite_the_worst(seed: int, n: int) -> None:
    _, kind = random_report(n, seed)
    perfect = score_report(np.eye(4)[kind], kind)
    for name, value in {"auroc": 1, "rank": 1, "first": 1, "ece": 0, "brier": 0}.items():
        assert perfect[name] == pytest.approx(value, abs=1e-12)
    assert perfect["log_score"] == 0
    opposite = score_report((1 - np.eye(4)[kind]) / 3, kind)
    assert opposite["auroc"] == 0
    assert opposite["rank"] == -1
    assert opposite["first"] == 0


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 60))
def test_a_constant_report_detects_nothing(seed: int, n: int) -> None:
    row, kind = random_report(n, seed)
    found = score_report(np.tile(row[:1], (n, 1)), kind)
    assert [found[f"auroc_{k}"] for k in INTERACTIONS] == [0.5] * 4
    uniform = score_report(np.full((n, 4), 0.25), kind)
    expected = {"auroc": 0.5, "rank": 0, "first": 0.25, "brier": 0.75, "log_score": 2}
    assert {name: uniform[name] for name in expected} == pytest.approx(expected)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 60), power=st.floats(0.2, 5))
def test_areas_see_the_order_only(seed: int, n: int, power: float) -> None:
    report, kind = random_report(n, seed)
    truth = np.eye(4)[kind]
    assert auroc(report**power, truth) == pytest.approx(auroc(report, truth), abs=1e-12)


# What is not defined.


def test_a_task_with_one_kind_only_has_no_area_but_has_the_rest() -> None:
    found = score_report(REPORT, [S] * 4)
    assert all(np.isnan(found[f"auroc_{k}"]) for k in INTERACTIONS)
    assert np.isnan(found["auroc"])
    assert np.isfinite([found[k] for k in ("rank", "first", "ece", "brier", "log_score")]).all()


def test_signed_reports_are_ranked_but_not_calibrated() -> None:
    found = score_report([[1.0, -0.5, 0.2, 0.0], [-1.0, 0.5, 0.2, 0.1]], [R, U1])
    assert found["auroc_R"] == found["auroc_U1"] == 1
    assert all(np.isnan(found[k]) for k in ("ece", "brier", "log_score"))
    assert reliability([[1.0, -0.5, 0.2, 0.3]], [R]).empty


# On a task.


def test_a_method_and_its_table_of_reports_have_the_same_scores() -> None:
    task = task_of(REPORT, KIND, [0.5, 0.25, 0.0, 0.25])
    by_model = evaluate_explanations(model_for(task.train), task, device="cpu")
    frame = pd.DataFrame(REPORT, columns=list(INTERACTIONS))
    tables: list[Any] = [REPORT, frame[["S", "R", "U2", "U1"]], torch.tensor(REPORT)]
    for table in tables:
        by_table = evaluate_explanations(table, task)
        without = {k: v for k, v in by_model.metrics.items() if k != "accuracy"}
        assert by_table.metrics == pytest.approx(without, abs=1e-6, nan_ok=True)
    # The model predicts the larger of its first two columns: 0, 1, 0, 0 against 0, 1, 0, 1.
    assert by_model.metrics["accuracy"] == pytest.approx(3 / 4)
    # Composition of the samples: R twice, U1 and S once. Global report: column means.
    assert list(by_model.shares.loc["composition"]) == [0.5, 0.25, 0, 0.25]
    assert by_model.shares.loc["report"].to_numpy() == pytest.approx([0.35, 0.25, 0.15, 0.25])
    assert by_model.metrics["global_composition"] == pytest.approx(1 - (0.15 + 0.15) / 2)
    assert by_model.per_sample["kind"].tolist() == ["R", "R", "U1", "S"]


def test_the_cue_makes_the_decomposition_another_truth_than_the_composition() -> None:
    # U1 and U2 in equal parts, with the cue: each source tells the label half of the time, the
    # same half-bits count as redundant (BROJA), and as much is left for both together.
    task = task_of(REPORT, KIND, [0.0, 0.5, 0.5, 0.0])
    assert task.decomposition.to_numpy() == pytest.approx([0.5, 0, 0, 0.5], abs=1e-5)
    assert task.decomposition.index.tolist() == list(INTERACTIONS)


def test_without_composition_only_the_global_report_is_scored() -> None:
    task = task_of(REPORT, None)
    found = evaluate_explanations(REPORT, task)
    assert not task.has_composition
    assert np.isfinite(found.metrics["global_exact"])
    assert all(np.isnan(v) for k, v in found.metrics.items() if k != "global_exact")
    assert list(found.shares.index) == ["report", "decomposition"]
    assert "kind" not in found.per_sample


@pytest.mark.parametrize("name", ["Ensemble", "JointFusion", "DIMML"])
def test_methods_that_claim_no_interactions_are_refused(name: str) -> None:
    task = task_of(REPORT, KIND)
    model = methods.get(name).for_data(task.train, dim=4)
    with pytest.raises(DataError, match=f"{name} claims no R, U1, U2, S"):
        evaluate_explanations(model, task)


def test_dmil_with_level_1_only_claims_other_columns() -> None:
    task = task_of(REPORT, KIND)
    model = methods.DMIL.for_data(task.train, dim=4, levels="intra")
    with pytest.raises(DataError, match=r"columns \['M1', 'M2', 'S'\]"):
        evaluate_explanations(model, task)


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (REPORT[:3], r"shape \(3, 4\): expected \(4, 4\)"),
        ([row[:3] for row in REPORT], r"shape \(4, 3\)"),
        (pd.DataFrame(REPORT, columns=["R", "U1", "U2", "joint"]), r"lacks \['S'\]"),
        ([*REPORT[:3], [np.nan, 0, 0, 1]], "first in sample 3"),
    ],
)
def test_tables_that_do_not_fit_are_refused(report: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate_explanations(report, task_of(REPORT, KIND))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_method_is_scored_alike_on_a_gpu() -> None:
    task = task_of(REPORT, KIND)
    model = methods.I2MoE.for_data(task.train, dim=4)
    on_cpu = evaluate_explanations(model, task, device="cpu").metrics
    assert evaluate_explanations(model, task, device="cuda").metrics == pytest.approx(
        on_cpu, abs=1e-4, nan_ok=True
    )
