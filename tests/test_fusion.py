"""Fusion models against outputs worked out on paper, and which of them are additive."""

from collections.abc import Sequence
from math import exp, log, tanh

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mmfuse_lib.errors import DataError, UnknownNameError
from mmfuse_lib.fusion import (
    FUSIONS,
    ConcatFusion,
    FiLMFusion,
    GatedFusion,
    SumFusion,
    make_fusion,
)


def constant(module: nn.Module, weight: float = 0.5, bias: float = 2.0) -> nn.Module:
    """Set all weights and all biases to one number each."""
    for name, p in module.named_parameters():
        nn.init.constant_(p, bias if name.endswith("bias") else weight)
    return module


# One sample, z_1 = [2], z_2 = [5, -1]; weights 1/2, biases 2.
Z = [torch.tensor([[2.0]]), torch.tensor([[5.0, -1.0]])]


def test_concat_by_hand() -> None:
    # Sum of features 6: each of 3 hidden units is 5, the logit 15 / 2 + 2.
    assert constant(ConcatFusion([1, 2], 1, hidden=3))(Z).tolist() == [[9.5]]


def test_concat_clips_what_is_negative() -> None:
    z = [torch.tensor([[-20.0]]), torch.tensor([[5.0, -1.0]])]
    assert constant(ConcatFusion([1, 2], 1, hidden=3))(z).tolist() == [[2.0]]


def test_sum_by_hand() -> None:
    # 2 / 2 + 2 = 3 and 4 / 2 + 2 = 4.
    assert constant(SumFusion([1, 2], 1))(Z).tolist() == [[7.0]]


def test_film_by_hand() -> None:
    # V z_1 = 3; gamma = beta = 4: each hidden unit is 4 * 3 + 4 = 16.
    assert constant(FiLMFusion([1, 2], 1, hidden=3))(Z).tolist() == [[26.0]]


def test_film_scales_by_gamma_and_shifts_by_beta_not_the_other_way_round() -> None:
    model = FiLMFusion([1, 2], 1, hidden=1)
    constant(model)
    with torch.no_grad():
        model.modulate.bias.copy_(torch.tensor([2.0, 10.0]))  # gamma 4, beta 12
    assert model(Z).tolist() == [[(4 * 3 + 12) / 2 + 2]]


def test_film_clips_what_is_negative() -> None:
    model = constant(FiLMFusion([1, 2], 1, hidden=3))
    assert model([torch.tensor([[-20.0]]), Z[1]]).tolist() == [[2.0]]


def test_gated_by_hand_with_equal_gates() -> None:
    # tanh(3) and tanh(4), each with gate 1/2, two hidden units.
    logit = constant(GatedFusion([1, 2], 1, hidden=2))(Z).item()
    assert logit == pytest.approx(2 * 0.5 * (tanh(3) + tanh(4)) / 2 + 2, abs=1e-6)


def test_gated_by_hand_with_gates_three_to_one() -> None:
    model = GatedFusion([1, 2], 1, hidden=2)
    constant(model)
    with torch.no_grad():
        model.gate.bias.copy_(torch.tensor([log(3), log(3), 0.0, 0.0]))
    expected = 2 * 0.5 * (0.75 * tanh(3) + 0.25 * tanh(4)) + 2
    assert model(Z).item() == pytest.approx(expected, abs=1e-6)


def test_gates_compete_per_hidden_unit() -> None:
    model = GatedFusion([1, 2], 1, hidden=2)
    constant(model)
    with torch.no_grad():
        model.gate.bias.copy_(torch.tensor([log(3), 0.0, 0.0, 1.0]))
    second = 1 / (1 + exp(1))
    h = [0.75 * tanh(3) + 0.25 * tanh(4), second * tanh(3) + (1 - second) * tanh(4)]
    assert model(Z).item() == pytest.approx(0.5 * sum(h) + 2, abs=1e-6)


numbers = st.lists(st.floats(-100, 100), min_size=2, max_size=2)


def excess(fusion: nn.Module, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> float:
    """Return the largest |f(a,b) + f(c,d) - f(a,d) - f(c,b)|: 0 for every additive f."""
    with torch.no_grad():
        return float(
            (fusion([a, b]) + fusion([c, d]) - fusion([a, d]) - fusion([c, b])).abs().max()
        )


@given(a=numbers, b=numbers, c=numbers, d=numbers, seed=st.integers(0, 100))
def test_sum_is_additive_for_any_inputs_and_weights(
    a: list[float], b: list[float], c: list[float], d: list[float], seed: int
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = SumFusion([2, 2], 3).double()
    inputs = [torch.tensor([x], dtype=torch.float64) for x in (a, b, c, d)]
    assert excess(model, *inputs) < 1e-9


@pytest.mark.parametrize("name", sorted(set(FUSIONS) - {"sum"}))
def test_the_others_are_not_additive(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = make_fusion(name, [2, 2], 3).double()
        a, b, c, d = torch.randn(4, 50, 2, dtype=torch.float64)
    assert excess(model, a, b, c, d) > 0.05


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("dims", [(3, 2), (3, 2, 4), (1, 1, 1, 1)])
def test_every_modality_reaches_the_logits(name: str, dims: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    z = [torch.randn(5, d, requires_grad=True) for d in dims]
    logits = make_fusion(name, dims, 3)(z)
    assert logits.shape == (5, 3)
    logits.square().sum().backward()
    for z_m in z:
        assert z_m.grad is not None
        assert (z_m.grad.abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("name", FUSIONS)
def test_samples_do_not_see_each_other(name: str) -> None:
    torch.manual_seed(0)
    model = make_fusion(name, (3, 2, 4), 3)
    z = [torch.randn(6, d) for d in (3, 2, 4)]
    whole = model(z)
    each = torch.cat([model([z_m[i : i + 1] for z_m in z]) for i in range(6)])
    assert torch.allclose(whole, each, atol=1e-6)


@pytest.mark.parametrize("name", FUSIONS)
def test_one_modality_too_few_is_an_error(name: str) -> None:
    model = make_fusion(name, (3, 2, 4), 3)
    with pytest.raises((ValueError, RuntimeError)):
        model([torch.zeros(2, 3), torch.zeros(2, 2)])


def test_film_of_one_modality_is_refused() -> None:
    with pytest.raises(DataError, match="FiLM needs two or more modalities"):
        FiLMFusion([3], 2)


def test_an_unknown_name_gets_the_closest_one() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown fusion 'cncat'. Did you mean 'concat'"):
        make_fusion("cncat", [1, 1], 2)


def test_a_readers_own_class_is_called_on_dims_and_outputs() -> None:
    class Product(nn.Module):
        def __init__(self, dims: Sequence[int], n_outputs: int) -> None:
            super().__init__()
            self.seen = (tuple(dims), n_outputs)

    model = make_fusion(Product, [3, 4], 5)
    assert isinstance(model, Product)
    assert model.seen == ((3, 4), 5)
