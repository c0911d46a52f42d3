"""`evaluate` against scikit-learn and against numbers worked out on paper."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk
from torch import Tensor, nn

from mmfuse_lib import evaluate, evaluation, mean_interval, synergy_indicator
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import MultimodalData, from_arrays, multimodal
from mmfuse_lib.encoders.resnet import ResNet18Encoder
from mmfuse_lib.methods import Ensemble, JointFusion, Method, Spec, Unimodal, predicting
from tests.support import leaves_no_random_trace, linear, noisy_encoder, two_labels, xor


class Given(Method):
    """A method whose logits are its first input, and whose claims are its second."""

    interaction_names = ("R", "U1", "U2", "S")

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        self.encode(inputs)
        return inputs["logits"]

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return inputs["claims"]


def given_data(
    logits: Any, target: Any, claims: Any = None, composition: Any = None
) -> MultimodalData:
    logits = np.asarray(logits, dtype=np.float32)
    names = tuple(map(str, range(logits.shape[1])))
    return from_arrays(
        {"logits": logits, "claims": np.zeros((len(logits), 4)) if claims is None else claims},
        target,
        class_names=None if np.asarray(target).dtype.kind == "f" else names,
        composition=composition,
    )


def model_for(data: MultimodalData) -> Given:
    identity = {"logits": nn.Identity(), "claims": nn.Identity()}
    return Given(Spec.of(data), identity)


def measured(logits: Any, target: Any, **options: Any) -> dict[str, float]:
    data = given_data(logits, target, **options)
    return evaluate(model_for(data), data, device="cpu").metrics


def softmax(logits: Any) -> Any:
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n_classes=st.integers(2, 6), n=st.integers(12, 80))
def test_classification_metrics_equal_scikit_learns(seed: int, n_classes: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    logits = (2 * rng.normal(size=(n, n_classes))).astype(np.float32)
    target = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=n - n_classes)])
    found = measured(logits, target)
    p = softmax(logits.astype(np.float64))
    guess = logits.argmax(axis=1)
    areas = [sk.roc_auc_score(target == k, p[:, k]) for k in range(n_classes)]
    expected = {
        "accuracy": sk.accuracy_score(target, guess),
        "macro_f1": sk.f1_score(target, guess, average="macro"),
        "auroc": np.mean(areas),
        "cross_entropy": sk.log_loss(target, p, labels=range(n_classes)) / np.log(2),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=2e-5), name
    assert set(found) == {*expected, "ece"}


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n_classes=st.integers(2, 6), n=st.integers(1, 80))
def test_calibration_error_equals_a_direct_sum_over_bins(seed: int, n_classes: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    logits = (4 * rng.normal(size=(n, n_classes))).astype(np.float32)
    target = rng.integers(n_classes, size=n)
    p = softmax(logits.astype(np.float64))
    confidence, right = p.max(axis=1), p.argmax(axis=1) == target
    expected = 0.0
    for m in range(15):
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert measured(logits, target)["ece"] == pytest.approx(expected, abs=1e-5)


def two_class_logits(confidences: list[float]) -> Any:
    """Logits of class 0 with these probabilities (1 means 1 to the last bit)."""
    p = np.array(confidences)
    with np.errstate(divide="ignore"):
        return np.stack([np.log(p), np.maximum(np.log(1 - p), -500)], axis=1)


def test_calibration_error_by_hand() -> None:
    # Bin of .9: half right, so .4 off; bin of .65: all right, so .35 off; half of the samples each.
    found = measured(two_class_logits([0.9, 0.9, 0.65, 0.65]), [0, 1, 0, 0])
    assert found["ece"] == pytest.approx((0.4 + 0.35) / 2, abs=1e-6)


def test_certain_predictions_share_the_last_bin_with_the_almost_certain() -> None:
    # One bin (14/15, 1]: half right, mean confidence .98.
    found = measured(two_class_logits([1.0, 0.96]), [1, 0])
    assert found["ece"] == pytest.approx(0.48, abs=1e-6)


def test_perfectly_calibrated_predictions_have_no_calibration_error() -> None:
    found = measured(two_class_logits([0.75] * 4), [0, 0, 0, 1])
    assert found["ece"] == pytest.approx(0, abs=1e-6)


def test_cross_entropy_is_in_bits() -> None:
    assert measured(np.zeros((5, 4)), [0, 1, 2, 3, 0])["cross_entropy"] == pytest.approx(2)


def test_auroc_by_hand() -> None:
    # Scores of class 1: positives .9, .4; negatives .6, .1: three of four pairs are in order.
    p = np.array([0.9, 0.4, 0.6, 0.1])
    assert measured(np.log(np.stack([1 - p, p], 1)), [1, 1, 0, 0])["auroc"] == pytest.approx(0.75)


def test_auroc_is_the_mean_over_the_classes_that_occur() -> None:
    rng = np.random.default_rng(0)
    logits, target = rng.normal(size=(50, 4)), rng.choice([0, 2, 3], size=50)
    p = softmax(logits)
    areas = [sk.roc_auc_score(target == k, p[:, k]) for k in (0, 2, 3)]
    assert measured(logits, target)["auroc"] == pytest.approx(np.mean(areas), abs=1e-5)


def test_auroc_of_one_class_is_not_a_number() -> None:
    found = measured(np.random.default_rng(0).normal(size=(10, 3)), [1] * 10)
    assert np.isnan(found["auroc"])
    assert np.isfinite(found["accuracy"])


def test_macro_f1_with_an_absent_class_by_hand() -> None:
    # Class 0: precision 2/3, recall 1, F1 4/5. Class 1: precision 1, recall 1/2, F1 2/3.
    found = measured(np.eye(3)[[0, 0, 0, 1]], [0, 0, 1, 1])
    assert found["macro_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_accuracy_per_kind_by_hand() -> None:
    found = measured(
        np.eye(2)[[0, 0, 1, 1, 0, 1]], [0, 1, 1, 1, 0, 0], composition=[0, 0, 0, 3, 3, 3]
    )
    assert found["accuracy_R"] == pytest.approx(2 / 3)
    assert found["accuracy_S"] == pytest.approx(2 / 3)
    found = measured(np.eye(2)[[0, 1]], [0, 0], composition=[1, 2])
    assert {k: v for k, v in found.items() if k.startswith("accuracy_")} == {
        "accuracy_U1": 1.0,
        "accuracy_U2": 0.0,
    }


def test_without_a_composition_there_is_no_accuracy_per_kind() -> None:
    found = measured(np.eye(2), [0, 1])
    assert not [name for name in found if name.startswith("accuracy_")]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 50))
def test_regression_metrics_equal_scikit_learns(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.normal(size=n).astype(np.float32)
    guess = (target + rng.normal(size=n)).astype(np.float32)
    found = measured(guess[:, None], target)
    assert found == pytest.approx(
        {
            "mae": sk.mean_absolute_error(target, guess),
            "rmse": np.sqrt(sk.mean_squared_error(target, guess)),
            "r2": sk.r2_score(target, guess),
        },
        rel=1e-3,
        abs=1e-4,
    )


def labels_data(logits: Any, target: Any) -> MultimodalData:
    logits = np.asarray(logits, dtype=np.float32)
    views = {"logits": logits, "claims": np.zeros((len(logits), 4))}
    names = tuple("abcdef"[: logits.shape[1]])
    return from_arrays(views, np.asarray(target, dtype=int), class_names=names)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), n_labels=st.integers(2, 5), n=st.integers(2, 50))
def test_multilabel_metrics_equal_scikit_learns(seed: int, n_labels: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, n_labels)).astype(np.float32)
    target = rng.integers(2, size=(n, n_labels))
    data = labels_data(logits, target)
    found = evaluate(model_for(data), data, device="cpu").metrics
    p, guess = 1 / (1 + np.exp(-logits.astype(np.float64))), logits > 0
    varying = [k for k in range(n_labels) if 0 < target[:, k].sum() < n]
    areas = [sk.roc_auc_score(target[:, k], p[:, k]) for k in varying]
    bits = -np.log2(np.where(target == 1, p, 1 - p)).mean()
    expected = {
        "micro_f1": sk.f1_score(target, guess, average="micro", zero_division=0),
        "macro_f1": sk.f1_score(target, guess, average="macro", zero_division=0),
        "auroc": np.mean(areas) if areas else np.nan,
        "subset_accuracy": sk.accuracy_score(target, guess),
        "cross_entropy": bits,
    }
    assert found == pytest.approx(expected, abs=2e-5, nan_ok=True)


def test_predictions_of_labels_list_their_names() -> None:
    data = labels_data([[1, -1], [1, 2], [-1, -2]], [[1, 0], [0, 1], [0, 0]])
    table = evaluate(model_for(data), data, device="cpu").predictions
    assert table["target"].tolist() == ["a", "b", ""]
    assert table["prediction"].tolist() == ["a", "a, b", ""]
    assert table["correct"].tolist() == [True, False, True]


def test_unimodal_models_give_the_synergy_indicator_of_labels() -> None:
    data = two_labels(100)
    model = JointFusion.for_data(data)
    alone = Unimodal.for_data(data, modality="a")
    right = [evaluate(m, data, device="cpu").predictions["correct"] for m in (model, alone)]
    found = evaluate(model, data, unimodal=[alone], device="cpu").metrics["synergy_indicator"]
    assert found == pytest.approx((right[0] & ~right[1]).mean())


def test_r2_of_one_sample_is_not_a_number() -> None:
    found = measured([[2.0]], [0.5])
    assert np.isnan(found["r2"])
    assert found["mae"] == found["rmse"] == 1.5


# Tables.


def test_predictions_have_a_row_a_sample() -> None:
    logits = np.log([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4]])
    data = given_data(logits, [0, 1, 1], composition=[0, 3, 2])
    table = evaluate(model_for(data), data, device="cpu").predictions
    assert list(table.columns) == ["target", "prediction", "confidence", "correct", "kind"]
    assert table["target"].tolist() == [0, 1, 1]
    assert table["prediction"].tolist() == [0, 1, 0]
    assert table["confidence"].tolist() == pytest.approx([0.7, 0.8, 0.6], abs=1e-6)
    assert table["correct"].tolist() == [True, True, False]
    assert table["kind"].tolist() == ["R", "S", "U2"]


def test_predictions_of_a_regression_are_numbers() -> None:
    data = given_data([[1.5], [2.5]], [1.0, 2.0])
    table = evaluate(model_for(data), data, device="cpu").predictions
    assert list(table.columns) == ["target", "prediction"]
    assert table["prediction"].tolist() == [1.5, 2.5]


def test_claims_are_reported_a_row_a_sample_under_the_methods_names() -> None:
    claims = np.random.default_rng(0).random((7, 4)).astype(np.float32)
    data = given_data(np.zeros((7, 2)), [0, 1] * 3 + [0], claims=claims)
    found = evaluate(model_for(data), data, device="cpu").interactions
    assert list(found.columns) == ["R", "U1", "U2", "S"]
    np.testing.assert_array_equal(found.to_numpy(), claims)


def test_methods_that_claim_nothing_report_rows_without_columns() -> None:
    data = xor(30)
    found = evaluate(Ensemble.for_data(data), data, device="cpu").interactions
    assert found.shape == (30, 0)


# Synergy indicator.


def test_synergy_indicator_needs_a_unimodal_model_to_compare_with() -> None:
    with pytest.raises(DataError, match="none was given"):
        synergy_indicator([True, False], [])


def test_synergy_indicator_by_hand() -> None:
    right = [True, True, True, False, True]
    first, second = [False, True, False, False, False], [False, False, True, False, False]
    assert synergy_indicator(right, [first, second]) == pytest.approx(2 / 5)
    assert synergy_indicator(right, [first]) == pytest.approx(3 / 5)
    assert synergy_indicator(right, [first, second, [True] * 5]) == 0
    assert synergy_indicator(np.array(right), [torch.tensor(first)]) == pytest.approx(3 / 5)


def test_unimodal_models_give_the_synergy_indicator() -> None:
    data = xor(200)
    model = JointFusion.for_data(data)
    others = [Unimodal.for_data(data, modality=m) for m in data.modalities]
    plain, found = (
        evaluate(model, data, unimodal=u, device="cpu").metrics for u in ((), tuple(others))
    )
    correct = [evaluate(m, data, device="cpu").predictions["correct"] for m in (model, *others)]
    assert "synergy_indicator" not in plain
    expected = (correct[0] & ~correct[1] & ~correct[2]).mean()
    assert 0 < expected < 1
    assert found["synergy_indicator"] == pytest.approx(expected)


def test_unimodal_models_of_other_classes_are_refused() -> None:
    data = xor(20)
    other = from_arrays(data.inputs, torch.arange(20) % 3)
    with pytest.raises(DataError, match="classes"):
        evaluate(
            JointFusion.for_data(data),
            data,
            unimodal=[Unimodal.for_data(other, modality="a")],
            device="cpu",
        )


# Intervals over seeds.


def test_mean_interval_by_hand() -> None:
    # t_{.975, 2} = 4.302653; the standard deviation of 1, 2, 3 is 1.
    mean, half = mean_interval([1, 2, 3])
    assert mean == 2
    assert half == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)


@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20).filter(
        lambda v: np.std(v) > 1e-3
    ),
    level=st.floats(0.5, 0.999),
)
def test_mean_interval_equals_scipys(values: list[float], level: float) -> None:
    mean, half = mean_interval(values, level)
    low, high = stats.t.interval(level, len(values) - 1, np.mean(values), stats.sem(values))
    assert mean - half == pytest.approx(low, rel=1e-9, abs=1e-9)
    assert mean + half == pytest.approx(high, rel=1e-9, abs=1e-9)


def test_one_value_has_no_interval_and_equal_values_one_of_length_zero() -> None:
    mean, half = mean_interval([3.5])
    assert mean == 3.5
    assert np.isnan(half)
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 0.0)


@pytest.mark.parametrize("values", [[], 3.0, [[1.0, 2.0]]])
def test_what_is_no_list_of_numbers_has_no_interval(values: Any) -> None:
    with pytest.raises(DataError, match="non-empty list of numbers"):
        mean_interval(values)


# The model is left alone.


def noisy_model(data: MultimodalData) -> JointFusion:
    return JointFusion.for_data(data, encoders={"a": noisy_encoder(), "b": noisy_encoder()})


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_modes_device_and_statistics_are_as_before(training: bool, mixed: bool) -> None:
    data = xor(30)
    model = noisy_model(data).train(training)
    if mixed:
        model.encoders["a"].train(not training)
    modes = [m.training for m in model.modules()]
    before = {name: x.clone() for name, x in model.state_dict().items()}
    evaluate(model, data, device="cpu")
    assert [m.training for m in model.modules()] == modes
    for name, x in model.state_dict().items():
        assert torch.equal(x, before[name])
        assert x.device.type == "cpu"


def test_modes_are_as_before_also_after_an_error() -> None:
    class Broken(JointFusion):
        def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
            raise RuntimeError("broken")

    model = Broken.for_data(xor(20)).train()
    with pytest.raises(RuntimeError, match="broken"):
        evaluate(model, xor(20), device="cpu")
    assert all(m.training for m in model.modules())


def test_dropout_is_off_and_the_result_the_same_twice() -> None:
    data = xor(60)
    model = noisy_model(data).train()
    one, again = (evaluate(model, data, device="cpu") for _ in range(2))
    assert one.metrics == again.metrics
    pd.testing.assert_frame_equal(one.predictions, again.predictions)


def test_many_batches_equal_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    data = xor(53)
    model = noisy_model(data)
    whole = evaluate(model, data, device="cpu")
    monkeypatch.setattr(predicting, "BATCH_SIZE", 10)
    pieces = evaluate(model, data, device="cpu")
    assert pieces.metrics == pytest.approx(whole.metrics, abs=1e-5)
    assert len(pieces.interactions) == len(pieces.predictions) == 53
    np.testing.assert_allclose(
        pieces.predictions["confidence"], whole.predictions["confidence"], atol=1e-6
    )


def test_evaluating_leaves_the_global_random_states_alone() -> None:
    data = xor(20)
    model = noisy_model(data)
    assert leaves_no_random_trace(lambda: evaluate(model, data, device="cpu"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (from_arrays({"a": xor(9).inputs["a"]}, xor(9).target), "modality 'b' is missing"),
        (linear(9), "the data has regression"),
        (xor(9)[:0], "no samples"),
        (from_arrays(xor(9).inputs, np.arange(9) % 3), "classes"),
    ],
)
def test_data_that_do_not_fit_are_refused(data: MultimodalData, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(JointFusion.for_data(xor(20)), data, device="cpu")


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (float("nan"), torch.float32, r"has NaN or infinite values \(first in sample 5\)"),
        (float("inf"), torch.float32, r"has NaN or infinite values \(first in sample 5\)"),
        (
            -1e200,
            torch.float64,
            r"has values beyond the range of single precision.* \(first in sample 5\)",
        ),
    ],
)
def test_inputs_that_cannot_be_used_are_named(
    value: float, dtype: torch.dtype, message: str
) -> None:
    data = xor(20)
    data.inputs["b"] = data.inputs["b"].to(dtype)
    for sample in (5, 11):
        data.inputs["b"][sample, 2] = value
    model = JointFusion.for_data(xor(20))
    with pytest.raises(DataError, match=f"modality 'b' {message}"):
        evaluate(model, data, device="cpu")


@pytest.mark.parametrize(("name", "at_once"), [("ROWS", 8), ("CHECKED_BYTES", 100)])
def test_a_bad_value_far_behind_is_named_by_its_place(
    name: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multimodal, name, at_once)
    data = xor(20)
    data.inputs["a"][17, 0] = float("nan")
    with pytest.raises(DataError, match=r"modality 'a' .*\(first in sample 17\)"):
        evaluate(JointFusion.for_data(xor(20)), data, device="cpu")


def test_targets_of_a_regression_that_are_no_numbers_are_named() -> None:
    data = linear(20)
    data.target[3] = float("nan")
    with pytest.raises(DataError, match=r"the target has NaN .*\(first in sample 3\)"):
        evaluate(JointFusion.for_data(linear(20)), data, device="cpu")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_whose_outputs_are_no_numbers_has_no_accuracy(value: float) -> None:
    class Broken(Given):
        def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
            logits = super().forward(inputs).clone()
            logits[2, 1] = value
            return logits

    data = given_data(np.eye(3), [0, 1, 2])
    identity = {"logits": nn.Identity(), "claims": nn.Identity()}
    with pytest.raises(DataError, match=r"outputs of Broken are NaN .*\(first for sample 2\)"):
        evaluate(Broken(Spec.of(data), identity), data, device="cpu")


def test_pixels_in_bytes_are_not_asked_whether_they_are_finite() -> None:
    pixels = {name: torch.zeros(4, 3, 32, 32, dtype=torch.uint8) for name in ("a", "b")}
    data = MultimodalData(pixels, torch.tensor([0, 1, 0, 1]), ("x", "y"))
    encoders = {name: ResNet18Encoder((3, 32, 32), 4) for name in pixels}
    model = JointFusion.for_data(data, encoders=encoders)
    assert evaluate(model, data, device="cpu").metrics["accuracy"] == 0.5


def test_every_metric_has_a_head_in_words() -> None:
    outputs = {
        "classification": (torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])),
        "multilabel": (torch.zeros(4, 3), torch.eye(3)[[0, 1, 2, 0]].long()),
        "regression": (torch.zeros(4, 1), torch.tensor([0.0, 1.0, 2.0, 3.0])),
    }
    assert outputs.keys() == evaluation.METRICS.keys()
    named = {name for task, of in evaluation.METRICS.items() for name in of(*outputs[task])}
    assert named | {"synergy_indicator"} == set(evaluation.HEADS)
    assert evaluation.in_words("accuracy_U1") == "accuracy on U1 ↑"
    assert evaluation.in_words("method") == "method"
