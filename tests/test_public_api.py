"""The calls that the design promises, as written there."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import mmfuse_lib
from tests.conftest import Splits


def test_loading_with_all_the_designs_options() -> None:
    from mmfuse_lib import data

    train, val, test = data.load(
        "digit_pairs",
        seed=0,
        n_train=12_000,
        n_classes=4,
        cue=True,
        composition={"R": 0.25, "U1": 0.25, "U2": 0.25, "S": 0.25},
    )
    assert len(train) == 12_000
    assert list(train.inputs) == ["left", "right"]
    for split in (train, val, test):
        assert isinstance(split.inputs, dict)
        for x in split.inputs.values():
            assert isinstance(x, torch.Tensor)
            assert len(x) == len(split) == len(split.target)
        assert split.target.dtype == torch.int64
        assert split.composition is not None
        assert split.composition.shape == split.target.shape
        assert set(split.composition.tolist()) == {0, 1, 2, 3}
    assert "digit_pairs" in data.names()
    assert "digit_pairs" in data.describe("digit_pairs")


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_a_readers_arrays_from_split_to_accuracy(kind: str) -> None:
    from mmfuse_lib import data, evaluate, fit, methods

    rng = np.random.default_rng(0)
    labels: Any = rng.integers(2, size=200)
    a: Any = rng.normal(size=(200, 5)) + 3 * labels[:, None]
    v: Any = rng.normal(size=(200, 1, 6, 6))
    if kind == "torch":
        a, v, labels = (torch.tensor(x) for x in (a, v, labels))
    mine = data.from_arrays({"audio": a, "video": v}, labels)
    assert mine.composition is None
    train, test = mine.split(0.8, seed=0)
    assert (len(train), len(test)) == (160, 40)
    torch.manual_seed(0)
    my_net = nn.Sequential(nn.Linear(5, 8), nn.ReLU())
    model = methods.JointFusion.for_data(train, encoders={"audio": my_net}, fusion="film", seed=0)
    fit(model, train, epochs=15, seed=0, progress=False)
    result = evaluate(model, test)
    assert result.metrics["accuracy"] > 0.7
    assert not any(name.startswith("accuracy_") for name in result.metrics)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Unimodal", {"modality": "left"}),
        ("JointFusion", {}),
        ("JointFusion", {"fusion": "gated"}),
        ("Ensemble", {}),
    ],
)
def test_the_path_from_data_to_metrics(
    name: str, options: dict[str, Any], digits: Splits, tmp_path: Any
) -> None:
    from mmfuse_lib import evaluate, fit, methods

    train, val, test = digits
    method = getattr(methods, name)
    assert methods.get(name) is method
    model = method.for_data(train, seed=0, **options)
    assert isinstance(model, nn.Module)
    assert [stage.epochs for stage in model.stages(3)] == [3] * len(model.stages(3))
    history = fit(
        model, train, val, epochs=3, seed=0, device="auto", precision="32-true",
        checkpoint_dir=tmp_path, progress=False,
    )  # fmt: skip
    assert isinstance(history.to_frame(), pd.DataFrame)
    result = evaluate(model, test)
    assert 0 <= result.metrics["accuracy"] <= 1
    assert {f"accuracy_{kind}" for kind in ("R", "U1", "U2", "S")} <= set(result.metrics)
    assert isinstance(result.interactions, pd.DataFrame)
    assert len(result.interactions) == len(test)
    assert model(test.inputs).shape == (len(test), 4)


def test_the_information_functions_are_where_the_design_puts_them() -> None:
    from mmfuse_lib.information import entropy, mutual_information

    assert entropy([0.5, 0.5]) == 1
    assert mutual_information(np.eye(2) / 2) == 1


def test_everything_public_exists() -> None:
    info, plots = mmfuse_lib.information, mmfuse_lib.plots
    packages: list[Any] = [mmfuse_lib, mmfuse_lib.data, mmfuse_lib.methods, info, plots]
    for module in packages:
        for name in module.__all__:
            assert hasattr(module, name)


def test_joint_training_learns_digit_pairs_and_the_ensemble_stays_at_chance_on_synergy() -> None:
    from mmfuse_lib import data, evaluate, fit, methods

    train, val, test = data.load(
        "digit_pairs", seed=0, n_train=2500, n_val=400, n_test=1500, n_classes=2
    )
    found = {}
    for name in ("JointFusion", "Ensemble"):
        model = methods.get(name).for_data(train, seed=0)
        fit(model, train, val, epochs=15, lr=2e-3, seed=0, device="cpu", progress=False)
        found[name] = evaluate(model, test, device="cpu").metrics
    for kind in ("R", "U1", "U2", "S"):
        assert found["JointFusion"][f"accuracy_{kind}"] > 0.9
    assert found["Ensemble"]["accuracy_R"] > 0.9
    assert found["Ensemble"]["accuracy_S"] == pytest.approx(0.5, abs=0.08)
