"""All that computes on a GPU, on a pretended Apple GPU (see `tests.apple` for its limits)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import mmfuse_lib
from mmfuse_lib import evaluate, fit, methods
from mmfuse_lib.core.devices import free_memory
from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.encoders import make_encoder
from mmfuse_lib.explanations import evaluate_explanations, heads_as_interactions, load_task
from mmfuse_lib.information.estimators import batch_pid, lsmi_pid
from mmfuse_lib.methods import Method
from mmfuse_lib.training.feeding import move_if_it_fits
from tests.apple import MPS, apple_gpu
from tests.support import interrupted, linear, two_labels, xor

pytestmark = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split(".")[:2])) < (2, 9),
    reason="the pretended device is made with tools of torch that change",
)

#: What has other code for other options, beside each method as it is.
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in methods.names()},
    "JointFusion, attention": ("JointFusion", {"fusion": "transformer"}),
    "JointFusion, sparse": ("JointFusion", {"fusion": "sparse_moe"}),
    "DMIL, synergy first": ("DMIL", {"synergy_first": True}),
    "I2MoE, latent": ("I2MoE", {"losses_on": "latent"}),
    "I2MoE, shuffled": ("I2MoE", {"perturbation": "shuffle"}),
}


@pytest.fixture
def apple() -> Iterator[None]:
    with apple_gpu():
        yield


def known(n: int, seed: int = 0) -> MultimodalData:
    """XOR of two bits whose kind of interaction is said to be known."""
    data = xor(n, seed)
    return from_arrays(data.inputs, data.target, composition=torch.arange(n) % 4)


TRAIN, VAL = known(60), known(30, seed=1)
TRAINING: dict[str, Any] = {"epochs": 4, "batch_size": 20, "progress": False}


def made(case: str) -> Method:
    name, options = OPTIONS[case]
    own: dict[str, dict[str, Any]] = {"DMIL": {"latent_dim": 8}, "Unimodal": {"modality": "a"}}
    own_options = {**own.get(name, {}), **options}
    return methods.get(name).for_data(TRAIN, dim=8, seed=0, **own_options)


def numbers(model: Method) -> dict[str, Tensor]:
    return {name: x.detach().cpu() for name, x in model.state_dict().items()}


def plain_adamw(parameters: list[Any], lr: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=lr, foreach=False)


@pytest.mark.usefixtures("apple")
def test_the_pretended_device_refuses_what_an_apple_gpu_refuses() -> None:
    x = torch.ones(2, device=MPS)
    x.cpu().double().numpy()
    torch.zeros(2, dtype=torch.float64) + torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert (x + torch.ones(())).device == MPS
    assert x[torch.tensor([0])].tolist() == [1.0]
    refused: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (TypeError, "float64", x.double),
        (TypeError, "float64", lambda: x.to(torch.float64)),
        (TypeError, "float64", lambda: torch.zeros(2).double().to(MPS)),
        (TypeError, "float64", lambda: torch.zeros(2, dtype=torch.float64, device=x.device)),
        (TypeError, "float64", lambda: torch.tensor([1.0], dtype=torch.float64, device=MPS)),
        (TypeError, "to numpy", x.numpy),
        (TypeError, "to numpy", lambda: np.asarray(x)),
        (RuntimeError, "same device", lambda: x + torch.ones(2)),
        (NotImplementedError, "_linalg_eigh", lambda: torch.linalg.eigh(torch.eye(2).to(MPS))),
        (RuntimeError, "divisible", lambda: torch.adaptive_avg_pool1d(torch.ones(1, 7).to(MPS), 4)),
    ]
    for error, message, wrong in refused:
        with pytest.raises(error, match=message):
            wrong()


@pytest.mark.parametrize("case", OPTIONS)
def test_every_method_is_trained_and_evaluated_as_on_the_cpu(case: str) -> None:
    model, expected = made(case), made(case)
    options = {**TRAINING, "optimizer": plain_adamw}
    history = fit(expected, TRAIN, VAL, device="cpu", **options)
    result = evaluate(expected, VAL, device="cpu")
    seen = set[torch.device]()
    model.encoders["a"].register_forward_pre_hook(lambda _, x: seen.add(x[0].device))
    with apple_gpu():
        on_apple = fit(model, TRAIN, VAL, device="mps", **options)
        found = evaluate(model, VAL, device="mps")
    assert seen == {MPS}
    assert {x.device.type for x in model.state_dict().values()} == {"cpu"}
    values = [record.pop("value") for record in on_apple.records]
    assert values == pytest.approx([record.pop("value") for record in history.records], abs=1e-5)
    assert on_apple == history
    assert found.metrics == pytest.approx(result.metrics, abs=1e-4)
    assert np.allclose(found.interactions, result.interactions, atol=1e-4)


@pytest.mark.usefixtures("apple")
@pytest.mark.parametrize("case", OPTIONS)
def test_every_method_is_interrupted_continued_saved_and_loaded(case: str, tmp_path: Path) -> None:
    expected, model = made(case), made(case)
    options = {**TRAINING, "device": "auto"}
    fit(expected, TRAIN, VAL, **options)
    with pytest.raises(KeyboardInterrupt):
        fit(interrupted(model, 20), TRAIN, VAL, checkpoint_dir=tmp_path, **options)
    fit(again := made(case), TRAIN, VAL, checkpoint_dir=tmp_path, **options)
    for name, x in numbers(expected).items():
        assert torch.equal(numbers(again)[name], x)
    again.to(MPS)
    mmfuse_lib.save(again, tmp_path / "model.pt")
    loaded = mmfuse_lib.load(tmp_path / "model.pt")
    assert {x.device.type for x in loaded.state_dict().values()} == {"cpu"}
    assert torch.equal(again.predict(VAL.inputs), loaded.predict(VAL.inputs))
    assert again.predict_proba(VAL.to(MPS).inputs).shape == (30, 2)


@pytest.mark.usefixtures("apple")
@pytest.mark.parametrize("make", [linear, two_labels], ids=["regression", "labels"])
@pytest.mark.parametrize("is_there", [True, False])
def test_other_targets(make: Callable[..., MultimodalData], is_there: bool) -> None:
    data = make(40).to(MPS) if is_there else make(40)
    model = methods.JointFusion.for_data(make(40), dim=8)
    fit(model, data, data, device="mps", **TRAINING)
    evaluate(model, data, device="mps")
    model.to(MPS).predict(make(10).inputs)


@pytest.mark.usefixtures("apple")
def test_evaluation_with_unimodal_models_and_data_on_the_device() -> None:
    model = methods.JointFusion.for_data(TRAIN, dim=8)
    alone = [methods.Unimodal.for_data(TRAIN, dim=8, modality=m) for m in TRAIN.modalities]
    metrics = evaluate(model, VAL.to(MPS), unimodal=alone, device="mps").metrics
    assert metrics == evaluate(model, VAL, unimodal=alone, device="mps").metrics
    assert "synergy_indicator" in metrics


@pytest.mark.usefixtures("apple")
@pytest.mark.parametrize(
    ("name", "shape", "augment"),
    [
        ("mlp", (5,), "noise"),
        ("image", (3, 8, 8), "crop"),
        ("resnet18", (2, 3, 32, 32), "crop"),
        ("sequence", (7, 3), False),
        ("conv_sequence", (50, 3), False),
        ("conv_sequence", (7, 3), False),
        ("conv_sequence", (3, 3), False),
    ],
)
def test_every_encoder(name: str, shape: tuple[int, ...], augment: Any) -> None:
    n, rng = 12, torch.Generator().manual_seed(0)
    x, y = torch.randn(n, *shape, generator=rng), torch.arange(n) % 2
    data = from_arrays({"x": x, "other": torch.randn(n, 2, generator=rng)}, y)
    if name in ("image", "resnet18"):
        data.inputs["x"] = (x * 50).abs().to(torch.uint8)
    encoder = make_encoder({"name": name, "augment": augment}, shape, 8)
    model = methods.JointFusion.for_data(data, encoders={"x": encoder}, dim=8)
    fit(model, data, data, epochs=2, batch_size=6, device="mps", progress=False)
    on_apple = evaluate(model, data, device="mps").metrics
    assert on_apple == pytest.approx(evaluate(model, data, device="cpu").metrics, abs=1e-4)


ESTIMATORS: dict[str, Callable[..., Any]] = {
    "lsmi": partial(lsmi_pid, folds=2, networks=1, hidden=8, steps=20, n_bootstrap=0),
    "batch": partial(batch_pid, folds=2, hidden=8, classifier_steps=20, steps=5, refine_steps=5),
}


@pytest.mark.parametrize("estimate", ESTIMATORS.values(), ids=ESTIMATORS)
def test_estimators_find_what_they_find_on_the_cpu(estimate: Callable[..., Any]) -> None:
    data = xor(80)
    a, b = data.inputs.values()
    expected = estimate(a, b, data.target, device="cpu")
    with apple_gpu():
        found = estimate(a, b, data.target, device="mps")
        estimate(a.to(MPS), b.to(MPS), data.target.to(MPS), device="mps")
    assert found.synergy == pytest.approx(expected.synergy, abs=1e-3)


@pytest.mark.usefixtures("apple")
def test_explanations() -> None:
    task = load_task("digits/balanced", seed=0, n_train=200, n_val=50, n_test=60)
    model = methods.DIMML.for_data(task.train, dim=8, seed=0)
    fit(model, task.train, task.val, epochs=2, device="mps", progress=False)
    heads_as_interactions(model, task.test, device="mps")
    gated = methods.I2MoE.for_data(task.train, dim=8, seed=0)
    evaluate_explanations(gated, task, device="mps")


@pytest.mark.usefixtures("apple")
@pytest.mark.parametrize("free", [2 * TRAIN.nbytes, 2 * TRAIN.nbytes - 1])
def test_data_that_do_not_fit_are_brought_there_in_batches(
    free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, model = made("JointFusion"), made("JointFusion")
    fit(expected, TRAIN, VAL, device="mps", **TRAINING)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: free + 7)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 7)
    fits = 2 * TRAIN.nbytes <= free
    assert free_memory(MPS) == free
    assert (move_if_it_fits(TRAIN, MPS).target.device == MPS) == fits
    fit(model, TRAIN, VAL, device="mps", **TRAINING)
    for name, x in numbers(expected).items():
        assert torch.equal(numbers(model)[name], x)
