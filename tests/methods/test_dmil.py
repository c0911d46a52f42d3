"""DMIL: each term of its objective, its three stages, and what its components learn."""

import math
from collections import Counter
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from mmfuse_lib import evaluate, fit
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import INTERACTIONS, MultimodalData, from_arrays
from mmfuse_lib.methods import DMIL
from mmfuse_lib.methods.base import Stage
from mmfuse_lib.methods.dmil import (
    Gaussian,
    ParallelLinear,
    ProductSynergy,
    ResidualSynergy,
    alignment,
    focus,
    reconstruction,
    soft_clamp,
    task,
    variational,
)
from tests.support import linear, noisy_encoder, two_labels, weights, xor

seeds = st.integers(0, 10_000)


def gaussian(seed: int, *shape: int) -> Any:
    generator = torch.Generator().manual_seed(seed)
    mean, log_var = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    return Gaussian(2 * mean, 1.5 * log_var)


def as_distribution(q: Gaussian) -> Any:
    assert q.log_var is not None
    return Independent(Normal(q.mean, torch.exp(q.log_var / 2)), 1)


def noisy_encoders() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {"a": noisy_encoder(), "b": noisy_encoder()}


def train(model: DMIL, train: MultimodalData, epochs: int = 25, lr: float = 3e-3) -> None:
    fit(model, train, epochs=epochs, batch_size=64, lr=lr, device="cpu", progress=False)


def component_losses(model: DMIL, samples: MultimodalData) -> dict[str, float]:
    """Cross-entropy of each component in bits: 1 is that of a guess between two classes."""
    with torch.no_grad():
        logits = model.eval().components(samples.inputs).logits
    return {c: float(F.cross_entropy(x, samples.target)) / math.log(2) for c, x in logits.items()}


# The terms.


@given(seeds)
def test_variational_is_the_divergence_from_the_standard_normal(seed: int) -> None:
    q = gaussian(seed, 2, 5, 3)
    prior = Independent(Normal(torch.zeros_like(q.mean), 1.0), 1)
    expected = kl_divergence(as_distribution(q), prior).mean(dim=1).sum()
    torch.testing.assert_close(variational(q), expected)


def test_variational_by_hand() -> None:
    # KL(N(1, 4) || N(0, 1)) = (1 + 4 - 1 - ln 4) / 2, once in two dimensions, once in one.
    one = (4 - math.log(4)) / 2
    q = Gaussian(torch.tensor([[1.0, 1.0], [1.0, 0.0]]), torch.tensor([[4.0, 4.0], [4, 1]]).log())
    assert float(variational(q)) == pytest.approx((2 * one + one) / 2)
    standard = Gaussian(torch.zeros(4, 3), torch.zeros(4, 3))
    assert float(variational(standard)) == 0
    assert float(variational(Gaussian(torch.ones(4, 3), None))) == 0, "a point is not penalised"


@given(seeds)
def test_alignment_is_the_divergence_of_two_gaussians(seed: int) -> None:
    q, v = gaussian(seed, 1, 5, 3), gaussian(seed + 1, 2, 5, 3)
    per_modality = [
        kl_divergence(as_distribution(Gaussian(*(x[0] for x in q))), as_distribution(v_m)).mean()
        for v_m in (Gaussian(*(x[m] for x in v)) for m in (0, 1))
    ]
    torch.testing.assert_close(alignment(q, v), torch.stack(per_modality).sum())


def test_alignment_agrees_with_a_monte_carlo_estimate() -> None:
    q, v = gaussian(1, 1, 4, 3), gaussian(2, 2, 4, 3)
    torch.manual_seed(0)
    p, r = as_distribution(q), as_distribution(v)
    x = p.sample(torch.Size([200_000]))
    per_draw = (p.log_prob(x) - r.log_prob(x)).mean(dim=-1).sum(dim=-1)  # batch, modalities
    error = float(per_draw.std()) / len(x) ** 0.5
    assert float(alignment(q, v)) == pytest.approx(float(per_draw.mean()), abs=4 * error)
    assert error < 0.01 * float(alignment(q, v)), "the estimate is too coarse to tell anything"


def test_alignment_of_points_is_half_the_squared_distance() -> None:
    q, v = Gaussian(torch.ones(1, 2, 3), None), Gaussian(torch.zeros(2, 2, 3), None)
    assert float(alignment(q, v)) == pytest.approx(2 * 3 / 2)


@given(seeds)
def test_alignment_vanishes_at_equality_only(seed: int) -> None:
    q = gaussian(seed, 1, 4, 3)
    assert abs(float(alignment(q, q))) < 1e-12
    assert float(alignment(q, Gaussian(q.mean + 0.1, q.log_var))) > 0


@given(seeds)
def test_task_is_the_cross_entropy_of_each_predictor(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(4, 6, 3, generator=generator)
    y = torch.randint(3, (6,), generator=generator)
    torch.testing.assert_close(
        task(logits, y), torch.stack([F.cross_entropy(x, y) for x in logits])
    )
    values = torch.randn(6, generator=generator)
    expected = torch.stack([F.mse_loss(x, values) for x in logits[..., 0]])
    torch.testing.assert_close(task(logits[..., :1], values), expected)


def test_reconstruction_by_hand() -> None:
    x, x_hat = torch.zeros(2, 2, 3), torch.zeros(2, 2, 3)
    x_hat[0, 0] = torch.tensor([1.0, 2.0, 3.0])  # 14 / (2 samples * 3 numbers)
    x_hat[1, 1, 0] = 6.0  # 36 / 6
    assert float(reconstruction(x, x_hat)) == pytest.approx(14 / 6 + 6)


def test_samples_have_the_mean_and_variance_they_should() -> None:
    q = Gaussian(torch.full((50_000, 1), 3.0), torch.full((50_000, 1), math.log(4.0)))
    torch.manual_seed(0)
    x = q.sample()
    assert float(x.mean()) == pytest.approx(3, abs=4 * 2 / 50_000**0.5)
    assert float(x.var()) == pytest.approx(4, rel=0.03)
    assert Gaussian(q.mean, None).sample() is q.mean


def test_log_variances_are_left_alone_until_they_overflow() -> None:
    x = torch.tensor([-100.0, -3.0, 0.0, 0.1, 30.0], requires_grad=True)
    assert torch.equal(soft_clamp(x), x)
    # 30 + log(1 + 7) and 30 + log(1 + 990)
    extreme = torch.tensor([37.0, 1020.0], requires_grad=True)
    y = soft_clamp(extreme)
    assert y.tolist() == pytest.approx([32.07944, 36.89871], abs=1e-4)
    y.sum().backward()  # type: ignore[no-untyped-call]
    assert extreme.grad is not None
    assert extreme.grad.tolist() == pytest.approx([1 / 8, 1 / 991], rel=1e-4)


@pytest.mark.parametrize("synergy_first", [False, True])
def test_large_features_do_not_overflow(synergy_first: bool) -> None:
    samples = xor(64)
    huge = {name: 1e4 * x for name, x in samples.inputs.items()}
    samples = from_arrays(huge, samples.target)
    model = DMIL.for_data(samples, dim=8, synergy_first=synergy_first, seed=0).train()
    for stage in model.stages(10):
        assert torch.isfinite(stage.loss(samples)["total"]), stage.name


def test_parallel_maps_are_linear_maps_side_by_side() -> None:
    maps, x = ParallelLinear(3, 4, 5), torch.randn(3, 7, 4)
    expected = [F.linear(x[i], maps.weight[i].T, maps.bias[i, 0]) for i in range(3)]
    torch.testing.assert_close(maps(x), torch.stack(expected))


def test_parallel_maps_start_as_wide_as_torchs_own() -> None:
    own, theirs = ParallelLinear(50, 16, 40), [nn.Linear(16, 40) for _ in range(50)]
    for mine, others in (
        (own.weight.detach(), torch.stack([x.weight.detach() for x in theirs])),
        (own.bias.detach(), torch.stack([x.bias.detach() for x in theirs])),
    ):
        assert float(mine.std()) == pytest.approx(float(others.std()), rel=0.05)
        assert float(mine.abs().max()) <= 16**-0.5


@pytest.mark.parametrize(("n", "products"), [(2, 1), (3, 4)])
def test_product_synergy_by_hand(n: int, products: int) -> None:
    synergy = ProductSynergy(n, 1)
    assert synergy.out.in_features == n + products
    with torch.no_grad():
        synergy.out.weight.copy_(10.0 ** torch.arange(n + products))
        synergy.out.bias.zero_()
    N = torch.tensor([2.0, 3.0, 5.0])[:n].reshape(n, 1, 1)
    terms = [2, 3, 6] if n == 2 else [2, 3, 5, 6, 10, 15, 30]
    expected = sum(t * 10**i for i, t in enumerate(terms))
    assert float(synergy(N).detach()) == pytest.approx(expected)


def test_residual_synergy_by_hand() -> None:
    synergy, N = ResidualSynergy(2, 4), torch.randn(2, 6, 4)
    W = [x.detach() for x in synergy.parameters()]
    x = torch.cat(
        [
            (n - n.mean(1, keepdim=True)) / (n.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
            for n in N
        ],
        1,
    )
    h = torch.relu(torch.relu(x @ W[0].T + W[1]) @ W[2].T + W[3])
    torch.testing.assert_close(synergy(N), h @ W[4].T + W[5])


# How they add up.


def deterministic_model(**options: Any) -> Any:
    return DMIL.for_data(xor(20), dim=6, latent_dim=5, **options).double().eval()


def double(batch: MultimodalData) -> MultimodalData:
    return MultimodalData(
        {name: x.double() for name, x in batch.inputs.items()}, batch.target, batch.class_names
    )


WEIGHTS: dict[str, Any] = {"lam": 0.3, "alpha": 0.7, "beta": 1.3, "gamma": 0.9}


def test_the_objectives_are_those_of_the_paper() -> None:
    """Every term anew, with torch.distributions and one modality after the other."""
    model, batch = deterministic_model(**WEIGHTS), double(xor(20))
    y, at = batch.target, model.components(batch.inputs)
    intra: Any = model.intra
    level2: Any = model.consistency
    L1, L2 = torch.zeros(()), torch.zeros(())
    prior = Independent(Normal(torch.zeros(20, 5, dtype=torch.float64), 1.0), 1)

    def gaussians(maps: Any, i: int, x: Any, k: int) -> list[Any]:
        means, log_vars = (x @ maps.weight[i] + maps.bias[i]).split(5 * k, dim=1)
        return [
            as_distribution(Gaussian(*pair))
            for pair in zip(means.split(5, 1), log_vars.split(5, 1), strict=True)
        ]

    def decoded(maps: Any, i: int, x: Tensor) -> Any:
        h = torch.relu(x @ maps[0].weight[i] + maps[0].bias[i])
        return h @ maps[2].weight[i] + maps[2].bias[i]

    M = []
    for m, features in enumerate(model.encode(batch.inputs)):
        z = intra.embed[m](features)
        q_M, q_N = gaussians(intra.bottleneck.maps, m, z, 2)
        M.append(q_M.mean)
        torch.testing.assert_close(at.latents[f"M{m + 1}"], q_M.mean)
        torch.testing.assert_close(at.latents[f"N{m + 1}"], q_N.mean)
        L1 = L1 + F.cross_entropy(q_M.mean @ intra.classify.weight[m] + intra.classify.bias[m], y)
        L1 = L1 + 0.3 * (kl_divergence(q_M, prior) + kl_divergence(q_N, prior)).mean()
        z_hat = decoded(intra.decode, m, torch.cat([q_M.mean, q_N.mean], dim=1))
        L1 = L1 + (z - z_hat).square().sum() / (20 * 5)
    (q_R,) = gaussians(level2.redundant.maps, 0, torch.cat(M, dim=1), 1)
    L2 = L2 + 0.3 * kl_divergence(q_R, prior).mean()
    for m in (0, 1):
        (q_U,) = gaussians(level2.unique.maps, m, M[m], 1)
        (v,) = gaussians(level2.from_one.maps, m, M[m], 1)
        L2 = L2 + 0.3 * kl_divergence(q_U, prior).mean() + 0.7 * kl_divergence(q_R, v).mean()
        M_hat = decoded(level2.decode, m, torch.cat([q_R.mean, q_U.mean], dim=1))
        L2 = L2 + (M[m] - M_hat).square().sum() / (20 * 5)
        torch.testing.assert_close(at.latents[f"U{m + 1}"], q_U.mean)
    torch.testing.assert_close(at.latents["R"], q_R.mean)
    for c, logits in enumerate(at.logits.values()):
        L2 = L2 + F.cross_entropy(logits, y)
        latent = at.latents[INTERACTIONS[c]]
        torch.testing.assert_close(
            logits, latent @ model.classify.weight[c] + model.classify.bias[c]
        )
    prediction = F.cross_entropy(model(batch.inputs), y)
    torch.testing.assert_close(model.L1(batch)["total"], L1)
    torch.testing.assert_close(model.L2(batch)["total"], prediction + L2)
    torch.testing.assert_close(model.L3(batch)["total"], prediction + 1.3 * L1 + 0.9 * L2)


def test_what_is_reconstructed_is_a_constant() -> None:
    """Else z would shrink to zero, where the decoder's task is easy."""
    model, batch = deterministic_model(), double(xor(20))
    at = model.intra(model.encode(batch.inputs))
    at.z.retain_grad()
    logits = model.intra.classify(at.M)
    model.intra.terms(at, logits, batch.target)["reconstruction_1"].backward()
    z = at.z.detach().requires_grad_()
    q_M, q_N = model.intra.bottleneck(z)
    z_hat = model.intra.decode(torch.cat([q_M.mean, q_N.mean], dim=-1))
    error: Any = reconstruction(at.z.detach(), z_hat)
    error.backward()
    torch.testing.assert_close(at.z.grad, z.grad)


def test_every_term_is_logged_and_the_total_is_their_weighted_sum() -> None:
    model, batch = deterministic_model(**WEIGHTS), double(xor(20))
    terms = {name: float(x.detach()) for name, x in model.L3(batch).items()}
    first = terms["task_1"] + 0.3 * terms["variational_1"] + terms["reconstruction_1"]
    second = (
        terms["task_2"] + 0.3 * terms["variational_2"]
        + 0.7 * terms["alignment_2"] + terms["reconstruction_2"]
    )  # fmt: skip
    assert terms["total"] == pytest.approx(terms["prediction"] + 1.3 * first + 0.9 * second)
    assert {f"accuracy_{c}" for c in ("M1", "M2", *INTERACTIONS)} < set(terms)


def test_the_records_of_the_gate_are_no_part_of_the_loss() -> None:
    """They have no gradient, so nobody can take them for a term that was forgotten."""
    model, batch = deterministic_model(), double(xor(20))
    for loss in (model.L2, model.L3):
        records = [x for name, x in loss(batch).items() if name.startswith("gate_")]
        assert len(records) == 4
        assert not any(x.requires_grad for x in records)


def test_the_prediction_is_the_components_logits_weighed_by_the_gate() -> None:
    model, inputs = deterministic_model(), double(xor(20)).inputs
    gate, at = model.interactions(inputs), model.components(inputs)
    assert gate.shape == (20, 4)
    assert (gate > 0).all()
    torch.testing.assert_close(gate.sum(dim=1), torch.ones(20, dtype=torch.float64))
    expected = sum(gate[:, [i]] * at.logits[c] for i, c in enumerate(INTERACTIONS))
    torch.testing.assert_close(model(inputs), expected)
    assert not torch.allclose(gate[0], gate[1]), "the gate sees the sample"


def test_a_fixed_gate_weighs_all_components_alike() -> None:
    model, inputs = deterministic_model(fixed_gate=True), double(xor(20)).inputs
    assert torch.equal(model.interactions(inputs), torch.full((20, 4), 0.25, dtype=torch.float64))
    logits = torch.stack([*model.components(inputs).logits.values()])
    torch.testing.assert_close(model(inputs), logits.mean(dim=0))


@pytest.mark.parametrize("loss", ["L1", "L2", "L3"])
def test_no_layer_is_evaluated_twice_in_a_step(loss: str) -> None:
    model, calls = DMIL.for_data(xor(20)), Counter[str]()
    for name, module in model.named_modules():
        if not list(module.children()):
            module.register_forward_hook(lambda *_, name=name: calls.update([name]))
    getattr(model, loss)(xor(20))
    assert set(calls.values()) == {1}
    idle = set(dict(model.named_modules())) - set(calls)
    idle = {name for name in idle if not list(model.get_submodule(name).children())}
    starts = {
        "L1": ("consistency", "synergy", "classify", "gate"),
        "L2": ("intra.decode", "intra.classify"),
    }
    assert all(name.startswith(starts.get(loss, ())) for name in idle), idle


# Without variances.


def without_variance(model: DMIL) -> DMIL:
    """Make the deterministic model whose layers compute the means of this one."""
    twin = DMIL.for_data(xor(20), dim=6, latent_dim=5, variational=False, **ZERO).double()
    state = model.state_dict()
    for name, x in twin.state_dict().items():
        state[name] = state[name][..., : x.shape[-1]]
    twin.load_state_dict(state)
    return twin


ZERO: dict[str, Any] = {"lam": 0.0, "alpha": 0.0}


@pytest.mark.parametrize("loss", ["L1", "L2", "L3"])
def test_without_variance_and_its_price_the_model_is_its_deterministic_ablation(loss: str) -> None:
    model = DMIL.for_data(xor(20), dim=6, latent_dim=5, **ZERO).double().train()
    twin = without_variance(model).train()
    batch = double(xor(20))
    assert not torch.allclose(
        getattr(model, loss)(batch)["total"], getattr(twin, loss)(batch)["total"]
    )
    for module in model.modules():
        if isinstance(module, ParallelLinear) and module.weight.shape[-1] % 10 == 0:
            half = module.weight.shape[-1] // 2
            with torch.no_grad():
                module.weight[..., half:] = 0.0
                module.bias[..., half:] = -80.0
    losses = [getattr(m, loss)(batch)["total"] for m in (model, twin)]
    torch.testing.assert_close(*losses)
    for total in losses:
        total.backward()
    for name, parameter in twin.named_parameters():
        gradient = model.get_parameter(name).grad
        if parameter.grad is None:
            assert gradient is None, name
        else:
            assert gradient is not None
            torch.testing.assert_close(gradient[..., : parameter.shape[-1]], parameter.grad)


def test_the_deterministic_ablation_draws_nothing_and_has_fewer_parameters() -> None:
    model = DMIL.for_data(xor(20), variational=False).train()
    assert torch.equal(model(xor(20).inputs), model(xor(20).inputs))
    terms = model.L3(xor(20))
    assert float(terms["variational_1"]) == float(terms["variational_2"]) == 0
    assert float(terms["alignment_2"].detach()) > 0
    n = [sum(p.numel() for p in m.parameters()) for m in (model, DMIL.for_data(xor(20)))]
    assert n[0] < n[1]


# The stages.


def only(stage: str) -> type[DMIL]:
    class Only(DMIL):
        def stages(self, epochs: int) -> list[Stage]:
            return [s for s in super().stages(epochs) if s.name == stage]

    return Only


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(100, [10, 5, 85]), (25, [10, 5, 10]), (10, [4, 2, 4]), (5, [2, 1, 2]), (3, [1, 2]), (1, [1])],
)
def test_the_schedule(epochs: int, expected: list[int]) -> None:
    stages = DMIL.for_data(xor(20)).stages(epochs)
    assert [s.epochs for s in stages] == expected
    names = ["intra", "consistency", "joint"]
    assert [s.name for s in stages] == [n for n in names if n != "consistency" or epochs >= 5][
        -len(stages) :
    ]
    assert sum(s.epochs for s in stages) == epochs


MOVES = {
    "intra": ("encoders.", "intra."),
    "consistency": ("consistency.", "synergy.", "classify.", "gate."),
    "joint": ("",),
}


@pytest.mark.parametrize("stage", MOVES)
def test_a_stage_moves_its_own_parts_and_their_statistics_only(stage: str) -> None:
    model = only(stage).for_data(xor(80), encoders=noisy_encoders())
    before = weights(model)
    train(model, xor(80), epochs=10)
    for name, x in weights(model).items():
        assert torch.equal(x, before[name]) != name.startswith(MOVES[stage]), name
    assert any("running_mean" in name for name in before)


def test_in_stage_two_level_one_gives_means_and_level_two_samples() -> None:
    seen: list[tuple[Tensor, ...]] = []

    class Watched(only("consistency")):  # type: ignore[misc]
        def _run(self, inputs: dict[str, Tensor]) -> Any:
            at = super()._run(inputs)
            if torch.is_grad_enabled():
                seen.append((at.intra.M - at.intra.q_M.mean, at.intra.N - at.intra.q_N.mean,
                             at.consistency.R - at.consistency.q_R.mean))  # fmt: skip
            return at

    train(Watched.for_data(xor(80)), xor(80), epochs=5)
    assert seen
    for m, n, r in seen:
        assert not m.any()
        assert not n.any()
        assert r.all()


def test_training_samples_and_evaluation_takes_means() -> None:
    model, inputs = DMIL.for_data(xor(20)), xor(20).inputs
    model.train()
    one, other = model.components(inputs).latents, model.components(inputs).latents
    assert all(not torch.allclose(one[c], other[c]) for c in one)
    model.eval()
    again, last = model.components(inputs).latents, model.components(inputs).latents
    assert all(torch.equal(again[c], last[c]) for c in last)
    intra: Any = model.intra
    q_M, _ = intra.bottleneck(intra(model.encode(inputs)).z)
    assert torch.equal(last["M1"], q_M.mean[0])


def test_the_best_epoch_of_a_stage_is_carried_to_the_next() -> None:
    model, samples = DMIL.for_data(xor(200)), xor(200)
    history = fit(model, samples, xor(100, seed=1), epochs=25, device="cpu", progress=False)
    frame = history.to_frame().query("split == 'val'")
    for stage, term in (
        ("intra", "task_1"),
        ("consistency", "prediction"),
        ("joint", "prediction"),
    ):
        values = frame[(frame["stage"] == stage) & (frame["term"] == term)].set_index("epoch")[
            "value"
        ]
        assert history.best_epoch[stage] == values.idxmin()
    best = model.L3(xor(100, seed=1))["prediction"]
    assert float(best.detach()) == pytest.approx(values.min(), abs=1e-5)


# What the components learn.


def of_bits(n: int, kind: str, seed: int = 0) -> MultimodalData:
    """One fair bit a modality, noisily; the label is decided as `kind` says."""
    rng = torch.Generator().manual_seed(seed)
    a, b = torch.randint(2, (2, n), generator=rng)
    b = a if kind == "R" else b
    label = {"R": a, "U1": a, "U2": b, "S": a ^ b}[kind]
    views = {
        name: (2.0 * bit[:, None] - 1) + 0.2 * torch.randn(n, 3, generator=rng)
        for name, bit in (("a", a), ("b", b))
    }
    return from_arrays(views, label)


@pytest.mark.parametrize("synergy", ["product", "residual"])
def test_xor_is_learned_by_the_synergy_branch_and_by_no_other(synergy: str) -> None:
    model = DMIL.for_data(xor(600), synergy=synergy)
    train(model, xor(600))
    losses = component_losses(model, xor(2000, seed=1))
    assert losses["S"] < 0.1
    for c in ("R", "U1", "U2"):
        assert losses[c] > 0.95, c
    assert evaluate(model, xor(2000, seed=1), device="cpu").metrics["accuracy"] > 0.95


def test_without_products_and_hidden_layers_no_branch_learns_xor() -> None:
    class Additive(nn.Linear):
        def __init__(self, n: int, d: int) -> None:
            super().__init__(n * d, d)

        def forward(self, N: Tensor) -> Tensor:
            return super().forward(torch.cat([*N], dim=-1))

    model = DMIL.for_data(xor(600), synergy=Additive)
    train(model, xor(600))
    assert min(component_losses(model, xor(2000, seed=1)).values()) > 0.95


#: Components that predict the label of each pure kind. The theory has the diagonal; see the test.
PREDICTS = {
    "R": {"R", "U1", "U2", "S"},
    "U1": {"R", "U1", "S"},
    "U2": {"R", "U2", "S"},
    "S": {"S"},
}


@pytest.mark.parametrize("kind", INTERACTIONS)
def test_which_components_predict_which_pure_kind(kind: str) -> None:
    """Where a component *cannot* predict it does not; where it need not, it may all the same.

    U_m sees modality m only, and R and U_m together are additive in M_1 and M_2: they fail on the
    kinds that they cannot express. But nothing in the objective forbids what is expressible: the
    classifier of U_m is trained on redundant labels, too, R = q(R|M_1,M_2) may carry what is
    unique (the alignment term only makes that costly), and S sees both residuals.
    """
    model = DMIL.for_data(of_bits(600, kind))
    train(model, of_bits(600, kind))
    for c, loss in component_losses(model, of_bits(2000, kind, seed=1)).items():
        assert loss < 0.2 if c in PREDICTS[kind] else loss > 0.95, (c, loss)


# Synergy first (ours).


def test_focus_by_hand() -> None:
    # Two classes, probabilities of class 0: sample 1 (.5, .5), sample 2 (.9, .5), both of class 0.
    p = torch.tensor([[0.5, 0.9], [0.5, 0.5]])
    logits = torch.stack([p, 1 - p], dim=-1).log()
    raw = torch.tensor([0.5 * 0.5, 0.1 * 0.5])
    weight = focus(logits.requires_grad_(), torch.tensor([0, 0]))
    torch.testing.assert_close(weight, raw / raw.mean())
    assert not weight.requires_grad
    values = torch.tensor([[1.0, 5.0], [2.0, 1.0]]).unsqueeze(-1)  # squared errors (1, 9), (4, 1)
    torch.testing.assert_close(focus(values, torch.tensor([0.0, 2.0])), torch.tensor([1.0, 1.0]))


def test_focus_does_not_blow_up_where_every_sample_is_solved() -> None:
    logits = torch.tensor([[[50.0, 0.0], [50.0, 0.0]]])
    assert float(focus(logits, torch.tensor([0, 0])).max()) < 1e-6


@given(seeds)
def test_a_weighted_task_is_the_weighted_mean(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits, weight = torch.randn(1, 6, 3, generator=generator), torch.rand(6, generator=generator)
    y = torch.randint(3, (6,), generator=generator)
    losses = F.cross_entropy(logits[0], y, reduction="none")
    torch.testing.assert_close(task(logits, y, weight)[0], (losses * weight).mean())


@pytest.mark.parametrize(
    ("epochs", "expected"), [(25, [10, 6, 3, 6]), (100, [40, 10, 5, 45]), (1, [1])]
)
def test_synergy_first_has_a_stage_before_the_others(epochs: int, expected: list[int]) -> None:
    stages = DMIL.for_data(xor(20), synergy_first=True).stages(epochs)
    assert [s.epochs for s in stages] == expected
    assert sum(expected) == epochs
    names = ["synergy", "intra", "consistency", "joint"]
    assert [s.name for s in stages] == names[-len(stages) :]


@pytest.mark.parametrize(
    ("stage", "moves"),
    [
        ("synergy", ("encoders.", "intra.", "synergy.", "classify.")),
        ("intra", ("encoders.", "intra.", "synergy.", "classify.")),
        ("consistency", MOVES["consistency"]),
    ],
)
def test_with_synergy_first_a_stage_moves_its_own_parts(stage: str, moves: tuple[str, ...]) -> None:
    model = only(stage).for_data(xor(80), encoders=noisy_encoders(), synergy_first=True)
    before = weights(model)
    train(model, xor(80), epochs=10)
    for name, x in weights(model).items():
        if not (stage == "synergy" and name.startswith("intra.decode")):  # no loss reaches it
            assert torch.equal(x, before[name]) != name.startswith(moves), name


def test_the_classifiers_that_say_where_to_focus_do_not_pull_at_the_encoders() -> None:
    model: Any = DMIL.for_data(xor(20), synergy_first=True)
    model.L0(xor(20))["task_1"].backward()
    touched = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert touched == {"intra.classify.weight", "intra.classify.bias"}


def test_with_synergy_first_the_residuals_have_no_noise() -> None:
    model: Any = DMIL.for_data(xor(20), synergy_first=True).train()
    one, other = (model.intra(model.encode(xor(20).inputs)) for _ in range(2))
    assert torch.equal(one.N, other.N)
    assert not torch.equal(one.M, other.M)
    assert one.q_N.log_var is None


def test_the_loss_of_the_first_stage_stays_in_the_second() -> None:
    model: Any = deterministic_model(synergy_first=True, **WEIGHTS)
    terms = {name: float(x.detach()) for name, x in model.L1(double(xor(20))).items()}
    level1 = terms["task_1"] + 0.3 * terms["variational_1"] + terms["reconstruction_1"]
    assert terms["total"] == pytest.approx(level1 + terms["task_S"])
    at = model.components(double(xor(20)).inputs)
    M = torch.stack([at.latents["M1"], at.latents["M2"]])
    weight = focus(model.intra.classify(M), xor(20).target)
    losses = F.cross_entropy(at.logits["S"], xor(20).target, reduction="none")
    assert terms["task_S"] == pytest.approx(float((losses * weight).mean().detach()))


def test_synergy_first_learns_xor() -> None:
    model = DMIL.for_data(xor(600), synergy_first=True)
    train(model, xor(600))
    losses = component_losses(model, xor(2000, seed=1))
    assert losses.pop("S") < 0.1
    assert min(losses.values()) > 0.95


# Other numbers of modalities, ablations, wrong input, devices.


def parity(n: int, seed: int = 0) -> MultimodalData:
    """Three bits, three modalities; only all of them together tell the label."""
    rng = torch.Generator().manual_seed(seed)
    bits = torch.randint(2, (3, n), generator=rng)
    views = {
        name: (2.0 * bit[:, None] - 1) + 0.2 * torch.randn(n, 3, generator=rng)
        for name, bit in zip("abc", bits, strict=True)
    }
    return from_arrays(views, bits.sum(dim=0) % 2)


@pytest.mark.parametrize("synergy", ["product", "residual"])
def test_three_modalities_have_level_one_only_and_say_so(synergy: str) -> None:
    model = DMIL.for_data(parity(600), synergy=synergy)
    assert model.interaction_names == ("M1", "M2", "M3", "S")
    train(model, parity(600), epochs=50)
    losses = component_losses(model, parity(1000, seed=1))
    assert losses.pop("S") < 0.2
    assert min(losses.values()) > 0.95
    result = evaluate(model, parity(1000, seed=1), device="cpu")
    assert result.metrics["accuracy"] > 0.95
    assert list(result.interactions) == ["M1", "M2", "M3", "S"]


def test_level_one_alone_makes_no_claim_of_redundancy() -> None:
    model = DMIL.for_data(xor(20), levels="intra")
    assert model.interaction_names == ("M1", "M2", "S")
    assert not any(name.startswith("consistency") for name, _ in model.named_parameters())
    at = model.eval().components(xor(20).inputs).latents
    assert set(at) == {"M1", "M2", "N1", "N2", "S"}
    assert "alignment_2" not in model.L3(xor(20))


def test_level_two_alone_splits_the_features_themselves() -> None:
    model = DMIL.for_data(xor(20), levels="consistency").eval()
    assert model.interaction_names == INTERACTIONS
    at = model.components(xor(20).inputs).latents
    assert torch.equal(at["M1"], at["N1"])
    assert not any("bottleneck" in name for name, _ in model.named_parameters())
    terms = model.L3(xor(20))
    assert "variational_1" not in terms
    assert {"task_1", "variational_2", "alignment_2"} < set(terms)


@pytest.mark.parametrize("levels", ["intra", "consistency"])
def test_the_ablations_learn_xor_too(levels: str) -> None:
    model = DMIL.for_data(xor(600), levels=levels)
    train(model, xor(600))
    assert component_losses(model, xor(1000, seed=1))["S"] < 0.2


def test_several_labels_a_sample_are_refused() -> None:
    with pytest.raises(DataError, match="not for several labels"):
        DMIL.for_data(two_labels(20))


@pytest.mark.parametrize("n", [1, 4])
def test_other_numbers_of_modalities_are_refused(n: int) -> None:
    samples = from_arrays({name: torch.randn(6, 2) for name in "abcd"[:n]}, [0, 1] * 3)
    with pytest.raises(DataError, match=rf"two modalities, or three.*the data has {n}: \['a'"):
        DMIL.for_data(samples)


@pytest.mark.parametrize("levels", ["both", "consistency"])
def test_level_two_is_refused_for_three_modalities(levels: str) -> None:
    with pytest.raises(DataError, match=r"needs two modalities.*'c'\].*levels='intra'"):
        DMIL.for_data(parity(20), levels=levels)


def test_unknown_names_get_the_closest_one() -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown synergy 'produkt'. Did you mean 'product'"
    ):
        DMIL.for_data(xor(20), synergy="produkt")
    with pytest.raises(UnknownNameError, match=r"unknown levels 'inter'. Did you mean 'intra'"):
        DMIL.for_data(xor(20), levels="inter")


def test_regression() -> None:
    model = DMIL.for_data(linear(600))
    train(model, linear(600), epochs=40)
    assert evaluate(model, linear(300, seed=1), device="cpu").metrics["r2"] > 0.9


def test_encoders_are_arguments_and_may_differ_in_length() -> None:
    own = {"a": nn.Linear(3, 7), "b": noisy_encoder(5)}
    model = DMIL.for_data(xor(20), encoders=own, latent_dim=6)
    assert model.encoders["a"] is own["a"]
    assert model.components(xor(20).inputs).latents["S"].shape == (20, 6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_training_on_a_gpu_learns_xor() -> None:
    model = DMIL.for_data(xor(600))
    fit(model, xor(600), epochs=25, batch_size=64, lr=3e-3, device="cuda", progress=False)
    result = evaluate(model, xor(1000, seed=1), device="cuda")
    assert result.metrics["accuracy"] > 0.95
    on_cpu = evaluate(model, xor(1000, seed=1), device="cpu")
    assert result.metrics == pytest.approx(on_cpu.metrics, abs=5e-3)


# What is minimised is declared.


@pytest.mark.parametrize("level", [1, 2])
def test_only_declared_terms_are_part_of_a_levels_total(level: int) -> None:
    model = DMIL.for_data(xor(20), dim=4, latent_dim=4, lam=0.5)
    names = [f"{term}_{level}" for term in ("task", "variational", "reconstruction")]
    terms = {name: torch.tensor(float(10**i)) for i, name in enumerate(names)}
    extra = {f"norm_{level}": torch.tensor(7.0), "accuracy_M1": torch.tensor(1.0)}
    assert model._total(terms | extra).item() == 1 + 0.5 * 10 + 100
    losses = {1: model.L1, 2: model.L2}[level](xor(20))
    assert set(names) <= losses.keys() & model.weights.keys()
