"""Chance, LSMI and a reading of heads: each on data whose answer is known."""

from typing import Any

import numpy as np
import pytest
import torch

from mmfuse_lib import evaluate_explanations, explanations, fit, methods
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import INTERACTIONS, MultimodalData, from_arrays
from mmfuse_lib.explanations import (
    ExplanationTask,
    heads_as_interactions,
    lsmi_report,
    uniform_report,
)
from tests.support import bits, leaves_no_random_trace, weights

TRAINING: dict[str, Any] = {"lr": 3e-3, "seed": 0, "device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def task() -> ExplanationTask:
    """Digit pairs of two classes: quick to learn."""
    return explanations.load_task("digits, 2 classes/balanced", 0, n_train=1_500, n_test=600)


def test_the_uniform_report_knows_nothing(task: ExplanationTask) -> None:
    found = evaluate_explanations(uniform_report(len(task.test)), task)
    assert found.metrics["auroc"] == 0.5
    assert list(found.shares.loc["report"]) == [0.25] * 4


def test_dimmls_heads_are_read_in_our_columns(task: ExplanationTask) -> None:
    model = methods.DIMML.for_data(task.train, dim=8, seed=0)
    before = weights(model)
    report = heads_as_interactions(model, task.test, device="cpu")
    with torch.no_grad():
        heads = model.eval().interactions(task.test.inputs).numpy()
    assert list(report) == list(INTERACTIONS)
    assert (report["R"] == 0).all()
    assert np.allclose(report[["U1", "U2", "S"]], heads, atol=1e-6)
    after = weights(model)
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_lsmi_finds_kinds_in_the_encodings_and_leaves_the_model_alone(
    task: ExplanationTask,
) -> None:
    model = methods.JointFusion.for_data(task.train, dim=16, seed=0)
    fit(model, task.train, task.val, epochs=8, **TRAINING)
    before, training = weights(model), model.training
    report = lsmi_report(model, task.test, device="cpu")
    assert len(report) == len(task.test)
    found = evaluate_explanations(report, task).metrics
    assert found["auroc"] > 0.8
    assert np.isnan(found["brier"])  # bits, no probabilities
    after = weights(model)
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert model.training == training
    few = task.test[:80]
    assert leaves_no_random_trace(lambda: lsmi_report(model, few, steps=2, device="cpu"))


def _three() -> MultimodalData:
    a, _, views = bits(20, 0)
    return from_arrays({**views, "c": views["a"]}, a)


def test_lsmi_needs_two_modalities() -> None:
    data = _three()
    with pytest.raises(DataError, match="two modalities"):
        lsmi_report(methods.JointFusion.for_data(data, dim=4), data)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_reports_are_alike_on_a_gpu(task: ExplanationTask) -> None:
    model = methods.DIMML.for_data(task.train, dim=8, seed=0)
    on_cpu = heads_as_interactions(model, task.test, device="cpu")
    on_gpu = heads_as_interactions(model, task.test, device="cuda")
    assert np.allclose(on_cpu, on_gpu, atol=1e-4)
    assert np.isfinite(lsmi_report(model, task.test, device="cuda", steps=20).to_numpy()).all()
