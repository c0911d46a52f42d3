"""The baselines: who sees what, who trains whom, and what each can learn."""

import numpy as np
import pytest
import torch
from torch import nn

from mmfuse_lib import evaluate, fit
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.fusion import FUSIONS
from mmfuse_lib.methods import Ensemble, JointFusion, Method, Probe, Unimodal
from tests.support import copy_of_first, linear, noisy_encoder, same, two_labels, weights, xor


def train(model: Method, data: MultimodalData, epochs: int = 3, lr: float = 1e-3) -> None:
    fit(model, data, epochs=epochs, batch_size=64, lr=lr, device="cpu", progress=False)


def accuracy(model: Method, data: MultimodalData) -> float:
    return evaluate(model, data, device="cpu").metrics["accuracy"]


def noisy_encoders() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {"a": noisy_encoder(), "b": noisy_encoder()}


# What each one sees.


@pytest.mark.parametrize(("modality", "other"), [("a", "b"), ("b", "a")])
def test_unimodal_ignores_the_other_modality(modality: str, other: str) -> None:
    data = xor(20)
    model = Unimodal.for_data(data, modality=modality)
    logits = model(data.inputs)
    for replaced in (torch.zeros(20, 3), torch.full((20, 3), torch.nan)):
        assert torch.equal(model({**data.inputs, other: replaced}), logits)
    assert torch.equal(model({modality: data.inputs[modality]}), logits)
    assert list(model.encoders) == [modality]
    changed = {**data.inputs, modality: data.inputs[modality] + 1}
    assert not torch.allclose(model(changed), logits)


@pytest.mark.parametrize("build", [Unimodal.for_data, Probe.for_data])
def test_an_unknown_modality_gets_the_closest_name(build: type) -> None:
    data = from_arrays({"audio": np.ones((4, 2)), "video": np.ones((4, 2))}, [0, 1, 0, 1])
    with pytest.raises(UnknownNameError, match=r"'vidoe'. Did you mean 'video'"):
        build(data, modality="vidoe")


def test_members_and_probes_of_unknown_modalities_get_the_closest_name() -> None:
    data = from_arrays({"audio": np.ones((4, 2)), "video": np.ones((4, 2))}, [0, 1, 0, 1])
    model = Ensemble.for_data(data)
    for look in (model.member, lambda name: Probe.of(model, name)):
        with pytest.raises(UnknownNameError, match=r"'aduio'. Did you mean 'audio'"):
            look("aduio")


def test_one_modality_is_refused_by_joint_fusion_and_taken_by_the_others() -> None:
    data = from_arrays({"a": xor(20).inputs["a"]}, xor(20).target)
    with pytest.raises(DataError, match=r"two or more modalities.*\['a'\].*Unimodal"):
        JointFusion.for_data(data)
    assert Ensemble.for_data(data)(data.inputs).shape == (20, 2)
    assert Unimodal.for_data(data, modality="a")(data.inputs).shape == (20, 2)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_joint_fusion_takes_three_modalities(fusion: str) -> None:
    views = {name: torch.randn(30, k) for name, k in (("a", 2), ("b", 3), ("c", 4))}
    data = from_arrays(views, (views["c"][:, 0] > 0).long())
    model = JointFusion.for_data(data, fusion=fusion)
    train(model, data, epochs=40, lr=1e-2)
    assert accuracy(model, data) > 0.9


def test_joint_fusion_with_an_unknown_fusion_gets_the_closest_name() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown fusion 'flim'. Did you mean 'film'"):
        JointFusion.for_data(xor(20), fusion="flim")


# Who trains whom.


def test_an_ensemble_is_the_mean_of_its_members_logits() -> None:
    data = xor(40)
    model = Ensemble.for_data(data)
    train(model, data)
    members = [model.member(name)(data.inputs) for name in data.modalities]
    assert torch.allclose(model(data.inputs), (members[0] + members[1]) / 2, atol=1e-7)


def test_training_one_member_leaves_the_other_bit_identical() -> None:
    data = xor(40)

    class FirstOnly(Ensemble):
        def stages(self, epochs: int):  # type: ignore[no-untyped-def]
            return super().stages(epochs)[:1]

    model = FirstOnly.for_data(data, encoders=noisy_encoders())
    before = {name: weights(model.member(name)) for name in data.modalities}
    train(model, data)
    assert same(weights(model.member("b")), before["b"])
    after = weights(model.member("a"))
    assert not any(torch.equal(after[k], before["a"][k]) for k in after)


def test_members_are_what_they_would_be_without_the_others() -> None:
    data, other = xor(40), xor(40, seed=9)
    mixed = from_arrays({"a": data.inputs["a"], "b": other.inputs["b"]}, data.target)
    first, second = (Ensemble.for_data(d, encoders=noisy_encoders()) for d in (data, mixed))
    train(first, data)
    train(second, mixed)
    assert same(weights(first.member("a")), weights(second.member("a")))
    assert not same(weights(first.member("b")), weights(second.member("b")))


def test_the_first_member_is_bit_for_bit_the_unimodal_model() -> None:
    data = xor(40)
    ensemble, alone = Ensemble.for_data(data), Unimodal.for_data(data, modality="a")
    train(ensemble, data)
    train(alone, data)
    assert same(weights(ensemble.member("a")), weights(alone))


def test_a_probe_trains_its_head_only_and_leaves_the_probed_model_alone() -> None:
    data = xor(40)
    model = JointFusion.for_data(data, encoders=noisy_encoders())
    train(model, data)
    before = weights(model)
    probe = Probe.of(model, "a", seed=1)
    start = weights(probe)
    train(probe, data)
    assert same(weights(model), before)
    for name, x in weights(probe).items():
        assert torch.equal(x, start[name]) == name.startswith("encoders."), name
    assert same(weights(probe.encoders["a"]), weights(model.encoders["a"]))
    assert all(p.requires_grad for p in model.parameters())


def test_a_probe_keeps_the_encoder_of_its_day_when_the_model_trains_on() -> None:
    data = xor(40)
    model = JointFusion.for_data(data, encoders=noisy_encoders())
    probe = Probe.of(model, "a")
    before = weights(probe)
    train(model, data)
    assert same(weights(probe), before)
    assert not same(weights(probe.encoders["a"]), weights(model.encoders["a"]))


def test_a_probe_sees_the_features_of_the_model() -> None:
    data = xor(40)
    model = JointFusion.for_data(data, encoders=noisy_encoders())
    train(model, data)
    probe = Probe.of(model, "b").eval()
    z = model.encode(data.inputs)[1]
    assert torch.equal(probe(data.inputs), probe.head(z))


def test_a_probes_head_is_a_function_of_its_seed() -> None:
    model = JointFusion.for_data(xor(20))
    one, again, other = (weights(Probe.of(model, "a", seed=s).head) for s in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)


def test_only_a_probe_with_a_hidden_layer_reads_xor_off_features_that_hold_both_bits() -> None:
    data = xor(400)
    both = from_arrays({"ab": torch.cat([*data.inputs.values()], dim=1)}, data.target)
    model = Unimodal.for_data(both, encoders={"ab": nn.Identity()}, modality="ab")
    linear_probe, deep_probe = Probe.of(model, "ab"), Probe.of(model, "ab", hidden=16)
    for probe in (linear_probe, deep_probe):
        train(probe, both, epochs=40, lr=1e-2)
    assert accuracy(linear_probe, both) < 0.8
    assert accuracy(deep_probe, both) > 0.95


def test_making_a_probe_leaves_the_global_random_state_alone() -> None:
    model = JointFusion.for_data(xor(20))
    before = torch.get_rng_state()
    Probe.of(model, "a", seed=1)
    assert torch.equal(torch.get_rng_state(), before)


# What each can learn.


@pytest.mark.parametrize("fusion", sorted(set(FUSIONS) - {"linear", "sum"}))
def test_fusion_that_is_not_additive_learns_xor(fusion: str) -> None:
    model = JointFusion.for_data(xor(600), fusion=fusion)
    train(model, xor(600), epochs=30, lr=3e-3)
    assert accuracy(model, xor(400, seed=1)) > 0.95


@pytest.mark.parametrize(
    "model",
    [
        JointFusion.for_data(xor(600), fusion="sum"),
        JointFusion.for_data(xor(600), fusion="linear"),
        Ensemble.for_data(xor(600)),
        Unimodal.for_data(xor(600), modality="a"),
        Unimodal.for_data(xor(600), modality="b"),
    ],
    ids=["sum", "linear", "ensemble", "unimodal-a", "unimodal-b"],
)
def test_addition_and_one_modality_stay_at_chance_on_xor(model: Method) -> None:
    train(model, xor(600), epochs=30, lr=3e-3)
    # An additive model may get three of the four cells right, by luck; the fourth then costs it.
    assert accuracy(model, xor(2000, seed=1)) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("build", [JointFusion.for_data, Ensemble.for_data])
def test_a_copied_bit_is_learnt_by_whoever_sees_it(build: type) -> None:
    model = build(copy_of_first(300))
    train(model, copy_of_first(300), epochs=20, lr=3e-3)
    assert accuracy(model, copy_of_first(400, seed=1)) > 0.95


def test_a_copied_bit_is_learnt_by_the_modality_that_shows_it_and_not_by_the_other() -> None:
    scores = {}
    for modality in ("a", "b"):
        model = Unimodal.for_data(copy_of_first(300), modality=modality)
        train(model, copy_of_first(300), epochs=20, lr=3e-3)
        scores[modality] = accuracy(model, copy_of_first(1000, seed=1))
    assert scores["a"] > 0.95
    assert scores["b"] == pytest.approx(0.5, abs=0.1)


def test_a_probe_of_a_trained_encoder_reads_the_bit_it_shows() -> None:
    data = xor(600)
    model = JointFusion.for_data(data)
    train(model, data, epochs=20, lr=3e-3)
    shown = from_arrays(data.inputs, (data.inputs["a"].mean(dim=1) > 0).long())
    probe = Probe.of(model, "a")
    train(probe, shown, epochs=30, lr=1e-2)
    assert accuracy(probe, shown) > 0.95


@pytest.mark.parametrize("fusion", FUSIONS)
def test_regression_of_a_linear_target(fusion: str) -> None:
    model = JointFusion.for_data(linear(600), fusion=fusion)
    train(model, linear(600), epochs=40, lr=3e-3)
    assert evaluate(model, linear(300, seed=1), device="cpu").metrics["r2"] > 0.9


def test_unimodal_trains_and_evaluates_on_data_that_has_its_modality_only() -> None:
    both = xor(40)
    one = from_arrays({"a": both.inputs["a"]}, both.target, class_names=both.class_names)
    model = Unimodal.for_data(both, modality="a")
    fit(model, one, epochs=1, device="cpu", progress=False)
    assert set(evaluate(model, one).metrics) >= {"accuracy"}


def test_two_labels_of_which_one_needs_both_modalities() -> None:
    data, new = two_labels(600), two_labels(400, seed=1)
    joint, alone = JointFusion.for_data(data), Unimodal.for_data(data, modality="a")
    for model in (joint, alone):
        train(model, data, epochs=30, lr=3e-3)
    assert evaluate(joint, new, device="cpu").metrics["subset_accuracy"] > 0.95
    right = (alone(new.inputs) > 0) == new.target
    assert float(right[:, 0].float().mean()) > 0.95
    assert float(right[:, 1].float().mean()) == pytest.approx(0.5, abs=0.1)
