"""`predict` and `predict_proba`: what `evaluate` counts, from tensors and arrays."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from mmfuse_lib import evaluate, fit
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods import DMIL, I2MoE, JointFusion, Method, Unimodal, predicting
from tests.support import (
    leaves_no_random_trace,
    linear,
    noisy_encoder,
    same,
    two_labels,
    weights,
    xor,
)

TASKS: dict[str, Callable[[int], MultimodalData]] = {
    "classification": xor,
    "multilabel": two_labels,
    "regression": linear,
}
every_task = pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)


def trained(data: MultimodalData, kind: type[Method] = JointFusion, **options: Any) -> Method:
    encoders = {name: noisy_encoder() for name in data.inputs}
    model = kind.for_data(data, encoders=encoders, seed=0, **options)
    fit(model, data, epochs=2, progress=False)
    return model


@every_task
@pytest.mark.parametrize("batch_size", [10, 2_048])
def test_it_is_what_evaluate_counts_to_the_last_bit(
    make: Callable[[int], MultimodalData], batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "BATCH_SIZE", batch_size)
    data = make(53)
    model = trained(data)
    found = model.predict(data.inputs)
    counted = evaluate(model, data, device="cpu")
    table = counted.predictions
    assert found.shape == data.target.shape
    assert found.dtype == data.target.dtype
    if data.task == "multilabel":
        named = [", ".join(np.array(data.class_names)[row == 1]) for row in found.numpy()]
        assert named == table["prediction"].tolist()
        assert set(found.flatten().tolist()) == {0, 1}
    else:
        assert found.tolist() == table["prediction"].tolist()
    if data.task == "classification":
        confidence = model.predict_proba(data.inputs).max(dim=1).values
        assert confidence.tolist() == table["confidence"].tolist()


def test_probabilities_are_those_of_the_logits() -> None:
    for data, by_hand in ((xor(20), torch.softmax), (two_labels(20), lambda x, dim: x.sigmoid())):
        model = trained(data)
        p = model.predict_proba(data.inputs)
        with torch.no_grad():
            assert torch.equal(p, by_hand(model(data.inputs), dim=1))
        assert p.shape == (20, 2)
        assert p.device.type == "cpu"


def test_a_tie_that_rounding_makes_is_decided_as_evaluate_decides_it() -> None:
    outputs = torch.tensor([[30.0, 30.0 + 2e-6, 0.0], [0.0, 1e-9, 0.0]])
    said = predicting.to_predictions(outputs, "classification")
    assert said.tolist() == outputs.softmax(dim=1).max(dim=1).indices.tolist()


class Loud(JointFusion):
    """A method whose forward pass draws random numbers in eval mode, too."""

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        logits = super().forward(inputs)
        return logits + torch.randn_like(logits)


@pytest.mark.parametrize("kind", [JointFusion, Loud, DMIL, I2MoE])
def test_it_leaves_no_trace_in_the_model_or_in_global_random_states(kind: type[Method]) -> None:
    data = xor(30)
    model = trained(data, kind).train()
    model.encoders["a"].eval()
    modes = [module.training for module in model.modules()]
    before = weights(model)
    assert leaves_no_random_trace(lambda: model.predict(data.inputs))
    assert torch.equal(model.predict_proba(data.inputs), model.predict_proba(data.inputs))
    assert [module.training for module in model.modules()] == modes
    assert same(weights(model), before)
    assert not model.predict_proba(data.inputs).requires_grad


def test_its_mode_is_restored_when_it_fails() -> None:
    model = trained(xor(30)).train()
    nn.init.constant_(next(model.parameters()), float("nan"))
    with pytest.raises(DataError, match=r"outputs of JointFusion are NaN or infinite \(first for"):
        model.predict(xor(30).inputs)
    assert all(module.training for module in model.modules())


def test_memory_is_bounded_by_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "BATCH_SIZE", 7)
    model, data = trained(xor(30)), xor(30)
    sizes: list[int] = []
    model.encoders["a"].register_forward_hook(lambda module, inputs, z: sizes.append(len(z)))
    model.predict(data.inputs)
    assert sizes == [7, 7, 7, 7, 2]


def test_arrays_and_tables_and_doubles_do_as_well() -> None:
    data = xor(30)
    model = trained(data)
    expected = model.predict(data.inputs)
    a, b = (data.inputs[name] for name in "ab")
    forms: tuple[dict[str, Any], ...] = (
        {"a": a.numpy().astype(np.float64), "b": b},
        {"a": pd.DataFrame(a.numpy(), index=range(5, 35)), "b": b.double()},
        {"b": b.tolist(), "a": a.tolist(), "more": 3},
    )
    for inputs in forms:
        found = model.predict(inputs)
        assert isinstance(found, Tensor)
        assert torch.equal(found, expected)


class Seen(nn.Module):
    def __init__(self, taken: torch.dtype) -> None:
        super().__init__()
        self.taken = taken

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype != self.taken:
            raise TypeError(f"seen: {x.dtype}")
        return x.float().flatten(1)


@pytest.mark.parametrize("trained_on", [torch.uint8, torch.float32])
def test_bytes_are_what_they_were_in_training(trained_on: torch.dtype) -> None:
    data, pixels = xor(20), torch.arange(60, dtype=torch.uint8).view(20, 3)
    data.inputs["a"] = pixels.to(trained_on)
    model = JointFusion.for_data(data, encoders={"a": Seen(trained_on)}, seed=0)
    expected = model.predict(data.inputs)
    forms: list[Any] = [pixels, pixels.numpy(), pixels.to(trained_on)]
    if trained_on != torch.uint8:
        forms += [pixels.long(), pixels.numpy().astype(int), pixels.tolist()]
    for form in forms:
        assert torch.equal(model.predict(data.inputs | {"a": form}), expected)


def test_of_one_modality_the_others_need_not_be_there() -> None:
    data = xor(20)
    model = Unimodal.for_data(data, modality="b", seed=0)
    assert torch.equal(model.predict({"b": data.inputs["b"]}), model.predict(data.inputs))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"a": torch.zeros(4, 3)}, r"modality 'b' is missing: the batch has \['a'\]"),
        ({}, "modality 'a' is missing"),
        ({"a": torch.zeros(4, 3), "b": np.zeros((4, 5))}, r"'b' has shape \(4, 5\): expected"),
        ({"a": torch.zeros(4, 3), "b": torch.zeros(3)}, r"'b' has shape \(3,\): expected"),
        ({"a": torch.zeros(4, 3), "b": torch.zeros(5, 3)}, r"number of samples: {'a': 4, 'b': 5}"),
        ({"a": torch.zeros(0, 3), "b": torch.zeros(0, 3)}, "no samples"),
        ({"a": torch.zeros(2, 3), "b": torch.full((2, 3), torch.nan)}, "modality 'b' has NaN"),
        ({"a": torch.zeros(2, 3), "b": np.full((2, 3), np.inf)}, "modality 'b' has NaN or inf"),
        ({"a": torch.zeros(1, 3), "b": [["x", "y", "z"]]}, "modality 'b'"),
    ],
)
def test_what_cannot_be_predicted_is_named(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        JointFusion.for_data(xor(20)).predict(inputs)


def test_a_regression_has_no_probabilities() -> None:
    data = linear(20)
    with pytest.raises(DataError, match="no probabilities: use predict"):
        JointFusion.for_data(data).predict_proba(data.inputs)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_it_computes_where_the_model_is() -> None:
    data = xor(30)
    model = trained(data)
    on_cpu = model.predict_proba(data.inputs)
    model.cuda()
    places = []
    model.encoders["a"].register_forward_hook(
        lambda module, inputs, z: places.append(z.device.type)
    )
    found = model.predict_proba(data.inputs)
    assert places == ["cuda"]
    assert found.device.type == "cpu"
    assert torch.allclose(found, on_cpu, atol=1e-4)
