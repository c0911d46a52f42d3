"""OGM-GE: the equations by hand, the update by hand, and the weak modality that gains by it."""

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from mmfuse_lib import evaluate, fit
from mmfuse_lib.data import from_arrays
from mmfuse_lib.methods import OGMGE, JointFusion, Method
from mmfuse_lib.methods.balancing.ogm_ge import discrepancy, modulate, modulation
from tests.methods.balancing.support import ByHand, linear_map, strong_and_weak, three
from tests.support import same, weights, xor

LOG_3 = math.log(3.0)


def test_the_discrepancy_is_the_ratio_of_the_labels_probabilities() -> None:
    votes = torch.tensor([[[LOG_3, 0.0], [0.0, 0.0]], [[0.0, 0.0], [LOG_3, 0.0]]])
    y = torch.tensor([0, 1])  # s = 3/4 + 1/2 and 1/2 + 1/4
    torch.testing.assert_close(discrepancy(votes, y), torch.tensor([5 / 3, 3 / 5]))


def test_of_three_modalities_each_is_held_against_the_mean_of_the_others() -> None:
    votes = torch.tensor([[[LOG_3, 0.0]], [[0.0, 0.0]], [[0.0, LOG_3]]])  # s = 3/4, 1/2, 1/4
    rho = discrepancy(votes, torch.tensor([0]))
    torch.testing.assert_close(rho, torch.tensor([2.0, 1.0, 0.4]))


def test_only_what_is_ahead_is_slowed_down() -> None:
    k = modulation(torch.tensor([2.0, 1.0, 0.5]), alpha=0.3)
    torch.testing.assert_close(k, torch.tensor([1 - math.tanh(0.6), 1.0, 1.0]))


def test_the_noise_is_as_large_as_the_gradient_before_it_was_modulated() -> None:
    g = 0.5 * torch.randn(100, 200)
    changed = modulate(g, torch.tensor(0.1), noise=True)
    noise = changed - 0.1 * g
    assert noise.std().item() == pytest.approx(0.5, rel=0.05)
    assert abs(noise.mean().item()) < 0.02
    assert abs((noise * g).mean().item()) < 0.02
    assert torch.equal(modulate(g, torch.tensor(0.1), noise=False), 0.1 * g)
    assert torch.equal(
        modulate(torch.ones(1, 1), torch.tensor(0.5), noise=True), torch.tensor([[0.5]])
    )


def tiny(alpha: float, noise: bool = False) -> OGMGE:
    """One sample ``x_a = x_b = 1`` of class 0, of which b says nothing and a the right thing."""
    data = from_arrays({"a": [[1.0], [1.0]], "b": [[1.0], [1.0]]}, [0, 1])
    encoders = {"a": linear_map([[LOG_3]]), "b": linear_map([[0.0]])}
    model = OGMGE.for_data(data, encoders=encoders, alpha=alpha, noise=noise)
    model.fusion.out.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0]])  # l = (z_a, z_b)
    model.fusion.out.bias.data.zero_()
    return model


@pytest.mark.parametrize("epoch", [0, 1])
def test_one_update_by_hand(epoch: int) -> None:
    model = tiny(alpha=1.0)
    data = from_arrays({"a": [[1.0]], "b": [[1.0]]}, [0], class_names=("0", "1"))
    terms = model.step(data, ByHand(model, epoch), n_modulated=1)
    # p = (3/4, 1/4), so dL/dl = (-1/4, 1/4); alone, a gives the label 3/4 and b 1/2.
    k = 1 - math.tanh(1.5) if epoch == 0 else 1.0
    a, b = (encoder.weight.item() for encoder in model.encoders.values())  # type: ignore[operator]
    assert a == pytest.approx(LOG_3 + k / 4)
    assert b == pytest.approx(-1 / 4)
    step = torch.tensor([[-LOG_3 / 4, 0.0], [LOG_3 / 4, 0.0]])  # dL/dW, which is not modulated
    torch.testing.assert_close(model.fusion.out.weight.detach(), torch.eye(2) - step)
    torch.testing.assert_close(model.fusion.out.bias.detach(), torch.tensor([0.25, -0.25]))
    assert terms["total"].item() == pytest.approx(math.log(4 / 3))
    assert terms["rho_a"].item() == pytest.approx(1.5)
    assert terms["k_a"].item() == pytest.approx(k)
    assert terms["k_b"].item() == 1.0


def test_the_votes_add_up_to_the_logits() -> None:
    model = OGMGE.for_data(three(20))
    inputs = three(20).inputs
    votes = model.votes(model.encode(inputs))
    assert votes.shape == (3, 20, 3)
    torch.testing.assert_close(votes.sum(dim=0), model(inputs))


def test_weights_are_modulated_biases_and_the_head_are_not() -> None:
    data = strong_and_weak(64, seed=0)
    moved = {}
    for alpha in (0.0, 1e9):  # k = 1, and k = 0 for what is ahead
        model = OGMGE.for_data(data, dim=8, alpha=alpha, noise=False)
        before = weights(model)
        terms = model.step(data, ByHand(model), n_modulated=1)
        moved[alpha] = {n: w - before[n] for n, w in weights(model).items()}
    ahead = next(m for m in data.modalities if terms[f"rho_{m}"] > 1)
    for name, step in moved[1e9].items():
        is_slowed = name.startswith(f"encoders.{ahead}.") and step.ndim > 1
        assert torch.equal(step, torch.zeros_like(step) if is_slowed else moved[0.0][name]), name


@pytest.mark.parametrize("options", [{"modulated": 0.0}, {"alpha": 0.0, "noise": False}])
def test_without_modulation_it_is_joint_training_bit_for_bit(options: dict[str, Any]) -> None:
    data = xor(60)
    plain: Method = JointFusion.for_data(data, fusion="linear", dim=8)
    model: Method = OGMGE.for_data(data, dim=8, **options)
    for each in (plain, model):
        fit(each, data, data, epochs=3, batch_size=20, device="cpu", progress=False)
    assert same(weights(plain), weights(model))


def test_modulation_ends_after_its_share_of_the_epochs() -> None:
    data = strong_and_weak(60, seed=0)
    model = OGMGE.for_data(data, dim=8, alpha=0.8, modulated=0.5)
    frame = fit(model, data, epochs=6, device="cpu", progress=False).to_frame()
    k = frame[frame["term"].str.startswith("k_")].groupby("epoch")["value"].min()
    assert (k[:3] < 1).all()
    assert (k[3:] == 1).all()


def test_the_weak_modality_learns_what_joint_training_leaves_out() -> None:
    train, test = strong_and_weak(600, seed=0), strong_and_weak(1000, seed=1)
    sgd = partial(torch.optim.SGD, momentum=0.9)
    right = {}
    for name, modulated in {"joint": 0.0, "OGM": 1.0}.items():
        model = OGMGE.for_data(train, dim=16, alpha=2.0, noise=False, modulated=modulated)
        fit(model, train, epochs=8, batch_size=32, lr=0.02, optimizer=sgd, device="cpu",
            progress=False)  # fmt: skip
        assert evaluate(model, test).metrics["accuracy"] > 0.99
        votes = model.votes(model.encode(test.inputs))
        right[name] = (votes[1].argmax(dim=1) == test.target).float().mean().item()
    assert right["joint"] < 0.8
    assert right["OGM"] > 0.95


def test_encoders_without_weights_to_modulate_are_left_alone() -> None:
    data = xor(40)
    model = OGMGE.for_data(data, encoders={m: nn.Identity() for m in data.modalities})
    fit(model, data, epochs=1, device="cpu", progress=False)
