"""The probe that is told the composition, and the three models that ask who could know."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmfuse_lib import evaluate_explanations, explanations, fit, methods
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import INTERACTIONS, MultimodalData, from_arrays
from mmfuse_lib.explanations import ExplanationTask
from mmfuse_lib.methods import CompositionProbe, ThreeModels
from tests.support import bits, linear, xor

TRAINING: dict[str, Any] = {"lr": 3e-3, "seed": 0, "device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def task() -> ExplanationTask:
    """Digit pairs of two classes: quick to learn."""
    return explanations.load_task("digits, 2 classes/balanced", 0, n_train=1_500, n_test=600)


def test_the_probe_reads_the_kind_from_the_cue_and_the_prediction_is_its_own(
    task: ExplanationTask,
) -> None:
    probe = CompositionProbe.for_data(task.train, dim=16, seed=0)
    joint = methods.JointFusion.for_data(task.train, dim=16, seed=0)
    first, second = probe.stages(7)
    assert (first.epochs, second.epochs) == (7, 7)
    fit(probe, task.train, task.val, epochs=6, **TRAINING)
    found = evaluate_explanations(probe, task, device="cpu").metrics
    assert found["auroc"] > 0.99
    assert found["first"] > 0.97
    assert found["log_score"] < 0.2
    # Stage one is joint fusion, and stage two leaves it alone.
    fit(joint, task.train, task.val, epochs=6, **TRAINING)
    accuracy = (joint(task.test.inputs).argmax(1) == task.test.target).float().mean()
    assert found["accuracy"] == pytest.approx(float(accuracy), abs=0.02)


def test_the_two_networks_of_the_probe_share_nothing(task: ExplanationTask) -> None:
    probe = CompositionProbe.for_data(task.train, dim=8, seed=0)
    batch = task.train[:32]
    probe.kind_terms(batch)["total"].backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in [*probe.encoders.parameters(), *probe.fusion.parameters()])
    assert all(p.grad is not None for p in probe.kind_encoders.parameters())


def test_the_probe_needs_a_composition() -> None:
    data = xor(20)
    probe = CompositionProbe.for_data(data, dim=4)
    with pytest.raises(DataError, match="these data have none"):
        probe.kind_terms(data)


def test_three_models_by_hand() -> None:
    # Logits log p: the first model alone says (.8, .2), the second (.3, .7), the joint model 1.
    inputs = {"a": torch.tensor([[0.8, 0.2]]).log(), "b": torch.tensor([[0.3, 0.7]]).log()}
    data = from_arrays(
        {name: x.repeat(2, 1) for name, x in inputs.items()}, [0, 1], class_names=("0", "1")
    )
    model = ThreeModels.for_data(data, encoders={"a": nn.Identity(), "b": nn.Identity()})
    for name in inputs:
        model.alone.member(name).head = nn.Identity()
    model.joint.fusion = nn.Sequential(_Second())
    found = model.interactions(data.inputs)[0]
    expected = [0.2 * 0.7, 0.2 * 0.3, 0.8 * 0.7, 0.8 * 0.3]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    assert model(data.inputs).argmax(1).tolist() == [1, 1]


class _Second(nn.Module):
    """Fusion that returns its second input."""

    def forward(self, z: list[Tensor]) -> Tensor:
        return z[1]


def test_three_models_share_nothing_and_have_a_stage_each(task: ExplanationTask) -> None:
    model = ThreeModels.for_data(task.train, dim=8, seed=0)
    assert [s.name for s in model.stages(3)] == ["joint", "left", "right"]
    model.joint.task_terms(task.train[:16])["total"].backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in model.alone.parameters())


def test_three_models_find_the_kinds_without_being_told(task: ExplanationTask) -> None:
    model = ThreeModels.for_data(task.train, dim=16, seed=0)
    fit(model, task.train, task.val, epochs=12, **TRAINING)
    found = evaluate_explanations(model, task, device="cpu")
    assert found.metrics["accuracy"] > 0.9
    assert found.metrics["auroc"] > 0.9
    assert np.allclose(found.per_sample[list(INTERACTIONS)].sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: linear(20), "expected classes"),
        (lambda: _three(), "two modalities"),
    ],
)
def test_three_models_say_what_they_need(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ThreeModels.for_data(make())


def _three() -> MultimodalData:
    a, _, views = bits(20, 0)
    return from_arrays({**views, "c": views["a"]}, a)
