"""What holds for every method: building, seeds, checks of what comes in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmfuse_lib import methods
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.fusion import FUSIONS
from mmfuse_lib.methods import Method, Spec
from mmfuse_lib.methods.base import steps, task_terms
from tests.support import (
    leaves_no_random_trace,
    linear,
    noisy_encoder,
    same,
    two_labels,
    weights,
    xor,
)

DATA = xor(40)
BUILD: dict[str, Callable[..., Method]] = {
    "Unimodal": lambda d, **o: methods.Unimodal.for_data(d, modality="b", **o),
    "Probe": lambda d, **o: methods.Probe.for_data(d, modality="b", **o),
    "Ensemble": methods.Ensemble.for_data,
    **{
        f"JointFusion-{fusion}": (
            lambda d, fusion=fusion, **o: methods.JointFusion.for_data(d, fusion=fusion, **o)
        )
        for fusion in FUSIONS
    },
    **{
        f"DMIL-{levels}": (
            lambda d, levels=levels, **o: methods.DMIL.for_data(d, levels=levels, **o)
        )
        for levels in ("both", "intra", "consistency")
    },
    "DMIL-first": lambda d, **o: methods.DMIL.for_data(d, synergy_first=True, **o),
    "I2MoE": methods.I2MoE.for_data,
}
MULTILABEL = {name: build for name, build in BUILD.items() if not name.startswith("DMIL")}
every_method = pytest.mark.parametrize("build", BUILD.values(), ids=BUILD)


@every_method
def test_initial_weights_are_a_function_of_the_seed(build: Callable[..., Method]) -> None:
    one, again, other = (weights(build(DATA, seed=s)) for s in (3, 3, 4))
    assert same(one, again)
    drawn = {k for k in one if not (one[k] == one[k].flatten()[0]).all() or one[k].numel() == 1}
    assert not any(torch.equal(one[k], other[k]) for k in drawn), "a part ignores the seed"


@every_method
def test_building_leaves_the_global_random_states_alone(build: Callable[..., Method]) -> None:
    assert leaves_no_random_trace(lambda: build(DATA, seed=5))


@every_method
def test_building_on_the_cpu_seeds_no_gpu(
    build: Callable[..., Method], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    build(DATA, seed=5)
    assert seeded == []


@every_method
def test_a_batch_gives_a_row_of_logits_a_sample(build: Callable[..., Method]) -> None:
    model = build(DATA).eval()
    logits = model(DATA.inputs)
    assert logits.shape == (40, 2)
    permutation = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(model(DATA[permutation].inputs), logits[permutation], atol=1e-6)


@every_method
def test_regression_gives_one_number_a_sample(build: Callable[..., Method]) -> None:
    data = linear(20)
    model = build(data)
    assert model.spec.n_outputs == 1
    assert model(data.inputs).shape == (20, 1)
    assert set(model.task_terms(data)) - {"gate"} == {"total"}


@pytest.mark.parametrize("build", MULTILABEL.values(), ids=MULTILABEL)
def test_labels_give_a_logit_a_label(build: Callable[..., Method]) -> None:
    data = two_labels(20)
    model = build(data)
    assert model.spec.n_outputs == 2
    assert model(data.inputs).shape == (20, 2)
    assert set(model.task_terms(data)) - {"gate"} == {"total"}


@every_method
def test_a_claim_has_a_column_a_name_and_baselines_make_none(build: Callable[..., Method]) -> None:
    model = build(DATA)
    names = model.interaction_names
    assert bool(names) == (type(model).__module__ != "mmfuse_lib.methods.baselines")
    assert model.interactions(DATA.inputs).shape == (40, len(names))


@every_method
def test_a_missing_modality_is_named(build: Callable[..., Method]) -> None:
    with pytest.raises(DataError, match=r"modality 'b' is missing: the batch has \['a'\]"):
        build(DATA)({"a": DATA.inputs["a"]})


@every_method
@pytest.mark.parametrize(
    ("shape", "got"), [((5, 4), r"\(5, 4\)"), ((5,), r"\(5,\)"), ((5, 3, 1), r"\(5, 3, 1\)")]
)
def test_a_wrong_shape_is_named(
    build: Callable[..., Method], shape: tuple[int, ...], got: str
) -> None:
    inputs = {"a": torch.zeros(5, 3), "b": torch.zeros(shape)}
    with pytest.raises(DataError, match=rf"modality 'b' has shape {got}: expected \(batch, 3\)"):
        build(DATA)(inputs)


@every_method
def test_a_readers_encoder_is_used_as_it_is_and_the_rest_gets_a_default(
    build: Callable[..., Method],
) -> None:
    mine = noisy_encoder(dim=5)
    before = weights(mine)
    model = build(DATA, encoders={"b": mine}, dim=6)
    assert model.encoders["b"] is mine
    assert same(weights(mine), before)
    assert model.dims["b"] == 5
    assert model.dims.get("a", 6) == 6


@every_method
def test_an_encoder_of_a_modality_that_is_not_there_gets_the_closest_name(
    build: Callable[..., Method],
) -> None:
    data = from_arrays({"audio": np.ones((4, 3)), "b": np.ones((4, 3))}, [0, 1, 0, 1])
    with pytest.raises(UnknownNameError, match=r"modality 'adio'.*Did you mean 'audio'"):
        build(data, encoders={"adio": nn.Linear(3, 2)})


@every_method
def test_an_encoder_that_does_not_fit_is_named_before_training(
    build: Callable[..., Method],
) -> None:
    with pytest.raises(DataError, match="the encoder of modality 'b' cannot take"):
        build(DATA, encoders={"b": nn.Linear(7, 2)})


@every_method
def test_an_encoder_that_takes_no_bytes_is_named_before_training(
    build: Callable[..., Method],
) -> None:
    data = replace(DATA, inputs=DATA.inputs | {"b": DATA.inputs["b"].to(torch.uint8)})
    with pytest.raises(DataError, match=r"'b' cannot take .* \(3,\) of bytes: expected floats"):
        build(data)
    model = build(data, encoders={"b": nn.Sequential(Floats(), nn.Linear(3, 2))})
    assert len(model.predict(data.inputs)) == len(data)


class Floats(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float()


@pytest.mark.parametrize("name", ["left.eye", "", "type"])
def test_a_modality_name_that_torch_cannot_hold_is_refused_clearly(name: str) -> None:
    data = from_arrays({name: np.ones((4, 3)), "b": np.ones((4, 3))}, [0, 1, 0, 1])
    with pytest.raises(DataError, match="modality"):
        methods.JointFusion.for_data(data)


def test_methods_are_found_by_name() -> None:
    assert set(methods.names()) >= {"Unimodal", "JointFusion", "Ensemble"}
    for name in methods.names():
        assert methods.get(name) is getattr(methods, name)


def test_an_unknown_method_gets_the_closest_name() -> None:
    with pytest.raises(UnknownNameError, match=r"'JointFuson'. Did you mean 'JointFusion'"):
        methods.get("JointFuson")
    with pytest.raises(AttributeError, match="Did you mean 'JointFusion'"):
        getattr(methods, "jointfusion")  # noqa: B009


def test_the_spec_is_read_off_the_data() -> None:
    assert Spec.of(DATA) == Spec({"a": (3,), "b": (3,)}, "classification", ("0", "1"))
    assert Spec.of(DATA).n_outputs == 2


def regression_with_same_inputs() -> MultimodalData:
    return from_arrays(DATA.inputs, DATA.target.float())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (from_arrays({"a": DATA.inputs["a"]}, DATA.target), "modality 'b' is missing"),
        (from_arrays(DATA.inputs, DATA.target, class_names=("n", "y")), r"classes \('n', 'y'\)"),
        (from_arrays(DATA.inputs, DATA.target + 1), "same class_names"),
        (regression_with_same_inputs(), "the data has regression"),
    ],
)
def test_data_of_another_spec_are_refused(other: MultimodalData, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Spec.of(DATA).check(other)


def test_modalities_that_a_spec_does_not_know_are_no_harm() -> None:
    more = from_arrays({"c": DATA.inputs["a"][:, :1], **DATA.inputs}, DATA.target)
    Spec.of(DATA).check(more)


def test_task_terms_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.5], [0.75, 0.25], [0.2, 0.8]]))
    terms = task_terms(logits, torch.tensor([1, 1, 1]))
    assert terms["total"].item() == pytest.approx(-np.log([0.5, 0.25, 0.8]).mean(), abs=1e-6)
    assert task_terms(logits[1:], torch.tensor([1, 1]))["accuracy"].item() == 0.5
    terms = task_terms(torch.tensor([[1.0], [4.0]]), torch.tensor([2.0, 2.0]))
    assert terms["total"].item() == 2.5
    # Probabilities 3/4 (has it), 1/2 (has it not); 1/2 (has it), 1/4 (has it not).
    logits = torch.log(torch.tensor([[3.0, 1.0], [1.0, 1 / 3]]))
    terms = task_terms(logits, torch.tensor([[1, 0], [1, 0]]))
    expected = -np.log([3 / 4, 1 / 2, 1 / 2, 3 / 4]).mean()
    assert terms["total"].item() == pytest.approx(expected, abs=1e-6)


def test_a_method_by_default_has_one_stage_that_trains_all_of_it() -> None:
    class Mine(Method):
        def forward(self, inputs: Any) -> Tensor:
            return torch.cat(self.encode(inputs), dim=1)

    model = Mine.for_data(DATA, dim=1)
    (stage,) = model.stages(7)
    assert (stage.name, stage.epochs, list(stage.modules)) == ("joint", 7, [model])
    assert set(stage.loss(DATA)) == {"total", "accuracy"}


@every_method
def test_encoders_can_be_named_as_in_files_of_settings(build: Callable[..., Method]) -> None:
    named = {"b": {"name": "mlp", "hidden": 7}, "a": "mlp"}
    model, again = (build(DATA, encoders=named, dim=5, seed=3) for _ in range(2))
    assert set(model.dims.values()) == {5}
    first = model.encoders["b"][1]  # type: ignore[index]
    assert first.out_features == 7
    assert same(weights(model), weights(again))


@pytest.mark.parametrize("wrong", [nn.Linear, 3, {"hidden": 7}, {"name": nn.Linear}])
def test_what_is_no_encoder_is_refused(wrong: Any) -> None:
    with pytest.raises(DataError, match=r"expected a network, a name, or a mapping with a name"):
        methods.JointFusion.for_data(DATA, encoders={"a": wrong})


def test_steps_of_the_learning_rate() -> None:
    schedule = steps({10: 0.1, 5: 0.5})
    assert [schedule(epoch) for epoch in (0, 4, 5, 9, 10, 99)] == [1, 1, 0.5, 0.5, 0.1, 0.1]
    assert steps({})(3) == 1
    with pytest.raises(DataError, match="expected steps such as"):
        steps([70])  # type: ignore[arg-type]
