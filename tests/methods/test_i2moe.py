"""I2MoE: each loss against numbers worked out on paper, and what has to hold of any I2MoE."""

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmfuse_lib import evaluate, fit
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.fusion import FUSIONS, SumFusion, make_fusion
from mmfuse_lib.methods import I2MoE, Method
from mmfuse_lib.methods.i2moe import (
    PERTURBATIONS,
    interaction_loss,
    interaction_losses,
    make_versions,
    published_regression_losses,
    run_passes,
)
from tests.support import bits, leaves_no_random_trace, linear, same, two_labels, weights, xor

#: What the authors' code returned for random outputs.
PUBLISHED = np.load(Path(__file__).parents[1] / "fidelity" / "i2moe_losses.npz")


def three(n: int = 40, seed: int = 0) -> MultimodalData:
    """Three modalities of different lengths; the third tells the label."""
    rng = torch.Generator().manual_seed(seed)
    views = {name: torch.randn(n, k, generator=rng) for name, k in (("a", 2), ("b", 3), ("c", 4))}
    return from_arrays(views, (views["c"][:, 0] > 0).long())


def train(model: Method, data: MultimodalData, epochs: int = 3, lr: float = 3e-3) -> None:
    fit(model, data, epochs=epochs, batch_size=64, lr=lr, device="cpu", progress=False)


# The losses, by hand.


def outputs(*rows: Sequence[float]) -> Tensor:
    """Outputs of one sample: the complete pass, then one for each replaced modality."""
    return torch.tensor(rows, dtype=torch.float32)[:, None]


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        # a = (3, 4). |a - b_1| = 2 (only the second logit moves), |a - b_2| = 4.
        ("U1", 4 - 2 + 1),
        ("U2", 0),  # 2 - 4 + 1 < 0
        # cos(a, b_1) = (9 + 8) / (5 sqrt 13), cos(a, b_2) = 9 / 15.
        ("S", (17 / (5 * 13**0.5) + 0.6) / 2),
        ("R", (1 - 17 / (5 * 13**0.5) + 1 - 0.6) / 2),
    ],
)
def test_losses_of_two_modalities_by_hand(name: str, loss: float) -> None:
    rows = outputs([3, 4], [3, 2], [3, 0])
    assert interaction_loss(name, rows, [0, 1]).item() == pytest.approx(loss, abs=1e-6)


def test_a_uniqueness_loss_is_the_mean_over_the_other_modalities() -> None:
    # Distances to a = (0, 0): 3, 1 and 2.5.
    rows = outputs([0, 0], [0, 3], [1, 0], [1.5, 2])
    expected = {"U1": 0.25, "U2": ((3 - 1 + 1) + (2.5 - 1 + 1)) / 2, "U3": (3 - 2.5 + 1) / 2}
    for name, loss in expected.items():
        assert interaction_loss(name, rows, [0, 1, 2]).item() == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        # One output: a = 2, squared differences 0.25 and 4.
        ("R", (0.25 + 4) / 2),
        ("S", (1 - 0.25 + 0) / 2),
        ("U1", 4 - 0.25 + 1),
        ("U2", 0),  # 0.25 - 4 + 1 < 0
    ],
)
def test_losses_of_a_regression_by_hand(name: str, loss: float) -> None:
    rows = outputs([2.0], [2.5], [4.0])
    assert interaction_loss(name, rows, [0, 1]).item() == pytest.approx(loss, abs=1e-6)


REGRESSIONS = [
    key.removesuffix("_regression_synergy")
    for key in PUBLISHED
    if key.endswith("_regression_synergy")
]


@pytest.mark.parametrize("case", REGRESSIONS)
def test_the_published_losses_of_a_regression_are_those_of_the_authors_code(case: str) -> None:
    outputs = torch.from_numpy(PUBLISHED[f"{case}_outputs"]).requires_grad_()
    n = len(outputs) - 1
    names = [*(f"U{m + 1}" for m in range(n)), "S", "R"]
    losses = published_regression_losses(names, outputs.expand(n + 2, -1, -1, -1), range(n))
    theirs = {
        kind: PUBLISHED[f"{case}_regression_{kind}"]
        for kind in ("uniqueness", "synergy", "redundancy")
    }
    assert theirs["synergy"] == theirs["redundancy"]
    expected = np.array([*theirs["uniqueness"], theirs["synergy"], theirs["redundancy"]])
    torch.testing.assert_close(losses, torch.from_numpy(expected), rtol=0, atol=1e-12)
    grads = [torch.autograd.grad(loss, outputs, retain_graph=True)[0] for loss in losses]
    theirs_grads = [PUBLISHED[f"{case}_regression_{kind}_grad"] for kind in theirs]
    for grad, other in zip(grads, [*theirs_grads[0], *theirs_grads[1:]], strict=True):
        torch.testing.assert_close(grad, torch.from_numpy(other), rtol=0, atol=1e-12)


def test_the_published_losses_of_a_regression_by_hand_and_for_fewer_passes() -> None:
    # Squared differences 0.25 and 4, then 9.
    rows = outputs([2.0], [2.5], [4.0], [-1.0]).unsqueeze(0)
    for names, replaced, loss in (
        (["U1"], [0, 1, 2], ((4 - 0.25) + (9 - 0.25)) / 2),
        (["U3"], [0, 1, 2], ((0.25 - 9) + (4 - 9)) / 2),
        (["S"], [0, 1, 2], (0.25 + 4 + 9) / 3),
        (["U2"], [0, 1], 0.25 - 4),
        (["U3"], [0, 1], 0.0),
    ):
        found = published_regression_losses(names, rows[:, : 1 + len(replaced)], replaced)
        assert found.item() == pytest.approx(loss, abs=1e-6)


def test_a_regression_may_have_the_published_losses() -> None:
    data = linear(40)
    model = I2MoE.for_data(data, regression_losses="published", perturbation="zero")
    terms = model.loss_terms(data)
    off = model(data.inputs).squeeze(1) - data.target
    smooth = torch.where(off.abs() < 1, off.square() / 2, off.abs() - 0.5).mean()
    torch.testing.assert_close(terms["task"], smooth)
    torch.testing.assert_close(model.task_terms(data)["total"], smooth)
    ours = I2MoE.for_data(data, perturbation="zero").loss_terms(data)
    torch.testing.assert_close(terms["interaction_R"], ours["interaction_R"])  # without a margin
    names = model.interaction_names
    asked = torch.stack([terms[f"interaction_{name}"] for name in names])
    torch.testing.assert_close(terms["total"], smooth + 0.1 * asked.mean())
    z = model.encode(data.inputs)
    versions = make_versions(z, {m: torch.zeros_like(z_m) for m, z_m in enumerate(z)})
    passes = torch.stack([run_passes(expert, versions)[0] for expert in model.experts.values()])
    torch.testing.assert_close(asked, published_regression_losses(names, passes, [0, 1]))


@pytest.mark.parametrize("name", ["R", "U1", "S"])
def test_a_loss_is_the_mean_over_the_batch(name: str) -> None:
    one, other = outputs([3, 4], [3, 2], [3, 0]), outputs([1, 0], [0.5, 1], [-1, 2])
    both = interaction_loss(name, torch.cat([one, other], dim=1), [0, 1])
    each = [interaction_loss(name, rows, [0, 1]) for rows in (one, other)]
    assert both.item() == pytest.approx(float(sum(each)) / 2, abs=1e-6)


@pytest.mark.parametrize("n_outputs", [1, 4])
@pytest.mark.parametrize("replaced", [(0, 1, 2), (0, 2)])
@pytest.mark.parametrize("names", [("R", "U1", "U2", "U3", "S"), ("U2", "U3"), ("R", "S")])
def test_the_losses_of_all_experts_at_once_are_those_of_each(
    names: tuple[str, ...], replaced: tuple[int, ...], n_outputs: int
) -> None:
    torch.manual_seed(0)
    rows = torch.randn(len(names), 1 + len(replaced), 6, n_outputs)
    each = [interaction_loss(name, rows[e], replaced) for e, name in enumerate(names)]
    torch.testing.assert_close(interaction_losses(names, rows, replaced), torch.stack(each))


def test_a_uniqueness_expert_whose_modality_is_not_replaced_has_no_loss() -> None:
    rows = outputs([3, 4], [3, 2], [3, 0])
    assert interaction_loss("U3", rows, [0, 1]).item() == 0
    # The order of the replaced modalities counts, not their numbers.
    assert interaction_loss("U3", rows, [0, 2]).item() == interaction_loss("U2", rows, [0, 1])


@pytest.mark.parametrize("name", ["R", "U1", "U2", "S"])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_outputs_that_do_not_change_have_finite_gradients(name: str, n_outputs: int) -> None:
    rows = torch.ones(3, 5, n_outputs, requires_grad=True)
    interaction_loss(name, rows, [0, 1]).backward()  # type: ignore[no-untyped-call]
    assert rows.grad is not None
    assert torch.isfinite(rows.grad).all()


def test_an_expert_that_ignores_the_second_modality_has_the_losses_theory_says() -> None:
    data = xor(50)
    model = I2MoE.for_data(data, fusion="sum")
    z = model.encode(data.inputs)
    versions = make_versions(z, {m: torch.randn_like(z_m) for m, z_m in enumerate(z)})
    for expert in model.experts.values():
        assert isinstance(expert, SumFusion)
        nn.init.zeros_(expert.heads[1].weight)  # type: ignore[arg-type]
    change, cosine, found = {}, {}, {}
    for name, expert in model.experts.items():
        logits, _ = run_passes(expert, versions)
        torch.testing.assert_close(logits[2], logits[0])
        change[name] = (logits[0] - logits[1]).norm(dim=1)
        cosine[name] = torch.cosine_similarity(logits[0], logits[1])
        found[name] = interaction_loss(name, logits, [0, 1])
    expected = {
        "R": (1 - cosine["R"]).mean() / 2,  # nothing lost by replacing the second
        "U1": torch.relu(1 - change["U1"]).mean(),  # at 0 once the first moves the output by 1
        "U2": (1 + change["U2"]).mean(),  # never below the margin
        "S": (cosine["S"].mean() + 1) / 2,  # at least 0: one of two replacements does nothing
    }
    for name, loss in expected.items():
        torch.testing.assert_close(found[name], loss)


# All passes in one call.


class Product(nn.Module):
    """A reader's own fusion model: not a `Fusion`."""

    def __init__(self, dims: Sequence[int], n_outputs: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(d, n_outputs) for d in dims)
        self.n_calls = 0

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        self.n_calls += 1
        assert all(z_m.ndim == 2 for z_m in z)
        mapped = [f(z_m) for f, z_m in zip(self.maps, z, strict=True)]
        return torch.stack(mapped).prod(dim=0)


@pytest.mark.parametrize("fusion", [*FUSIONS, Product])
@pytest.mark.parametrize("replaced", [(), (1,), (0, 2), (0, 1, 2)])
def test_all_passes_in_one_call_are_the_passes_one_by_one(
    fusion: Any, replaced: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    expert = make_fusion(fusion, [3, 2, 4], 5).double()
    z, s = ([torch.randn(6, d, dtype=torch.float64) for d in (3, 2, 4)] for _ in range(2))
    logits, _ = run_passes(expert, make_versions(z, {i: s[i] for i in replaced}))
    each = [expert(z)]
    each += [expert([s[m] if m == i else z[m] for m in range(3)]) for i in replaced]
    torch.testing.assert_close(logits, torch.stack(each))


@pytest.mark.parametrize("fusion", sorted(set(FUSIONS) - {"sum"}))
def test_the_latent_is_what_the_last_layer_reads(fusion: str) -> None:
    torch.manual_seed(0)
    expert = make_fusion(fusion, [3, 2], 5)
    z = [torch.randn(6, d) for d in (3, 2)]
    logits, latent = run_passes(expert, make_versions(z, {1: torch.randn(6, 2)}))
    assert latent.shape[:2] == (2, 6)
    torch.testing.assert_close(logits, expert.out(latent))  # type: ignore[operator]


@contextmanager
def counted(model: I2MoE) -> Iterator[list[int]]:
    """Count the samples that each expert's last layer sees, and how often it is called."""
    seen: list[int] = []
    handles = [
        expert.out.register_forward_hook(  # type: ignore[union-attr]
            lambda _, inputs, __: seen.append(inputs[0].shape[:-1].numel())
        )
        for expert in model.experts.values()
    ]
    yield seen
    for handle in handles:
        handle.remove()


def test_inference_is_one_complete_pass_an_expert() -> None:
    data = three(30)
    model = I2MoE.for_data(data)
    with counted(model) as seen:
        model(data.inputs)
    assert seen == [30] * 5
    with counted(model) as seen:
        model.interactions(data.inputs)
    assert seen == []


def test_training_is_one_call_an_expert_with_a_pass_a_modality() -> None:
    model = I2MoE.for_data(three(30))
    with counted(model) as seen:
        model.loss_terms(three(30))
    assert seen == [4 * 30] * 5


# The report.


@pytest.mark.parametrize("data", [xor(30), three(30), linear(30), two_labels(30)])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_output_is_the_experts_outputs_weighted_by_the_report(
    data: MultimodalData, fusion: str
) -> None:
    model = I2MoE.for_data(data, fusion=fusion, temperature=2.0)
    n = len(data.modalities)
    assert model.interaction_names == ("R", *(f"U{m}" for m in range(1, n + 1)), "S")
    w, l = model.interactions(data.inputs), model.expert_outputs(data.inputs)
    assert w.shape == (30, n + 2)
    assert l.shape == (30, n + 2, model.spec.n_outputs)
    torch.testing.assert_close(w.sum(dim=1), torch.ones(30))
    torch.testing.assert_close(model(data.inputs), torch.einsum("be,bek->bk", w, l))


def test_temperature_divides_the_scores() -> None:
    data = xor(30)
    warm, cold = (I2MoE.for_data(data, temperature=t) for t in (4.0, 1.0))
    ratio = cold.interactions(data.inputs).log() - cold.interactions(data.inputs).log()[:, :1]
    warmer = warm.interactions(data.inputs).log() - warm.interactions(data.inputs).log()[:, :1]
    torch.testing.assert_close(warmer, ratio / 4)


def test_experts_may_start_from_different_weights() -> None:
    model = I2MoE.for_data(xor(20), shared_start=False)
    starts = [weights(expert) for expert in model.experts.values()]
    for i, one in enumerate(starts):
        for other in starts[:i]:
            assert not any(torch.equal(one[k], other[k]) for k in one)


def test_experts_start_as_copies_of_one() -> None:
    model = I2MoE.for_data(xor(20))
    apart = I2MoE.for_data(xor(20), shared_start=False)
    first, *others = [weights(expert) for expert in model.experts.values()]
    for other in others:
        assert same(first, other)
    # All else starts the same, so that runs can be compared in pairs.
    assert same(first, weights(apart.experts["R"]))
    assert same(weights(model.reweight), weights(apart.reweight))
    assert same(weights(model.encoders), weights(apart.encoders))
    # Copies, not one network under four names: the losses drive them apart.
    train(model, xor(60), epochs=2)
    trained = [weights(expert) for expert in model.experts.values()]
    assert not any(same(trained[0], other) for other in trained[1:])


def permuted(model: I2MoE, order: Sequence[str], data: MultimodalData) -> I2MoE:
    """The same model for the modalities in another order."""
    old = list(model.encoders)
    twin = I2MoE.for_data(data, perturbation="zero")
    for name in order:
        twin.encoders[name].load_state_dict(model.encoders[name].state_dict())
    names = {"R": "R", "S": "S"}
    names |= {f"U{i + 1}": f"U{old.index(m) + 1}" for i, m in enumerate(order)}
    for new_name, old_name in names.items():
        state = dict(model.experts[old_name].state_dict())
        moved = {
            f"hidden.weights.{i}": state[f"hidden.weights.{old.index(m)}"]
            for i, m in enumerate(order)
        }
        twin.experts[new_name].load_state_dict(state | moved)
    state = dict(model.reweight.state_dict())
    columns = dict(
        zip(old, torch.split(state["0.weight"], list(model.dims.values()), 1), strict=True)
    )
    state["0.weight"] = torch.cat([columns[m] for m in order], dim=1)
    rows = [list(model.interaction_names).index(names[e]) for e in twin.interaction_names]
    state |= {"2.weight": state["2.weight"][rows], "2.bias": state["2.bias"][rows]}
    twin.reweight.load_state_dict(state)
    return twin


def test_permuting_the_modalities_permutes_the_report() -> None:
    data = three(40)
    model = I2MoE.for_data(data, perturbation="zero", seed=3)
    order = ("c", "a", "b")
    other = from_arrays({m: data.inputs[m] for m in order}, data.target)
    twin = permuted(model, order, other)
    torch.testing.assert_close(twin(other.inputs), model(data.inputs))
    report, again = model.interactions(data.inputs), twin.interactions(other.inputs)
    torch.testing.assert_close(again, report[:, [0, 3, 1, 2, 4]])  # R, U of c, a, b, S
    terms, renamed = model.loss_terms(data), twin.loss_terms(other)
    for new_name, old_name in (("U1", "U3"), ("U2", "U1"), ("U3", "U2"), ("R", "R"), ("S", "S")):
        torch.testing.assert_close(
            renamed[f"interaction_{new_name}"], terms[f"interaction_{old_name}"]
        )
    torch.testing.assert_close(renamed["total"], terms["total"])


# The training loss.


@pytest.mark.parametrize("data", [three(30), linear(30), two_labels(30)])
def test_the_total_is_the_task_and_the_mean_of_the_interaction_losses(data: MultimodalData) -> None:
    model = I2MoE.for_data(data, interaction_weight=0.3)
    terms = model.loss_terms(data)
    asked = [terms[f"interaction_{name}"] for name in model.interaction_names]
    expected = terms["task"] + 0.3 * sum(asked) / len(asked)
    torch.testing.assert_close(terms["total"], expected)
    torch.testing.assert_close(terms["task"], model.task_terms(data)["total"])


def test_without_interaction_loss_it_is_a_plain_weighted_ensemble() -> None:
    data = xor(30)
    model = I2MoE.for_data(data, interaction_weight=0)
    with counted(model) as seen:
        terms = model.loss_terms(data)
    assert seen == [30] * 4
    assert set(terms) == {"total", "task", "accuracy"}
    terms["total"].backward()  # type: ignore[no-untyped-call]
    found = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    z = model.encode(data.inputs)
    w = torch.softmax(model.reweight(torch.cat(z, dim=1)), dim=1)
    logits = sum(w[:, e : e + 1] * expert(z) for e, expert in enumerate(model.experts.values()))
    nn.functional.cross_entropy(logits, data.target).backward()  # type: ignore[no-untyped-call]
    expected = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(found) == len(expected) == len(list(model.parameters()))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_every_expert_is_moved_by_its_own_interaction_loss() -> None:
    data = three(30)
    model = I2MoE.for_data(data)
    terms = model.loss_terms(data)
    for name, expert in model.experts.items():
        grads = torch.autograd.grad(
            terms[f"interaction_{name}"], list(expert.parameters()), retain_graph=True
        )
        assert sum(float(g.abs().sum()) for g in grads) > 0
        others = [p for other, e in model.experts.items() if other != name for p in e.parameters()]
        cross = torch.autograd.grad(
            terms[f"interaction_{name}"], others, retain_graph=True, allow_unused=True
        )
        assert not any(g.any() for g in cross if g is not None)


def test_a_model_can_be_copied_after_a_pass() -> None:
    data = three(20)
    model = I2MoE.for_data(data, fusion="sparse_moe")
    model.loss_terms(data)
    twin = copy.deepcopy(model)
    torch.testing.assert_close(twin(data.inputs), model(data.inputs))


# Perturbation.

Z = torch.tensor([[1.0, 10.0], [2.0, 20.0], [6.0, 30.0]])


def test_stand_ins_by_hand() -> None:
    assert PERTURBATIONS["zero"](Z).tolist() == [[0, 0]] * 3
    assert PERTURBATIONS["mean"](Z).tolist() == [[3, 20]] * 3


def test_a_shuffle_gives_each_sample_the_encoding_of_a_sample() -> None:
    torch.manual_seed(0)
    drawn = [PERTURBATIONS["shuffle"](Z) for _ in range(10)]
    for z in drawn:
        assert sorted(z.tolist()) == Z.tolist()
    assert not all(torch.equal(z, drawn[0]) for z in drawn)


def test_noise_is_standard_normal_whatever_the_encoding() -> None:
    torch.manual_seed(0)
    noise = PERTURBATIONS["noise"](100 * torch.randn(20_000, 2) + 7)
    assert noise.mean(dim=0).tolist() == pytest.approx([0, 0], abs=0.03)
    assert noise.std(dim=0).tolist() == pytest.approx([1, 1], abs=0.03)


def test_a_modality_is_perturbed_once_for_all_experts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def noted(z: Tensor) -> Tensor:
        seen.append(z)
        return torch.zeros_like(z)

    monkeypatch.setitem(PERTURBATIONS, "zero", noted)
    I2MoE.for_data(three(20), perturbation="zero").loss_terms(three(20))
    assert len(seen) == 3


@pytest.mark.parametrize("perturbation", ["noise", "shuffle"])
def test_each_expert_may_get_stand_ins_of_its_own(perturbation: str) -> None:
    data = three(20)
    for fresh in (False, True):
        model = I2MoE.for_data(
            data, perturbation=perturbation, fresh_stand_ins=fresh, shared_start=True
        )
        # Copies that see the same stand-ins react the same: R and S then ask for opposites.
        terms = model.loss_terms(data)
        opposite = float((terms["interaction_R"] + terms["interaction_S"]).detach())
        assert (abs(opposite - 1) > 1e-4) == fresh


def test_dropout_is_in_the_reweighting_model_and_in_training_only() -> None:
    data = xor(300)
    model, plain = (I2MoE.for_data(data, dropout=p) for p in (0.5, 0.0))
    model.eval()
    assert torch.equal(model.interactions(data.inputs), plain.interactions(data.inputs))
    model.train()
    plain.train()
    one, other = (model.interactions(data.inputs) for _ in range(2))
    assert not torch.equal(one, other)
    assert torch.equal(model.expert_outputs(data.inputs), plain.expert_outputs(data.inputs))
    dropped = model.reweight[1](torch.ones(20_000))  # type: ignore[index]
    assert sorted(dropped.unique().tolist()) == [0, 2]
    assert (dropped == 0).float().mean().item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("perturbation", ["mean", "shuffle"])  # the others say nothing of z
def test_no_gradient_goes_through_a_stand_in(perturbation: str) -> None:
    torch.manual_seed(0)
    z = [torch.randn(6, 2, requires_grad=True) for _ in range(2)]
    versions = make_versions(z, {0: PERTURBATIONS[perturbation](z[0])})
    features, stand_in = versions.of[0].unbind()
    stand_in.square().sum().backward(retain_graph=True)  # type: ignore[no-untyped-call]
    assert z[0].grad is not None
    assert not z[0].grad.any()
    features.square().sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(z[0].grad, 2 * z[0].detach())


def test_noise_is_drawn_anew_for_each_batch() -> None:
    model = I2MoE.for_data(three(20))
    one, other = (model.loss_terms(three(20)) for _ in range(2))
    assert torch.equal(one["task"], other["task"])
    assert not torch.equal(one["interaction_S"], other["interaction_S"])


def test_fewer_passes_replace_a_random_few_modalities_of_each_batch() -> None:
    data = three(20)
    model = I2MoE.for_data(data, perturbed_passes=2)
    torch.manual_seed(0)
    spared = set()
    for _ in range(30):
        with counted(model) as seen:
            terms = model.loss_terms(data)
        assert seen == [3 * 20] * 5
        idle = {name for name in ("U1", "U2", "U3") if terms[f"interaction_{name}"] == 0}
        spared |= idle
    assert spared == {"U1", "U2", "U3"}


# Ablations and errors.


def test_a_subset_of_experts_reports_its_columns() -> None:
    data = three(20)
    model = I2MoE.for_data(data, experts=("S", "R"))
    assert model.interaction_names == ("R", "S")
    assert model.interactions(data.inputs).shape == (20, 2)
    assert {k for k in model.loss_terms(data) if k.startswith("inter")} == {
        "interaction_R",
        "interaction_S",
    }


def test_global_weights_are_the_same_for_all_samples_and_are_learned() -> None:
    data = xor(200)
    model = I2MoE.for_data(data, weights="global")
    start = model.interactions(data.inputs)
    torch.testing.assert_close(start, torch.full((200, 4), 0.25))
    train(model, data)
    learned = model.interactions(data.inputs)
    assert torch.equal(learned, learned[:1].expand(200, -1))
    assert not torch.allclose(learned, start, atol=1e-3)


def test_losses_in_latent_space_are_those_of_the_latent_vectors() -> None:
    data = three(20)
    model = I2MoE.for_data(data, losses_on="latent", perturbation="zero")
    terms = model.loss_terms(data)
    z = model.encode(data.inputs)
    for name, expert in model.experts.items():
        versions = make_versions(z, {m: torch.zeros_like(z_m) for m, z_m in enumerate(z)})
        _, latent = run_passes(expert, versions)
        expected = interaction_loss(name, latent, [0, 1, 2])
        torch.testing.assert_close(terms[f"interaction_{name}"], expected)


def test_a_readers_own_fusion_has_no_latent() -> None:
    with pytest.raises(DataError, match="losses_on='latent' needs"):
        I2MoE.for_data(xor(20), fusion=Product, losses_on="latent")
    data = xor(20)
    assert I2MoE.for_data(data, fusion=Product).loss_terms(data)["total"].isfinite()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"perturbation": "nois"}, "unknown perturbation 'nois'. Did you mean 'noise'"),
        ({"weights": "globl"}, "unknown weights 'globl'. Did you mean 'global'"),
        ({"losses_on": "logit"}, "unknown losses_on 'logit'. Did you mean 'logits'"),
        ({"regression_losses": "publishd"}, "unknown regression_losses 'publishd'. Did you mean"),
        ({"experts": ("R", "U3")}, "unknown expert 'U3'.*Known: R, U1, U2, S"),
        ({"fusion": "cncat"}, "unknown fusion"),
    ],
)
def test_unknown_names_get_the_closest_one(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        I2MoE.for_data(xor(20), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interaction_weight": -1}, "interaction_weight is -1"),
        ({"interaction_weight": float("nan")}, "interaction_weight is nan"),
        ({"temperature": 0}, "temperature is 0"),
        ({"dropout": 1}, "dropout is 1: expected a number in \\[0, 1\\)"),
        ({"dropout": float("nan")}, "dropout is nan"),
        ({"regression_losses": "published"}, "is for regression .* not for classification"),
        ({"experts": ()}, "experts is empty"),
        ({"perturbed_passes": 1}, "perturbed_passes is 1: expected 2 .. 2"),
        ({"perturbed_passes": 3}, "perturbed_passes is 3: expected 2 .. 2"),
        ({"perturbed_passes": 0, "experts": ("R", "S")}, "perturbed_passes is 0: expected 1 .. 2"),
    ],
)
def test_numbers_out_of_range_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        I2MoE.for_data(xor(20), **options)


def test_published_losses_of_a_regression_are_those_of_logits() -> None:
    with pytest.raises(DataError, match="with losses_on='logits', not for regression with losses_"):
        I2MoE.for_data(linear(20), regression_losses="published", losses_on="latent")


def test_one_modality_is_refused() -> None:
    with pytest.raises(DataError, match=r"two or more modalities.*Unimodal"):
        I2MoE.for_data(from_arrays({"a": xor(20).inputs["a"]}, xor(20).target))


# Seeds.


def test_seeds_give_identical_weights_and_leave_no_trace() -> None:
    data = xor(60)

    def run(seed: int) -> dict[str, Tensor]:
        model = I2MoE.for_data(data, seed=1)
        fit(model, data, xor(30, 1), epochs=2, seed=seed, device="cpu", progress=False)
        return weights(model)

    assert same(run(0), run(0))
    assert not same(run(0), run(1))
    assert leaves_no_random_trace(lambda: run(0))


def test_an_interrupted_run_continues_with_the_same_noise(tmp_path: Any) -> None:
    data = three(60)

    def run(model: I2MoE, **options: Any) -> I2MoE:
        fit(model, data, epochs=4, batch_size=30, device="cpu", progress=False, **options)
        return model

    def stopping(model: I2MoE) -> I2MoE:
        """Make the 6th pass of an encoder end the run: no code of the method differs."""
        passes = itertools.count(1)

        def hook(*_: Any) -> None:
            if next(passes) == 6:
                raise KeyboardInterrupt

        next(iter(model.encoders.values())).register_forward_hook(hook)
        return model

    expected = run(I2MoE.for_data(data))
    with pytest.raises(KeyboardInterrupt):
        run(stopping(I2MoE.for_data(data)), checkpoint_dir=tmp_path)
    assert same(weights(run(I2MoE.for_data(data), checkpoint_dir=tmp_path)), weights(expected))


# What it learns.


@pytest.mark.parametrize("perturbation", PERTURBATIONS)
def test_it_learns_xor(perturbation: str) -> None:
    model = I2MoE.for_data(xor(600), perturbation=perturbation)
    train(model, xor(600), epochs=20)
    assert evaluate(model, xor(400, seed=1), device="cpu").metrics["accuracy"] > 0.95


def test_it_learns_a_linear_target() -> None:
    model = I2MoE.for_data(linear(600), interaction_weight=0.01)
    train(model, linear(600), epochs=40)
    assert evaluate(model, linear(300, seed=1), device="cpu").metrics["r2"] > 0.9


def test_it_learns_two_labels() -> None:
    model = I2MoE.for_data(two_labels(600))
    train(model, two_labels(600), epochs=20)
    metrics = evaluate(model, two_labels(400, seed=1), device="cpu").metrics
    assert metrics["subset_accuracy"] > 0.95


def sensitivity(model: I2MoE, data: MultimodalData) -> Mapping[str, list[float]]:
    """Mean change of each expert's logits when a modality is replaced by noise."""
    torch.manual_seed(0)
    with torch.no_grad():
        z = model.encode(data.inputs)
        versions = make_versions(z, {m: torch.randn_like(z_m) for m, z_m in enumerate(z)})
        found = {}
        for name, expert in model.experts.items():
            logits, _ = run_passes(expert, versions)
            found[name] = (logits[1:] - logits[0]).norm(dim=2).mean(dim=1).tolist()
    return found


def test_trained_experts_listen_to_what_their_loss_asks_for() -> None:
    a, _, views = bits(400, 0)
    data = from_arrays(views, a)
    model = I2MoE.for_data(data, interaction_weight=2.0)
    train(model, data, epochs=30)
    heard = sensitivity(model, data)
    assert heard["U1"][0] > heard["U1"][1] + 0.9  # the margin is 1
    assert heard["U2"][1] > heard["U2"][0] + 0.9
    terms = model.loss_terms(data)
    assert terms["interaction_R"] < 0.1  # the output keeps its direction
    assert terms["interaction_S"] < 0.5


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("fusion", FUSIONS)
def test_it_trains_on_a_gpu_as_on_the_cpu(fusion: str) -> None:
    model = I2MoE.for_data(xor(600), fusion=fusion)
    fit(model, xor(600), epochs=5, lr=3e-3, device="cuda", progress=False)
    data = xor(100, seed=1)
    there = model.to("cuda")(data.to("cuda").inputs).cpu()
    torch.testing.assert_close(there, model.to("cpu")(data.inputs), atol=1e-3, rtol=1e-3)
    assert np.isfinite(evaluate(model, data).metrics["accuracy"])
